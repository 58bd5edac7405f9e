//! One batch in the making: the calls, what is remembered, and what all kinds of batches share.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use time::{Date, Duration};

use super::client::Calls;
use super::cursor::{Kind, LOOK_BACK, day_of};
use super::errors::Refusal;
use super::measures::Mapped;
use super::state::{State, Step};
use super::streams::{EVENTS, Listed, SUBSCRIPTIONS, listed, partner};
use crate::connectors::contract::{Batch, Note, Reach, Reading, Write};
use crate::connectors::error::ConnectorError;
use crate::connectors::sentences::codes;

/// A batch in the making.
pub struct Turn<'a> {
    /// Calls with the client's key.
    pub calls: Calls<'a>,
    /// What was asked.
    pub reading: &'a Reading<'a>,
    /// What is remembered.
    pub state: State,
}

/// What came back, on its way to be written.
#[derive(Debug, Default)]
pub struct Found {
    objects: std::collections::BTreeMap<String, Mapped>,
    /// Objects that came back.
    pub rows: u64,
}

impl Found {
    /// Adds objects; of one that came twice the later answer counts.
    pub fn extend(&mut self, objects: Vec<Mapped>) {
        self.rows += u64::try_from(objects.len()).unwrap_or(u64::MAX);
        self.objects.extend(objects.into_iter().map(|one| (one.record.id.clone(), one)));
    }

    /// Writes what adds something, removes what no longer does, and says each thing once.
    pub fn write(self, reading: &Reading<'_>, batch: &mut Batch) {
        let (kept, empty): (Vec<_>, Vec<_>) =
            self.objects.into_values().partition(|one| !one.record.measures.is_empty());
        let mut said = BTreeSet::new();
        for note in kept.iter().chain(&empty).filter_map(|one| one.note.as_ref()) {
            if said.insert(&note.detail) {
                batch.notes.push(note.clone());
            }
        }
        batch.rows_read += self.rows;
        let records: Vec<_> = kept.into_iter().map(|one| one.record).collect();
        if !records.is_empty() {
            batch.writes.push(Write::Records { records, observed_at: reading.now });
        }
        let ids: Vec<_> = empty.into_iter().map(|one| one.record.id).collect();
        if !ids.is_empty() {
            batch.writes.push(Write::Remove { ids });
        }
    }
}

impl Turn<'_> {
    /// The next batch.
    pub async fn take(mut self) -> Result<Option<Batch>, ConnectorError> {
        let Some(step) = self.state.next() else { return Ok(None) };
        let stream = match step {
            Step::Read(stream, _) | Step::Follow(stream) => stream,
            Step::Scan => SUBSCRIPTIONS,
            Step::Begin | Step::Events => EVENTS,
            Step::Compare => super::streams::BALANCE_TRANSACTIONS,
        };
        let read = match step {
            Step::Begin => Ok(self.begin()),
            Step::Read(stream, kind) => match listed(stream) {
                Some(one) => self.read_list(one, kind).await,
                None => return Ok(None),
            },
            Step::Scan => self.scan().await,
            Step::Follow(stream) => self.follow(stream).await,
            Step::Events => self.list_events().await,
            Step::Compare => self.compare().await,
        };
        match read {
            Ok(batch) => Ok(Some(batch)),
            Err(refusal) => self.blocked(stream, refusal).map(Some),
        }
    }

    /// Notes from when on events count; after a long silence, that everything is to be read anew.
    fn begin(&mut self) -> Batch {
        let missed = self.state.events.since.is_some();
        self.state.events.since = Some(self.state.run.started);
        if missed {
            self.state.events.epoch = self.state.run.started;
        }
        let mut batch = self.batch(EVENTS);
        if missed {
            let detail = "no events for more than 25 days".to_owned();
            batch.notes.push(Note { code: codes::STRIPE_READ_ANEW, detail });
        }
        batch
    }

    /// A batch of a stream with everything that is remembered now.
    pub fn batch(&self, stream: &'static str) -> Batch {
        let cursor = match stream {
            SUBSCRIPTIONS => json!(self.state.subscriptions),
            EVENTS => json!(self.state.events),
            other => self.state.lists.get(other).map_or(Value::Null, |list| json!(list)),
        };
        Batch::of(stream, cursor, json!(self.state.run))
    }

    /// A batch that says why a stream cannot be read; the failure itself where it stops all of them. The cursors are
    /// those of before.
    fn blocked(self, stream: &'static str, refusal: Refusal) -> Result<Batch, ConnectorError> {
        let blocked = refusal.blocks()?;
        let mut before = State::of(self.reading);
        before.run = self.state.run;
        before.run.blocked.insert(stream.to_owned());
        before.run.hints.remove(stream);
        before.run.touched.remove(stream);
        let mut batch = Turn { state: before, ..self }.batch(stream);
        batch.blocked = Some(blocked);
        Ok(batch)
    }

    /// What makes the days of a list's metrics anew. A metric of two lists only where both are read.
    pub fn derive(&self, one: &Listed, first: Date, last: Date) -> Vec<Write> {
        let mut ranges: Vec<(Vec<&'static str>, Date, Date)> = Vec::new();
        for metric in one.metrics {
            let both = partner(one.key, metric).map_or(Some((first, last)), |other| {
                let known = self.state.lists.get(other.key).filter(|_| !self.state.run.blocked.contains(other.key))?;
                let (from, to) = known.progress.days(self.reading.zone)?;
                Some((first.max(from), last.min(to)))
            });
            let Some((from, to)) = both.filter(|(from, to)| from <= to) else { continue };
            match ranges.iter_mut().find(|(_, a, b)| (*a, *b) == (from, to)) {
                Some((metrics, ..)) => metrics.push(metric),
                None => ranges.push((vec![metric], from, to)),
            }
        }
        ranges.into_iter().map(|(metrics, from, to)| Write::Derive { metrics, from, to }).collect()
    }

    /// How far a list's data reach after a window of this kind.
    pub fn reach(&self, one: &Listed, kind: Kind) -> Reach {
        let Some(list) = self.state.lists.get(one.key) else { return Reach::default() };
        let before = self.reading.stream(one.key).reach;
        let floor = list.progress.floor.map(|floor| day_of(self.reading.zone, floor));
        let settled = list.progress.head.filter(|_| kind == Kind::Head);
        // A day is over when nothing of it can be listed late any more.
        let current = settled.map(|head| day_of(self.reading.zone, head - LOOK_BACK));
        Reach {
            data_through: current.map(|day| day - Duration::DAY),
            provisional_from: current,
            backfilled_from: floor.filter(|floor| before.backfilled_from.is_none_or(|known| *floor < known)),
            backfill_until: settled.map(|_| self.state.horizon(one).goal),
        }
    }
}
