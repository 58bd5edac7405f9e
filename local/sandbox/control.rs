//! `/__control`: faults, the request log, the clock, the quotas, the habits of the
//! token endpoint and Stripe's keys, for tests and demos. Not part of the request log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::grants::Habits;
use super::{Shared, lock, stripe};

/// The control API.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/__control/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/__control/requests", get(requests).delete(clear_requests))
        .route("/__control/clock", get(clock).post(set_clock))
        .route("/__control/quotas", delete(reset_quotas))
        .route("/__control/oauth", get(oauth).post(set_oauth))
        .route("/__control/stripe", get(keys).post(set_stripe).delete(reset_stripe))
}

/// A wrong control request; the text says what to change.
struct Wrong(String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}

/// A JSON body. The content type is required so that no form of a foreign page can reach this API.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Value, Wrong> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Wrong("Send the body with Content-Type: application/json.".into()));
    }
    serde_json::from_slice(body).map_err(|error| Wrong(format!("The body is no JSON: {error}.")))
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({"items": lock(&shared.faults).list()}))
}

async fn add_fault(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Wrong> {
    let rule = lock(&shared.faults).add(read(&headers, &body)?).map_err(Wrong)?;
    Ok((StatusCode::CREATED, Json(rule)))
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    lock(&shared.faults).clear();
    Json(json!({"items": []}))
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    since: u64,
    #[serde(default)]
    path_prefix: String,
}

async fn requests(
    State(shared): State<Arc<Shared>>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Value>, Wrong> {
    let Query(filter) = filter.map_err(|error| Wrong(format!("{}: since is a number.", error.body_text())))?;
    Ok(Json(lock(&shared.journal).list(filter.since, &filter.path_prefix)))
}

async fn clear_requests(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut journal = lock(&shared.journal);
    journal.clear();
    Json(journal.list(0, ""))
}

fn show_clock(shared: &Shared) -> Json<Value> {
    let now = shared.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true);
    Json(json!({"now": now, "offset_seconds": shared.clock.offset()}))
}

async fn clock(State(shared): State<Arc<Shared>>) -> Json<Value> {
    show_clock(&shared)
}

async fn set_clock(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Wrong> {
    let body = read(&headers, &body)?;
    let wrong =
        || Wrong("Send {\"now\": \"2026-11-24T10:00:00Z\"} (RFC 3339), or {\"now\": null} for real time.".into());
    let now = match body.get("now").ok_or_else(wrong)? {
        Value::Null => None,
        Value::String(text) => Some(text.parse::<DateTime<Utc>>().map_err(|_| wrong())?),
        _ => return Err(wrong()),
    };
    shared.clock.set(now).map_err(|error| Wrong(format!("The clock file cannot be written: {error}.")))?;
    Ok(show_clock(&shared))
}

async fn reset_quotas(State(shared): State<Arc<Shared>>) -> Json<Value> {
    lock(&shared.quotas).reset();
    Json(json!({"reset": true}))
}

async fn oauth(State(shared): State<Arc<Shared>>) -> Json<Habits> {
    Json(lock(&shared.grants).habits)
}

/// Changes how tokens are given; what is left out is as with Google.
async fn set_oauth(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Json<Habits>, Wrong> {
    let habits: Habits = serde_json::from_value(read(&headers, &body)?).map_err(|error| Wrong(format!("{error}.")))?;
    if !(1..=86_400).contains(&habits.access_seconds) {
        return Err(Wrong(format!("access_seconds is {}: send 1 to 86400.", habits.access_seconds)));
    }
    lock(&shared.grants).habits = habits;
    Ok(Json(habits))
}

/// The keys that can be used, for people who want to connect.
async fn keys() -> Json<Value> {
    Json(json!({"keys": stripe::accounts::listed()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    charges_per_day: u64,
    first_day: Option<NaiveDate>,
}

/// Sets the size of the scale account.
async fn set_stripe(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Wrong> {
    let scale: Scale = serde_json::from_value(read(&headers, &body)?).map_err(|error| Wrong(format!("{error}.")))?;
    shared.stripe.configure(Some((scale.charges_per_day, scale.first_day))).map_err(Wrong)?;
    Ok(Json(json!({"charges_per_day": scale.charges_per_day, "first_day": scale.first_day})))
}

/// Gives revoked keys back, and the scale account its first size.
async fn reset_stripe(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Wrong> {
    shared.stripe.configure(None).map_err(Wrong)?;
    Ok(Json(json!({"reset": true})))
}
