//! What all kinds of jobs share: telling the queue about them, taking the one that a message names, giving up on one.
//!
//! The row is the truth: a lost message is sent again by the timer, a late or double one finds nothing to do.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Services;
use super::error::ServiceError;
use crate::domain::ids::{JobId, TenantId};
use crate::platform::queue::Message;
use crate::store::StoreError;
use crate::store::jobs::{self, Claim, Claimed, End};

/// Lost messages that one round of the timer sends again.
const SWEEP: i64 = 500;

/// Seconds until a job asks again that has to wait for another with the same exclusive key.
const ITS_TURN: f64 = 3.0;

/// The body of a job's message. The tenant is checked against the row when the job is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobMessage {
    /// The job.
    pub job_id: JobId,
    /// Its tenant.
    pub tenant_id: TenantId,
}

/// What an invocation did with a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Handled {
    /// Worked on the job.
    Worked,
    /// The job was not to be had; a message will come again.
    Postponed,
    /// The job has ended: a duplicate or late message.
    Nothing,
}

/// What became of a message's job.
pub(crate) enum Taken {
    /// It is ours until the lease ends.
    Ours(Claimed),
    /// It is not to be worked on.
    Not(Handled),
}

impl Services {
    /// Claims the job of a message by lease. If it is not to be had yet, a message will come when it may be.
    pub(crate) async fn take_job(&self, message: JobMessage, queue: &str) -> Result<Taken, ServiceError> {
        let JobMessage { job_id, tenant_id } = message;
        let mut tx = self.database.tenant(tenant_id).await?;
        let claim = match jobs::claim(&mut tx, tenant_id, job_id, queue, self.new_id()).await {
            // A job with the same exclusive key runs; the transaction is spent.
            Err(StoreError::Taken(_)) => {
                drop(tx);
                let mut tx = self.database.tenant(tenant_id).await?;
                let later = jobs::postpone(&mut tx, tenant_id, job_id, ITS_TURN).await?;
                tx.commit().await.map_err(StoreError::from)?;
                later.map_or(Claim::Gone, Claim::Later)
            }
            claim => {
                tx.commit().await.map_err(StoreError::from)?;
                claim?
            }
        };
        match claim {
            Claim::Won(job) => Ok(Taken::Ours(job)),
            Claim::Gone => Ok(Taken::Not(Handled::Nothing)),
            Claim::Later(at) => {
                self.announce(tenant_id, job_id, queue, Some(at)).await;
                Ok(Taken::Not(Handled::Postponed))
            }
        }
    }

    /// Ends a job that nobody can work on.
    pub(crate) async fn bury_job(&self, tenant: TenantId, job: &Claimed, why: &str) -> Result<Handled, ServiceError> {
        tracing::error!(job = %job.id, tenant = %tenant, error = why, "A job cannot be read and has failed for good");
        let mut tx = self.database.tenant(tenant).await?;
        jobs::finish(&mut tx, tenant, job, End::Failed, Some(why)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Handled::Worked)
    }

    /// Sends a job's message after its transaction was committed. A failure is logged and left to the sweep.
    pub(crate) async fn announce(&self, tenant: TenantId, job: JobId, queue: &str, not_before: Option<OffsetDateTime>) {
        let message = self.job_message(tenant, job, queue, not_before);
        if let Err(error) = self.queue.send(&message).await {
            tracing::warn!(job = %job, tenant = %tenant, error = %error, "A job's message was not sent; the timer will send it");
            return;
        }
        if let Err(error) = self.note_announced(tenant, job).await {
            tracing::warn!(job = %job, tenant = %tenant, error = %error, "A sent message was not noted; the timer will send it again");
        }
    }

    fn job_message(&self, tenant: TenantId, job: JobId, queue: &str, not_before: Option<OffsetDateTime>) -> Message {
        let body = serde_json::json!(JobMessage { job_id: job, tenant_id: tenant }).to_string();
        Message { queue: queue.to_owned(), id: self.new_id(), body, not_before }
    }

    async fn note_announced(&self, tenant: TenantId, job: JobId) -> Result<(), StoreError> {
        let mut tx = self.database.tenant(tenant).await?;
        jobs::mark_announced(&mut tx, tenant, job).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sends the messages of jobs that should be running and are not. Gives how many.
    pub async fn sweep_lost_jobs(&self) -> Result<usize, ServiceError> {
        let lost = {
            let mut router = self.database.router_connection().await?;
            jobs::take_lost(&mut router, SWEEP).await?
        };
        for job in &lost {
            let message = self.job_message(TenantId(job.tenant_id), JobId(job.id), &job.queue, None);
            if let Err(error) = self.queue.send(&message).await {
                // The broker does not answer: the next round but one tries again, with all that are left.
                tracing::warn!(job = %job.id, error = %error, "A lost job's message was not sent");
                break;
            }
        }
        Ok(lost.len())
    }
}
