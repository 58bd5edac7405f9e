//! What the engine does for every provider: turns, allowances, breakers, streams that cannot be read, records, restatements.

use portal::connectors::contract::{Allowance, Batch, Blocked, Partition, Write};
use portal::connectors::error::ConnectorError;
use portal::connectors::sentences::codes;
use portal::domain::fact::{Dims, Fact};
use portal::domain::ids::{CredentialId, TenantId};
use portal::domain::period::Grain;
use portal::store::request_buckets::{self, Bucket};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::macros::{date, datetime};
use time::{Date, Duration};

use crate::harness::TestApp;
use crate::harness::client::Client;
use crate::harness::tiny::{Step, Tiny, batch, derive, record, seen};

const DAY: Date = date!(2026 - 11 - 10);
const TODAY: Date = date!(2026 - 11 - 23);

/// Reads a source once more; gives the run.
async fn again(app: &TestApp, admin: &Client, id: &str) -> Value {
    app.advance(Duration::minutes(2));
    admin.act(&format!("/api/sources/{id}/sync")).await.ok();
    app.drain().await;
    admin.last_sync(id).await
}

async fn total(admin: &Client, metric: &str, day: Date) -> Value {
    let series = admin.get(&format!("/api/series/{metric}?from={day}&to={day}")).await.ok();
    series["series"][0]["total"].clone()
}

/// A partition with one total of a day.
fn whole(day: Date, value: i64, provisional: bool) -> Batch {
    let fact = Fact {
        metric_key: "tiny.orders".into(),
        grain: Grain::Day,
        period_start: day,
        period_end: day,
        dims: Dims::new(),
        currency: None,
        value: Decimal::from(value),
        denominator: None,
        provisional,
    };
    let metric_keys = vec!["tiny.orders"];
    let partition =
        Partition { dimensions: vec![], metric_keys, grain: Grain::Day, from: day, to: day, facts: vec![fact] };
    batch("orders", TODAY - Duration::DAY, vec![Write::Partition(partition)])
}

#[tokio::test]
async fn two_sources_under_one_access_are_never_read_at_once() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    app.tiny_sources(&admin, 2).await;
    let (arrived, release) = tiny.hold("a1");
    let (first, second) = (app.queue.next_immediate().unwrap(), app.queue.next_immediate().unwrap());
    let meanwhile = async {
        arrived.await.unwrap();
        app.deliver(&second).await.ok();
        let read = tiny.read();
        release.send(()).unwrap();
        read
    };
    let (_, read) = tokio::join!(app.deliver(&first), meanwhile);
    assert_eq!(read, [""; 0], "the other one waits");
    assert_eq!(app.let_time_pass().await, 1);
    assert_eq!(tiny.read(), ["a1", "a2"]);
    assert_eq!(app.value("select count(*) from jobs where kind = 'sync' and state = 'succeeded'").await, 2);
}

#[tokio::test]
async fn of_one_tenant_at_most_six_run_at_a_time() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    app.tiny_source(&admin).await;
    let tenant = app.tenant("Acme").await;
    let busy = |count: u32| {
        format!(
            "insert into jobs (id, tenant_id, kind, queue, dedup_key, payload, state, run_at, created_at, lease_token, leased_until)
             select gen_random_uuid(), '{tenant}', 'sync', 'syncs', 'busy-' || n, '{{}}', 'running', now(), now(),
                    gen_random_uuid(), now() + interval '1 hour' from generate_series(1, {count}) n"
        )
    };
    app.sql(&busy(6)).await;
    app.drain().await;
    assert!(tiny.read().is_empty(), "a seventh waits");
    app.sql("delete from jobs where dedup_key = 'busy-1'").await;
    app.let_time_pass().await;
    assert_eq!(tiny.read(), ["a1"]);
}

#[tokio::test]
async fn a_provider_that_fails_for_five_sources_is_left_alone_until_it_serves_again() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let sources = app.tiny_sources(&admin, 6).await;
    let down = || Step::Fail(ConnectorError::transient(codes::UPSTREAM_CONNECT, "connection refused"));
    for n in 1..=5 {
        tiny.then(&format!("a{n}"), down());
    }
    app.drain().await;
    assert_eq!(tiny.read(), ["a1", "a2", "a3", "a4", "a5"], "the sixth is spared");
    let spared = admin.source(&sources[5]).await;
    assert_eq!((&spared["status"], &spared["failure"]["code"]), (&json!("rate_limited"), &json!("provider_down")));
    assert_eq!(spared["failure"]["who"], "nobody");
    let wait = "extract(epoch from run_at - now()) as wait from jobs where state = 'queued' order by 1 desc limit 1";
    let wait = app.rows(&format!("select {wait}")).await[0]["wait"].as_f64().unwrap();
    assert!((110.0..=250.0).contains(&wait), "{wait}");
    app.sql("update provider_breakers set open_until = now() - interval '1 second'").await;
    app.let_time_pass().await;
    assert_eq!(admin.source(&sources[5]).await["status"], "connected");
    assert_eq!(app.value("select openings from provider_breakers where provider = 'tiny'").await, 0);
}

#[tokio::test]
async fn one_source_that_keeps_failing_stops_no_other() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let sources = app.tiny_sources(&admin, 2).await;
    for _ in 0..6 {
        tiny.then("a1", Step::Fail(ConnectorError::transient(codes::UPSTREAM_CONNECT, "connection refused")));
    }
    // The second is read only after six failures of the first.
    let (first, second) = (app.queue.next_immediate().unwrap(), app.queue.next_immediate().unwrap());
    app.deliver(&first).await.ok();
    for _ in 0..5 {
        app.let_time_pass().await;
    }
    app.deliver(&second).await.ok();
    assert_eq!(admin.source(&sources[1]).await["status"], "connected");
}

#[tokio::test]
async fn two_processes_take_no_more_than_one_bucket_holds() {
    let (app, _) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    let credential: CredentialId = admin.source(&id).await["connection"]["id"].as_str().unwrap().parse().unwrap();
    let tenant: TenantId = app.tenant("Acme").await.parse().unwrap();
    let pools = [app.state.services.database.clone(), app.another_pool()];
    let bucket = Bucket { credential, account: "a1", endpoint: "list" };
    let asked = (0..24).map(|n| {
        let pool = &pools[n % 2];
        async move {
            let mut tx = pool.tenant(tenant).await.unwrap();
            let (taken, wait) = request_buckets::take(&mut tx, tenant, bucket, (0.001, 10.0), 1.0).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(taken < 1.0, wait > 0.0, "{taken} {wait}");
            taken
        }
    });
    let taken: f64 = futures_util::future::join_all(asked).await.into_iter().sum();
    assert!((taken - 10.0).abs() < 0.001, "{taken}");
}

#[tokio::test]
async fn a_run_that_has_used_up_its_allowance_waits_and_is_no_failure() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    tiny.then("a1", Step::Ask(4, Allowance { per_second: 0.01, burst: 3.0 }));
    app.drain().await;
    let source = admin.source(&id).await;
    assert_eq!((&source["status"], &source["failure"]["code"]), (&json!("rate_limited"), &json!("requests_spent")));
    assert!(source["retry_at"].as_str() > Some("2026-11-23T10:01"), "{source}");
    assert_eq!(app.value("select fruitless_attempts from jobs where kind = 'sync'").await, 0);
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_leaves_the_others_and_the_run_incomplete() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    let mut blocked = Batch::of("refunds", Value::Null, Value::Null);
    blocked.blocked = Some(Blocked {
        code: codes::GA4_PERMISSION,
        permission: Some("rak_refunds".into()),
        cause: "req_77: no".into(),
    });
    let records = vec![record("o1", datetime!(2026-11-10 12:00 UTC), "tiny.orders", 7)];
    let rows = vec![seen(records, datetime!(2026-11-23 10:00 UTC)), derive(DAY, DAY)];
    tiny.then("a1", Step::Batch(blocked));
    tiny.then("a1", Step::Batch(batch("orders", date!(2026 - 11 - 22), rows)));
    tiny.then("a1", Step::Batch(batch("stock", date!(2026 - 11 - 21), vec![])));
    app.drain().await;
    let run = admin.last_sync(&id).await;
    assert_eq!((&run["status"], &run["batches"], &run["attempts"]), (&json!("incomplete"), &json!(3), &json!(1)));
    let source = admin.source(&id).await;
    assert_eq!((&source["status"], &source["failure"]["who"]), (&json!("connected"), &json!("admin")));
    assert_eq!(source["streams"][1]["status"], "blocked");
    assert_eq!(source["streams"][1]["missing_permission"], "rak_refunds");
    assert_eq!((&source["streams"][0]["status"], &source["backfill"]), (&json!("complete"), &Value::Null));
    assert_eq!(total(&admin, "tiny.orders", DAY).await, 7);

    let detail = admin.get(&format!("/api/sources/{id}/syncs/{}", run["id"].as_str().unwrap())).await.ok();
    let log = detail["log"].as_array().unwrap();
    let codes: Vec<&Value> = log.iter().map(|line| &line["code"]).collect();
    assert_eq!(codes, ["batch", "ga4_permission", "batch", "batch", "incomplete"]);
    assert!(log[1]["text"].as_str().unwrap().ends_with("Falta para «Parte»: rak_refunds."), "{}", log[1]);
    assert!(!detail.to_string().contains("req_77"), "the cause is the operator's");
    assert_eq!(app.value("select failure_cause from syncs").await, "refunds: req_77: no");

    // Each figure is as old as its own stream, and one that was never read has no age.
    let ages = admin.get("/api/catalog").await.ok();
    let through = |key: &str| {
        let item = ages["items"].as_array().unwrap().iter().find(|item| item["key"] == key).unwrap();
        item["freshness"]["data_through"].clone()
    };
    assert_eq!(through("tiny.orders"), "2026-11-22");
    assert_eq!(through("tiny.stock"), "2026-11-21");
    assert_eq!(through("tiny.refunds"), Value::Null);
}

#[tokio::test]
async fn a_final_figure_that_changes_enough_is_told_and_others_are_not() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    let fresh = date!(2026 - 11 - 22);
    tiny.then("a1", Step::Batch(whole(DAY, 1000, false)));
    tiny.then("a1", Step::Batch(whole(fresh, 1000, true)));
    app.drain().await;
    let path = "/api/catalog/tiny.orders/restatements";
    tiny.then("a1", Step::Batch(whole(DAY, 1009, false)));
    tiny.then("a1", Step::Batch(whole(fresh, 2000, true)));
    again(&app, &admin, &id).await;
    assert_eq!(admin.get(path).await.ok()["items"], json!([]), "under one in a hundred, and of a day that may change");
    for value in [1100, 1200, 1300] {
        tiny.then("a1", Step::Batch(whole(DAY, value, false)));
        again(&app, &admin, &id).await;
    }
    let viewer = app.viewer().await;
    let all = viewer.get(path).await.ok();
    let items = all["items"].as_array().unwrap();
    let changes: Vec<(&Value, &Value)> = items.iter().map(|item| (&item["old"], &item["new"])).collect();
    assert_eq!(changes, [(&json!(1200), &json!(1300)), (&json!(1100), &json!(1200)), (&json!(1009), &json!(1100))]);
    assert_eq!(
        items[0],
        json!({"id": items[0]["id"], "source": {"id": id, "name": "Pedidos"}, "from": "2026-11-10", "to": "2026-11-10",
               "grain": "day", "dims": {}, "currency": null, "old": 1200, "new": 1300, "at": "2026-11-23T10:08:00Z"})
    );
    let page = viewer.get(&format!("{path}?limit=2")).await.ok();
    let rest = viewer.get(&format!("{path}?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await.ok();
    assert_eq!((&rest["items"][0], &rest["next_cursor"]), (&items[2], &Value::Null));
    viewer.get("/api/catalog/unknown.key/restatements").await.problem(404, "not_found");
}

#[tokio::test]
async fn an_older_observation_never_overwrites_a_newer_one() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    let at = datetime!(2026-11-10 12:00 UTC);
    let observed = |value: i64, minutes: i64| {
        let when = datetime!(2026-11-23 09:00 UTC) + Duration::minutes(minutes);
        let writes = vec![seen(vec![record("o1", at, "tiny.orders", value)], when), derive(DAY, DAY)];
        Step::Batch(batch("orders", date!(2026 - 11 - 22), writes))
    };
    tiny.then("a1", observed(5, 10));
    app.drain().await;
    for (value, minutes, stored) in [(9, 5, 5), (6, 10, 6), (8, 11, 8)] {
        tiny.then("a1", observed(value, minutes));
        again(&app, &admin, &id).await;
        assert_eq!(total(&admin, "tiny.orders", DAY).await, stored, "{value} seen at {minutes}");
    }
    let split = admin.get(&format!("/api/series/tiny.orders?from={DAY}&to={DAY}&by=country")).await.ok();
    assert_eq!(split["series"][0]["total"], 8, "every set of dimensions is made anew");
}

#[tokio::test]
async fn what_moves_to_another_day_or_is_gone_leaves_the_day_where_it_was() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    let next = date!(2026 - 11 - 11);
    let rows = |writes: Vec<Write>| Step::Batch(batch("orders", date!(2026 - 11 - 22), writes));
    let now = datetime!(2026-11-23 10:00 UTC);
    let first = record("o1", datetime!(2026-11-10 12:00 UTC), "tiny.orders", 3);
    let second = record("o2", datetime!(2026-11-10 13:00 UTC), "tiny.orders", 4);
    tiny.then("a1", rows(vec![seen(vec![first, second], now), derive(DAY, next)]));
    app.drain().await;
    assert_eq!(
        (total(&admin, "tiny.orders", DAY).await, total(&admin, "tiny.orders", next).await),
        (json!(7), json!(0))
    );
    let moved = record("o1", datetime!(2026-11-11 12:00 UTC), "tiny.orders", 3);
    let gone = Write::Remove { ids: vec!["o2".into()] };
    tiny.then("a1", rows(vec![seen(vec![moved], now), gone, derive(DAY, next)]));
    again(&app, &admin, &id).await;
    assert_eq!(
        (total(&admin, "tiny.orders", DAY).await, total(&admin, "tiny.orders", next).await),
        (json!(0), json!(3))
    );
}

#[tokio::test]
async fn a_snapshot_counts_what_the_last_full_list_had() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    let list = |tiny: &Tiny, items: &[(&str, i64)], hour: i64| {
        let began = datetime!(2026-11-23 00:00 UTC) + Duration::hours(hour);
        let at = datetime!(2025-01-01 00:00 UTC);
        let records = items.iter().map(|(id, value)| record(id, at, "tiny.stock", *value)).collect();
        let shot = Write::Snapshot { metrics: vec!["tiny.stock"], day: TODAY };
        let writes = vec![seen(records, began), Write::Prune { before: began }, shot];
        tiny.then("a1", Step::Batch(batch("stock", TODAY, writes)));
    };
    list(&tiny, &[("s1", 3), ("s2", 4)], 1);
    app.drain().await;
    assert_eq!(total(&admin, "tiny.stock", TODAY).await, 7);
    list(&tiny, &[("s2", 5)], 2);
    again(&app, &admin, &id).await;
    assert_eq!(total(&admin, "tiny.stock", TODAY).await, 5);
    assert_eq!(app.value("select count(*) from source_records").await, 1);
}

#[tokio::test]
async fn a_persons_runs_cool_down_but_one_that_failed_may_be_repeated() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    app.drain().await;
    let path = format!("/api/sources/{id}/sync");
    let run = admin.act(&path).await.ok()["sync_id"].clone();
    assert_eq!(admin.act(&path).await.ok()["sync_id"], run, "while it runs its id is the answer");
    app.drain().await;
    app.advance(Duration::seconds(20));
    let answer = admin.act(&path).await;
    let problem = answer.problem(429, "just_synced");
    assert_eq!((answer.header("retry-after"), &problem["retry_after"]), ("40", &json!(40)));
    assert!(app.queue.messages().is_empty());
    app.advance(Duration::seconds(40));
    tiny.then("a1", Step::Fail(ConnectorError::config(codes::GA4_PROPERTY_UNKNOWN, "gone")));
    admin.act(&path).await.ok();
    app.drain().await;
    assert_eq!(admin.last_sync(&id).await["status"], "failed");
    admin.act(&path).await.ok();
}

#[tokio::test]
async fn a_source_that_is_not_read_in_its_rhythm_is_late() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    for stream in ["orders", "refunds", "stock"] {
        tiny.then("a1", Step::Batch(batch(stream, date!(2026 - 11 - 22), vec![])));
    }
    app.drain().await;
    let late = async || admin.source(&id).await["freshness"]["late"].clone();
    assert_eq!(late().await, false);
    app.advance(Duration::hours(12));
    assert_eq!(late().await, false);
    app.advance(Duration::minutes(1));
    assert_eq!(late().await, true);
    // Read in time, but nothing new came for days.
    app.advance(Duration::days(2));
    for stream in ["orders", "refunds", "stock"] {
        tiny.then("a1", Step::Batch(batch(stream, date!(2026 - 11 - 22), vec![])));
    }
    again(&app, &admin, &id).await;
    assert_eq!(late().await, true);
}
