//! The table: several metrics side by side, sorted, paged, with totals.
#![expect(clippy::unreadable_literal, reason = "figures are compared as the API writes them")]

use serde_json::{Value, json};

use super::daily;
use super::seattle::weather;
use crate::harness::TestApp;
use crate::harness::client::Client;

const YEAR: &str = "from=2015-01-01&to=2015-12-31";

async fn table(client: &Client, query: &str) -> Value {
    client.get(&format!("/api/table?{query}")).await.ok()
}

/// All rows of all pages.
async fn paged(client: &Client, query: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = table(client, &format!("{query}&cursor={cursor}")).await;
        rows.extend(page["rows"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn a_table_has_columns_rows_and_totals() {
    let (_app, client, _) = weather().await;
    let answer = table(&client, &format!("metrics=precipitation,temp_max&by=weather&{YEAR}")).await;
    let row = |weather: &str, rain: Value, heat: f64| json!({"dims": {"weather": weather}, "values": {"precipitation": rain, "temp_max": heat}});
    let column = |key: &str, unit: &str| json!({"key": key, "name": key, "unit": unit, "currency": null});
    assert_eq!(
        answer,
        json!({
            "from": "2015-01-01", "to": "2015-12-31", "now": "2026-11-23T10:00:00Z",
            "columns": [column("precipitation", "mm"), column("temp_max", "°C")],
            "rows": [row("rain", json!(1139.2), 13.3520833333333), row("drizzle", json!(0), 27.7),
                     row("fog", json!(0), 14.9442307692308), row("sun", json!(0), 21.4043209876543)],
            "totals": {"precipitation": 1139.2, "temp_max": 17.4279452054795}, "next_cursor": null,
            "freshness": {"data_through": "2015-12-31", "fetched_at": "2026-11-23T10:00:00Z", "next_due": null,
                          "provisional_from": null, "status": "connected", "late": false}
        })
    );
}

#[tokio::test]
async fn rows_sort_by_a_column_or_a_dimension_either_way() {
    let (_app, client, _) = weather().await;
    let order = async |sort: &str| {
        let answer = table(&client, &format!("metrics=precipitation,temp_max&by=weather&{YEAR}&sort={sort}")).await;
        let names: Vec<String> = answer["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["dims"]["weather"].as_str().unwrap().to_owned())
            .collect();
        names.join(" ")
    };
    assert_eq!(order("temp_max").await, "rain fog sun drizzle");
    assert_eq!(order("-temp_max").await, "drizzle sun fog rain");
    assert_eq!(order("weather").await, "drizzle fog rain sun");
    assert_eq!(order("-weather").await, "sun rain fog drizzle");
    assert_eq!(order("precipitation").await, "drizzle fog sun rain");
}

#[tokio::test]
async fn pages_join_to_the_whole_table() {
    let (_app, client, _) = weather().await;
    for sort in ["-temp_max", "precipitation", "date", "-date", "weather", "-weather"] {
        let query = format!("metrics=temp_max,precipitation&by=date,weather&from=2015-01-01&to=2015-03-31&sort={sort}");
        let whole = table(&client, &format!("{query}&limit=500")).await["rows"].as_array().unwrap().clone();
        assert_eq!(whole.len(), 90, "one weather a day");
        assert_eq!(paged(&client, &format!("{query}&limit=7")).await, whole, "{sort}");
    }
}

#[tokio::test]
async fn totals_are_of_the_range_and_not_of_the_page() {
    let (_app, client, _) = weather().await;
    let answer = table(&client, &format!("metrics=precipitation,wind&by=date&grain=month&{YEAR}&limit=2")).await;
    assert_eq!(
        answer["rows"][0],
        json!({"dims": {"date": "2015-01-01"}, "values": {"precipitation": 93, "wind": answer["rows"][0]["values"]["wind"]}})
    );
    assert_eq!(answer["rows"].as_array().unwrap().len(), 2);
    assert_eq!(answer["totals"], json!({"precipitation": 1139.2, "wind": 3.15972602739726}));
}

#[tokio::test]
async fn a_filter_counts_for_rows_and_totals() {
    let (_app, client, _) = weather().await;
    let answer = table(&client, &format!("metrics=temp_max&by=date&grain=year&{YEAR}&dims=weather:rain")).await;
    assert_eq!(answer["rows"], json!([{"dims": {"date": "2015-01-01"}, "values": {"temp_max": 13.3520833333333}}]));
    assert_eq!(answer["totals"], json!({"temp_max": 13.3520833333333}));
    let none = table(&client, &format!("metrics=temp_max&by=weather&{YEAR}&dims=weather:hail")).await;
    assert_eq!((&none["rows"], &none["totals"]), (&json!([]), &json!({})));
}

#[tokio::test]
async fn a_metric_without_the_dimension_is_left_out_beside_one_that_has_it() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    acme.import("A", "date,shop,n\n2026-01-01,X,1\n", &daily(&[("n", "count", "sum")], &["shop"])).await;
    acme.import("B", "date,m\n2026-01-01,9\n", &daily(&[("m", "count", "sum")], &[])).await;
    let answer = table(&acme, "metrics=m,n&by=shop&from=2026-01-01&to=2026-01-01").await;
    assert_eq!(answer["rows"], json!([{"dims": {"shop": "X"}, "values": {"n": 1}}]));
    acme.get("/api/table?metrics=m&by=shop").await.problem(422, "unknown_dimension");
}

#[tokio::test]
async fn a_table_says_which_parameter_is_wrong() {
    let (_app, client, _) = weather().await;
    for (query, field, code) in [
        ("", "metrics", "required"),
        ("metrics=nothing", "metrics", "unknown_metric"),
        ("metrics=wind&by=weather&sort=nothing", "sort", "unknown_column"),
        ("metrics=wind&by=weather&cursor=x", "cursor", "bad_cursor"),
        ("metrics=wind&by=weather&limit=0", "limit", "bad_value"),
        ("metrics=wind&by=weather&limit=501", "limit", "bad_value"),
        ("metrics=wind&grain=hour", "grain", "bad_value"),
        ("metrics=wind&metrics=wind", "metrics", "repeated_parameter"),
        ("metrics=wind&compare=year", "compare", "unknown_parameter"),
        ("metrics=%00", "metrics", "bad_value"),
    ] {
        let answer = client.get(&format!("/api/table?{query}")).await;
        assert_eq!(answer.field(), (field.into(), code.into()), "{query}");
    }
}

#[tokio::test]
async fn a_dimension_is_split_by_once() {
    let (_app, client, _) = weather().await;
    for by in ["weather,weather", "a,b,c,d,e,f,g"] {
        let answer = client.get(&format!("/api/table?metrics=precipitation&by={by}&{YEAR}")).await;
        assert_eq!(answer.field(), ("by".into(), "too_many".into()), "{by}");
    }
}
