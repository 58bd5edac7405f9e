//! Sessions, by the hash of their token; as `portal_router`. Times are the database's.

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::tenant::TenantSettings;

/// Longest pause between two uses of a session, in minutes.
pub const IDLE_MINUTES: i32 = 60;
/// Longest life of a session, in hours.
pub const ABSOLUTE_HOURS: i32 = 12;

/// How long after the password was given sensitive acts are open, in minutes.
pub const FRESH_MINUTES: i32 = 5;

/// A live session with all that a request needs to know of its user and tenant.
#[derive(Debug, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "a row of the database, read field by field")]
pub struct SessionRow {
    /// Public id of the session.
    pub id: Uuid,
    /// The user.
    pub user_id: Uuid,
    /// The user's address.
    pub email: String,
    /// The user's name.
    pub user_name: String,
    /// The user's language.
    pub locale: String,
    /// The user belongs to the platform.
    pub is_operator: bool,
    /// The tenant the session works in, while it is active and the user a member.
    pub tenant_id: Option<Uuid>,
    /// Its name.
    pub tenant_name: Option<String>,
    /// Its settings.
    pub settings: Option<Json<TenantSettings>>,
    /// The user's role there.
    pub role: Option<String>,
    /// A second factor was given at sign-in.
    pub mfa: bool,
    /// The person has a second factor.
    pub has_mfa: bool,
    /// The password was given within the last [`FRESH_MINUTES`].
    pub fresh: bool,
    /// The last noted use is more than a minute ago.
    pub stale: bool,
}

/// A session to be stored.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// SHA-256 of the token.
    pub token_hash: &'a [u8],
    /// Public id.
    pub id: Uuid,
    /// The user.
    pub user: UserId,
    /// The tenant it starts in.
    pub tenant: Option<TenantId>,
    /// A second factor was given.
    pub mfa: bool,
    /// Client address, when known from the trusted hop.
    pub ip: Option<&'a str>,
    /// The browser's own name, shortened.
    pub user_agent: Option<&'a str>,
}

/// Stores a session.
pub async fn insert(router: &mut PgConnection, session: &NewSession<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "insert into sessions (token_hash, id, user_id, tenant_id, created_at, last_used_at, authenticated_at, expires_at, ip, user_agent, mfa)
         values ($1, $2, $3, $4, now(), now(), now(), now() + make_interval(hours => $5), $6, $7, $8)",
    )
    .bind(session.token_hash)
    .bind(session.id)
    .bind(session.user.0)
    .bind(session.tenant.map(|tenant| tenant.0))
    .bind(ABSOLUTE_HOURS)
    .bind(session.ip)
    .bind(session.user_agent)
    .bind(session.mfa)
    .execute(router)
    .await?;
    Ok(())
}

/// The live session of a token whose user is still active and, unless an operator, a member of its active tenant: all of
/// that is read afresh each time.
pub async fn find(router: &mut PgConnection, token_hash: &[u8]) -> Result<Option<SessionRow>, StoreError> {
    Ok(sqlx::query_as(
        "select s.id, u.id as user_id, u.email, u.name as user_name, u.locale, u.is_operator,
                t.id as tenant_id, t.name as tenant_name, t.settings, m.role,
                s.mfa, c.user_id is not null as has_mfa,
                s.authenticated_at > now() - make_interval(mins => $3) as fresh,
                s.last_used_at < now() - interval '1 minute' as stale
           from sessions s
           join users u on u.id = s.user_id and u.is_active
           left join mfa_credentials c on c.user_id = u.id and c.confirmed_at is not null
           left join memberships m on m.tenant_id = s.tenant_id and m.user_id = s.user_id
           left join tenants t on t.id = m.tenant_id and t.status = 'active'
          where s.token_hash = $1 and s.expires_at > now() and s.last_used_at > now() - make_interval(mins => $2)
            and (u.is_operator or t.id is not null)",
    )
    .bind(token_hash)
    .bind(IDLE_MINUTES)
    .bind(FRESH_MINUTES)
    .fetch_optional(router)
    .await?)
}

/// Notes a use; called for stale sessions only, so at most once a minute for each.
pub async fn touch(router: &mut PgConnection, token_hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query("update sessions set last_used_at = now() where token_hash = $1")
        .bind(token_hash)
        .execute(router)
        .await?;
    Ok(())
}

/// Gives a session another token. `false`: the old one was nobody's any more.
pub async fn rotate(router: &mut PgConnection, token_hash: &[u8], new_hash: &[u8]) -> Result<bool, StoreError> {
    let done = sqlx::query("update sessions set token_hash = $2 where token_hash = $1")
        .bind(token_hash)
        .bind(new_hash)
        .execute(router)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves a session to another tenant.
pub async fn set_tenant(router: &mut PgConnection, token_hash: &[u8], tenant: TenantId) -> Result<(), StoreError> {
    sqlx::query("update sessions set tenant_id = $2 where token_hash = $1")
        .bind(token_hash)
        .bind(tenant.0)
        .execute(router)
        .await?;
    Ok(())
}

/// Ends a session.
pub async fn delete(router: &mut PgConnection, token_hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query("delete from sessions where token_hash = $1").bind(token_hash).execute(router).await?;
    Ok(())
}

/// Notes that the password was given again just now, and the second factor too if there is one.
pub async fn confirm(router: &mut PgConnection, token_hash: &[u8], mfa: bool) -> Result<(), StoreError> {
    sqlx::query("update sessions set authenticated_at = now(), mfa = mfa or $2 where token_hash = $1")
        .bind(token_hash)
        .bind(mfa)
        .execute(router)
        .await?;
    Ok(())
}

/// A live session as its person sees it.
#[derive(Debug, FromRow)]
pub struct OwnSession {
    /// Public id.
    pub id: Uuid,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// Last noted use.
    pub last_used_at: OffsetDateTime,
    /// When it ends whatever happens.
    pub expires_at: OffsetDateTime,
    /// Client address.
    pub ip: Option<String>,
    /// The browser's own name.
    pub user_agent: Option<String>,
}

/// Live sessions of a user, last used first; at most 200.
pub async fn of_user(router: &mut PgConnection, user: UserId) -> Result<Vec<OwnSession>, StoreError> {
    Ok(sqlx::query_as(
        "select id, created_at, last_used_at, expires_at, ip, user_agent from sessions
          where user_id = $1 and expires_at > now() and last_used_at > now() - make_interval(mins => $2)
          order by last_used_at desc, id desc limit 200",
    )
    .bind(user.0)
    .bind(IDLE_MINUTES)
    .fetch_all(router)
    .await?)
}

/// Ends one session of a user. `false`: they have none of this id.
pub async fn delete_one(router: &mut PgConnection, user: UserId, id: Uuid) -> Result<bool, StoreError> {
    let sql = "delete from sessions where user_id = $1 and id = $2";
    Ok(sqlx::query(sql).bind(user.0).bind(id).execute(router).await?.rows_affected() == 1)
}

/// Ends all sessions of a user, but for one to be kept. Returns how many.
pub async fn delete_all(router: &mut PgConnection, user: UserId, keep: Option<Uuid>) -> Result<u64, StoreError> {
    let sql = "delete from sessions where user_id = $1 and id is distinct from $2";
    Ok(sqlx::query(sql).bind(user.0).bind(keep).execute(router).await?.rows_affected())
}

/// Removes sessions that nobody can use any more; at most `limit` at a time. Returns how many.
pub async fn delete_expired(router: &mut PgConnection, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from sessions where token_hash in (select token_hash from sessions
           where expires_at < now() or last_used_at < now() - make_interval(mins => $1) limit $2)",
    )
    .bind(IDLE_MINUTES)
    .bind(limit)
    .execute(router)
    .await?;
    Ok(done.rows_affected())
}
