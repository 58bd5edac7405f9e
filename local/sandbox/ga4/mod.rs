//! The Analytics Admin and Data APIs, `v1beta`: what the portal's connector calls.

pub mod fields;
mod model;
pub mod quota;
pub mod reply;
mod report;
mod request;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use self::fields::{Dimension, Metric};
use self::reply::ApiError;
use super::catalogue::{Access, Account, Person, Property, Quirk};
use super::{Shared, lock};

/// The one scope that opens both APIs for reading.
pub const SCOPE: &str = "https://www.googleapis.com/auth/analytics.readonly";
const MAX_BATCH: usize = 5;
/// Google may return fewer items than `pageSize` allows; the sandbox always does, so that every client has to page.
const MAX_ACCOUNTS_PER_PAGE: usize = 2;

type Reply = Result<Response, ApiError>;

/// The routes of both APIs.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1beta/accountSummaries", get(account_summaries))
        .route("/v1beta/properties/{target}", get(property).post(reports))
        .route("/v1beta/properties/{id}/metadata", get(metadata))
}

/// Whose access token this is, if it is alive and has the scope.
fn caller(shared: &Shared, headers: &HeaderMap) -> Result<&'static Person, ApiError> {
    let value = headers.get(header::AUTHORIZATION).ok_or_else(|| ApiError::unauthenticated(false))?;
    let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| ApiError::unauthenticated(true))?;
    let now = shared.clock.now();
    let grants = lock(&shared.grants);
    let (person, scopes) = grants.who(token.trim(), now).ok_or_else(|| ApiError::unauthenticated(true))?;
    if scopes.contains(SCOPE) { Ok(person) } else { Err(ApiError::scope_missing()) }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paging {
    page_size: Option<i64>,
    page_token: Option<String>,
}

async fn account_summaries(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Reply {
    let person = caller(&shared, &headers)?;
    let Query(paging) = paging.map_err(|error| ApiError::invalid(error.body_text()))?;
    let size = match paging.page_size.unwrap_or(0) {
        0 => MAX_ACCOUNTS_PER_PAGE,
        size => usize::try_from(size)
            .map_err(|_| ApiError::invalid("pageSize must not be negative."))?
            .min(MAX_ACCOUNTS_PER_PAGE),
    };
    let start = match paging.page_token.as_deref() {
        None | Some("") => 0,
        Some(token) => token
            .strip_prefix("CAUQ")
            .and_then(|start| start.parse().ok())
            .filter(|start| *start < person.accounts.len())
            .ok_or_else(|| ApiError::invalid("The page token is invalid."))?,
    };
    let end = (start + size).min(person.accounts.len());
    let mut page = json!({
        "accountSummaries": person.accounts[start..end].iter().map(summary).collect::<Vec<_>>()
    });
    if end < person.accounts.len() {
        page["nextPageToken"] = Value::String(format!("CAUQ{end}"));
    }
    Ok(axum::Json(page).into_response())
}

fn summary(account: &Account) -> Value {
    let parent = format!("accounts/{}", account.id);
    let property = |property: &Property| {
        json!({
            "property": format!("properties/{}", property.id), "displayName": property.name,
            "propertyType": "PROPERTY_TYPE_ORDINARY", "parent": parent
        })
    };
    json!({
        "name": format!("accountSummaries/{}", account.id), "account": parent, "displayName": account.name,
        "propertySummaries": account.properties.iter().map(property).collect::<Vec<_>>()
    })
}

/// The property that a caller may read, with its account.
fn readable(person: &Person, id: &str) -> Result<(&'static Account, &'static Property), ApiError> {
    let number: u64 =
        id.parse().map_err(|_| ApiError::invalid(format!("Invalid property ID: {id}. A numeric ID is required.")))?;
    // An unknown property and one of somebody else look the same.
    let (account, property) = person.property(number).ok_or_else(ApiError::forbidden)?;
    if property.access == Access::Forbidden { Err(ApiError::forbidden()) } else { Ok((account, property)) }
}

async fn property(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(id): Path<String>) -> Reply {
    let (account, property) = readable(caller(&shared, &headers)?, &id)?;
    let account = format!("accounts/{}", account.id);
    let created = "2022-12-28T10:12:44.000Z";
    Ok(axum::Json(json!({
        "name": format!("properties/{}", property.id), "parent": account, "account": account,
        "displayName": property.name, "propertyType": "PROPERTY_TYPE_ORDINARY", "timeZone": property.zone.name(),
        "currencyCode": property.currency, "serviceLevel": "GOOGLE_ANALYTICS_STANDARD",
        "createTime": created, "updateTime": created
    }))
    .into_response())
}

async fn metadata(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(id): Path<String>) -> Reply {
    let person = caller(&shared, &headers)?;
    // Property 0 stands for the fields that every property has.
    let property = if id == "0" { None } else { Some(readable(person, &id)?.1) };
    let mut metrics = Metric::ALL.map(Metric::metadata);
    if property.is_some_and(|property| property.quirk == Quirk::NoRevenue) {
        for metric in metrics.iter_mut().filter(|metric| metric["apiName"] == Metric::Revenue.api_name()) {
            metric["blockedReasons"] = json!(["NO_REVENUE_METRICS"]);
        }
    }
    Ok(axum::Json(json!({
        "name": format!("properties/{id}/metadata"),
        "dimensions": Dimension::ALL.map(Dimension::metadata),
        "metrics": metrics
    }))
    .into_response())
}

/// `POST …/properties/{id}:{verb}`.
async fn reports(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(target): Path<String>,
    body: Bytes,
) -> Reply {
    let (id, verb) = target.split_once(':').ok_or_else(ApiError::not_found)?;
    let person = caller(&shared, &headers)?;
    let (_, property) = readable(person, id)?;
    match verb {
        "checkCompatibility" => check_compatibility(&body),
        "runReport" | "batchRunReports" => {
            let _running = Running::start(&shared, property)?;
            if verb == "runReport" {
                let answer = run(&shared, property, wire::parse(&body)?)?;
                return Ok(axum::Json(answer).into_response());
            }
            let Batch { requests } = wire::parse(&body)?;
            if requests.is_empty() || requests.len() > MAX_BATCH {
                let message = format!("A batch needs 1 to {MAX_BATCH} requests; this one has {}.", requests.len());
                return Err(ApiError::invalid(message));
            }
            // A bad request fails the whole batch, so all are answered before any is sent.
            let reports =
                requests.into_iter().map(|body| run(&shared, property, body)).collect::<Result<Vec<_>, _>>()?;
            Ok(axum::Json(json!({"reports": reports, "kind": "analyticsData#batchRunReports"})).into_response())
        }
        _ => Err(ApiError::not_found()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    #[serde(default)]
    requests: Vec<wire::Body>,
}

/// A request that counts among the property's concurrent ones until it is dropped.
struct Running<'a> {
    shared: &'a Shared,
    property: u64,
}

impl<'a> Running<'a> {
    fn start(shared: &'a Shared, property: &Property) -> Result<Self, ApiError> {
        if property.access == Access::Exhausted {
            return Err(ApiError::exhausted(super::faults::TOO_MANY));
        }
        lock(&shared.quotas).start(property.id, shared.clock.now())?;
        Ok(Self { shared, property: property.id })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        lock(&self.shared.quotas).end(self.property);
    }
}

fn run(shared: &Shared, property: &Property, body: wire::Body) -> Result<report::Answer, ApiError> {
    if !body.property.is_empty() && body.property != format!("properties/{}", property.id) {
        let message = format!("The property of the request, {}, is not the one of the address.", body.property);
        return Err(ApiError::invalid(message));
    }
    let now = shared.clock.now();
    let today = now.with_timezone(&property.zone).date_naive();
    let report = body.check(today)?;
    let mut answer = report::run(shared.seed, property, &report, today);
    let days: i64 = report.ranges.iter().map(|range| (range.end - range.start).num_days() + 1).sum();
    let days = u64::try_from(days).unwrap_or(0);
    let price = quota::price(days, report.dimensions.len() as u64, answer.row_count as u64);
    if report::is_thresholded(property, &report) {
        lock(&shared.quotas).thresholded(property.id, now)?;
    }
    let quota = lock(&shared.quotas).charge(property.id, price, now);
    answer.property_quota = report.wants_quota.then_some(quota);
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Compatibility {
    #[serde(default)]
    dimensions: Vec<wire::Named>,
    #[serde(default)]
    metrics: Vec<wire::Named>,
    /// Everything here is compatible, so the filter for compatible fields changes nothing.
    #[serde(default, rename = "compatibilityFilter")]
    filter: String,
}

fn check_compatibility(body: &[u8]) -> Reply {
    let asked: Compatibility = wire::parse(body)?;
    let (dimensions, metrics) = request::fields(asked.dimensions, asked.metrics)?;
    let mut answer = json!({});
    // Asked for what does not fit, the honest answer is an empty one.
    if asked.filter != "INCOMPATIBLE" {
        let entry = |key: &str, metadata: Value| json!({key: metadata, "compatibility": "COMPATIBLE"});
        let dimensions = dimensions.into_iter().map(|field| entry("dimensionMetadata", field.metadata()));
        let metrics = metrics.into_iter().map(|field| entry("metricMetadata", field.metadata()));
        answer["dimensionCompatibilities"] = dimensions.collect();
        answer["metricCompatibilities"] = metrics.collect();
    }
    Ok(axum::Json(answer).into_response())
}
