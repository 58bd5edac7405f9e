//! Requests that may be sent to a provider, shared by all processes; as `portal_app`. The clock is the database's.

use sqlx::PgConnection;

use super::StoreError;
use crate::domain::ids::{CredentialId, TenantId};

/// Whose bucket, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Bucket<'a> {
    /// The access.
    pub credential: CredentialId,
    /// The provider's id of the account.
    pub account: &'a str,
    /// The endpoint.
    pub endpoint: &'a str,
}

/// Takes up to `wanted` requests out of a bucket that holds `burst` and gains `per_second`. Gives how many were there, and
/// after how many seconds there will be one if there was none.
pub async fn take(
    app: &mut PgConnection,
    tenant: TenantId,
    bucket: Bucket<'_>,
    (per_second, burst): (f64, f64),
    wanted: f64,
) -> Result<(f64, f64), StoreError> {
    // The row is locked by the insertion before it is counted, so that two processes never take the same request. While
    // slow, the bucket gains half.
    sqlx::query(
        "insert into request_buckets (tenant_id, credential_id, account, endpoint, tokens, counted_at)
         values ($1, $2, $3, $4, $5, now())
         on conflict on constraint request_buckets_pkey do update set account = excluded.account",
    )
    .bind(tenant.0)
    .bind(bucket.credential.0)
    .bind(bucket.account)
    .bind(bucket.endpoint)
    .bind(burst)
    .execute(&mut *app)
    .await?;
    Ok(sqlx::query_as(
        "update request_buckets b
            set tokens = f.filled - f.taken, counted_at = f.at
           from (select *, case when filled >= 1 then least($7, floor(filled)) else 0 end as taken
                   from (select clock_timestamp() as at,
                                least($6, tokens + greatest(0, extract(epoch from clock_timestamp() - counted_at)) * gain) as filled,
                                gain
                           from (select tokens, counted_at,
                                        $5 * case when slow_until > clock_timestamp() then 0.5 else 1 end as gain
                                   from request_buckets
                                  where tenant_id = $1 and credential_id = $2 and account = $3 and endpoint = $4) g) h) f
          where b.tenant_id = $1 and b.credential_id = $2 and b.account = $3 and b.endpoint = $4
          returning f.taken::float8, (case when f.taken > 0 then 0 else (1 - f.filled) / f.gain end)::float8",
    )
    .bind(tenant.0)
    .bind(bucket.credential.0)
    .bind(bucket.account)
    .bind(bucket.endpoint)
    .bind(per_second)
    .bind(burst)
    .bind(wanted)
    .fetch_one(app)
    .await?)
}

/// Lets a bucket gain half for a minute and empties it, because the provider asked for less.
pub async fn slow_down(app: &mut PgConnection, tenant: TenantId, bucket: Bucket<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "update request_buckets set tokens = least(tokens, 0), slow_until = clock_timestamp() + interval '1 minute'
          where tenant_id = $1 and credential_id = $2 and account = $3 and endpoint = $4",
    )
    .bind(tenant.0)
    .bind(bucket.credential.0)
    .bind(bucket.account)
    .bind(bucket.endpoint)
    .execute(app)
    .await?;
    Ok(())
}
