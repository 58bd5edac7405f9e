//! One value per metric (and currency) for a range.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::{Date, Weekday};

use super::select::{Reading, Selected, answers_for, read, select, wanted};
use super::{Answered, Scope};
use crate::domain::aggregate::Accumulator;
use crate::domain::comparison::{Delta, delta};
use crate::domain::freshness::Freshness;
use crate::domain::ids::{MetricId, TenantId};
use crate::domain::metric::Additivity;
use crate::services::ages::Ages;
use crate::services::error::ServiceError;
use crate::services::{Caller, Services};
use crate::store::metrics::Metric;
use crate::store::{Tx, metrics};

/// The answer.
#[derive(Debug)]
pub struct TotalsAnswer {
    /// Range and time.
    pub answered: Answered,
    /// One item per metric and currency.
    pub totals: Vec<Total>,
}

/// A metric's value for the range.
#[derive(Debug)]
pub struct Total {
    /// The metric.
    pub metric: Metric,
    /// Currency of money.
    pub currency: Option<String>,
    /// The value.
    pub value: Option<Decimal>,
    /// Why there is no value.
    pub reason: Option<&'static str>,
    /// The value of the earlier range.
    pub previous: Option<Decimal>,
    /// How they differ; `None` without a comparison.
    pub delta: Option<Delta>,
    /// How old it is.
    pub freshness: Freshness,
}

/// Values by metric and currency.
type Values = BTreeMap<(MetricId, Option<String>), Accumulator>;

impl Services {
    /// The tenant's metrics as totals for a range.
    pub async fn totals(&self, caller: &Caller, scope: &Scope) -> Result<TotalsAnswer, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let all = metrics::list(&mut tx, caller.tenant, None).await?;
        let ages = Ages::read(&mut tx, caller.tenant, self.now()).await?;
        let answered = self.answered(caller, scope, &all, &ages)?;
        let wanted = wanted(&scope.filter, &[]);
        let mut selected = Vec::new();
        let mut unstored = Vec::new();
        for metric in &all {
            match select(metric, &wanted)? {
                Ok(one) => selected.push(one),
                Err(_) => unstored.push(metric),
            }
        }
        let values = values(&mut tx, caller.tenant, &selected, scope, (answered.from, answered.to)).await?;
        let base = match answered.base {
            Some(base) => Some(self::values(&mut tx, caller.tenant, &selected, scope, (base.from, base.to)).await?),
            None => None,
        };
        let mut totals: Vec<Total> = selected
            .iter()
            .flat_map(|one| {
                items(one, ((answered.from, answered.to), &values), base.as_ref(), &ages.of_metric(one.metric))
            })
            .collect();
        totals.extend(unstored.into_iter().map(|metric| Total {
            metric: metric.clone(),
            currency: None,
            value: None,
            reason: Some("dimension_not_stored"),
            previous: None,
            delta: base.is_some().then_some(Delta::None),
            freshness: ages.of_metric(metric),
        }));
        let place = |total: &Total| all.iter().position(|metric| metric.row.id == total.metric.row.id);
        totals.sort_by(|a, b| (place(a), &a.currency).cmp(&(place(b), &b.currency)));
        Ok(TotalsAnswer { answered, totals })
    }
}

async fn values(
    tx: &mut Tx,
    tenant: TenantId,
    selected: &[Selected<'_>],
    scope: &Scope,
    (from, to): (Date, Date),
) -> Result<Values, ServiceError> {
    let reading = Reading { from, to, filter: &scope.filter, by: &[], by_period: false };
    let mut values = Values::new();
    for sum in read(tx, tenant, selected, reading).await? {
        values.entry((sum.metric, sum.currency)).or_default().add(&sum.group);
    }
    Ok(values)
}

/// The items of one metric: one per currency that either range has, or one without a value.
fn items(
    one: &Selected<'_>,
    (range, values): ((Date, Date), &Values),
    base: Option<&Values>,
    freshness: &Freshness,
) -> Vec<Total> {
    let id = MetricId(one.metric.row.id);
    let mut currencies: Vec<Option<String>> = values
        .keys()
        .chain(base.into_iter().flat_map(BTreeMap::keys))
        .filter(|(metric, _)| *metric == id)
        .map(|(_, currency)| currency.clone())
        .collect();
    currencies.sort();
    currencies.dedup();
    if currencies.is_empty() {
        currencies.push(None);
    }
    let value_in = |values: &Values, currency: &Option<String>| {
        values.get(&(id, currency.clone())).and_then(|sum| sum.value(one.additivity))
    };
    currencies
        .into_iter()
        .map(|currency| {
            let found = values.get(&(id, currency.clone()));
            let value = value_in(values, &currency);
            let previous = base.and_then(|values| value_in(values, &currency));
            Total {
                metric: one.metric.clone(),
                reason: if value.is_some() { None } else { Some(reason(one, range, found)) },
                delta: base.map(|_| delta(value, previous, &one.metric.row.unit)),
                currency,
                value,
                previous,
                freshness: freshness.clone(),
            }
        })
        .collect()
}

fn reason(one: &Selected<'_>, (from, to): (Date, Date), found: Option<&Accumulator>) -> &'static str {
    match one.additivity {
        Additivity::Unique if !answers_for(one, from, to) => "not_additive",
        Additivity::Unique | Additivity::Last if found.is_some_and(|sum| !sum.is_empty()) => "not_additive",
        // Only whole periods count, and the range holds none.
        _ if one.grain.is_some_and(|grain| !grain.fits_between(from, to, Weekday::Monday)) => "period_not_stored",
        _ => "no_data",
    }
}
