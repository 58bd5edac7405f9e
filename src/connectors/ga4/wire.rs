//! Google's JSON, as far as it is used: Data API and Admin API, both v1beta. Unknown fields are ignored; proto-JSON
//! leaves out what has its default, so everything that may be empty has a default here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReportRequest<'a> {
    pub dimensions: Vec<Name<'a>>,
    pub metrics: Vec<Name<'a>>,
    pub date_ranges: [DateRange; 1],
    pub order_bys: Vec<OrderBy<'a>>,
    /// int64 is a string in proto-JSON.
    pub limit: String,
    pub offset: String,
    pub keep_empty_rows: bool,
    pub return_property_quota: bool,
}

#[derive(Debug, Serialize)]
pub struct BatchRequest<'a> {
    pub requests: Vec<RunReportRequest<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BatchResponse {
    pub reports: Vec<RunReportResponse>,
}

#[derive(Debug, Serialize)]
pub struct Name<'a> {
    pub name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DateRange {
    pub start_date: String,
    pub end_date: String,
}

#[derive(Debug, Serialize)]
pub struct OrderBy<'a> {
    pub dimension: DimensionOrder<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DimensionOrder<'a> {
    pub dimension_name: &'a str,
    pub order_type: &'static str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunReportResponse {
    pub dimension_headers: Vec<Header>,
    pub metric_headers: Vec<Header>,
    pub rows: Vec<Row>,
    pub row_count: u64,
    pub metadata: Metadata,
    /// By bucket: `tokensPerDay`, `serverErrorsPerProjectPerHour`, …
    pub property_quota: BTreeMap<String, Quota>,
}

#[derive(Debug, Deserialize)]
pub struct Header {
    pub name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Row {
    pub dimension_values: Vec<Value>,
    pub metric_values: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Value {
    pub value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    pub currency_code: Option<String>,
    pub time_zone: Option<String>,
    pub data_loss_from_other_row: bool,
    pub subject_to_thresholding: bool,
    pub sampling_metadatas: Vec<serde_json::Value>,
    pub schema_restriction_response: Restrictions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Restrictions {
    pub active_metric_restrictions: Vec<Restriction>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Restriction {
    pub metric_name: String,
}

/// What this request took from a bucket, and what is left.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub struct Quota {
    pub consumed: i64,
    pub remaining: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountSummaries {
    pub account_summaries: Vec<AccountSummary>,
    pub next_page_token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountSummary {
    pub display_name: String,
    pub property_summaries: Vec<PropertySummary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertySummary {
    pub property: String,
    #[serde(default)]
    pub display_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyResource {
    pub time_zone: String,
    pub currency_code: String,
    #[serde(default)]
    pub display_name: String,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub create_time: Option<time::OffsetDateTime>,
}

/// The body of every error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Envelope {
    pub error: ApiError,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApiError {
    pub message: String,
    pub status: String,
    pub details: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Detail {
    pub reason: String,
}
