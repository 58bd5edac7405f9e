//! A metric over time, whole or split by a dimension.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::{Date, Weekday};

use super::select::{Reading, Selected, read, refuse, select, wanted};
use super::{Answered, Scope, range_too_long, unknown_metric};
use crate::domain::aggregate::Accumulator;
use crate::domain::fact::Dims;
use crate::domain::freshness::Freshness;
use crate::domain::ids::TenantId;
use crate::domain::metric::Additivity;
use crate::domain::period::{Grain, days_between};
use crate::services::ages::Ages;
use crate::services::error::ServiceError;
use crate::services::{Caller, Services};
use crate::store::figures::Sum;
use crate::store::metrics::Metric;
use crate::store::{Tx, metrics};

/// Splits that are told apart; the rest is one series.
const MAX_SPLITS: usize = 50;
/// Most points of one series.
const MAX_POINTS: i64 = 5_000;

/// What to show.
#[derive(Debug, Clone, Default)]
pub struct SeriesQuery {
    /// Range, filter and comparison.
    pub scope: Scope,
    /// Length of the periods; chosen by the length of the range if `None`.
    pub grain: Option<Grain>,
    /// Dimension to split by.
    pub by: Option<String>,
}

/// The answer.
#[derive(Debug)]
pub struct SeriesAnswer {
    /// Range and time.
    pub answered: Answered,
    /// The metric.
    pub metric: Metric,
    /// Length of the periods.
    pub grain: Grain,
    /// The series of the range.
    pub series: Vec<Series>,
    /// The series of the earlier range.
    pub base: Option<Vec<Series>>,
    /// Why there is no series.
    pub reason: Option<&'static str>,
    /// How old it is.
    pub freshness: Freshness,
}

/// One line.
#[derive(Debug)]
pub struct Series {
    /// The dimension value it is for; empty for the whole.
    pub dims: Dims,
    /// Currency of money.
    pub currency: Option<String>,
    /// Everything beyond the largest splits.
    pub other: bool,
    /// The value of the whole range.
    pub total: Option<Decimal>,
    /// Start of the period, its value, and whether it may still change.
    pub points: Vec<(Date, Decimal, bool)>,
}

/// A series in the making.
#[derive(Default)]
struct Line {
    total: Accumulator,
    buckets: BTreeMap<Date, Accumulator>,
}

/// The split's value (`None` for the rest) and the currency.
type LineKey = (Option<String>, Option<String>);

impl Services {
    /// A metric over time.
    pub async fn series(&self, caller: &Caller, key: &str, query: &SeriesQuery) -> Result<SeriesAnswer, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let found = metrics::list(&mut tx, caller.tenant, Some(&[key.to_owned()])).await?;
        let ages = Ages::read(&mut tx, caller.tenant, self.now()).await?;
        let answered = self.answered(caller, &query.scope, &found, &ages)?;
        let metric = found.into_iter().next().ok_or_else(unknown_metric)?;
        let by: Vec<String> = query.by.iter().cloned().collect();
        let selected = select(&metric, &wanted(&query.scope.filter, &by))?.map_err(|reason| refuse(&reason))?;
        let grain = grain(query.grain, selected.grain, days_between(answered.from, answered.to))?;
        let declared = selected.grain;
        let selected = selected.at(grain, caller.settings.week_start.into());
        let unread = selected.additivity == Additivity::Unique && selected.grain.is_some_and(|read| read != grain);
        let mut reason = unread.then_some("not_additive");
        let plan = Plan { tenant: caller.tenant, query, by: &by, grain, week_start: caller.settings.week_start.into() };
        let mut series = Vec::new();
        let mut base = None;
        if reason.is_none() {
            let sums = plan.sums(&mut tx, &selected, answered.from, answered.to).await?;
            if sums.is_empty() && selected.grain != declared {
                reason = Some("not_additive");
            }
            // The same splits in both ranges, or they could not be compared.
            let kept = largest(&sums, selected.additivity);
            series = plan.series(sums, &kept, selected.additivity);
            if let Some(earlier) = answered.base {
                let sums = plan.sums(&mut tx, &selected, earlier.from, earlier.to).await?;
                base = Some(plan.series(sums, &kept, selected.additivity));
            }
        }
        let freshness = ages.of_metric(&metric);
        Ok(SeriesAnswer { answered, metric, grain, series, base, reason, freshness })
    }
}

/// The asked grain if the stored one allows it, or one that suits the range.
fn grain(asked: Option<Grain>, stored: Option<Grain>, days: i64) -> Result<Grain, ServiceError> {
    let stored = stored.unwrap_or(Grain::Day);
    let grain = asked.unwrap_or(match days {
        ..=92 => Grain::Day,
        93..=731 => Grain::Week,
        _ => Grain::Month,
    });
    // Weeks do not nest in months, so only days can make them and only they can make days.
    let fits = grain >= stored && (stored != Grain::Week || grain == Grain::Week);
    match (fits, asked) {
        (true, _) => {}
        (false, None) => return Ok(stored),
        (false, Some(_)) => {
            return Err(ServiceError::unprocessable(
                "grain_too_fine",
                format!("La fuente no guarda ese detalle; el más fino es «{}».", stored.as_str()),
                format!("The source does not store this grain; the finest is “{}”.", stored.as_str()),
            ));
        }
    }
    let length = match grain {
        Grain::Day | Grain::Span => 1,
        Grain::Week => 7,
        Grain::Month => 28,
        Grain::Quarter => 90,
        Grain::Year => 365,
    };
    if days / length > MAX_POINTS {
        return Err(range_too_long());
    }
    Ok(grain)
}

struct Plan<'a> {
    tenant: TenantId,
    query: &'a SeriesQuery,
    by: &'a [String],
    grain: Grain,
    week_start: Weekday,
}

impl Plan<'_> {
    async fn sums(&self, tx: &mut Tx, selected: &Selected<'_>, from: Date, to: Date) -> Result<Vec<Sum>, ServiceError> {
        let reading = Reading { from, to, filter: &self.query.scope.filter, by: self.by, by_period: true };
        read(tx, self.tenant, std::slice::from_ref(selected), reading).await
    }

    fn series(&self, sums: Vec<Sum>, kept: &[String], additivity: Additivity) -> Vec<Series> {
        let mut lines: BTreeMap<LineKey, Line> = BTreeMap::new();
        for sum in sums {
            let split = sum.split.into_iter().next();
            let is_rest = split.as_ref().is_some_and(|value| !kept.contains(value));
            let key = (if is_rest { None } else { split }, sum.currency);
            let line = lines.entry(key).or_default();
            line.total.add(&sum.group);
            let bucket = self.grain.start(sum.group.period_start, self.week_start);
            line.buckets.entry(bucket).or_default().add(&sum.group);
        }
        let order = |split: &Option<String>| {
            split.as_ref().map_or(usize::MAX, |value| kept.iter().position(|kept| kept == value).unwrap_or(usize::MAX))
        };
        let mut lines: Vec<(LineKey, Line)> = lines.into_iter().collect();
        lines.sort_by_key(|((split, currency), _)| (order(split), currency.clone()));
        lines.into_iter().map(|(key, line)| self.finish(key, &line, additivity)).collect()
    }

    fn finish(&self, (split, currency): LineKey, line: &Line, additivity: Additivity) -> Series {
        let point = |(bucket, sum): (&Date, &Accumulator)| {
            sum.value(additivity).map(|value| (*bucket, value, sum.provisional()))
        };
        Series {
            other: !self.by.is_empty() && split.is_none(),
            dims: self.by.iter().cloned().zip(split).collect(),
            currency,
            total: line.total.value(additivity),
            points: line.buckets.iter().filter_map(point).collect(),
        }
    }
}

/// The splits to tell apart, largest total first; by name where totals are equal or absent.
fn largest(sums: &[Sum], additivity: Additivity) -> Vec<String> {
    let mut totals: BTreeMap<&String, Accumulator> = BTreeMap::new();
    for sum in sums {
        if let Some(split) = sum.split.first() {
            totals.entry(split).or_default().add(&sum.group);
        }
    }
    let mut ordered: Vec<(&String, Option<Decimal>)> =
        totals.into_iter().map(|(split, total)| (split, total.value(additivity))).collect();
    ordered.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    ordered.into_iter().take(MAX_SPLITS).map(|(split, _)| split.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grain_suits_the_range_and_is_never_finer_than_stored() {
        assert_eq!(grain(None, Some(Grain::Day), 28).unwrap(), Grain::Day);
        assert_eq!(grain(None, Some(Grain::Day), 365).unwrap(), Grain::Week);
        assert_eq!(grain(None, Some(Grain::Day), 1461).unwrap(), Grain::Month);
        assert_eq!(grain(None, Some(Grain::Year), 28).unwrap(), Grain::Year);
        assert!(grain(Some(Grain::Day), Some(Grain::Month), 28).is_err());
        assert!(grain(Some(Grain::Month), Some(Grain::Week), 28).is_err());
        assert!(grain(Some(Grain::Day), Some(Grain::Day), 366 * 100).is_err());
    }
}
