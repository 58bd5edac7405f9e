//! Several metrics side by side, split by dimensions or by date.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Weekday;

use super::select::{Reading, Selected, answers_for, read, refuse, select, wanted};
use super::{Answered, Scope};
use crate::domain::aggregate::Accumulator;
use crate::domain::fact::Dims;
use crate::domain::freshness::Freshness;
use crate::domain::ids::MetricId;
use crate::domain::metric::Additivity;
use crate::domain::period::Grain;
use crate::services::ages::Ages;
use crate::services::error::ServiceError;
use crate::services::{Caller, Services};
use crate::store::figures::Sum;
use crate::store::metrics::{self, Metric};

/// The pseudo-dimension of time.
const DATE: &str = "date";

/// What to show.
#[derive(Debug, Clone)]
pub struct TableQuery {
    /// Range and filter; the comparison is not used.
    pub scope: Scope,
    /// Keys of the metrics.
    pub metrics: Vec<String>,
    /// Dimensions, `date` among them.
    pub by: Vec<String>,
    /// Length of the periods of `date`.
    pub grain: Grain,
    /// Column or dimension, and whether descending; the first column descending if `None`.
    pub sort: Option<(String, bool)>,
    /// Rows of one page.
    pub limit: usize,
    /// Where the page begins.
    pub cursor: Option<String>,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Key: the metric's, with `:EUR` behind it where one metric has several currencies.
    pub key: String,
    /// The metric.
    pub metric: Metric,
    /// Currency of money.
    pub currency: Option<String>,
}

/// A row: its dimension values and the values by column key.
#[derive(Debug, Clone)]
pub struct Row {
    /// Dimension values; `date` is the start of the period.
    pub dims: Dims,
    /// Values; a missing one is absent.
    pub values: BTreeMap<String, Decimal>,
}

/// The answer.
#[derive(Debug)]
pub struct TableAnswer {
    /// Range and time.
    pub answered: Answered,
    /// Columns.
    pub columns: Vec<Column>,
    /// This page's rows.
    pub rows: Vec<Row>,
    /// Values of the whole range.
    pub totals: BTreeMap<String, Decimal>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// How old the oldest metric is.
    pub freshness: Freshness,
}

/// The last row of a page, after which the next one begins.
#[derive(Serialize, Deserialize)]
struct Position {
    value: Option<Decimal>,
    dims: Dims,
}

impl Services {
    /// Several metrics side by side.
    pub async fn table(&self, caller: &Caller, query: &TableQuery) -> Result<TableAnswer, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let found = metrics::list(&mut tx, caller.tenant, Some(&query.metrics)).await?;
        let found = in_asked_order(found, &query.metrics)?;
        let ages = Ages::read(&mut tx, caller.tenant, self.now()).await?;
        let answered = self.answered(caller, &query.scope, &found, &ages)?;
        let by_date = query.by.iter().any(|name| name == DATE);
        let by: Vec<String> = query.by.iter().filter(|name| *name != DATE).cloned().collect();
        let mut selected = select_all(&found, query, &by, by_date)?;
        let week_start = caller.settings.week_start.into();
        if by_date {
            selected = selected.into_iter().map(|one| one.at(query.grain, week_start)).collect();
        }
        let reading =
            Reading { from: answered.from, to: answered.to, filter: &query.scope.filter, by: &by, by_period: by_date };
        let sums = read(&mut tx, caller.tenant, &selected, reading).await?;
        let columns = columns(&selected, &sums);
        let grouping = Grouping { query, by: &by, by_date, week_start };
        let (rows, totals) = grouping.rows(&selected, &columns, sums, &answered);
        let (rows, next_cursor) = page(rows, &columns, query)?;
        let freshness = Freshness::oldest(found.iter().map(|metric| ages.of_metric(metric)));
        Ok(TableAnswer { answered, columns, rows, totals, next_cursor, freshness })
    }
}

fn in_asked_order(mut found: Vec<Metric>, asked: &[String]) -> Result<Vec<Metric>, ServiceError> {
    if let Some(missing) = asked.iter().find(|key| found.iter().all(|metric| metric.row.key != **key)) {
        return Err(ServiceError::field(
            "metrics",
            "unknown_metric",
            format!("No hay ninguna métrica «{missing}»."),
            format!("There is no metric “{missing}”."),
        ));
    }
    found.sort_by_key(|metric| asked.iter().position(|key| *key == metric.row.key));
    Ok(found)
}

/// The metrics that can be split as asked; an error when none can.
fn select_all<'a>(
    found: &'a [Metric],
    query: &TableQuery,
    by: &[String],
    by_date: bool,
) -> Result<Vec<Selected<'a>>, ServiceError> {
    let wanted = wanted(&query.scope.filter, by);
    let mut selected = Vec::new();
    let mut refused = None;
    for metric in found {
        match select(metric, &wanted)? {
            Ok(one) if by_date && one.grain.is_some_and(|stored| query.grain < stored) => {
                refused = Some(ServiceError::unprocessable(
                    "grain_too_fine",
                    format!("«{}» no se guarda con ese detalle.", metric.row.key),
                    format!("“{}” is not stored at this grain.", metric.row.key),
                ));
            }
            Ok(one) => selected.push(one),
            Err(reason) => refused = Some(refuse(&reason)),
        }
    }
    match refused {
        Some(error) if selected.is_empty() => Err(error),
        _ => Ok(selected),
    }
}

/// One column per metric, or one per currency where a metric has several.
fn columns(selected: &[Selected<'_>], sums: &[Sum]) -> Vec<Column> {
    let mut columns = Vec::new();
    for one in selected {
        let id = MetricId(one.metric.row.id);
        let mut currencies: Vec<&Option<String>> =
            sums.iter().filter(|sum| sum.metric == id).map(|sum| &sum.currency).collect();
        currencies.sort();
        currencies.dedup();
        let key = &one.metric.row.key;
        match currencies.as_slice() {
            [] => columns.push(Column { key: key.clone(), metric: one.metric.clone(), currency: None }),
            [only] => columns.push(Column { key: key.clone(), metric: one.metric.clone(), currency: (*only).clone() }),
            several => columns.extend(several.iter().map(|currency| Column {
                key: format!("{key}:{}", currency.as_deref().unwrap_or("-")),
                metric: one.metric.clone(),
                currency: (*currency).clone(),
            })),
        }
    }
    columns
}

struct Grouping<'a> {
    query: &'a TableQuery,
    by: &'a [String],
    by_date: bool,
    week_start: Weekday,
}

impl Grouping<'_> {
    fn rows(
        &self,
        selected: &[Selected<'_>],
        columns: &[Column],
        sums: Vec<Sum>,
        answered: &Answered,
    ) -> (Vec<Row>, BTreeMap<String, Decimal>) {
        let mut cells: BTreeMap<Dims, BTreeMap<String, Accumulator>> = BTreeMap::new();
        let mut whole: BTreeMap<String, Accumulator> = BTreeMap::new();
        for sum in sums {
            let column = columns
                .iter()
                .find(|column| MetricId(column.metric.row.id) == sum.metric && column.currency == sum.currency);
            let Some(column) = column else { continue };
            whole.entry(column.key.clone()).or_default().add(&sum.group);
            let mut dims: Dims = self.by.iter().cloned().zip(sum.split).collect();
            if self.by_date {
                let start = self.query.grain.start(sum.group.period_start, self.week_start);
                dims.insert(DATE.to_owned(), start.to_string());
            }
            cells.entry(dims).or_default().entry(column.key.clone()).or_default().add(&sum.group);
        }
        // Read by period, a distinct count of the whole range is known only where that is one period.
        let in_range = |one: &Selected<'_>| !self.by_date || answers_for(one, answered.from, answered.to);
        let in_bucket =
            |one: &Selected<'_>| one.additivity != Additivity::Unique || one.grain == Some(self.query.grain);
        let in_row = |one: &Selected<'_>| if self.by_date { in_bucket(one) } else { in_range(one) };
        let finish = |sums: BTreeMap<String, Accumulator>, answers: &dyn Fn(&Selected<'_>) -> bool| {
            sums.into_iter()
                .filter_map(|(key, sum)| {
                    let column = columns.iter().find(|column| column.key == key)?;
                    let one = selected.iter().find(|one| one.metric.row.id == column.metric.row.id)?;
                    if !answers(one) {
                        return None;
                    }
                    Some((key, sum.value(one.additivity)?))
                })
                .collect::<BTreeMap<_, _>>()
        };
        let rows = cells.into_iter().map(|(dims, sums)| Row { dims, values: finish(sums, &in_row) }).collect();
        (rows, finish(whole, &in_range))
    }
}

/// Sorts, cuts a page out and says where the next one begins. Rows without a value come last either way.
fn page(
    mut rows: Vec<Row>,
    columns: &[Column],
    query: &TableQuery,
) -> Result<(Vec<Row>, Option<String>), ServiceError> {
    let (key, descending) = match &query.sort {
        Some((key, descending)) => (key.clone(), *descending),
        None if query.by.iter().any(|name| name == DATE) => (DATE.to_owned(), false),
        None => (columns.first().map(|column| column.key.clone()).unwrap_or_default(), true),
    };
    let is_dimension = query.by.contains(&key);
    if !is_dimension && columns.iter().all(|column| column.key != key) && !rows.is_empty() {
        return Err(ServiceError::field(
            "sort",
            "unknown_column",
            format!("No hay ninguna columna «{key}»."),
            format!("There is no column “{key}”."),
        ));
    }
    let order = |a: (Option<Decimal>, &Dims), b: (Option<Decimal>, &Dims)| {
        let by_key = if is_dimension { a.1.get(&key).cmp(&b.1.get(&key)) } else { values_order(a.0, b.0, descending) };
        let by_key = if is_dimension && descending { by_key.reverse() } else { by_key };
        by_key.then_with(|| a.1.cmp(b.1))
    };
    let value = |row: &Row| row.values.get(&key).copied();
    rows.sort_by(|a, b| order((value(a), &a.dims), (value(b), &b.dims)));
    if let Some(cursor) = &query.cursor {
        let last = read_cursor(cursor)?;
        rows.retain(|row| order((value(row), &row.dims), (last.value, &last.dims)) == Ordering::Greater);
    }
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    let next =
        rows.last().filter(|_| more).map(|row| write_cursor(&Position { value: value(row), dims: row.dims.clone() }));
    Ok((rows, next))
}

fn values_order(a: Option<Decimal>, b: Option<Decimal>, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn write_cursor(position: &Position) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

fn read_cursor(text: &str) -> Result<Position, ServiceError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
        ServiceError::field(
            "cursor",
            "bad_cursor",
            "El cursor no es válido; vuelva a la primera página.",
            "The cursor is not valid; go back to the first page.",
        )
    })
}
