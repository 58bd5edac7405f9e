//! One-time tokens, by the hash of their text; as `portal_router`. Times are the database's.
//!
//! A *mailed* token is the secret of a link. A subject may have several live ones (a mail that was sent twice), and all of
//! them go when one is used or when a newer mail is written.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{JobId, TenantId, UserId};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The `state` of an authorization request.
    OauthState,
    /// A link to choose a password.
    PasswordReset,
    /// A link to join a tenant.
    Invitation,
    /// The ticket between password and second factor.
    Mfa,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::OauthState => "oauth_state",
            Self::PasswordReset => "password_reset",
            Self::Invitation => "invitation",
            Self::Mfa => "mfa",
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

/// Tenant and user of a live token; uses nothing up.
pub async fn owner(
    router: &mut PgConnection,
    token_hash: &[u8],
    purpose: Purpose,
) -> Result<Option<(TenantId, UserId)>, StoreError> {
    let row: Option<(Uuid, Uuid)> = sqlx::query_as(
        "select tenant_id, user_id from one_time_tokens
          where token_hash = $1 and purpose = $2 and tenant_id is not null and user_id is not null and expires_at > now()",
    )
    .bind(token_hash)
    .bind(purpose.as_str())
    .fetch_optional(router)
    .await?;
    Ok(row.map(|(tenant, user)| (TenantId(tenant), UserId(user))))
}

/// Makes all of a user's tokens of one purpose void.
pub async fn delete_of(router: &mut PgConnection, user: UserId, purpose: Purpose) -> Result<(), StoreError> {
    sqlx::query("delete from one_time_tokens where user_id = $1 and purpose = $2")
        .bind(user.0)
        .bind(purpose.as_str())
        .execute(router)
        .await?;
    Ok(())
}

/// Whom a mailed token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A person, who may choose a password with it.
    Person(UserId),
    /// An invitation of a tenant.
    Invitation(TenantId, Uuid),
}

impl Subject {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Person(_) => Purpose::PasswordReset,
            Self::Invitation(..) => Purpose::Invitation,
        }
    }

    /// The columns that name it: tenant, user, invitation.
    const fn columns(self) -> (Option<Uuid>, Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Person(user) => (None, Some(user.0), None),
            Self::Invitation(tenant, invitation) => (Some(tenant.0), None, Some(invitation)),
        }
    }
}

/// How long a mailed token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// From now on.
    Minutes(i32),
    /// Until a time of the database's clock.
    Until(OffsetDateTime),
}

/// The job that mails a link.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Its id.
    pub job: JobId,
    /// When it was ordered, by the database's clock.
    pub at: OffsetDateTime,
}

/// What became of a job's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is the job's first.
    First,
    /// The job was tried before; its earlier token lives on, because its earlier mail may have arrived.
    Again,
    /// A newer job has made one that lives, and this one was not kept.
    Replaced,
}

/// Keeps a token whose link a job mails, and removes those of older jobs: the newest request counts.
pub async fn insert_mailed(
    router: &mut PgConnection,
    token_hash: &[u8],
    subject: Subject,
    order: Order,
    life: Life,
) -> Result<Kept, StoreError> {
    lock(router, subject).await?;
    let (tenant, user, invitation) = subject.columns();
    let (minutes, until) = match life {
        Life::Minutes(minutes) => (minutes, None),
        Life::Until(until) => (0, Some(until)),
    };
    sqlx::query(
        "delete from one_time_tokens
          where purpose = $1 and (user_id = $2 or (tenant_id = $3 and (payload->>'invitation')::uuid = $4))
            and ((payload->>'job')::uuid = $5 or (payload->>'ordered_at')::timestamptz > $6) is not true",
    )
    .bind(subject.purpose().as_str())
    .bind(user)
    .bind(tenant)
    .bind(invitation)
    .bind(order.job.0)
    .bind(order.at)
    .execute(&mut *router)
    .await?;
    let first: Option<bool> = sqlx::query_scalar(
        "insert into one_time_tokens (token_hash, purpose, tenant_id, user_id, payload, created_at, expires_at)
         select $1, $2, $4, $3,
                jsonb_strip_nulls(jsonb_build_object('invitation', $5::uuid, 'job', $6::uuid, 'ordered_at', $7::timestamptz)),
                now(), coalesce($9, now() + make_interval(mins => $8))
          where not exists (select from one_time_tokens
                 where purpose = $2 and (user_id = $3 or (tenant_id = $4 and (payload->>'invitation')::uuid = $5))
                   and (payload->>'ordered_at')::timestamptz > $7 and expires_at > now())
         returning not exists (select from one_time_tokens where purpose = $2 and (payload->>'job')::uuid = $6)",
    )
    .bind(token_hash)
    .bind(subject.purpose().as_str())
    .bind(user)
    .bind(tenant)
    .bind(invitation)
    .bind(order.job.0)
    .bind(order.at)
    .bind(minutes)
    .bind(until)
    .fetch_optional(router)
    .await?;
    Ok(match first {
        Some(true) => Kept::First,
        Some(false) => Kept::Again,
        None => Kept::Replaced,
    })
}

#[derive(FromRow)]
struct MailedRow {
    tenant_id: Option<Uuid>,
    user_id: Option<Uuid>,
    invitation: Option<Uuid>,
}

/// Whom a live mailed token is for; uses nothing up.
pub async fn find_mailed(
    router: &mut PgConnection,
    token_hash: &[u8],
    purpose: Purpose,
) -> Result<Option<Subject>, StoreError> {
    let row: Option<MailedRow> = sqlx::query_as(
        "select tenant_id, user_id, (payload->>'invitation')::uuid as invitation from one_time_tokens
          where token_hash = $1 and purpose = $2 and expires_at > now()",
    )
    .bind(token_hash)
    .bind(purpose.as_str())
    .fetch_optional(router)
    .await?;
    Ok(row.and_then(|row| match (row.tenant_id, row.user_id, row.invitation) {
        (None, Some(user), None) => Some(Subject::Person(UserId(user))),
        (Some(tenant), None, Some(invitation)) => Some(Subject::Invitation(TenantId(tenant), invitation)),
        _ => None,
    }))
}

/// Uses a live mailed token, and with it all others of its subject: of parallel uses, also of two links, exactly one gets
/// the subject. In a transaction, which must commit for it to be used.
pub async fn take_mailed(
    router: &mut PgConnection,
    token_hash: &[u8],
    purpose: Purpose,
) -> Result<Option<Subject>, StoreError> {
    let Some(subject) = find_mailed(router, token_hash, purpose).await? else { return Ok(None) };
    lock(router, subject).await?;
    if find_mailed(router, token_hash, purpose).await? != Some(subject) {
        return Ok(None);
    }
    revoke_mailed(router, subject).await?;
    Ok(Some(subject))
}

/// Makes all mailed links of a subject void.
pub async fn revoke_mailed(router: &mut PgConnection, subject: Subject) -> Result<(), StoreError> {
    let (tenant, user, invitation) = subject.columns();
    sqlx::query(
        "delete from one_time_tokens
          where purpose = $1 and (user_id = $2 or (tenant_id = $3 and (payload->>'invitation')::uuid = $4))",
    )
    .bind(subject.purpose().as_str())
    .bind(user)
    .bind(tenant)
    .bind(invitation)
    .execute(router)
    .await?;
    Ok(())
}

/// Lets one transaction at a time make, use or void a subject's links.
async fn lock(router: &mut PgConnection, subject: Subject) -> Result<(), StoreError> {
    let name = match subject {
        Subject::Person(user) => format!("reset/{user}"),
        Subject::Invitation(_, invitation) => format!("invitation/{invitation}"),
    };
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))").bind(name).execute(router).await?;
    Ok(())
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

/// Removes all tokens of a tenant.
pub async fn delete_of_tenant(router: &mut PgConnection, tenant: TenantId) -> Result<(), StoreError> {
    sqlx::query("delete from one_time_tokens where tenant_id = $1").bind(tenant.0).execute(router).await?;
    Ok(())
}
