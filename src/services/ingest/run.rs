//! The slices of a run: fetched without a transaction, then rows, cursor and lease committed together.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use time::{Date, OffsetDateTime};
use tokio::time::Instant;

use super::window::{Reach, Window};
use super::{Outcome, Run, SyncPayload};
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::ga4::{self, FetchPlan, PROVISIONAL_DAYS, Slice};
use crate::connectors::sentences::codes;
use crate::domain::fact::dim_set;
use crate::domain::ids::{MetricId, SourceId};
use crate::domain::secret::Secret;
use crate::domain::source::SourceStatus;
use crate::domain::tenant::Zone;
use crate::services::Services;
use crate::services::error::ServiceError;
use crate::services::limits;
use crate::store::datapoints::{Partition, Target};
use crate::store::sources::{Coverage, SourceRow};
use crate::store::syncs::Progress;
use crate::store::{StoreError, Tx, datapoints, jobs, metrics, sources, syncs, tenants};

/// Time between two signs of life while a slice is fetched.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// A wait that the source asks for and that is worth sleeping through.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// Why an attempt stopped early.
pub(super) enum Stop {
    Connector(ConnectorError),
    Service(ServiceError),
    Unwanted,
    LeaseLost,
}

impl From<ConnectorError> for Stop {
    fn from(error: ConnectorError) -> Self {
        Self::Connector(error)
    }
}

impl From<ServiceError> for Stop {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// What stays the same over an attempt.
struct Attempt<'a> {
    run: &'a Run,
    property: String,
    zone: Zone,
    created: Option<Date>,
    metrics: HashMap<String, MetricId>,
    token: Secret,
}

impl Services {
    /// One attempt at a run, until it is done, fails, or `deadline` is past.
    pub(super) async fn work(&self, run: &Run, deadline: Instant) -> Result<Outcome, ServiceError> {
        match self.read_slices(run, deadline).await {
            Ok(true) => Ok(Outcome::Done),
            Ok(false) => Ok(Outcome::More),
            Err(Stop::Connector(error)) => Ok(Outcome::Failed(error)),
            Err(Stop::Unwanted) => Ok(Outcome::Unwanted),
            Err(Stop::LeaseLost) => Ok(Outcome::LeaseLost),
            Err(Stop::Service(error)) => Err(error),
        }
    }

    /// `true` when everything is read.
    async fn read_slices(&self, run: &Run, deadline: Instant) -> Result<bool, Stop> {
        let mut source = self.wanted_source(run).await?;
        let mut attempt = self.begin_attempt(run, &source).await?;
        let mut recent = run.payload.recent;
        let through = run.payload.through.unwrap_or_else(|| attempt.zone.date_of(self.now()));
        loop {
            let today = attempt.zone.date_of(self.now());
            let reach = reach(&source, through);
            let window = recent.unwrap_or_else(|| reach.recent());
            // What remains of the newest days; nothing, once history is being read.
            let (slice, rest) = if window.is_empty() {
                match reach.history() {
                    Some(slice) => (slice, window),
                    None => return Ok(true),
                }
            } else {
                let (slice, rest) = window.split_newest();
                (slice, rest.unwrap_or_else(|| Window::nothing(through)))
            };
            if Instant::now() >= deadline {
                return Ok(false);
            }
            let fetched = self.fetch_patiently(&mut attempt, slice, today).await?;
            let newest_done = rest.is_empty() && !window.is_empty();
            recent = Some(rest);
            self.commit_slice(&attempt, slice, (rest, through), newest_done, &fetched).await?;
            source = self.wanted_source(run).await?;
        }
    }

    /// The source, if it still wants to be read and its tenant is active.
    async fn wanted_source(&self, run: &Run) -> Result<SourceRow, Stop> {
        let mut tx = self.database.tenant(run.tenant).await?;
        let active = tenants::is_active(&mut tx, run.tenant).await?;
        let found = sources::find(&mut tx, run.tenant, run.payload.source_id).await?;
        drop(tx);
        let source = found.filter(|_| active).ok_or(Stop::Unwanted)?;
        let stopped =
            matches!(source.status()?, SourceStatus::Paused | SourceStatus::NotConnected | SourceStatus::NeedsReauth);
        if stopped || source.auth.0.refresh_token.is_none() || source.config.0.property.is_none() {
            return Err(Stop::Unwanted);
        }
        Ok(source)
    }

    async fn begin_attempt<'a>(&self, run: &'a Run, source: &SourceRow) -> Result<Attempt<'a>, Stop> {
        let property = source.config.0.property.as_ref().map(|property| property.id.clone()).ok_or(Stop::Unwanted)?;
        let zone = source.zone.clone().and_then(|name| Zone::try_from(name).ok());
        let zone = zone.ok_or(StoreError::Inconsistent("data_sources.zone"))?;
        let keys: Vec<String> = ga4::metrics().iter().map(|metric| metric.key.to_owned()).collect();
        let id = SourceId(source.id);
        let mut tx = self.database.tenant(run.tenant).await?;
        if !still_ours(&mut tx, run, false).await? {
            return Err(Stop::LeaseLost);
        }
        sources::set_status(&mut tx, run.tenant, id, SourceStatus::Syncing, None, None).await?;
        syncs::start(&mut tx, run.tenant, run.payload.sync_id, Some(whole(source, zone, self.now())), self.now())
            .await?;
        let known = metrics::list(&mut tx, run.tenant, Some(&keys)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let metrics = known.into_iter().map(|metric| (metric.row.key, MetricId(metric.row.id))).collect();
        let token = self.access_token(run.tenant, source).await??;
        Ok(Attempt { run, property, zone, created: source.config.0.created, metrics, token })
    }

    /// Fetches a slice; sleeps through a short wait, and refreshes the token once if it is refused.
    async fn fetch_patiently(&self, attempt: &mut Attempt<'_>, slice: Window, today: Date) -> Result<Slice, Stop> {
        let plan = FetchPlan {
            property: attempt.property.clone(),
            from: slice.from,
            to: slice.to,
            today,
            created: attempt.created,
            now: self.now(),
        };
        let mut refreshed = false;
        let mut waited = false;
        loop {
            let fetch = self.ga4.fetch(&attempt.token, &plan);
            let error = match self.with_heartbeat(attempt.run, fetch).await? {
                Ok(slice) => return Ok(slice),
                Err(error) => error,
            };
            match &error.kind {
                FailureKind::RateLimited { retry_after, .. } if *retry_after <= SHORT_WAIT && !waited => {
                    waited = true;
                    tokio::time::sleep(*retry_after).await;
                }
                FailureKind::AuthRevoked if error.code == codes::GA4_UNAUTHENTICATED && !refreshed => {
                    refreshed = true;
                    let source = self.wanted_source(attempt.run).await?;
                    attempt.token = self.access_token(attempt.run.tenant, &source).await??;
                }
                _ => return Err(error.into()),
            }
        }
    }

    /// Waits for `work` and keeps the lease alive meanwhile.
    async fn with_heartbeat<T>(&self, run: &Run, work: impl Future<Output = T>) -> Result<T, Stop> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(HEARTBEAT) => {
                    if !self.heartbeat(run).await? {
                        return Err(Stop::LeaseLost);
                    }
                }
            }
        }
    }

    /// Rows, counts, reach, cursor and lease in one transaction. `through` is the last of the newest days, which are
    /// all in when `newest_done`.
    async fn commit_slice(
        &self,
        attempt: &Attempt<'_>,
        slice: Window,
        (recent, through): (Window, Date),
        newest_done: bool,
        fetched: &Slice,
    ) -> Result<(), Stop> {
        let run = attempt.run;
        let (tenant, source) = (run.tenant, run.payload.source_id);
        let mut tx = self.database.tenant(tenant).await?;
        if !still_ours(&mut tx, run, true).await? {
            return Err(Stop::LeaseLost);
        }
        let (progress, difference) = write_partitions(&mut tx, attempt, fetched).await?;
        if let Some(error) = limits::count_slice(&mut tx, tenant, source, difference).await? {
            return Err(error.into());
        }
        syncs::add_progress(&mut tx, tenant, run.payload.sync_id, progress).await?;
        let newest_through = newest_done.then_some(through);
        let coverage = Coverage {
            data_through: newest_through.map(|today| today - time::Duration::DAY),
            provisional_from: newest_through.map(|today| today - time::Duration::days(PROVISIONAL_DAYS - 1)),
            backfilled_from: recent.is_empty().then_some(slice.from),
            backfill_until: newest_through.map(goal),
        };
        sources::set_coverage(&mut tx, tenant, source, coverage).await?;
        if newest_through.is_some() {
            sources::set_synced(&mut tx, tenant, source, self.now()).await?;
        }
        let payload = SyncPayload { recent: Some(recent), through: Some(through), ..run.payload.clone() };
        let payload = serde_json::json!(payload);
        jobs::set_payload(&mut tx, tenant, &run.job, &payload).await?;
        tx.commit().await.map_err(StoreError::from)?;
        for note in &fetched.notes {
            tracing::warn!(tenant = %tenant, source = %source, note = %note, "A report is limited");
        }
        Ok(())
    }
}

/// Locks the source and then the job, and prolongs the lease; comes first in a transaction, so that a process that lost
/// its lease writes nothing. In this order, as everyone who changes both: no two wait for each other.
async fn still_ours(tx: &mut Tx, run: &Run, progress: bool) -> Result<bool, StoreError> {
    let source = sources::find_for_update(tx, run.tenant, run.payload.source_id).await?;
    Ok(source.is_some() && jobs::renew(tx, run.tenant, &run.job, progress).await?)
}

fn reach(source: &SourceRow, today: Date) -> Reach {
    Reach {
        today,
        data_through: source.data_through,
        backfilled_from: source.backfilled_from,
        backfill_until: source.backfill_until,
    }
}

fn goal(today: Date) -> Date {
    Reach { today, data_through: None, backfilled_from: None, backfill_until: None }.goal()
}

/// The days a run will have read when it is done.
fn whole(source: &SourceRow, zone: Zone, now: OffsetDateTime) -> (Date, Date) {
    let reach = reach(source, zone.date_of(now));
    let from = if reach.backfilled_from.is_none_or(|oldest| oldest > reach.goal()) {
        reach.goal()
    } else {
        reach.recent().from
    };
    (from, reach.today)
}

/// Gives the counts of the run, and how many datapoints there are more than before.
async fn write_partitions(tx: &mut Tx, attempt: &Attempt<'_>, fetched: &Slice) -> Result<(Progress, i64), StoreError> {
    let mut difference = 0;
    let run = attempt.run;
    let target = Target {
        source: run.payload.source_id,
        provider: ga4::PROVIDER,
        account: &attempt.property,
        zone: attempt.zone,
        sync: run.payload.sync_id,
        metrics: &attempt.metrics,
    };
    let mut progress = Progress { read: i64::try_from(fetched.rows_read).unwrap_or(i64::MAX), ..Progress::default() };
    for partition in &fetched.partitions {
        let facts: Vec<_> =
            partition.facts.iter().map(|fact| (fact.external_id(ga4::PROVIDER, &attempt.property), fact)).collect();
        let written = datapoints::upsert(tx, run.tenant, &target, &facts).await?;
        let kept: Vec<String> = facts.into_iter().map(|(id, _)| id).collect();
        let metrics: Vec<MetricId> =
            partition.metric_keys.iter().filter_map(|key| attempt.metrics.get(*key).copied()).collect();
        let covered = Partition {
            metrics: &metrics,
            dim_set: &dim_set(partition.dimensions.iter().copied()),
            from: partition.from,
            to: partition.to,
        };
        let removed = datapoints::delete_unseen(tx, run.tenant, target.source, &covered, &kept).await?;
        let removed = i64::try_from(removed).unwrap_or(i64::MAX);
        difference += written.inserted - removed;
        progress.changed += i64::try_from(written.changed.len()).unwrap_or(i64::MAX);
        progress.removed += removed;
    }
    Ok((progress, difference))
}
