//! Moving a source into another zone.

use serde_json::{Value, json};
use time::macros::{date, datetime};

use crate::harness::TestApp;
use crate::harness::client::Client;
use crate::harness::tiny::{Step, batch, derive, record, seen};

async fn orders(admin: &Client) -> Vec<(String, i64)> {
    let series = admin.get("/api/series/tiny.orders?from=2026-11-09&to=2026-11-12&grain=day").await.ok();
    let points = series["series"][0]["points"].as_array().unwrap();
    let point = |point: &Value| (point["t"].as_str().unwrap().to_owned(), point["value"].as_i64().unwrap());
    points.iter().map(point).filter(|(_, value)| *value != 0).collect()
}

#[tokio::test]
async fn records_move_to_the_days_of_the_new_zone_and_their_facts_are_made_anew_at_once() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    // Half past midnight in Madrid, still the evening before in New York.
    let night = record("o1", datetime!(2026-11-10 23:30 UTC), "tiny.orders", 3);
    let noon = record("o2", datetime!(2026-11-11 12:00 UTC), "tiny.orders", 4);
    let rows = vec![
        seen(vec![night, noon], datetime!(2026-11-23 10:00 UTC)),
        derive(date!(2026 - 11 - 09), date!(2026 - 11 - 12)),
    ];
    tiny.then("a1", Step::Batch(batch("orders", date!(2026 - 11 - 22), rows)));
    app.drain().await;
    assert_eq!(orders(&admin).await, [("2026-11-11".to_owned(), 7)]);

    let path = format!("/api/sources/{id}");
    let ordered = admin.patch(&path, &json!({"zone": "America/New_York"})).await.ok();
    assert_eq!((&ordered["zone"], &ordered["zone_wanted"]), (&json!("Europe/Madrid"), &json!("America/New_York")));
    assert_eq!(orders(&admin).await, [("2026-11-11".to_owned(), 7)], "as it was until all of it is moved");
    app.drain().await;
    app.let_time_pass().await;
    assert_eq!(orders(&admin).await, [("2026-11-10".to_owned(), 3), ("2026-11-11".to_owned(), 4)]);
    let moved = admin.source(&id).await;
    assert_eq!((&moved["zone"], &moved["zone_wanted"]), (&json!("America/New_York"), &Value::Null));
    let began = app.rows("select distinct ts from datapoints where period_start = '2026-11-10'").await;
    assert_eq!(began, [json!({"ts": "2026-11-10T05:00:00+00:00"})]);
    assert_eq!(app.value("select count(*) from restatements").await, 0, "other days, not other figures");
    assert_eq!(moved["freshness"]["data_through"], Value::Null, "two streams were never read");
    assert_eq!(moved["streams"][0]["data_through"], "2026-11-21");
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
    // The same once more is no change.
    assert_eq!(admin.patch(&path, &json!({"zone": "America/New_York"})).await.ok()["zone_wanted"], Value::Null);
}

#[tokio::test]
async fn a_zone_is_known_and_the_clients_to_choose() {
    let (app, _) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let tiny = format!("/api/sources/{}", admin.add_source("tiny", "Pedidos").await);
    let google = format!("/api/sources/{}", admin.add_source("ga4", "Web").await);
    let refusal = async |path: &str, zone: &str| admin.patch(path, &json!({"zone": zone})).await.field();
    assert_eq!(refusal(&tiny, "Europe/Atlantis").await, ("zone".into(), "unknown_zone".into()));
    assert_eq!(refusal(&google, "Europe/Madrid").await, ("zone".into(), "not_chosen".into()));
    let first = admin.patch(&tiny, &json!({"zone": "America/Lima"})).await.ok();
    assert_eq!((&first["zone"], &first["zone_wanted"]), (&json!("America/Lima"), &Value::Null), "nothing to be moved");
}
