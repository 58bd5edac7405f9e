//! Giving an access back: when a source goes, its provider is told that the consent is over (RFC 7009).
//!
//! The order is written in the transaction that removes the access here, holds the sealed token, and is worked on later:
//! the removal waits for no provider, and no kill in between loses the order.
//!
//! Google ends *all* tokens of a person's consent when one is revoked, whichever source or tenant uses them. While another
//! access lives on a consent of the same person, nothing is revoked; the last one to go ends the consent for all. Where
//! the provider did not say whose consent it is, one that showed the same accounts counts as the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use super::audit_trail::{Act, Actor, Trail};
use super::error::ServiceError;
use super::jobs::{Handled, JobMessage, Taken};
use super::{RequestInfo, Services};
use crate::connectors::error::FailureKind;
use crate::domain::audit::Outcome as Ended;
use crate::domain::ids::{CredentialId, JobId, SourceId, TenantId};
use crate::domain::retry;
use crate::domain::sealed::Sealed;
use crate::domain::secret::Secret;
use crate::platform::sealing::SealError;
use crate::store::credentials::{self, sealing_place};
use crate::store::jobs::{self, Claimed, End, NewJob};
use crate::store::{StoreError, Tx, keys};

/// The queue of withdrawals.
pub const QUEUE: &str = "withdrawals";
/// Attempts after which a withdrawal is given up: the last ones an hour apart, so after three days.
const MAX_ATTEMPTS: i32 = 76;

/// What is to be given back. It names its tenant itself, because it outlives the tenant.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    tenant: TenantId,
    source: SourceId,
    provider: String,
    /// Whose consent it is, where the provider said so.
    #[serde(default)]
    holder: Option<String>,
    /// What the consent showed.
    accounts: Vec<String>,
    pub(crate) token: Sealed,
}

/// Whose consent ends, and what it showed.
pub(crate) struct Consent {
    pub provider: String,
    /// The provider's id of the person, where it said so.
    pub holder: Option<String>,
    /// The provider's ids of the accounts.
    pub accounts: Vec<String>,
}

impl Order {
    /// Where its token is sealed to.
    pub(crate) fn place(&self, job: JobId) -> String {
        token_place(self.tenant, job)
    }
}

fn token_place(tenant: TenantId, job: JobId) -> String {
    format!("{tenant}/jobs/{job}/token")
}

fn act(source: SourceId, action: &'static str) -> Act {
    Act::new(action, format!("source/{source}"))
}

/// How an attempt ended.
enum Outcome {
    /// The provider knows.
    Withdrawn,
    /// Another source lives on the same consent.
    Kept,
    /// It did not work and may work later.
    Later { code: &'static str, cause: String, wait: Option<Duration> },
    /// It will never work.
    Never { code: &'static str, cause: String },
}

impl Services {
    /// Removes an access that no source needs any more, and orders in the same transaction that it is given back.
    /// Announce the job after the commit. `None`: it is needed, is a key, or cannot be read; that keeps nobody from
    /// removing it here.
    pub(crate) async fn drop_unused_access(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        id: CredentialId,
        source: SourceId,
    ) -> Result<Option<JobId>, ServiceError> {
        let Some(gone) = credentials::delete_unused(tx, tenant, id).await? else { return Ok(None) };
        let Some(sealed) = &gone.secrets.0.refresh_token else { return Ok(None) };
        let token = match self.keys.open(&sealing_place(tenant, id, "refresh_token"), sealed) {
            Ok(token) => token,
            Err(error) => {
                tracing::error!(tenant = %tenant, source = %source, error = %error, "A removed access cannot be given back at its provider");
                let act = act(source, "source.access_withdrawn")
                    .outcome(Ended::Failed)
                    .detail(json!({ "provider": gone.provider, "code": "not_readable" }));
                self.record(tx, Trail::Tenant(tenant), &Actor::SYSTEM, &RequestInfo::default(), act).await?;
                return Ok(None);
            }
        };
        let consent = Consent { provider: gone.provider, holder: gone.holder, accounts: gone.shown_accounts.0 };
        Ok(Some(self.order_withdrawal(tx, tenant, source, consent, &token).await?))
    }

    /// Orders that a consent is given back which was never kept here: the person gave it, but nothing could be read.
    pub(crate) async fn give_back(
        &self,
        tenant: TenantId,
        source: SourceId,
        consent: Consent,
        token: &Secret,
    ) -> Result<(), ServiceError> {
        let mut tx = self.database.tenant(tenant).await?;
        let job = self.order_withdrawal(&mut tx, tenant, source, consent, token).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_withdrawal(tenant, Some(job)).await;
        Ok(())
    }

    async fn order_withdrawal(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        source: SourceId,
        consent: Consent,
        token: &Secret,
    ) -> Result<JobId, ServiceError> {
        let job = JobId(self.new_id());
        let order = Order {
            tenant,
            source,
            provider: consent.provider,
            holder: consent.holder,
            accounts: consent.accounts,
            token: self.keys.seal(&token_place(tenant, job), token, self.random.as_ref())?,
        };
        let dedup_key = format!("withdrawal:{job}");
        let new = NewJob {
            id: job,
            kind: "withdrawal",
            queue: QUEUE,
            dedup_key: &dedup_key,
            exclusive_key: None,
            payload: json!(order),
        };
        jobs::add(tx, tenant, &new).await?;
        Ok(job)
    }

    /// Tells the queue about an ordered withdrawal, after the commit.
    pub(crate) async fn announce_withdrawal(&self, tenant: TenantId, job: Option<JobId>) {
        if let Some(job) = job {
            self.announce(tenant, job, QUEUE, None).await;
        }
    }

    /// Works on the withdrawal that a message names. Safe to call twice, at once and late: an access that is over
    /// already counts as withdrawn.
    pub async fn withdraw_access(&self, message: JobMessage) -> Result<Handled, ServiceError> {
        let JobMessage { job_id, tenant_id } = message;
        let job = match self.take_job(message, QUEUE).await? {
            Taken::Ours(job) => job,
            Taken::Not(handled) => return Ok(handled),
        };
        let Ok(order) = serde_json::from_value::<Order>(job.payload.0.clone()) else {
            return self.bury_job(tenant_id, &job, "the order of the withdrawal is gone or cannot be read").await;
        };
        let outcome = if job.fruitless_attempts > MAX_ATTEMPTS {
            Outcome::Never { code: "gave_up", cause: "attempts ended without a result".to_owned() }
        } else {
            self.try_to_withdraw(job_id, &order).await.unwrap_or_else(|error| {
                tracing::error!(job = %job_id, tenant = %tenant_id, error = ?error, "A withdrawal was interrupted");
                Outcome::Later { code: "platform", cause: "platform error, see the log".to_owned(), wait: None }
            })
        };
        if let Some(at) = self.settle_withdrawal(tenant_id, &job, &order, outcome).await? {
            self.announce(tenant_id, job_id, QUEUE, Some(at)).await;
        }
        Ok(Handled::Worked)
    }

    async fn try_to_withdraw(&self, job: JobId, order: &Order) -> Result<Outcome, ServiceError> {
        let mut router = self.database.router_connection().await?;
        let shared =
            keys::consent_is_in_use(&mut router, &order.provider, order.holder.as_deref(), &order.accounts).await?;
        drop(router);
        if shared {
            return Ok(Outcome::Kept);
        }
        let token = match self.keys.open(&order.place(job), &order.token) {
            Ok(token) => token,
            Err(error @ SealError::UnknownKey(_)) => return Err(error.into()),
            Err(error) => return Ok(Outcome::Never { code: "not_readable", cause: error.to_string() }),
        };
        let Some(oauth) = self.connectors.get(&order.provider).and_then(|connector| connector.oauth()) else {
            let cause = "no such provider any more".to_owned();
            return Ok(Outcome::Never { code: "unknown_provider", cause });
        };
        let Err(error) = oauth.revoke(&token).await else { return Ok(Outcome::Withdrawn) };
        let wait = match error.kind {
            FailureKind::RateLimited { retry_after, .. } => Some(retry_after),
            _ => None,
        };
        Ok(Outcome::Later { code: error.code, cause: error.to_string(), wait })
    }

    /// Settles an attempt; gives when the job wants its next message.
    async fn settle_withdrawal(
        &self,
        tenant: TenantId,
        job: &Claimed,
        order: &Order,
        outcome: Outcome,
    ) -> Result<Option<OffsetDateTime>, ServiceError> {
        let act = |action| act(order.source, action);
        let (end, cause, act) = match outcome {
            Outcome::Withdrawn => (End::Succeeded, None, act("source.access_withdrawn")),
            Outcome::Kept => {
                let why = "another source lives on the same consent".to_owned();
                (End::Cancelled, Some(why), act("source.access_kept"))
            }
            Outcome::Later { cause, wait, .. } if job.fruitless_attempts < MAX_ATTEMPTS => {
                tracing::warn!(job = %job.id, tenant = %tenant, cause = %cause, "An access was not withdrawn and will be tried again");
                let seconds = wait.unwrap_or_else(|| self.next_pause(job)).as_secs_f64();
                let mut tx = self.database.tenant(tenant).await?;
                let again = jobs::reschedule(&mut tx, tenant, job, seconds, Some(&cause)).await?;
                tx.commit().await.map_err(StoreError::from)?;
                return Ok(again);
            }
            Outcome::Later { code, cause, .. } | Outcome::Never { code, cause } => {
                tracing::error!(job = %job.id, tenant = %order.tenant, source = %order.source, cause = %cause,
                    "An access was not withdrawn at its provider and is given up; its token is gone from here");
                let detail = json!({ "provider": order.provider, "code": code });
                let act = act("source.access_withdrawn").outcome(Ended::Failed).detail(detail);
                (End::Failed, Some(cause), act)
            }
        };
        self.finish_withdrawal(tenant, job, order, (end, cause.as_deref()), act).await?;
        Ok(None)
    }

    /// Ends the job and records how, in one transaction where the tenant is still there.
    async fn finish_withdrawal(
        &self,
        tenant: TenantId,
        job: &Claimed,
        order: &Order,
        (end, cause): (End, Option<&str>),
        act: Act,
    ) -> Result<(), ServiceError> {
        let of_platform = tenant == TenantId::PLATFORM;
        let request = RequestInfo::default();
        let mut tx = self.database.tenant(tenant).await?;
        let ours = jobs::finish(&mut tx, tenant, job, end, cause).await?;
        if !ours {
            tracing::warn!(job = %job.id, tenant = %tenant, "Another process took this withdrawal over");
            return Ok(());
        }
        if of_platform {
            // No one role may do both: should we die between, it is done and recorded again.
            let mut trail = self.database.router().await?;
            self.record(&mut trail, Trail::Platform(Some(order.tenant)), &Actor::SYSTEM, &request, act).await?;
            trail.commit().await.map_err(StoreError::from)?;
        } else {
            self.record(&mut tx, Trail::Tenant(tenant), &Actor::SYSTEM, &request, act).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    fn next_pause(&self, job: &Claimed) -> Duration {
        let mut spread = [0_u8; 1];
        self.random.fill(&mut spread);
        retry::wait(u32::try_from(job.fruitless_attempts).unwrap_or(1).max(1), spread[0])
    }
}
