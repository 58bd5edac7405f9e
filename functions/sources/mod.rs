//! Sources: connecting, reading, files.

mod files;
mod runs;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::{CredentialId, SourceId};
use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::http::body::Json;
use crate::http::extract::{Admin, IdPath, IdempotencyKey, IfMatch, Viewer};
use crate::http::operation::{delete, get, patch, post};
use crate::http::routes::Routes;
use crate::http::source_body::SourceBody;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::Caller;
use crate::services::error::ServiceError;
use crate::services::source_changes::SourceChange;
use crate::services::source_views::SourceView;
use crate::services::sources::{PROVIDER_FAILURES, SourceWish};

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(get("/api/sources", "sources", "The tenant's sources.").ok::<List<SourceBody>>(), list)
        .route(
            post("/api/sources", "add_source", "Adds a source.")
                .gives::<SourceBody>(StatusCode::CREATED)
                .with("ETag")
                .fails(409, &["limit_sources", "not_connected"])
                .fails(422, PROVIDER_FAILURES)
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
                "Changes a source's name, property, zone or rhythm; pauses or resumes it.",
            )
            .ok::<SourceBody>()
            .with("ETag")
            .fails(409, &["not_connected", "not_an_oauth_source", "file_source"])
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
            post("/api/sources/{id}/key", "connect_source_with_key", "Connects a source with a key.")
                .ok::<SourceBody>()
                .with("ETag")
                .fails(403, &["reauth_required"])
                .fails(409, &["not_a_key_source"])
                .fails(422, PROVIDER_FAILURES),
            connect_with_key,
        )
        .merge(files::routes())
        .merge(runs::routes())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSource {
    provider: String,
    name: String,
    credential_id: Option<CredentialId>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SourceChange)]
struct Change {
    name: Option<String>,
    property_id: Option<String>,
    zone: Option<String>,
    cadence_minutes: Option<i32>,
    paused: Option<bool>,
    pause_reason: Option<String>,
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

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    key: String,
}

async fn list(State(app): State<AppState>, Viewer(caller): Viewer) -> Result<impl IntoResponse, ServiceError> {
    let views = app.services.sources(&caller).await?;
    let admin = caller.role == Role::Admin;
    let item = |view| SourceBody::new(view, caller.request.lang, admin);
    let items = views.iter().map(item).collect::<Result<Vec<_>, _>>()?;
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
    let wish = SourceWish { provider: body.provider, name: body.name, credential_id: body.credential_id };
    let view = app.services.add_source(&caller, &wish, key.as_deref()).await?;
    Ok((StatusCode::CREATED, tagged(&view, &caller)?))
}

async fn one(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    IdPath(id): IdPath<SourceId>,
) -> Result<impl IntoResponse, ServiceError> {
    let view = app.services.source_view(&caller, id).await?;
    tagged(&view, &caller)
}

/// A source with its version, which `If-Match` takes.
fn tagged(view: &SourceView, caller: &Caller) -> Result<impl IntoResponse + use<>, ServiceError> {
    let body = SourceBody::new(view, caller.request.lang, caller.role == Role::Admin)?;
    Ok(([(header::ETAG, view.source.tag())], axum::Json(body)))
}

async fn change(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
    IfMatch(tag): IfMatch,
    Json(body): Json<Change>,
) -> Result<impl IntoResponse, ServiceError> {
    let change = SourceChange {
        name: body.name,
        property_id: body.property_id,
        zone: body.zone,
        cadence_minutes: body.cadence_minutes,
        paused: body.paused,
        pause_reason: body.pause_reason,
    };
    let view = app.services.change_source(&caller, id, change, tag.as_deref()).await?;
    tagged(&view, &caller)
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

async fn connect_with_key(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
    Json(body): Json<NewKey>,
) -> Result<impl IntoResponse, ServiceError> {
    let view = app.services.connect_with_key(&caller, id, &Secret::new(body.key)).await?;
    tagged(&view, &caller)
}
