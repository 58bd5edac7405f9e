//! Whether the handler lives, and whether what it depends on answers.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::operation::get;
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().route(get("/api/health", "alive", "Whether the handler lives.").ok::<Alive>(), alive).route(
        get("/api/health/ready", "ready", "Whether what it depends on answers.")
            .ok::<Ready>()
            .gives::<Ready>(StatusCode::SERVICE_UNAVAILABLE),
        ready,
    )
}

#[derive(Serialize, ToSchema)]
struct Alive {
    status: &'static str,
    version: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Ready {
    status: &'static str,
    checks: BTreeMap<&'static str, &'static str>,
}

async fn alive() -> impl IntoResponse {
    axum::Json(Alive { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

async fn ready(State(app): State<AppState>) -> impl IntoResponse {
    let checks = app.services.readiness().await;
    let all = checks.iter().all(|check| check.ok);
    let word = |ok: bool| if ok { "ok" } else { "failed" };
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks = checks.into_iter().map(|check| (check.name, word(check.ok))).collect();
    (status, axum::Json(Ready { status: word(all), checks }))
}
