//! The batches of a run: read without a transaction, then rows, cursor and lease committed together.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use time::{Date, OffsetDateTime};
use tokio::time::Instant;

use super::gate::{RequestGate, StoredSums};
use super::write::Writer;
use super::{Outcome, Run, SyncPayload};
use crate::connectors::contract::{Batch, Connector, Provider, Reach, Reading, StreamState};
use crate::connectors::error::{ConnectorError, FailureKind, quote};
use crate::connectors::sentences::codes;
use crate::domain::ids::{CredentialId, MetricId};
use crate::domain::source::SourceStatus;
use crate::domain::tenant::{WeekStart, Zone};
use crate::services::Services;
use crate::services::access::RunAccess;
use crate::services::error::ServiceError;
use crate::services::limits;
use crate::store::sources::SourceRow;
use crate::store::streams::Advance;
use crate::store::syncs::{Level, Line};
use crate::store::{StoreError, Tx, jobs, metrics, sources, streams, syncs, tenants};

/// Time between two signs of life while a batch is read.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// A wait that the source asks for and that is worth sleeping through.
const SHORT_WAIT: Duration = Duration::from_secs(5);
/// A run that has worked this long makes way for runs that wait.
const TURN: Duration = Duration::from_secs(5);

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
pub(super) struct Attempt<'a> {
    pub run: &'a Run,
    pub connector: Arc<dyn Connector>,
    pub account: String,
    pub zone: Zone,
    pub currency: Option<String>,
    pub created: Option<Date>,
    pub week_start: WeekStart,
    /// Today in the source's calendar, as the attempt began.
    pub today: Date,
    pub metrics: HashMap<String, MetricId>,
    /// A person chose another zone.
    pub moves: bool,
    gate: RequestGate,
    access: RunAccess<'a>,
}

impl Attempt<'_> {
    pub fn provider(&self) -> &'static Provider {
        self.connector.provider()
    }
}

/// What an attempt goes through.
struct Position {
    streams: BTreeMap<String, StreamState>,
    run: Value,
}

impl Services {
    /// One attempt at a run, until it is done, fails, or `deadline` is past.
    pub(super) async fn work(&self, run: &Run, deadline: Instant) -> Result<Outcome, ServiceError> {
        match self.read_batches(run, deadline).await {
            Ok(true) => Ok(Outcome::Done),
            Ok(false) => Ok(Outcome::More),
            Err(Stop::Connector(error)) => Ok(Outcome::Failed(error)),
            Err(Stop::Unwanted) => Ok(Outcome::Unwanted),
            Err(Stop::LeaseLost) => Ok(Outcome::LeaseLost),
            Err(Stop::Service(error)) => Err(error),
        }
    }

    /// `true` when everything is read.
    async fn read_batches(&self, run: &Run, deadline: Instant) -> Result<bool, Stop> {
        let (mut attempt, mut position) = self.begin_attempt(run).await?;
        if attempt.moves && self.rezone(&mut attempt).await? {
            return Ok(false);
        }
        let mut turn = Instant::now();
        loop {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            if turn.elapsed() >= TURN {
                if self.others_wait(run).await? {
                    return Ok(false);
                }
                turn = Instant::now();
            }
            let Some(batch) = self.read_patiently(&attempt, &position).await? else { return Ok(true) };
            if let Some(calendar) = moved_calendar(&attempt, &batch)? {
                self.move_calendar(&attempt, batch.stream, calendar).await?;
                // The rest of this attempt would go on with the old one.
                return Ok(false);
            }
            self.commit_batch(&attempt, &position, &batch).await?;
            position.run.clone_from(&batch.run);
            let stream = position.streams.entry(batch.stream.to_owned()).or_default();
            stream.cursor.clone_from(&batch.cursor);
            stream.reach = merged(stream.reach, batch.reach);
            if let Some(pause) = batch.pause {
                let kind = FailureKind::RateLimited { retry_after: pause, scope: "quota_low".to_owned() };
                return Err(ConnectorError::new(kind, codes::REQUESTS_SPENT, "the quota is nearly used up").into());
            }
        }
    }

    /// Whether another source's run could go on in this one's place.
    async fn others_wait(&self, run: &Run) -> Result<bool, Stop> {
        let mut router = self.database.router_connection().await?;
        Ok(jobs::others_wait(&mut router, &run.job, super::QUEUE).await?)
    }

    async fn begin_attempt<'a>(&'a self, run: &'a Run) -> Result<(Attempt<'a>, Position), Stop> {
        let (tenant, id) = (run.tenant, run.payload.source_id);
        let mut tx = self.database.tenant(tenant).await?;
        let source = still_wanted(&mut tx, run, false).await?;
        let connector = Arc::clone(self.connectors.get(&source.provider).ok_or(Stop::Unwanted)?);
        let provider = connector.provider();
        let credential = source.credential_id.map(CredentialId).ok_or(Stop::Unwanted)?;
        let account = source.config.0.property.as_ref().map(|account| account.id.clone()).ok_or(Stop::Unwanted)?;
        let zone = source.zone.clone().and_then(|name| Zone::try_from(name).ok());
        let zone = zone.ok_or(StoreError::Inconsistent("data_sources.zone"))?;
        sources::set_status(&mut tx, tenant, id, SourceStatus::Syncing, None, None).await?;
        syncs::start(&mut tx, tenant, run.payload.sync_id, self.now()).await?;
        let keys: Vec<&str> = provider.streams.iter().map(|stream| stream.key).collect();
        streams::ensure(&mut tx, tenant, id, &keys).await?;
        let known: Vec<String> = provider.metrics.iter().map(|metric| metric.key.to_owned()).collect();
        let metrics = metrics::list(&mut tx, tenant, Some(&known)).await?;
        let rows = streams::list(&mut tx, tenant, id).await?;
        let week_start = tenants::find(&mut tx, tenant).await?.settings.0.week_start;
        tx.commit().await.map_err(StoreError::from)?;
        let gate = RequestGate {
            database: self.database.clone(),
            tenant,
            credential,
            account: account.clone(),
            stock: tokio::sync::Mutex::default(),
        };
        let attempt = Attempt {
            run,
            connector,
            account,
            zone,
            currency: source.currency.clone(),
            created: source.config.0.created,
            week_start,
            today: zone.date_of(self.now()),
            metrics: metrics.into_iter().map(|metric| (metric.row.key, MetricId(metric.row.id))).collect(),
            moves: source.config.0.zone_wanted.is_some(),
            gate,
            access: RunAccess::new(self, tenant, credential),
        };
        let streams = rows.into_iter().map(|row| (row.stream.clone(), state_of(row))).collect();
        Ok((attempt, Position { streams, run: run.payload.run.clone() }))
    }

    /// Reads a batch; sleeps through a short wait.
    async fn read_patiently(&self, attempt: &Attempt<'_>, position: &Position) -> Result<Option<Batch>, Stop> {
        let mut waited = false;
        let stored = StoredSums {
            database: self.database.clone(),
            tenant: attempt.run.tenant,
            source: attempt.run.payload.source_id,
        };
        loop {
            let reading = Reading {
                account: &attempt.account,
                zone: attempt.zone,
                currency: attempt.currency.as_deref(),
                created: attempt.created,
                week_start: attempt.week_start,
                now: self.now(),
                streams: &position.streams,
                run: &position.run,
                gate: &attempt.gate,
                stored: &stored,
            };
            let read = attempt.connector.read(&attempt.access, &reading);
            let error = match self.with_heartbeat(attempt.run, read).await? {
                Ok(batch) => return Ok(batch),
                Err(error) => error,
            };
            match &error.kind {
                FailureKind::RateLimited { retry_after, .. } if *retry_after <= SHORT_WAIT && !waited => {
                    waited = true;
                    tokio::time::sleep(*retry_after).await;
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

    /// The account's zone or currency is another one at the provider: nothing of the batch is written, and all streams
    /// begin anew. What is stored stays on screen until it is replaced, day by day.
    async fn move_calendar(
        &self,
        attempt: &Attempt<'_>,
        stream: &str,
        (zone, currency): (Zone, Option<String>),
    ) -> Result<(), Stop> {
        let run = attempt.run;
        let (tenant, id, sync) = (run.tenant, run.payload.source_id, run.payload.sync_id);
        let mut tx = self.database.tenant(tenant).await?;
        let source = still_wanted(&mut tx, run, true).await?;
        sources::set_config(&mut tx, tenant, id, &source.config.0, Some((zone.name(), currency.as_deref()))).await?;
        streams::delete_all(&mut tx, tenant, id).await?;
        let figures = json!({
            "zone": zone.name(), "zone_before": attempt.zone.name(), "currency": currency,
            "currency_before": attempt.currency,
        });
        let line = Line::new(Level::Warning, codes::CALENDAR_CHANGED).stream(stream).figures(figures);
        syncs::log(&mut tx, tenant, sync, &[line], self.now()).await?;
        let payload = json!(SyncPayload { run: Value::Null, ..run.payload.clone() });
        jobs::set_payload(&mut tx, tenant, &run.job, &payload).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::warn!(
            tenant = %tenant, source = %id, before = attempt.zone.name(), zone = zone.name(), currency,
            "An account has another calendar or currency; its history is read anew"
        );
        Ok(())
    }

    /// Rows, counts, reach, cursor and lease in one transaction.
    async fn commit_batch(&self, attempt: &Attempt<'_>, position: &Position, batch: &Batch) -> Result<(), Stop> {
        let run = attempt.run;
        let (tenant, source) = (run.tenant, run.payload.source_id);
        let mut tx = self.database.tenant(tenant).await?;
        still_wanted(&mut tx, run, true).await?;
        let before = position.streams.get(batch.stream).map(|stream| stream.reach).unwrap_or_default();
        let writer = Writer { services: self, attempt, covered_from: before.backfilled_from };
        let written = writer.write(&mut tx, batch).await?;
        if let Some(error) = limits::count_slice(&mut tx, tenant, source, written.difference).await? {
            return Err(error.into());
        }
        syncs::add_progress(&mut tx, tenant, run.payload.sync_id, written.progress).await?;
        let counted = counted(attempt.provider());
        streams::advance(&mut tx, tenant, source, &advance(batch, &counted, self.now())).await?;
        self.log_batch(&mut tx, run, batch, &written).await?;
        let payload = json!(SyncPayload { run: batch.run.clone(), ..run.payload.clone() });
        jobs::set_payload(&mut tx, tenant, &run.job, &payload).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn log_batch(
        &self,
        tx: &mut Tx,
        run: &Run,
        batch: &Batch,
        written: &super::write::Written,
    ) -> Result<(), StoreError> {
        let counts = json!({
            "rows": written.progress.read, "changed": written.progress.changed, "removed": written.progress.removed,
            "from": written.progress.days.map(|days| days.0.to_string()),
            "to": written.progress.days.map(|days| days.1.to_string()), "restated": written.restated,
        });
        let mut lines = vec![Line::new(Level::Info, "batch").stream(batch.stream).figures(counts)];
        for note in &batch.notes {
            lines.push(Line::new(Level::Warning, note.code).stream(batch.stream).cause(&note.detail));
        }
        if let Some(blocked) = &batch.blocked {
            let figures = json!({ "permission": blocked.permission });
            let line = Line::new(Level::Warning, blocked.code).stream(batch.stream).figures(figures);
            lines.push(line.cause(&blocked.cause));
        }
        syncs::log(tx, run.tenant, run.payload.sync_id, &lines, self.now()).await
    }
}

/// Locks the source and then the job, and prolongs the lease; comes first in a transaction, so that a process that lost
/// its lease writes nothing. In this order, as everyone who changes both: no two wait for each other.
pub(super) async fn still_wanted(tx: &mut Tx, run: &Run, progress: bool) -> Result<SourceRow, Stop> {
    let source = sources::find_for_update(tx, run.tenant, run.payload.source_id).await?;
    if !jobs::renew(tx, run.tenant, &run.job, progress).await? {
        return Err(Stop::LeaseLost);
    }
    let source = source.ok_or(Stop::Unwanted)?;
    let stopped =
        matches!(source.status()?, SourceStatus::Paused | SourceStatus::NotConnected | SourceStatus::NeedsReauth);
    let unready = source.credential_id.is_none() || source.config.0.property.is_none();
    if stopped || unready || !tenants::is_active(tx, run.tenant).await? {
        return Err(Stop::Unwanted);
    }
    Ok(source)
}

/// The zone and the currency of a batch that was made in others than the source's.
fn moved_calendar(attempt: &Attempt<'_>, batch: &Batch) -> Result<Option<(Zone, Option<String>)>, ConnectorError> {
    let Some((zone, currency)) = &batch.calendar else { return Ok(None) };
    let currency = currency.to_ascii_uppercase();
    if zone == attempt.zone.name() && attempt.currency.as_deref().is_none_or(|known| known == currency) {
        return Ok(None);
    }
    let zone = Zone::try_from(zone.clone()).map_err(|_| {
        ConnectorError::contract(codes::CALENDAR_UNKNOWN, format!("the account's zone is {:?}", quote(zone)))
    })?;
    Ok(Some((zone, Some(currency))))
}

fn state_of(row: streams::StreamRow) -> StreamState {
    let reach = Reach {
        data_through: row.data_through,
        provisional_from: row.provisional_from,
        backfilled_from: row.backfilled_from,
        backfill_until: row.backfill_until,
    };
    StreamState { cursor: row.cursor.0, reach }
}

/// As `streams::advance` does in the database.
fn merged(old: Reach, new: Reach) -> Reach {
    Reach {
        data_through: new.data_through.or(old.data_through),
        provisional_from: new.provisional_from.or(old.provisional_from),
        backfilled_from: old.backfilled_from.into_iter().chain(new.backfilled_from).min(),
        backfill_until: new.backfill_until.or(old.backfill_until),
    }
}

/// The streams that figures are made of; the others only say what to read again.
pub(super) fn counted(provider: &'static Provider) -> Vec<&'static str> {
    provider.streams.iter().filter(|stream| !stream.metrics.is_empty()).map(|stream| stream.key).collect()
}

fn advance<'a>(batch: &'a Batch, counted: &'a [&'a str], now: OffsetDateTime) -> Advance<'a> {
    Advance {
        stream: batch.stream,
        cursor: &batch.cursor,
        blocked: batch.blocked.as_ref().map(|blocked| (blocked.code, blocked.permission.as_deref())),
        data_through: batch.reach.data_through,
        provisional_from: batch.reach.provisional_from,
        backfilled_from: batch.reach.backfilled_from,
        backfill_until: batch.reach.backfill_until,
        fetched_at: batch.up_to_date.then_some(now),
        counted,
    }
}
