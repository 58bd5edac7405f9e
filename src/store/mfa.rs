//! Second factors and recovery codes, as `portal_router`.

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

use super::StoreError;
use crate::domain::ids::UserId;
use crate::domain::sealed::Sealed;

/// A second factor.
#[derive(Debug, FromRow)]
pub struct Factor {
    /// Its secret.
    pub secret: Json<Sealed>,
    /// When a first code proved it; only then it counts.
    pub confirmed_at: Option<OffsetDateTime>,
    /// The newest 30-second step of which a code was accepted.
    pub last_step: i64,
}

/// Where a user's secret is sealed to.
pub fn sealing_place(user: UserId) -> String {
    format!("user/{user}/totp")
}

/// Keeps a secret that is still to be proven, in place of an earlier one. `false`: there is a proven one.
pub async fn start(
    router: &mut PgConnection,
    user: UserId,
    secret: &Sealed,
    at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "insert into mfa_credentials as c (user_id, secret, created_at) values ($1, $2, $3)
         on conflict (user_id) do update set secret = $2, created_at = $3, last_step = 0 where c.confirmed_at is null",
    )
    .bind(user.0)
    .bind(Json(secret))
    .bind(at)
    .execute(router)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A user's factor; locked until the transaction ends, so that of two uses at once each sees the one before.
pub async fn find_for_update(router: &mut PgConnection, user: UserId) -> Result<Option<Factor>, StoreError> {
    let sql = "select secret, confirmed_at, last_step from mfa_credentials where user_id = $1 for update";
    Ok(sqlx::query_as(sql).bind(user.0).fetch_optional(router).await?)
}

/// Uses up a step. `false`: it, or a later one, was used before.
pub async fn use_step(router: &mut PgConnection, user: UserId, step: i64) -> Result<bool, StoreError> {
    let sql = "update mfa_credentials set last_step = $2 where user_id = $1 and last_step < $2";
    Ok(sqlx::query(sql).bind(user.0).bind(step).execute(router).await?.rows_affected() == 1)
}

/// From now on the factor counts.
pub async fn confirm(router: &mut PgConnection, user: UserId, at: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query("update mfa_credentials set confirmed_at = $2 where user_id = $1")
        .bind(user.0)
        .bind(at)
        .execute(router)
        .await?;
    Ok(())
}

/// Removes a user's factor with its recovery codes.
pub async fn delete(router: &mut PgConnection, user: UserId) -> Result<(), StoreError> {
    sqlx::query("delete from mfa_credentials where user_id = $1").bind(user.0).execute(router).await?;
    Ok(())
}

/// Keeps these recovery codes, by their hashes, and no others.
pub async fn replace_recovery_codes(
    router: &mut PgConnection,
    user: UserId,
    hashes: &[Vec<u8>],
) -> Result<(), StoreError> {
    sqlx::query("delete from recovery_codes where user_id = $1").bind(user.0).execute(&mut *router).await?;
    sqlx::query("insert into recovery_codes (user_id, code_hash) select $1, unnest($2::bytea[])")
        .bind(user.0)
        .bind(hashes)
        .execute(router)
        .await?;
    Ok(())
}

/// Uses up a recovery code: of two uses at once exactly one gets it.
pub async fn take_recovery_code(router: &mut PgConnection, user: UserId, hash: &[u8]) -> Result<bool, StoreError> {
    let sql = "delete from recovery_codes where user_id = $1 and code_hash = $2";
    Ok(sqlx::query(sql).bind(user.0).bind(hash).execute(router).await?.rows_affected() == 1)
}
