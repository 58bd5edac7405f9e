//! The loader against the real sandbox and a small stand-in for the portal's API.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path as Segment, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{DemoError, Pace, Target, load_at};
use crate::sandbox::{self, Sandbox};

/// What the stand-in knows: its sources with their syncs, and every unsafe call that it got.
#[derive(Default)]
struct Portal {
    sandbox_url: String,
    redirect_uri: String,
    sources: Vec<Value>,
    /// Message of a sync that fails for good.
    failure: Option<&'static str>,
    /// A sync that never ends.
    endless: bool,
    calls: Vec<String>,
}

const FAST: Pace = Pace { poll: Duration::from_millis(1), patience: Duration::from_millis(10) };

type Shared = Arc<Mutex<Portal>>;

fn source(id: &str, provider: &str, name: &str) -> Value {
    json!({
        "id": id, "provider": provider, "name": name, "status": "not_connected", "last_sync_at": null,
        "property": null, "properties": [], "progress": null, "freshness": {"data_through": null}
    })
}

/// Answers only what comes with the session, the origin and the token that a browser would send.
fn signed_in(portal: &Shared, headers: &HeaderMap, call: Option<String>) -> Result<(), StatusCode> {
    let has = |name: &str, value: &str| headers.get(name).is_some_and(|header| header == value);
    if !has("cookie", "__Host-session=abc") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    if let Some(call) = call {
        if !has("x-csrf-token", "t0ken") || !headers.contains_key(header::ORIGIN) {
            return Err(StatusCode::FORBIDDEN);
        }
        portal.lock().unwrap().calls.push(call);
    }
    Ok(())
}

async fn login(Json(body): Json<Value>) -> Response {
    if body["password"] != "right" {
        let problem = json!({"detail": "El correo o la contraseña no son correctos."});
        return (StatusCode::UNAUTHORIZED, Json(problem)).into_response();
    }
    let cookie = "__Host-session=abc; Path=/; Secure; HttpOnly";
    ([(header::SET_COOKIE, cookie)], Json(json!({"csrf_token": "t0ken"}))).into_response()
}

async fn list(State(portal): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    signed_in(&portal, &headers, None)?;
    Ok(Json(json!({"items": portal.lock().unwrap().sources, "next_cursor": null})))
}

async fn create(
    State(portal): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let provider = body["provider"].as_str().unwrap();
    signed_in(&portal, &headers, Some(format!("create {provider}")))?;
    let made = source(provider, provider, body["name"].as_str().unwrap());
    portal.lock().unwrap().sources.push(made.clone());
    Ok((StatusCode::CREATED, Json(made)))
}

fn change(portal: &Shared, id: &str, fields: &Value) -> Value {
    let mut portal = portal.lock().unwrap();
    let source = portal.sources.iter_mut().find(|source| source["id"] == id).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        source[name] = value.clone();
    }
    source.clone()
}

/// One look at a syncing source: the next look finds it complete.
async fn one(
    State(portal): State<Shared>,
    headers: HeaderMap,
    Segment(id): Segment<String>,
) -> Result<Json<Value>, StatusCode> {
    signed_in(&portal, &headers, None)?;
    let now = change(&portal, &id, &json!({}));
    let stuck = portal.lock().unwrap().endless || portal.lock().unwrap().failure.is_some();
    if now["status"] == "syncing" && !stuck {
        let done = json!({"status": "connected", "last_sync_at": "2026-11-23T10:00:00Z", "progress": null});
        change(&portal, &id, &done);
    }
    Ok(Json(now))
}

async fn patch(
    State(portal): State<Shared>,
    headers: HeaderMap,
    Segment(id): Segment<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    signed_in(&portal, &headers, Some(format!("patch {body}")))?;
    let syncing = json!({"property": {"id": body["property_id"]}, "status": "syncing",
        "progress": {"done_from": "2026-11-01", "until": "2025-10-01"}});
    Ok(Json(change(&portal, &id, &syncing)))
}

async fn act(
    State(portal): State<Shared>,
    headers: HeaderMap,
    Segment((id, action)): Segment<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, StatusCode> {
    signed_in(&portal, &headers, Some(action.clone()))?;
    let body = String::from_utf8_lossy(&body);
    Ok(Json(match action.as_str() {
        "connect" => {
            let portal = portal.lock().unwrap();
            let query = [
                ("client_id", "portal"),
                ("redirect_uri", &portal.redirect_uri),
                ("response_type", "code"),
                ("scope", "https://www.googleapis.com/auth/analytics.readonly"),
                ("state", id.as_str()),
            ];
            let url = url::Url::parse_with_params(&format!("{}/o/oauth2/v2/auth", portal.sandbox_url), query);
            json!({"authorize_url": url.unwrap()})
        }
        "sync" => change(&portal, &id, &json!({"status": "syncing"})),
        "preview" => json!({"delimiter": ",", "decimal": ".", "encoding": "utf-8", "rows": 2,
            "columns": [{"name": "date", "kind": "date", "sample": [], "date_format": "%Y-%m-%d"}]}),
        "files" => {
            assert!(body.contains("2012-01-01,0.0,12.8,5.0,4.7,drizzle"), "the file is there");
            assert!(body.contains(r#""additivity":"mean","column":"wind""#), "the mapping is there: {body}");
            change(&portal, &id, &json!({"freshness": {"data_through": "2015-12-31"}}));
            json!({"rows_read": 2, "imported": 2, "rejected_total": 0, "applied": true})
        }
        _ => return Err(StatusCode::NOT_FOUND),
    }))
}

async fn syncs(State(portal): State<Shared>, Segment(_): Segment<String>) -> Json<Value> {
    match portal.lock().unwrap().failure {
        Some(message) => Json(json!({"items": [{"status": "failed", "message": message}]})),
        None => Json(json!({"items": []})),
    }
}

async fn callback(
    State(portal): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, StatusCode> {
    signed_in(&portal, &headers, None)?;
    let query = query.unwrap_or_default();
    assert!(query.contains("code=4%2F0A") && query.contains("state=ga4"), "{query}");
    let properties = json!([{"id": "310000001", "name": "Tienda Lumbre (web)", "account": "Tienda Lumbre"}]);
    change(&portal, "ga4", &json!({"status": "connected", "properties": properties}));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/#/sources?source=ga4")]).into_response())
}

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A stand-in, the sandbox with its folder, and a target that points at both.
async fn stage(name: &str, password: &str) -> (Shared, (Sandbox, Folder), Target) {
    let portal = Shared::default();
    let app = Router::new()
        .route("/api/auth/login", post(login))
        .route("/api/sources", get(list).post(create))
        .route("/api/sources/{id}", get(one).patch(patch))
        .route("/api/sources/{id}/syncs", get(syncs))
        .route("/api/sources/{id}/{action}", post(act))
        .route("/api/oauth/callback", get(callback))
        .with_state(Arc::clone(&portal));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let folder: PathBuf = std::env::temp_dir().join(format!("portal-demo-{}-{name}", std::process::id()));
    let redirect_uri = format!("{base_url}/api/oauth/callback");
    let sandbox = sandbox::start(sandbox::Config {
        clock_file: folder.join("clock"),
        client_id: "portal".into(),
        client_secret: "secret".into(),
        redirect_uri: redirect_uri.clone(),
        state_file: folder.join("state.json"),
        seed: 7,
    })
    .await
    .unwrap();
    portal.lock().unwrap().sandbox_url = sandbox.url();
    portal.lock().unwrap().redirect_uri = redirect_uri;
    let target = Target {
        base_url,
        sandbox_url: sandbox.url(),
        csv_path: Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/seattle-weather.csv"),
        password: password.into(),
        progress: Box::new(|_| {}),
    };
    (portal, (sandbox, Folder(folder)), target)
}

fn calls(portal: &Shared) -> Vec<String> {
    std::mem::take(&mut portal.lock().unwrap().calls)
}

#[tokio::test]
async fn both_sources_are_loaded_once() {
    let (portal, _sandbox, target) = stage("both", "right").await;
    load_at(&target, FAST).await.unwrap();
    let property = r#"patch {"property_id":"310000001"}"#;
    assert_eq!(calls(&portal), ["create ga4", "connect", property, "create csv", "preview", "files"]);
    load_at(&target, FAST).await.unwrap();
    assert_eq!(calls(&portal), [""; 0], "a second run changes nothing");
}

#[tokio::test]
async fn a_half_done_run_is_completed() {
    let (portal, _sandbox, target) = stage("half", "right").await;
    let mut analytics = source("ga4", "ga4", "Tienda Lumbre (web)");
    analytics["status"] = json!("connected");
    analytics["property"] = json!({"id": "310000001"});
    portal.lock().unwrap().sources = vec![analytics, source("csv", "csv", "Clima de Seattle")];
    load_at(&target, FAST).await.unwrap();
    assert_eq!(calls(&portal), ["sync", "preview", "files"]);
}

#[tokio::test]
async fn a_failed_sync_is_told_with_its_message() {
    let (portal, _sandbox, target) = stage("failed", "right").await;
    portal.lock().unwrap().failure = Some("La cuenta ya no tiene permiso.");
    let error = load_at(&target, FAST).await.unwrap_err();
    assert!(matches!(error, DemoError::SyncFailed { .. }), "{error}");
    assert_eq!(error.to_string(), "the sync of Tienda Lumbre (web) failed: La cuenta ya no tiene permiso.");
}

#[tokio::test]
async fn a_refusal_is_told_with_the_portals_own_words() {
    let (_portal, _sandbox, target) = stage("refused", "wrong").await;
    let error = load_at(&target, FAST).await.unwrap_err();
    assert_eq!(error.to_string(), "POST /api/auth/login answered 401: El correo o la contraseña no son correctos.");
}

#[tokio::test]
async fn a_consent_page_elsewhere_is_not_opened() {
    let (portal, _sandbox, target) = stage("foreign", "right").await;
    portal.lock().unwrap().sandbox_url = "http://127.0.0.1:9".into();
    let error = load_at(&target, FAST).await.unwrap_err();
    assert!(matches!(error, DemoError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_history_that_does_not_arrive_is_given_up() {
    let (portal, _sandbox, target) = stage("endless", "right").await;
    portal.lock().unwrap().endless = true;
    let error = load_at(&target, FAST).await.unwrap_err();
    assert!(error.to_string().contains("(source syncing, newest sync:"), "{error}");
}
