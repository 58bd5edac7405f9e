//! What every request passes: origin, token, content type, size, method; and how refusals and answers look.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::Method;
use portal::http::access::{MATRIX, Who};
use portal::platform::queue::{Message, Queue, QueueError};
use serde_json::{Value, json};

use crate::harness::client::{Answer, Call, Client};
use crate::harness::{FRONT_DOOR, ORIGIN, TestApp, random_id, secret};

/// The path with an id in every hole.
fn filled(path: &str) -> String {
    path.replace("{id}", &random_id()).replace("{user_id}", &random_id()).replace("{metric_key}", "some.key")
}

fn unsafe_routes() -> Vec<(String, String)> {
    let api = portal::functions::api();
    let unsafe_ones = api.declared().iter().filter(|(method, _)| *method != Method::GET);
    unsafe_ones.map(|(method, path)| (method.to_string(), filled(path))).collect()
}

#[tokio::test]
async fn no_route_is_written_to_without_the_sessions_own_token() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let other = app.viewer().await;
    let mut tried = 0;
    for (method, path) in unsafe_routes() {
        if MATRIX.who(&method.parse().unwrap(), &path).is_some_and(|who| who.contains(&Who::Anyone)) {
            continue;
        }
        let call = || Call::new(&method, &path).header("origin", ORIGIN).header("sec-fetch-site", "same-origin");
        client.send_passive(call()).await.problem(403, "csrf");
        client.send_passive(call().header("x-csrf-token", "")).await.problem(403, "csrf");
        client.send_passive(call().header("x-csrf-token", client.token())).await.problem(403, "csrf");
        client.send_passive(call().header("x-csrf-token", other.csrf.as_deref().unwrap())).await.problem(403, "csrf");
        tried += 1;
    }
    assert!(tried >= 8, "{tried}");
    client.get("/api/auth/session").await.ok();
}

#[tokio::test]
async fn no_route_is_written_to_from_a_foreign_page() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let token = client.csrf.clone().unwrap();
    for (method, path) in unsafe_routes() {
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:7072"),
            ("origin", "https://127.0.0.1:7071"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
        ] {
            let call = Call::new(&method, &path).header("x-csrf-token", &token).header(name, value);
            client.send_passive(call).await.problem(403, "foreign_origin");
        }
    }
}

#[tokio::test]
async fn a_login_needs_a_header_that_only_our_own_pages_send() {
    let app = TestApp::start().await;
    let login = || Call::new("POST", "/api/auth/login").json(&json!({"email": "a@b.example", "password": "x"}));
    let client = app.stranger();
    client.send_passive(login()).await.problem(403, "foreign_origin");
    for (name, value) in [("origin", ORIGIN), ("origin", "http://localhost:7071"), ("sec-fetch-site", "same-origin")] {
        client.send_passive(login().header(name, value)).await.problem(401, "bad_credentials");
    }
}

#[tokio::test]
async fn only_front_door_reaches_the_api() {
    let app = TestApp::start().await;
    let with = |id: &'static str| Call::new("GET", "/api/health").header("x-azure-fdid", id).bare(&app.router);
    with("00000000-0000-0000-0000-000000000000").await.problem(403, "foreign_origin");
    Call::new("GET", "/api/health").bare(&app.router).await.problem(403, "foreign_origin");
    assert_eq!(with(FRONT_DOOR).await.ok(), json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
}

#[tokio::test]
async fn what_a_foreign_form_could_send_is_no_json() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let body = json!({"provider": "csv", "name": "x"}).to_string();
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "text/plain; application/json", "application/json-patch"]
    {
        let call = Call::new("POST", "/api/sources").header("content-type", kind).body(body.clone());
        client.send(call).await.problem(415, "unsupported_media_type");
    }
    client.send(Call::new("POST", "/api/sources").body(body.clone())).await.problem(415, "unsupported_media_type");
    let form = Call::new("POST", "/api/sources").form(&[("file", b"x")]);
    client.send(form).await.problem(415, "unsupported_media_type");
    let good = Call::new("POST", "/api/sources").header("content-type", "Application/JSON; charset=utf-8").body(body);
    assert_eq!(client.send(good).await.status, 201);
}

async fn post(app: &TestApp, path: &str, body: &str) -> Answer {
    let call = Call::new("POST", path).header("content-type", "application/json").body(body.to_owned());
    app.acme().await.send(call).await
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_with_the_fields_name() {
    let app = TestApp::start().await;
    let cases = [
        (r#"{"provider":"csv","name":"x","tenant_id":"y"}"#, "tenant_id"),
        (r#"{"provider":"csv"}"#, "name"),
        (r#"{"provider":"csv","name":7}"#, "name"),
        (r#"{"provider":"csv","name":null}"#, "name"),
        (r#"{"provider":"csv","name":"x","name":"y"}"#, "name"),
    ];
    for (body, field) in cases {
        assert_eq!(post(&app, "/api/sources", body).await.field(), (field.into(), "bad_value".into()), "{body}");
    }
    assert_eq!(post(&app, "/api/sources", "[]").await.field().1, "bad_value");
    assert_eq!(app.value("select count(*) from data_sources").await, 0);
}

#[tokio::test]
async fn broken_json_is_a_bad_request() {
    let app = TestApp::start().await;
    for body in ["", "{", r#"{"provider":"csv","name":"x"} x"#, "\u{feff}{}", "nul"] {
        post(&app, "/api/sources", body).await.problem(400, "malformed_json");
    }
}

#[tokio::test]
async fn a_json_body_over_256_kib_is_too_large() {
    let app = TestApp::start().await;
    let body = |length: usize| format!(r#"{{"provider":"csv","name":"{}"}}"#, "x".repeat(length));
    post(&app, "/api/sources", &body(256 * 1024)).await.problem(413, "too_large");
    assert_eq!(post(&app, "/api/sources", &body(255 * 1024)).await.field().0, "name");
}

#[tokio::test]
async fn a_file_over_the_limit_is_too_large() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let id = client.add_source("csv", "Ventas").await;
    let file = vec![b'x'; portal::http::body::MAX_FORM + 1];
    let call = Call::new("POST", &format!("/api/sources/{id}/preview")).form(&[("file", &file)]);
    client.send(call).await.problem(413, "too_large");
}

#[tokio::test]
async fn another_method_is_405_and_names_the_right_ones() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    for (method, path, allow) in [
        ("DELETE", "/api/metrics", &["GET", "HEAD"][..]),
        ("GET", "/api/auth/login", &["POST"]),
        ("PUT", "/api/sources", &["GET", "HEAD", "POST"]),
        ("PUT", "/api/sources/x", &["DELETE", "GET", "HEAD", "PATCH"]),
    ] {
        let answer = client.send(Call::new(method, path)).await;
        answer.problem(405, "method_not_allowed");
        let mut methods: Vec<&str> = answer.header("allow").split(',').collect();
        methods.sort_unstable();
        assert_eq!(methods, allow, "{method} {path}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_404_for_everyone() {
    let app = TestApp::start().await;
    let paths = [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/metrics/x",
        "/api/sources/x/y/z",
        "/nothing",
        "/api/../x",
        "/run_sync/x",
    ];
    for client in [app.stranger(), app.acme().await] {
        for path in paths {
            client.get(path).await.problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_problem_speaks_the_readers_language_and_has_the_requests_id() {
    let app = TestApp::start().await;
    let ask = |language: &'static str| {
        let call = Call::new("GET", "/api/sources").header("accept-language", language);
        let client = app.stranger();
        async move { client.send(call).await }
    };
    for (language, expected, detail) in [
        ("en-GB,en;q=0.9", "en", "Sign in to continue."),
        ("es-ES", "es", "Inicie sesión para continuar."),
        ("fr", "es", "Inicie sesión para continuar."),
    ] {
        let answer = ask(language).await;
        assert_eq!(answer.header("content-language"), expected);
        let body = answer.problem(401, "unauthenticated");
        assert_eq!(
            body,
            json!({"type": "urn:portal:problem:unauthenticated", "title": "Not signed in", "status": 401,
                   "code": "unauthenticated", "detail": detail})
        );
    }
}

#[tokio::test]
async fn every_answer_is_private_and_marked_for_the_browser() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let answers = [
        client.get("/api/sources").await,
        client.get("/api/nothing").await,
        client.get("/api/metrics?x=1").await,
        client.send_passive(Call::new("POST", "/api/sources")).await,
        client.send(Call::new("PUT", "/api/sources")).await,
        app.stranger().get("/api/sources").await,
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 404, 422, 403, 405, 401]);
    for answer in answers {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{} {name}", answer.status);
        }
        assert_eq!(answer.header("x-request-id").len(), 36);
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

/// A dependency with a fault of ours in it.
struct Broken;

#[async_trait]
impl Queue for Broken {
    async fn send(&self, _: &Message) -> Result<(), QueueError> {
        Ok(())
    }

    async fn check(&self) -> Result<(), QueueError> {
        panic!("canary-of-the-panic")
    }
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing() {
    let app = TestApp::start().await;
    let mut state = app.state.clone();
    state.services.queue = Arc::new(Broken);
    let router = portal::app::router(state);
    let answer = Call::new("GET", "/api/health/ready").header("x-azure-fdid", FRONT_DOOR).bare(&router).await;
    answer.problem(500, "internal");
    assert!(!answer.text().contains("canary"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn readiness_names_what_does_not_answer() {
    let app = TestApp::start().await;
    let ready = || app.stranger();
    let good = ready().get("/api/health/ready").await;
    assert_eq!(good.ok(), json!({"status": "ok", "checks": {"database": "ok", "queue": "ok"}}));
    app.queue.go_down();
    let bad = ready().get("/api/health/ready").await;
    assert_eq!(bad.status, 503);
    assert_eq!(bad.json(), json!({"status": "failed", "checks": {"database": "ok", "queue": "failed"}}));
}

#[tokio::test]
async fn a_database_that_is_gone_is_503_with_a_time_to_come_back() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let mut state = app.state.clone();
    let nowhere = secret("postgres://portal_app:x@127.0.0.1:1/portal");
    state.services.database = portal::store::Database::new(&nowhere, &nowhere).unwrap();
    let lost = Client { cookie: client.cookie.clone(), ..Client::new(portal::app::router(state)) };
    let answer = lost.get("/api/sources").await;
    let body: Value = answer.problem(503, "unavailable");
    assert!(body.get("errors").is_none());
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn a_list_is_not_taken_for_an_object() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let call = Call::new("PATCH", "/api/account").header("content-type", "application/json").body("[null, null]");
    let answer = acme.send(call).await;
    answer.problem(422, "invalid");
    let call = Call::new("POST", "/api/sources").header("content-type", "application/json").body(r#" ["csv", "x"]"#);
    acme.send(call).await.problem(422, "invalid");
    assert_eq!(app.value("select count(*) from data_sources").await, 0);
}
