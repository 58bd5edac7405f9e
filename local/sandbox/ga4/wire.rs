//! A `RunReportRequest` as it comes over the wire, field names as in the vendor's proto files. All fields are visible to
//! [`super::request`], which gives them their meaning.

use serde::Deserialize;
use serde_json::Value;

use super::reply::ApiError;

/// `RunReportRequest` as it comes over the wire.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Body {
    /// Only in batches: must be empty or the property of the address.
    #[serde(default)]
    pub property: String,
    #[serde(default)]
    pub dimensions: Vec<Named>,
    #[serde(default)]
    pub metrics: Vec<Named>,
    #[serde(default)]
    pub date_ranges: Vec<RangeBody>,
    #[serde(default)]
    pub order_bys: Vec<OrderBody>,
    pub limit: Option<Int>,
    pub offset: Option<Int>,
    #[serde(default)]
    pub keep_empty_rows: bool,
    #[serde(default)]
    pub return_property_quota: bool,
    #[serde(default)]
    pub currency_code: String,
    pub dimension_filter: Option<Value>,
    pub metric_filter: Option<Value>,
    pub metric_aggregations: Option<Value>,
    pub cohort_spec: Option<Value>,
    pub comparisons: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Named {
    pub name: String,
    pub dimension_expression: Option<Value>,
    pub expression: Option<Value>,
    pub invisible: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RangeBody {
    pub start_date: String,
    pub end_date: String,
    pub name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderBody {
    pub dimension: Option<DimensionOrder>,
    pub metric: Option<MetricOrder>,
    #[serde(default)]
    pub desc: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DimensionOrder {
    pub dimension_name: String,
    #[serde(default)]
    pub order_type: OrderType,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricOrder {
    pub metric_name: String,
}

/// How the values of a dimension are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderType {
    /// Google's default is alphanumeric.
    #[default]
    #[serde(rename = "ORDER_TYPE_UNSPECIFIED")]
    Unspecified,
    /// By Unicode code point.
    Alphanumeric,
    /// By lower-case code point.
    CaseInsensitiveAlphanumeric,
    /// As numbers; what is no number comes first.
    Numeric,
}

/// An int64 of proto-JSON: a string, or a number as many clients write it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Int {
    Number(i64),
    Text(String),
}

/// Reads JSON as Google does: unknown names and wrong types are `INVALID_ARGUMENT`.
pub fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ApiError::invalid(format!("Invalid JSON payload received. {error}.")))
}
