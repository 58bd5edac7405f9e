//! Making tenants, users and memberships; as `portal_operator`.

use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::role::Role;
use crate::domain::tenant::TenantSettings;

/// The tenant of this name, if there is one.
pub async fn tenant_by_name(operator: &mut PgConnection, name: &str) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar("select id from tenants where name = $1 order by id limit 1")
        .bind(name)
        .fetch_optional(operator)
        .await?)
}

/// Adds a tenant.
pub async fn insert_tenant(
    operator: &mut PgConnection,
    id: Uuid,
    name: &str,
    settings: &TenantSettings,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query("insert into tenants (id, name, settings, created_at) values ($1, $2, $3, $4)")
        .bind(id)
        .bind(name)
        .bind(Json(settings))
        .bind(at)
        .execute(operator)
        .await?;
    Ok(())
}

/// A user to be added.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Id.
    pub id: Uuid,
    /// Address in lower case.
    pub email: &'a str,
    /// Display name.
    pub name: &'a str,
    /// PHC string.
    pub password_hash: &'a str,
    /// Belongs to the platform.
    pub is_operator: bool,
}

/// The user of an address in lower case, if there is one.
pub async fn user_by_email(operator: &mut PgConnection, email: &str) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar("select id from users where email = $1").bind(email).fetch_optional(operator).await?)
}

/// Adds a user.
pub async fn insert_user(
    operator: &mut PgConnection,
    user: &NewUser<'_>,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into users (id, email, name, password_hash, is_operator, created_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(user.id)
    .bind(user.email)
    .bind(user.name)
    .bind(user.password_hash)
    .bind(user.is_operator)
    .bind(at)
    .execute(operator)
    .await?;
    Ok(())
}

/// Makes a user a member; changes nothing if they are one.
pub async fn insert_membership(
    operator: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    role: Role,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into memberships (tenant_id, user_id, role, created_at) values ($1, $2, $3, $4)
         on conflict on constraint memberships_pkey do nothing",
    )
    .bind(tenant)
    .bind(user)
    .bind(role.as_str())
    .bind(at)
    .execute(operator)
    .await?;
    Ok(())
}
