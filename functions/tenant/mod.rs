//! The tenant's own settings, limits and use.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
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
            get("/api/tenant", "tenant", "The tenant, its limits and their use.").ok::<TenantBody>().with("ETag"),
            one,
        )
        .route(
            patch("/api/tenant", "change_tenant", "Changes name and settings of the tenant.")
                .ok::<TenantBody>()
                .with("ETag")
                .fails(403, &["reauth_required"])
                .fails(409, &["enroll_first"]),
            change,
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantChange)]
struct Change {
    name: Option<String>,
    zone: Option<String>,
    currency: Option<String>,
    locale: Option<String>,
    week_start: Option<WeekStart>,
    require_mfa: Option<bool>,
    audit_retention_days: Option<i32>,
}

impl From<Change> for TenantChange {
    fn from(change: Change) -> Self {
        let Change { name, zone, currency, locale, week_start, require_mfa, audit_retention_days } = change;
        Self { name, zone, currency, locale, week_start, require_mfa, audit_retention_days }
    }
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

#[derive(Serialize, ToSchema)]
#[schema(as = TenantUse)]
struct UseBody {
    sources: i64,
    datapoints: i64,
    users: i64,
    exports_today: i64,
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
    Json(body): Json<Change>,
) -> Result<impl IntoResponse, ServiceError> {
    Ok(tagged(app.services.change_tenant(&caller, body.into(), tag.as_deref()).await?))
}
