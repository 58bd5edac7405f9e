//! The run history of sources; as `portal_app`.

use sqlx::{FromRow, PgConnection};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{SourceId, SyncId, TenantId};
use crate::domain::source::{SyncStatus, SyncTrigger};

/// One run of a source.
#[derive(Debug, FromRow)]
pub struct SyncRow {
    /// Id of the run.
    pub id: Uuid,
    /// What started it.
    pub trigger: String,
    /// How it stands.
    pub status: String,
    /// First day of the whole window.
    pub window_from: Option<Date>,
    /// Last day of the whole window.
    pub window_to: Option<Date>,
    /// Rows the source returned.
    pub rows_read: i64,
    /// Datapoints that were new or different.
    pub rows_changed: i64,
    /// Datapoints that the source no longer returns.
    pub rows_removed: i64,
    /// Stable code of the failure.
    pub failure_code: Option<String>,
    /// When the first attempt began.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
}

/// Adds a run that waits for its turn.
pub async fn insert(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SyncId,
    source: SourceId,
    trigger: SyncTrigger,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into syncs (tenant_id, id, source_id, trigger, status, created_at) values ($1, $2, $3, $4, 'queued', $5)",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(source.0)
    .bind(trigger.as_str())
    .bind(at)
    .execute(app)
    .await?;
    Ok(())
}

/// Marks a run as going on and notes its window. One that had ended begins anew: an operator replays its job.
pub async fn start(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SyncId,
    window: Option<(Date, Date)>,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "update syncs set status = 'running', started_at = coalesce(started_at, $3),
                window_from = case when finished_at is null then coalesce(window_from, $4) else $4 end,
                window_to = case when finished_at is null then coalesce(window_to, $5) else $5 end,
                finished_at = null
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(at)
    .bind(window.map(|window| window.0))
    .bind(window.map(|window| window.1))
    .execute(app)
    .await?;
    Ok(())
}

/// What a committed slice added to its run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Rows read.
    pub read: i64,
    /// Datapoints new or different.
    pub changed: i64,
    /// Datapoints removed.
    pub removed: i64,
}

/// Adds a slice's counts.
pub async fn add_progress(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SyncId,
    by: Progress,
) -> Result<(), StoreError> {
    sqlx::query(
        "update syncs set rows_read = rows_read + $3, rows_changed = rows_changed + $4, rows_removed = rows_removed + $5
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(by.read)
    .bind(by.changed)
    .bind(by.removed)
    .execute(app)
    .await?;
    Ok(())
}

/// Notes a failure without ending the run.
pub async fn note_failure(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SyncId,
    code: &str,
    cause: &str,
) -> Result<(), StoreError> {
    sqlx::query("update syncs set failure_code = $3, failure_cause = $4 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(code)
        .bind(cause)
        .execute(app)
        .await?;
    Ok(())
}

/// Ends a run; a success clears an earlier attempt's failure.
pub async fn finish(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SyncId,
    status: SyncStatus,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "update syncs set status = $3, finished_at = $4, started_at = coalesce(started_at, $4),
                failure_code = case when $3 = 'succeeded' then null else failure_code end,
                failure_cause = case when $3 = 'succeeded' then null else failure_cause end
          where tenant_id = $1 and id = $2 and finished_at is null",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(status.as_str())
    .bind(at)
    .execute(app)
    .await?;
    Ok(())
}

/// Runs of a source before `before`, newest first.
pub async fn list(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SyncRow>, StoreError> {
    Ok(sqlx::query_as(
        "select id, trigger, status, window_from, window_to, rows_read, rows_changed, rows_removed, failure_code,
                started_at, finished_at
           from syncs where tenant_id = $1 and source_id = $2 and ($3::uuid is null or id < $3)
          order by id desc limit $4",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(before)
    .bind(limit)
    .fetch_all(app)
    .await?)
}

/// Ends the open runs of a source because a person stopped it.
pub async fn cancel_open(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "update syncs set status = 'cancelled', finished_at = $3
          where tenant_id = $1 and source_id = $2 and finished_at is null",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(at)
    .execute(app)
    .await?;
    Ok(())
}
