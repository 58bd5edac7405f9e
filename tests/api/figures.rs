//! Figures over CSV data that was uploaded through the API.

mod money;
mod seattle;
mod semantics;
mod table;

use serde_json::{Value, json};

use crate::harness::client::Client;

/// Metrics by column: (column, unit, additivity); the column is the key too.
type Metrics<'a> = &'a [(&'a str, &'a str, &'a str)];

/// A mapping with a column `date`.
pub fn mapping(grain: &str, format: &str, metrics: Metrics<'_>, dimensions: &[&str]) -> Value {
    let metric = |(column, unit, additivity): &(&str, &str, &str)| json!({"column": column, "key": column, "name": column, "unit": unit, "additivity": additivity});
    json!({
        "delimiter": ",", "decimal": ".", "encoding": "utf-8", "date": {"column": "date", "format": format}, "grain": grain,
        "metrics": metrics.iter().map(metric).collect::<Vec<_>>(), "dimensions": dimensions, "on_error": "abort"
    })
}

/// A mapping of daily rows.
pub fn daily(metrics: Metrics<'_>, dimensions: &[&str]) -> Value {
    mapping("day", "%Y-%m-%d", metrics, dimensions)
}

/// The item of a metric in `/api/metrics`.
pub async fn metric(client: &Client, key: &str, query: &str) -> Value {
    let answer = client.get(&format!("/api/metrics?{query}")).await.ok();
    let items = answer["metrics"].as_array().unwrap();
    items.iter().find(|item| item["key"] == key).unwrap_or_else(|| panic!("no {key} in {answer}")).clone()
}

/// A metric's value and the reason for none.
pub async fn value(client: &Client, key: &str, query: &str) -> (Value, Value) {
    let item = metric(client, key, query).await;
    (item["value"].clone(), item["reason"].clone())
}

/// `/api/series/{key}`.
pub async fn series(client: &Client, key: &str, query: &str) -> Value {
    client.get(&format!("/api/series/{key}?{query}")).await.ok()
}

/// The points of a series as (date, value).
pub fn points(series: &Value) -> Vec<(String, f64)> {
    let point = |point: &Value| (point["t"].as_str().unwrap().to_owned(), point["value"].as_f64().unwrap());
    series["points"].as_array().unwrap().iter().map(point).collect()
}

/// The same as a test writes it.
pub fn dated(points: &[(&str, f64)]) -> Vec<(String, f64)> {
    points.iter().map(|(date, value)| ((*date).to_owned(), *value)).collect()
}
