//! The tenant's own settings, limits and use.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::limits::Limits;
use crate::domain::tenant::WeekStart;
use crate::http::body::Json;
use crate::http::extract::{Admin, IfMatch, Viewer};
use crate::http::operation::{get, patch};
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::services::error::ServiceError;
use crate::services::tenant::{TenantChange, TenantView};

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/tenant", "tenant", "The tenant's settings, limits and use.").ok::<TenantBody>().with("ETag"),
            one,
        )
        .route(
            patch("/api/tenant", "change_tenant", "Changes settings of the tenant.")
                .ok::<TenantBody>()
                .with("ETag")
                .fails(403, &["reauth_required"])
                .fails(409, &["enroll_first"]),
            change,
        )
}

#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
struct TenantBody {
    id: Uuid,
    name: String,
    plan: String,
    zone: &'static str,
    currency: String,
    locale: String,
    week_start: WeekStart,
    require_mfa: bool,
    audit_retention_days: i32,
    limits: Limits,
    r#use: UseBody,
}

/// What a tenant uses.
#[derive(Serialize, ToSchema)]
#[schema(as = Use)]
pub struct UseBody {
    /// Sources.
    pub sources: i64,
    /// Datapoints stored.
    pub datapoints: i64,
    /// Members and open invitations.
    pub users: i64,
    /// Files exported on its present day.
    pub exports_today: i64,
}

/// A tenant with its version, which `If-Match` takes.
fn tagged(view: TenantView) -> impl IntoResponse {
    let tag = view.row.tag();
    let (row, settings, used) = (view.row, view.settings, view.used);
    let body = TenantBody {
        id: row.id,
        name: row.name,
        plan: row.plan,
        zone: settings.zone.name(),
        currency: settings.currency,
        locale: settings.locale,
        week_start: settings.week_start,
        require_mfa: settings.require_mfa,
        audit_retention_days: settings.audit_retention_days,
        limits: view.limits,
        r#use: UseBody {
            sources: used.sources,
            datapoints: used.datapoints,
            users: used.users,
            exports_today: used.exports_today,
        },
    };
    ([(header::ETAG, tag)], axum::Json(body))
}

async fn one(State(app): State<AppState>, Viewer(caller): Viewer) -> Result<impl IntoResponse, ServiceError> {
    Ok(tagged(app.services.tenant(&caller).await?))
}

async fn change(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IfMatch(tag): IfMatch,
    Json(body): Json<TenantChange>,
) -> Result<impl IntoResponse, ServiceError> {
    Ok(tagged(app.services.change_tenant(&caller, body, tag.as_deref()).await?))
}
