//! Sources; as `portal_app`, except [`due`], which looks across tenants as `portal_router`.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{CredentialId, SourceId, TenantId};
use crate::domain::source::SourceStatus;

/// An account of the provider that a source can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The provider's id, `properties/123`.
    pub id: String,
    /// The provider's name for it.
    pub name: String,
    /// What it belongs to at the provider.
    pub account: String,
}

/// What is known of a source besides its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceConfig {
    /// The chosen account.
    pub property: Option<Account>,
    /// The accounts to choose from.
    pub properties: Vec<Account>,
    /// The first day the account has existed, when the provider says.
    pub created: Option<Date>,
    /// The zone that a person chose: the next run moves the source's days into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_wanted: Option<String>,
}

/// A source.
#[derive(Debug, Clone, FromRow)]
pub struct SourceRow {
    /// Id.
    pub id: Uuid,
    /// `oauth2`, `api_key` or `file`.
    pub r#type: String,
    /// `ga4`, `csv`, …
    pub provider: String,
    /// Name given by the client.
    pub name: String,
    /// State.
    pub status: String,
    /// Stable code of what is wrong.
    pub status_code: Option<String>,
    /// Until when the provider asked to wait.
    pub status_until: Option<OffsetDateTime>,
    /// The access that it is read with.
    pub credential_id: Option<Uuid>,
    /// Why a person stopped it, in their words.
    pub pause_reason: Option<String>,
    /// The rest.
    pub config: Json<SourceConfig>,
    /// IANA zone of its calendar.
    pub zone: Option<String>,
    /// ISO 4217 code of its money.
    pub currency: Option<String>,
    /// Minutes between two scheduled runs that it asks for.
    pub cadence_minutes: i32,
    /// When the timer reads it next.
    pub next_due: Option<OffsetDateTime>,
    /// Last success.
    pub last_sync_at: Option<OffsetDateTime>,
    /// Last complete period.
    pub data_through: Option<Date>,
    /// First period that may still change.
    pub provisional_from: Option<Date>,
    /// History is complete from this day on.
    pub backfilled_from: Option<Date>,
    /// History is wanted from this day on.
    pub backfill_until: Option<Date>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When a person last changed it.
    pub updated_at: OffsetDateTime,
}

impl SourceRow {
    /// The version of what a person can change, as an entity tag.
    pub fn tag(&self) -> String {
        format!("\"{:x}\"", self.updated_at.unix_timestamp_nanos() / 1_000)
    }

    /// The state as a type.
    pub fn status(&self) -> Result<SourceStatus, StoreError> {
        SourceStatus::parse(&self.status).ok_or(StoreError::Inconsistent("data_sources.status"))
    }
}

/// A source to be added.
#[derive(Debug)]
pub struct NewSource<'a> {
    /// Id.
    pub id: SourceId,
    /// `oauth2`, `api_key` or `file`.
    pub r#type: &'a str,
    /// Provider.
    pub provider: &'a str,
    /// Name.
    pub name: &'a str,
    /// State it begins in.
    pub status: SourceStatus,
    /// When.
    pub at: OffsetDateTime,
}

/// Adds a source.
pub async fn insert(app: &mut PgConnection, tenant: TenantId, source: &NewSource<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "insert into data_sources (tenant_id, id, type, provider, name, status, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(tenant.0)
    .bind(source.id.0)
    .bind(source.r#type)
    .bind(source.provider)
    .bind(source.name)
    .bind(source.status.as_str())
    .bind(source.at)
    .execute(app)
    .await?;
    Ok(())
}

const COLUMNS: &str = "id, type, provider, name, status, status_code, status_until, credential_id, pause_reason, config, zone, currency, cadence_minutes, next_due, \
     last_sync_at, data_through, provisional_from, backfilled_from, backfill_until, created_at, updated_at";

/// A tenant's source.
pub async fn find(app: &mut PgConnection, tenant: TenantId, id: SourceId) -> Result<Option<SourceRow>, StoreError> {
    let sql = format!("select {COLUMNS} from data_sources where tenant_id = $1 and id = $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(id.0).fetch_optional(app).await?)
}

/// A tenant's source, locked until the transaction ends.
pub async fn find_for_update(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
) -> Result<Option<SourceRow>, StoreError> {
    let sql = format!("select {COLUMNS} from data_sources where tenant_id = $1 and id = $2 for update");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(id.0).fetch_optional(app).await?)
}

/// A tenant's sources, oldest first; at most 500.
pub async fn list(app: &mut PgConnection, tenant: TenantId) -> Result<Vec<SourceRow>, StoreError> {
    let sql = format!("select {COLUMNS} from data_sources where tenant_id = $1 order by id limit 500");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).fetch_all(app).await?)
}

/// Notes that a person changed a source; always later than the change before, so that its tag changes too.
pub async fn touch(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set updated_at = greatest($3, updated_at + interval '1 microsecond')
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(at)
    .execute(app)
    .await?;
    Ok(())
}

/// Renames a source.
pub async fn rename(app: &mut PgConnection, tenant: TenantId, id: SourceId, name: &str) -> Result<(), StoreError> {
    sqlx::query("update data_sources set name = $3 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(name)
        .execute(app)
        .await?;
    Ok(())
}

/// Sets how often the timer reads a source.
pub async fn set_cadence(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    minutes: i32,
) -> Result<(), StoreError> {
    sqlx::query("update data_sources set cadence_minutes = $3 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(minutes)
        .execute(app)
        .await?;
    Ok(())
}

/// Keeps why a person stopped a source, in their words.
pub async fn set_pause_reason(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query("update data_sources set pause_reason = $3 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(reason)
        .execute(app)
        .await?;
    Ok(())
}

/// Sets the state, with the code of what is wrong and until when to wait.
pub async fn set_status(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    status: SourceStatus,
    code: Option<&str>,
    until: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set status = $3, status_code = $4, status_until = $5 where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(status.as_str())
    .bind(code)
    .bind(until)
    .execute(app)
    .await?;
    Ok(())
}

/// Sets when the timer reads the source next; `None` stops the schedule.
pub async fn set_next_due(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    next_due: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    sqlx::query("update data_sources set next_due = $3 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(next_due)
        .execute(app)
        .await?;
    Ok(())
}

/// Takes back the state of a run that ended without a result.
pub async fn end_syncing(app: &mut PgConnection, tenant: TenantId, id: SourceId) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set status = 'connected', status_code = null
          where tenant_id = $1 and id = $2 and status = 'syncing'",
    )
    .bind(tenant.0)
    .bind(id.0)
    .execute(app)
    .await?;
    Ok(())
}

/// Says why a source was not connected, and leaves its state alone.
pub async fn set_status_code(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    code: &str,
) -> Result<(), StoreError> {
    sqlx::query("update data_sources set status_code = $3 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(code)
        .execute(app)
        .await?;
    Ok(())
}

/// Lets a source be read with this access. The sealed copy of earlier versions goes.
pub async fn set_credential(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    credential: Option<CredentialId>,
) -> Result<(), StoreError> {
    sqlx::query("update data_sources set credential_id = $3, auth = '{}' where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(credential.map(|credential| credential.0))
        .execute(app)
        .await?;
    Ok(())
}

/// Lets what stood still for want of an access go on, what was never read yet begin, and `these` be read again; gives
/// those sources. Others under the access keep their rhythm.
pub async fn wake(
    app: &mut PgConnection,
    tenant: TenantId,
    credential: CredentialId,
    these: &[SourceId],
    now: OffsetDateTime,
) -> Result<Vec<SourceId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "update data_sources set status = 'connected', status_code = null, status_until = null, next_due = $3
          where tenant_id = $1 and credential_id = $2 and config ->> 'property' is not null
            and (status in ('needs_reauth', 'error')
                 or (status = 'connected' and (last_sync_at is null or next_due is null or id = any($4))))
          returning id",
    )
    .bind(tenant.0)
    .bind(credential.0)
    .bind(now)
    .bind(these.iter().map(|id| id.0).collect::<Vec<Uuid>>())
    .fetch_all(app)
    .await?;
    Ok(ids.into_iter().map(SourceId).collect())
}

/// The provider no longer takes the access of this source: the others under it stand still, too, until a person connects.
pub async fn lose_access(app: &mut PgConnection, tenant: TenantId, id: SourceId, code: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set status = 'needs_reauth', status_code = $3, status_until = null, next_due = null
          where tenant_id = $1 and status in ('connected', 'syncing', 'rate_limited', 'error')
            and credential_id = (select credential_id from data_sources where tenant_id = $1 and id = $2)",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(code)
    .execute(app)
    .await?;
    Ok(())
}

/// Keeps the chosen account, its calendar and its currency.
pub async fn set_config(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    config: &SourceConfig,
    calendar: Option<(&str, Option<&str>)>,
) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set config = $3, zone = coalesce($4, zone), currency = coalesce($5, currency)
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(Json(config))
    .bind(calendar.map(|calendar| calendar.0))
    .bind(calendar.and_then(|calendar| calendar.1))
    .execute(app)
    .await?;
    Ok(())
}

/// Forgets how far the history reaches, because another account was chosen.
pub async fn reset_history(app: &mut PgConnection, tenant: TenantId, id: SourceId) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set backfilled_from = null, backfill_until = null, data_through = null,
                provisional_from = null, last_sync_at = null
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .execute(app)
    .await?;
    Ok(())
}

/// Notes a success.
pub async fn set_synced(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query("update data_sources set last_sync_at = $3 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(at)
        .execute(app)
        .await?;
    Ok(())
}

/// The last period of a file source that was complete on `today`, for its freshness.
pub async fn set_data_through_from_datapoints(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
    today: Date,
) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources set data_through =
                (select max(period_end) from datapoints where tenant_id = $1 and source_id = $2 and period_end < $3)
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(today)
    .execute(app)
    .await?;
    Ok(())
}

/// Removes a source with its runs and datapoints. `false`: there was none.
pub async fn delete(app: &mut PgConnection, tenant: TenantId, id: SourceId) -> Result<bool, StoreError> {
    let done = sqlx::query("delete from data_sources where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .execute(app)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Sources of all active tenants that are due at `now`; as `portal_router`.
pub async fn due(
    router: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<(TenantId, SourceId)>, StoreError> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "select d.tenant_id, d.id from data_sources d join tenants t on t.id = d.tenant_id and t.status = 'active'
          where d.next_due <= $1 and d.status in ('connected', 'syncing', 'rate_limited', 'error')
          order by d.next_due limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(router)
    .await?;
    Ok(rows.into_iter().map(|(tenant, source)| (TenantId(tenant), SourceId(source))).collect())
}
