//! Sealed values and the keys that seal them: which keys are in use, finding values of an old key, and replacing each
//! unless it has changed meanwhile.
//!
//! What looks across tenants does so as `portal_router`, which sees the ids of keys and no sealed value of a tenant.

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{JobId, TenantId, UserId};
use crate::domain::sealed::Sealed;

/// Keys that are told apart at most.
const MOST_KEYS: i64 = 100;

/// How many values each key seals, without those in jobs; as `portal_router`.
pub async fn in_use(router: &mut PgConnection) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(sqlx::query_as(
        "select kid, count(*) from (
             select jsonb_array_elements_text(key_ids) as kid from credentials
             union all select jsonb_array_elements_text(key_ids) from data_sources
             union all select secret ->> 'kid' from mfa_credentials
             union all select payload -> 'verifier' ->> 'kid' from one_time_tokens
                        where purpose = 'oauth_state' and expires_at > now()) sealed
          where kid is not null group by kid order by kid limit $1",
    )
    .bind(MOST_KEYS)
    .fetch_all(router)
    .await?)
}

/// How many entries of a tenant's trail each key vouches for.
pub async fn of_entries(app: &mut PgConnection, tenant: TenantId) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "select split_part(digest, ':', 1) as kid, count(*) from audit_log
                where tenant_id = $1 and digest is not null group by kid order by kid limit $2";
    Ok(sqlx::query_as(sql).bind(tenant.0).bind(MOST_KEYS).fetch_all(app).await?)
}

/// How many entries of the platform's trail each key vouches for; as `portal_operator`.
pub async fn of_platform_entries(operator: &mut PgConnection) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "select split_part(digest, ':', 1) as kid, count(*) from platform_audit
                where digest is not null group by kid order by kid limit $1";
    Ok(sqlx::query_as(sql).bind(MOST_KEYS).fetch_all(operator).await?)
}

/// Where secrets of tenants lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Accesses to providers.
    Credentials,
    /// Sources: copies that the previous version of the program reads, until a person connects anew.
    Sources,
}

/// Rows with a secret under another key than `kid`, after `after`; as `portal_router`.
pub async fn under_others(
    router: &mut PgConnection,
    place: Place,
    kid: &str,
    after: Option<(TenantId, Uuid)>,
    limit: i64,
) -> Result<Vec<(TenantId, Uuid)>, StoreError> {
    let sql = match place {
        Place::Credentials => {
            "select tenant_id, id from credentials
              where exists (select from jsonb_array_elements_text(key_ids) as used (kid) where used.kid <> $1)
                and ($2::uuid is null or (tenant_id, id) > ($2, $3)) order by tenant_id, id limit $4"
        }
        Place::Sources => {
            "select tenant_id, id from data_sources
              where exists (select from jsonb_array_elements_text(key_ids) as used (kid) where used.kid <> $1)
                and ($2::uuid is null or (tenant_id, id) > ($2, $3)) order by tenant_id, id limit $4"
        }
    };
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(sql)
        .bind(kid)
        .bind(after.map(|(tenant, _)| tenant.0))
        .bind(after.map(|(_, id)| id))
        .bind(limit)
        .fetch_all(router)
        .await?;
    Ok(rows.into_iter().map(|(tenant, id)| (TenantId(tenant), id)).collect())
}

/// All sealed secrets of a row as they are stored.
pub async fn secrets(
    app: &mut PgConnection,
    place: Place,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Value>, StoreError> {
    let sql = match place {
        Place::Credentials => "select secrets from credentials where tenant_id = $1 and id = $2",
        Place::Sources => "select auth from data_sources where tenant_id = $1 and id = $2",
    };
    let found: Option<Json<Value>> = sqlx::query_scalar(sql).bind(tenant.0).bind(id).fetch_optional(app).await?;
    Ok(found.map(|found| found.0))
}

/// Replaces a row's sealed secrets. `false`: they are not `old` any more.
pub async fn replace_secrets(
    app: &mut PgConnection,
    place: Place,
    (tenant, id): (TenantId, Uuid),
    old: &Value,
    new: &Value,
) -> Result<bool, StoreError> {
    let sql = match place {
        Place::Credentials => "update credentials set secrets = $4 where tenant_id = $1 and id = $2 and secrets = $3",
        Place::Sources => "update data_sources set auth = $4 where tenant_id = $1 and id = $2 and auth = $3",
    };
    let done = sqlx::query(sql).bind(tenant.0).bind(id).bind(Json(old)).bind(Json(new)).execute(app).await?;
    Ok(done.rows_affected() == 1)
}

/// Second factors under another key than `kid`, after `after`; as `portal_router`.
pub async fn factors_of_others(
    router: &mut PgConnection,
    kid: &str,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<(UserId, Value)>, StoreError> {
    let rows: Vec<(Uuid, Json<Value>)> = sqlx::query_as(
        "select user_id, secret from mfa_credentials
          where secret ->> 'kid' is distinct from $1 and ($2::uuid is null or user_id > $2) order by user_id limit $3",
    )
    .bind(kid)
    .bind(after.map(|user| user.0))
    .bind(limit)
    .fetch_all(router)
    .await?;
    Ok(rows.into_iter().map(|(user, secret)| (UserId(user), secret.0)).collect())
}

/// Replaces a second factor's secret. `false`: it is not `old` any more. As `portal_router`.
pub async fn replace_factor(
    router: &mut PgConnection,
    user: UserId,
    old: &Value,
    new: &Sealed,
) -> Result<bool, StoreError> {
    let done = sqlx::query("update mfa_credentials set secret = $3 where user_id = $1 and secret = $2")
        .bind(user.0)
        .bind(Json(old))
        .bind(Json(new))
        .execute(router)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Live withdrawals, whose orders hold a sealed token, after `after`; as `portal_router`.
pub async fn withdrawals(
    router: &mut PgConnection,
    after: Option<JobId>,
    limit: i64,
) -> Result<Vec<(TenantId, JobId)>, StoreError> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "select tenant_id, id from jobs where kind = 'withdrawal' and state in ('queued', 'running')
            and ($1::uuid is null or id > $1) order by id limit $2",
    )
    .bind(after.map(|job| job.0))
    .bind(limit)
    .fetch_all(router)
    .await?;
    Ok(rows.into_iter().map(|(tenant, job)| (TenantId(tenant), JobId(job))).collect())
}

/// The order of a live withdrawal.
pub async fn order(app: &mut PgConnection, tenant: TenantId, job: JobId) -> Result<Option<Value>, StoreError> {
    let sql = "select payload from jobs where tenant_id = $1 and id = $2 and state in ('queued', 'running')";
    let order: Option<Json<Value>> = sqlx::query_scalar(sql).bind(tenant.0).bind(job.0).fetch_optional(app).await?;
    Ok(order.map(|order| order.0))
}

/// Replaces the order of a withdrawal. `false`: it is not `old` any more.
pub async fn replace_order(
    app: &mut PgConnection,
    tenant: TenantId,
    job: JobId,
    old: &Value,
    new: &Value,
) -> Result<bool, StoreError> {
    let done = sqlx::query("update jobs set payload = $4 where tenant_id = $1 and id = $2 and payload = $3")
        .bind(tenant.0)
        .bind(job.0)
        .bind(Json(old))
        .bind(Json(new))
        .execute(app)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a live access of any tenant may be of the same consent: it is of the same person, or, where one of the two
/// persons is not known, it showed one of the same accounts. A consent that showed none may be anybody's. As
/// `portal_router`.
pub async fn consent_is_in_use(
    router: &mut PgConnection,
    provider: &str,
    holder: Option<&str>,
    accounts: &[String],
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "select exists (select from credentials
          where provider = $1 and key_ids <> '[]'
            and case when holder is not null and $2::text is not null then holder = $2
                     else cardinality($3::text[]) = 0 or shown_accounts ?| $3 end)",
    )
    .bind(provider)
    .bind(holder)
    .bind(accounts)
    .fetch_one(router)
    .await?)
}
