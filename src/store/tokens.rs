//! One-time tokens, by the hash of their text; as `portal_router`. Times are the database's.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The `state` of an authorization request.
    OauthState,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::OauthState => "oauth_state",
        }
    }
}

/// Stores a token for `minutes`.
pub async fn insert<P: Serialize + Sync>(
    router: &mut PgConnection,
    token_hash: &[u8],
    purpose: Purpose,
    owner: (TenantId, UserId),
    payload: &P,
    minutes: i32,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into one_time_tokens (token_hash, purpose, tenant_id, user_id, payload, created_at, expires_at)
         values ($1, $2, $3, $4, $5, now(), now() + make_interval(mins => $6))",
    )
    .bind(token_hash)
    .bind(purpose.as_str())
    .bind(owner.0.0)
    .bind(owner.1.0)
    .bind(Json(payload))
    .bind(minutes)
    .execute(router)
    .await?;
    Ok(())
}

/// Takes a live token out: of two parallel uses exactly one gets it. Only its own tenant and user can.
pub async fn take<P: DeserializeOwned>(
    router: &mut PgConnection,
    token_hash: &[u8],
    purpose: Purpose,
    owner: (TenantId, UserId),
) -> Result<Option<P>, StoreError> {
    let payload: Option<Json<serde_json::Value>> = sqlx::query_scalar(
        "delete from one_time_tokens
          where token_hash = $1 and purpose = $2 and tenant_id = $3 and user_id = $4 and expires_at > now()
          returning payload",
    )
    .bind(token_hash)
    .bind(purpose.as_str())
    .bind(owner.0.0)
    .bind(owner.1.0)
    .fetch_optional(router)
    .await?;
    payload
        .map(|payload| {
            serde_json::from_value(payload.0).map_err(|_| StoreError::Inconsistent("one_time_tokens.payload"))
        })
        .transpose()
}

/// Removes expired tokens; at most `limit` at a time. Returns how many.
pub async fn delete_expired(router: &mut PgConnection, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from one_time_tokens where token_hash in (select token_hash from one_time_tokens where expires_at < now() limit $1)",
    )
    .bind(limit)
    .execute(router)
    .await?;
    Ok(done.rows_affected())
}
