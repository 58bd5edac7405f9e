//! Writing a batch: partitions replaced, records kept, facts made of records, restatements told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use time::{Date, OffsetDateTime};

use super::run::Attempt;
use crate::connectors::contract::{Batch, Partition, Provider, Record, Write};
use crate::domain::fact::{Dims, Fact, dim_set};
use crate::domain::ids::MetricId;
use crate::domain::metric::Additivity;
use crate::domain::period::Grain;
use crate::domain::restatement::is_material;
use crate::services::Services;
use crate::store::datapoints::{self, Target};
use crate::store::records::{self, Asked, Columns, StoredMeasure};
use crate::store::restatements::{self, Restated};
use crate::store::syncs::Progress;
use crate::store::{StoreError, Tx};

/// What writing a batch did.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Counts for the run.
    pub progress: Progress,
    /// How many datapoints there are more than before.
    pub difference: i64,
    /// Figures that were final and changed.
    pub restated: usize,
}

/// What all writes of a batch share.
pub(super) struct Writer<'a> {
    pub services: &'a Services,
    pub attempt: &'a Attempt<'a>,
    /// Days before this one are covered by an earlier run: what changes there may be a restatement.
    pub covered_from: Option<Date>,
}

/// The days that a batch writes figures of.
fn covered(batch: &Batch) -> Option<(Date, Date)> {
    let days = batch.writes.iter().filter_map(|write| match write {
        // Whole periods are about days that were read before.
        Write::Partition(partition) if partition.grain != Grain::Day => None,
        Write::Partition(partition) => Some((partition.from, partition.to)),
        Write::Derive { from, to, .. } => Some((*from, *to)),
        Write::Snapshot { day, .. } => Some((*day, *day)),
        Write::Records { .. } | Write::Remove { .. } | Write::Prune { .. } => None,
    });
    days.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

impl Writer<'_> {
    /// Writes all of a batch, in its order.
    pub async fn write(&self, tx: &mut Tx, batch: &Batch) -> Result<Written, StoreError> {
        let mut written = Written::default();
        written.progress.read = i64::try_from(batch.rows_read).unwrap_or(i64::MAX);
        written.progress.days = covered(batch);
        for write in &batch.writes {
            match write {
                Write::Partition(partition) => self.partition(tx, partition, &mut written).await?,
                Write::Records { records, observed_at } => {
                    self.records(tx, batch.stream, records, *observed_at).await?;
                }
                Write::Remove { ids } => {
                    let run = self.attempt.run;
                    records::remove(tx, run.tenant, run.payload.source_id, batch.stream, ids).await?;
                }
                Write::Prune { before } => {
                    let run = self.attempt.run;
                    records::prune(tx, run.tenant, run.payload.source_id, batch.stream, *before).await?;
                }
                Write::Derive { metrics, from, to } => {
                    for partition in self.derived(tx, metrics, Some((*from, *to)), None).await? {
                        self.partition(tx, &partition, &mut written).await?;
                    }
                }
                Write::Snapshot { metrics, day } => {
                    for partition in self.derived(tx, metrics, None, Some((batch.stream, *day))).await? {
                        self.partition(tx, &partition, &mut written).await?;
                    }
                }
            }
        }
        Ok(written)
    }

    async fn partition(&self, tx: &mut Tx, partition: &Partition, written: &mut Written) -> Result<(), StoreError> {
        let attempt = self.attempt;
        let (run, provider) = (attempt.run, attempt.provider());
        let target = Target {
            source: run.payload.source_id,
            provider: provider.key,
            account: &attempt.account,
            zone: attempt.zone,
            sync: run.payload.sync_id,
            metrics: &attempt.metrics,
        };
        let facts: Vec<_> =
            partition.facts.iter().map(|fact| (fact.external_id(provider.key, &attempt.account), fact)).collect();
        let metrics: Vec<MetricId> =
            partition.metric_keys.iter().filter_map(|key| attempt.metrics.get(*key).copied()).collect();
        let covered = datapoints::Partition {
            metrics: &metrics,
            dim_set: &dim_set(partition.dimensions.iter().copied()),
            grain: partition.grain,
            from: partition.from,
            to: partition.to,
        };
        written.restated += self.restate(tx, &covered, &facts).await?;
        let done = datapoints::upsert(tx, run.tenant, &target, &facts).await?;
        let kept: Vec<String> = facts.into_iter().map(|(id, _)| id).collect();
        let removed = datapoints::delete_unseen(tx, run.tenant, target.source, &covered, &kept).await?;
        let removed = i64::try_from(removed).unwrap_or(i64::MAX);
        written.difference += done.inserted - removed;
        written.progress.changed += i64::try_from(done.changed.len()).unwrap_or(i64::MAX);
        written.progress.removed += removed;
        Ok(())
    }

    /// Keeps what was final and is about to change by enough.
    async fn restate(
        &self,
        tx: &mut Tx,
        covered: &datapoints::Partition<'_>,
        facts: &[(String, &Fact)],
    ) -> Result<usize, StoreError> {
        let run = self.attempt.run;
        // Spans trail the newest days: that they move on is no correction.
        let is_new = covered.grain == Grain::Span || self.covered_from.is_none_or(|from| covered.to < from);
        if is_new {
            return Ok(0);
        }
        let finals = restatements::finals(tx, run.tenant, run.payload.source_id, covered).await?;
        let now: HashMap<&str, &Fact> = facts.iter().map(|(id, fact)| (id.as_str(), *fact)).collect();
        let restated: Vec<Restated> = finals
            .into_iter()
            .filter_map(|old| {
                let new = now.get(old.external_id.as_str()).map(|fact| (fact.value, fact.denominator));
                is_material((old.value, old.denominator), new).then(|| Restated {
                    id: self.services.new_id(),
                    external_id: old.external_id,
                    now: new,
                })
            })
            .collect();
        let at = self.services.now();
        restatements::keep(tx, run.tenant, run.payload.source_id, run.payload.sync_id, &restated, at).await?;
        Ok(restated.len())
    }

    async fn records(
        &self,
        tx: &mut Tx,
        stream: &str,
        records: &[Record],
        observed_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut columns = Columns::default();
        for record in records {
            columns.ids.push(record.id.clone());
            columns.at.push(record.at);
            columns.days.push(self.attempt.zone.date_of(record.at));
            let measures = record.measures.iter().map(|measure| StoredMeasure {
                m: measure.metric.to_owned(),
                v: measure.value,
                n: measure.denominator,
                c: measure.currency.clone(),
                d: measure.dims.clone(),
            });
            columns.measures.push(measures.collect());
        }
        let run = self.attempt.run;
        records::upsert(tx, run.tenant, run.payload.source_id, stream, &columns, observed_at).await?;
        Ok(())
    }

    /// The partitions of metrics made of records: of days, or of one stream as it is.
    async fn derived(
        &self,
        tx: &mut Tx,
        metrics: &[&'static str],
        days: Option<(Date, Date)>,
        snapshot: Option<(&str, Date)>,
    ) -> Result<Vec<Partition>, StoreError> {
        let provider = self.attempt.provider();
        let Some((from, to)) = days.or(snapshot.map(|(_, day)| (day, day))) else { return Ok(Vec::new()) };
        let mut partitions = Vec::new();
        for &key in metrics {
            for dimensions in (provider.dim_sets)(key) {
                let asked =
                    Asked { metric: key, dimensions: &dimensions, days, stream: snapshot.map(|(stream, _)| stream) };
                let run = self.attempt.run;
                let sums = records::sums(tx, run.tenant, run.payload.source_id, &asked).await?;
                let mut facts: Vec<Fact> = sums
                    .into_iter()
                    .map(|sum| {
                        let dims = dimensions.iter().map(|name| (*name).to_owned()).zip(sum.dims).collect();
                        self.fact(key, sum.day.unwrap_or(from), dims, sum.currency, (sum.value, sum.denominator))
                    })
                    .collect();
                if dimensions.is_empty() {
                    self.add_zeros(tx, provider, key, (from, to), &mut facts).await?;
                }
                partitions.push(Partition { dimensions, metric_keys: vec![key], grain: Grain::Day, from, to, facts });
            }
        }
        Ok(partitions)
    }

    /// A day that the source covered with nothing is a zero, in each currency that the metric is known in.
    async fn add_zeros(
        &self,
        tx: &mut Tx,
        provider: &Provider,
        key: &str,
        (from, to): (Date, Date),
        facts: &mut Vec<Fact>,
    ) -> Result<(), StoreError> {
        let definition = provider.metrics.iter().find(|metric| metric.key == key);
        let adds_up = definition.is_some_and(|metric| matches!(metric.additivity, Additivity::Sum | Additivity::Last));
        let Some(metric) = self.attempt.metrics.get(key).copied().filter(|_| adds_up) else { return Ok(()) };
        let run = self.attempt.run;
        let known = datapoints::currencies(tx, run.tenant, run.payload.source_id, metric).await?;
        let mut currencies: BTreeSet<Option<String>> = known.into_iter().collect();
        currencies.extend(facts.iter().map(|fact| fact.currency.clone()));
        if currencies.is_empty() && definition.is_some_and(|metric| metric.unit != "currency") {
            return Ok(());
        }
        if currencies.is_empty() {
            currencies.extend(self.attempt.currency.clone().map(Some));
        }
        let mut present: BTreeMap<Date, BTreeSet<Option<String>>> = BTreeMap::new();
        for fact in facts.iter() {
            present.entry(fact.period_start).or_default().insert(fact.currency.clone());
        }
        let mut day = from.max(self.attempt.created.unwrap_or(from));
        while day <= to.min(self.attempt.today) {
            for currency in &currencies {
                if !present.get(&day).is_some_and(|seen| seen.contains(currency)) {
                    facts.push(self.fact(key, day, Dims::new(), currency.clone(), (Decimal::ZERO, None)));
                }
            }
            let Some(next) = day.next_day() else { break };
            day = next;
        }
        Ok(())
    }

    fn fact(
        &self,
        key: &str,
        day: Date,
        dims: Dims,
        currency: Option<String>,
        (value, denominator): (Decimal, Option<Decimal>),
    ) -> Fact {
        let days = self.attempt.provider().provisional_days;
        Fact {
            metric_key: key.to_owned(),
            grain: Grain::Day,
            period_start: day,
            period_end: day,
            dims,
            currency,
            value,
            denominator,
            provisional: day > self.attempt.today - time::Duration::days(days),
        }
    }
}
