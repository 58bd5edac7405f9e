//! The audit trail of a tenant.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::audit::ACTIONS;
use crate::http::extract::Admin;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query::{self, Param};
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::audit_reading::{EntryRow, Question};
use crate::services::error::ServiceError;

/// Entries of a page unless asked otherwise, and at most.
pub(super) const LIMIT: (u32, u32) = (50, 200);
/// What narrows the trail.
pub(super) const FILTERS: [&str; 4] = ["from", "to", "actor", "action"];

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/audit", "audit", "What was done, newest first.")
                .query(filters())
                .query([query::limit(LIMIT), query::id_cursor()])
                .ok::<List<EntryBody>>(),
            list,
        )
        .route(get("/api/audit/actions", "audit_actions", "Every action there is.").ok::<List<ActionName>>(), actions)
        .route(
            get("/api/audit/file", "audit_file", "The same as a file; is itself recorded and counts as an export.")
                .query(filters())
                .media("text/csv")
                .with("Content-Disposition")
                .fails(409, &["limit_exports"]),
            file,
        )
        .route(
            get("/api/audit/verification", "audit_verification", "Whether the chain of entries is whole.")
                .ok::<VerificationBody>(),
            verification,
        )
}

/// [`FILTERS`], described.
fn filters() -> [Param; 4] {
    [
        query::date("from", "First day of the tenant, inclusive."),
        query::date("to", "Last day, inclusive."),
        query::id("actor", "Only what this person did."),
        query::text("action", "Only this action, or this group: the word before the dot."),
    ]
}

/// The name of an action.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
struct ActionName(&'static str);

#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct EntryBody {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    ts: OffsetDateTime,
    actor: ActorBody,
    action: String,
    resource: String,
    outcome: String,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    #[schema(value_type = Object)]
    detail: Value,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AuditActor)]
struct ActorBody {
    id: Option<Uuid>,
    email: Option<String>,
    kind: String,
}

impl From<EntryRow> for EntryBody {
    fn from(row: EntryRow) -> Self {
        let actor = ActorBody { id: row.actor_id, email: row.actor_email, kind: row.actor_kind };
        Self {
            id: row.id,
            ts: row.ts,
            actor,
            action: row.action,
            resource: row.resource,
            outcome: row.outcome,
            ip: row.ip,
            user_agent: row.user_agent,
            request_id: row.request_id,
            before: row.before.map(|value| value.0),
            after: row.after.map(|value| value.0),
            detail: row.detail.0,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = AuditVerification)]
struct VerificationBody {
    checked: i64,
    intact: bool,
    first_broken: Option<Uuid>,
}

/// What is asked for.
pub(super) fn question(params: &mut Params) -> Question {
    Question {
        from: params.date("from"),
        to: params.date("to"),
        actor: params.id("actor"),
        action: params.one("action"),
    }
}

async fn list(
    State(app): State<AppState>,
    Admin(caller): Admin,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let question = question(&mut params);
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&[&FILTERS[..], &["limit", "cursor"]].concat())?;
    let (rows, next) = app.services.audit_entries(&caller, &question, before, limit).await?;
    let items: Vec<EntryBody> = rows.into_iter().map(EntryBody::from).collect();
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}

async fn actions(Admin(_): Admin) -> impl IntoResponse {
    axum::Json(List::whole(ACTIONS.into_iter().map(ActionName).collect()))
}

async fn file(
    State(app): State<AppState>,
    Admin(caller): Admin,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let question = question(&mut params);
    params.finish(&FILTERS)?;
    let file = app.services.audit_file(&caller, &question).await?;
    let disposition = format!("attachment; filename=\"{}\"", file.name);
    let kind = "text/csv; charset=utf-8; header=present".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], file.bytes))
}

async fn verification(State(app): State<AppState>, Admin(caller): Admin) -> Result<impl IntoResponse, ServiceError> {
    let found = app.services.verify_audit(&caller).await?;
    Ok(axum::Json(VerificationBody { checked: found.checked, intact: found.intact, first_broken: found.first_broken }))
}
