//! What a connector is to the engine: it says what it offers, and reads a source batch by batch.
//!
//! The engine owns time, database, tokens and retries. A connector owns what only it can know: which request comes next,
//! what an answer means, and how far its data reaches. Everything it remembers is JSON that the engine keeps for it: the
//! cursor of each stream for good, the state of a run until that run ends. Both are committed together with the rows they
//! stand for, so a connector may be stopped between any two batches.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::Value;
use time::{Date, OffsetDateTime};

use super::error::ConnectorError;
use super::oauth::OAuthClient;
use crate::domain::fact::{Dims, Fact};
use crate::domain::metric::{Bilingual, MetricDefinition};
use crate::domain::period::Grain;
use crate::domain::secret::Secret;
use crate::domain::tenant::{WeekStart, Zone};

/// How a client gives access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// By consent at the provider. The scopes that are asked for; [`OAuthClient`] knows which of them it cannot do without.
    OAuth {
        /// Scopes.
        scopes: &'static [&'static str],
    },
    /// By a key that the client makes at the provider.
    ApiKey,
}

/// A part of a provider's data with a cursor and a permission of its own.
#[derive(Debug, Clone, Copy)]
pub struct StreamInfo {
    /// Stable key.
    pub key: &'static str,
    /// Name for people.
    pub name: Bilingual,
    /// The permission it needs, in the provider's words, when it has one of its own.
    pub permission: Option<&'static str>,
    /// Metrics that are made of it, alone or with others.
    pub metrics: &'static [&'static str],
}

/// A provider as the portal offers it.
#[derive(Debug)]
pub struct Provider {
    /// Stable key, part of sources and external ids.
    pub key: &'static str,
    /// The provider's own name.
    pub name: &'static str,
    /// How a client gives access.
    pub access: Access,
    /// Its parts.
    pub streams: &'static [StreamInfo],
    /// Its metrics, in the order of the catalogue.
    pub metrics: &'static [MetricDefinition],
    /// The sets of dimensions in which a metric is stored; the empty one is the total.
    pub dim_sets: fn(&str) -> Vec<Vec<&'static str>>,
    /// Days, today included, whose figures the provider may still change.
    pub provisional_days: i64,
    /// The zone of the calendar is the client's to choose; otherwise the provider's accounts have one.
    pub zone_is_chosen: bool,
}

/// An account of the provider that the access can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The provider's id.
    pub id: String,
    /// The provider's name for it.
    pub name: String,
    /// What it belongs to at the provider; may be empty.
    pub group: String,
}

/// Whether an access may read a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The stream.
    pub stream: &'static str,
    /// What is missing, in the provider's own name; `None`: nothing.
    pub missing: Option<String>,
}

/// What an access reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// The accounts to choose from.
    pub accounts: Vec<Account>,
    /// The permissions, one per stream that has its own; empty where the provider knows none.
    pub permissions: Vec<Permission>,
    /// The access is to test data.
    pub test_mode: bool,
}

/// An account's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDetails {
    /// IANA zone in which its days begin; `None` where the client chooses.
    pub zone: Option<String>,
    /// ISO 4217 code of its money, where it has one.
    pub currency: Option<String>,
    /// The day of its creation in its own zone: no data before it.
    pub created: Option<Date>,
}

/// Allowance of requests: a bucket that holds `burst` and gains `per_second`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Requests gained per second.
    pub per_second: f64,
    /// Most requests at once.
    pub burst: f64,
}

/// What a provider is asked with, from one request to the next: an access token may live shorter than a batch takes.
#[async_trait]
pub trait Bearer: Send + Sync {
    /// The secret for a request that is sent now; a token is renewed ahead of its end.
    async fn current(&self) -> Result<Secret, ConnectorError>;

    /// The provider refused this one. `true`: another takes its place.
    async fn refused(&self, secret: &Secret) -> Result<bool, ConnectorError>;
}

/// A secret that has no successor.
#[async_trait]
impl Bearer for Secret {
    async fn current(&self) -> Result<Secret, ConnectorError> {
        Ok(self.clone())
    }

    async fn refused(&self, _: &Secret) -> Result<bool, ConnectorError> {
        Ok(false)
    }
}

/// The engine's word on whether a request may be sent now: buckets per (credential, account, endpoint), shared by all
/// processes.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Takes one request out of `endpoint`'s bucket. Waits for it if that takes seconds; otherwise fails as
    /// `RateLimited` until it may be sent.
    async fn pass(&self, endpoint: &'static str, allowance: Allowance) -> Result<(), ConnectorError>;

    /// The provider asked to slow down: halves what `endpoint`'s bucket gains for a minute.
    async fn slow_down(&self, endpoint: &'static str);
}

/// What is stored of an account, for a connector that holds its provider's totals against it.
#[async_trait]
pub trait Stored: Send + Sync {
    /// The sum of a measure over all records of a stream, per currency. The measure may be one that no metric of the
    /// catalogue has.
    async fn sums(&self, stream: &str, measure: &str) -> Result<BTreeMap<String, Decimal>, ConnectorError>;
}

/// What is known of a stream before a batch is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamState {
    /// The connector's own; `Null` at first.
    pub cursor: Value,
    /// How far its data reaches.
    pub reach: Reach,
}

/// How far the data of a stream reaches. Days of the source's calendar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Last complete day.
    pub data_through: Option<Date>,
    /// First day that may still change.
    pub provisional_from: Option<Date>,
    /// The history is complete from this day on.
    pub backfilled_from: Option<Date>,
    /// The history is wanted from this day on.
    pub backfill_until: Option<Date>,
}

/// What a connector is asked to go on with.
pub struct Reading<'a> {
    /// The provider's id of the account.
    pub account: &'a str,
    /// Zone of its calendar.
    pub zone: Zone,
    /// ISO 4217 code of its money, where it has one.
    pub currency: Option<&'a str>,
    /// Its first day, where known.
    pub created: Option<Date>,
    /// On which day the client's weeks begin.
    pub week_start: WeekStart,
    /// The present instant.
    pub now: OffsetDateTime,
    /// The streams that were ever read.
    pub streams: &'a BTreeMap<String, StreamState>,
    /// What the connector left with the last batch of this run; `Null` when the run begins.
    pub run: &'a Value,
    /// Asked before each request.
    pub gate: &'a dyn Gate,
    /// What is stored of the account.
    pub stored: &'a dyn Stored,
}

impl Reading<'_> {
    /// Today in the account's calendar.
    pub fn today(&self) -> Date {
        self.zone.date_of(self.now)
    }

    /// A stream's state; a new one's if it was never read.
    pub fn stream(&self, key: &str) -> StreamState {
        self.streams.get(key).cloned().unwrap_or_default()
    }
}

/// Rows, and how far they go. Committed as a whole or not at all.
#[derive(Debug)]
pub struct Batch {
    /// The stream it belongs to.
    pub stream: &'static str,
    /// What to write, in this order.
    pub writes: Vec<Write>,
    /// The stream's cursor from now on.
    pub cursor: Value,
    /// The run's state from now on.
    pub run: Value,
    /// What has changed of the stream's reach; `None` leaves as it was.
    pub reach: Reach,
    /// The newest data of this stream are in: it was fetched now.
    pub up_to_date: bool,
    /// Rows that the provider sent.
    pub rows_read: u64,
    /// The provider's quota is nearly used up: what is not urgent waits this long.
    pub pause: Option<Duration>,
    /// The stream cannot be read; the others go on.
    pub blocked: Option<Blocked>,
    /// What is worth a line in the run's log.
    pub notes: Vec<Note>,
    /// The account's zone and currency as the provider tells them now, where it does.
    pub calendar: Option<(String, String)>,
}

impl Batch {
    /// A batch of a stream that writes nothing yet and leaves everything as it is.
    pub fn of(stream: &'static str, cursor: Value, run: Value) -> Self {
        Self {
            stream,
            writes: Vec::new(),
            cursor,
            run,
            reach: Reach::default(),
            up_to_date: false,
            rows_read: 0,
            pause: None,
            blocked: None,
            notes: Vec::new(),
            calendar: None,
        }
    }
}

/// Why one stream cannot be read while others can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Stable code of the failure.
    pub code: &'static str,
    /// The missing permission, in the provider's own name.
    pub permission: Option<String>,
    /// For the operator; no secret.
    pub cause: String,
}

/// Something that does not stop a run but limits or explains what its figures say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Stable code with a sentence for clients.
    pub code: &'static str,
    /// For the operator: which report, how many rows.
    pub detail: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

/// One thing to write.
#[derive(Debug)]
pub enum Write {
    /// Replaces what is stored of a part of the source.
    Partition(Partition),
    /// Keeps records of the batch's stream; one that was seen later than `observed_at` stays as it is.
    Records {
        /// The records; no id twice.
        records: Vec<Record>,
        /// When the provider was asked for them.
        observed_at: OffsetDateTime,
    },
    /// Removes records by id: the provider says that they are gone.
    Remove {
        /// Ids in the batch's stream.
        ids: Vec<String>,
    },
    /// Removes the records of the batch's stream that were last seen before: a full list did not have them.
    Prune {
        /// The instant before the full list began.
        before: OffsetDateTime,
    },
    /// Makes the daily facts of these metrics anew from all streams' records of these days, each metric in all its sets
    /// of dimensions.
    Derive {
        /// The metrics.
        metrics: Vec<&'static str>,
        /// First day.
        from: Date,
        /// Last day.
        to: Date,
    },
    /// Makes one day's facts of these metrics from all records of the batch's stream, whatever day they are of.
    Snapshot {
        /// The metrics, of additivity `last`.
        metrics: Vec<&'static str>,
        /// The day that the snapshot stands for.
        day: Date,
    },
}

/// All facts of some metrics, one set of dimensions and one range of days: whatever is stored there and is not among
/// `facts` no longer exists at the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// Names of the dimensions, as in the facts; empty for totals.
    pub dimensions: Vec<&'static str>,
    /// The metrics that the partition covers.
    pub metric_keys: Vec<&'static str>,
    /// The length of the periods that it covers; others beside them are other partitions.
    pub grain: Grain,
    /// First day on which a period begins.
    pub from: Date,
    /// Last day, inclusive.
    pub to: Date,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// An object of the provider, reduced to what it adds to metrics; nothing of a person is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The provider's id of it.
    pub id: String,
    /// The instant it belongs to; its day is this instant's in the source's zone.
    pub at: OffsetDateTime,
    /// What it adds.
    pub measures: Vec<Measure>,
}

/// What a record adds to one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Key of the metric.
    pub metric: &'static str,
    /// Added to the value, or to the numerator of a ratio.
    pub value: Decimal,
    /// Added to the denominator of a ratio.
    pub denominator: Option<Decimal>,
    /// ISO 4217 code in upper case where the metric is kept per currency.
    pub currency: Option<String>,
    /// Dimension values; each of the metric's sets takes those it names. A missing one counts as `(none)`.
    pub dims: Dims,
}

/// A provider's connector.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What it offers.
    fn provider(&self) -> &'static Provider;

    /// Its OAuth client, if access is given by consent.
    fn oauth(&self) -> Option<&OAuthClient> {
        None
    }

    /// Refuses, without asking the provider, a key that cannot be right; gives how people recognise it (`rk_live_…a1b2`).
    fn key_label(&self, key: &Secret) -> Result<String, ConnectorError> {
        let _ = key;
        Ok(String::new())
    }

    /// What the access reaches.
    async fn check(&self, access: &Secret, now: OffsetDateTime) -> Result<Reachable, ConnectorError>;

    /// An account's settings.
    async fn account(&self, access: &Secret, id: &str, now: OffsetDateTime) -> Result<AccountDetails, ConnectorError>;

    /// Reads the next batch, newest data first; `None` when everything is read that this run should read.
    async fn read(&self, access: &dyn Bearer, reading: &Reading<'_>) -> Result<Option<Batch>, ConnectorError>;
}
