//! A stub upstream for tests: real HTTP on loopback, answers from a closure, every request noted.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, header};
use serde_json::Value;
use url::Url;

use super::http::{Backoff, UpstreamClient};

/// One request that the stub received.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The fields of a form body.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

/// What the stub answers.
pub enum Reply {
    Json(u16, Value),
    With(u16, Vec<(&'static str, &'static str)>, Vec<u8>),
    /// A 200 whose connection breaks after these bytes.
    Truncated(&'static str),
    /// Never anything.
    Silence,
}

#[derive(Clone)]
pub struct Stub {
    pub url: Url,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Stub {
    /// Starts a stub; `answer` gets the number of the request, from 0, and the request.
    pub async fn start(answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&received), Arc::new(answer));
        let app = axum::Router::new().fallback(move |request: Request| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let request = note(request).await;
                let number = {
                    let mut log: std::sync::MutexGuard<'_, Vec<Received>> = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                respond(answer(number, &request)).await
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, received }
    }

    /// A stub that always answers the same JSON.
    pub async fn json(status: u16, body: Value) -> Self {
        Self::start(move |_, _| Reply::Json(status, body.clone())).await
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }
}

async fn note(request: Request) -> Received {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Received {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn respond(reply: Reply) -> Response {
    let json = (header::CONTENT_TYPE.as_str(), "application/json; charset=UTF-8");
    let (status, headers, body) = match reply {
        Reply::Json(status, value) => (status, vec![json], Body::from(value.to_string())),
        Reply::With(status, headers, body) => (status, headers, Body::from(body)),
        Reply::Truncated(start) => {
            let parts = [Ok(Bytes::from(start)), Err(std::io::Error::other("cut"))];
            let body = Body::from_stream(futures_util::stream::iter(parts));
            (200, vec![json, ("content-length", "100000")], body)
        }
        Reply::Silence => std::future::pending().await,
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body).unwrap()
}

/// A client as in production, but with this total time-out.
pub fn client(timeout: Duration) -> UpstreamClient {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .build()
        .unwrap();
    UpstreamClient::new(http)
}

/// The waits that were asked for; nothing waits.
#[derive(Clone, Default)]
pub struct Waits(Arc<Mutex<Vec<Duration>>>);

impl Waits {
    pub fn backoff(&self, waits: &[Duration]) -> Backoff {
        let noted = self.clone();
        Backoff::new(waits, move |wait| {
            noted.0.lock().unwrap().push(wait);
            std::future::ready(())
        })
    }

    pub fn noted(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}
