//! Access that is given back at the provider when nothing lives on it any more.

use portal::platform::queue::Message;
use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::client::Client;
use crate::harness::google::{Fault, REFRESH_TOKEN};

/// The tokens that Google was told to revoke.
fn revoked(app: &TestApp) -> Vec<String> {
    app.google.seen("/revoke").iter().map(|seen| seen.form("token").unwrap()).collect()
}

async fn remove(admin: &Client, id: &str) {
    assert_eq!(admin.delete(&format!("/api/sources/{id}")).await.status, 204);
}

/// State, cause and order of the only withdrawal.
async fn job(app: &TestApp) -> Value {
    let jobs = app.rows("select state, last_error, payload, tenant_id from jobs where kind = 'withdrawal'").await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs[0].clone()
}

/// What the tenants' trails say of accesses, oldest first.
async fn recorded(app: &TestApp) -> Vec<Value> {
    let sql = "select action, outcome, detail from audit_log where action like 'source.access%' order by id";
    app.rows(sql).await
}

/// A removed source whose withdrawal waits in the queue.
async fn removed(app: &TestApp) -> (String, Message) {
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    remove(&admin, &id).await;
    (id, app.queue.messages()[0].clone())
}

#[tokio::test]
async fn removing_a_source_revokes_its_token_once_and_keeps_no_copy() {
    let app = TestApp::start().await;
    let (_, message) = removed(&app).await;
    assert_eq!(app.value("select count(*) from data_sources").await, 0, "gone before Google knows");
    assert_eq!(revoked(&app), [""; 0]);
    let dump = app.value("select string_agg(j::text, '') from jobs j").await;
    assert!(!dump.as_str().unwrap().contains(REFRESH_TOKEN), "the order is sealed");
    app.drain().await;
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["nothing to do"]}), "a message that comes twice");
    assert_eq!(revoked(&app), [REFRESH_TOKEN]);
    assert_eq!((&job(&app).await["state"], &job(&app).await["payload"]), (&json!("succeeded"), &json!({})));
    let entry = json!({"action": "source.access_withdrawn", "outcome": "ok", "detail": {}});
    assert_eq!(recorded(&app).await, [entry]);
}

#[tokio::test]
async fn a_source_without_access_has_nothing_to_give_back() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    for provider in ["ga4", "csv"] {
        let id = admin.add_source(provider, "Vacía").await;
        remove(&admin, &id).await;
    }
    assert_eq!(app.value("select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_later_and_keeps_nobody_from_removing() {
    let app = TestApp::start().await;
    app.google.fail(Fault::new("/revoke", 503, json!({})));
    removed(&app).await;
    app.drain().await;
    let waiting = job(&app).await;
    assert_eq!(waiting["state"], "queued");
    assert!(waiting["last_error"].as_str().unwrap().contains("oauth_server_error"), "{waiting}");
    app.google.heal();
    app.let_time_pass().await;
    assert_eq!(job(&app).await["state"], "succeeded");
    assert_eq!(recorded(&app).await.len(), 1);
}

#[tokio::test]
async fn a_provider_that_asks_to_wait_is_left_alone_as_long() {
    let app = TestApp::start().await;
    app.google.fail(Fault::new("/revoke", 429, json!({})).retry_after(600));
    removed(&app).await;
    app.drain().await;
    let wait = app.value("select extract(epoch from run_at - now())::int from jobs where kind = 'withdrawal'").await;
    assert!((590..=600).contains(&wait.as_i64().unwrap()), "{wait}");
}

#[tokio::test]
async fn after_three_days_a_withdrawal_is_given_up_with_its_reason_and_without_its_token() {
    let app = TestApp::start().await;
    app.google.fail(Fault::new("/revoke", 503, json!({})));
    removed(&app).await;
    app.drain().await;
    app.sql("update jobs set attempts = 74, fruitless_attempts = 74 where kind = 'withdrawal'").await;
    app.let_time_pass().await;
    assert_eq!(job(&app).await["state"], "queued");
    app.let_time_pass().await;
    let given_up = job(&app).await;
    assert_eq!((&given_up["state"], &given_up["payload"]), (&json!("failed"), &json!({})));
    assert!(given_up["last_error"].as_str().unwrap().contains("HTTP 503"), "{given_up}");
    let detail = json!({"provider": "ga4", "code": "oauth_server_error"});
    let entry = json!({"action": "source.access_withdrawn", "outcome": "failed", "detail": detail});
    assert_eq!(recorded(&app).await, [entry]);
}

#[tokio::test]
async fn an_order_whose_message_was_lost_is_found_by_the_timer() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.queue.go_down();
    remove(&admin, &id).await;
    app.queue.come_back();
    assert_eq!(app.queue.messages().len(), 0);
    app.sql("update jobs set run_at = now() - interval '1 minute' where kind = 'withdrawal'").await;
    app.fire("schedule_syncs").await;
    app.drain().await;
    assert_eq!(revoked(&app), [REFRESH_TOKEN]);
}

#[tokio::test]
async fn a_kill_before_or_after_the_call_loses_nothing() {
    let app = TestApp::start().await;
    let (_, message) = removed(&app).await;
    let order = job(&app).await["payload"].clone();
    // Killed with the lease in hand, before the call.
    app.sql("update jobs set state = 'running', lease_token = gen_random_uuid(), leased_until = now() + interval '1 minute' where kind = 'withdrawal'").await;
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["postponed"]}));
    app.sql("update jobs set leased_until = now() - interval '1 second' where kind = 'withdrawal'").await;
    app.deliver(&message).await.ok();
    // Killed after the call, before it was settled: Google says that the token is dead, which is what we want.
    app.sql(&format!(
        "update jobs set state = 'running', payload = '{order}', finished_at = null, lease_token = gen_random_uuid(),
                leased_until = now() - interval '1 second' where kind = 'withdrawal'"
    ))
    .await;
    app.deliver(&message).await.ok();
    assert_eq!(revoked(&app), [REFRESH_TOKEN; 2]);
    assert_eq!(job(&app).await["state"], "succeeded");
}

#[tokio::test]
async fn while_another_tenants_source_may_live_on_the_same_consent_it_is_kept() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    let first = app.synced(&acme).await;
    app.google.show_properties(&[("properties/1001", "Tienda"), ("properties/1002", "Blog")]);
    let second = app.connect_ga4(&globex).await;
    remove(&acme, &first).await;
    app.drain().await;
    assert_eq!(revoked(&app), [""; 0], "it would end the other one's access");
    assert_eq!((&job(&app).await["state"], &job(&app).await["payload"]), (&json!("cancelled"), &json!({})));
    assert_eq!(recorded(&app).await[0]["action"], "source.access_kept");
    // The last one ends it for all.
    remove(&globex, &second).await;
    app.drain().await;
    assert_eq!(revoked(&app), [REFRESH_TOKEN]);
}

#[tokio::test]
async fn consents_that_show_nothing_in_common_are_different_peoples() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    let first = app.synced(&acme).await;
    app.google.show_properties(&[("properties/2002", "Otra")]);
    app.connect_ga4(&globex).await;
    remove(&acme, &first).await;
    app.drain().await;
    assert_eq!(revoked(&app), [REFRESH_TOKEN]);
}

#[tokio::test]
async fn a_consent_that_showed_nothing_is_revoked_only_when_no_other_is_left() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    let other = app.synced(&globex).await;
    app.google.show_properties(&[]);
    let empty = app.connect_ga4(&acme).await;
    remove(&acme, &empty).await;
    app.drain().await;
    assert_eq!(revoked(&app), [""; 0]);
    remove(&globex, &other).await;
    app.drain().await;
    assert_eq!(revoked(&app).len(), 1);
}

#[tokio::test]
async fn a_source_that_was_connected_anew_meanwhile_keeps_its_access() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    remove(&admin, &id).await;
    let message = app.queue.next_immediate().unwrap();
    app.synced(&admin).await;
    app.deliver(&message).await.ok();
    assert_eq!(revoked(&app), [""; 0]);
}

#[tokio::test]
async fn connecting_another_persons_account_gives_the_old_one_back_and_the_same_one_does_not() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    assert_eq!(app.consent(&admin, &id).await.status, 303);
    app.drain().await;
    assert_eq!(app.value("select count(*) from jobs where kind = 'withdrawal'").await, 0);
    app.google.show_properties(&[("properties/2002", "Otra")]);
    assert_eq!(app.consent(&admin, &id).await.status, 303);
    app.drain().await;
    assert_eq!(revoked(&app), [REFRESH_TOKEN]);
}

#[tokio::test]
async fn a_consent_that_shows_nothing_is_given_back() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    app.google.fail(Fault::new("/v1beta/accountSummaries", 403, json!({"error": {"status": "PERMISSION_DENIED"}})));
    assert!(app.consent(&admin, &id).await.header("location").contains("error="));
    app.drain().await;
    assert_eq!(revoked(&app), [REFRESH_TOKEN]);
    assert_eq!(app.value("select count(*) from credentials").await, 0);
}

#[tokio::test]
async fn of_a_purged_tenant_the_access_is_withdrawn_though_its_rows_are_gone() {
    let app = TestApp::start().await;
    let operator = app.sign_in("operator@portal.example").await;
    app.synced(&app.acme().await).await;
    let id = app.tenant("Acme").await;
    app.google.fail(Fault::new("/revoke", 503, json!({})));
    operator.delete(&format!("/api/operator/tenants/{id}?grace_days=0")).await;
    app.fire("housekeeping").await;
    assert_eq!(app.value(&format!("select count(*) from tenants where id = '{id}'")).await, 0, "waits for nobody");
    let order = job(&app).await;
    assert_eq!((&order["state"], &order["tenant_id"]), (&json!("queued"), &json!(uuid::Uuid::nil())));
    // The message named the tenant; the timer sends another.
    app.drain().await;
    assert_eq!(revoked(&app), [""; 0]);
    app.sql("update jobs set run_at = now() - interval '1 minute'").await;
    app.fire("schedule_syncs").await;
    app.drain().await;
    app.google.heal();
    app.let_time_pass().await;
    assert_eq!(revoked(&app), [REFRESH_TOKEN; 2], "one that failed and one that did not");
    assert_eq!((&job(&app).await["state"], &job(&app).await["payload"]), (&json!("succeeded"), &json!({})));
    let noted = "select about_tenant from platform_audit where action = 'source.access_withdrawn'";
    assert_eq!(app.rows(noted).await, [json!({"about_tenant": id})]);
}

#[tokio::test]
async fn a_token_that_does_not_open_keeps_nobody_from_removing_its_source() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.sql("update credentials set secrets = jsonb_set(secrets, '{refresh_token,kid}', '\"lost\"')").await;
    remove(&admin, &id).await;
    assert_eq!(app.value("select count(*) from jobs where kind = 'withdrawal'").await, 0);
    assert_eq!(recorded(&app).await[0]["outcome"], "failed");
}
