//! Jobs: claimed by one process at a time, swept when lost, and stopped when nobody wants them.

use serde_json::{Value, json};
use time::Duration;

use super::{FIRST_RUN, STORED};
use crate::harness::TestApp;

async fn datapoints(app: &TestApp) -> Value {
    app.value("select count(*) from datapoints").await
}

#[tokio::test]
async fn a_message_that_comes_twice_is_worked_on_once() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["worked"]}));
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["nothing to do"]}));
    assert_eq!(app.google.seen(":runReport").len(), FIRST_RUN);
    assert_eq!(app.value("select attempts from jobs").await, 1);
}

#[tokio::test]
async fn of_two_deliveries_at_once_one_works_and_the_other_is_postponed() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    let held = app.google.hold(":runReport", 3);
    let meanwhile = async {
        let release = held.arrived().await;
        assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["postponed"]}));
        release.send(()).unwrap();
    };
    let (worked, ()) = tokio::join!(app.deliver(&message), meanwhile);
    assert_eq!(worked.json(), json!({"Logs": ["worked"]}));
    assert_eq!(app.google.seen(":runReport").len(), FIRST_RUN);
    // The postponed message comes after the lease would have ended, and finds nothing to do.
    assert_eq!(app.queue.messages().len(), 1);
    assert_eq!(app.let_time_pass().await, 1);
    assert_eq!(app.google.seen(":runReport").len(), FIRST_RUN);
    assert_eq!(datapoints(&app).await, STORED);
}

#[tokio::test]
async fn a_process_that_lost_its_lease_writes_nothing_more() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    // In the second slice another process takes over.
    let held = app.google.hold(":runReport", 7);
    let takeover = async {
        let release = held.arrived().await;
        let before = (
            datapoints(&app).await,
            app.rows("select * from data_sources").await,
            app.rows("select * from syncs").await,
        );
        app.sql("update jobs set lease_token = gen_random_uuid(), leased_until = now() + interval '1 minute'").await;
        release.send(()).unwrap();
        before
    };
    let (answer, before) = tokio::join!(app.deliver(&message), takeover);
    assert_eq!(answer.status, 200);
    assert_ne!(before.0, 0);
    let after =
        (datapoints(&app).await, app.rows("select * from data_sources").await, app.rows("select * from syncs").await);
    assert_eq!(after, before);
    assert_eq!(app.google.seen(":runReport").len(), 10, "it stopped at the end of that slice");
    // The new owner dies too; the sweep finds the job when its lease is over.
    app.sql("update jobs set leased_until = now() - interval '1 second', run_at = now() - interval '1 minute', announced_at = null").await;
    assert_eq!(app.fire("schedule_syncs").await.json(), json!({"Logs": ["started 0, resent 1"]}));
    app.drain().await;
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
    assert_eq!(datapoints(&app).await, STORED);
}

#[tokio::test]
async fn a_job_whose_message_was_lost_is_swept_up() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.queue.go_down();
    let id = app.connect_ga4(&admin).await;
    assert!(app.queue.messages().is_empty());
    assert_eq!(app.value("select announced_at from jobs").await, Value::Null);
    assert_eq!(
        app.fire("schedule_syncs").await.json(),
        json!({"Logs": ["started 0, resent 0"]}),
        "give it ten seconds"
    );
    app.queue.come_back();
    app.sql("update jobs set run_at = now() - interval '11 seconds'").await;
    assert_eq!(app.fire("schedule_syncs").await.json(), json!({"Logs": ["started 0, resent 1"]}));
    assert_eq!(app.fire("schedule_syncs").await.json(), json!({"Logs": ["started 0, resent 0"]}), "it was just sent");
    app.queue.clear();
    app.sql("update jobs set announced_at = now() - interval '3 minutes'").await;
    assert_eq!(app.fire("schedule_syncs").await.json(), json!({"Logs": ["started 0, resent 1"]}));
    assert_eq!(app.drain().await, 1);
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
}

#[tokio::test]
async fn the_timer_starts_a_source_when_it_is_due_and_not_before() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    let started = |count: u32| json!({"Logs": [format!("started {count}, resent 0")]});
    app.advance(Duration::hours(6) - Duration::SECOND);
    assert_eq!(app.fire("schedule_syncs").await.json(), started(0));
    app.advance(Duration::SECOND);
    assert_eq!(app.fire("schedule_syncs").await.json(), started(1));
    assert_eq!(app.fire("schedule_syncs").await.json(), started(0));
    assert_eq!(app.drain().await, 1);
    let sync = admin.last_sync(&id).await;
    assert_eq!((&sync["trigger"], &sync["status"]), (&json!("schedule"), &json!("succeeded")));
    assert_eq!(admin.source(&id).await["freshness"]["next_due"], "2026-11-23T22:00:00Z");
}

#[tokio::test]
async fn asking_twice_gives_the_run_that_goes_on() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    let ask = async || admin.act(&format!("/api/sources/{id}/sync")).await.ok()["sync_id"].clone();
    let first = ask().await;
    assert_eq!(ask().await, first);
    assert_eq!(app.queue.messages().len(), 1);
    app.drain().await;
    app.advance(Duration::MINUTE);
    assert_ne!(ask().await, first);
    assert_eq!(app.value("select count(*) from jobs").await, 3);
}

#[tokio::test]
async fn a_pause_cancels_the_run_and_the_schedule() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    let path = format!("/api/sources/{id}");
    let message = app.queue.next_immediate().unwrap();
    let held = app.google.hold(":runReport", 6);
    let pause = async {
        let release = held.arrived().await;
        let paused = admin.patch(&path, &json!({"paused": true})).await.ok();
        release.send(()).unwrap();
        paused
    };
    let (answer, paused) = tokio::join!(app.deliver(&message), pause);
    assert_eq!(answer.status, 200);
    assert_eq!((&paused["status"], &paused["freshness"]["next_due"]), (&json!("paused"), &Value::Null));
    let source = admin.source(&id).await;
    assert_eq!(source["status"], "paused");
    assert_eq!(admin.last_sync(&id).await["status"], "cancelled");
    assert_eq!(app.google.seen(":runReport").len(), 10, "the slice under way was the last one");
    app.advance(Duration::days(1));
    app.fire("schedule_syncs").await;
    assert!(app.queue.messages().is_empty());
    admin.act(&format!("{path}/sync")).await.problem(409, "paused");

    let resumed = admin.patch(&path, &json!({"paused": false})).await.ok();
    assert_eq!(resumed["status"], "connected");
    assert_eq!(app.fire("schedule_syncs").await.json(), json!({"Logs": ["started 1, resent 0"]}));
    app.drain().await;
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
    assert_eq!(app.value("select count(distinct period_start) from datapoints where grain = 'day'").await, 36);
}

#[tokio::test]
async fn a_source_that_is_paused_before_its_run_begins_stays_paused() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    admin.patch(&format!("/api/sources/{id}"), &json!({"paused": true})).await.ok();
    app.drain().await;
    assert_eq!(admin.source(&id).await["status"], "paused");
    assert!(app.google.seen(":runReport").is_empty());
}

#[tokio::test]
async fn a_source_that_is_deleted_in_the_middle_of_its_run_leaves_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    let held = app.google.hold(":runReport", 12);
    let remove = async {
        let release = held.arrived().await;
        let answer = admin.delete(&format!("/api/sources/{id}")).await;
        release.send(()).unwrap();
        answer.status
    };
    let (answer, removed) = tokio::join!(app.deliver(&message), remove);
    assert_eq!((answer.status, removed), (200, 204));
    for table in ["datapoints", "data_sources", "syncs", "metrics", "metric_sources"] {
        assert_eq!(app.value(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
    assert_eq!(app.value("select state from jobs where kind = 'sync'").await, "cancelled");
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["nothing to do"]}));
}

#[tokio::test]
async fn a_run_and_a_person_who_change_a_source_at_once_do_not_block_each_other() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    let held = app.google.hold(":runReport", 4);
    let person = async {
        let release = held.arrived().await;
        let mut person = app.admin.begin().await.unwrap();
        // What pausing and deleting do: the source first, then its job.
        sqlx::query("select from data_sources for update").execute(&mut *person).await.unwrap();
        release.send(()).unwrap();
        let waiting = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        for _ in 0..5_000 {
            if app.value(waiting).await == true {
                break;
            }
            tokio::task::yield_now().await;
        }
        sqlx::query("update jobs set attempts = attempts").execute(&mut *person).await.unwrap();
        person.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(app.deliver(&message), person);
    assert_eq!(answer.status, 200);
    assert_eq!(app.value("select last_error from jobs").await, Value::Null);
    assert_eq!(app.value("select state from jobs").await, "succeeded");
}

#[tokio::test]
async fn runs_of_long_ago_go_with_what_they_said() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.advance(Duration::days(99));
    app.fire("housekeeping").await;
    assert_eq!(app.value("select count(*) from syncs").await, 1);
    admin.act(&format!("/api/sources/{id}/sync")).await;
    app.advance(Duration::days(2));
    let facts = app.value("select count(*) from datapoints").await;
    app.fire("housekeeping").await;
    assert_eq!(app.value("select string_agg(trigger, ' ') from syncs").await, "manual");
    assert_eq!(app.value("select count(*) from sync_log").await, 0);
    assert_eq!(app.value("select count(*) from datapoints").await, facts, "figures stay");
}
