//! Four years of Seattle's weather. Every constant was computed with Python's exact fractions from the file, not with
//! this program, and then written with 15 significant digits.
#![expect(clippy::unreadable_literal, reason = "figures are compared as the API writes them")]

use serde_json::{Value, json};

use super::{daily, dated, metric, points, series};
use crate::harness::TestApp;
use crate::harness::client::Client;

pub const FILE: &str = include_str!("../../fixtures/csv/seattle-weather.csv");

/// Globex with the weather imported.
pub async fn weather() -> (TestApp, Client, String) {
    let app = TestApp::start().await;
    let globex = app.globex().await;
    let metrics = [
        ("precipitation", "mm", "sum"),
        ("temp_max", "°C", "mean"),
        ("temp_min", "°C", "mean"),
        ("wind", "m/s", "mean"),
    ];
    let id = globex.import("Clima", FILE, &daily(&metrics, &["weather"])).await;
    (app, globex, id)
}

#[tokio::test]
async fn totals_of_four_years_are_exact() {
    let (_app, client, _) = weather().await;
    let answer = client.get("/api/metrics?from=2012-01-01&to=2015-12-31").await.ok();
    let freshness = json!({"data_through": "2015-12-31", "fetched_at": "2026-11-23T10:00:00Z", "next_due": null,
                           "provisional_from": null, "status": "connected", "late": false});
    let item = |key: &str, unit: &str, additivity: &str, value: Value| {
        json!({"key": key, "name": key, "unit": unit, "additivity": additivity, "currency": null, "value": value, "reason": null,
               "previous": null, "delta": null, "good_direction": "none", "freshness": freshness})
    };
    assert_eq!(
        answer,
        json!({"from": "2012-01-01", "to": "2015-12-31", "compare": null, "now": "2026-11-23T10:00:00Z", "metrics": [
            item("precipitation", "mm", "sum", json!(4426)),
            item("temp_max", "°C", "ratio", json!(16.4390828199863)),
            item("temp_min", "°C", "ratio", json!(8.23477070499658)),
            item("wind", "m/s", "ratio", json!(3.24113620807666)),
        ]})
    );
}

#[tokio::test]
async fn a_comparison_with_the_year_before_has_its_base_and_its_change() {
    let (_app, client, _) = weather().await;
    let answer = client.get("/api/metrics?from=2015-01-01&to=2015-12-31&compare=year").await.ok();
    assert_eq!(answer["compare"], json!({"mode": "year", "from": "2014-01-01", "to": "2014-12-31"}));
    let found: Vec<Value> =
        answer["metrics"].as_array().unwrap().iter().map(|m| json!([m["value"], m["previous"], m["delta"]])).collect();
    let row = |value: f64, previous: f64, delta: f64| json!([value, previous, {"kind": "percent", "value": delta}]);
    assert_eq!(
        found,
        [
            row(1139.2, 1232.8, -7.59247242050616),
            row(17.4279452054795, 16.9958904109589, 2.54211332312404),
            row(8.83561643835616, 8.66246575342466, 1.9988614080587),
            row(3.15972602739726, 3.38767123287671, -6.72866963202588),
        ]
    );
}

#[tokio::test]
async fn without_dates_the_last_28_days_with_data_are_answered() {
    let (_app, client, _) = weather().await;
    let answer = client.get("/api/metrics?compare=previous").await.ok();
    assert_eq!((&answer["from"], &answer["to"]), (&json!("2015-12-04"), &json!("2015-12-31")));
    assert_eq!(answer["compare"], json!({"mode": "previous", "from": "2015-11-06", "to": "2015-12-03"}));
    let rain = metric(&client, "precipitation", "compare=previous").await;
    assert_eq!(
        json!([rain["value"], rain["previous"], rain["delta"]]),
        json!([257.1, 211.4, {"kind": "percent", "value": 21.6177861873226}])
    );
    let wind = metric(&client, "wind", "compare=previous").await;
    assert_eq!(
        json!([wind["value"], wind["previous"], wind["delta"]["value"]]),
        json!([4.29285714285714, 3.78928571428571, 13.2893496701225])
    );
    let chart = series(&client, "wind", "").await;
    assert_eq!(
        (&chart["from"], &chart["to"], &chart["grain"]),
        (&json!("2015-12-04"), &json!("2015-12-31"), &json!("day"))
    );
    assert_eq!(points(&chart["series"][0]).len(), 28);
}

#[tokio::test]
async fn years_and_quarters_are_built_from_days() {
    let (_app, client, _) = weather().await;
    let years = series(&client, "temp_max", "from=2012-01-01&to=2015-12-31&grain=year").await;
    let expected = [
        ("2012-01-01", 15.2767759562842),
        ("2013-01-01", 16.058904109589),
        ("2014-01-01", 16.9958904109589),
        ("2015-01-01", 17.4279452054795),
    ];
    assert_eq!(points(&years["series"][0]), dated(&expected));
    assert_eq!(years["series"][0]["total"], 16.4390828199863, "the mean of all days, not of the years");
    let rain = series(&client, "precipitation", "from=2014-01-01&to=2015-12-31&grain=quarter").await;
    let expected = [
        ("2014-01-01", 489.2),
        ("2014-04-01", 204.9),
        ("2014-07-01", 122.3),
        ("2014-10-01", 416.4),
        ("2015-01-01", 340.7),
        ("2015-04-01", 72.3),
        ("2015-07-01", 106.7),
        ("2015-10-01", 619.5),
    ];
    assert_eq!(points(&rain["series"][0]), dated(&expected));
    assert_eq!(rain["series"][0]["total"], 2372);
}

#[tokio::test]
async fn months_are_built_from_days() {
    let (_app, client, _) = weather().await;
    let expected = [
        ("2015-01-01", 93.0, 10.1548387096774),
        ("2015-02-01", 134.2, 12.5178571428571),
        ("2015-03-01", 113.5, 14.3774193548387),
        ("2015-04-01", 51.6, 15.5033333333333),
        ("2015-05-01", 14.8, 20.0258064516129),
        ("2015-06-01", 5.9, 26.0633333333333),
        ("2015-07-01", 2.3, 28.0935483870968),
        ("2015-08-01", 83.3, 26.0870967741935),
        ("2015-09-01", 21.1, 20.2933333333333),
        ("2015-10-01", 122.4, 17.5387096774194),
        ("2015-11-01", 212.6, 9.68333333333333),
        ("2015-12-01", 284.5, 8.38064516129032),
    ];
    let query = "from=2015-01-01&to=2015-12-31&grain=month";
    let rain = series(&client, "precipitation", query).await;
    assert_eq!(points(&rain["series"][0]), expected.map(|(month, rain, _)| (month.to_owned(), rain)));
    let heat = series(&client, "temp_max", query).await;
    assert_eq!(points(&heat["series"][0]), expected.map(|(month, _, heat)| (month.to_owned(), heat)));
}

#[tokio::test]
async fn a_week_begins_on_the_tenants_day_even_before_the_range() {
    let (app, client, _) = weather().await;
    let query = "from=2015-03-01&to=2015-03-31&grain=week";
    let chart = series(&client, "temp_min", query).await;
    let expected = [
        ("2015-02-23", 1.1),
        ("2015-03-02", 2.54285714285714),
        ("2015-03-09", 7.28571428571429),
        ("2015-03-16", 7.04285714285714),
        ("2015-03-23", 8.01428571428571),
        ("2015-03-30", 8.35),
    ];
    assert_eq!(points(&chart["series"][0]), dated(&expected));
    app.sql(r#"update tenants set settings = settings || '{"week_start": "sunday"}'"#).await;
    let sundays = series(&client, "temp_min", query).await;
    assert_eq!(points(&sundays["series"][0])[0].0, "2015-03-01");
}

#[tokio::test]
async fn a_split_has_one_line_per_value_and_the_largest_first() {
    let (_app, client, _) = weather().await;
    let answer = series(&client, "temp_max", "from=2015-01-01&to=2015-12-31&grain=year&by=weather&compare=year").await;
    let lines: Vec<Value> = answer["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| json!([line["dims"], line["total"], line["other"]]))
        .collect();
    let line = |weather: &str, total: f64| json!([{"weather": weather}, total, false]);
    assert_eq!(
        lines,
        [
            line("drizzle", 27.7),
            line("sun", 21.4043209876543),
            line("fog", 14.9442307692308),
            line("rain", 13.3520833333333)
        ]
    );
    let compare = &answer["compare"];
    assert_eq!(
        (&compare["mode"], &compare["from"], &compare["to"]),
        (&json!("year"), &json!("2014-01-01"), &json!("2014-12-31"))
    );
    let rain = compare["series"].as_array().unwrap().iter().find(|line| line["dims"]["weather"] == "rain").unwrap();
    assert_eq!(points(rain), dated(&[("2014-01-01", 14.2074324324324)]));
}

#[tokio::test]
async fn a_filter_restricts_to_some_values() {
    let (_app, client, _) = weather().await;
    let range = "from=2015-01-01&to=2015-12-31";
    let rain = metric(&client, "temp_max", &format!("{range}&dims=weather:rain&compare=year")).await;
    assert_eq!((&rain["value"], &rain["previous"]), (&json!(13.3520833333333), &json!(14.2074324324324)));
    let both = metric(&client, "precipitation", &format!("{range}&dims=weather:rain,weather:sun")).await;
    assert_eq!(both["value"], 1139.2);
    let same = metric(&client, "precipitation", &format!("{range}&dims=weather:rain&dims=weather:sun")).await;
    assert_eq!(same["value"], both["value"]);
    let dry = metric(&client, "precipitation", &format!("{range}&dims=weather:sun")).await;
    assert_eq!((&dry["value"], &dry["reason"]), (&json!(0), &Value::Null));
    let none = metric(&client, "precipitation", &format!("{range}&dims=weather:hail&compare=year")).await;
    assert_eq!(
        json!([none["value"], none["reason"], none["delta"]]),
        json!([null, "no_data", {"kind": "none", "value": null}])
    );
}

#[tokio::test]
async fn the_catalogue_knows_grain_dimensions_and_values() {
    let (_app, client, id) = weather().await;
    let mut item = client.get("/api/catalog/wind").await.ok();
    assert!(item["freshness"]["data_through"] == "2015-12-31");
    item.as_object_mut().unwrap().remove("freshness");
    assert_eq!(
        item,
        json!({"key": "wind", "name": "wind", "definition": "", "formula": "mean", "unit": "m/s", "additivity": "ratio",
               "good_direction": "none", "grain": "day", "dimensions": ["weather"],
               "origin": {"source": "csv", "endpoint": "CSV", "field": "wind"},
               "sources": [{"id": id, "name": "Clima", "provider": "csv"}], "version": 1,
               "dimension_values": {"weather": ["drizzle", "fog", "rain", "snow", "sun"]}})
    );
    let found = client.get("/api/catalog?q=TEMP").await.ok();
    let keys: Vec<&Value> = found["items"].as_array().unwrap().iter().map(|item| &item["key"]).collect();
    assert_eq!(keys, ["temp_max", "temp_min"]);
    assert_eq!(found["next_cursor"], Value::Null);
}
