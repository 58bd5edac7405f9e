//! The audit trail: written in the transaction of the act, never changed, each entry chained to the one before.

use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::audit::{Entry, Link};
use crate::domain::ids::TenantId;

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

/// Removes a tenant's entries from before an instant; at most `limit` at a time. As `portal_router`, whose policy lets
/// nothing younger than 90 days go.
pub async fn delete_old(
    router: &mut PgConnection,
    tenant: TenantId,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from audit_log where tenant_id = $1 and id in (
            select id from audit_log where tenant_id = $1 and ts < $2 order by id limit $3)",
    )
    .bind(tenant.0)
    .bind(before)
    .bind(limit)
    .execute(router)
    .await?;
    Ok(done.rows_affected())
}
