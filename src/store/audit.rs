//! The audit trail: written in the transaction of the act, never changed, each entry chained to the one before.

use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::audit::{Entry, Link};
use crate::domain::ids::TenantId;
use crate::domain::tenant::TenantSettings;

/// Which trail an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trail {
    /// A tenant's own.
    Tenant(TenantId),
    /// The platform's, for what has no tenant or is the operators' business; perhaps about a tenant.
    Platform(Option<TenantId>),
}

impl Trail {
    /// Whose chain it is; the nil UUID is the platform's.
    pub fn chain(self) -> Uuid {
        match self {
            Self::Tenant(tenant) => tenant.0,
            Self::Platform(_) => Uuid::nil(),
        }
    }
}

/// Takes the next place in a chain: its number and the digest before it. Others wait for this transaction's end, so it
/// is the last thing a transaction does.
pub async fn advance(connection: &mut PgConnection, trail: Trail) -> Result<(i64, String), StoreError> {
    Ok(sqlx::query_as(
        "insert into audit_heads as h (tenant_id, seq, digest) values ($1, 1, '')
         on conflict (tenant_id) do update set seq = h.seq + 1 returning seq, digest",
    )
    .bind(trail.chain())
    .fetch_one(connection)
    .await?)
}

/// Adds an entry at its place in the chain and makes it the chain's end.
pub async fn insert(
    connection: &mut PgConnection,
    trail: Trail,
    entry: &Entry<'_>,
    link: &Link,
) -> Result<(), StoreError> {
    let (table, owner, tenant) = match trail {
        Trail::Tenant(tenant) => (INSERT, "tenant_id", Some(tenant.0)),
        Trail::Platform(about) => (INSERT_PLATFORM, "about_tenant", about.map(|tenant| tenant.0)),
    };
    debug_assert!(table.contains(owner));
    sqlx::query(table)
        .bind(tenant)
        .bind(entry.id)
        .bind(entry.actor.map(|actor| actor.0))
        .bind(entry.actor_kind.as_str())
        .bind(entry.actor_email)
        .bind(entry.action)
        .bind(entry.resource)
        .bind(entry.outcome.as_str())
        .bind(entry.at)
        .bind(entry.before.as_ref().map(Json))
        .bind(entry.after.as_ref().map(Json))
        .bind(Json(&entry.detail))
        .bind(entry.ip)
        .bind(entry.user_agent)
        .bind(entry.request_id)
        .bind(link.seq)
        .bind(&link.previous)
        .bind(&link.digest)
        .execute(&mut *connection)
        .await?;
    sqlx::query("update audit_heads set digest = $2 where tenant_id = $1 and seq = $3")
        .bind(trail.chain())
        .bind(&link.digest)
        .bind(link.seq)
        .execute(connection)
        .await?;
    Ok(())
}

const INSERT: &str =
    "insert into audit_log (tenant_id, id, actor_id, actor_kind, actor_email, action, resource, outcome, ts,
        before, after, detail, ip, user_agent, request_id, seq, previous, digest)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
const INSERT_PLATFORM: &str =
    "insert into platform_audit (about_tenant, id, actor_id, actor_kind, actor_email, action, resource, outcome, ts,
        before, after, detail, ip, user_agent, request_id, seq, previous, digest)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

/// Removes a tenant's entries from before an instant, at most `limit`: the oldest of the chain, those that follow
/// `through` without a gap. Gives how many, and the last number. As `portal_router`, whose policy lets nothing younger
/// than 90 days go.
pub async fn delete_old(
    router: &mut PgConnection,
    tenant: TenantId,
    through: i64,
    before: OffsetDateTime,
    limit: i64,
) -> Result<Option<(usize, i64)>, StoreError> {
    let removed: Vec<i64> = sqlx::query_scalar(
        "delete from audit_log where tenant_id = $1 and seq in (
            select seq from (select seq, row_number() over (order by seq) as place from (
                select seq from audit_log where tenant_id = $1 and seq > $2 and ts < $3 order by seq limit $4) old) placed
             where seq = $2 + place)
         returning seq",
    )
    .bind(tenant.0)
    .bind(through)
    .bind(before)
    .bind(limit)
    .fetch_all(router)
    .await?;
    Ok(removed.iter().max().map(|last| (removed.len(), *last)))
}

/// Removes a tenant's entries from before there was a chain; as [`delete_old`].
pub async fn delete_old_unchained(
    router: &mut PgConnection,
    tenant: TenantId,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from audit_log where tenant_id = $1 and id in (
            select id from audit_log where tenant_id = $1 and seq is null and ts < $2 limit $3)",
    )
    .bind(tenant.0)
    .bind(before)
    .bind(limit)
    .execute(router)
    .await?;
    Ok(done.rows_affected())
}

/// Removes the platform's entries from before an instant, at most `limit`. As `portal_router`, whose policy lets nothing
/// younger than 365 days go.
pub async fn delete_old_platform(
    router: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, StoreError> {
    let sql =
        "delete from platform_audit where id in (select id from platform_audit where ts < $1 order by ts limit $2)";
    Ok(sqlx::query(sql).bind(before).bind(limit).execute(router).await?.rows_affected())
}

/// How long each tenant keeps its trail, after `after` in the order of their ids; as `portal_router`.
pub async fn retentions(
    router: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(TenantId, TenantSettings)>, StoreError> {
    let rows: Vec<(Uuid, Json<TenantSettings>)> =
        sqlx::query_as("select id, settings from tenants where id > $1 order by id limit $2")
            .bind(after)
            .bind(limit)
            .fetch_all(router)
            .await?;
    Ok(rows.into_iter().map(|(id, settings)| (TenantId(id), settings.0)).collect())
}

/// The ends of all chains, after `after` in the order of their ids; as `portal_router`.
pub async fn heads(
    router: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(Uuid, i64, String)>, StoreError> {
    Ok(sqlx::query_as(
        "select tenant_id, seq, digest from audit_heads where ($1::uuid is null or tenant_id > $1) order by tenant_id limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(router)
    .await?)
}
