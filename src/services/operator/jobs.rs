//! Background work of all tenants: what waits, what failed, and trying again.

use serde_json::json;
use uuid::Uuid;

use crate::domain::ids::{JobId, TenantId};
use crate::services::audit_trail::{Act, Trail};
use crate::services::error::ServiceError;
use crate::services::paging::{page, with_one_more};
use crate::services::{OperatorCaller, Services};
use crate::store::StoreError;
use crate::store::operator::jobs;

pub use crate::store::operator::jobs::JobRow;

/// The state of dead letters.
const FAILED: &str = "failed";
/// The constraint that lets a key have one live job.
const ONE_LIVE: &str = "jobs_one_live_per_key";

impl Services {
    /// A page of jobs in a state and of a queue, newest first.
    pub async fn operator_jobs(
        &self,
        state: Option<&str>,
        queue: Option<&str>,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<JobRow>, Option<Uuid>), ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let rows = jobs::list(&mut tx, state, queue, before, with_one_more(limit)).await?;
        Ok(page(rows, limit, |row| row.id))
    }

    /// Lets a failed job begin anew. The row alone is changed: what it works on is reopened by the attempt itself, so a
    /// handler that is killed anywhere leaves a job that runs.
    pub async fn replay_job(&self, caller: &OperatorCaller, id: JobId) -> Result<JobRow, ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let job = jobs::find_for_update(&mut tx, id).await?.ok_or(ServiceError::NotFound)?;
        if job.state != FAILED {
            return Err(ServiceError::conflict(
                "not_failed",
                "Solo se repite un trabajo que ha fallado.",
                "Only a job that has failed is replayed.",
            ));
        }
        let tenant = TenantId(job.tenant_id);
        match jobs::requeue(&mut tx, tenant, id).await {
            Err(StoreError::Taken(constraint)) if constraint == ONE_LIVE => {
                return Err(ServiceError::conflict(
                    "already_live",
                    "Ya hay un trabajo igual en marcha o en espera.",
                    "The same work is running or waiting already.",
                ));
            }
            done => done?,
        }
        let row = jobs::find_for_update(&mut tx, id).await?.ok_or(ServiceError::NotFound)?;
        let before = json!({ "state": job.state, "attempts": job.attempts, "last_error": job.last_error });
        let after = json!({ "state": row.state, "attempts": row.attempts, "last_error": row.last_error });
        let act = Act::new("job.replayed", format!("job/{id}"))
            .change(before, after)
            .detail(json!({ "kind": row.kind, "queue": row.queue }));
        let about = Some(tenant).filter(|tenant| *tenant != TenantId::PLATFORM);
        self.record(&mut tx, Trail::Platform(about), &caller.actor(), &caller.request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce(tenant, id, &row.queue, None).await;
        Ok(row)
    }
}
