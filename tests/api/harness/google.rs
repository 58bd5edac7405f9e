//! A Google on loopback: token endpoint, Admin API and Data API with figures that are a function of the date.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::macros::{date, format_description};
use time::{Date, Duration};
use tokio::sync::oneshot;
use url::Url;

use super::grants::Grants;

/// What Google hands out and nobody else may see.
pub const REFRESH_TOKEN: &str = "canary-refresh-token";
/// The first day with figures; the property was made on it.
pub const FIRST_DAY: Date = date!(2026 - 10 - 20);
pub const SCOPE: &str = "https://www.googleapis.com/auth/analytics.readonly";

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub body: String,
    /// The bearer token.
    pub token: String,
}

impl Seen {
    /// A field of a form.
    pub fn form(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// An answer instead of the usual one.
#[derive(Debug, Clone)]
pub struct Fault {
    path: &'static str,
    after: usize,
    times: usize,
    status: u16,
    body: Value,
    retry_after: Option<u32>,
}

impl Fault {
    /// Answers requests whose path contains `path` with `status`, for ever.
    pub fn new(path: &'static str, status: u16, body: Value) -> Self {
        Self { path, after: 0, times: usize::MAX, status, body, retry_after: None }
    }

    /// An error of Google's APIs.
    pub fn api(status: u16, name: &str, message: &str) -> Self {
        Self::new(":runReport", status, json!({"error": {"code": status, "message": message, "status": name}}))
    }

    /// Only after `after` such requests.
    pub fn after(mut self, after: usize) -> Self {
        self.after = after;
        self
    }

    /// Only so many times.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// A request that waits for the test.
pub struct Held {
    arrived: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the request is there; gives what lets it go on.
    pub async fn arrived(self) -> oneshot::Sender<()> {
        self.arrived.await.unwrap();
        self.release
    }
}

struct Hold {
    path: &'static str,
    after: usize,
    arrived: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

struct Inner {
    seen: Vec<Seen>,
    faults: Vec<Fault>,
    hold: Option<Hold>,
    properties: Vec<(&'static str, &'static str)>,
    rotated: Option<String>,
    revoked: BTreeSet<String>,
    strict: Option<Grants>,
    person: Option<(&'static str, &'static str)>,
    calendar: (&'static str, &'static str),
    /// Longest ranges that are answered in full, and in few rows.
    patience: (i64, i64),
    issued: u32,
    missing: BTreeSet<(String, Date)>,
    bonus: i64,
}

/// The stub.
#[derive(Clone)]
pub struct Google {
    pub url: Url,
    inner: Arc<Mutex<Inner>>,
}

impl Google {
    pub async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            seen: Vec::new(),
            faults: Vec::new(),
            hold: None,
            properties: vec![("properties/1001", "Tienda")],
            rotated: None,
            revoked: BTreeSet::new(),
            strict: None,
            person: None,
            calendar: ("Europe/Madrid", "EUR"),
            patience: (i64::MAX, i64::MAX),
            issued: 0,
            missing: BTreeSet::new(),
            bonus: 0,
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let shared = Arc::clone(&inner);
        let app = axum::Router::new().fallback(move |request: Request| answer(Arc::clone(&shared), request));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, inner }
    }

    pub fn at(&self, path: &str) -> String {
        self.url.join(path).unwrap().to_string()
    }

    pub fn fail(&self, fault: Fault) {
        self.inner.lock().unwrap().faults.push(fault);
    }

    /// No faults any more.
    pub fn heal(&self) {
        self.inner.lock().unwrap().faults.clear();
    }

    /// Holds the request after the next `after` ones to such a path.
    pub fn hold(&self, path: &'static str, after: usize) -> Held {
        let (arrive, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.inner.lock().unwrap().hold = Some(Hold { path, after, arrived: arrive, release: released });
        Held { arrived, release }
    }

    /// The requests to paths that contain `path`.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.inner.lock().unwrap().seen.iter().filter(|seen| seen.path.contains(path)).cloned().collect()
    }

    pub fn show_properties(&self, properties: &[(&'static str, &'static str)]) {
        self.inner.lock().unwrap().properties = properties.to_vec();
    }

    /// The next refresh brings another refresh token.
    pub fn rotate_to(&self, token: &str) {
        self.inner.lock().unwrap().rotated = Some(token.to_owned());
    }

    /// From now on refresh tokens serve once, and an access token says how many seconds and serves so many requests.
    pub fn be_strict(&self, lifetime: u32, uses: usize) {
        self.inner.lock().unwrap().strict = Some(Grants::new(lifetime, uses));
    }

    /// Changes what a strict server has given out.
    pub fn change_grants(&self, change: impl FnOnce(&mut Grants)) {
        change(self.inner.lock().unwrap().strict.as_mut().unwrap());
    }

    /// Says who consents: their id and address. Without, there is no `id_token`.
    pub fn sign_in_as(&self, person: Option<(&'static str, &'static str)>) {
        self.inner.lock().unwrap().person = person;
    }

    /// Zone and currency of all properties.
    pub fn set_calendar(&self, zone: &'static str, currency: &'static str) {
        self.inner.lock().unwrap().calendar = (zone, currency);
    }

    /// More days than the first are answered from a sample, more than the second in too many rows.
    pub fn bound_ranges(&self, sampled_over: i64, crowded_over: i64) {
        self.inner.lock().unwrap().patience = (sampled_over, crowded_over);
    }

    /// Leaves a dimension value out on a day.
    pub fn vanish(&self, value: &str, day: Date) {
        self.inner.lock().unwrap().missing.insert((value.to_owned(), day));
    }

    /// Adds so many sessions to every day.
    pub fn add_sessions(&self, bonus: i64) {
        self.inner.lock().unwrap().bonus = bonus;
    }
}

/// The sessions of a day.
pub fn sessions(day: Date) -> i64 {
    100 + i64::from(day.to_julian_day()) % 50
}

/// The distinct users of some days: fewer than those of the single days together.
pub fn period_users(from: Date, to: Date) -> i64 {
    let mut days = 0;
    let mut at = from.max(FIRST_DAY);
    while at <= to {
        days += sessions(at);
        at += Duration::DAY;
    }
    days * 3 / 5
}

fn parse_day(text: &Value) -> Date {
    Date::parse(text.as_str().unwrap(), format_description!("[year]-[month]-[day]")).unwrap()
}

async fn answer(inner: Arc<Mutex<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let token = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let seen = Seen {
        path: parts.uri.path().to_owned(),
        body: String::from_utf8(body.to_vec()).unwrap(),
        token: token.trim_start_matches("Bearer ").to_owned(),
    };
    let hold = {
        let mut inner = inner.lock().unwrap();
        inner.seen.push(seen.clone());
        inner.take_hold(&seen.path)
    };
    if let Some(hold) = hold {
        hold.arrived.send(()).unwrap();
        // A test that drops its end lets the request go on too.
        let _ = hold.release.await;
    }
    let (status, retry_after, body) = inner.lock().unwrap().reply(&seen);
    let mut response = Response::builder().status(status).header("content-type", "application/json; charset=UTF-8");
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(Body::from(body.to_string())).unwrap()
}

impl Inner {
    fn take_hold(&mut self, path: &str) -> Option<Hold> {
        let hold = self.hold.as_mut().filter(|hold| path.contains(hold.path))?;
        if hold.after > 0 {
            hold.after -= 1;
            return None;
        }
        self.hold.take()
    }

    fn reply(&mut self, seen: &Seen) -> (u16, Option<u32>, Value) {
        for fault in self.faults.iter_mut().filter(|fault| seen.path.contains(fault.path)) {
            if fault.after > 0 {
                fault.after -= 1;
            } else if fault.times > 0 {
                fault.times -= 1;
                return (fault.status, fault.retry_after, fault.body.clone());
            }
        }
        let path = seen.path.as_str();
        if path.contains("/v1beta/") && self.strict.as_mut().is_some_and(|grants| !grants.admits(&seen.token)) {
            let error = json!({"code": 401, "message": "invalid credentials", "status": "UNAUTHENTICATED"});
            return (401, None, json!({ "error": error }));
        }
        let body = match path {
            "/token" if self.revoked.contains(&seen.form("refresh_token").unwrap_or_default()) => {
                return (
                    400,
                    None,
                    json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}),
                );
            }
            "/token" => match self.token(seen) {
                Ok(body) => body,
                Err(refusal) => return (400, None, refusal),
            },
            "/revoke" if self.revoked.insert(seen.form("token").unwrap_or_default()) => json!({}),
            "/revoke" => {
                return (400, None, json!({"error": "invalid_token", "error_description": "Token expired or revoked"}));
            }
            "/v1beta/accountSummaries" => self.accounts(),
            _ if path.ends_with(":batchRunReports") => self.batch(&serde_json::from_str(&seen.body).unwrap()),
            _ if path.ends_with(":runReport") => self.report(&serde_json::from_str(&seen.body).unwrap()),
            _ if path.starts_with("/v1beta/properties/") => json!({
                "timeZone": self.calendar.0, "currencyCode": self.calendar.1, "displayName": "Tienda",
                "createTime": "2026-10-20T08:00:00Z"
            }),
            _ => return (404, None, json!({"error": {"code": 404, "message": "no such path", "status": "NOT_FOUND"}})),
        };
        (200, None, body)
    }

    fn token(&mut self, seen: &Seen) -> Result<Value, Value> {
        let is_consent = seen.form("grant_type").as_deref() == Some("authorization_code");
        let mut body = if let Some(grants) = &mut self.strict {
            grants.token(seen)?
        } else {
            self.issued += 1;
            json!({
                "access_token": format!("canary-access-{}", self.issued), "expires_in": 3599, "scope": SCOPE,
                "token_type": "Bearer"
            })
        };
        if let Some((id, email)) = self.person.filter(|_| is_consent) {
            let claims = URL_SAFE_NO_PAD.encode(json!({"sub": id, "email": email}).to_string());
            body["id_token"] = json!(format!("e30.{claims}.signature"));
        }
        if self.strict.is_some() {
            return Ok(body);
        }
        if is_consent {
            self.revoked.remove(REFRESH_TOKEN);
            body["refresh_token"] = json!(REFRESH_TOKEN);
        } else if let Some(rotated) = self.rotated.take() {
            body["refresh_token"] = json!(rotated);
        }
        Ok(body)
    }

    fn accounts(&self) -> Value {
        let properties: Vec<Value> =
            self.properties.iter().map(|(id, name)| json!({"property": id, "displayName": name})).collect();
        json!({"accountSummaries": [{"displayName": "Acme SL", "propertySummaries": properties}]})
    }

    fn report(&self, request: &Value) -> Value {
        let names = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        let (dimensions, metrics) = (names(&request["dimensions"]), names(&request["metrics"]));
        let range = &request["dateRanges"][0];
        let (from, to) = (parse_day(&range["startDate"]), parse_day(&range["endDate"]));
        let days = (to - from).whole_days() + 1;
        let mut at = from.max(FIRST_DAY);
        let mut rows = Vec::new();
        while at <= to {
            for (value, part) in self.parts(dimensions.get(1).map(String::as_str), at) {
                let stamp = at.format(format_description!("[year][month][day]")).unwrap();
                let keys: Vec<Value> = std::iter::once(stamp).chain(value).map(|text| json!({"value": text})).collect();
                let values: Vec<Value> = metrics.iter().map(|name| json!({"value": figure(name, part)})).collect();
                rows.push(json!({"dimensionValues": keys, "metricValues": values}));
            }
            at += Duration::DAY;
        }
        let headers = |names: &[String]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
        let mut body = json!({
            "dimensionHeaders": headers(&dimensions), "metricHeaders": headers(&metrics), "rowCount": rows.len(), "rows": rows,
            "metadata": {"currencyCode": self.calendar.1, "timeZone": self.calendar.0}
        });
        if days > self.patience.0 {
            body["metadata"]["samplingMetadatas"] = json!([{"samplesReadCount": "1", "samplingSpaceSize": "2"}]);
        }
        if days > self.patience.1 {
            body["rowCount"] = json!(10_001);
        }
        body
    }

    /// Users of whole periods, five at most.
    fn batch(&self, request: &Value) -> Value {
        let requests = request["requests"].as_array().unwrap();
        assert!(requests.len() <= 5, "Google takes five");
        let report = |request: &Value| {
            assert_eq!((&request["dimensions"], &request["metrics"]), (&json!([]), &json!([{"name": "totalUsers"}])));
            let range = &request["dateRanges"][0];
            let users = period_users(parse_day(&range["startDate"]), parse_day(&range["endDate"]));
            json!({
                "metricHeaders": [{"name": "totalUsers"}], "rowCount": 1,
                "rows": [{"metricValues": [{"value": users.to_string()}]}],
                "metadata": {"currencyCode": self.calendar.1, "timeZone": self.calendar.0}
            })
        };
        json!({"reports": requests.iter().map(report).collect::<Vec<_>>()})
    }

    /// The values of a dimension on a day with their sessions.
    fn parts(&self, dimension: Option<&str>, day: Date) -> Vec<(Option<String>, i64)> {
        let all = sessions(day) + self.bonus;
        let (large, small) = match dimension {
            None => return vec![(None, all)],
            Some("sessionDefaultChannelGroup") => ("Direct", "Email"),
            Some("country") => ("Spain", "France"),
            Some(_) => ("desktop", "mobile"),
        };
        let third = all / 3;
        [(large, all - third), (small, third)]
            .into_iter()
            .filter(|(value, _)| !self.missing.contains(&((*value).to_owned(), day)))
            .map(|(value, part)| (Some(value.to_owned()), part))
            .collect()
    }
}

/// A metric's figure for so many sessions.
fn figure(name: &str, sessions: i64) -> String {
    match name {
        "sessions" => sessions.to_string(),
        "engagedSessions" => (sessions / 2).to_string(),
        "newUsers" => (sessions / 4).to_string(),
        "screenPageViews" => (sessions * 3).to_string(),
        "keyEvents" => (sessions / 10).to_string(),
        "ecommercePurchases" => (sessions / 20).to_string(),
        "totalRevenue" => format!("{sessions}.25"),
        "averageSessionDuration" => "60.5".to_owned(),
        "totalUsers" => (sessions - 10).to_string(),
        other => panic!("nobody asks for {other}"),
    }
}
