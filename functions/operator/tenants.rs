//! Tenants: state, limits and use, never figures.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::team::InvitationBody;
use super::super::tenant::UseBody;
use super::overview::OperatorSourceBody;

use crate::domain::ids::TenantId;
use crate::domain::limits::Limits;
use crate::domain::tenant::{TenantStatus, WeekStart};
use crate::http::body::Json;
use crate::http::extract::{IdPath, IfMatch, Operator};
use crate::http::operation::{delete, get, patch, post};
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::error::ServiceError;
use crate::services::operator::removal::Removal;
use crate::services::operator::tenants::{MemberRow, NewTenant, TenantDetail, TenantItem, TenantPatch};

/// Tenants of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (50, 200);
/// Days until a deleted tenant goes, unless asked otherwise, and at most.
const GRACE: (i64, i64) = (30, 90);

/// The routes of this part.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/operator/tenants", "operator_tenants", "All tenants, newest first.")
                .query([
                    query::text("q", "Part of the name."),
                    query::choice("status", "State.", &["active", "suspended", "deleting"]),
                    query::limit(LIMIT),
                    query::id("cursor", "`next_cursor` of the page before."),
                ])
                .ok::<List<TenantBody>>(),
            list,
        )
        .route(
            post("/api/operator/tenants", "create_tenant", "Makes a tenant and invites its first admin.")
                .gives::<TenantBody>(StatusCode::CREATED)
                .fails(409, &["name_taken"]),
            create,
        )
        .route(
            get("/api/operator/tenants/{id}", "operator_tenant", "A tenant with its people.")
                .ok::<DetailBody>()
                .with("ETag"),
            one,
        )
        .route(
            patch(
                "/api/operator/tenants/{id}",
                "change_tenant_as_operator",
                "Renames, suspends or resumes a tenant, or changes its plan and limits.",
            )
            .ok::<TenantBody>()
            .with("ETag")
            .fails(409, &["name_taken", "being_removed"]),
            change,
        )
        .route(
            get("/api/operator/tenants/{id}/removal", "tenant_removal", "What would go with a tenant.")
                .ok::<RemovalBody>(),
            removal,
        )
        .route(
            delete("/api/operator/tenants/{id}", "delete_tenant", "Stops a tenant; all of it goes after the grace.")
                .query([query::number("grace_days", "Days until it goes.", 0, GRACE.1)])
                .gives::<TenantBody>(StatusCode::ACCEPTED)
                .with("ETag")
                .fails(403, &["reauth_required"])
                .fails(409, &["being_removed"]),
            remove,
        )
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorTenant)]
struct TenantBody {
    id: Uuid,
    name: String,
    plan: String,
    status: TenantStatus,
    #[serde(with = "time::serde::rfc3339::option")]
    delete_after: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    limits: Limits,
    /// What differs from the plan, by the limit's name.
    overrides: BTreeMap<&'static str, i64>,
    r#use: UseBody,
    zone: &'static str,
    currency: String,
    locale: String,
    week_start: WeekStart,
}

impl TryFrom<TenantItem> for TenantBody {
    type Error = ServiceError;

    fn try_from(item: TenantItem) -> Result<Self, ServiceError> {
        let TenantItem { row, limits, exports_today } = item;
        let (sources, datapoints, users) = (row.sources, row.datapoints, row.users);
        let settings = row.settings.0;
        Ok(Self {
            id: row.id,
            status: TenantStatus::parse(&row.status).ok_or(ServiceError::NotFound)?,
            name: row.name,
            plan: row.plan,
            delete_after: row.delete_after,
            created_at: row.created_at,
            limits,
            overrides: row.limits.0.given(),
            r#use: UseBody { sources, datapoints, users, exports_today },
            zone: settings.zone.name(),
            currency: settings.currency,
            locale: settings.locale,
            week_start: settings.week_start,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorMember)]
struct MemberBody {
    user_id: Uuid,
    name: String,
    email: String,
    role: String,
    is_active: bool,
}

impl From<MemberRow> for MemberBody {
    fn from(row: MemberRow) -> Self {
        Self { user_id: row.user_id, name: row.name, email: row.email, role: row.role, is_active: row.is_active }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorTenantDetail)]
struct DetailBody {
    #[serde(flatten)]
    tenant: TenantBody,
    members: Vec<MemberBody>,
    invitations: Vec<InvitationBody>,
    /// The newest 200.
    sources: Vec<OperatorSourceBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TenantRemoval)]
struct RemovalBody {
    name: String,
    #[serde(with = "time::serde::rfc3339::option")]
    delete_after: Option<OffsetDateTime>,
    members: i64,
    people_removed: i64,
    sources: i64,
    datapoints: i64,
    invitations: i64,
    jobs: i64,
}

impl From<Removal> for RemovalBody {
    fn from(counted: Removal) -> Self {
        Self {
            name: counted.name,
            delete_after: counted.delete_after,
            members: counted.members,
            people_removed: counted.people_removed,
            sources: counted.sources,
            datapoints: counted.datapoints,
            invitations: counted.invitations,
            jobs: counted.jobs,
        }
    }
}

/// A tenant with its version, which `If-Match` takes.
fn tagged(item: TenantItem) -> Result<impl IntoResponse + use<>, ServiceError> {
    let tag = item.row.tag();
    Ok(([(header::ETAG, tag)], axum::Json(TenantBody::try_from(item)?)))
}

async fn list(
    State(app): State<AppState>,
    Operator(_): Operator,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let name = params.one("q");
    let status = params.choice("status", &["active", "suspended", "deleting"], TenantStatus::parse);
    let before = params.uuid("cursor");
    let limit = params.limit(LIMIT.0, LIMIT.1);
    params.finish(&["q", "status", "limit", "cursor"])?;
    let (items, next) = app.services.operator_tenants(name.as_deref(), status, before, limit).await?;
    let items = items.into_iter().map(TenantBody::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}

async fn create(
    State(app): State<AppState>,
    Operator(caller): Operator,
    Json(body): Json<NewTenant>,
) -> Result<impl IntoResponse, ServiceError> {
    let item = app.services.create_tenant(&caller, body).await?;
    Ok((StatusCode::CREATED, axum::Json(TenantBody::try_from(item)?)))
}

async fn one(
    State(app): State<AppState>,
    Operator(caller): Operator,
    IdPath(id): IdPath<TenantId>,
) -> Result<impl IntoResponse, ServiceError> {
    let TenantDetail { item, members, invitations, sources } = app.services.operator_tenant(id).await?;
    let source = |row| OperatorSourceBody::new(row, caller.request.lang);
    let tag = item.row.tag();
    let body = DetailBody {
        tenant: TenantBody::try_from(item)?,
        members: members.into_iter().map(MemberBody::from).collect(),
        invitations: invitations.into_iter().map(InvitationBody::try_from).collect::<Result<_, _>>()?,
        sources: sources.into_iter().map(source).collect::<Result<_, _>>()?,
    };
    Ok(([(header::ETAG, tag)], axum::Json(body)))
}

async fn change(
    State(app): State<AppState>,
    Operator(caller): Operator,
    IdPath(id): IdPath<TenantId>,
    IfMatch(tag): IfMatch,
    Json(body): Json<TenantPatch>,
) -> Result<impl IntoResponse, ServiceError> {
    tagged(app.services.change_tenant_as_operator(&caller, id, body, tag.as_deref()).await?)
}

async fn removal(
    State(app): State<AppState>,
    Operator(_): Operator,
    IdPath(id): IdPath<TenantId>,
) -> Result<impl IntoResponse, ServiceError> {
    Ok(axum::Json(RemovalBody::from(app.services.tenant_removal(id).await?)))
}

async fn remove(
    State(app): State<AppState>,
    Operator(caller): Operator,
    IdPath(id): IdPath<TenantId>,
    IfMatch(tag): IfMatch,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let days = params.number("grace_days", 0..=GRACE.1);
    params.finish(&["grace_days"])?;
    let grace = Duration::days(days.unwrap_or(GRACE.0));
    let item = app.services.delete_tenant(&caller, id, grace, tag.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, tagged(item)?))
}
