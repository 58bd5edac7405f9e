//! The sandbox over real HTTP on loopback.

mod admin;
mod control;
mod faults;
mod figures;
mod oauth;
mod quirks;
mod reports;
mod stripe;
mod stripe_money;
mod stripe_shapes;
mod tokens;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use url::Url;

use super::{Config, Sandbox, start};

const CLIENT_ID: &str = "portal.example";
const SECRET: &str = "s3cret";
const REDIRECT: &str = "http://127.0.0.1:7071/api/oauth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The S256 challenge of [`VERIFIER`], from RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const LUMBRE: &str = "cliente@lumbre.example";
const AGENCY: &str = "ana@agencia.example";
const SHOP: &str = "310000001";
/// Noon in Madrid on a Monday.
const NOW: &str = "2026-11-23T11:00:00Z";

/// A sandbox of its own with a pinned clock, and a client for it.
struct Bench {
    folder: PathBuf,
    config: Config,
    sandbox: Sandbox,
    client: Client,
}

impl Bench {
    async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("portal-sandbox-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = Config {
            clock_file: folder.join("clock"),
            client_id: CLIENT_ID.into(),
            client_secret: SECRET.into(),
            redirect_uri: REDIRECT.into(),
            state_file: folder.join("state.json"),
            seed: 7,
        };
        let sandbox = start(config.clone()).await.unwrap();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let bench = Self { folder, config, sandbox, client };
        bench.set_clock(NOW).await;
        bench
    }

    /// Stops the sandbox and starts it again on the same files.
    async fn restart(&mut self) {
        self.sandbox = start(self.config.clone()).await.unwrap();
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.client.request(method, self.url(&format!("/__control/{path}")));
        let request = if body.is_null() { request } else { request.json(&body) };
        read(request.send().await.unwrap()).await
    }

    async fn set_clock(&self, now: &str) {
        let (status, _) = self.control(Method::POST, "clock", json!({"now": now})).await;
        assert_eq!(status, 200);
    }

    async fn fault(&self, rule: Value) {
        let (status, answer) = self.control(Method::POST, "faults", rule).await;
        assert_eq!(status, 201, "{answer}");
    }

    /// Answers the consent page; `changes` replace or add parameters, an empty value leaves one out.
    async fn decide(&self, changes: &[(&str, &str)]) -> Response {
        let mut form = parameters(changes);
        let ticked = changes.iter().any(|(name, _)| *name == "granted");
        for (name, value) in [("account", LUMBRE), ("granted", super::ga4::SCOPE), ("decision", "allow")] {
            let own = form.iter().any(|(key, _)| key == name) || (name == "granted" && ticked);
            if !own {
                form.push((name.into(), value.into()));
            }
        }
        self.client.post(self.url(super::authorize::PATH)).form(&form).send().await.unwrap()
    }

    /// Gives consent and returns the code.
    async fn code(&self, changes: &[(&str, &str)]) -> String {
        let response = self.decide(changes).await;
        assert_eq!(response.status(), 302);
        redirected(&response)["code"].clone()
    }

    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        read(self.client.post(self.url("/token")).form(form).send().await.unwrap()).await
    }

    /// Exchanges a code with the right client, redirect URI and verifier.
    async fn exchange(&self, code: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", CLIENT_ID),
            ("client_secret", SECRET),
        ])
        .await
    }

    async fn refresh(&self, refresh_token: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", CLIENT_ID),
            ("client_secret", SECRET),
        ])
        .await
    }

    /// Access and refresh token of a new connection.
    async fn connect(&self, email: &str) -> (String, String) {
        let code = self.code(&[("account", email)]).await;
        let (status, answer) = self.exchange(&code).await;
        assert_eq!(status, 200, "{answer}");
        (text(&answer["access_token"]), text(&answer["refresh_token"]))
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        read(self.client.get(self.url(path)).bearer_auth(token).send().await.unwrap()).await
    }

    /// `POST /v1beta/properties/{target}`.
    async fn post(&self, token: &str, target: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(self.url(&format!("/v1beta/properties/{target}")));
        read(request.bearer_auth(token).json(body).send().await.unwrap()).await
    }

    /// A report of the shop that must succeed.
    async fn report(&self, token: &str, body: &Value) -> Value {
        let (status, answer) = self.post(token, &format!("{SHOP}:runReport"), body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// `GET /stripe/v1/{path}` with an API key.
    async fn stripe(&self, key: &str, path: &str) -> (u16, Value) {
        self.get(key, &format!("/stripe/v1/{path}")).await
    }

    /// A list or object of Stripe's that must be there.
    async fn some(&self, key: &str, path: &str) -> Value {
        let (status, answer) = self.stripe(key, path).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// All objects of a list, newest first, page by page.
    async fn all(&self, key: &str, path: &str) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        let mut cursor = String::new();
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = self.some(key, &format!("{path}{sign}limit=100{cursor}")).await;
            found.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["has_more"] == false {
                return found;
            }
            cursor = format!("&starting_after={}", text(&found.last().unwrap()["id"]));
        }
    }

    /// The request log from `since` on.
    async fn log(&self, query: &str) -> Value {
        self.control(Method::GET, &format!("requests{query}"), Value::Null).await.1
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The parameters of a good authorization request, with changes.
fn parameters(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let good = [
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", super::ga4::SCOPE),
        ("state", "st4te"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("include_granted_scopes", "true"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = good.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let all = kept.chain(changes).filter(|(_, value)| !value.is_empty());
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn redirected(response: &Response) -> HashMap<String, String> {
    let target = response.headers()["location"].to_str().unwrap();
    assert!(target.starts_with(&format!("{REDIRECT}?")), "{target}");
    Url::parse(target).unwrap().query_pairs().into_owned().collect()
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A report request for some days.
fn query(dimensions: &[&str], metrics: &[&str], from: &str, to: &str) -> Value {
    let named = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
    json!({
        "dimensions": named(dimensions), "metrics": named(metrics),
        "dateRanges": [{"startDate": from, "endDate": to}]
    })
}

/// The rows of a report: joined dimension values, and the metrics as numbers.
fn rows(report: &Value) -> Vec<(String, Vec<f64>)> {
    let values = |row: &Value, side: &str| -> Vec<String> {
        row[side].as_array().into_iter().flatten().map(|value| text(&value["value"])).collect()
    };
    let row = |row: &Value| {
        let numbers = values(row, "metricValues").iter().map(|value| value.parse().unwrap()).collect();
        (values(row, "dimensionValues").join("|"), numbers)
    };
    report["rows"].as_array().into_iter().flatten().map(row).collect()
}

/// The sum of one metric over all rows.
fn sum(report: &Value, metric: usize) -> f64 {
    rows(report).iter().map(|(_, numbers)| numbers[metric]).sum()
}
