//! What an attempt's outcome does to job, run and source, in one transaction.

use std::time::Duration;

use time::OffsetDateTime;

use super::{MAX_FRUITLESS, Outcome, Run, after};
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::sentences::codes;
use crate::domain::ids::{JobId, SourceId, UserId};
use crate::domain::retry;
use crate::domain::source::{SourceStatus, SyncStatus};
use crate::services::Services;
use crate::services::error::ServiceError;
use crate::services::mail::Order;
use crate::store::jobs::End;
use crate::store::syncs::{Level, Line};
use crate::store::{StoreError, Tx, breakers, credentials, jobs, sources, streams, syncs, team, tenants};

/// The runs that a provider's failure has stopped come back within this many seconds of its pause's end.
const BREAKER_SPREAD: f64 = 120.0;

/// A failure that says something about the provider: not ours, and not about one account.
fn is_providers_fault(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if error.kind == FailureKind::Transient && error.code != "platform_error")
}

/// The provider no longer takes the access.
fn is_access_lost(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if error.kind == FailureKind::AuthRevoked)
}

impl Services {
    /// Settles an attempt; gives when the job wants its next message. `None`: never, or another process has it.
    pub(super) async fn settle(
        &self,
        run: &Run,
        outcome: Result<Outcome, ServiceError>,
    ) -> Result<Option<OffsetDateTime>, ServiceError> {
        let outcome = match outcome {
            Ok(Outcome::LeaseLost) => {
                tracing::warn!(job = %run.job.id, tenant = %run.tenant, "Another process took this job over");
                return Ok(None);
            }
            Ok(outcome) => outcome,
            Err(error) => {
                // Our own fault or our own database: the ladder, as for any disturbance.
                tracing::error!(job = %run.job.id, tenant = %run.tenant, error = ?error, "A run was interrupted");
                Outcome::Failed(ConnectorError::transient("platform_error", "see the log"))
            }
        };
        let down = is_providers_fault(&outcome);
        let served = matches!(outcome, Outcome::Done | Outcome::More);
        let admins = self.admins_to_tell(run, &outcome).await?;
        let mut tx = self.database.tenant(run.tenant).await?;
        if is_access_lost(&outcome) {
            credentials::lock_sources(&mut tx, run.tenant, run.payload.source_id).await?;
        }
        // The source before its job, as everyone who changes both: no two wait for each other.
        let source = sources::find_for_update(&mut tx, run.tenant, run.payload.source_id).await?;
        let known = source.as_ref().is_some_and(|source| source.status == SourceStatus::NeedsReauth.as_str());
        let provider = source.map(|source| source.provider);
        let mut mails = Vec::new();
        let again = match outcome {
            Outcome::Done => self.succeed(&mut tx, run).await.map(|()| None),
            Outcome::More => Ok(jobs::reschedule(&mut tx, run.tenant, &run.job, 0.0, None).await?),
            Outcome::Failed(error) => {
                let again = self.fail(&mut tx, run, &error).await?;
                if !known {
                    mails = self.tell_of_lost_access(&mut tx, run, &admins).await?;
                }
                Ok(again)
            }
            Outcome::Unwanted => self.abandon(&mut tx, run).await.map(|()| None),
            Outcome::LeaseLost => Ok(None),
        }?;
        tx.commit().await.map_err(StoreError::from)?;
        for mail in mails {
            self.announce_mail(run.tenant, mail).await;
        }
        if let Some(provider) = provider.filter(|_| down || served) {
            self.count_for_breaker(&provider, run.payload.source_id, served).await;
        }
        Ok(again)
    }

    /// Who is told if the access turns out to be lost: only the router sees who may sign in.
    async fn admins_to_tell(&self, run: &Run, outcome: &Outcome) -> Result<Vec<UserId>, ServiceError> {
        if !is_access_lost(outcome) {
            return Ok(Vec::new());
        }
        let mut router = self.database.router_connection().await?;
        Ok(team::active_admins(&mut router, run.tenant).await?)
    }

    /// Orders one mail for each admin if the source now waits for a person; the sources beside it under the same access
    /// wait for the same, and a run of theirs that finds them so tells nobody again.
    async fn tell_of_lost_access(&self, tx: &mut Tx, run: &Run, admins: &[UserId]) -> Result<Vec<JobId>, ServiceError> {
        let source = run.payload.source_id;
        if admins.is_empty() || credentials::lost(tx, run.tenant, source).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut mails = Vec::with_capacity(admins.len());
        for &user in admins {
            mails.push(self.order_mail(tx, run.tenant, &Order::AccessLost { user, source }).await?);
        }
        Ok(mails)
    }

    /// Whether the provider is being left alone because it fails for everybody; then until when, each run a little later
    /// than the other.
    pub(super) async fn provider_down(&self, run: &Run) -> Result<Option<ConnectorError>, ServiceError> {
        let mut tx = self.database.tenant(run.tenant).await?;
        let source = sources::find(&mut tx, run.tenant, run.payload.source_id).await?;
        drop(tx);
        let Some(source) = source else { return Ok(None) };
        let mut router = self.database.router_connection().await?;
        let Some(seconds) = breakers::open_for(&mut router, &source.provider).await? else { return Ok(None) };
        let mut spread = [0_u8; 1];
        self.random.fill(&mut spread);
        let wait = seconds.max(1.0) + f64::from(spread[0]) / 255.0 * BREAKER_SPREAD;
        let kind =
            FailureKind::RateLimited { retry_after: Duration::from_secs_f64(wait), scope: "provider".to_owned() };
        Ok(Some(ConnectorError::new(kind, codes::PROVIDER_DOWN, "the provider failed for several sources in a row")))
    }

    /// Not in the run's transaction: it is about all tenants. A failure to count is no failure of the run.
    async fn count_for_breaker(&self, provider: &str, source: SourceId, served: bool) {
        let counted = async {
            let mut router = self.database.router_connection().await?;
            if served {
                breakers::count_success(&mut router, provider).await
            } else {
                breakers::count_failure(&mut router, provider, source).await
            }
        };
        if let Err(error) = counted.await {
            tracing::warn!(provider, error = %error, "A provider's success or failure was not counted");
        }
    }

    async fn succeed(&self, tx: &mut Tx, run: &Run) -> Result<(), ServiceError> {
        if !jobs::finish(tx, run.tenant, &run.job, End::Succeeded, None).await? {
            return Ok(());
        }
        let (tenant, source) = (run.tenant, run.payload.source_id);
        let now = self.now();
        let streams = streams::list(tx, tenant, source).await?;
        let blocked = streams.iter().find_map(|stream| stream.blocked_code.as_deref());
        let all = blocked.is_some() && streams.iter().all(|stream| stream.blocked_code.is_some());
        let (sync, status) = match blocked {
            None => (SyncStatus::Succeeded, SourceStatus::Connected),
            Some(_) if all => (SyncStatus::Failed, SourceStatus::Error),
            Some(_) => (SyncStatus::Incomplete, SourceStatus::Connected),
        };
        if let Some(code) = blocked {
            syncs::note_blocked(tx, tenant, run.payload.sync_id, code).await?;
        }
        syncs::finish(tx, tenant, run.payload.sync_id, sync, now).await?;
        syncs::log(tx, tenant, run.payload.sync_id, &[Line::new(Level::Info, sync.as_str())], now).await?;
        sources::set_status(tx, tenant, source, status, blocked, None).await?;
        let next = now + self.cadence(tx, tenant, source).await?;
        sources::set_next_due(tx, tenant, source, Some(next)).await?;
        tenants::recount_stored(tx, tenant, source).await?;
        Ok(())
    }

    async fn abandon(&self, tx: &mut Tx, run: &Run) -> Result<(), ServiceError> {
        if jobs::finish(tx, run.tenant, &run.job, End::Cancelled, None).await? {
            sources::end_syncing(tx, run.tenant, run.payload.source_id).await?;
            syncs::finish(tx, run.tenant, run.payload.sync_id, SyncStatus::Cancelled, self.now()).await?;
            if !tenants::is_active(tx, run.tenant).await? {
                // What stood still goes on with the first beat after its tenant is resumed.
                sources::set_next_due(tx, run.tenant, run.payload.source_id, Some(self.now())).await?;
            }
        }
        Ok(())
    }

    async fn fail(
        &self,
        tx: &mut Tx,
        run: &Run,
        error: &ConnectorError,
    ) -> Result<Option<OffsetDateTime>, ServiceError> {
        tracing::warn!(
            tenant = %run.tenant, source = %run.payload.source_id, job = %run.job.id, code = error.code,
            kind = error.kind.as_str(), cause = %error.cause, "A run of a source failed"
        );
        // As it stands now: a slice that was committed meanwhile has set it back.
        let Some(fruitless) = jobs::fruitless(tx, run.tenant, &run.job).await? else { return Ok(None) };
        let wait = match &error.kind {
            FailureKind::RateLimited { retry_after, .. } => Some((*retry_after, SourceStatus::RateLimited)),
            FailureKind::Transient if fruitless < MAX_FRUITLESS => {
                Some((self.pause(fruitless, error), SourceStatus::Error))
            }
            _ => None,
        };
        match wait {
            Some((wait, status)) => self.wait(tx, run, error, wait, status).await,
            None => self.give_up(tx, run, error).await.map(|()| None),
        }
    }

    fn pause(&self, fruitless: i32, error: &ConnectorError) -> Duration {
        let mut spread = [0_u8; 1];
        self.random.fill(&mut spread);
        let ladder = retry::wait(u32::try_from(fruitless).unwrap_or(1).max(1), spread[0]);
        error.pause.map_or(ladder, |least| ladder.max(least))
    }

    async fn wait(
        &self,
        tx: &mut Tx,
        run: &Run,
        error: &ConnectorError,
        wait: Duration,
        status: SourceStatus,
    ) -> Result<Option<OffsetDateTime>, ServiceError> {
        if status == SourceStatus::RateLimited {
            // Waiting as asked is no failure and does not climb the ladder.
            jobs::renew(tx, run.tenant, &run.job, true).await?;
        }
        let again = jobs::reschedule(tx, run.tenant, &run.job, wait.as_secs_f64(), Some(&error.to_string())).await?;
        if again.is_some() {
            let (tenant, source) = (run.tenant, run.payload.source_id);
            let until = after(self.now(), wait);
            syncs::note_failure(tx, tenant, run.payload.sync_id, (error.code, &error.cause), Some(until)).await?;
            let figures = serde_json::json!({ "seconds": wait.as_secs() });
            let line = Line::new(Level::Warning, error.code).figures(figures).cause(&error.cause);
            syncs::log(tx, tenant, run.payload.sync_id, &[line], self.now()).await?;
            sources::set_status(tx, tenant, source, status, Some(error.code), Some(until)).await?;
        }
        Ok(again)
    }

    /// Ends the run for good: a person must act, or the operator must look.
    async fn give_up(&self, tx: &mut Tx, run: &Run, error: &ConnectorError) -> Result<(), ServiceError> {
        if !jobs::finish(tx, run.tenant, &run.job, End::Failed, Some(&error.to_string())).await? {
            return Ok(());
        }
        let (tenant, source) = (run.tenant, run.payload.source_id);
        syncs::note_failure(tx, tenant, run.payload.sync_id, (error.code, &error.cause), None).await?;
        let line = Line::new(Level::Error, error.code).cause(&error.cause);
        syncs::log(tx, tenant, run.payload.sync_id, &[line], self.now()).await?;
        syncs::finish(tx, tenant, run.payload.sync_id, SyncStatus::Failed, self.now()).await?;
        let status = match error.kind {
            FailureKind::AuthRevoked => SourceStatus::NeedsReauth,
            _ => SourceStatus::Error,
        };
        sources::set_status(tx, tenant, source, status, Some(error.code), None).await?;
        if status == SourceStatus::NeedsReauth {
            // What stands under the same access has lost it, too; one notice is enough.
            sources::lose_access(tx, tenant, source, error.code).await?;
        }
        // What only a person can mend is not tried again by the timer; the rest is, at the usual pace.
        let next = match error.kind {
            FailureKind::AuthRevoked | FailureKind::PermissionMissing | FailureKind::ConfigInvalid => None,
            _ => Some(self.now() + self.cadence(tx, tenant, source).await?),
        };
        sources::set_next_due(tx, tenant, source, next).await?;
        tenants::recount_stored(tx, tenant, source).await?;
        Ok(())
    }
}
