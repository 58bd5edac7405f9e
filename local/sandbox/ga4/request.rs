//! Reads a `RunReportRequest` and refuses what Google refuses. Nothing is ignored: a field that the sandbox does not
//! implement is an error that says so.

use chrono::{Days, NaiveDate};

use super::fields::{Dimension, Metric};
use super::reply::ApiError;
use super::wire::{Body, DimensionOrder, Int, MetricOrder, Named, OrderBody, OrderType, RangeBody};

const SCHEMA: &str = "For a list of valid dimensions and metrics, see \
                      https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema";
const MAX_DIMENSIONS: usize = 9;
const MAX_METRICS: usize = 10;
const MAX_RANGES: usize = 4;
const DEFAULT_LIMIT: usize = 10_000;
const MAX_LIMIT: usize = 250_000;

/// A column of the answer to sort by; the index is its position among the dimensions or metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// A dimension.
    Dimension(usize, OrderType),
    /// A metric, as a number.
    Metric(usize),
}

/// A date range with its name, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateRange {
    /// Value of the dimension `dateRange`.
    pub name: String,
    /// First day.
    pub start: NaiveDate,
    /// Last day.
    pub end: NaiveDate,
}

/// A report request that can be answered.
#[derive(Debug)]
pub struct Report {
    /// Columns on the left.
    pub dimensions: Vec<Dimension>,
    /// Columns on the right.
    pub metrics: Vec<Metric>,
    /// One to four ranges.
    pub ranges: Vec<DateRange>,
    /// Sort keys, each with its direction (`true` for descending).
    pub order: Vec<(SortKey, bool)>,
    /// Rows to return at most.
    pub limit: usize,
    /// Rows to skip.
    pub offset: usize,
    /// Return rows whose metrics are all zero.
    pub keep_empty_rows: bool,
    /// Return `propertyQuota`.
    pub wants_quota: bool,
}

impl Body {
    /// Checks the request; `today` is the property's.
    pub fn check(self, today: NaiveDate) -> Result<Report, ApiError> {
        self.refuse_what_is_missing()?;
        let (mut dimensions, metrics) = fields(self.dimensions, self.metrics)?;
        if metrics.is_empty() && dimensions.is_empty() {
            return Err(ApiError::invalid("Requests must have at least one dimension or metric."));
        }
        if self.date_ranges.len() > 1 && !dimensions.contains(&Dimension::DateRange) {
            dimensions.push(Dimension::DateRange);
        }
        Ok(Report {
            order: self.order_bys.into_iter().map(|by| order(by, &dimensions, &metrics)).collect::<Result<_, _>>()?,
            ranges: ranges(self.date_ranges, today)?,
            limit: match number(self.limit, "limit")? {
                0 => DEFAULT_LIMIT,
                limit => limit.min(MAX_LIMIT),
            },
            offset: number(self.offset, "offset")?,
            keep_empty_rows: self.keep_empty_rows,
            wants_quota: self.return_property_quota,
            dimensions,
            metrics,
        })
    }

    fn refuse_what_is_missing(&self) -> Result<(), ApiError> {
        let missing = [
            ("dimensionFilter", self.dimension_filter.is_some()),
            ("metricFilter", self.metric_filter.is_some()),
            ("metricAggregations", self.metric_aggregations.is_some()),
            ("cohortSpec", self.cohort_spec.is_some()),
            ("comparisons", self.comparisons.is_some()),
            ("currencyCode", !self.currency_code.is_empty()),
        ];
        match missing.iter().find(|(_, used)| *used) {
            Some((name, _)) => Err(ApiError::invalid(format!("The sandbox does not implement {name}: leave it out."))),
            None => Ok(()),
        }
    }
}

/// The columns of a request, within Google's caps.
pub fn fields(dimensions: Vec<Named>, metrics: Vec<Named>) -> Result<(Vec<Dimension>, Vec<Metric>), ApiError> {
    if dimensions.len() > MAX_DIMENSIONS {
        let message =
            format!("Requests are limited to {MAX_DIMENSIONS} dimensions; this one has {}.", dimensions.len());
        return Err(ApiError::invalid(message));
    }
    if metrics.len() > MAX_METRICS {
        let message = format!("Requests are limited to {MAX_METRICS} metrics; this one has {}.", metrics.len());
        return Err(ApiError::invalid(message));
    }
    let dimensions = columns(dimensions, "dimension", Dimension::parse)?;
    let metrics = columns(metrics, "metric", Metric::parse)?;
    Ok((dimensions, metrics))
}

fn columns<T: PartialEq>(named: Vec<Named>, kind: &str, parse: fn(&str) -> Option<T>) -> Result<Vec<T>, ApiError> {
    let mut columns = Vec::with_capacity(named.len());
    for Named { name, dimension_expression, expression, invisible } in named {
        if dimension_expression.is_some() || expression.is_some() || invisible.is_some() {
            let message = format!("The sandbox implements no expressions or invisible fields: {name}.");
            return Err(ApiError::invalid(message));
        }
        let column =
            parse(&name).ok_or_else(|| ApiError::invalid(format!("Field {name} is not a valid {kind}. {SCHEMA}")))?;
        if columns.contains(&column) {
            return Err(ApiError::invalid(format!("Duplicate {kind}s are not allowed: {name}.")));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn ranges(bodies: Vec<RangeBody>, today: NaiveDate) -> Result<Vec<DateRange>, ApiError> {
    if bodies.is_empty() || bodies.len() > MAX_RANGES {
        let message = format!("Requests need 1 to {MAX_RANGES} dateRanges; this one has {}.", bodies.len());
        return Err(ApiError::invalid(message));
    }
    let read = |(index, body): (usize, RangeBody)| {
        let start = date(&body.start_date, "startDate", today)?;
        let end = date(&body.end_date, "endDate", today)?;
        if start > end {
            let message = format!("Invalid dateRange: startDate {start} is after endDate {end}.");
            return Err(ApiError::invalid(message));
        }
        let name = body.name.filter(|name| !name.is_empty());
        if name.as_deref().is_some_and(|name| name.starts_with("date_range_") || name.starts_with("RESERVED_")) {
            return Err(ApiError::invalid("A dateRange name cannot begin with date_range_ or RESERVED_."));
        }
        Ok(DateRange { name: name.unwrap_or_else(|| format!("date_range_{index}")), start, end })
    };
    bodies.into_iter().enumerate().map(read).collect()
}

fn date(text: &str, field: &str, today: NaiveDate) -> Result<NaiveDate, ApiError> {
    let back = |days: u64| today.checked_sub_days(Days::new(days));
    let date = match text {
        "today" => Some(today),
        "yesterday" => back(1),
        _ => match text.strip_suffix("daysAgo") {
            Some(days) => days.parse().ok().and_then(back),
            None if text.len() == 10 => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
            None => None,
        },
    };
    let message =
        format!("Invalid {field}: {text}. Date must be in the format YYYY-MM-DD, NdaysAgo, yesterday, or today.");
    date.ok_or_else(|| ApiError::invalid(message))
}

fn order(by: OrderBody, dimensions: &[Dimension], metrics: &[Metric]) -> Result<(SortKey, bool), ApiError> {
    let absent = |name: &str| ApiError::invalid(format!("Cannot order by {name}: it is not in the request."));
    let key = match (by.dimension, by.metric) {
        (Some(DimensionOrder { dimension_name: name, order_type }), None) => {
            let wanted = Dimension::parse(&name);
            let index = dimensions.iter().position(|dimension| Some(*dimension) == wanted);
            SortKey::Dimension(index.ok_or_else(|| absent(&name))?, order_type)
        }
        (None, Some(MetricOrder { metric_name: name })) => {
            let wanted = Metric::parse(&name);
            SortKey::Metric(metrics.iter().position(|metric| Some(*metric) == wanted).ok_or_else(|| absent(&name))?)
        }
        _ => {
            return Err(ApiError::invalid("An orderBy needs exactly one of dimension and metric."));
        }
    };
    Ok((key, by.desc))
}

fn number(value: Option<Int>, field: &str) -> Result<usize, ApiError> {
    let number = match value {
        None => Some(0),
        Some(Int::Number(number)) => usize::try_from(number).ok(),
        Some(Int::Text(text)) => text.parse().ok(),
    };
    number.ok_or_else(|| ApiError::invalid(format!("Invalid {field}: it must be an integer of 0 or more.")))
}
