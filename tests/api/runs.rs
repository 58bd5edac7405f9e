//! Runs of a Google source: what they store, and what becomes of every kind of failure.

mod calendars;
mod engine;
mod failing;
mod jobs;
mod recovering;
mod suspending;
mod zones;

use portal::domain::number::Number;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::macros::date;
use time::{Date, Duration};

use crate::harness::TestApp;
use crate::harness::google::{FIRST_DAY, Fault, Seen, period_users, sessions};

/// Reports that the first run asks for: five for each of its fourteen slices.
const FIRST_RUN: usize = 70;
/// Periods of the first run whose users are known as a whole: eight that trail, five weeks, a month.
const PERIODS: i64 = 8 + 5 + 1;
/// Datapoints of the first run: 35 days of nine metrics as a whole and in six parts, and of the users; and the periods.
const STORED: i64 = 35 * (9 * 7 + 1) + PERIODS;

#[tokio::test]
async fn the_first_run_reads_thirteen_months_and_every_total_is_googles() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    let sync = admin.last_sync(&id).await;
    assert_eq!(
        sync,
        json!({"id": sync["id"], "trigger": "connect", "status": "succeeded", "started_at": "2026-11-23T10:00:00Z",
               "finished_at": "2026-11-23T10:00:00Z", "from": "2025-10-01", "to": "2026-11-23", "rows_read": 35 * 8 + PERIODS,
               "rows_changed": STORED, "rows_removed": 0, "message": null, "attempts": 1, "batches": 15, "duration": 0,
               "next_attempt_at": null,
               "sentence": format!("Filas leídas: {}; datos nuevos o cambiados: {STORED}; retirados: 0.", 35 * 8 + PERIODS)})
    );
    assert_eq!(app.google.seen(":runReport").len(), FIRST_RUN);
    let source = admin.source(&id).await;
    assert_eq!(
        source["freshness"],
        json!({"data_through": "2026-11-22", "fetched_at": "2026-11-23T10:00:00Z", "next_due": "2026-11-23T16:00:00Z",
               "provisional_from": "2026-11-21", "status": "connected", "late": false})
    );
    assert_eq!((&source["status_text"], &source["progress"]), (&json!("Todo en orden."), &Value::Null));

    let days: Vec<i64> = (0..35).map(|n| sessions(FIRST_DAY + Duration::days(n))).collect();
    let all: i64 = days.iter().sum();
    let answer = admin.get("/api/metrics?from=2026-10-01&to=2026-11-23").await.ok();
    let metric =
        |key: &str| answer["metrics"].as_array().unwrap().iter().find(|item| item["key"] == key).unwrap().clone();
    assert_eq!(metric("ga4.sessions")["value"], all);
    assert_eq!(metric("ga4.views")["value"], all * 3);
    let money: Decimal = days.iter().map(|day| Decimal::from(*day) + Decimal::new(25, 2)).sum();
    let revenue = metric("ga4.revenue");
    assert_eq!((&revenue["value"], &revenue["currency"]), (&json!(Number(money)), &json!("EUR")));
    let users = metric("ga4.users");
    assert_eq!((&users["value"], &users["reason"]), (&Value::Null, &json!("not_additive")));
    assert_eq!(metric("ga4.avg_session_duration")["value"], 60.5);
    let bounced: i64 = days.iter().map(|day| day - day / 2).sum();
    let rate = Decimal::from(bounced) / Decimal::from(all);
    assert_eq!(metric("ga4.bounce_rate")["value"], json!(Number(rate)), "a ratio divides last");
    let split = admin.get("/api/series/ga4.sessions?from=2026-10-20&to=2026-11-23&by=country").await.ok();
    let thirds: i64 = days.iter().map(|day| day / 3).sum();
    let parts: Vec<(&Value, &Value)> =
        split["series"].as_array().unwrap().iter().map(|line| (&line["dims"]["country"], &line["total"])).collect();
    assert_eq!(parts, [(&json!("Spain"), &json!(all - thirds)), (&json!("France"), &json!(thirds))]);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    let before = app.rows("select * from datapoints order by external_id").await;
    assert_eq!(admin.act(&format!("/api/sources/{id}/sync")).await.status, 202);
    assert_eq!(app.drain().await, 1);
    let sync = admin.last_sync(&id).await;
    assert_eq!((&sync["trigger"], &sync["status"]), (&json!("manual"), &json!("succeeded")));
    assert_eq!((&sync["from"], &sync["to"]), (&json!("2026-11-19"), &json!("2026-11-23")));
    assert_eq!(
        (&sync["rows_read"], &sync["rows_changed"], &sync["rows_removed"]),
        (&json!(5 * 8 + 8 + 1), &json!(0), &json!(0))
    );
    assert_eq!(app.google.seen(":runReport").len(), FIRST_RUN + 5);
    assert_eq!(app.rows("select * from datapoints order by external_id").await, before);
}

#[tokio::test]
async fn a_row_that_google_no_longer_returns_is_removed_and_a_changed_one_replaced() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.google.vanish("France", date!(2026 - 11 - 22));
    app.google.vanish("France", date!(2026 - 11 - 01));
    app.google.add_sessions(300);
    admin.act(&format!("/api/sources/{id}/sync")).await.ok();
    app.drain().await;
    let sync = admin.last_sync(&id).await;
    assert_eq!(sync["rows_removed"], 9, "nine metrics of one day; the other day is outside the window");
    let get = |day: &str| format!("/api/series/ga4.sessions?from={day}&to={day}&by=country");
    let line = |answer: Value| answer["series"].as_array().unwrap().len();
    assert_eq!(line(admin.get(&get("2026-11-22")).await.ok()), 1);
    assert_eq!(line(admin.get(&get("2026-11-01")).await.ok()), 2);
    let total = |answer: Value| answer["series"][0]["total"].clone();
    let whole = |day: &str| format!("/api/series/ga4.sessions?from={day}&to={day}");
    assert_eq!(total(admin.get(&whole("2026-11-22")).await.ok()), sessions(date!(2026 - 11 - 22)) + 300);
    assert_eq!(total(admin.get(&whole("2026-11-01")).await.ok()), sessions(date!(2026 - 11 - 01)));
    assert_eq!(app.value("select count(*) from datapoints").await, STORED - 9);
}

#[tokio::test]
async fn a_later_run_reads_what_was_missed_in_between() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.advance(Duration::days(10));
    app.fire("schedule_syncs").await;
    app.drain().await;
    let sync = admin.last_sync(&id).await;
    // The weekly look back is due, too.
    assert_eq!((&sync["from"], &sync["to"]), (&json!("2026-10-29"), &json!("2026-12-03")));
    assert_eq!(sync["rows_changed"], 10 * 64 + provisional_changes() + period_changes());
    assert_eq!(admin.source(&id).await["freshness"]["data_through"], "2026-12-02");
}

/// The three days that were provisional on 23 November and are final ten days later.
fn provisional_changes() -> i64 {
    3 * 64
}

/// Twelve periods that trail, November, its last week, and the week that was provisional; October and its weeks stay.
fn period_changes() -> i64 {
    12 + 1 + 1 + 1
}

#[tokio::test]
async fn the_users_of_whole_periods_are_googles_and_never_a_sum() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.synced(&admin).await;
    let users = async |from: Date, to: Date| {
        let answer = admin.get(&format!("/api/metrics?from={from}&to={to}&compare=previous")).await.ok();
        answer["metrics"].as_array().unwrap().iter().find(|item| item["key"] == "ga4.users").unwrap().clone()
    };
    for (from, to) in [
        (date!(2026 - 11 - 17), date!(2026 - 11 - 23)),
        (date!(2026 - 11 - 16), date!(2026 - 11 - 22)),
        (date!(2026 - 10 - 26), date!(2026 - 11 - 22)),
        (date!(2026 - 10 - 27), date!(2026 - 11 - 23)),
        (date!(2026 - 11 - 01), date!(2026 - 11 - 22)),
        (date!(2026 - 10 - 01), date!(2026 - 10 - 31)),
    ] {
        let found = users(from, to).await;
        assert_eq!((&found["value"], &found["reason"]), (&json!(period_users(from, to)), &Value::Null), "{from} {to}");
    }
    // Seven and twenty-eight days can be compared with as many before.
    let trailing = users(date!(2026 - 10 - 26), date!(2026 - 11 - 22)).await;
    assert_eq!(trailing["previous"], period_users(date!(2026 - 09 - 28), date!(2026 - 10 - 25)));
    let odd = users(date!(2026 - 11 - 10), date!(2026 - 11 - 20)).await;
    assert_eq!((&odd["value"], &odd["reason"]), (&Value::Null, &json!("not_additive")));

    let weekly = admin.get("/api/series/ga4.users?from=2026-10-26&to=2026-11-22&grain=week").await.ok();
    let points: Vec<(&Value, &Value)> =
        weekly["series"][0]["points"].as_array().unwrap().iter().map(|point| (&point["t"], &point["value"])).collect();
    let of = |from: Date| (json!(from.to_string()), json!(period_users(from, from + Duration::days(6))));
    let expected = [date!(2026 - 10 - 26), date!(2026 - 11 - 02), date!(2026 - 11 - 09), date!(2026 - 11 - 16)].map(of);
    assert_eq!(points, expected.each_ref().map(|point| (&point.0, &point.1)));
    let yearly = admin.get("/api/series/ga4.users?from=2025-01-01&to=2026-11-22&grain=year").await.ok();
    assert_eq!((&yearly["series"], &yearly["reason"]), (&json!([]), &json!("not_additive")));
}

#[tokio::test]
async fn slices_are_as_long_as_google_answers_them_in_full_and_in_few_rows() {
    for (sampled_over, crowded_over, longest) in [(10, i64::MAX, 7), (5, i64::MAX, 1), (i64::MAX, 4, 3)] {
        let app = TestApp::start().await;
        let admin = app.acme().await;
        app.google.bound_ranges(sampled_over, crowded_over);
        // Two months of history are enough.
        let id = app.connect_ga4(&admin).await;
        app.sql(
            "insert into source_streams (tenant_id, source_id, stream, backfill_until)
                 select tenant_id, id, 'reports', '2026-10-01' from data_sources",
        )
        .await;
        app.drain().await;
        assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
        let whole = app.value("select count(*) from datapoints where grain = 'day'").await;
        assert_eq!(whole, 35 * 64, "the same figures as in long slices");
        let notes = app.value("select count(*) from sync_log where code = 'ga4_note_sampled'").await;
        assert_eq!(notes, 0, "no estimate was kept");
        let refused = app.google.seen(":runReport").iter().filter(|seen| days(seen) > longest).count();
        assert!(refused <= 8, "how long a slice may be is remembered: {refused}");
    }
}

/// Days that a report asks for.
fn days(seen: &Seen) -> i64 {
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    let day = |name: &str| {
        let text = body["dateRanges"][0][name].as_str().unwrap();
        Date::parse(text, time::macros::format_description!("[year]-[month]-[day]")).unwrap()
    };
    (day("endDate") - day("startDate")).whole_days() + 1
}

#[tokio::test]
async fn only_the_periods_that_trail_today_are_kept_and_nothing_is_said_of_those_before() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.synced(&admin).await;
    app.advance(Duration::days(1));
    app.fire("schedule_syncs").await;
    app.drain().await;
    let spans = app.rows("select distinct grain, max(period_end) as last, count(*) as n from datapoints where grain = 'span' group by 1").await;
    // Tuesday: the week so far has one day through yesterday.
    assert_eq!(spans, [json!({"grain": "span", "last": "2026-11-24", "n": 11})]);
    assert_eq!(app.value("select count(*) from restatements").await, 0);
}

#[tokio::test]
async fn a_run_killed_between_two_portions_of_periods_reads_the_rest_later() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    app.google.fail(Fault::new(":batchRunReports", 503, json!({})).after(1).times(3));
    app.drain().await;
    assert_eq!(app.value("select count(*) from datapoints where grain <> 'day'").await, 0);
    app.let_time_pass().await;
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
    assert_eq!(app.value("select count(*) from datapoints where grain <> 'day'").await, PERIODS);
}

#[tokio::test]
async fn the_sources_day_is_its_own_zones_day() {
    let app = TestApp::start().await;
    // Half past midnight of the 24th in Madrid, where the property lives; still the 23rd in UTC.
    app.advance(Duration::hours(13) + Duration::minutes(30));
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    assert_eq!(admin.last_sync(&id).await["to"], "2026-11-24");
    let first = app.rows("select ts, period_start from datapoints where period_start = '2026-11-24' limit 1").await;
    assert_eq!(first[0]["ts"], "2026-11-23T23:00:00+00:00");
}
