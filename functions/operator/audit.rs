//! The platform's audit trail.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::audit::PLATFORM_ACTIONS;
use crate::http::extract::Operator;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::audit_reading::{PlatformRow, Question};
use crate::services::error::ServiceError;

/// Entries of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (50, 200);

/// The routes of this part.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/operator/audit", "platform_audit", "What operators did, and what belongs to no tenant.")
                .query([
                    query::date("from", "First day, of UTC."),
                    query::date("to", "Last day, of UTC."),
                    query::id("actor", "Only by this person."),
                    query::text("action", "Whole (`user.activated`) or a group (`user`)."),
                    query::limit(LIMIT),
                    query::cursor(),
                ])
                .ok::<List<EntryBody>>(),
            list,
        )
        .route(
            get(
                "/api/operator/audit/actions",
                "platform_audit_actions",
                "Every action that the platform's trail can hold.",
            )
            .ok::<List<PlatformAction>>(),
            actions,
        )
}

/// The name of an action.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
struct PlatformAction(&'static str);

#[derive(Serialize, ToSchema)]
#[schema(as = PlatformEntry)]
struct EntryBody {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    ts: OffsetDateTime,
    actor: ActorBody,
    tenant: Option<AboutBody>,
    action: String,
    resource: String,
    outcome: String,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    detail: Value,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PlatformActor)]
struct ActorBody {
    id: Option<Uuid>,
    email: Option<String>,
    kind: String,
}

/// The tenant that an entry is about; its name is gone when the tenant is.
#[derive(Serialize, ToSchema)]
#[schema(as = AboutTenant)]
struct AboutBody {
    id: Uuid,
    name: Option<String>,
}

impl From<PlatformRow> for EntryBody {
    fn from(row: PlatformRow) -> Self {
        let PlatformRow { entry, about_tenant, tenant_name } = row;
        Self {
            id: entry.id,
            ts: entry.ts,
            actor: ActorBody { id: entry.actor_id, email: entry.actor_email, kind: entry.actor_kind },
            tenant: about_tenant.map(|id| AboutBody { id, name: tenant_name }),
            action: entry.action,
            resource: entry.resource,
            outcome: entry.outcome,
            ip: entry.ip,
            user_agent: entry.user_agent,
            request_id: entry.request_id,
            before: entry.before.map(|value| value.0),
            after: entry.after.map(|value| value.0),
            detail: entry.detail.0,
        }
    }
}

async fn actions(Operator(_): Operator) -> impl IntoResponse {
    axum::Json(List::whole(PLATFORM_ACTIONS.into_iter().map(PlatformAction).collect()))
}

async fn list(
    State(app): State<AppState>,
    Operator(_): Operator,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let question = Question {
        from: params.date("from"),
        to: params.date("to"),
        actor: params.id("actor"),
        action: params.one("action"),
    };
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&["from", "to", "actor", "action", "limit", "cursor"])?;
    let (rows, next) = app.services.platform_audit(&question, before, limit).await?;
    let items: Vec<EntryBody> = rows.into_iter().map(EntryBody::from).collect();
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}
