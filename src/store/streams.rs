//! The streams of sources: cursors and how far the data reaches; as `portal_app`.

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::{Date, OffsetDateTime};

use super::StoreError;
use crate::domain::ids::{SourceId, TenantId};

/// A stream of a source.
#[derive(Debug, Clone, Default, FromRow)]
pub struct StreamRow {
    /// Key.
    pub stream: String,
    /// The connector's own.
    pub cursor: Json<serde_json::Value>,
    /// Why it cannot be read.
    pub blocked_code: Option<String>,
    /// The permission that is missing.
    pub blocked_permission: Option<String>,
    /// Last complete day.
    pub data_through: Option<Date>,
    /// First day that may still change.
    pub provisional_from: Option<Date>,
    /// History is complete from this day on.
    pub backfilled_from: Option<Date>,
    /// History is wanted from this day on.
    pub backfill_until: Option<Date>,
    /// When its newest data were last read.
    pub fetched_at: Option<OffsetDateTime>,
}

/// The streams of a source; a provider has few.
pub async fn list(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<Vec<StreamRow>, StoreError> {
    Ok(sqlx::query_as(
        "select stream, cursor, blocked_code, blocked_permission, data_through, provisional_from, backfilled_from,
                backfill_until, fetched_at
           from source_streams where tenant_id = $1 and source_id = $2 order by stream limit 50",
    )
    .bind(tenant.0)
    .bind(source.0)
    .fetch_all(app)
    .await?)
}

/// A stream and whose it is.
#[derive(Debug, Clone, FromRow)]
pub struct OwnedStream {
    /// The source.
    pub source_id: uuid::Uuid,
    /// The stream.
    #[sqlx(flatten)]
    pub stream: StreamRow,
}

/// The streams of these sources; a provider has few.
pub async fn list_of(
    app: &mut PgConnection,
    tenant: TenantId,
    sources: &[uuid::Uuid],
) -> Result<Vec<OwnedStream>, StoreError> {
    Ok(sqlx::query_as(
        "select source_id, stream, cursor, blocked_code, blocked_permission, data_through, provisional_from,
                backfilled_from, backfill_until, fetched_at
           from source_streams where tenant_id = $1 and source_id = any($2) order by source_id, stream limit 10000",
    )
    .bind(tenant.0)
    .bind(sources)
    .fetch_all(app)
    .await?)
}

/// Notes which streams a source has, so that it is as old as the ones that were never read.
pub async fn ensure(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    streams: &[&str],
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into source_streams (tenant_id, source_id, stream) select $1, $2, * from unnest($3::text[])
         on conflict on constraint source_streams_pkey do nothing",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(streams)
    .execute(app)
    .await?;
    Ok(())
}

/// What a batch changes of its stream.
#[derive(Debug)]
pub struct Advance<'a> {
    /// Key.
    pub stream: &'a str,
    /// The cursor from now on.
    pub cursor: &'a serde_json::Value,
    /// Code and permission, if it cannot be read.
    pub blocked: Option<(&'a str, Option<&'a str>)>,
    /// Last complete day; kept if `None`.
    pub data_through: Option<Date>,
    /// First day that may still change; kept if `None`.
    pub provisional_from: Option<Date>,
    /// History complete from this day on; kept if `None` or later than what is stored.
    pub backfilled_from: Option<Date>,
    /// History wanted from this day on; kept if `None`.
    pub backfill_until: Option<Date>,
    /// When its newest data were read; kept if `None`.
    pub fetched_at: Option<OffsetDateTime>,
    /// The streams that figures are made of: the source is as old as the oldest of these.
    pub counted: &'a [&'a str],
}

/// Keeps what a committed batch says of its stream, and sums up the source: as old as the oldest of the streams that can
/// be read.
pub async fn advance(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    by: &Advance<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into source_streams as s (tenant_id, source_id, stream, cursor, blocked_code, blocked_permission, data_through,
                provisional_from, backfilled_from, backfill_until, fetched_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict on constraint source_streams_pkey do update
            set cursor = excluded.cursor, blocked_code = excluded.blocked_code,
                blocked_permission = excluded.blocked_permission,
                data_through = coalesce(excluded.data_through, s.data_through),
                provisional_from = coalesce(excluded.provisional_from, s.provisional_from),
                backfilled_from = least(s.backfilled_from, excluded.backfilled_from),
                backfill_until = coalesce(excluded.backfill_until, s.backfill_until),
                fetched_at = coalesce(excluded.fetched_at, s.fetched_at)",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(by.stream)
    .bind(Json(by.cursor))
    .bind(by.blocked.map(|blocked| blocked.0))
    .bind(by.blocked.and_then(|blocked| blocked.1))
    .bind(by.data_through)
    .bind(by.provisional_from)
    .bind(by.backfilled_from)
    .bind(by.backfill_until)
    .bind(by.fetched_at)
    .execute(&mut *app)
    .await?;
    sum_up(app, tenant, source, by.counted).await
}

/// Takes the last complete day of every stream back, because days begin elsewhere from now on.
pub async fn step_back(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    counted: &[&str],
) -> Result<(), StoreError> {
    sqlx::query(
        "update source_streams set data_through = data_through - 1, provisional_from = provisional_from - 1
          where tenant_id = $1 and source_id = $2",
    )
    .bind(tenant.0)
    .bind(source.0)
    .execute(&mut *app)
    .await?;
    sum_up(app, tenant, source, counted).await
}

/// A clock of the source stands when every readable stream has it, at the oldest; none of them readable leaves it as it is.
/// Its history is that of the stream that has most of it before itself.
async fn sum_up(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    counted: &[&str],
) -> Result<(), StoreError> {
    sqlx::query(
        "update data_sources d
            set data_through = case when s.through = s.streams then s.data_through end,
                provisional_from = s.provisional_from,
                backfilled_from = case when s.filled = s.streams then s.backfilled_from end,
                backfill_until = s.backfill_until,
                last_sync_at = case when s.fetched = s.streams then s.fetched_at end
           from (select count(*) as streams, count(data_through) as through, min(data_through) as data_through,
                        min(provisional_from) as provisional_from, count(backfilled_from) as filled,
                        (array_agg(backfilled_from order by backfilled_from - backfill_until desc nulls first))[1] as backfilled_from,
                        (array_agg(backfill_until order by backfilled_from - backfill_until desc nulls first))[1] as backfill_until,
                        count(fetched_at) as fetched, min(fetched_at) as fetched_at
                   from source_streams
                  where tenant_id = $1 and source_id = $2 and blocked_code is null and stream = any($3)) s
          where d.tenant_id = $1 and d.id = $2 and s.streams > 0",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(counted)
    .execute(app)
    .await?;
    Ok(())
}

/// Forgets all streams of a source, because it reads another account from now on.
pub async fn delete_all(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<(), StoreError> {
    sqlx::query("delete from source_streams where tenant_id = $1 and source_id = $2")
        .bind(tenant.0)
        .bind(source.0)
        .execute(app)
        .await?;
    Ok(())
}

/// Lets blocked streams be tried again, because the access has changed.
pub async fn unblock(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<(), StoreError> {
    sqlx::query(
        "update source_streams set blocked_code = null, blocked_permission = null where tenant_id = $1 and source_id = $2",
    )
    .bind(tenant.0)
    .bind(source.0)
    .execute(app)
    .await?;
    Ok(())
}
