//! People, whichever tenants they belong to; as `portal_operator`.

use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ids::UserId;
use crate::store::StoreError;

/// A person.
#[derive(Debug, Clone, FromRow)]
pub struct UserRow {
    /// Id.
    pub id: Uuid,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// They may sign in.
    pub is_active: bool,
    /// They belong to the platform.
    pub is_operator: bool,
    /// They have a second factor.
    pub mfa: bool,
    /// When they last signed in.
    pub last_login: Option<OffsetDateTime>,
    /// When their account was made.
    pub created_at: OffsetDateTime,
    /// The tenants they belong to, by name; at most 100.
    pub tenants: Json<Vec<Belonging>>,
}

/// A tenant that a person belongs to.
#[derive(Debug, Clone, Deserialize)]
pub struct Belonging {
    /// The tenant.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Their role in it.
    pub role: String,
}

/// People with their tenants, narrowed by `rest`.
fn people(rest: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "select u.id, u.email, u.name, u.is_active, u.is_operator, c.user_id is not null as mfa, u.last_login, u.created_at,
                coalesce((select jsonb_agg(jsonb_build_object('id', b.id, 'name', b.name, 'role', b.role) order by b.name, b.id)
                            from (select t.id, t.name, m.role from memberships m join tenants t on t.id = m.tenant_id
                                   where m.user_id = u.id order by t.name, t.id limit 100) b), '[]') as tenants
           from users u left join mfa_credentials c on c.user_id = u.id and c.confirmed_at is not null
          where {rest}"
    ))
}

/// People whose address or name holds these words, before `before`, the newest accounts first.
pub async fn list(
    operator: &mut PgConnection,
    words: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<UserRow>, StoreError> {
    let rest = "($1::text is null or strpos(lower(u.email || ' ' || u.name), lower($1)) > 0)
            and ($2::uuid is null or u.id < $2) order by u.id desc limit $3";
    Ok(sqlx::query_as(people(rest)).bind(words).bind(before).bind(limit).fetch_all(operator).await?)
}

/// One person.
pub async fn find(operator: &mut PgConnection, user: UserId) -> Result<Option<UserRow>, StoreError> {
    Ok(sqlx::query_as(people("u.id = $1")).bind(user.0).fetch_optional(operator).await?)
}

/// The operators who may sign in, locked until the transaction ends: one change of who that is at a time.
pub async fn lock_active_operators(operator: &mut PgConnection) -> Result<Vec<UserId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "select id from users where is_operator and is_active order by id limit 1000 for no key update",
    )
    .fetch_all(operator)
    .await?;
    Ok(ids.into_iter().map(UserId).collect())
}

/// Lets a person sign in, or not.
pub async fn set_active(operator: &mut PgConnection, user: UserId, active: bool) -> Result<(), StoreError> {
    sqlx::query("update users set is_active = $2 where id = $1").bind(user.0).bind(active).execute(operator).await?;
    Ok(())
}

/// Ends all sessions of a person. Gives how many.
pub async fn end_sessions(operator: &mut PgConnection, user: UserId) -> Result<u64, StoreError> {
    let done = sqlx::query("delete from sessions where user_id = $1").bind(user.0).execute(operator).await?;
    Ok(done.rows_affected())
}

/// Removes a person's second factor with its recovery codes. `false`: they had none.
pub async fn remove_mfa(operator: &mut PgConnection, user: UserId) -> Result<bool, StoreError> {
    let done = sqlx::query("delete from mfa_credentials where user_id = $1 and confirmed_at is not null")
        .bind(user.0)
        .execute(operator)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets one transaction at a time find out whether there is an operator, and make the first.
pub async fn lock_first(operator: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('first operator', 0))").execute(operator).await?;
    Ok(())
}

/// Whether there is an operator, active or not.
pub async fn has_operator(operator: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar("select exists (select from users where is_operator)").fetch_one(operator).await?)
}
