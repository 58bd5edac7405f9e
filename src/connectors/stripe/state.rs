//! What is remembered: for good in the streams' cursors, within a run in its state; and what a run does next.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Date, Duration};

use super::cursor::{Horizon, Kind, Progress};
use super::streams::{BALANCE_TRANSACTIONS, EVENTS, LISTED, Listed, SUBSCRIPTIONS, listed};
use crate::connectors::contract::{Allowance, Reading};
use crate::domain::period::add_months;
use crate::domain::tenant::Zone;

/// Months of history, as everywhere in the portal.
const HISTORY_MONTHS: i32 = 13;
/// Events live for thirty days. After this many seconds without them everything that changes is read anew.
const EVENTS_LAST: i64 = 25 * 86_400;
/// The read allocation: requests per transaction of the last thirty days, and the least that Stripe gives.
const PER_TRANSACTION: f64 = 500.0;
const LEAST: f64 = 10_000.0;
const MONTH_DAYS: i64 = 30;
const MONTH_SECONDS: f64 = 30.0 * 86_400.0;

/// The cursor of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct List {
    /// How far it is read.
    pub progress: Progress,
    /// Of balance transactions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
}

/// What is known of the account's ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// A transaction by which the account is known again when its key is replaced.
    pub known: Option<String>,
    /// Transactions of the last days.
    pub counts: BTreeMap<Date, u32>,
    /// What the account held before the first transaction that is read.
    pub opening: Option<BTreeMap<String, Decimal>>,
    /// A difference that was seen once, and when.
    pub suspect: Option<(i64, BTreeMap<String, Decimal>)>,
    /// The day of the last comparison that had a result.
    pub checked: Option<Date>,
}

impl Ledger {
    /// Counts a transaction of `day`, as of `today`.
    pub fn count(&mut self, day: Date, today: Date) {
        *self.counts.entry(day).or_default() += 1;
        self.counts.retain(|day, _| *day > today - Duration::days(MONTH_DAYS));
    }

    /// What Stripe lets the account's readers read in a month.
    pub fn allocation(&self) -> Allowance {
        let transactions: f64 = self.counts.values().copied().map(f64::from).sum();
        let burst = (PER_TRANSACTION * transactions).max(LEAST);
        Allowance { per_second: burst / MONTH_SECONDS, burst }
    }
}

/// The cursor of subscriptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscriptions {
    /// The day of the last full list.
    pub scanned: Option<Date>,
    /// The full list that is being read.
    pub scan: Option<Scan>,
    /// The first day that has a snapshot: there is no history before.
    pub first: Option<Date>,
}

/// A full list that is being read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The day that it is for.
    pub day: Date,
    /// When it began.
    pub began: i64,
    /// The last object seen.
    pub after: Option<String>,
    /// It began anew once because the last object seen was deleted.
    pub restarted: bool,
}

/// The cursor of events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Events {
    /// The events before this are done.
    pub since: Option<i64>,
    /// When everything that changes was last to be read anew, because events were missed; 0: never.
    pub epoch: i64,
}

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// When it began.
    pub started: i64,
    /// Streams that cannot be read.
    pub blocked: BTreeSet<String>,
    /// Per list, the creation from which on all objects were read in this run.
    pub fresh: BTreeMap<String, i64>,
    /// Objects to ask for, by stream and id, with their creation.
    pub hints: BTreeMap<String, BTreeMap<String, i64>>,
    /// Days to be made anew once a stream's objects are there.
    pub touched: BTreeMap<String, BTreeSet<Date>>,
    /// The last event seen.
    pub after: Option<String>,
    /// All events are seen.
    pub listed: bool,
    /// All events are seen and followed.
    pub followed: bool,
    /// The ledger was compared, or need not be.
    pub compared: bool,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Note from when on events count.
    Begin,
    /// Read on in a list.
    Read(&'static str, Kind),
    /// Read on in the full list of subscriptions.
    Scan,
    /// Ask for objects of a stream that events named.
    Follow(&'static str),
    /// List more events.
    Events,
    /// Compare the ledger with the balance.
    Compare,
}

/// Everything that is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Cursors of lists.
    pub lists: BTreeMap<&'static str, List>,
    /// The cursor of subscriptions.
    pub subscriptions: Subscriptions,
    /// The cursor of events.
    pub events: Events,
    /// The run.
    pub run: Run,
    /// First day of history that is wanted, by stream.
    goals: BTreeMap<&'static str, Date>,
    zone: Zone,
}

/// A cursor as it is stored. One that another version wrote and that cannot be read only costs reading again.
fn read<T: Default + serde::de::DeserializeOwned>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_default()
}

impl State {
    /// As of now; begins a run where none is.
    pub fn of(reading: &Reading<'_>) -> Self {
        let mut run: Run = read(reading.run);
        if reading.run.is_null() {
            run.started = reading.now.unix_timestamp();
        }
        let wanted = add_months(reading.today(), -HISTORY_MONTHS).replace_day(1).unwrap_or(reading.today());
        let wanted = reading.created.map_or(wanted, |created| wanted.max(created.min(reading.today())));
        let mut state = Self {
            subscriptions: read(&reading.stream(SUBSCRIPTIONS).cursor),
            events: read(&reading.stream(EVENTS).cursor),
            run,
            zone: reading.zone,
            ..Self::default()
        };
        for one in &LISTED {
            let stored = reading.stream(one.key);
            let mut list: List = read(&stored.cursor);
            if one.mutable {
                list.progress.renew(state.events.epoch, reading.now.unix_timestamp());
            } else {
                list.ledger.get_or_insert_default();
            }
            state.goals.insert(one.key, stored.reach.backfill_until.unwrap_or(wanted));
            state.lists.insert(one.key, list);
        }
        state
    }

    /// A list's cursor.
    pub fn list(&mut self, one: &Listed) -> &mut List {
        self.lists.entry(one.key).or_default()
    }

    /// The ledger's.
    pub fn ledger(&mut self) -> &mut Ledger {
        self.lists.entry(BALANCE_TRANSACTIONS).or_default().ledger.get_or_insert_default()
    }

    /// What planning must know of a list.
    pub fn horizon(&self, one: &Listed) -> Horizon {
        let goal = self.goals.get(one.key).copied().unwrap_or(Date::MIN);
        Horizon { started: self.run.started, zone: self.zone, goal, mutable: one.mutable }
    }

    /// The day on which the run began.
    pub fn day(&self) -> Date {
        super::cursor::day_of(self.zone, self.run.started)
    }

    /// What comes next: the newest of everything, then what changed, then history; `None`: nothing.
    pub fn next(&mut self) -> Option<Step> {
        if self.events.since.is_none_or(|since| self.run.started - since > EVENTS_LAST) {
            return Some(Step::Begin);
        }
        self.window(Kind::Head)
            .or_else(|| self.scan())
            .or_else(|| self.window(Kind::Sweep))
            .or_else(|| self.follow())
            .or_else(|| self.window(Kind::Back))
            .or_else(|| self.compare())
    }

    fn window(&mut self, kind: Kind) -> Option<Step> {
        LISTED.iter().find_map(|one| {
            if self.run.blocked.contains(one.key) {
                return None;
            }
            let horizon = self.horizon(one);
            self.list(one).progress.next(horizon, kind).map(|_| Step::Read(one.key, kind))
        })
    }

    fn scan(&self) -> Option<Step> {
        let due = self.subscriptions.scanned != Some(self.day());
        (due && !self.run.blocked.contains(SUBSCRIPTIONS)).then_some(Step::Scan)
    }

    fn follow(&self) -> Option<Step> {
        if self.run.followed || self.run.blocked.contains(EVENTS) {
            return None;
        }
        let stream = self.run.hints.keys().find_map(|key| known(key));
        Some(stream.map_or(Step::Events, Step::Follow))
    }

    fn compare(&self) -> Option<Step> {
        let one = listed(BALANCE_TRANSACTIONS)?;
        let list = self.lists.get(one.key)?;
        let ledger = list.ledger.as_ref()?;
        let whole = list.progress.is_whole(self.horizon(one)) && !self.run.blocked.contains(one.key);
        let due = whole && !self.run.compared && ledger.checked != Some(self.day());
        due.then_some(Step::Compare)
    }
}

/// A stream of objects that events can name.
fn known(key: &str) -> Option<&'static str> {
    if key == SUBSCRIPTIONS { Some(SUBSCRIPTIONS) } else { listed(key).map(|one| one.key) }
}
