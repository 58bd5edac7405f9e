//! What a kill, a crash or a change of mind in between leaves behind, and how it mends itself.

use serde_json::{Value, json};
use time::Duration;

use super::STORED;
use crate::harness::TestApp;
use crate::harness::client::Call;
use crate::harness::google::Fault;

#[tokio::test]
async fn a_reconnection_that_no_longer_sees_the_old_property_leaves_none_of_its_figures() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.google.show_properties(&[("properties/7", "Otra"), ("properties/8", "Otra más")]);
    assert_eq!(app.consent(&admin, &id).await.status, 303);
    assert_eq!(admin.source(&id).await["property"], Value::Null);
    let chosen = admin.patch(&format!("/api/sources/{id}"), &json!({"property_id": "properties/7"})).await.ok();
    assert_eq!(chosen["property"]["id"], "properties/7");
    assert_eq!(app.value("select count(*) from datapoints").await, 0, "two accounts would be added up");
    // The stand-in gives every person the same token: the withdrawal of the replaced access would end the new one, too.
    let withdrawals = "update jobs set state = 'cancelled', finished_at = now() where kind = 'withdrawal'";
    assert_eq!(app.sql(withdrawals).await, 1, "the replaced access is given back");
    app.drain().await;
    assert_eq!(app.value("select count(*) from datapoints").await, STORED, "and its history is read whole");
}

#[tokio::test]
async fn a_connection_is_due_at_once_in_the_transaction_that_makes_it() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.sql("update data_sources set status = 'needs_reauth', next_due = null").await;
    // The run cannot be written, as if the handler had died there; the connection stands all the same.
    app.sql("alter table jobs add constraint no_more_jobs check (created_at < now() - interval '1 year') not valid")
        .await;
    app.consent(&admin, &id).await;
    let due = app.value("select next_due is not null from data_sources where status = 'connected'").await;
    assert_eq!(due, true, "the timer will find it");
}

#[tokio::test]
async fn a_job_whose_attempts_never_come_back_ends_as_a_dead_letter() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    app.sql("update jobs set attempts = 31, fruitless_attempts = 31").await;
    assert_eq!(app.drain().await, 1);
    assert!(app.google.seen(":runReport").is_empty(), "it was not tried again");
    let job = app.rows("select state, last_error from jobs").await;
    assert_eq!(job[0]["state"], "failed");
    assert!(job[0]["last_error"].as_str().unwrap().contains("gave_up"), "{job:?}");
    assert_eq!(admin.last_sync(&id).await["status"], "failed");
    assert_eq!(app.value("select next_due is not null from data_sources").await, true, "the next one is a new run");
}

#[tokio::test]
async fn a_job_that_cannot_be_read_ends_at_once() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.connect_ga4(&admin).await;
    app.sql("update jobs set payload = '{}'").await;
    assert_eq!(app.drain().await, 1);
    assert_eq!(app.value("select state from jobs").await, "failed");
}

#[tokio::test]
async fn a_run_that_was_going_on_cannot_undo_a_reconnection() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    let held = app.google.hold(":runReport", 2);
    let reconnect = async {
        let release = held.arrived().await;
        app.consent(&admin, &id).await;
        release.send(()).unwrap();
    };
    let (answer, ()) = tokio::join!(app.deliver(&message), reconnect);
    assert_eq!(answer.status, 200);
    let states = app.rows("select status from syncs order by id").await;
    assert_eq!(states, [json!({"status": "cancelled"}), json!({"status": "queued"})]);
    app.drain().await;
    assert_eq!(admin.source(&id).await["status"], "connected");
    assert_eq!(app.value("select count(*) from datapoints").await, STORED);
}

#[tokio::test]
async fn a_provider_that_ends_the_consent_with_an_error_is_quoted_on_the_sources_page() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    for (error, code) in [("admin_policy_enforced", "oauth_admin_policy"), ("server_error", "oauth_server_error")] {
        let state = admin.begin_connect(&id).await;
        let path = format!("/api/oauth/callback?error={error}&state={state}");
        let back = admin.send(Call::new("GET", &path)).await;
        assert_eq!(back.status, 303);
        assert_eq!(back.header("location"), format!("/#/sources?source={id}&error={code}"));
        assert_eq!(admin.source(&id).await["status"], "not_connected");
    }
}

#[tokio::test]
async fn a_wait_that_google_asked_for_does_not_climb_the_ladder() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.connect_ga4(&admin).await;
    let message = "Exhausted property tokens per hour.";
    app.google.fail(Fault::api(429, "RESOURCE_EXHAUSTED", message).times(3).retry_after(600));
    app.drain().await;
    for _ in 0..2 {
        app.let_time_pass().await;
    }
    assert_eq!(app.value("select array[attempts, fruitless_attempts] from jobs").await, json!([3, 0]));
    app.advance(Duration::hours(1));
    app.let_time_pass().await;
    assert_eq!(app.value("select count(*) from datapoints").await, STORED);
}
