//! What is going on in all tenants.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Named;
use crate::domain::lang::Lang;
use crate::domain::limits::{Limits, PLANS};
use crate::domain::source::SourceStatus;
use crate::http::extract::Operator;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{List, status_text};
use crate::services::error::ServiceError;
use crate::services::operator::overview::{Cause, Counts, Example, Filter, SourceRow};

/// Sources of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (50, 200);
/// The states of a source.
const STATUSES: [&str; 7] =
    ["not_connected", "connected", "syncing", "rate_limited", "error", "needs_reauth", "paused"];

/// The routes of this part.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/operator/overview", "overview", "What is wrong in all tenants, and how much there is of what.")
                .ok::<OverviewBody>(),
            overview,
        )
        .route(
            get("/api/operator/sources", "all_sources", "Sources of all tenants, the newest first.")
                .query([
                    query::id("tenant", "Only this tenant's."),
                    query::choice("status", "Only those in this state.", &STATUSES),
                    query::text("code", "Only those with this code of what is wrong."),
                    query::text("provider", "Only those of this provider."),
                    query::limit(LIMIT),
                    query::cursor(),
                ])
                .ok::<List<OperatorSourceBody>>(),
            sources,
        )
        .route(get("/api/operator/limits", "plans", "What each plan allows.").ok::<PlansBody>(), plans)
}

#[derive(Serialize, ToSchema)]
#[schema(as = Overview)]
struct OverviewBody {
    tenants: TenantCounts,
    sources: SourceCounts,
    causes: Vec<CauseBody>,
    jobs: JobCounts,
    /// Keys that seal something and are not in the ring.
    missing_keys: BTreeSet<String>,
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
struct TenantCounts {
    active: i64,
    suspended: i64,
    deleting: i64,
}

#[derive(Serialize, ToSchema)]
struct SourceCounts {
    total: i64,
    by_status: BTreeMap<String, i64>,
}

#[derive(Serialize, ToSchema)]
struct JobCounts {
    queued: i64,
    running: i64,
    failed: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    oldest_due_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Cause)]
struct CauseBody {
    code: Option<String>,
    text: String,
    provider: String,
    status: SourceStatus,
    sources: i64,
    tenants: i64,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    examples: Vec<ExampleBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Example)]
struct ExampleBody {
    tenant: Named,
    source: Named,
    cause: Option<String>,
}

impl From<Example> for ExampleBody {
    fn from(example: Example) -> Self {
        let Example { tenant, source, cause } = example;
        let named = |one: crate::services::operator::overview::Named| Named { id: one.id, name: one.name };
        Self { tenant: named(tenant), source: named(source), cause }
    }
}

impl CauseBody {
    fn new(cause: Cause, lang: Lang) -> Result<Self, ServiceError> {
        let status = cause.status()?;
        Ok(Self {
            text: status_text("", false, status, cause.status_code.as_deref(), lang),
            code: cause.status_code,
            provider: cause.provider,
            status,
            sources: cause.sources,
            tenants: cause.tenants,
            since: cause.since,
            examples: cause.examples.0.into_iter().map(ExampleBody::from).collect(),
        })
    }
}

impl OverviewBody {
    fn new(
        (counts, causes, missing_keys): (Counts, Vec<Cause>, BTreeSet<String>),
        lang: Lang,
        now: OffsetDateTime,
    ) -> Result<Self, ServiceError> {
        let of = |counted: &BTreeMap<String, i64>, name: &str| counted.get(name).copied().unwrap_or(0);
        let (tenants, sources, jobs) = (counts.tenants.0, counts.sources.0, counts.jobs.0);
        Ok(Self {
            tenants: TenantCounts {
                active: of(&tenants, "active"),
                suspended: of(&tenants, "suspended"),
                deleting: of(&tenants, "deleting"),
            },
            sources: SourceCounts { total: sources.values().sum(), by_status: sources },
            causes: causes.into_iter().map(|cause| CauseBody::new(cause, lang)).collect::<Result<_, _>>()?,
            jobs: JobCounts {
                queued: of(&jobs, "queued"),
                running: of(&jobs, "running"),
                failed: of(&jobs, "failed"),
                oldest_due_at: counts.oldest_due_at,
            },
            missing_keys,
            now,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorSource)]
pub(super) struct OperatorSourceBody {
    id: Uuid,
    name: String,
    provider: String,
    status: SourceStatus,
    status_code: Option<String>,
    status_text: String,
    cause: Option<String>,
    tenant: Named,
    #[serde(with = "time::serde::rfc3339::option")]
    last_sync_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    next_due: Option<OffsetDateTime>,
    data_through: Option<Date>,
    datapoints: i64,
}

impl OperatorSourceBody {
    pub(super) fn new(row: SourceRow, lang: Lang) -> Result<Self, ServiceError> {
        let status = row.status()?;
        Ok(Self {
            id: row.id,
            status_text: status_text(&row.r#type, false, status, row.status_code.as_deref(), lang),
            name: row.name,
            provider: row.provider,
            status,
            status_code: row.status_code,
            cause: row.cause,
            tenant: Named { id: row.tenant_id, name: row.tenant_name },
            last_sync_at: row.last_sync_at,
            next_due: row.next_due,
            data_through: row.data_through,
            datapoints: row.stored_datapoints,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Plans)]
struct PlansBody {
    plans: Vec<PlanBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
struct PlanBody {
    key: &'static str,
    limits: Limits,
}

async fn overview(State(app): State<AppState>, Operator(caller): Operator) -> Result<impl IntoResponse, ServiceError> {
    let found = app.services.operator_overview().await?;
    Ok(axum::Json(OverviewBody::new(found, caller.request.lang, app.services.now())?))
}

async fn sources(
    State(app): State<AppState>,
    Operator(caller): Operator,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let filter = Filter {
        tenant: params.id("tenant"),
        status: params.choice("status", &STATUSES, SourceStatus::parse),
        code: params.one("code"),
        provider: params.one("provider"),
    };
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&["tenant", "status", "code", "provider", "limit", "cursor"])?;
    let (rows, next) = app.services.operator_sources(&filter, before, limit).await?;
    let lang = caller.request.lang;
    let items = rows.into_iter().map(|row| OperatorSourceBody::new(row, lang)).collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}

async fn plans(Operator(_): Operator) -> impl IntoResponse {
    axum::Json(PlansBody { plans: PLANS.iter().map(|(key, limits)| PlanBody { key, limits: *limits }).collect() })
}
