//! The host's own HTTP port: routes to functions, `/admin`, the home page. Only the edge and developers talk to it.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router};
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::parse;

use super::bindings::{AuthLevel, Function, HostConfig, Trigger};
use super::jobs::Jobs;
use super::worker::{State as WorkerState, Unavailable};
use super::{HOST_VERSION, raw_http};
use crate::clock::random_uuid;

/// The host's default request body limit.
pub const BODY_LIMIT: u64 = 104_857_600;
/// A by-hand input is small.
const INPUT_LIMIT: usize = 1024 * 1024;

/// What the listener needs.
pub struct Listener {
    pub config: HostConfig,
    pub jobs: Jobs,
    /// The key that `function` and `admin` level functions ask for.
    pub key: String,
    pub body_limit: u64,
}

#[derive(Deserialize, Default)]
struct ByHand {
    input: Option<String>,
}

impl Listener {
    /// The listener's service.
    pub fn router(self) -> Router {
        Router::new().fallback(handle).with_state(Arc::new(self))
    }

    /// First match in name order wins; a method that a route does not list means "next route".
    fn find(&self, method: &Method, path: &str) -> Option<(&Function, AuthLevel)> {
        self.jobs.functions.iter().find_map(|function| match &function.trigger {
            Trigger::Http { route, methods, auth } => {
                let fits = (methods.is_empty() || methods.contains(method)) && route.matches(path);
                fits.then_some((function, *auth))
            }
            _ => None,
        })
    }

    fn may_call(&self, auth: AuthLevel, request: &Request) -> bool {
        let header = request.headers().get("x-functions-key").and_then(|key| key.to_str().ok());
        let query = request.uri().query().unwrap_or_default().as_bytes();
        auth == AuthLevel::Anonymous
            || header == Some(self.key.as_str())
            || parse(query).any(|(name, value)| name == "code" && value == self.key.as_str())
    }

    async fn invoke(&self, function: &str, request: Request) -> Response {
        let started = Instant::now();
        let (id, method, path) = (random_uuid(), request.method().clone(), request.uri().path().to_owned());
        let response = match self.jobs.invoker.worker.address().await {
            Ok(address) => {
                let client = &self.jobs.invoker.client;
                let call = raw_http::send(client, request, address, id, self.config.proxying);
                let answer = self.jobs.invoker.limited(function, call).await;
                answer.unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
            }
            // The platform's own answer while no host runs.
            Err(Unavailable::Ended) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Function host is not running.").into_response()
            }
            Err(error) => {
                tracing::error!(%id, "{error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        };
        // Never the query: it may hold a function key.
        tracing::info!(%id, "{function} {method} {path} {} in {} ms", response.status().as_u16(), started.elapsed().as_millis());
        response
    }

    async fn admin(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').skip(1).collect();
        match (&parts.method, &path[..]) {
            (&Method::GET, ["host", "status"]) => Json(self.status()).into_response(),
            (&Method::GET, ["functions"]) => Json(self.jobs.listing()).into_response(),
            (&Method::POST, ["functions", name]) => self.by_hand(name, body).await,
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    async fn by_hand(&self, name: &str, body: Body) -> Response {
        let Ok(body) = Limited::new(body, INPUT_LIMIT).collect().await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let body = body.to_bytes();
        let input: ByHand = match serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) {
            Ok(input) => input,
            Err(error) => return (StatusCode::BAD_REQUEST, format!("{{\"input\": \"…\"}}: {error}")).into_response(),
        };
        let Some((function, envelope)) = self.jobs.by_hand(name, input.input.as_deref()) else {
            return (StatusCode::NOT_FOUND, "no timer or queue function of this name").into_response();
        };
        let invoker = self.jobs.invoker.clone();
        tokio::spawn(async move { invoker.job(&function, envelope).await });
        StatusCode::ACCEPTED.into_response()
    }

    fn status(&self) -> serde_json::Value {
        let state = *self.jobs.invoker.worker.state().borrow();
        let (text, pid) = match state {
            WorkerState::Starting => ("Starting", None),
            WorkerState::Ready { pid, .. } => ("Running", Some(pid)),
            WorkerState::Gone => ("Running", None),
            WorkerState::Ended => ("Error", None),
        };
        json!({"id": "portal-local", "state": text, "version": HOST_VERSION, "handlerProcessId": pid})
    }
}

async fn handle(State(host): State<Arc<Listener>>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/admin" || path.starts_with("/admin/") {
        return host.admin(request).await;
    }
    let Some((function, auth)) = host.find(request.method(), path) else {
        let home = path == "/" && matches!(*request.method(), Method::GET | Method::HEAD);
        return if home { Html("<p>The Functions host is running.</p>").into_response() } else { not_found() };
    };
    let mut response = if !host.may_call(auth, &request) {
        StatusCode::UNAUTHORIZED.into_response()
    } else if length(&request).is_some_and(|length| length > host.body_limit) {
        StatusCode::PAYLOAD_TOO_LARGE.into_response()
    } else {
        let limit = usize::try_from(host.body_limit).unwrap_or(usize::MAX);
        let request = request.map(|body| Body::new(Limited::new(body, limit)));
        host.invoke(&function.name, request).await
    };
    for (name, value) in &host.config.custom_headers {
        if !response.headers().contains_key(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn not_found() -> Response {
    let mut response = StatusCode::NOT_FOUND.into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}

fn length(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
