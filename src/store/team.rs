//! Members of a tenant: read as `portal_router`, because only it sees people; changed as `portal_app` in the tenant.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::role::Role;

/// A member.
#[derive(Debug, Clone, FromRow)]
pub struct MemberRow {
    /// The person.
    pub user_id: Uuid,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their role here.
    pub role: String,
    /// They may sign in; an operator can withdraw that.
    pub is_active: bool,
    /// They have a second factor.
    pub mfa: bool,
    /// When they last signed in, to whichever tenant.
    pub last_login: Option<OffsetDateTime>,
    /// When they became a member.
    pub since: OffsetDateTime,
}

impl MemberRow {
    /// The role as a type.
    pub fn role(&self) -> Result<Role, StoreError> {
        Role::parse_member(&self.role).ok_or(StoreError::Inconsistent("memberships.role"))
    }
}

const MEMBERS: &str =
    "select m.user_id, u.name, u.email, m.role, u.is_active, c.user_id is not null as mfa, u.last_login,
            m.created_at as since
       from memberships m
       join users u on u.id = m.user_id
       left join mfa_credentials c on c.user_id = u.id and c.confirmed_at is not null
      where m.tenant_id = $1";

/// Members after `after`, in the order in which their accounts were made.
pub async fn list(
    router: &mut PgConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<MemberRow>, StoreError> {
    let sql = format!("{MEMBERS} and m.user_id > $2 order by m.user_id limit $3");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(tenant.0)
        .bind(after.unwrap_or(Uuid::nil()))
        .bind(limit)
        .fetch_all(router)
        .await?)
}

/// One member.
pub async fn find(router: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<Option<MemberRow>, StoreError> {
    let sql = format!("{MEMBERS} and m.user_id = $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(user.0).fetch_optional(router).await?)
}

/// Admins who may sign in; at most 1,000.
pub async fn active_admins(router: &mut PgConnection, tenant: TenantId) -> Result<Vec<UserId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "select m.user_id from memberships m join users u on u.id = m.user_id and u.is_active
          where m.tenant_id = $1 and m.role = 'admin' limit 1000",
    )
    .bind(tenant.0)
    .fetch_all(router)
    .await?;
    Ok(ids.into_iter().map(UserId).collect())
}

/// Which of these addresses belong to members.
pub async fn members_among(
    router: &mut PgConnection,
    tenant: TenantId,
    emails: &[String],
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(
        "select u.email from memberships m join users u on u.id = m.user_id
          where m.tenant_id = $1 and u.email = any($2)",
    )
    .bind(tenant.0)
    .bind(emails)
    .fetch_all(router)
    .await?)
}

/// Whether a person has a proven second factor.
pub async fn has_mfa(router: &mut PgConnection, user: UserId) -> Result<bool, StoreError> {
    let sql = "select exists (select from mfa_credentials where user_id = $1 and confirmed_at is not null)";
    Ok(sqlx::query_scalar(sql).bind(user.0).fetch_one(router).await?)
}

/// The role of a member, locked until the transaction ends.
pub async fn role_for_update(
    app: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<Role>, StoreError> {
    let role: Option<String> =
        sqlx::query_scalar("select role from memberships where tenant_id = $1 and user_id = $2 for update")
            .bind(tenant.0)
            .bind(user.0)
            .fetch_optional(app)
            .await?;
    role.map(|role| Role::parse_member(&role).ok_or(StoreError::Inconsistent("memberships.role"))).transpose()
}

/// Gives a member another role.
pub async fn set_role(app: &mut PgConnection, tenant: TenantId, user: UserId, role: Role) -> Result<(), StoreError> {
    sqlx::query("update memberships set role = $3 where tenant_id = $1 and user_id = $2")
        .bind(tenant.0)
        .bind(user.0)
        .bind(role.as_str())
        .execute(app)
        .await?;
    Ok(())
}

/// Ends a membership.
pub async fn remove(app: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<(), StoreError> {
    sqlx::query("delete from memberships where tenant_id = $1 and user_id = $2")
        .bind(tenant.0)
        .bind(user.0)
        .execute(app)
        .await?;
    Ok(())
}

/// Members, as `portal_app`.
pub async fn count(app: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    let sql = "select count(*) from memberships where tenant_id = $1";
    Ok(sqlx::query_scalar(sql).bind(tenant.0).fetch_one(app).await?)
}

/// Adds a member; `false`: they are one already. As `portal_router`.
pub async fn add(
    router: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    role: Role,
    at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "insert into memberships (tenant_id, user_id, role, created_at) values ($1, $2, $3, $4)
         on conflict on constraint memberships_pkey do nothing",
    )
    .bind(tenant.0)
    .bind(user.0)
    .bind(role.as_str())
    .bind(at)
    .execute(router)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a person's sessions in one tenant. As `portal_router`.
pub async fn end_sessions(router: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<u64, StoreError> {
    let done = sqlx::query("delete from sessions where tenant_id = $1 and user_id = $2")
        .bind(tenant.0)
        .bind(user.0)
        .execute(router)
        .await?;
    Ok(done.rows_affected())
}
