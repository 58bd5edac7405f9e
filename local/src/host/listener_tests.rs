//! The host's HTTP port in front of a tiny handler, in both modes.

use std::net::SocketAddr;
use std::time::Duration;

use axum::routing::any;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::*;
use crate::broker::Broker;
use crate::clock::SystemClock;
use crate::host::invoke::Invoker;
use crate::host::route::Route;
use crate::host::worker::Handle;
use crate::settings::tests::TempDir;

/// Tells what it got: path and query, headers (as pairs), body. `/api/a/teapot` answers otherwise.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path().ends_with("/teapot") {
        let cookies = [("set-cookie", "a=1"), ("x-frame-options", "SAMEORIGIN"), ("location", "/elsewhere")];
        let mut response = (StatusCode::FOUND, cookies, "short").into_response();
        response.headers_mut().append("set-cookie", HeaderValue::from_static("b=2"));
        return response;
    }
    let body = body.collect().await.unwrap().to_bytes();
    let headers: Vec<(&str, &str)> = parts.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
    Json(json!({"target": parts.uri.to_string(), "headers": headers, "body": body.len()})).into_response()
}

async fn handler() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(echo))).await });
    address
}

fn http(name: &str, route: &str, methods: &[Method], auth: AuthLevel) -> Function {
    let route = Route::parse("api", route).unwrap();
    Function { name: name.to_owned(), trigger: Trigger::Http { route, methods: methods.to_vec(), auth } }
}

fn timer(name: &str) -> Function {
    let schedule = Box::new(crate::host::cron::Schedule::parse("0 0 0 1 1 *").unwrap());
    let trigger = Trigger::Timer { binding: "timer".to_owned(), schedule, run_on_startup: false, use_monitor: true };
    Function { name: name.to_owned(), trigger }
}

fn host(state: WorkerState, proxying: bool) -> Router {
    let dir = TempDir::new();
    let clock = Arc::new(SystemClock);
    let broker = Broker::open(&[], &dir.path().join("journal"), clock.clone()).unwrap();
    let functions = [
        http("a", "a/{*rest}", &[], AuthLevel::Anonymous),
        http("first", "x/{id}", &[Method::GET], AuthLevel::Anonymous),
        http("keyed", "keyed", &[], AuthLevel::Function),
        http("second", "x/{*rest}", &[Method::GET, Method::PUT], AuthLevel::Anonymous),
        timer("beat"),
    ];
    let custom = [("x-frame-options", "DENY"), ("referrer-policy", "same-origin")];
    let config = HostConfig {
        proxying,
        route_prefix: "api".to_owned(),
        custom_headers: custom.map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).to_vec(),
        max_concurrent_calls: 1,
        function_timeout: Duration::MAX,
    };
    let invoker = Invoker { client: crate::host::http_client(), worker: Handle::fixed(state), timeout: Duration::MAX };
    let timers = dir.path().to_owned();
    let jobs = Jobs { functions: functions.into(), invoker, broker, clock, timers, max_concurrent_calls: 1 };
    Listener { config, jobs, key: "secret".to_owned(), body_limit: 10 }.router()
}

async fn up(proxying: bool) -> Router {
    host(WorkerState::Ready { address: handler().await, pid: 1 }, proxying)
}

fn request(method: Method, uri: &str) -> http::request::Builder {
    Request::builder().method(method).uri(uri)
}

async fn call(host: &Router, request: Request) -> Response {
    host.clone().oneshot(request).await.unwrap()
}

async fn status(host: &Router, method: Method, uri: &str) -> StatusCode {
    call(host, request(method, uri).body(Body::empty()).unwrap()).await.status()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_wrong_method_is_the_next_route_and_then_404() {
    let host = up(true).await;
    assert_eq!(status(&host, Method::GET, "/api/x/1").await, StatusCode::OK);
    assert_eq!(status(&host, Method::PUT, "/api/x/1").await, StatusCode::OK, "falls through to `second`");
    assert_eq!(status(&host, Method::DELETE, "/api/x/1").await, StatusCode::NOT_FOUND);
    assert_eq!(status(&host, Method::DELETE, "/api/a/1").await, StatusCode::OK, "no methods means all");
    assert_eq!(status(&host, Method::GET, "/api/unknown").await, StatusCode::NOT_FOUND);
    assert_eq!(status(&host, Method::POST, "/beat").await, StatusCode::NOT_FOUND, "a job path is no route");
}

#[tokio::test]
async fn answers_pass_unchanged_in_both_modes() {
    for proxying in [false, true] {
        let host = up(proxying).await;
        let response = call(&host, request(Method::GET, "/api/a/teapot").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::FOUND, "redirects are not followed");
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(response.headers()["x-frame-options"], "SAMEORIGIN", "what the function sets stays");
        assert_eq!(response.headers()["referrer-policy"], "same-origin", "what it does not set is added");
    }
}

#[tokio::test]
async fn a_request_arrives_as_the_mode_says() {
    for (proxying, target) in [(false, "/api/a/b?k=1%2C2"), (true, "/api/a/b?k=1&k=2")] {
        let host = up(proxying).await;
        let request = request(Method::POST, "/api/a/b?k=1&k=2").header("content-length", "3");
        let got =
            json_of(call(&host, request.header("host", "portal.example").body("abc".into()).unwrap()).await).await;
        assert_eq!((got["target"].as_str(), got["body"].as_u64()), (Some(target), Some(3)));
        let names: Vec<&str> = got["headers"].as_array().unwrap().iter().filter_map(|h| h[0].as_str()).collect();
        for name in ["x-azure-functions-invocationid", "x-azure-functions-hostversion", "host"] {
            assert_eq!(names.iter().filter(|n| **n == name).count(), 1, "{name}");
        }
        assert_eq!(names.contains(&"x-ms-invocation-id"), proxying);
    }
}

#[tokio::test]
async fn a_large_body_is_413() {
    let host = up(true).await;
    let request = request(Method::POST, "/api/a/b").header("content-length", "11");
    assert_eq!(call(&host, request.body("12345678901".into()).unwrap()).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_key_opens_what_is_not_anonymous() {
    let host = up(true).await;
    assert_eq!(status(&host, Method::GET, "/api/keyed").await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&host, Method::GET, "/api/keyed?code=wrong").await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&host, Method::GET, "/api/keyed?code=secret").await, StatusCode::OK);
    let with_header = request(Method::GET, "/api/keyed").header("x-functions-key", "secret");
    assert_eq!(call(&host, with_header.body(Body::empty()).unwrap()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_unreachable_handler_is_an_empty_500_with_the_headers() {
    for proxying in [false, true] {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let host = host(WorkerState::Ready { address: closed, pid: 1 }, proxying);
        let response = call(&host, request(Method::GET, "/api/a").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-frame-options"], "DENY");
        assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
}

#[tokio::test]
async fn an_ended_host_is_503() {
    let host = host(WorkerState::Ended, true);
    assert_eq!(status(&host, Method::GET, "/api/a").await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn jobs_are_fired_by_hand_and_http_functions_are_not() {
    let host = up(true).await;
    assert_eq!(status(&host, Method::POST, "/admin/functions/Beat").await, StatusCode::ACCEPTED);
    assert_eq!(status(&host, Method::POST, "/admin/functions/a").await, StatusCode::NOT_FOUND);
    let wrong = request(Method::POST, "/admin/functions/beat").body("{".into()).unwrap();
    assert_eq!(call(&host, wrong).await.status(), StatusCode::BAD_REQUEST);
    let state = call(&host, request(Method::GET, "/admin/host/status").body(Body::empty()).unwrap()).await;
    assert_eq!(json_of(state).await["state"], "Running");
}
