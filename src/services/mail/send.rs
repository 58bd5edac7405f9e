//! Working on one mail: claimed by lease, written, handed over, settled.
//!
//! Killed between handing over and settling, the mail is sent once more, under the same `Message-ID`.

use std::time::Duration;

use time::OffsetDateTime;

use super::compose::Composed;
use super::{Order, QUEUE};
use crate::domain::ids::TenantId;
use crate::domain::retry;
use crate::platform::mail::MailError;
use crate::services::Services;
use crate::services::error::ServiceError;
use crate::services::jobs::{Handled, JobMessage, Taken};
use crate::store::StoreError;
use crate::store::jobs::{self, Claimed, End};

/// Attempts after which a mail is given up: the last ones an hour apart, so after a day.
const MAX_ATTEMPTS: i32 = 28;

/// How an attempt ended.
enum Outcome {
    /// The server has it.
    Sent,
    /// Nobody is to get it any more.
    Unwanted(&'static str),
    /// It did not work and may work later.
    Later(String),
    /// It will never work.
    Never(String),
}

impl Services {
    /// Works on the mail that a message names. Safe to call twice, at once and late.
    pub async fn send_mail(&self, message: JobMessage) -> Result<Handled, ServiceError> {
        let JobMessage { job_id, tenant_id } = message;
        let job = match self.take_job(message, QUEUE).await? {
            Taken::Ours(job) => job,
            Taken::Not(handled) => return Ok(handled),
        };
        let Ok(order) = serde_json::from_value::<Order>(job.payload.0.clone()) else {
            return self.bury_job(tenant_id, &job, "the order of the mail is gone or cannot be read").await;
        };
        let outcome = if job.fruitless_attempts > MAX_ATTEMPTS {
            // Attempts that never came back to say how they ended: it may be this mail that kills the handler.
            Outcome::Never("attempts ended without a result".to_owned())
        } else {
            self.attempt(tenant_id, &job, &order).await.unwrap_or_else(|error| {
                // Our own fault or our own database: the ladder, as for any disturbance.
                tracing::error!(job = %job_id, tenant = %tenant_id, error = ?error, "A mail was interrupted");
                Outcome::Later("platform error, see the log".to_owned())
            })
        };
        if let Some(at) = self.settle_mail(tenant_id, &job, outcome).await? {
            self.announce(tenant_id, job_id, QUEUE, Some(at)).await;
        }
        Ok(Handled::Worked)
    }

    async fn attempt(&self, tenant: TenantId, job: &Claimed, order: &Order) -> Result<Outcome, ServiceError> {
        let (mail, token) = match self.compose(tenant, job, order).await? {
            Composed::Mail(mail, token) => (mail, token),
            Composed::Unwanted(why) => return Ok(Outcome::Unwanted(why)),
        };
        // What a server says may quote what it was given.
        let hide = |text: String| token.as_ref().map_or_else(|| text.clone(), |token| token.redact(&text));
        Ok(match self.mailer.send(&mail).await {
            Ok(()) => Outcome::Sent,
            Err(MailError::Never(why)) => Outcome::Never(hide(why)),
            Err(error @ (MailError::Later(_) | MailError::Settings(_))) => Outcome::Later(hide(error.to_string())),
        })
    }

    /// Settles an attempt; gives when the job wants its next message.
    async fn settle_mail(
        &self,
        tenant: TenantId,
        job: &Claimed,
        outcome: Outcome,
    ) -> Result<Option<OffsetDateTime>, ServiceError> {
        let mut tx = self.database.tenant(tenant).await?;
        let (end, why) = match outcome {
            Outcome::Sent => (End::Succeeded, None),
            Outcome::Unwanted(why) => (End::Cancelled, Some(why.to_owned())),
            Outcome::Later(why) if job.fruitless_attempts < MAX_ATTEMPTS => {
                tracing::warn!(job = %job.id, tenant = %tenant, cause = %why, "A mail was not sent and will be tried again");
                let seconds = self.pause_after(job.fruitless_attempts).as_secs_f64();
                let again = jobs::reschedule(&mut tx, tenant, job, seconds, Some(&why)).await?;
                tx.commit().await.map_err(StoreError::from)?;
                return Ok(again);
            }
            Outcome::Later(why) | Outcome::Never(why) => {
                tracing::error!(job = %job.id, tenant = %tenant, cause = %why, "A mail was not sent and is given up");
                (End::Failed, Some(why))
            }
        };
        if !jobs::finish(&mut tx, tenant, job, end, why.as_deref()).await? {
            tracing::warn!(job = %job.id, tenant = %tenant, "Another process took this mail over");
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(None)
    }

    fn pause_after(&self, attempts: i32) -> Duration {
        let mut spread = [0_u8; 1];
        self.random.fill(&mut spread);
        retry::wait(u32::try_from(attempts).unwrap_or(1).max(1), spread[0])
    }
}

#[cfg(test)]
mod tests {
    use crate::platform::mail::{FAREWELL, PATIENCE};
    use crate::store::jobs::LEASE_SECONDS;

    #[test]
    fn a_conversation_is_over_before_the_lease_of_its_job_is() {
        let lease = u64::try_from(LEASE_SECONDS).unwrap();
        assert!((PATIENCE + FAREWELL).as_secs() + 10 < lease);
    }
}
