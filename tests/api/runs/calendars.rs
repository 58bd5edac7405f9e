//! Days and money belong to the property: what becomes of a run when its owner moves it, and across clock changes.

use serde_json::json;

use super::STORED;
use crate::harness::TestApp;

#[tokio::test]
async fn a_property_that_moves_is_read_anew_and_its_history_stays_in_view_until_then() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.google.set_calendar("America/Santiago", "CLP");
    admin.act(&format!("/api/sources/{id}/sync")).await.ok();
    // The first batch finds out; it writes nothing, and the run hands over to the next attempt.
    let message = app.queue.next_immediate().unwrap();
    app.deliver(&message).await.ok();
    let source = app.rows("select zone, currency from data_sources").await;
    assert_eq!(source, [json!({"zone": "America/Santiago", "currency": "CLP"})]);
    assert_eq!(app.value("select count(*) from datapoints where currency = 'EUR'").await, 35 * 7);
    assert_eq!(app.value("select count(*) from datapoints").await, STORED);

    app.let_time_pass().await;
    let sync = admin.last_sync(&id).await;
    assert_eq!(
        (&sync["status"], &sync["from"], &sync["to"]),
        (&json!("succeeded"), &json!("2025-10-01"), &json!("2026-11-23"))
    );
    assert_eq!(app.value("select count(*) from datapoints").await, STORED, "replaced day by day, nothing twice");
    assert_eq!(app.value("select count(*) from datapoints where currency = 'EUR'").await, 0);
    let midnights =
        app.rows("select distinct to_char(ts at time zone 'America/Santiago', 'HH24:MI') as at from datapoints").await;
    assert_eq!(midnights, [json!({"at": "00:00"})]);
    let log = app.rows("select code, figures from sync_log where code = 'calendar_changed'").await;
    let figures = json!({
        "zone": "America/Santiago", "zone_before": "Europe/Madrid", "currency": "CLP", "currency_before": "EUR"
    });
    assert_eq!(log, [json!({"code": "calendar_changed", "figures": figures})]);
    assert_eq!(app.value("select count(*) from restatements").await, 0, "another calendar is no correction");
    let revenue = admin.get("/api/metrics?from=2026-11-01&to=2026-11-20").await.ok();
    let items = revenue["metrics"].as_array().unwrap();
    let money: Vec<_> =
        items.iter().filter(|item| item["key"] == "ga4.revenue").map(|item| &item["currency"]).collect();
    assert_eq!(money, ["CLP"]);
}

#[tokio::test]
async fn days_on_both_sides_of_a_clock_change_are_each_stored_once_whatever_the_tenants_zone_is() {
    // Madrid's clocks go back on 25 October 2026, within the property's days; Santiago's did in April and went forward,
    // over midnight, in September. The tenant sits in Los Angeles, where it is still the day before.
    for (zone, first) in
        [("Europe/Madrid", "2026-10-19T22:00:00+00:00"), ("America/Santiago", "2026-10-20T03:00:00+00:00")]
    {
        let app = TestApp::start().await;
        app.sql("update tenants set settings = settings || '{\"zone\": \"America/Los_Angeles\"}'").await;
        app.google.set_calendar(zone, "EUR");
        let admin = app.acme().await;
        app.synced(&admin).await;
        let days = app
            .rows(
                "select count(*) as days, count(distinct ts) as instants, min(ts) as first,
                          bool_and((ts at time zone d.zone)::date = p.period_start) as own
                     from datapoints p join data_sources d on d.id = p.source_id
                     join metrics m on m.id = p.metric_id
                    where m.key = 'ga4.sessions' and p.dim_set = '[]'",
            )
            .await;
        assert_eq!(days, [json!({"days": 35, "instants": 35, "first": first, "own": true})], "{zone}");
    }
}
