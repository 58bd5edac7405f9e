//! The platform's audit trail.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::audit::{EntryBody, FILTERS, LIMIT, question};
use crate::domain::audit::PLATFORM_ACTIONS;
use crate::http::extract::Operator;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::audit_reading::PlatformRow;
use crate::services::error::ServiceError;

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
                .ok::<List<PlatformBody>>(),
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
struct PlatformBody {
    #[serde(flatten)]
    entry: EntryBody,
    tenant: Option<AboutBody>,
}

/// The tenant that an entry is about; its name is gone when the tenant is.
#[derive(Serialize, ToSchema)]
#[schema(as = AboutTenant)]
struct AboutBody {
    id: Uuid,
    name: Option<String>,
}

impl From<PlatformRow> for PlatformBody {
    fn from(row: PlatformRow) -> Self {
        let PlatformRow { entry, about_tenant, tenant_name } = row;
        Self { entry: entry.into(), tenant: about_tenant.map(|id| AboutBody { id, name: tenant_name }) }
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
    let question = question(&mut params);
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&[&FILTERS[..], &["limit", "cursor"]].concat())?;
    let (rows, next) = app.services.platform_audit(&question, before, limit).await?;
    let items: Vec<PlatformBody> = rows.into_iter().map(PlatformBody::from).collect();
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}
