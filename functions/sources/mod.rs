//! Sources: connecting, reading, files.

mod files;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ids::{SourceId, SyncId};
use crate::domain::lang::Lang;
use crate::domain::role::Role;
use crate::http::body::Json;
use crate::http::extract::{Admin, IdPath, IdempotencyKey, IfMatch, Viewer};
use crate::http::operation::{delete, get, patch, post};
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{List, SourceBody, failure_text};
use crate::services::Caller;
use crate::services::error::ServiceError;
use crate::services::sources::{PROVIDER_FAILURES, SourceChange, SourceRow, SyncRow};

/// Runs of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (20, 100);

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(get("/api/sources", "sources", "The tenant's sources.").ok::<List<SourceBody>>(), list)
        .route(
            post("/api/sources", "add_source", "Adds a source.")
                .gives::<SourceBody>(StatusCode::CREATED)
                .with("ETag")
                .fails(409, &["limit_sources"])
                // A repetition whose source is gone.
                .fails(404, &["not_found"]),
            add,
        )
        .route(
            get("/api/sources/providers", "providers", "What can be connected.").ok::<List<ProviderBody>>(),
            providers,
        )
        .route(get("/api/sources/{id}", "source", "A source.").ok::<SourceBody>().with("ETag"), one)
        .route(
            patch(
                "/api/sources/{id}",
                "change_source",
                "Renames a source, chooses its property, pauses or resumes it.",
            )
            .ok::<SourceBody>()
            .with("ETag")
            .fails(409, &["not_connected", "not_an_oauth_source"])
            .fails(422, PROVIDER_FAILURES),
            change,
        )
        .route(
            delete("/api/sources/{id}", "remove_source", "Removes a source and its datapoints.")
                .empty(StatusCode::NO_CONTENT),
            remove,
        )
        .route(
            post("/api/sources/{id}/connect", "connect_source", "Where to give consent.")
                .ok::<AuthorizeBody>()
                .fails(403, &["reauth_required"])
                .fails(409, &["not_an_oauth_source"]),
            connect,
        )
        .route(
            post("/api/sources/{id}/sync", "sync_source", "Starts a run, or names the one that runs.")
                .gives::<StartedBody>(StatusCode::ACCEPTED)
                .fails(409, &["file_source", "not_connected", "paused", "no_property", "just_finished"]),
            sync,
        )
        .route(
            get("/api/sources/{id}/syncs", "syncs", "A source's runs, newest first.")
                .query([query::limit(LIMIT), query::id_cursor()])
                .ok::<List<SyncBody>>(),
            syncs,
        )
        .merge(files::routes())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSource {
    provider: String,
    name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SourceChange)]
struct Change {
    name: Option<String>,
    property_id: Option<String>,
    paused: Option<bool>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Provider)]
struct ProviderBody {
    provider: &'static str,
    r#type: &'static str,
    name: &'static str,
    scopes: &'static [&'static str],
}

#[derive(Serialize, ToSchema)]
#[schema(as = AuthorizeUrl)]
struct AuthorizeBody {
    authorize_url: String,
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
    from: Option<Date>,
    to: Option<Date>,
    rows_read: i64,
    rows_changed: i64,
    rows_removed: i64,
    message: Option<String>,
}

impl SyncBody {
    fn new(row: SyncRow, lang: Lang) -> Self {
        Self {
            id: row.id,
            trigger: row.trigger,
            status: row.status,
            started_at: row.started_at,
            finished_at: row.finished_at,
            from: row.window_from,
            to: row.window_to,
            rows_read: row.rows_read,
            rows_changed: row.rows_changed,
            rows_removed: row.rows_removed,
            message: row.failure_code.map(|code| failure_text(&code, lang)),
        }
    }
}

async fn list(State(app): State<AppState>, Viewer(caller): Viewer) -> Result<impl IntoResponse, ServiceError> {
    let rows = app.services.sources(&caller).await?;
    let admin = caller.role == Role::Admin;
    let item = |row| SourceBody::new(row, caller.request.lang, admin);
    let items = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(List::whole(items)))
}

async fn providers(State(app): State<AppState>, Viewer(_): Viewer) -> impl IntoResponse {
    let items = app.services.providers().into_iter().map(|known| ProviderBody {
        provider: known.provider,
        r#type: known.kind,
        name: known.name,
        scopes: known.scopes,
    });
    axum::Json(List::whole(items.collect()))
}

async fn add(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdempotencyKey(key): IdempotencyKey,
    Json(body): Json<NewSource>,
) -> Result<impl IntoResponse, ServiceError> {
    let row = app.services.add_source(&caller, &body.provider, &body.name, key.as_deref()).await?;
    Ok((StatusCode::CREATED, tagged(&row, &caller)?))
}

async fn one(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    IdPath(id): IdPath<SourceId>,
) -> Result<impl IntoResponse, ServiceError> {
    let row = app.services.source(&caller, id).await?;
    tagged(&row, &caller)
}

/// A source with its version, which `If-Match` takes.
fn tagged(row: &SourceRow, caller: &Caller) -> Result<impl IntoResponse + use<>, ServiceError> {
    let body = SourceBody::new(row, caller.request.lang, caller.role == Role::Admin)?;
    Ok(([(header::ETAG, row.tag())], axum::Json(body)))
}

async fn change(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
    IfMatch(tag): IfMatch,
    Json(body): Json<Change>,
) -> Result<impl IntoResponse, ServiceError> {
    let change = SourceChange { name: body.name, property_id: body.property_id, paused: body.paused };
    let row = app.services.change_source(&caller, id, change, tag.as_deref()).await?;
    tagged(&row, &caller)
}

async fn remove(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
    IfMatch(tag): IfMatch,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.remove_source(&caller, id, tag.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn connect(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
) -> Result<impl IntoResponse, ServiceError> {
    let authorize_url = app.services.begin_connect(&caller, caller.session, id).await?;
    Ok(axum::Json(AuthorizeBody { authorize_url }))
}

async fn sync(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
) -> Result<impl IntoResponse, ServiceError> {
    let sync_id = app.services.sync_now(&caller, id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(StartedBody { sync_id })))
}

async fn syncs(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    IdPath(id): IdPath<SourceId>,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&["limit", "cursor"])?;
    let (rows, next) = app.services.source_syncs(&caller, id, before, limit).await?;
    let items = rows.into_iter().map(|row| SyncBody::new(row, caller.request.lang)).collect();
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}
