//! Jobs of all tenants, and replaying one; as `portal_operator`, which never sees what a job carries.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ids::{JobId, TenantId};
use crate::store::StoreError;

/// A job.
#[derive(Debug, Clone, FromRow)]
pub struct JobRow {
    /// Id.
    pub id: Uuid,
    /// Its tenant; the nil UUID is the platform.
    pub tenant_id: Uuid,
    /// The tenant's name; none for the platform.
    pub tenant_name: Option<String>,
    /// `sync` or `mail`.
    pub kind: String,
    /// The queue its message goes to.
    pub queue: String,
    /// How it stands.
    pub state: String,
    /// Attempts so far.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it may run.
    pub run_at: OffsetDateTime,
    /// When it was ordered.
    pub created_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
}

/// Jobs in a state, of a queue, before `before`, newest first.
pub async fn list(
    operator: &mut PgConnection,
    state: Option<&str>,
    queue: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<JobRow>, StoreError> {
    Ok(sqlx::query_as(
        "select j.id, j.tenant_id, t.name as tenant_name, j.kind, j.queue, j.state, j.attempts, j.last_error, j.run_at,
                j.created_at, j.finished_at
           from jobs j left join tenants t on t.id = j.tenant_id
          where ($1::text is null or j.state = $1) and ($2::text is null or j.queue = $2) and ($3::uuid is null or j.id < $3)
          order by j.id desc limit $4",
    )
    .bind(state)
    .bind(queue)
    .bind(before)
    .bind(limit)
    .fetch_all(operator)
    .await?)
}

/// A job, locked until the transaction ends.
pub async fn find_for_update(operator: &mut PgConnection, id: JobId) -> Result<Option<JobRow>, StoreError> {
    Ok(sqlx::query_as(
        "select j.id, j.tenant_id, t.name as tenant_name, j.kind, j.queue, j.state, j.attempts, j.last_error, j.run_at,
                j.created_at, j.finished_at
           from jobs j left join tenants t on t.id = j.tenant_id
          where j.id = $1 for no key update of j",
    )
    .bind(id.0)
    .fetch_optional(operator)
    .await?)
}

/// Lets a failed job begin anew, now. Fails when a live job has the same key.
pub async fn requeue(operator: &mut PgConnection, tenant: TenantId, id: JobId) -> Result<(), StoreError> {
    sqlx::query(
        "update jobs set state = 'queued', run_at = now(), attempts = 0, fruitless_attempts = 0, announced_at = null,
                finished_at = null, last_error = null
          where tenant_id = $1 and id = $2 and state = 'failed'",
    )
    .bind(tenant.0)
    .bind(id.0)
    .execute(operator)
    .await?;
    Ok(())
}
