//! Background work. Rows are the truth; the queue only carries their ids. `run_at` and leases use the database's clock.

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{JobId, TenantId};

/// How long a claim lasts without a sign of life, in seconds.
pub const LEASE_SECONDS: i32 = 60;

/// Most jobs of one tenant that run at a time in one queue, of the eight that one instance of the host takes.
pub const AT_ONCE: i64 = 6;

/// A job to be added.
#[derive(Debug)]
pub struct NewJob<'a> {
    /// Id.
    pub id: JobId,
    /// What it is; the service that runs it knows the payload.
    pub kind: &'a str,
    /// The queue its message goes to.
    pub queue: &'a str,
    /// At most one live job of a tenant has this key.
    pub dedup_key: &'a str,
    /// Of the jobs of a tenant with this key at most one runs at a time.
    pub exclusive_key: Option<&'a str>,
    /// Ids and settings of the work.
    pub payload: serde_json::Value,
}

/// Adds a job that may run at once; if a live one has the same key, gives that one's id and payload instead.
pub async fn insert(app: &mut PgConnection, tenant: TenantId, job: &NewJob<'_>) -> Result<Inserted, StoreError> {
    let inserted = sqlx::query(
        "insert into jobs (id, tenant_id, kind, queue, dedup_key, payload, exclusive_key, state, run_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, 'queued', now(), now())
         on conflict (tenant_id, dedup_key) where state in ('queued', 'running') do nothing",
    )
    .bind(job.id.0)
    .bind(tenant.0)
    .bind(job.kind)
    .bind(job.queue)
    .bind(job.dedup_key)
    .bind(Json(&job.payload))
    .bind(job.exclusive_key)
    .execute(&mut *app)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Inserted::New);
    }
    let live: Option<(Uuid, Json<serde_json::Value>)> = sqlx::query_as(
        "select id, payload from jobs where tenant_id = $1 and dedup_key = $2 and state in ('queued', 'running')",
    )
    .bind(tenant.0)
    .bind(job.dedup_key)
    .fetch_optional(app)
    .await?;
    // Between the two statements it may have ended: then the work was just done.
    Ok(live.map_or(Inserted::JustEnded, |(id, payload)| Inserted::Existing { id: JobId(id), payload: payload.0 }))
}

/// Adds a job whose key nothing else has. As any role that may add jobs.
pub async fn add(connection: &mut PgConnection, tenant: TenantId, job: &NewJob<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "insert into jobs (id, tenant_id, kind, queue, dedup_key, payload, exclusive_key, state, run_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, 'queued', now(), now())",
    )
    .bind(job.id.0)
    .bind(tenant.0)
    .bind(job.kind)
    .bind(job.queue)
    .bind(job.dedup_key)
    .bind(Json(&job.payload))
    .bind(job.exclusive_key)
    .execute(connection)
    .await?;
    Ok(())
}

/// What became of an insertion.
#[derive(Debug)]
pub enum Inserted {
    /// The job was added.
    New,
    /// A live job has the key.
    Existing {
        /// Its id.
        id: JobId,
        /// Its payload.
        payload: serde_json::Value,
    },
    /// A job with the key ended in this very moment.
    JustEnded,
}

/// A claimed job. Every further statement about it names the lease, so that a late process changes nothing.
#[derive(Debug, Clone, FromRow)]
pub struct Claimed {
    /// Id.
    pub id: Uuid,
    /// Ids and settings of the work.
    pub payload: Json<serde_json::Value>,
    /// Attempts including this one.
    pub attempts: i32,
    /// Attempts since the last progress, including this one.
    pub fruitless_attempts: i32,
    /// The lease.
    pub lease_token: Uuid,
    /// When it was ordered.
    pub created_at: OffsetDateTime,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claim {
    /// It is ours.
    Won(Claimed),
    /// Another process holds it, or it is not due: a message is worth sending at this time.
    Later(OffsetDateTime),
    /// It has ended or never existed.
    Gone,
}

/// Claims a job of a queue for [`LEASE_SECONDS`]; counts the attempt before the work. Of a tenant's jobs in one queue at
/// most [`AT_ONCE`] run, so that it leaves room for others.
///
/// # Errors
/// `Taken` when a job with the same exclusive key runs: the transaction is spent, ask again later.
pub async fn claim(
    app: &mut PgConnection,
    tenant: TenantId,
    id: JobId,
    queue: &str,
    lease: Uuid,
) -> Result<Claim, StoreError> {
    let claimed: Option<Claimed> = sqlx::query_as(
        "update jobs set state = 'running', attempts = attempts + 1, fruitless_attempts = fruitless_attempts + 1,
                lease_token = $3, leased_until = now() + make_interval(secs => $4)
          where tenant_id = $1 and id = $2 and queue = $5 and state in ('queued', 'running')
            and run_at <= now() + interval '1 second' and (leased_until is null or leased_until < now())
            and $6 > (select count(*) from jobs o where o.tenant_id = $1 and o.queue = $5 and o.state = 'running'
                                                    and o.leased_until > now())
          returning id, payload, attempts, fruitless_attempts, lease_token, created_at",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(lease)
    .bind(f64::from(LEASE_SECONDS))
    .bind(queue)
    .bind(AT_ONCE)
    .fetch_optional(&mut *app)
    .await?;
    if let Some(claimed) = claimed {
        return Ok(Claim::Won(claimed));
    }
    let later: Option<OffsetDateTime> = sqlx::query_scalar(
        "select greatest(run_at, leased_until, now() + interval '2 seconds') + interval '1 second' from jobs
          where tenant_id = $1 and id = $2 and queue = $3 and state in ('queued', 'running')",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(queue)
    .fetch_optional(app)
    .await?;
    Ok(later.map_or(Claim::Gone, Claim::Later))
}

/// Lets a waiting job run `seconds` from now; `None`: it does not wait.
pub async fn postpone(
    app: &mut PgConnection,
    tenant: TenantId,
    id: JobId,
    seconds: f64,
) -> Result<Option<OffsetDateTime>, StoreError> {
    Ok(sqlx::query_scalar(
        "update jobs set run_at = now() + make_interval(secs => $3), announced_at = null
          where tenant_id = $1 and id = $2 and state = 'queued' returning run_at",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(seconds)
    .fetch_optional(app)
    .await?)
}

/// Prolongs the lease; with `progress` the retry ladder starts over. `false`: the lease was lost, stop at once.
pub async fn renew(
    app: &mut PgConnection,
    tenant: TenantId,
    job: &Claimed,
    progress: bool,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update jobs set leased_until = now() + make_interval(secs => $4),
                fruitless_attempts = case when $5 then 0 else fruitless_attempts end
          where tenant_id = $1 and id = $2 and lease_token = $3 and state = 'running'",
    )
    .bind(tenant.0)
    .bind(job.id)
    .bind(job.lease_token)
    .bind(f64::from(LEASE_SECONDS))
    .bind(progress)
    .execute(app)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether another job of the queue is due and runs nowhere; as `portal_router`.
pub async fn others_wait(router: &mut PgConnection, job: &Claimed, queue: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "select exists (select from jobs where queue = $1 and state = 'queued' and run_at <= now() and id <> $2)",
    )
    .bind(queue)
    .bind(job.id)
    .fetch_one(router)
    .await?)
}

/// Attempts since the last progress, or `None` if the lease was lost.
pub async fn fruitless(app: &mut PgConnection, tenant: TenantId, job: &Claimed) -> Result<Option<i32>, StoreError> {
    Ok(sqlx::query_scalar(
        "select fruitless_attempts from jobs
          where tenant_id = $1 and id = $2 and lease_token = $3 and state = 'running' for update",
    )
    .bind(tenant.0)
    .bind(job.id)
    .bind(job.lease_token)
    .fetch_optional(app)
    .await?)
}

/// Gives the job back to run after `seconds`. Gives the time, or `None` if the lease was lost.
pub async fn reschedule(
    app: &mut PgConnection,
    tenant: TenantId,
    job: &Claimed,
    seconds: f64,
    error: Option<&str>,
) -> Result<Option<OffsetDateTime>, StoreError> {
    Ok(sqlx::query_scalar(
        "update jobs set state = 'queued', run_at = now() + make_interval(secs => $4), lease_token = null,
                leased_until = null, announced_at = null, last_error = $5
          where tenant_id = $1 and id = $2 and lease_token = $3 and state = 'running' returning run_at",
    )
    .bind(tenant.0)
    .bind(job.id)
    .bind(job.lease_token)
    .bind(seconds)
    .bind(error)
    .fetch_optional(app)
    .await?)
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Done.
    Succeeded,
    /// For good, with a reason: a dead letter.
    Failed,
    /// Nobody wants it any more.
    Cancelled,
}

impl End {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Ends a job. `false`: the lease was lost.
///
/// A mail's order goes with it, so that no address outlives its use; only a failed one that holds nothing but ids stays,
/// so that an operator can replay it. A withdrawal's sealed token always goes. A failed run forgets how far it came, so that its replay reads what is new by then.
pub async fn finish(
    app: &mut PgConnection,
    tenant: TenantId,
    job: &Claimed,
    end: End,
    error: Option<&str>,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update jobs set state = $4, lease_token = null, leased_until = null, finished_at = now(), last_error = $5,
                payload = case when kind = 'mail' and ($4 <> 'failed' or payload ? 'email') then '{}'
                               when kind = 'withdrawal' then '{}'
                               when kind = 'sync' and $4 = 'failed' then payload - 'run' else payload end
          where tenant_id = $1 and id = $2 and lease_token = $3 and state = 'running'",
    )
    .bind(tenant.0)
    .bind(job.id)
    .bind(job.lease_token)
    .bind(end.as_str())
    .bind(error)
    .execute(app)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Cancels the live job of a key, whoever holds it. `false`: there was none.
pub async fn cancel(app: &mut PgConnection, tenant: TenantId, dedup_key: &str) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update jobs set state = 'cancelled', lease_token = null, leased_until = null, finished_at = now()
          where tenant_id = $1 and dedup_key = $2 and state in ('queued', 'running')",
    )
    .bind(tenant.0)
    .bind(dedup_key)
    .execute(app)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps how far a claimed job has come. `false`: the lease was lost.
pub async fn set_payload(
    app: &mut PgConnection,
    tenant: TenantId,
    job: &Claimed,
    payload: &serde_json::Value,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update jobs set payload = $4 where tenant_id = $1 and id = $2 and lease_token = $3 and state = 'running'",
    )
    .bind(tenant.0)
    .bind(job.id)
    .bind(job.lease_token)
    .bind(Json(payload))
    .execute(app)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a waiting job run now. `true`: it was waiting.
pub async fn hasten(app: &mut PgConnection, tenant: TenantId, id: JobId) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update jobs set run_at = now(), announced_at = null
          where tenant_id = $1 and id = $2 and state = 'queued' and run_at > now()",
    )
    .bind(tenant.0)
    .bind(id.0)
    .execute(app)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a message was handed to the broker; as `portal_app`.
pub async fn mark_announced(app: &mut PgConnection, tenant: TenantId, id: JobId) -> Result<(), StoreError> {
    sqlx::query("update jobs set announced_at = now() where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .execute(app)
        .await?;
    Ok(())
}

/// A job whose message seems lost.
#[derive(Debug, FromRow)]
pub struct Lost {
    /// Id.
    pub id: Uuid,
    /// Tenant.
    pub tenant_id: Uuid,
    /// Queue.
    pub queue: String,
}

/// Jobs that should be running: due, without a live lease, and either never announced or announced long ago.
///
/// Marks them as announced; the caller sends. A message too many is harmless. As `portal_router`.
pub async fn take_lost(router: &mut PgConnection, limit: i64) -> Result<Vec<Lost>, StoreError> {
    Ok(sqlx::query_as(
        "update jobs set announced_at = now() where id in (
            select id from jobs
             where state in ('queued', 'running') and run_at < now() - interval '10 seconds'
               and (leased_until is null or leased_until < now())
               and (announced_at is null or announced_at < now() - interval '2 minutes')
             order by run_at limit $1 for update skip locked)
         returning id, tenant_id, queue",
    )
    .bind(limit)
    .fetch_all(router)
    .await?)
}

/// Removes jobs that ended more than 30 days ago; at most `limit`. Failed ones are kept. As `portal_router`.
pub async fn delete_old(router: &mut PgConnection, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from jobs where id in (select id from jobs
           where finished_at < now() - interval '30 days' and state <> 'failed' limit $1)",
    )
    .bind(limit)
    .execute(router)
    .await?;
    Ok(done.rows_affected())
}
