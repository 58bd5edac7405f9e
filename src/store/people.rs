//! Users, memberships and tenants as sign-in needs them (as `portal_router`), and a tenant's own row (as `portal_app`).

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::role::Role;
use crate::domain::tenant::TenantSettings;

/// What a login needs to know of a user.
#[derive(Debug, FromRow)]
pub struct Credentials {
    /// Id of the user.
    pub id: uuid::Uuid,
    /// PHC string.
    pub password_hash: String,
    /// May sign in.
    pub is_active: bool,
    /// Belongs to the platform, not to a tenant.
    pub is_operator: bool,
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
    Ok(sqlx::query_as("select id, password_hash, is_active, is_operator from users where email = $1")
        .bind(email)
        .fetch_optional(router)
        .await?)
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
