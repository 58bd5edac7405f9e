//! Invitations. Made and withdrawn as `portal_app` in the tenant, found and accepted as `portal_router`. Their times are
//! the database's, like those of the tokens in their links.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::role::Role;

/// How long an invitation is open, in days.
pub const DAYS: i32 = 7;

/// An invitation that was neither accepted nor withdrawn.
#[derive(Debug, Clone, FromRow)]
pub struct InvitationRow {
    /// Id.
    pub id: Uuid,
    /// Who is invited.
    pub email: String,
    /// The role they will have.
    pub role: String,
    /// Its time is over.
    pub is_expired: bool,
    /// Who invited, by their name then.
    pub invited_by: Option<String>,
    /// When.
    pub created_at: OffsetDateTime,
    /// Until when it is open.
    pub expires_at: OffsetDateTime,
}

impl InvitationRow {
    /// The role as a type.
    pub fn role(&self) -> Result<Role, StoreError> {
        Role::parse_member(&self.role).ok_or(StoreError::Inconsistent("invitations.role"))
    }
}

const COLUMNS: &str = "id, email, role, expires_at <= now() as is_expired, invited_by, created_at, expires_at";

/// Unsettled invitations, newest first; at most 500.
pub async fn list(app: &mut PgConnection, tenant: TenantId) -> Result<Vec<InvitationRow>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from invitations where tenant_id = $1 and status = 'pending' order by id desc limit 500"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).fetch_all(app).await?)
}

/// An unsettled invitation, locked until the transaction ends.
pub async fn find_for_update(
    app: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<InvitationRow>, StoreError> {
    let sql =
        format!("select {COLUMNS} from invitations where tenant_id = $1 and id = $2 and status = 'pending' for update");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(id).fetch_optional(app).await?)
}

/// Open invitations: neither settled nor expired.
pub async fn count_open(app: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    let sql = "select count(*) from invitations where tenant_id = $1 and status = 'pending' and expires_at > now()";
    Ok(sqlx::query_scalar(sql).bind(tenant.0).fetch_one(app).await?)
}

/// Which of these addresses have an open invitation, with its id.
pub async fn open_among(
    app: &mut PgConnection,
    tenant: TenantId,
    emails: &[String],
) -> Result<Vec<(String, Uuid)>, StoreError> {
    Ok(sqlx::query_as(
        "select email, id from invitations
          where tenant_id = $1 and email = any($2) and status = 'pending' and expires_at > now()",
    )
    .bind(tenant.0)
    .bind(emails)
    .fetch_all(app)
    .await?)
}

/// Adds an invitation in the place of one that has expired, if any. As `portal_operator` too, then by nobody.
pub async fn insert(
    app: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    (email, role): (&str, Role),
    invited_by: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query(
        "update invitations set status = 'revoked', settled_at = now()
          where tenant_id = $1 and email = $2 and status = 'pending' and expires_at <= now()",
    )
    .bind(tenant.0)
    .bind(email)
    .execute(&mut *app)
    .await?;
    sqlx::query(
        "insert into invitations (tenant_id, id, email, role, status, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4, 'pending', $5, now(), now() + make_interval(days => $6))",
    )
    .bind(tenant.0)
    .bind(id)
    .bind(email)
    .bind(role.as_str())
    .bind(invited_by)
    .bind(DAYS)
    .execute(app)
    .await?;
    Ok(())
}

/// Opens an invitation for another [`DAYS`].
pub async fn renew(app: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<InvitationRow, StoreError> {
    let sql = format!(
        "update invitations set expires_at = now() + make_interval(days => $3)
          where tenant_id = $1 and id = $2 and status = 'pending' returning {COLUMNS}"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(id).bind(DAYS).fetch_one(app).await?)
}

/// Withdraws an invitation; its links are dead at once, because they are looked up here.
pub async fn revoke(app: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
    sqlx::query(
        "update invitations set status = 'revoked', settled_at = now()
          where tenant_id = $1 and id = $2 and status = 'pending'",
    )
    .bind(tenant.0)
    .bind(id)
    .execute(app)
    .await?;
    Ok(())
}

/// What a link leads to: an open invitation of an active tenant.
#[derive(Debug, Clone, FromRow)]
pub struct Offer {
    /// The invitation.
    pub id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// Its name.
    pub tenant_name: String,
    /// Who is invited.
    pub email: String,
    /// The role they will have.
    pub role: String,
    /// Who invited, by their name then; nobody's when an operator did.
    pub invited_by: Option<String>,
    /// Until when it is open.
    pub expires_at: OffsetDateTime,
    /// The account that the address has.
    pub user_id: Option<Uuid>,
    /// That account belongs to the platform or may not sign in: it cannot become a member.
    pub is_barred: bool,
}

impl Offer {
    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        TenantId(self.tenant_id)
    }

    /// The role as a type.
    pub fn role(&self) -> Result<Role, StoreError> {
        Role::parse_member(&self.role).ok_or(StoreError::Inconsistent("invitations.role"))
    }
}

/// What the token of a link leads to, if it is live and the invitation is open. As `portal_router`; uses nothing up.
pub async fn offer(router: &mut PgConnection, token_hash: &[u8]) -> Result<Option<Offer>, StoreError> {
    Ok(sqlx::query_as(
        "select i.id, i.tenant_id, t.name as tenant_name, i.email, i.role, i.invited_by, i.expires_at, u.id as user_id,
                coalesce(u.is_operator or not u.is_active, false) as is_barred
           from one_time_tokens k
           join invitations i on i.tenant_id = k.tenant_id and i.id::text = k.payload ->> 'invitation'
           join tenants t on t.id = i.tenant_id and t.status = 'active'
           left join users u on u.email = i.email
          where k.token_hash = $1 and k.purpose = 'invitation' and k.expires_at > now()
            and i.status = 'pending' and i.expires_at > now()",
    )
    .bind(token_hash)
    .fetch_optional(router)
    .await?)
}

/// Marks an invitation as accepted; `false`: it was withdrawn at this very moment. As `portal_router`.
pub async fn settle(router: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update invitations set status = 'accepted', settled_at = now()
          where tenant_id = $1 and id = $2 and status = 'pending'",
    )
    .bind(tenant.0)
    .bind(id)
    .execute(router)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A person who comes by invitation.
#[derive(Debug)]
pub struct Newcomer<'a> {
    /// Id, if they are new.
    pub id: UserId,
    /// Address.
    pub email: &'a str,
    /// Name.
    pub name: &'a str,
    /// `es` or `en`.
    pub locale: &'a str,
    /// PHC string.
    pub password_hash: &'a str,
}

/// Adds a person; `false`: the address has an account by now. As `portal_router`.
pub async fn add_person(
    router: &mut PgConnection,
    person: &Newcomer<'_>,
    at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "insert into users (id, email, name, locale, password_hash, password_changed_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $6) on conflict on constraint users_email_key do nothing",
    )
    .bind(person.id.0)
    .bind(person.email)
    .bind(person.name)
    .bind(person.locale)
    .bind(person.password_hash)
    .bind(at)
    .execute(router)
    .await?;
    Ok(done.rows_affected() == 1)
}
