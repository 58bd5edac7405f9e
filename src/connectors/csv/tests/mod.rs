//! The file source as a whole: bytes in, facts and rejected rows out.

mod files;
mod fuzz;
mod mappings;
mod previews;
mod rows;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Mapping, Reading, read};
use crate::domain::fact::Fact;

/// Daily weather of Seattle, see the README beside the file.
const SEATTLE: &[u8] = include_bytes!("../../../../tests/fixtures/csv/seattle-weather.csv");
/// Made-up sales with one row per common mistake, see the README beside the file.
const SALES: &[u8] = include_bytes!("../../../../tests/fixtures/csv/ventas-windows-1252.csv");

/// A metric of a mapping; its key is the column in lower case.
fn metric(column: &str, additivity: &str) -> Value {
    json!({"column": column, "key": column.to_lowercase(), "name": column, "unit": "u", "additivity": additivity})
}

/// A mapping with daily ISO dates in the column `date`.
fn mapping(metrics: &[Value], dimensions: &[&str]) -> Mapping {
    mapping_of(&json!({
        "date": {"column": "date", "format": "%Y-%m-%d"}, "grain": "day", "metrics": metrics, "dimensions": dimensions
    }))
}

fn mapping_of(json: &Value) -> Mapping {
    Mapping::from_json(json.to_string().as_bytes()).unwrap()
}

/// `date,v` (and `k` as a dimension where the header has it) read with one metric.
fn read_v(text: &str, additivity: &str) -> Reading {
    let dimensions: &[&str] = if text.contains(",k") { &["k"] } else { &[] };
    read(text.as_bytes(), &mapping(&[metric("v", additivity)], dimensions)).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The sum of values and of denominators over the facts that a condition picks.
fn total(reading: &Reading, pick: impl Fn(&Fact) -> bool) -> (Decimal, Decimal) {
    reading.facts().filter(pick).fold((Decimal::ZERO, Decimal::ZERO), |sum, fact| {
        (sum.0 + fact.value, sum.1 + fact.denominator.unwrap_or_default())
    })
}

/// Line, column and code of the rejected rows.
fn faults(reading: &Reading) -> Vec<(u32, Option<&str>, &str)> {
    let rejected = reading.rejected.iter();
    rejected.map(|row| (row.line, row.column.as_deref(), row.reason.code())).collect()
}
