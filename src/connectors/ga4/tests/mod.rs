//! The connector against a stub of Google over real HTTP.

mod admin;
mod failures;
mod gaps;
mod paging;
mod reports;

use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::Date;
use time::macros::{date, datetime};

use super::*;
use crate::connectors::testing::{Received, Reply, Stub, Waits, client};
use crate::domain::fact::Fact;
use crate::domain::secret::Secret;

const PATIENT: Duration = Duration::from_secs(20);
const TOKEN: &str = "ya29.token";

fn token() -> Secret {
    Secret::new(TOKEN)
}

/// A client of the stub, and the waits that it asks for.
fn ga4(stub: &Stub) -> (Ga4Client, Waits) {
    let waits = Waits::default();
    let backoff = waits.backoff(&RETRY_WAITS);
    let client = Ga4Client::new(client(PATIENT), stub.url.clone(), stub.at("/"), backoff);
    (client, waits)
}

/// 21 and 22 November 2026, fetched on the 23rd.
fn plan() -> FetchPlan {
    FetchPlan {
        property: "properties/310000001".into(),
        from: date!(2026 - 11 - 21),
        to: date!(2026 - 11 - 22),
        today: date!(2026 - 11 - 23),
        created: None,
        now: datetime!(2026-11-23 10:00 UTC),
    }
}

/// The names in a request's list of dimensions or metrics.
fn names(request: &Received, list: &str) -> Vec<String> {
    let body = request.json();
    let names = body[list].as_array().unwrap().iter();
    names.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// Date, dimension and the values by field.
type Cells = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// An answer in the order of the request, as Google sends it. A field that is not listed
/// is `0`.
fn answer(request: &Received, rows: &[Cells]) -> Value {
    let (dimensions, fields) = (names(request, "dimensions"), names(request, "metrics"));
    let header = |names: &[String]| names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
    let rows: Vec<Value> = rows
        .iter()
        .map(|(date, dimension, values)| {
            let dims = [*date, *dimension].into_iter().take(dimensions.len());
            let value = |field: &String| values.iter().find(|(name, _)| name == field).map_or("0", |(_, value)| *value);
            json!({
                "dimensionValues": dims.map(|value| json!({ "value": value })).collect::<Vec<_>>(),
                "metricValues": fields.iter().map(|field| json!({ "value": value(field) })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut body = json!({
        "dimensionHeaders": header(&dimensions),
        "metricHeaders": header(&fields),
        "metadata": { "currencyCode": "EUR", "timeZone": "Europe/Madrid" },
        "kind": "analyticsData#runReport",
    });
    // Both are absent from an empty report.
    if !rows.is_empty() {
        body["rowCount"] = rows.len().into();
        body["rows"] = rows.into();
    }
    body
}

/// True for the report with `dimension` besides the date; `""` is the totals, `"users"` the users.
fn is_report(request: &Received, dimension: &str) -> bool {
    let users = names(request, "metrics") == ["totalUsers"];
    match dimension {
        "users" => users,
        "" => !users && names(request, "dimensions").len() == 1,
        name => names(request, "dimensions").iter().any(|found| found == name),
    }
}

/// A stub that answers one report with these rows and all others with none.
async fn with_rows(dimension: &'static str, rows: &'static [Cells]) -> Stub {
    Stub::start(move |_, request| {
        let rows = if is_report(request, dimension) { rows } else { &[] };
        Reply::Json(200, answer(request, rows))
    })
    .await
}

/// A stub that answers one report as `edit` changes it, from one row of the 21st with ten sessions.
async fn edited(dimension: &'static str, edit: fn(&mut Value)) -> Stub {
    Stub::start(move |_, request| {
        if !is_report(request, dimension) {
            return Reply::Json(200, answer(request, &[]));
        }
        let mut body = answer(request, &[("20261121", "Direct", &[("sessions", "10"), ("totalRevenue", "5")])]);
        edit(&mut body);
        Reply::Json(200, body)
    })
    .await
}

async fn fetch(stub: &Stub) -> Slice {
    ga4(stub).0.fetch(&token(), &plan()).await.unwrap()
}

/// Facts of a metric with these dimension names.
fn facts<'a>(slice: &'a Slice, dimensions: &[&str], key: &str) -> Vec<&'a Fact> {
    let partitions = slice.partitions.iter().filter(|partition| partition.dimensions == dimensions);
    partitions.flat_map(|partition| &partition.facts).filter(|fact| fact.metric_key == key).collect()
}

/// Day and value of each fact.
fn values(facts: &[&Fact]) -> Vec<(Date, String)> {
    facts.iter().map(|fact| (fact.period_start, fact.value.to_string())).collect()
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}
