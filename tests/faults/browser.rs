//! A signed-in person, as far as HTTP goes: cookie, CSRF token, origin; and the way over Google's consent page.

use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::wait::eventually;

/// The password of every demo person.
pub const PASSWORD: &str = "mar-azul-faro-2026";
/// The Google person with one property, and the one with several.
pub const ANA: &str = "ana@agencia.example";

/// A client without redirects, proxies or cookies of its own.
pub fn client() -> Client {
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.timeout(Duration::from_mins(1)).build().unwrap()
}

/// A session.
pub struct Browser {
    client: Client,
    base: String,
    cookie: String,
    csrf: String,
    /// The body of the login's answer.
    pub session: Value,
}

impl Browser {
    /// Signs in with the demo password.
    pub async fn sign_in(base: &str, email: &str) -> Self {
        let client = client();
        let request = client.post(format!("{base}/api/auth/login")).header(ORIGIN, base);
        let answer = request.json(&json!({"email": email, "password": PASSWORD})).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{email} signs in");
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let session: Value = answer.json().await.unwrap();
        let csrf = session["csrf_token"].as_str().unwrap().to_owned();
        Self { client, base: base.to_owned(), cookie, csrf, session }
    }

    /// The tenant's id.
    pub fn tenant(&self) -> String {
        self.session["tenant"]["id"].as_str().unwrap().to_owned()
    }

    /// A request of this person's page.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        request.header(ORIGIN, &self.base).header(COOKIE, &self.cookie).header("X-CSRF-Token", &self.csrf)
    }

    /// Sends a request with a JSON body or none.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    /// Sends a request that succeeds; null for an empty answer.
    pub async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let answer = self.send(method, path, body).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Value {
        self.json(Method::GET, path, None).await
    }

    /// The id of the source with this name.
    pub async fn source_named(&self, name: &str) -> String {
        let list = self.get("/api/sources").await;
        let items = list["items"].as_array().unwrap();
        items.iter().find(|item| item["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// A source.
    pub async fn source(&self, id: &str) -> Value {
        self.get(&format!("/api/sources/{id}")).await
    }

    /// The newest run of a source.
    pub async fn newest_sync(&self, id: &str) -> Value {
        self.get(&format!("/api/sources/{id}/syncs")).await["items"][0].clone()
    }

    /// Adds a Google source and gives consent as [`ANA`]; it waits for the choice of a property.
    pub async fn add_source(&self, name: &str) -> String {
        let made = self.json(Method::POST, "/api/sources", Some(&json!({"provider": "ga4", "name": name}))).await;
        let id = made["id"].as_str().unwrap().to_owned();
        self.consent(&id).await;
        id
    }

    /// Adds a Google source on one of Ana's properties; its first run begins.
    pub async fn connect(&self, name: &str, property: &str) -> String {
        let id = self.add_source(name).await;
        self.choose(&id, property).await;
        id
    }

    /// Chooses the property, which starts the first run.
    pub async fn choose(&self, id: &str, property: &str) {
        let path = format!("/api/sources/{id}");
        self.json(Method::PATCH, &path, Some(&json!({"property_id": property}))).await;
    }

    /// Goes to Google's page, allows everything and comes back.
    pub async fn consent(&self, id: &str) {
        let answer = self.json(Method::POST, &format!("/api/sources/{id}/connect"), None).await;
        let page = Url::parse(answer["authorize_url"].as_str().unwrap()).unwrap();
        let mut form: Vec<(String, String)> = page.query_pairs().into_owned().collect();
        let scopes = form.iter().find(|(name, _)| name == "scope").unwrap().1.clone();
        form.extend(scopes.split(' ').map(|scope| ("granted".to_owned(), scope.to_owned())));
        form.push(("account".to_owned(), ANA.to_owned()));
        form.push(("decision".to_owned(), "allow".to_owned()));
        let mut action = page;
        action.set_query(None);
        let answer = self.client.post(action).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND, "the consent page leads back");
        let back = answer.headers()[LOCATION].to_str().unwrap().to_owned();
        let path = back.strip_prefix(&self.base).expect("back to the portal");
        let landed = self.send(Method::GET, path, None).await;
        assert_eq!(landed.status(), StatusCode::SEE_OTHER);
        let target = landed.headers()[LOCATION].to_str().unwrap();
        assert!(!target.contains("error="), "{target}");
    }

    /// Asks for a run and waits for its success; gives the run.
    pub async fn sync(&self, id: &str) -> Value {
        let started = self.json(Method::POST, &format!("/api/sources/{id}/sync"), None).await;
        self.succeeded(id, started["sync_id"].as_str().unwrap()).await
    }

    /// Waits until the newest run of a source has succeeded; gives it.
    pub async fn first_sync(&self, id: &str) -> Value {
        let sync = self.newest_sync(id).await;
        self.succeeded(id, sync["id"].as_str().unwrap()).await
    }

    async fn succeeded(&self, source: &str, sync: &str) -> Value {
        eventually("the run succeeds", 180, async || {
            let runs = self.get(&format!("/api/sources/{source}/syncs")).await;
            let run = runs["items"].as_array().unwrap().iter().find(|run| run["id"] == sync).unwrap().clone();
            assert_ne!(run["status"], "failed", "{run}");
            assert_ne!(run["status"], "cancelled", "{run}");
            (run["status"] == "succeeded").then_some(run)
        })
        .await
    }

    /// Waits until a source is in this state; gives it.
    pub async fn becomes(&self, id: &str, status: &str, seconds: u64) -> Value {
        eventually(&format!("source {id} is {status}"), seconds, async || {
            let source = self.source(id).await;
            (source["status"] == status).then_some(source)
        })
        .await
    }

    /// Removes a source.
    pub async fn remove(&self, id: &str) {
        self.json(Method::DELETE, &format!("/api/sources/{id}"), None).await;
    }
}
