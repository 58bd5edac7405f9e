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
    /// Attempts so far.
    pub attempts: i32,
    /// Batches that were committed.
    pub batches: i32,
    /// When it is tried again, while it waits.
    pub next_attempt_at: Option<OffsetDateTime>,
    /// When it was ordered.
    pub created_at: OffsetDateTime,
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

/// Marks a run as going on and counts the attempt. One that had ended begins anew: an operator replays its job.
pub async fn start(app: &mut PgConnection, tenant: TenantId, id: SyncId, at: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query(
        "update syncs set status = 'running', started_at = coalesce(started_at, $3), attempts = attempts + 1,
                next_attempt_at = null, finished_at = null
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(at)
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
    /// First and last day that it covered.
    pub days: Option<(Date, Date)>,
}

/// Adds a slice's counts.
pub async fn add_progress(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SyncId,
    by: Progress,
) -> Result<(), StoreError> {
    sqlx::query(
        "update syncs set rows_read = rows_read + $3, rows_changed = rows_changed + $4, rows_removed = rows_removed + $5,
                batches = batches + 1, window_from = least(window_from, $6), window_to = greatest(window_to, $7)
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(by.read)
    .bind(by.changed)
    .bind(by.removed)
    .bind(by.days.map(|days| days.0))
    .bind(by.days.map(|days| days.1))
    .execute(app)
    .await?;
    Ok(())
}

/// Notes a failure without ending the run, and when it is tried again.
pub async fn note_failure(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SyncId,
    (code, cause): (&str, &str),
    again: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    sqlx::query(
        "update syncs set failure_code = $3, failure_cause = $4, next_attempt_at = $5 where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(code)
    .bind(cause)
    .bind(again)
    .execute(app)
    .await?;
    Ok(())
}

/// Notes that a part of the source cannot be read, with what the run's log has for the operator about it.
pub async fn note_blocked(app: &mut PgConnection, tenant: TenantId, id: SyncId, code: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update syncs set failure_code = $3, next_attempt_at = null, failure_cause = coalesce(
                (select stream || ': ' || cause from sync_log
                  where tenant_id = $1 and sync_id = $2 and code = $3 and cause is not null order by line desc limit 1),
                'a stream is blocked since an earlier run')
          where tenant_id = $1 and id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(code)
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

/// Removes runs that were ordered before an instant and have ended, with what they said; at most `limit`, oldest first.
/// Ids begin with the time of their making, so the primary key finds them.
pub async fn delete_old(
    app: &mut PgConnection,
    tenant: TenantId,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, StoreError> {
    let millis = u128::try_from(before.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    let done = sqlx::query(
        "delete from syncs where tenant_id = $1 and id in (
            select id from syncs where tenant_id = $1 and id < $2 and finished_at is not null order by id limit $3)",
    )
    .bind(tenant.0)
    .bind(Uuid::from_u128(millis << 80))
    .bind(limit)
    .execute(app)
    .await?;
    Ok(done.rows_affected())
}

const COLUMNS: &str = "id, trigger, status, window_from, window_to, rows_read, rows_changed, rows_removed, failure_code, \
     attempts, batches, next_attempt_at, created_at, started_at, finished_at";

/// Runs of a source before `before`, newest first.
pub async fn list(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SyncRow>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from syncs where tenant_id = $1 and source_id = $2 and ($3::uuid is null or id < $3)
          order by id desc limit $4"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(tenant.0)
        .bind(source.0)
        .bind(before)
        .bind(limit)
        .fetch_all(app)
        .await?)
}

/// When a person's last run of a source brought what it should.
pub async fn last_manual_success(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
) -> Result<Option<OffsetDateTime>, StoreError> {
    Ok(sqlx::query_scalar(
        "select finished_at from syncs
          where tenant_id = $1 and source_id = $2 and trigger = 'manual' and status in ('succeeded', 'incomplete')
          order by id desc limit 1",
    )
    .bind(tenant.0)
    .bind(source.0)
    .fetch_optional(app)
    .await?
    .flatten())
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

/// How much a line of a run's log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// Limits what figures say, or delays them.
    Warning,
    /// Somebody has to act.
    Error,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A line of a run's log.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    level: Level,
    code: &'a str,
    stream: Option<&'a str>,
    figures: serde_json::Value,
    cause: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// A line with this code.
    pub fn new(level: Level, code: &'a str) -> Self {
        Self { level, code, stream: None, figures: serde_json::json!({}), cause: None }
    }

    /// About this stream.
    #[must_use]
    pub const fn stream(mut self, stream: &'a str) -> Self {
        self.stream = Some(stream);
        self
    }

    /// With these counts and days.
    #[must_use]
    pub fn figures(mut self, figures: serde_json::Value) -> Self {
        self.figures = figures;
        self
    }

    /// With this for the operator.
    #[must_use]
    pub const fn cause(mut self, cause: &'a str) -> Self {
        self.cause = Some(cause);
        self
    }
}

/// Most lines that are kept of one run, and most with what is as it should be: there must be room for how it ended.
const MAX_LINES: i64 = 450;
const MAX_INFO_LINES: i64 = 400;

/// Adds lines to a run's log, until it is full; the line that says how it ended always fits. The source is locked, so that no two count at once.
pub async fn log(
    app: &mut PgConnection,
    tenant: TenantId,
    id: SyncId,
    lines: &[Line<'_>],
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    let levels: Vec<&str> = lines.iter().map(|line| line.level.as_str()).collect();
    let codes: Vec<&str> = lines.iter().map(|line| line.code).collect();
    let streams: Vec<Option<&str>> = lines.iter().map(|line| line.stream).collect();
    let figures: Vec<sqlx::types::Json<&serde_json::Value>> =
        lines.iter().map(|line| sqlx::types::Json(&line.figures)).collect();
    let causes: Vec<Option<&str>> = lines.iter().map(|line| line.cause).collect();
    sqlx::query(
        "insert into sync_log (tenant_id, sync_id, line, at, level, stream, code, figures, cause)
         select $1, $2, last.line + n.at, $3, n.level, n.stream, n.code, n.figures, n.cause
           from (select coalesce(max(line), 0) as line from sync_log where tenant_id = $1 and sync_id = $2) last,
                unnest($4::text[], $5::text[], $6::text[], $7::jsonb[], $8::text[])
                    with ordinality as n (level, stream, code, figures, cause, at)
          where last.line + n.at <= case when n.level = 'info' and n.code = 'batch' then $10 else $9 end
            and exists (select from syncs where tenant_id = $1 and id = $2)",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(at)
    .bind(&levels)
    .bind(&streams)
    .bind(&codes)
    .bind(figures)
    .bind(&causes)
    .bind(MAX_LINES)
    .bind(MAX_INFO_LINES)
    .execute(app)
    .await?;
    Ok(())
}

/// A stored line of a run's log.
#[derive(Debug, FromRow)]
pub struct LineRow {
    /// Its number.
    pub line: i32,
    /// When.
    pub at: OffsetDateTime,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The stream it is about.
    pub stream: Option<String>,
    /// Stable code.
    pub code: String,
    /// Counts and days.
    pub figures: sqlx::types::Json<serde_json::Value>,
}

/// A run's log, in its order; without what is for the operator.
pub async fn lines(app: &mut PgConnection, tenant: TenantId, id: SyncId) -> Result<Vec<LineRow>, StoreError> {
    Ok(sqlx::query_as(
        "select line, at, level, stream, code, figures from sync_log
          where tenant_id = $1 and sync_id = $2 order by line limit 450",
    )
    .bind(tenant.0)
    .bind(id.0)
    .fetch_all(app)
    .await?)
}

/// One run of a source.
pub async fn find(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    id: SyncId,
) -> Result<Option<SyncRow>, StoreError> {
    let sql = format!("select {COLUMNS} from syncs where tenant_id = $1 and source_id = $2 and id = $3");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(source.0).bind(id.0).fetch_optional(app).await?)
}
