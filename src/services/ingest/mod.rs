//! Running a source: claimed by lease, done in slices that can be killed at any instant.
//!
//! `mod.rs` claims and gives back, `run.rs` reads batches, `gate.rs` counts requests, `write.rs` writes what was read,
//! `settle.rs` turns an outcome into states of job, run and source. What to read next is the connector's to say.

mod gate;
mod rezone;
mod run;
mod settle;
mod write;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Services;
use super::error::ServiceError;
use super::jobs::{Handled, JobMessage, Taken};
use super::schedule::QUEUE;
use crate::connectors::error::ConnectorError;
use crate::domain::ids::{SourceId, SyncId, TenantId};
use crate::store::StoreError;
use crate::store::jobs::{self, Claimed};

/// How long one invocation works before it hands the rest to the next one, well before the host's time-out.
const BUDGET: Duration = Duration::from_mins(3);

/// Attempts without progress after which a job is a dead letter; hourly ones, so more than a day.
const MAX_FRUITLESS: i32 = 30;

/// What a run's job carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncPayload {
    /// The source.
    pub source_id: SourceId,
    /// The run.
    pub sync_id: SyncId,
    /// What the connector left with the last batch; `null` before the first.
    #[serde(default)]
    pub run: serde_json::Value,
}

impl SyncPayload {
    /// Of a run that has not begun.
    pub fn new(source_id: SourceId, sync_id: SyncId) -> Self {
        Self { source_id, sync_id, run: serde_json::Value::Null }
    }

    /// Reads a stored payload.
    pub fn read(value: &serde_json::Value) -> Result<Self, StoreError> {
        serde_json::from_value(value.clone()).map_err(|_| StoreError::Inconsistent("jobs.payload"))
    }
}

/// A claimed run.
struct Run {
    tenant: TenantId,
    job: Claimed,
    payload: SyncPayload,
}

/// How an attempt ended.
enum Outcome {
    /// Everything was read.
    Done,
    /// The budget is spent; there is more to read.
    More,
    /// The source failed or asked to wait.
    Failed(ConnectorError),
    /// Nobody wants it any more: the source is gone, paused or not connected.
    Unwanted,
    /// Another process took over.
    LeaseLost,
}

impl Services {
    /// Works on the job that a message names. Safe to call twice, at once and late.
    pub async fn run_sync(&self, message: JobMessage) -> Result<Handled, ServiceError> {
        let JobMessage { job_id, tenant_id } = message;
        let job = match self.take_job(message, QUEUE).await? {
            Taken::Ours(job) => job,
            Taken::Not(handled) => return Ok(handled),
        };
        let payload = match SyncPayload::read(&job.payload.0) {
            Ok(payload) => payload,
            Err(error) => return self.bury_job(tenant_id, &job, &error.to_string()).await,
        };
        let run = Run { tenant: tenant_id, job, payload };
        let outcome = if run.job.fruitless_attempts > MAX_FRUITLESS {
            // Attempts that never came back to say how they ended: it may be this job that kills the handler.
            Ok(Outcome::Failed(ConnectorError::contract("gave_up", "attempts ended without a result")))
        } else if let Some(down) = self.provider_down(&run).await? {
            Ok(Outcome::Failed(down))
        } else {
            self.work(&run, tokio::time::Instant::now() + BUDGET).await
        };
        let again = self.settle(&run, outcome).await?;
        if let Some(at) = again {
            self.announce(tenant_id, job_id, QUEUE, Some(at)).await;
        }
        Ok(Handled::Worked)
    }

    /// Prolongs the lease between two slices' commits.
    async fn heartbeat(&self, run: &Run) -> Result<bool, ServiceError> {
        let mut tx = self.database.tenant(run.tenant).await?;
        let ours = jobs::renew(&mut tx, run.tenant, &run.job, false).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(ours)
    }
}

/// An instant some seconds after `now`.
fn after(now: OffsetDateTime, wait: Duration) -> OffsetDateTime {
    now.checked_add(time::Duration::try_from(wait).unwrap_or(time::Duration::HOUR)).unwrap_or(now)
}
