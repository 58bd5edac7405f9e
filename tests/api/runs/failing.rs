//! Failures of a run: who is told, what is tried again and when.

use serde_json::{Value, json};
use time::Duration;

use super::{FIRST_RUN, STORED};
use crate::harness::TestApp;
use crate::harness::client::Client;
use crate::harness::google::Fault;

/// Seconds from now (the database's) until the single scheduled message.
async fn scheduled_in(app: &TestApp) -> f64 {
    let messages = app.queue.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    let at = messages[0].not_before.unwrap().unix_timestamp();
    app.value(&format!("select {at} - extract(epoch from now())")).await.as_f64().unwrap()
}

async fn start_again(app: &TestApp, admin: &Client, id: &str) {
    assert_eq!(admin.act(&format!("/api/sources/{id}/sync")).await.status, 202);
    app.drain().await;
}

#[tokio::test]
async fn a_refused_access_token_is_renewed_once_and_its_report_is_asked_for_again() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    app.google.fail(Fault::api(401, "UNAUTHENTICATED", "expired").after(7).times(1));
    assert_eq!(app.drain().await, 1);
    let reports = app.google.seen(":runReport");
    assert_eq!(reports.len(), FIRST_RUN + 1, "the refused report alone is asked for again");
    assert_ne!(reports[7].token, reports[8].token);
    assert_eq!(admin.last_sync(&id).await["rows_changed"], STORED);
}

#[tokio::test]
async fn a_token_that_stays_refused_asks_for_a_new_connection() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    app.google.fail(Fault::api(401, "UNAUTHENTICATED", "no"));
    app.drain().await;
    assert_eq!(app.google.seen(":runReport").len(), 2);
    assert_eq!(admin.source(&id).await["status"], "needs_reauth");
}

#[tokio::test]
async fn a_withdrawn_consent_stops_the_source_until_a_person_connects_it_again() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.google.fail(Fault::new(
        "/token",
        400,
        json!({"error": "invalid_grant", "error_description": "Token has been revoked."}),
    ));
    app.forget_access_tokens().await;
    start_again(&app, &admin, &id).await;
    let source = admin.source(&id).await;
    assert_eq!((&source["status"], &source["freshness"]["next_due"]), (&json!("needs_reauth"), &Value::Null));
    let sync = admin.last_sync(&id).await;
    assert_eq!(sync["status"], "failed");
    assert_eq!(sync["message"], source["status_text"], "one sentence for both");
    assert!(app.queue.messages().is_empty());
    app.advance(Duration::days(2));
    app.fire("schedule_syncs").await;
    assert!(app.queue.messages().is_empty());
    admin.act(&format!("/api/sources/{id}/sync")).await.problem(409, "not_connected");
    assert_eq!(app.value("select count(*) from datapoints").await, STORED, "the figures stay");
    app.google.heal();
    assert_eq!(app.consent(&admin, &id).await.status, 303);
    app.drain().await;
    assert_eq!(admin.source(&id).await["status"], "connected");
}

#[tokio::test]
async fn a_missing_permission_is_an_error_that_only_a_person_can_mend() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.google.fail(Fault::api(403, "PERMISSION_DENIED", "User does not have sufficient permissions"));
    start_again(&app, &admin, &id).await;
    let source = admin.source(&id).await;
    assert_eq!((&source["status"], &source["freshness"]["next_due"]), (&json!("error"), &Value::Null));
    assert_eq!(admin.last_sync(&id).await["status"], "failed");
    assert_eq!(app.value("select failure_code from syncs order by id desc limit 1").await, "ga4_permission");
    let english = app.sign_in("admin@acme.example").await;
    let call = crate::harness::client::Call::new("GET", &format!("/api/sources/{id}")).header("accept-language", "en");
    let text = english.send(call).await.ok()["status_text"].clone();
    assert_ne!(text, source["status_text"], "{text}");
    app.google.heal();
    start_again(&app, &admin, &id).await;
    let source = admin.source(&id).await;
    assert_eq!((&source["status"], &source["status_text"]), (&json!("connected"), &json!("Todo en orden.")));
    assert_eq!(source["freshness"]["next_due"], "2026-11-23T16:00:00Z");
}

#[tokio::test]
async fn a_quota_is_waited_for_and_the_run_goes_on_by_itself() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    let message = "Exhausted property tokens per hour.";
    app.google.fail(Fault::api(429, "RESOURCE_EXHAUSTED", message).after(12).times(1).retry_after(1800));
    assert_eq!(app.drain().await, 1);
    let source = admin.source(&id).await;
    assert_eq!(source["status"], "rate_limited");
    assert_eq!(app.value("select status_until from data_sources").await, "2026-11-23T10:30:00+00:00");
    let sync = admin.last_sync(&id).await;
    assert_eq!((&sync["status"], &sync["finished_at"]), (&json!("running"), &Value::Null));
    assert_eq!(sync["message"], source["status_text"]);
    let wait = scheduled_in(&app).await;
    assert!((1780.0..=1800.0).contains(&wait), "{wait}");
    // Neither the timer nor a person's impatience starts a second one.
    let running = sync["id"].clone();
    assert_eq!(admin.act(&format!("/api/sources/{id}/sync")).await.ok()["sync_id"], running);
    app.fire("schedule_syncs").await;
    assert_eq!(app.queue.messages().len(), 1);
    assert_eq!(app.let_time_pass().await, 1);
    let sync = admin.last_sync(&id).await;
    assert_eq!((&sync["id"], &sync["status"], &sync["message"]), (&running, &json!("succeeded"), &Value::Null));
    assert_eq!(sync["rows_changed"], STORED);
    // Two slices were kept; the third began again.
    assert_eq!(app.google.seen(":runReport").len(), FIRST_RUN + 3);
}

#[tokio::test]
async fn a_broken_google_is_left_alone_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.google.fail(Fault::api(503, "UNAVAILABLE", "try later"));
    start_again(&app, &admin, &id).await;
    assert_eq!(app.google.seen(":runReport").len(), FIRST_RUN + 3, "one call and its two repetitions");
    assert_eq!(admin.source(&id).await["status"], "error");
    let wait = scheduled_in(&app).await;
    assert!((880.0..=1200.0).contains(&wait), "{wait}");
    app.google.heal();
    app.let_time_pass().await;
    assert_eq!(admin.source(&id).await["status"], "connected");
    assert_eq!(app.value("select attempts from jobs order by created_at desc limit 1").await, 2);
}

#[tokio::test]
async fn a_run_that_breaks_off_again_and_again_ends_with_the_same_datapoints() {
    let whole = TestApp::start().await;
    whole.synced(&whole.acme().await).await;
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    let facts = "select external_id, value, denominator, provisional, dims from datapoints order by external_id";
    let mut attempts = 0;
    app.google.fail(Fault::api(500, "INTERNAL", "broken").after(18).times(3));
    app.google.fail(Fault::api(500, "INTERNAL", "broken").after(31).times(3));
    app.google.fail(Fault::new("/token", 503, json!({})).times(1));
    app.drain().await;
    while !app.queue.messages().is_empty() {
        app.forget_access_tokens().await;
        attempts += app.let_time_pass().await;
        assert!(attempts < 10);
    }
    assert!(attempts >= 3, "{attempts}");
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
    assert_eq!(admin.last_sync(&id).await["rows_changed"], STORED);
    assert_eq!(
        app.rows(&facts.replace("external_id, ", "")).await,
        whole.rows(&facts.replace("external_id, ", "")).await
    );
}

#[tokio::test]
async fn progress_resets_the_ladder_and_its_end_is_a_dead_letter() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    app.google.fail(Fault::api(500, "INTERNAL", "broken").after(5));
    app.drain().await;
    assert_eq!(app.value("select fruitless_attempts from jobs").await, 0, "a slice was committed");
    app.let_time_pass().await;
    assert_eq!(app.value("select fruitless_attempts from jobs").await, 1);
    app.sql("update jobs set fruitless_attempts = 29").await;
    app.let_time_pass().await;
    assert_eq!(app.value("select state from jobs").await, "failed");
    assert!(app.queue.messages().is_empty());
    assert_eq!(admin.last_sync(&id).await["status"], "failed");
    assert_eq!(admin.source(&id).await["freshness"]["next_due"], "2026-11-23T16:00:00Z");
}

#[tokio::test]
async fn a_web_page_instead_of_figures_is_an_error_of_the_run() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.connect_ga4(&admin).await;
    app.google.fail(Fault::new(":runReport", 200, json!("<html>Sign in to the Wi-Fi</html>")));
    app.drain().await;
    assert_eq!(admin.source(&id).await["status"], "error");
    assert_eq!(app.value("select count(*) from datapoints").await, 0);
}
