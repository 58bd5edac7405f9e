//! The calls: properties, their settings, and the reports of a slice.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use http::Method;
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use time::{Date, Month, OffsetDateTime};
use url::Url;

use super::errors::classify;
use super::normalise::Table;
use super::reports::{REPORTS, Report};
use super::slice::{FetchPlan, Property, PropertyDetails, Slice};
use super::wire::{
    AccountSummaries, DateRange, DimensionOrder, Name, OrderBy, PropertyResource, RunReportRequest, RunReportResponse,
};
use crate::connectors::contract::Bearer;
use crate::connectors::error::{ConnectorError, FailureKind, quote};
use crate::connectors::http::{Backoff, UpstreamClient};
use crate::connectors::sentences::codes;
use crate::domain::secret::Secret;

/// Rows per page, the API's default. A page of the allowed 100,000 would not fit under the cap on a body.
const PAGE_ROWS: u64 = 10_000;
/// Rows of one report that a slice should not exceed, so that a run's memory does not grow with the property.
const SLICE_ROWS: u64 = 10_000;
/// Days to ask for where more are answered from a sample.
const SAMPLED_DAYS: i64 = 7;
/// Most pages of one report or list: a server that always promises more is broken.
const MAX_PAGES: usize = 500;
/// Account summaries per page, the API's maximum.
const ACCOUNTS_PER_PAGE: &str = "200";
/// A quota is low when fewer further slices than this, as dear as the last one, fit into it.
const LOW_SLICES: i64 = 10;
/// Google blocks after ten server errors per project and hour; this many left is low.
const LOW_SERVER_ERRORS: i64 = 3;

/// The client of the Data API and the Admin API.
#[derive(Debug, Clone)]
pub struct Ga4Client {
    pub(super) upstream: UpstreamClient,
    pub(super) data_url: Url,
    admin_url: Url,
    backoff: Backoff,
    page_rows: u64,
}

impl Ga4Client {
    /// A client on these base URLs, to which paths like `/v1beta/…` are added. `backoff` holds the waits before retries
    /// of server errors, normally [`super::RETRY_WAITS`].
    pub fn new(upstream: UpstreamClient, data_url: Url, admin_url: Url, backoff: Backoff) -> Self {
        Self { upstream, data_url, admin_url, backoff, page_rows: PAGE_ROWS }
    }

    /// The same client with pages of `rows` rows.
    #[must_use]
    pub fn with_page_rows(mut self, rows: u64) -> Self {
        self.page_rows = rows.max(1);
        self
    }

    /// The same client with other waits before retries.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// All properties that the token's account can see. `now` is for the end of a daily quota.
    pub async fn properties(&self, token: &Secret, now: OffsetDateTime) -> Result<Vec<Property>, ConnectorError> {
        let mut properties = Vec::new();
        let mut page_token = String::new();
        let mut seen = BTreeSet::new();
        loop {
            let mut url = address(&self.admin_url, "/v1beta/accountSummaries")?;
            url.query_pairs_mut().append_pair("pageSize", ACCOUNTS_PER_PAGE);
            if !page_token.is_empty() {
                url.query_pairs_mut().append_pair("pageToken", &page_token);
            }
            let page: AccountSummaries =
                self.call(token, now, || self.upstream.request(Method::GET, url.clone())).await?;
            for account in page.account_summaries {
                properties.extend(account.property_summaries.into_iter().map(|summary| Property {
                    id: summary.property,
                    name: summary.display_name,
                    account: account.display_name.clone(),
                }));
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(properties);
            }
            if seen.len() >= MAX_PAGES || !seen.insert(page_token.clone()) {
                let cause = "accountSummaries: the pages do not end";
                return Err(ConnectorError::contract(codes::GA4_UNEXPECTED, cause));
            }
        }
    }

    /// The settings of the property `id` (`properties/123`).
    pub async fn property(
        &self,
        token: &Secret,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<PropertyDetails, ConnectorError> {
        let url = address(&self.admin_url, &format!("/v1beta/{}", checked(id)?))?;
        let found: PropertyResource = self.call(token, now, || self.upstream.request(Method::GET, url.clone())).await?;
        let Ok(zone) = found.time_zone.parse::<Tz>() else {
            let cause = format!("the property's time zone is {:?}", quote(&found.time_zone));
            return Err(ConnectorError::contract(codes::GA4_UNEXPECTED, cause));
        };
        Ok(PropertyDetails {
            created: found.create_time.and_then(|instant| local_date(instant, zone)),
            zone: found.time_zone,
            currency: found.currency_code.to_ascii_uppercase(),
            name: found.display_name,
        })
    }

    /// Fetches the five reports of a slice, one after the other.
    pub async fn fetch(&self, token: &dyn Bearer, plan: &FetchPlan) -> Result<Slice, ConnectorError> {
        checked(&plan.property)?;
        let mut spent = Spent::default();
        let mut tables = Vec::with_capacity(REPORTS.len());
        for report in &REPORTS {
            let table = self.report(token, plan, report, &mut spent).await?;
            if let Some(days) = narrower(plan, &table) {
                return Ok(Slice { narrower: Some(days), quota_low: spent.is_low(), ..Slice::default() });
            }
            tables.push(table);
        }
        let first =
            |pick: for<'t> fn(&'t Table<'_>) -> Option<&'t str>| tables.iter().find_map(pick).map(str::to_owned);
        let currency = first(|table| table.currency_and_zone().0);
        let zone = first(|table| table.currency_and_zone().1);
        let partitions = tables.iter().map(|table| table.partition(currency.as_deref())).collect::<Result<_, _>>()?;
        Ok(Slice {
            partitions,
            zone,
            currency,
            rows_read: tables.iter().map(Table::rows).sum(),
            quota_low: spent.is_low(),
            notes: tables.iter().flat_map(Table::notes).collect(),
            narrower: None,
        })
    }

    async fn report<'a>(
        &self,
        token: &dyn Bearer,
        plan: &'a FetchPlan,
        report: &'a Report,
        spent: &mut Spent,
    ) -> Result<Table<'a>, ConnectorError> {
        let url = address(&self.data_url, &format!("/v1beta/{}:runReport", plan.property))?;
        let mut table = Table::new(report, plan);
        let mut offset = 0;
        for page_number in 1..=MAX_PAGES {
            let body = request(plan, report, self.page_rows, offset);
            let send = || self.upstream.request(Method::POST, url.clone()).json(&body);
            let page: RunReportResponse = self.call(token, plan.now, send).await?;
            spent.add(&page);
            let (rows, row_count) = (page.rows.len(), page.row_count);
            table.add(page)?;
            table.announced = row_count;
            offset += self.page_rows;
            if narrower(plan, &table).is_some() {
                return Ok(table);
            }
            if offset >= row_count {
                return settled(table, page_number, row_count);
            }
            if rows == 0 {
                break;
            }
        }
        let cause = format!("report {}: the pages do not reach rowCount", report.name);
        Err(ConnectorError::contract(codes::GA4_REPORT_SHAPE, cause))
    }

    /// One call with its retries. A disturbance is retried, and a token that died before its time is replaced once;
    /// everything else is the caller's to decide. The token is cut out of whatever the upstream says.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        token: &dyn Bearer,
        now: OffsetDateTime,
        build: impl Fn() -> RequestBuilder,
    ) -> Result<T, ConnectorError> {
        let secret = token.current().await?;
        match self.ask(&secret, now, &build).await {
            Err(error) if error.kind == FailureKind::AuthRevoked && token.refused(&secret).await? => {
                self.ask(&token.current().await?, now, &build).await
            }
            answer => answer,
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        secret: &Secret,
        now: OffsetDateTime,
        build: &impl Fn() -> RequestBuilder,
    ) -> Result<T, ConnectorError> {
        let attempt = async || {
            let answer = self.upstream.send(build().bearer_auth(secret.expose())).await?;
            if answer.status.is_success() { answer.json() } else { Err(classify(&answer, now)) }
        };
        self.backoff
            .run(attempt, |error: &ConnectorError| error.kind == FailureKind::Transient)
            .await
            .map_err(|error| error.redacted(|text| secret.redact(text)))
    }
}

/// How many days to ask for instead of a plan's: fewer where Google only estimates, from thirty to seven to one, and half
/// where a report has more rows than a batch should hold. A single day is taken as it is.
fn narrower(plan: &FetchPlan, table: &Table<'_>) -> Option<i64> {
    let days = plan.days();
    if days <= 1 {
        None
    } else if table.is_sampled() {
        Some(if days > SAMPLED_DAYS { SAMPLED_DAYS } else { 1 })
    } else {
        (table.announced > SLICE_ROWS).then_some(days / 2)
    }
}

/// The table, unless the data moved while its pages were read: then rows are missing or came twice.
fn settled(table: Table<'_>, pages: usize, row_count: u64) -> Result<Table<'_>, ConnectorError> {
    if pages == 1 && table.has_repeats() {
        return Err(ConnectorError::contract(codes::GA4_REPORT_SHAPE, "a report has the same row twice"));
    }
    if pages > 1 && (table.has_repeats() || table.rows() != row_count) {
        let cause = format!("{} rows read, {row_count} announced", table.rows());
        return Err(ConnectorError::transient(codes::GA4_PAGES_MOVED, cause));
    }
    Ok(table)
}

fn request<'a>(plan: &FetchPlan, report: &Report, limit: u64, offset: u64) -> RunReportRequest<'a> {
    let dimension = report.dimension.map(|(api, _)| api);
    let order = |dimension_name, order_type| OrderBy { dimension: DimensionOrder { dimension_name, order_type } };
    RunReportRequest {
        dimensions: ["date"].into_iter().chain(dimension).map(|name| Name { name }).collect(),
        metrics: report.fields.iter().map(|name| Name { name }).collect(),
        date_ranges: [DateRange { start_date: plan.from.to_string(), end_date: plan.to.to_string() }],
        // A total order, or rows could move between pages.
        order_bys: [order("date", "NUMERIC")]
            .into_iter()
            .chain(dimension.map(|name| order(name, "ALPHANUMERIC")))
            .collect(),
        limit: limit.to_string(),
        offset: offset.to_string(),
        keep_empty_rows: false,
        return_property_quota: true,
    }
}

/// `id` if it is `properties/` and a number. It comes from a tenant and becomes part of a path.
pub(super) fn checked(id: &str) -> Result<&str, ConnectorError> {
    let number = id.strip_prefix("properties/").unwrap_or_default();
    if (1..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) {
        Ok(id)
    } else {
        let cause = "the property id is not properties/<number>";
        Err(ConnectorError::config(codes::GA4_PROPERTY_UNKNOWN, cause))
    }
}

pub(super) fn address(base: &Url, path: &str) -> Result<Url, ConnectorError> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|_| ConnectorError::config(codes::UPSTREAM_REQUEST, "a base URL cannot take a path"))
}

fn local_date(instant: OffsetDateTime, zone: Tz) -> Option<Date> {
    let day = DateTime::<Utc>::from_timestamp(instant.unix_timestamp(), 0)?.with_timezone(&zone).date_naive();
    let month = Month::try_from(u8::try_from(day.month()).ok()?).ok()?;
    Date::from_calendar_date(day.year(), month, u8::try_from(day.day()).ok()?).ok()
}

/// What a slice took from the property's quotas and what is left. Limits differ by contract and have changed over the
/// years, so that only the answers count.
#[derive(Debug, Default)]
pub(super) struct Spent {
    buckets: std::collections::BTreeMap<String, (i64, i64)>,
}

impl Spent {
    pub fn add(&mut self, page: &RunReportResponse) {
        for (name, quota) in &page.property_quota {
            let bucket = self.buckets.entry(name.clone()).or_default();
            *bucket = (bucket.0.saturating_add(quota.consumed), quota.remaining);
        }
    }

    pub fn is_low(&self) -> bool {
        self.buckets.iter().any(|(name, (consumed, remaining))| match name.as_str() {
            // Gives back what it takes as soon as a request is over.
            "concurrentRequests" => false,
            "serverErrorsPerProjectPerHour" => *remaining < LOW_SERVER_ERRORS,
            _ => *remaining < consumed.saturating_mul(LOW_SLICES),
        })
    }
}
