//! Runs of a source: starting one, and their history.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ids::{SourceId, SyncId};
use crate::domain::lang::Lang;
use crate::http::extract::{Admin, IdPath, IdsPath, Viewer};
use crate::http::operation::{get, post};
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{List, failure_text};
use crate::services::error::ServiceError;
use crate::services::run_history::{LogLine, SyncRow, run_sentence};

/// Runs of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (20, 100);

/// The routes of a source's runs.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            post("/api/sources/{id}/sync", "sync_source", "Starts a run, or names the one that runs.")
                .gives::<StartedBody>(StatusCode::ACCEPTED)
                .fails(409, &["file_source", "not_connected", "paused", "no_property", "just_finished"])
                .fails(429, &["just_synced"]),
            start,
        )
        .route(
            get("/api/sources/{id}/syncs", "syncs", "A source's runs, newest first.")
                .query([query::limit(LIMIT), query::id_cursor()])
                .ok::<List<SyncBody>>(),
            list,
        )
        .route(get("/api/sources/{id}/syncs/{sync_id}", "sync", "A run with its log.").ok::<SyncDetail>(), one)
}

#[derive(Serialize, ToSchema)]
#[schema(as = StartedSync)]
struct StartedBody {
    sync_id: SyncId,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Sync)]
struct SyncBody {
    id: Uuid,
    trigger: String,
    status: String,
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// Seconds from its start to its end, or until now.
    duration: Option<i64>,
    /// When it is tried again, while it waits.
    #[serde(with = "time::serde::rfc3339::option")]
    next_attempt_at: Option<OffsetDateTime>,
    from: Option<Date>,
    to: Option<Date>,
    attempts: i32,
    batches: i32,
    rows_read: i64,
    rows_changed: i64,
    rows_removed: i64,
    sentence: String,
    message: Option<String>,
}

/// A run with what it said, line by line.
#[derive(Serialize, ToSchema)]
struct SyncDetail {
    #[serde(flatten)]
    sync: SyncBody,
    log: Vec<LineBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SyncLine)]
struct LineBody {
    line: i32,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    level: String,
    stream: Option<String>,
    code: String,
    text: String,
}

impl SyncBody {
    fn new(row: SyncRow, now: OffsetDateTime, lang: Lang) -> Self {
        Self {
            sentence: run_sentence(&row).get(lang).to_owned(),
            duration: row.started_at.map(|start| (row.finished_at.unwrap_or(now) - start).whole_seconds().max(0)),
            id: row.id,
            trigger: row.trigger,
            status: row.status,
            started_at: row.started_at,
            finished_at: row.finished_at,
            next_attempt_at: row.next_attempt_at,
            from: row.window_from,
            to: row.window_to,
            attempts: row.attempts,
            batches: row.batches,
            rows_read: row.rows_read,
            rows_changed: row.rows_changed,
            rows_removed: row.rows_removed,
            message: row.failure_code.map(|code| failure_text(&code, lang)),
        }
    }
}

impl LineBody {
    fn new(line: LogLine, lang: Lang) -> Self {
        let text = line.text.get(lang).to_owned();
        let row = line.row;
        Self { line: row.line, at: row.at, level: row.level, stream: row.stream, code: row.code, text }
    }
}

async fn start(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
) -> Result<impl IntoResponse, ServiceError> {
    let sync_id = app.services.sync_now(&caller, id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(StartedBody { sync_id })))
}

async fn list(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    IdPath(id): IdPath<SourceId>,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&["limit", "cursor"])?;
    let (rows, next) = app.services.source_syncs(&caller, id, before, limit).await?;
    let now = app.services.now();
    let items = rows.into_iter().map(|row| SyncBody::new(row, now, caller.request.lang)).collect();
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}

async fn one(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    IdsPath(id, sync): IdsPath<SourceId, SyncId>,
) -> Result<impl IntoResponse, ServiceError> {
    let found = app.services.source_sync(&caller, id, sync).await?;
    let lang = caller.request.lang;
    let log = found.log.into_iter().map(|line| LineBody::new(line, lang)).collect();
    Ok(axum::Json(SyncDetail { sync: SyncBody::new(found.row, app.services.now(), lang), log }))
}
