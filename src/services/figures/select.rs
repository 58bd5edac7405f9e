//! Which stored datapoints answer a question, and reading them.

use std::collections::BTreeSet;

use time::{Date, Weekday};

use super::range_too_long;
use crate::domain::aggregate::{NotStored, Stored, choose};
use crate::domain::dims::DimFilter;
use crate::domain::fact::dim_set;
use crate::domain::ids::{MetricId, SourceId, TenantId};
use crate::domain::metric::Additivity;
use crate::domain::period::Grain;
use crate::services::error::ServiceError;
use crate::store::Tx;
use crate::store::figures::{Part, Question, Sum, sums};
use crate::store::metrics::Metric;

/// A metric with the datapoints to read for it.
#[derive(Debug)]
pub(super) struct Selected<'a> {
    pub metric: &'a Metric,
    pub additivity: Additivity,
    pub parts: Vec<Part>,
    /// The coarsest grain among the parts.
    pub grain: Option<Grain>,
}

impl Selected<'_> {
    /// Distinct counts do not add up: a whole range is answered by the datapoint of exactly that range, and a period by
    /// that of exactly that period.
    fn parts_for(&self, by_period: bool) -> impl Iterator<Item = Part> {
        let exact = self.additivity == Additivity::Unique && !by_period;
        self.parts.iter().cloned().map(move |part| Part { exact, ..part })
    }

    /// Reads distinct counts of periods of this grain instead of the finest stored. Stored weeks begin on Monday.
    #[must_use]
    pub fn at(mut self, grain: Grain, week_start: Weekday) -> Self {
        let stored = grain != Grain::Week || week_start == Weekday::Monday;
        if self.additivity == Additivity::Unique && stored {
            self.grain = self.grain.map(|_| grain);
            for part in &mut self.parts {
                part.grain = grain;
            }
        }
        self
    }
}

/// The dimensions a question needs.
pub(super) fn wanted(filter: &DimFilter, by: &[String]) -> BTreeSet<String> {
    filter.names().map(str::to_owned).chain(by.iter().cloned()).collect()
}

/// Chooses the datapoints of a metric, or says why none fit.
pub(super) fn select<'a>(
    metric: &'a Metric,
    wanted: &BTreeSet<String>,
) -> Result<Result<Selected<'a>, NotStored>, ServiceError> {
    let additivity = metric.row.additivity()?;
    let chosen = match choose(&metric.stored, wanted, additivity) {
        Ok(chosen) => chosen,
        Err(not_stored) => return Ok(Err(not_stored)),
    };
    let part = |(stored, set): &(&Stored<SourceId>, &BTreeSet<String>)| Part {
        metric: MetricId(metric.row.id),
        source: stored.source,
        dim_set: dim_set(set.iter().map(String::as_str)),
        grain: stored.grain,
        exact: false,
    };
    let parts: Vec<Part> = chosen.iter().map(part).collect();
    let grain = parts.iter().map(|part| part.grain).max();
    Ok(Ok(Selected { metric, additivity, parts, grain }))
}

/// The error for a metric that cannot be split or filtered as asked.
pub(super) fn refuse(not_stored: &NotStored) -> ServiceError {
    match not_stored {
        NotStored::UnknownDimension(name) => ServiceError::unprocessable(
            "unknown_dimension",
            format!("Esta métrica no tiene la dimensión «{name}»."),
            format!("This metric has no dimension “{name}”."),
        ),
        NotStored::NotCombined => ServiceError::unprocessable(
            "dimensions_not_combined",
            "La fuente no guarda esas dimensiones combinadas; use una sola cada vez.",
            "The source does not store these dimensions together; use one at a time.",
        ),
    }
}

/// A range and how to group it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub from: Date,
    pub to: Date,
    pub filter: &'a DimFilter,
    pub by: &'a [String],
    pub by_period: bool,
}

/// Reads the sums of the selected datapoints. Snapshots are always read by period: their last one counts.
pub(super) async fn read(
    tx: &mut Tx,
    tenant: TenantId,
    selected: &[Selected<'_>],
    reading: Reading<'_>,
) -> Result<Vec<Sum>, ServiceError> {
    let (snapshots, others): (Vec<_>, Vec<_>) =
        selected.iter().partition(|one| one.additivity == Additivity::Last && !reading.by_period);
    let mut found = Vec::new();
    for (group, by_period) in [(others, reading.by_period), (snapshots, true)] {
        let parts: Vec<Part> = group.iter().flat_map(|one| one.parts_for(by_period)).collect();
        let question = Question {
            parts: &parts,
            from: reading.from,
            to: reading.to,
            filter: reading.filter,
            by: reading.by,
            by_period,
        };
        found.append(&mut sums(tx, tenant, &question).await?.ok_or_else(range_too_long)?);
    }
    Ok(found)
}

/// Whether a range is one period of the grain that a source has declared for its distinct counts; others may be stored.
pub(super) fn answers_for(selected: &Selected<'_>, from: Date, to: Date) -> bool {
    // Weeks are stored from their own first day, so any seven days may be one.
    let exact = |grain: Grain| match grain {
        Grain::Week => grain.end(from) == to,
        other => other.start(from, Weekday::Monday) == from && other.end(from) == to,
    };
    selected.additivity != Additivity::Unique || selected.parts.iter().all(|part| exact(part.grain))
}
