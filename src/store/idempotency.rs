//! Keys that make a repeated POST answer with what the first one made.

use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};

/// A key that a client sent with a request.
#[derive(Debug)]
pub struct Key<'a> {
    /// Who sent it; keys of two people never meet.
    pub user: UserId,
    /// The key.
    pub key: &'a str,
    /// SHA-256 of what was asked.
    pub request_hash: &'a [u8],
}

/// What a key stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Claimed {
    /// This request is the first one with it.
    First,
    /// The same request made this before.
    Repeated(Uuid),
    /// Another request had the key.
    Reused,
}

/// Claims a key for `resource`; of two at once the second one waits for the first one's transaction. As `portal_app`.
pub async fn claim(
    app: &mut PgConnection,
    tenant: TenantId,
    key: &Key<'_>,
    resource: Uuid,
) -> Result<Claimed, StoreError> {
    let done = sqlx::query(
        "insert into idempotency_keys (tenant_id, user_id, key, request_hash, resource_id, created_at)
         values ($1, $2, $3, $4, $5, now()) on conflict on constraint idempotency_keys_pkey do nothing",
    )
    .bind(tenant.0)
    .bind(key.user.0)
    .bind(key.key)
    .bind(key.request_hash)
    .bind(resource)
    .execute(&mut *app)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(Claimed::First);
    }
    let (hash, made): (Vec<u8>, Uuid) = sqlx::query_as(
        "select request_hash, resource_id from idempotency_keys where tenant_id = $1 and user_id = $2 and key = $3",
    )
    .bind(tenant.0)
    .bind(key.user.0)
    .bind(key.key)
    .fetch_one(app)
    .await?;
    Ok(if hash == key.request_hash { Claimed::Repeated(made) } else { Claimed::Reused })
}

/// Removes keys older than a day; at most `limit`. As `portal_router`.
pub async fn delete_old(router: &mut PgConnection, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from idempotency_keys where (tenant_id, user_id, key) in (
            select tenant_id, user_id, key from idempotency_keys where created_at < now() - interval '1 day' limit $1)",
    )
    .bind(limit)
    .execute(router)
    .await?;
    Ok(done.rows_affected())
}
