//! Answers a checked report request: groups the cells of [`super::model`], sorts, pages and writes Google's shape.

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value, json};

use super::fields::{CHANNELS, COUNTRIES, DEVICES, Dimension, Metric};
use super::model::{self, Cell, Figures};
use super::request::{Report, SortKey};
use super::wire::OrderType;
use crate::sandbox::catalogue::{Property, Quirk};

/// What Google writes where rows were folded into one.
const OTHER_LABEL: &str = "(other)";
/// Rows of fewer users are withheld where that is the rule.
const FEW_USERS: u64 = 10;
/// Longer reports are sampled where that is the rule.
const SAMPLED_DAYS: usize = 31;
/// Days with rows of their own in a full table.
const KEPT_DAYS: i64 = 31;

/// `RunReportResponse`. Empty lists and zero counts are absent, as in proto-JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dimension_headers: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metric_headers: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows: Vec<RowOut>,
    /// Rows of the whole report, whatever the page.
    #[serde(skip_serializing_if = "is_zero")]
    pub row_count: usize,
    metadata: Value,
    /// Set by the caller, who keeps the buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property_quota: Option<Value>,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RowOut {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dimension_values: Vec<ValueOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metric_values: Vec<ValueOut>,
}

#[derive(Debug, Serialize)]
struct ValueOut {
    value: Cow<'static, str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A group of cells on its way to becoming a row.
#[derive(Debug, Clone, Default)]
struct Group {
    figures: Figures,
    /// Returning visits of the day that is being read.
    today: u64,
    /// Sum of the days' distinct returning users.
    days: u64,
}

/// A row of the report before paging.
#[derive(Debug)]
struct Row {
    range: usize,
    date: Option<NaiveDate>,
    channel: usize,
    country: usize,
    device: usize,
    figures: Figures,
    users: u64,
}

/// Runs the report as of `today`, a date in the property's zone.
pub fn run(seed: u64, property: &Property, report: &Report, today: NaiveDate) -> Answer {
    let mut rows = Vec::new();
    for range in 0..report.ranges.len() {
        collect(seed, property, report, range, today, &mut rows);
    }
    restrict(property, report, &mut rows);
    if !report.keep_empty_rows && !report.metrics.is_empty() {
        rows.retain(|row| report.metrics.iter().any(|metric| number(*metric, row) != 0.0));
    }
    if !report.order.is_empty() {
        rows.sort_by(|left, right| compare(report, left, right));
    }
    let page = rows.iter().skip(report.offset).take(report.limit).map(|row| write(report, row)).collect();
    Answer {
        dimension_headers: report.dimensions.iter().map(|dimension| json!({"name": dimension.api_name()})).collect(),
        metric_headers: report
            .metrics
            .iter()
            .map(|metric| json!({"name": metric.api_name(), "type": metric.type_name()}))
            .collect(),
        rows: page,
        row_count: rows.len(),
        metadata: metadata(seed, property, report, today),
        property_quota: None,
        kind: "analyticsData#runReport",
    }
}

fn metadata(seed: u64, property: &Property, report: &Report, today: NaiveDate) -> Value {
    let mut metadata = json!({"currencyCode": property.currency, "timeZone": property.zone.name()});
    let by_country =
        report.dimensions.contains(&Dimension::Country) || report.dimensions.contains(&Dimension::CountryId);
    let folded = |index: usize| days(report, index, today).any(|day| model::has_other(seed, property, day));
    if by_country && (0..report.ranges.len()).any(folded) {
        metadata["dataLossFromOtherRow"] = Value::Bool(true);
    }
    note(property, report, today, &mut metadata);
    metadata
}

/// Whether rows of few users are withheld from this report.
pub fn is_thresholded(property: &Property, report: &Report) -> bool {
    let by_trait = |dimension: &Dimension| !matches!(dimension, Dimension::Date | Dimension::DateRange);
    property.quirk == Quirk::Thresholded && report.dimensions.iter().any(by_trait)
}

/// Takes out of the rows what the property does not show.
fn restrict(property: &Property, report: &Report, rows: &mut Vec<Row>) {
    if is_thresholded(property, report) {
        rows.retain(|row| row.users >= FEW_USERS);
    }
    if property.quirk == Quirk::NoRevenue {
        for row in rows {
            row.figures.revenue_hundredths = 0;
        }
    }
}

/// What the metadata says about a property's quirk.
fn note(property: &Property, report: &Report, today: NaiveDate, metadata: &mut Value) {
    let all_days: Vec<NaiveDate> = (0..report.ranges.len()).flat_map(|range| days(report, range, today)).collect();
    match property.quirk {
        Quirk::NoRevenue if report.metrics.contains(&Metric::Revenue) => {
            metadata["schemaRestrictionResponse"] = json!({"activeMetricRestrictions": [
                {"metricName": Metric::Revenue.api_name(), "restrictedMetricTypes": ["REVENUE_DATA"]}
            ]});
        }
        Quirk::Thresholded if is_thresholded(property, report) => metadata["subjectToThresholding"] = true.into(),
        Quirk::Sampled if all_days.len() > SAMPLED_DAYS => {
            let space = all_days.len() * 120_000;
            metadata["samplingMetadatas"] =
                json!([{"samplesReadCount": (space / 3).to_string(), "samplingSpaceSize": space.to_string()}]);
        }
        Quirk::FullTable if all_days.iter().any(|day| is_folded(property, report, 0, today, *day)) => {
            metadata["dataLossFromOtherRow"] = true.into();
        }
        _ => {}
    }
}

/// Whether a day's rows went into `(other)` because the table of the report was full.
fn is_folded(property: &Property, report: &Report, range: usize, today: NaiveDate, day: NaiveDate) -> bool {
    let newest = report.ranges[range].end.min(today);
    property.quirk == Quirk::FullTable
        && report.dimensions.len() > 1
        && report.dimensions.contains(&Dimension::Date)
        && (newest - day).num_days() >= KEPT_DAYS
}

/// The days of a range that can hold data.
fn days(report: &Report, range: usize, today: NaiveDate) -> impl Iterator<Item = NaiveDate> + use<> {
    let start = report.ranges[range].start.max(model::first_day());
    let end = report.ranges[range].end.min(today);
    start.iter_days().take_while(move |day| *day <= end)
}

/// Groups the cells of one range by the report's dimensions and appends a row per group.
fn collect(seed: u64, property: &Property, report: &Report, range: usize, today: NaiveDate, rows: &mut Vec<Row>) {
    let has = |dimension| report.dimensions.contains(&dimension);
    let size = |used: bool, size: usize| if used { size } else { 1 };
    let by_date = has(Dimension::Date);
    let channels = size(has(Dimension::Channel), CHANNELS.len());
    let countries = size(has(Dimension::Country) || has(Dimension::CountryId), COUNTRIES.len());
    let devices = size(has(Dimension::Device), DEVICES.len());
    let per_day = channels * countries * devices;
    let mut groups = vec![Group::default(); per_day];
    let mut touched = Vec::with_capacity(per_day);
    let flush = |groups: &mut [Group], date: Option<NaiveDate>, rows: &mut Vec<Row>| {
        for (index, group) in groups.iter_mut().enumerate() {
            let Group { figures, days, .. } = std::mem::take(group);
            if figures.sessions > 0 || report.keep_empty_rows {
                rows.push(Row {
                    range,
                    date,
                    channel: index / (countries * devices),
                    country: index / devices % countries,
                    device: index % devices,
                    users: figures.new_users + model::period_users(property, days),
                    figures,
                });
            }
        }
    };
    for date in days(report, range, today) {
        model::day(seed, property, date, today, |cell: &Cell| {
            let channel = if channels > 1 { cell.channel } else { 0 };
            let country = if countries > 1 { cell.country } else { 0 };
            let device = if devices > 1 { cell.device } else { 0 };
            let index = (channel * countries + country) * devices + device;
            let group = &mut groups[index];
            if group.today == 0 {
                touched.push(index);
            }
            group.figures.add(&cell.figures);
            group.today += cell.figures.returning;
        });
        for index in touched.drain(..) {
            let visits = std::mem::take(&mut groups[index].today);
            groups[index].days += model::day_users(property, visits);
        }
        if !by_date {
            continue;
        }
        let folded = |day| is_folded(property, report, range, today, day);
        match (folded(date), date.succ_opt().is_some_and(folded)) {
            (true, true) => {}
            (true, false) => flush(&mut groups, None, rows),
            (false, _) => flush(&mut groups, Some(date), rows),
        }
    }
    if !by_date {
        flush(&mut groups, None, rows);
    }
}

fn label(report: &Report, dimension: Dimension, row: &Row) -> Cow<'static, str> {
    match dimension {
        Dimension::Date => row.date.map_or(Cow::Borrowed(OTHER_LABEL), |date| date.format("%Y%m%d").to_string().into()),
        Dimension::DateRange => report.ranges[row.range].name.clone().into(),
        Dimension::Channel => CHANNELS[row.channel].into(),
        Dimension::Country => COUNTRIES[row.country].0.into(),
        Dimension::CountryId => COUNTRIES[row.country].1.into(),
        Dimension::Device => DEVICES[row.device].into(),
    }
}

fn compare(report: &Report, left: &Row, right: &Row) -> Ordering {
    for (key, descending) in &report.order {
        let order = match *key {
            SortKey::Metric(index) => {
                number(report.metrics[index], left).total_cmp(&number(report.metrics[index], right))
            }
            SortKey::Dimension(index, kind) => match (report.dimensions[index], kind) {
                (Dimension::Date, _) => left.date.cmp(&right.date),
                // None of the other dimensions holds numbers.
                (_, OrderType::Numeric) => Ordering::Equal,
                (dimension, OrderType::CaseInsensitiveAlphanumeric) => {
                    let lower = |row| label(report, dimension, row).to_lowercase();
                    lower(left).cmp(&lower(right))
                }
                (dimension, _) => label(report, dimension, left).cmp(&label(report, dimension, right)),
            },
        };
        let order = if *descending { order.reverse() } else { order };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn write(report: &Report, row: &Row) -> RowOut {
    RowOut {
        dimension_values: report
            .dimensions
            .iter()
            .map(|dimension| ValueOut { value: label(report, *dimension, row) })
            .collect(),
        metric_values: report.metrics.iter().map(|metric| ValueOut { value: text(*metric, row).into() }).collect(),
    }
}

/// The value of a metric for sorting and for the question whether it is zero.
#[expect(clippy::cast_precision_loss, reason = "the counts of the sandbox stay far below 2^52")]
fn number(metric: Metric, row: &Row) -> f64 {
    let figures = &row.figures;
    let ratio = |part: u64| {
        if figures.sessions == 0 { 0.0 } else { part as f64 / figures.sessions as f64 }
    };
    match metric {
        Metric::Sessions => figures.sessions as f64,
        Metric::EngagedSessions => figures.engaged as f64,
        Metric::TotalUsers => row.users as f64,
        Metric::NewUsers => figures.new_users as f64,
        Metric::Views => figures.views as f64,
        Metric::KeyEvents => figures.key_events_hundredths as f64,
        Metric::Purchases => figures.purchases as f64,
        Metric::Revenue => figures.revenue_hundredths as f64,
        Metric::AverageDuration => ratio(figures.seconds),
        Metric::BounceRate => ratio(figures.sessions - figures.engaged),
    }
}

/// The value of a metric as Google writes it: always a string, without trailing zeros.
fn text(metric: Metric, row: &Row) -> String {
    let figures = &row.figures;
    match metric {
        Metric::Sessions => figures.sessions.to_string(),
        Metric::EngagedSessions => figures.engaged.to_string(),
        Metric::TotalUsers => row.users.to_string(),
        Metric::NewUsers => figures.new_users.to_string(),
        Metric::Views => figures.views.to_string(),
        Metric::Purchases => figures.purchases.to_string(),
        Metric::KeyEvents => hundredths(figures.key_events_hundredths),
        Metric::Revenue => hundredths(figures.revenue_hundredths),
        Metric::AverageDuration | Metric::BounceRate => number(metric, row).to_string(),
    }
}

fn hundredths(value: u64) -> String {
    match (value / 100, value % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}", part / 10),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}
