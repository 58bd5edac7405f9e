//! A tenant's own row, what it may use and what it uses; as `portal_app`.

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{SourceId, TenantId};
use crate::domain::limits::{Limits, Overrides};
use crate::domain::tenant::TenantSettings;

/// A tenant.
#[derive(Debug, Clone, FromRow)]
pub struct TenantRow {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Plan.
    pub plan: String,
    /// Settings.
    pub settings: Json<TenantSettings>,
    /// Exceptions from the plan's limits.
    pub limits: Json<Overrides>,
    /// Last change of the row.
    pub updated_at: OffsetDateTime,
}

impl TenantRow {
    /// The version of what a person can change, as an entity tag.
    pub fn tag(&self) -> String {
        format!("\"{:x}\"", self.updated_at.unix_timestamp_nanos() / 1_000)
    }

    /// What it may use.
    pub fn limits(&self) -> Limits {
        Limits::of(&self.plan, self.limits.0)
    }
}

/// The tenant.
pub async fn find(app: &mut PgConnection, tenant: TenantId) -> Result<TenantRow, StoreError> {
    Ok(sqlx::query_as("select id, name, plan, settings, limits, updated_at from tenants where id = $1")
        .bind(tenant.0)
        .fetch_one(app)
        .await?)
}

/// The tenant, locked until the transaction ends.
pub async fn find_for_update(app: &mut PgConnection, tenant: TenantId) -> Result<TenantRow, StoreError> {
    Ok(sqlx::query_as("select id, name, plan, settings, limits, updated_at from tenants where id = $1 for update")
        .bind(tenant.0)
        .fetch_one(app)
        .await?)
}

/// Changes name and settings; `updated_at` is always later than before, so that the tag changes too.
pub async fn update(
    app: &mut PgConnection,
    tenant: TenantId,
    name: &str,
    settings: &TenantSettings,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "update tenants set name = $2, settings = $3, updated_at = greatest($4, updated_at + interval '1 microsecond')
          where id = $1",
    )
    .bind(tenant.0)
    .bind(name)
    .bind(Json(settings))
    .bind(at)
    .execute(app)
    .await?;
    Ok(())
}

/// What is counted over several rows before one is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Members and invitations.
    Team,
    /// Sources.
    Sources,
    /// Datapoints.
    Datapoints,
    /// Exported files.
    Exports,
}

/// Lets one transaction at a time count these and add to them, until it ends. As any role.
pub async fn lock(connection: &mut PgConnection, tenant: TenantId, counted: Counted) -> Result<(), StoreError> {
    let what = match counted {
        Counted::Team => "team",
        Counted::Sources => "sources",
        Counted::Datapoints => "datapoints",
        Counted::Exports => "exports",
    };
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("{what}/{tenant}"))
        .execute(connection)
        .await?;
    Ok(())
}

/// Sources and the datapoints stored for all of them.
pub async fn sources_in_use(app: &mut PgConnection, tenant: TenantId) -> Result<(i64, i64), StoreError> {
    Ok(sqlx::query_as(
        "select count(*), coalesce(sum(stored_datapoints), 0)::bigint from data_sources where tenant_id = $1",
    )
    .bind(tenant.0)
    .fetch_one(app)
    .await?)
}

/// Minutes between two scheduled runs that a source asks for; `None`: there is no such source.
pub async fn cadence(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<Option<i32>, StoreError> {
    Ok(sqlx::query_scalar("select cadence_minutes from data_sources where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(source.0)
        .fetch_optional(app)
        .await?)
}

/// Corrects the number of stored datapoints of a source by what a slice added and removed.
pub async fn add_stored(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    difference: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set stored_datapoints = greatest(0, stored_datapoints + $3) where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(difference)
    .execute(app)
    .await?;
    Ok(())
}

/// Counts the stored datapoints of a source anew.
pub async fn recount_stored(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set stored_datapoints =
                (select count(*) from datapoints where tenant_id = $1 and source_id = $2)
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(source.0)
    .execute(app)
    .await?;
    Ok(())
}

/// The ids of all sources, in their order.
pub async fn source_ids(app: &mut PgConnection, tenant: TenantId) -> Result<Vec<SourceId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar("select id from data_sources where tenant_id = $1 order by id")
        .bind(tenant.0)
        .fetch_all(app)
        .await?;
    Ok(ids.into_iter().map(SourceId).collect())
}

/// Whether the tenant's people may work and its sources be read.
pub async fn is_active(app: &mut PgConnection, tenant: TenantId) -> Result<bool, StoreError> {
    let sql = "select exists (select from tenants where id = $1 and status = 'active')";
    Ok(sqlx::query_scalar(sql).bind(tenant.0).fetch_one(app).await?)
}
