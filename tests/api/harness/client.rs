//! A browser's side of the API.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{FRONT_DOOR, ORIGIN, contract};

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON ({}): {}", self.status, self.text()))
    }

    /// A header as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of a success.
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text());
        self.json()
    }

    /// Checks that this is a problem with this status and code; gives its body without the request's id.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let mut body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("urn:portal:problem:{code}"));
        assert!(body["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{body}");
        let id = body.as_object_mut().unwrap().remove("request_id").unwrap();
        assert_eq!(id, self.header("x-request-id"));
        body
    }

    /// The first field error's field and code.
    pub fn field(&self) -> (String, String) {
        let body = self.problem(422, "invalid");
        let text = |name: &str| body["errors"][0][name].as_str().unwrap().to_owned();
        (text("field"), text("code"))
    }
}

/// One request in the making.
pub struct Call {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
    /// The body, when it is JSON.
    sent: Option<Value>,
}

impl Call {
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.into(), path: path.into(), headers: Vec::new(), body: Body::empty(), sent: None }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub fn json(mut self, value: &Value) -> Self {
        self.sent = Some(value.clone());
        self.header("content-type", "application/json").body(value.to_string())
    }

    /// A form with files, `(field, content)`.
    pub fn form(self, fields: &[(&str, &[u8])]) -> Self {
        let boundary = "----limit-of-this-test-7d1";
        let mut body = Vec::new();
        for (name, content) in fields {
            let file = if *name == "file" { "; filename=\"data.csv\"" } else { "" };
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        self.header("content-type", &format!("multipart/form-data; boundary={boundary}")).body(body)
    }

    /// The status alone, of a router without the guard that words and marks the answers.
    pub async fn status_of(self, router: &Router) -> u16 {
        router.clone().oneshot(self.request()).await.unwrap().status().as_u16()
    }

    fn request(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(self.body).unwrap()
    }

    /// Sends it with these headers and no others. Whatever comes back must be what the OpenAPI document says.
    pub async fn bare(self, router: &Router) -> Answer {
        let (method, path, sent) = (self.method.clone(), self.path.clone(), self.sent.clone());
        let response = router.clone().oneshot(self.request()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        contract::check(&method, &path, sent.as_ref(), &answer);
        answer
    }
}

/// A browser on the portal's pages, behind Front Door.
#[derive(Clone)]
pub struct Client {
    pub router: Router,
    pub cookie: Option<String>,
    pub csrf: Option<String>,
    pub device: Option<String>,
    /// Where it is on the Internet.
    pub ip: String,
}

impl Client {
    pub fn new(router: Router) -> Self {
        Self { router, cookie: None, csrf: None, device: None, ip: "203.0.113.7".into() }
    }

    /// Signs in and keeps the cookie and the CSRF token.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let answer = self.post("/api/auth/login", &json!({"email": email, "password": password})).await;
        if answer.status == 200 {
            self.keep(&answer);
        }
        answer
    }

    /// Keeps the cookie and the CSRF token of an answer that has a session in it, and the device's cookie.
    pub fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let kept = if pair.starts_with("__Host-device=") { &mut self.device } else { &mut self.cookie };
            *kept = Some(pair);
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let session = body.get("session").unwrap_or(&body);
        if let Some(csrf) = session["csrf_token"].as_str() {
            self.csrf = Some(csrf.to_owned());
        }
    }

    /// The session's token.
    pub fn token(&self) -> &str {
        self.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).map_or("", |(_, token)| token)
    }

    /// Sends a request with all that a browser on our pages adds.
    pub async fn send(&self, call: Call) -> Answer {
        let unsafe_method = !matches!(call.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        let mut call = self.passive(call);
        if unsafe_method {
            call = call.header("origin", ORIGIN).header("sec-fetch-site", "same-origin");
            if let Some(csrf) = &self.csrf {
                call = call.header("x-csrf-token", csrf);
            }
        }
        call.bare(&self.router).await
    }

    /// The request with what comes along by itself: Front Door's headers and the cookie.
    pub fn passive(&self, call: Call) -> Call {
        let call = call.header("x-azure-fdid", FRONT_DOOR).header("x-azure-socketip", &self.ip);
        let cookies: Vec<&str> = [&self.cookie, &self.device].into_iter().flatten().map(String::as_str).collect();
        if cookies.is_empty() { call } else { call.header("cookie", &cookies.join("; ")) }
    }

    /// Sends only what comes along by itself.
    pub async fn send_passive(&self, call: Call) -> Answer {
        self.passive(call).bare(&self.router).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Call::new("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Call::new("POST", path).json(body)).await
    }

    /// POST without a body.
    pub async fn act(&self, path: &str) -> Answer {
        self.send(Call::new("POST", path)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Call::new("PATCH", path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Call::new("DELETE", path)).await
    }

    /// Adds a source; gives its id.
    pub async fn add_source(&self, provider: &str, name: &str) -> String {
        let answer = self.post("/api/sources", &json!({"provider": provider, "name": name})).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn source(&self, id: &str) -> Value {
        self.get(&format!("/api/sources/{id}")).await.ok()
    }

    /// The newest run of a source.
    pub async fn last_sync(&self, id: &str) -> Value {
        self.get(&format!("/api/sources/{id}/syncs")).await.ok()["items"][0].clone()
    }

    /// Uploads a file.
    pub async fn upload(&self, id: &str, file: &[u8], mapping: &Value) -> Answer {
        let mapping = mapping.to_string();
        let form = [("file", file), ("mapping", mapping.as_bytes())];
        self.send(Call::new("POST", &format!("/api/sources/{id}/files")).form(&form)).await
    }

    /// Makes a CSV source and uploads a file that must be taken whole; gives the source's id.
    pub async fn import(&self, name: &str, file: &str, mapping: &Value) -> String {
        let id = self.add_source("csv", name).await;
        let report = self.upload(&id, file.as_bytes(), mapping).await.ok();
        assert_eq!(report["rejected_total"], 0, "{report}");
        id
    }

    /// Starts a consent; gives the state.
    pub async fn begin_connect(&self, id: &str) -> String {
        let answer = self.act(&format!("/api/sources/{id}/connect")).await.ok();
        let url = url::Url::parse(answer["authorize_url"].as_str().unwrap()).unwrap();
        url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
    }
}
