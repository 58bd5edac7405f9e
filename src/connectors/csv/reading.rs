//! Rows added up to facts, and what became of every row.
//!
//! Kept compact, since a file may have millions of values: a [`Fact`] is made when it is asked for.

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use time::Date;

use super::mapping::{Combine, Mapping, Plan};
use super::read::Values;
use super::reject::{Reason, Rejected};
use super::{MAX_DIMENSIONS, MAX_REJECTED};
use crate::domain::fact::{Dims, Fact};
use crate::domain::period::Grain;

/// What a file says under a mapping.
#[derive(Debug)]
pub struct Reading {
    /// Data rows in the file: `empty + rejected_total` and those that [`Reading::tally`] counts.
    pub rows_read: u32,
    /// Rows without any value.
    pub empty: u32,
    /// The first [`MAX_REJECTED`] rejected rows, in the order of the file.
    pub rejected: Vec<Rejected>,
    /// All rejected rows.
    pub rejected_total: u32,
    grain: Grain,
    metrics: Vec<(String, Combine)>,
    dimensions: Vec<String>,
    values: Vec<Arc<str>>,
    groups: Vec<Group>,
    /// One per group and metric, group by group.
    sums: Vec<Sum>,
    rows: Vec<Contribution>,
}

/// How many rows of a file changed something in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows with at least one fact that is new or different.
    pub imported: u32,
    /// Rows whose facts were all there already.
    pub unchanged: u32,
}

/// Period and dimension values (as numbers of [`Reading::values`]) that rows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Group {
    start: Date,
    values: [u32; MAX_DIMENSIONS],
}

/// A value in the making; no rows means that there is none.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    value: Decimal,
    rows: u32,
    /// Line of the first row.
    line: u32,
}

/// Which facts a row took part in: a group and, as bits, the metrics that were no gap.
#[derive(Debug, Clone, Copy)]
struct Contribution {
    group: u32,
    metrics: u32,
}

impl Reading {
    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.sums.iter().filter(|sum| sum.rows > 0).count()
    }

    /// Whether there are no facts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first day of the first period and the last day of the last one.
    pub fn span(&self) -> Option<(Date, Date)> {
        let starts = || self.groups.iter().map(|group| group.start);
        let last = starts().max()?;
        Some((starts().min()?, self.grain.end(last)))
    }

    /// The facts, always in the same order; no two have the same key. A mean has the sum as value and the number of
    /// rows as denominator.
    pub fn facts(&self) -> impl Iterator<Item = Fact> + '_ {
        self.cells().map(|(group, metric, sum)| {
            let Group { start, values } = self.groups[group];
            let (key, combine) = &self.metrics[metric];
            let dims: Dims = self
                .dimensions
                .iter()
                .zip(values)
                .map(|(name, value)| (name.clone(), self.values[value as usize].to_string()))
                .collect();
            Fact {
                metric_key: key.clone(),
                grain: self.grain,
                period_start: start,
                period_end: self.grain.end(start),
                dims,
                currency: None,
                value: sum.value,
                denominator: (*combine == Combine::Mean).then(|| Decimal::from(sum.rows)),
                provisional: false,
            }
        })
    }

    /// Counts rows after the facts were stored: `changed` tells for the position of a fact in [`Reading::facts`]
    /// whether storing it changed anything.
    pub fn tally(&self, changed: impl Fn(usize) -> bool) -> Tally {
        let mut masks = vec![0_u32; self.groups.len()];
        for (position, (group, metric, _)) in self.cells().enumerate() {
            if changed(position) {
                masks[group] |= 1 << metric;
            }
        }
        let mut tally = Tally::default();
        for row in &self.rows {
            if masks[row.group as usize] & row.metrics == 0 {
                tally.unchanged += 1;
            } else {
                tally.imported += 1;
            }
        }
        tally
    }

    /// Group, metric and value of every fact.
    fn cells(&self) -> impl Iterator<Item = (usize, usize, &Sum)> {
        let width = self.metrics.len();
        self.sums
            .iter()
            .enumerate()
            .filter(|(_, sum)| sum.rows > 0)
            .map(move |(index, sum)| (index / width, index % width, sum))
    }
}

/// Adds rows up.
pub(super) struct ReadingBuilder<'h> {
    reading: Reading,
    columns: Vec<&'h str>,
    groups: HashMap<Group, u32>,
    values: HashMap<Arc<str>, u32>,
}

impl<'h> ReadingBuilder<'h> {
    pub fn new(mapping: &Mapping, plan: &Plan, header: &'h [String]) -> Self {
        let keys = mapping.metrics.iter().map(|metric| (metric.key.clone(), metric.additivity));
        let reading = Reading {
            rows_read: 0,
            empty: 0,
            rejected: Vec::new(),
            rejected_total: 0,
            grain: plan.grain,
            metrics: keys.collect(),
            dimensions: plan.dimensions.iter().map(|column| header[*column].clone()).collect(),
            values: Vec::new(),
            groups: Vec::new(),
            sums: Vec::new(),
            rows: Vec::new(),
        };
        Self {
            reading,
            columns: plan.metrics.iter().map(|(column, _)| header[*column].as_str()).collect(),
            groups: HashMap::new(),
            values: HashMap::new(),
        }
    }

    pub fn add_empty(&mut self) {
        self.reading.rows_read += 1;
        self.reading.empty += 1;
    }

    pub fn reject(&mut self, rejected: Rejected) {
        self.reading.rows_read += 1;
        self.reading.rejected_total += 1;
        if self.reading.rejected.len() < MAX_REJECTED {
            self.reading.rejected.push(rejected);
        }
    }

    pub fn add(&mut self, line: u32, row: &Values<'_>) {
        let group = self.group(row);
        let width = self.reading.metrics.len();
        let first = group as usize * width;
        if let Some((column, first)) = self.repeated(first, row) {
            self.reject(Rejected { line, column: Some(column), reason: Reason::Repeated { first } });
            return;
        }
        let mut metrics = 0;
        for (index, value) in row.metrics.iter().enumerate() {
            let Some(value) = value else {
                continue;
            };
            metrics |= 1 << index;
            let sum = &mut self.reading.sums[first + index];
            if sum.rows == 0 {
                sum.line = line;
            }
            sum.rows += 1;
            sum.value = match self.reading.metrics[index].1 {
                // Below 10^18 each and at most 500,000 of them: never near the limit of a `Decimal`, 7.9 × 10^28.
                Combine::Sum | Combine::Mean => sum.value.saturating_add(*value),
                Combine::Last | Combine::Unique => *value,
            };
        }
        self.reading.rows_read += 1;
        self.reading.rows.push(Contribution { group, metrics });
    }

    pub fn finish(self) -> Reading {
        self.reading
    }

    /// The column and the first line of a metric that may have one value and has one already.
    fn repeated(&self, first: usize, row: &Values<'_>) -> Option<(String, u32)> {
        let metrics = self.reading.metrics.iter().zip(&row.metrics).enumerate();
        metrics
            .filter(|(_, ((_, combine), value))| *combine == Combine::Unique && value.is_some())
            .map(|(index, _)| (index, self.reading.sums[first + index]))
            .find(|(_, sum)| sum.rows > 0)
            .map(|(index, sum)| (self.columns[index].to_owned(), sum.line))
    }

    /// The number of the row's group, a new one if it is the first of its kind.
    fn group(&mut self, row: &Values<'_>) -> u32 {
        let mut values = [0; MAX_DIMENSIONS];
        for (slot, value) in values.iter_mut().zip(&row.dimensions) {
            *slot = self.value(value);
        }
        let group = Group { start: row.start, values };
        let reading = &mut self.reading;
        *self.groups.entry(group).or_insert_with(|| {
            reading.groups.push(group);
            reading.sums.resize(reading.groups.len() * reading.metrics.len(), Sum::default());
            // Fewer groups than rows, which are limited.
            u32::try_from(reading.groups.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn value(&mut self, text: &str) -> u32 {
        if let Some(number) = self.values.get(text) {
            return *number;
        }
        let shared: Arc<str> = text.into();
        // At most five new values per row.
        let number = u32::try_from(self.reading.values.len()).unwrap_or(u32::MAX);
        self.reading.values.push(Arc::clone(&shared));
        self.values.insert(shared, number);
        number
    }
}
