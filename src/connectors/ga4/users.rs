//! Distinct users of whole periods: one number each, five to a call.

use http::Method;
use rust_decimal::Decimal;
use time::Duration;

use super::PROVISIONAL_DAYS;
use super::client::{Ga4Client, Spent, address, checked};
use super::normalise::decimal;
use super::periods::Period;
use super::slice::{FetchPlan, Note};
use super::wire::{BatchRequest, BatchResponse, DateRange, Name, RunReportRequest, RunReportResponse};
use crate::connectors::contract::{Bearer, Partition};
use crate::connectors::error::{ConnectorError, quote};
use crate::connectors::sentences::codes;
use crate::domain::fact::{Dims, Fact};
use crate::domain::period::Grain;

/// Most reports that one call takes.
pub const PER_CALL: usize = 5;
/// The metric.
const KEY: &str = "ga4.users";
/// Name in notes and causes.
const NAME: &str = "users of periods";

/// What came of it.
#[derive(Debug, Default)]
pub struct PeriodUsers {
    /// One fact per period that Google answered for.
    pub facts: Vec<Fact>,
    /// Rows that Google sent.
    pub rows_read: u64,
    /// A quota is nearly used up: slow down.
    pub quota_low: bool,
    /// What is worth the operator's attention.
    pub notes: Vec<Note>,
    /// Zone and currency as the reports tell them.
    pub calendar: Option<(String, String)>,
}

impl Ga4Client {
    /// Fetches the users of at most five periods in one call.
    pub async fn users(
        &self,
        token: &dyn Bearer,
        plan: &FetchPlan,
        periods: &[Period],
    ) -> Result<PeriodUsers, ConnectorError> {
        let url = address(&self.data_url, &format!("/v1beta/{}:batchRunReports", checked(&plan.property)?))?;
        let body = BatchRequest { requests: periods.iter().map(request).collect() };
        let send = || self.upstream.request(Method::POST, url.clone()).json(&body);
        let answer: BatchResponse = self.call(token, plan.now, send).await?;
        if answer.reports.len() != periods.len() {
            return Err(shape("not as many reports as were asked for"));
        }
        let mut found = PeriodUsers::default();
        let mut spent = Spent::default();
        for (period, report) in periods.iter().zip(&answer.reports) {
            spent.add(report);
            found.rows_read += report.rows.len() as u64;
            let metadata = &report.metadata;
            found.calendar = found.calendar.or(metadata.time_zone.clone().zip(metadata.currency_code.clone()));
            if metadata.subject_to_thresholding {
                found.notes.push(Note::Thresholded { report: NAME });
            }
            if !metadata.sampling_metadatas.is_empty() {
                found.notes.push(Note::Sampled { report: NAME });
            }
            found.facts.extend(value(report)?.map(|value| fact(plan, period, value)));
        }
        found.quota_low = spent.is_low();
        found.notes.dedup();
        Ok(found)
    }
}

fn request(period: &Period) -> RunReportRequest<'static> {
    RunReportRequest {
        dimensions: Vec::new(),
        metrics: vec![Name { name: "totalUsers" }],
        date_ranges: [DateRange { start_date: period.from.to_string(), end_date: period.to.to_string() }],
        order_bys: Vec::new(),
        limit: "1".to_owned(),
        offset: "0".to_owned(),
        keep_empty_rows: false,
        return_property_quota: true,
    }
}

/// The one number of a report. No row is a period without anybody, unless Google withheld it.
fn value(report: &RunReportResponse) -> Result<Option<Decimal>, ConnectorError> {
    match report.rows.as_slice() {
        [] => Ok((!report.metadata.subject_to_thresholding).then_some(Decimal::ZERO)),
        [row] => match (report.metric_headers.as_slice(), row.metric_values.as_slice()) {
            ([header], [cell]) if header.name == "totalUsers" => {
                decimal(&cell.value).map(Some).ok_or_else(|| shape(&format!("{:?} is no number", quote(&cell.value))))
            }
            _ => Err(shape("columns that nobody asked for")),
        },
        _ => Err(shape("several rows for one number")),
    }
}

fn fact(plan: &FetchPlan, period: &Period, value: Decimal) -> Fact {
    Fact {
        metric_key: KEY.to_owned(),
        grain: period.grain,
        period_start: period.from,
        period_end: period.to,
        dims: Dims::new(),
        currency: None,
        value: value.normalize(),
        denominator: None,
        provisional: period.to > plan.today.saturating_sub(Duration::days(PROVISIONAL_DAYS)),
    }
}

/// One partition per grain. Weeks and months are covered from the first to the last that was fetched; of spans only those
/// of this run remain.
pub fn partitions(plan: &FetchPlan, periods: &[Period], facts: Vec<Fact>) -> Vec<Partition> {
    let mut partitions: Vec<Partition> = Vec::new();
    for grain in [Grain::Span, Grain::Week, Grain::Month] {
        let of_grain = || periods.iter().filter(|period| period.grain == grain);
        let first = of_grain().map(|period| period.from).min();
        let last = of_grain().map(|period| period.to).max();
        let Some((first, last)) = first.zip(last) else { continue };
        partitions.push(Partition {
            dimensions: Vec::new(),
            metric_keys: vec![KEY],
            grain,
            from: if grain == Grain::Span { plan.from } else { first },
            to: last,
            facts: Vec::new(),
        });
    }
    for fact in facts {
        if let Some(partition) = partitions.iter_mut().find(|partition| partition.grain == fact.grain) {
            partition.facts.push(fact);
        }
    }
    partitions
}

fn shape(what: &str) -> ConnectorError {
    ConnectorError::contract(codes::GA4_REPORT_SHAPE, format!("report {NAME}: {what}"))
}
