//! What a suspension stops that nobody had the time to cancel, and that it goes on afterwards.

use serde_json::json;

use super::{FIRST_RUN, STORED};
use crate::harness::TestApp;

/// Suspends everybody as a handler does that dies before it has cancelled their runs.
async fn suspend(app: &TestApp) {
    app.sql("update tenants set status = 'suspended' where status = 'active'").await;
}

#[tokio::test]
async fn a_run_in_the_middle_of_its_history_stops_at_its_next_slice_and_goes_on_after_the_suspension() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    // In its second slice of five reports.
    let held = app.google.hold(":runReport", 7);
    let meanwhile = async {
        let release = held.arrived().await;
        suspend(&app).await;
        release.send(()).unwrap();
    };
    let (answer, ()) = tokio::join!(app.deliver(&message), meanwhile);
    assert_eq!(answer.status, 200);
    assert_eq!(app.google.seen(":runReport").len(), 10, "it ended with that slice");
    assert_eq!(app.value("select state from jobs where kind = 'sync'").await, "cancelled");
    assert_eq!(app.value("select status from syncs").await, "cancelled");
    assert_eq!(app.fire("schedule_syncs").await.json(), json!({"Logs": ["started 0, resent 0"]}));

    app.sql("update tenants set status = 'active' where name = 'Acme'").await;
    assert_eq!(app.fire("schedule_syncs").await.json(), json!({"Logs": ["started 1, resent 0"]}), "it is due at once");
    app.drain().await;
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
    assert_eq!(app.value("select count(*) from datapoints").await, STORED, "nothing is missing");
}

#[tokio::test]
async fn a_message_that_comes_during_a_suspension_asks_the_provider_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    suspend(&app).await;
    assert_eq!(app.drain().await, 1);
    assert!(app.google.seen(":runReport").is_empty());
    app.sql("update tenants set status = 'active' where name = 'Acme'").await;
    app.fire("schedule_syncs").await;
    app.drain().await;
    assert_eq!(app.google.seen(":runReport").len(), FIRST_RUN);
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
}
