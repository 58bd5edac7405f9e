//! Users, memberships and tenants as sign-in needs them (as `portal_router`), and a tenant's own row (as `portal_app`).

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::role::Role;
use crate::domain::tenant::TenantSettings;

/// What a login needs to know of a user.
#[derive(Debug, FromRow)]
pub struct Credentials {
    /// Id of the user.
    pub id: uuid::Uuid,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// PHC string.
    pub password_hash: String,
    /// May sign in.
    pub is_active: bool,
    /// Belongs to the platform, not to a tenant.
    pub is_operator: bool,
    /// Has proven a second factor.
    pub has_mfa: bool,
    /// The first active tenant of the person.
    pub tenant_id: Option<uuid::Uuid>,
}

impl Credentials {
    /// Whether there is anything that the person could sign in to.
    pub fn may_sign_in(&self) -> bool {
        self.is_active && (self.is_operator || self.tenant_id.is_some())
    }
}

/// A tenant that a user belongs to.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The tenant.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// The user's role there.
    pub role: Role,
}

/// The user of an address in lower case.
pub async fn credentials(router: &mut PgConnection, email: &str) -> Result<Option<Credentials>, StoreError> {
    find_credentials(router, Some(email), None).await
}

/// The user of an id.
pub async fn credentials_of(router: &mut PgConnection, user: UserId) -> Result<Option<Credentials>, StoreError> {
    find_credentials(router, None, Some(user)).await
}

async fn find_credentials(
    router: &mut PgConnection,
    email: Option<&str>,
    user: Option<UserId>,
) -> Result<Option<Credentials>, StoreError> {
    Ok(sqlx::query_as(
        "select u.id, u.email, u.name, u.password_hash, u.is_active, u.is_operator,
                exists (select from mfa_credentials c where c.user_id = u.id and c.confirmed_at is not null) as has_mfa,
                (select t.id from memberships m join tenants t on t.id = m.tenant_id
                  where m.user_id = u.id and t.status = 'active' order by t.name, t.id limit 1) as tenant_id
           from users u where u.email = $1 or u.id = $2",
    )
    .bind(email)
    .bind(user.map(|user| user.0))
    .fetch_optional(router)
    .await?)
}

/// Stores another password in place of the one that was checked. `false`: it was replaced meanwhile.
pub async fn set_password(
    router: &mut PgConnection,
    user: UserId,
    (old, new): (&str, &str),
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update users set password_hash = $3, password_changed_at = now() where id = $1 and password_hash = $2",
    )
    .bind(user.0)
    .bind(old)
    .bind(new)
    .execute(router)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the same password under newer parameters, unless it was replaced meanwhile.
pub async fn rehash(router: &mut PgConnection, user: UserId, (old, new): (&str, &str)) -> Result<(), StoreError> {
    sqlx::query("update users set password_hash = $3 where id = $1 and password_hash = $2")
        .bind(user.0)
        .bind(old)
        .bind(new)
        .execute(router)
        .await?;
    Ok(())
}

/// A person's account as they see it.
#[derive(Debug, Clone, FromRow)]
pub struct AccountRow {
    /// Id.
    pub id: uuid::Uuid,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// `es` or `en`.
    pub locale: String,
    /// Belongs to the platform.
    pub is_operator: bool,
    /// When the password was last chosen.
    pub password_changed_at: Option<OffsetDateTime>,
    /// Since when there is a second factor.
    pub mfa_since: Option<OffsetDateTime>,
    /// Recovery codes that are not used.
    pub recovery_codes: i64,
    /// An active tenant of the person demands a second factor.
    pub tenant_demands_mfa: bool,
}

/// A person's account; locked until the transaction ends.
pub async fn account_for_update(router: &mut PgConnection, user: UserId) -> Result<AccountRow, StoreError> {
    Ok(sqlx::query_as(
        "select u.id, u.email, u.name, u.locale, u.is_operator, u.password_changed_at, c.confirmed_at as mfa_since,
                (select count(*) from recovery_codes r where r.user_id = u.id) as recovery_codes,
                exists (select from memberships m join tenants t on t.id = m.tenant_id
                         where m.user_id = u.id and t.status = 'active'
                           and (t.settings->>'require_mfa')::boolean) as tenant_demands_mfa
           from users u left join mfa_credentials c on c.user_id = u.id and c.confirmed_at is not null
          where u.id = $1 for update of u",
    )
    .bind(user.0)
    .fetch_one(router)
    .await?)
}

/// Changes name and language.
pub async fn set_account(router: &mut PgConnection, user: UserId, name: &str, locale: &str) -> Result<(), StoreError> {
    sqlx::query("update users set name = $2, locale = $3 where id = $1")
        .bind(user.0)
        .bind(name)
        .bind(locale)
        .execute(router)
        .await?;
    Ok(())
}

/// Active tenants of a user in order of their names; at most 100.
pub async fn memberships(router: &mut PgConnection, user: UserId) -> Result<Vec<Membership>, StoreError> {
    let rows: Vec<(uuid::Uuid, String, String)> = sqlx::query_as(
        "select t.id, t.name, m.role from memberships m join tenants t on t.id = m.tenant_id
          where m.user_id = $1 and t.status = 'active' order by t.name, t.id limit 100",
    )
    .bind(user.0)
    .fetch_all(router)
    .await?;
    rows.into_iter()
        .map(|(id, name, role)| {
            let role = Role::parse_member(&role).ok_or(StoreError::Inconsistent("memberships.role"))?;
            Ok(Membership { tenant: TenantId(id), name, role })
        })
        .collect()
}

/// Notes a successful login, at the database's time.
pub async fn touch_last_login(router: &mut PgConnection, user: UserId) -> Result<(), StoreError> {
    sqlx::query("update users set last_login = now() where id = $1").bind(user.0).execute(router).await?;
    Ok(())
}

/// A tenant's settings.
pub async fn tenant_settings(app: &mut PgConnection, tenant: TenantId) -> Result<TenantSettings, StoreError> {
    let settings: Option<Json<TenantSettings>> =
        sqlx::query_scalar("select settings from tenants where id = $1").bind(tenant.0).fetch_optional(app).await?;
    settings.map(|settings| settings.0).ok_or(StoreError::Inconsistent("tenants"))
}
