//! Figures: totals, series and tables over stored datapoints.
//!
//! `select.rs` decides which stored datapoints answer a question and reads them; `totals.rs`, `series.rs` and
//! `table.rs` put the sums together. Additivity is respected in `domain::aggregate` and nowhere else.

mod select;
mod series;
mod table;
mod totals;

use time::{Date, Duration, OffsetDateTime};

use super::ages::Ages;
use super::error::ServiceError;
use super::{Caller, Services};
use crate::domain::comparison::Compare;
use crate::domain::dims::DimFilter;
use crate::domain::period::days_between;
use crate::store::metrics::Metric;

pub use series::{Series, SeriesAnswer, SeriesQuery};
pub use table::{Column, Row, TableAnswer, TableQuery};
pub use totals::{Total, TotalsAnswer};

/// Days shown where nobody asked for a range.
const DEFAULT_DAYS: i64 = 28;
/// Longest range.
const MAX_DAYS: i64 = 366 * 400;

/// What all questions have in common.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// First and last day, or the newest days with data.
    pub range: Option<(Date, Date)>,
    /// Restriction to dimension values.
    pub filter: DimFilter,
    /// Which earlier range to compare with.
    pub compare: Compare,
}

/// The earlier range of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Base {
    /// Why this one.
    pub mode: Compare,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// The range a question is about and when it was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The range it is compared with.
    pub base: Option<Base>,
    /// The clock's now, against which ages are told.
    pub now: OffsetDateTime,
}

impl Services {
    /// Fixes the range: the asked one, or the last days for which `metrics` have data.
    fn answered(
        &self,
        caller: &Caller,
        scope: &Scope,
        metrics: &[Metric],
        ages: &Ages,
    ) -> Result<Answered, ServiceError> {
        let now = self.now();
        let (from, to) = if let Some((from, to)) = scope.range {
            checked_range(from, to)?
        } else {
            let yesterday = caller.settings.zone.date_of(now) - Duration::DAY;
            let newest = metrics.iter().filter_map(|metric| ages.of_metric(metric).data_through).max();
            let to = newest.map_or(yesterday, |newest| newest.min(yesterday));
            let from = to - Duration::days(DEFAULT_DAYS - 1);
            // Where nothing finer than months is stored, 28 days would hold no whole period.
            let finest = metrics.iter().flat_map(|metric| metric.stored.iter().map(|stored| stored.grain)).min();
            (finest.map_or(from, |grain| grain.start(from, caller.settings.week_start.into())), to)
        };
        let base = scope.compare.base(from, to).map(|(from, to)| Base { mode: scope.compare, from, to });
        Ok(Answered { from, to, base, now })
    }
}

fn checked_range(from: Date, to: Date) -> Result<(Date, Date), ServiceError> {
    if from > to {
        return Err(ServiceError::field(
            "from",
            "range_reversed",
            "La fecha inicial es posterior a la final.",
            "The first day is after the last one.",
        ));
    }
    if days_between(from, to) > MAX_DAYS {
        return Err(range_too_long());
    }
    Ok((from, to))
}

fn range_too_long() -> ServiceError {
    ServiceError::unprocessable(
        "range_too_long",
        "Son demasiados datos para una sola respuesta; elija un periodo más corto o un detalle mayor (semana, mes, año).",
        "That is too much data for one answer; choose a shorter range or a coarser grain (week, month, year).",
    )
}

fn unknown_metric() -> ServiceError {
    ServiceError::NotFound
}
