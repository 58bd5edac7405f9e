//! Whom mails go to, as they stand at the moment of sending; as `portal_router`.

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::tenant::TenantSettings;

/// A person with an account.
#[derive(Debug, FromRow)]
pub struct Recipient {
    /// Id.
    pub id: Uuid,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// `es` or `en`.
    pub locale: String,
    /// May sign in.
    pub is_active: bool,
    /// Belongs to the platform.
    pub is_operator: bool,
    /// Is a member of a tenant that is active.
    pub is_member: bool,
}

impl Recipient {
    /// Whether mails about the account still go to them: whoever cannot get in any more gets none.
    pub fn is_reachable(&self) -> bool {
        self.is_active && (self.is_operator || self.is_member)
    }
}

/// The person of an id.
pub async fn by_id(router: &mut PgConnection, user: UserId) -> Result<Option<Recipient>, StoreError> {
    find(router, Some(user), None).await
}

/// The person of an address in lower case.
pub async fn by_email(router: &mut PgConnection, email: &str) -> Result<Option<Recipient>, StoreError> {
    find(router, None, Some(email)).await
}

async fn find(
    router: &mut PgConnection,
    user: Option<UserId>,
    email: Option<&str>,
) -> Result<Option<Recipient>, StoreError> {
    Ok(sqlx::query_as(
        "select u.id, u.email, u.name, u.locale, u.is_active, u.is_operator,
                exists (select from memberships m join tenants t on t.id = m.tenant_id
                         where m.user_id = u.id and t.status = 'active') as is_member
           from users u where u.id = $1 or u.email = $2",
    )
    .bind(user.map(|user| user.0))
    .bind(email)
    .fetch_optional(router)
    .await?)
}

/// An admin of a tenant.
#[derive(Debug, FromRow)]
pub struct AdminRow {
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// `es` or `en`.
    pub locale: String,
    /// Name of the tenant.
    pub tenant_name: String,
}

/// A person, if they may sign in and are an admin of this tenant, and the tenant is active.
pub async fn admin(router: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<Option<AdminRow>, StoreError> {
    Ok(sqlx::query_as(
        "select u.email, u.name, u.locale, t.name as tenant_name
           from memberships m join users u on u.id = m.user_id join tenants t on t.id = m.tenant_id
          where m.tenant_id = $1 and m.user_id = $2 and m.role = 'admin' and u.is_active and t.status = 'active'",
    )
    .bind(tenant.0)
    .bind(user.0)
    .fetch_optional(router)
    .await?)
}

/// Somebody who is invited and has not answered.
#[derive(Debug, FromRow)]
pub struct Invited {
    /// Address.
    pub email: String,
    /// The role they get.
    pub role: String,
    /// Who invited; none: an operator.
    pub invited_by: Option<String>,
    /// When the invitation ends.
    pub expires_at: OffsetDateTime,
    /// Name of the tenant.
    pub tenant_name: String,
    /// Its settings.
    pub settings: Json<TenantSettings>,
    /// Name of the account that has the address already.
    pub name: Option<String>,
    /// Language of that account.
    pub locale: Option<String>,
}

/// A tenant's invitation, unless it is settled or over, the tenant is not active or the account is disabled.
pub async fn invited(
    router: &mut PgConnection,
    tenant: TenantId,
    invitation: Uuid,
) -> Result<Option<Invited>, StoreError> {
    Ok(sqlx::query_as(
        "select i.email, i.role, i.invited_by, i.expires_at, t.name as tenant_name, t.settings, u.name, u.locale
           from invitations i join tenants t on t.id = i.tenant_id left join users u on u.email = i.email
          where i.tenant_id = $1 and i.id = $2 and i.status = 'pending' and i.expires_at > now()
            and t.status = 'active' and u.is_active is not false",
    )
    .bind(tenant.0)
    .bind(invitation)
    .fetch_optional(router)
    .await?)
}
