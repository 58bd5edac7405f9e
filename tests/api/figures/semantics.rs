//! What may be added up, what may not, and what a question may ask.

use serde_json::{Value, json};

use super::{daily, dated, mapping, metric, points, series, value};
use crate::harness::TestApp;
use crate::harness::client::Client;

async fn with(file: &str, mapping: &Value) -> (TestApp, Client) {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    acme.import("Datos", file, mapping).await;
    (app, acme)
}

const NOT_ADDITIVE: (Value, &str) = (Value::Null, "not_additive");
const NO_DATA: (Value, &str) = (Value::Null, "no_data");

fn is((value, reason): (Value, Value), expected: &(Value, &str)) {
    assert_eq!((value, reason), (expected.0.clone(), json!(expected.1)));
}

#[tokio::test]
async fn a_missing_day_is_a_gap_and_never_zero() {
    let file = "date,n\n2026-01-01,5\n2026-01-02,\n2026-01-03,0\n2026-01-05,7\n";
    let (_app, client) = with(file, &daily(&[("n", "count", "sum")], &[])).await;
    let chart = series(&client, "n", "from=2026-01-01&to=2026-01-06").await;
    assert_eq!(points(&chart["series"][0]), dated(&[("2026-01-01", 5.0), ("2026-01-03", 0.0), ("2026-01-05", 7.0)]));
    is(value(&client, "n", "from=2026-01-06&to=2026-01-09").await, &NO_DATA);
    is(value(&client, "n", "from=2026-01-02&to=2026-01-02").await, &NO_DATA);
    assert_eq!(value(&client, "n", "from=2026-01-03&to=2026-01-03").await, (json!(0), Value::Null));
    assert_eq!(series(&client, "n", "from=2026-01-06&to=2026-01-09").await["series"], json!([]));
}

#[tokio::test]
async fn a_snapshot_is_its_last_value_and_never_a_sum() {
    let file = "date,stock\n2026-01-30,100\n2026-01-31,90\n2026-02-02,80\n";
    let (_app, client) = with(file, &daily(&[("stock", "count", "last")], &[])).await;
    assert_eq!(value(&client, "stock", "from=2026-01-01&to=2026-02-28").await.0, 80);
    assert_eq!(value(&client, "stock", "from=2026-01-01&to=2026-01-31").await.0, 90);
    let chart = series(&client, "stock", "from=2026-01-01&to=2026-02-28&grain=month").await;
    assert_eq!(points(&chart["series"][0]), dated(&[("2026-01-01", 90.0), ("2026-02-01", 80.0)]));
    assert_eq!(chart["series"][0]["total"], 80);
}

#[tokio::test]
async fn a_snapshot_of_several_shops_is_told_per_shop_only() {
    let file = "date,shop,stock\n2026-01-01,A,10\n2026-01-01,B,20\n2026-01-02,A,11\n2026-01-02,B,22\n";
    let (_app, client) = with(file, &daily(&[("stock", "count", "last")], &["shop"])).await;
    let range = "from=2026-01-01&to=2026-01-02";
    is(value(&client, "stock", range).await, &NOT_ADDITIVE);
    assert_eq!(value(&client, "stock", &format!("{range}&dims=shop:B")).await.0, 22);
    let split = series(&client, "stock", &format!("{range}&by=shop")).await;
    let totals: Vec<&Value> = split["series"].as_array().unwrap().iter().map(|line| &line["total"]).collect();
    assert_eq!(totals, [22, 11]);
}

#[tokio::test]
async fn distinct_counts_answer_for_exactly_one_stored_period() {
    let file = "date,users\n2026-01-01,10\n2026-01-02,20\n2026-01-09,5\n";
    let (_app, client) = with(file, &daily(&[("users", "count", "unique")], &[])).await;
    assert_eq!(value(&client, "users", "from=2026-01-02&to=2026-01-02").await, (json!(20), Value::Null));
    is(value(&client, "users", "from=2026-01-01&to=2026-01-02").await, &NOT_ADDITIVE);
    // Only one day of these has data, but nobody counted the people of the seven days.
    is(value(&client, "users", "from=2026-01-03&to=2026-01-09").await, &NOT_ADDITIVE);
    is(value(&client, "users", "from=2026-01-05&to=2026-01-05").await, &NO_DATA);
    let days = series(&client, "users", "from=2026-01-01&to=2026-01-31").await;
    assert_eq!(days["series"][0]["total"], Value::Null);
    assert_eq!(points(&days["series"][0]).len(), 3);
    let weeks = series(&client, "users", "from=2026-01-01&to=2026-01-31&grain=week").await;
    assert_eq!((&weeks["series"], &weeks["reason"]), (&json!([]), &json!("not_additive")));
    let compared = metric(&client, "users", "from=2026-01-09&to=2026-01-09&compare=previous").await;
    assert_eq!(
        json!([compared["value"], compared["previous"], compared["delta"]]),
        json!([5, null, {"kind": "none", "value": null}])
    );
    let table = client.get("/api/table?metrics=users&by=date&grain=week&from=2026-01-01&to=2026-01-31").await.ok();
    assert!(table["rows"].as_array().unwrap().iter().all(|row| row["values"] == json!({})), "{table}");
    assert_eq!(table["totals"], json!({}));
    let table = client.get("/api/table?metrics=users&by=date&from=2026-01-03&to=2026-01-31").await.ok();
    assert_eq!((&table["rows"][0]["values"], &table["totals"]), (&json!({"users": 5}), &json!({})));
}

#[tokio::test]
async fn two_sources_of_one_metric_add_up_and_are_as_old_as_the_older() {
    let (app, client) = with("date,n\n2026-01-01,5\n2026-01-02,6\n", &daily(&[("n", "count", "sum")], &[])).await;
    app.advance(time::Duration::hours(1));
    let other = client.import("Otra", "date,n\n2026-01-02,10\n", &daily(&[("n", "count", "sum")], &[])).await;
    let item = metric(&client, "n", "from=2026-01-01&to=2026-01-31").await;
    assert_eq!(item["value"], 21);
    assert_eq!(item["freshness"]["fetched_at"], "2026-11-23T10:00:00Z");
    let chart = series(&client, "n", "from=2026-01-01&to=2026-01-31").await;
    assert_eq!(points(&chart["series"][0]), dated(&[("2026-01-01", 5.0), ("2026-01-02", 16.0)]));
    assert_eq!(client.delete(&format!("/api/sources/{other}")).await.status, 204);
    assert_eq!(value(&client, "n", "from=2026-01-01&to=2026-01-31").await.0, 11);
}

#[tokio::test]
async fn a_change_of_a_percentage_is_in_points_and_of_nothing_is_new() {
    let file = "date,rate,part,n\n2026-01-01,0.25,25,0\n2026-01-02,0.30,30.5,4\n2026-01-03,0.3,30,4\n";
    let metrics = [("rate", "percent", "mean"), ("part", "%", "mean"), ("n", "count", "sum")];
    let (_app, client) = with(file, &daily(&metrics, &[])).await;
    let delta = async |key: &str, day: &str| {
        metric(&client, key, &format!("from={day}&to={day}&compare=previous")).await["delta"].clone()
    };
    assert_eq!(delta("rate", "2026-01-02").await, json!({"kind": "points", "value": 5}));
    assert_eq!(delta("part", "2026-01-02").await, json!({"kind": "points", "value": 5.5}));
    assert_eq!(delta("n", "2026-01-02").await, json!({"kind": "new", "value": null}));
    assert_eq!(delta("n", "2026-01-03").await, json!({"kind": "percent", "value": 0}));
    assert_eq!(delta("n", "2026-01-01").await, json!({"kind": "none", "value": null}));
}

#[tokio::test]
async fn monthly_data_counts_by_whole_months_and_has_no_days() {
    let file = "date,n\n2026-01,100\n2026-02,200\n2026-03,400\n";
    let (_app, client) = with(file, &mapping("month", "%Y-%m", &[("n", "count", "sum")], &[])).await;
    assert_eq!(value(&client, "n", "from=2026-01-01&to=2026-03-31").await.0, 700);
    assert_eq!(value(&client, "n", "from=2026-01-02&to=2026-03-30").await.0, 200, "only February lies wholly inside");
    for grain in ["day", "week"] {
        let answer = client.get(&format!("/api/series/n?from=2026-01-01&to=2026-03-31&grain={grain}")).await;
        answer.problem(422, "grain_too_fine");
    }
    client.get("/api/table?metrics=n&by=date&from=2026-01-01&to=2026-03-31").await.problem(422, "grain_too_fine");
    let chart = series(&client, "n", "from=2026-01-01&to=2026-03-31").await;
    assert_eq!(chart["grain"], "month");
    let quarter = series(&client, "n", "from=2026-01-01&to=2026-03-31&grain=quarter").await;
    assert_eq!(points(&quarter["series"][0]), dated(&[("2026-01-01", 700.0)]));
    assert_eq!(metric(&client, "n", "").await["freshness"]["data_through"], "2026-03-31");
}

#[tokio::test]
async fn a_range_without_a_whole_stored_period_says_so_and_the_default_range_has_one() {
    let file = "date,n\n2026-01,100\n2026-02,200\n2026-03,400\n";
    let (_app, client) = with(file, &mapping("month", "%Y-%m", &[("n", "count", "sum")], &[])).await;
    let cut = metric(&client, "n", "from=2026-02-02&to=2026-02-28").await;
    assert_eq!((&cut["value"], &cut["reason"]), (&Value::Null, &json!("period_not_stored")));
    let later = metric(&client, "n", "from=2026-05-01&to=2026-05-31").await;
    assert_eq!((&later["value"], &later["reason"]), (&Value::Null, &json!("no_data")));
    let board = client.get("/api/metrics").await.ok();
    assert_eq!((&board["from"], &board["to"]), (&json!("2026-03-01"), &json!("2026-03-31")));
    assert_eq!(board["metrics"][0]["value"], 400);
}

#[tokio::test]
async fn both_ranges_of_a_comparison_have_the_same_splits() {
    // Sixty values; the largest of one range are the smallest of the other.
    let rows: Vec<String> = (0..60)
        .flat_map(|n| [format!("2026-01-01,v{n:02},{}", n + 1), format!("2026-01-02,v{n:02},{}", 100 - n)])
        .collect();
    let file = format!("date,city,n\n{}\n", rows.join("\n"));
    let (_app, client) = with(&file, &daily(&[("n", "count", "sum")], &["city"])).await;
    let answer = series(&client, "n", "from=2026-01-02&to=2026-01-02&by=city&compare=previous").await;
    let splits =
        |lines: &Value| -> Vec<Value> { lines.as_array().unwrap().iter().map(|line| line["dims"].clone()).collect() };
    assert_eq!(splits(&answer["series"]).len(), 51);
    assert_eq!(splits(&answer["series"]), splits(&answer["compare"]["series"]));
}

#[tokio::test]
async fn yearly_data_has_years_only() {
    let file = "date,gdp\n1999,1.5\n2000,2.5\n";
    let (_app, client) = with(file, &mapping("year", "%Y", &[("gdp", "count", "sum")], &[])).await;
    let chart = series(&client, "gdp", "from=1990-01-01&to=2005-12-31").await;
    assert_eq!(
        (&chart["grain"], points(&chart["series"][0])),
        (&json!("year"), dated(&[("1999-01-01", 1.5), ("2000-01-01", 2.5)]))
    );
    client.get("/api/series/gdp?from=1999-01-01&to=2000-12-31&grain=quarter").await.problem(422, "grain_too_fine");
    assert_eq!(value(&client, "gdp", "from=1999-06-01&to=2000-12-31").await.0, 2.5);
}

#[tokio::test]
async fn beyond_fifty_splits_the_rest_is_one_line() {
    let rows: Vec<String> = (0..60).map(|n| format!("2026-01-01,v{n:02},{}", n + 1)).collect();
    let (_app, client) =
        with(&format!("date,what,n\n{}\n", rows.join("\n")), &daily(&[("n", "count", "sum")], &["what"])).await;
    let answer = series(&client, "n", "from=2026-01-01&to=2026-01-01&by=what").await;
    let lines = answer["series"].as_array().unwrap();
    assert_eq!(lines.len(), 51);
    assert_eq!((&lines[0]["dims"]["what"], &lines[0]["total"]), (&json!("v59"), &json!(60)));
    assert_eq!((&lines[49]["dims"]["what"], &lines[49]["other"]), (&json!("v10"), &json!(false)));
    let rest = json!({"dims": {}, "currency": null, "other": true, "total": 55,
                      "points": [{"t": "2026-01-01", "value": 55, "provisional": false}]});
    assert_eq!(lines[50], rest);
}

#[tokio::test]
async fn a_value_with_comma_colon_and_backslash_is_found_when_escaped() {
    let file = "date,city,n\n2026-01-01,\"A, B:C\\D\",3\n2026-01-01,A,4\n2026-01-01,,5\n";
    let (_app, client) = with(file, &daily(&[("n", "count", "sum")], &["city"])).await;
    let ask = async |filter: &str| {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("from", "2026-01-01")
            .append_pair("to", "2026-01-01")
            .append_pair("dims", filter)
            .finish();
        client.get(&format!("/api/metrics?{query}")).await
    };
    assert_eq!(ask(r"city:A\, B\:C\\D").await.ok()["metrics"][0]["value"], 3);
    assert_eq!(ask("city:A").await.ok()["metrics"][0]["value"], 4);
    // An empty cell is a value too, so that no figure disappears.
    assert_eq!(ask("city:(empty)").await.ok()["metrics"][0]["value"], 5);
    for bad in ["city:A:B", "city:A, B", "city", r"city:A\x", ":A"] {
        assert_eq!(ask(bad).await.field(), ("dims".into(), "bad_filter".into()), "{bad}");
    }
}

#[tokio::test]
async fn unknown_and_uncombined_dimensions_are_told_apart() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    app.synced(&acme).await;
    let range = "from=2026-11-01&to=2026-11-10";
    let path = |query: &str| format!("/api/series/ga4.sessions?{range}&{query}");
    acme.get(&path("by=planet")).await.problem(422, "unknown_dimension");
    acme.get(&path("by=country&dims=channel:Direct")).await.problem(422, "dimensions_not_combined");
    acme.get(&format!("/api/table?metrics=ga4.sessions&by=country,device&{range}"))
        .await
        .problem(422, "dimensions_not_combined");
    let filtered = series(&acme, "ga4.sessions", &format!("{range}&dims=country:Spain&by=country")).await;
    assert_eq!(filtered["series"].as_array().unwrap().len(), 1);
    let users = metric(&acme, "ga4.users", &format!("{range}&dims=country:Spain")).await;
    assert_eq!((&users["value"], &users["reason"]), (&Value::Null, &json!("dimension_not_stored")));
    let provisional = series(&acme, "ga4.sessions", "from=2026-11-19&to=2026-11-23").await;
    let flags: Vec<&Value> =
        provisional["series"][0]["points"].as_array().unwrap().iter().map(|point| &point["provisional"]).collect();
    assert_eq!(flags, [false, false, true, true, true]);
}

#[tokio::test]
async fn a_range_has_an_order_and_a_limit() {
    let (_app, client) = with("date,n\n2026-01-01,5\n", &daily(&[("n", "count", "sum")], &[])).await;
    for path in ["/api/metrics?", "/api/series/n?", "/api/table?metrics=n&"] {
        let reversed = client.get(&format!("{path}from=2026-01-02&to=2026-01-01")).await;
        assert_eq!(reversed.field(), ("from".into(), "range_reversed".into()));
        client.get(&format!("{path}from=0001-01-01&to=9998-12-31")).await.problem(422, "range_too_long");
        assert_eq!(client.get(&format!("{path}from=2026-01-01")).await.field(), ("to".into(), "required".into()));
        assert_eq!(client.get(&format!("{path}from=2026-02-30&to=2026-03-01")).await.field().0, "from");
        assert_eq!(
            client.get(&format!("{path}tenant_id=x")).await.field(),
            ("tenant_id".into(), "unknown_parameter".into())
        );
    }
    client.get("/api/series/n?from=2000-01-01&to=2020-12-31&grain=day").await.problem(422, "range_too_long");
    series(&client, "n", "from=2000-01-01&to=2020-12-31&grain=week").await;
    client.get("/api/series/unknown").await.problem(404, "not_found");
    client.get("/api/catalog/unknown").await.problem(404, "not_found");
    client.get("/api/series/%00").await.problem(404, "not_found");
    client.get("/api/catalog/%00").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_number_has_at_most_fifteen_significant_digits() {
    let file = "date,sum,mean,large\n2026-01-01,0.1,1,99999999999999999.12\n2026-01-01,0.2,0,0\n2026-01-01,0.00000000000000000001,0,0\n";
    let (_app, client) =
        with(file, &daily(&[("sum", "", "sum"), ("mean", "", "mean"), ("large", "", "sum")], &[])).await;
    let text = client.get("/api/metrics?from=2026-01-01&to=2026-01-01").await.text();
    for number in [r#""value":0.3,"#, r#""value":0.333333333333333,"#, r#""value":100000000000000000,"#] {
        assert!(text.contains(number), "{number} is missing in {text}");
    }
}
