//! Background work of all tenants: what failed, and trying again.

use portal::domain::ids::TenantId;
use portal::platform::mail::MailError;
use portal::services::mail::{Notice, Order};
use serde_json::{Value, json};
use time::Duration;

use super::{operator, recorded};
use crate::harness::client::Client;
use crate::harness::google::Fault;
use crate::harness::{TestApp, random_id};

async fn failed(client: &Client) -> Vec<Value> {
    client.get("/api/operator/jobs?state=failed").await.ok()["items"].as_array().unwrap().clone()
}

fn replay(job: &Value) -> String {
    format!("/api/operator/jobs/{}/replay", job["id"].as_str().unwrap())
}

/// A source of acme whose first run has failed for good in the middle; Google is well again.
async fn with_a_failed_run(app: &TestApp, admin: &Client) -> String {
    let id = app.connect_ga4(admin).await;
    app.google.fail(Fault::api(403, "PERMISSION_DENIED", "User does not have sufficient permissions").after(7));
    app.drain().await;
    app.google.heal();
    id
}

#[tokio::test]
async fn a_failed_run_that_is_replayed_days_later_ends_well_as_the_same_run() {
    let app = TestApp::start().await;
    let (admin, client) = (app.acme().await, operator(&app).await);
    let source = with_a_failed_run(&app, &admin).await;
    let before = admin.last_sync(&source).await;
    assert_eq!(before["status"], "failed");
    app.advance(Duration::days(3));

    let jobs = failed(&client).await;
    assert_eq!(jobs.len(), 1);
    let job = &jobs[0];
    assert_eq!((&job["kind"], &job["queue"], &job["attempts"]), (&json!("sync"), &json!("syncs"), &json!(1)));
    assert_eq!(job["tenant"], json!({"id": app.tenant("Acme").await, "name": "Acme"}));
    assert!(job["last_error"].as_str().unwrap().contains("ga4_permission"), "{job}");
    assert!(job["finished_at"].is_string());

    let answer = client.act(&replay(job)).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let queued = answer.json();
    assert_eq!((&queued["id"], &queued["state"], &queued["attempts"]), (&job["id"], &json!("queued"), &json!(0)));
    assert_eq!((&queued["last_error"], &queued["finished_at"]), (&Value::Null, &Value::Null));
    assert_eq!(app.drain().await, 1);
    let after = admin.last_sync(&source).await;
    assert_eq!((&after["id"], &after["status"]), (&before["id"], &json!("succeeded")));
    // It read what was new by then, not only what it had left.
    let state = admin.source(&source).await;
    assert_eq!((&state["status"], &state["freshness"]["data_through"]), (&json!("connected"), &json!("2026-11-25")));
    assert!(failed(&client).await.is_empty());

    let entry = recorded(&app, "job.replayed").await;
    assert_eq!((&entry["before"]["state"], &entry["after"]["state"]), (&json!("failed"), &json!("queued")));
    assert_eq!(entry["detail"], json!({"kind": "sync", "queue": "syncs"}));
    let about = "select about_tenant from platform_audit where action = 'job.replayed'";
    assert_eq!(app.value(about).await, app.tenant("Acme").await);
}

#[tokio::test]
async fn a_replay_that_fails_again_is_a_failed_run_again() {
    let app = TestApp::start().await;
    let (admin, client) = (app.acme().await, operator(&app).await);
    let source = with_a_failed_run(&app, &admin).await;
    app.google.fail(Fault::api(403, "PERMISSION_DENIED", "still not"));
    client.act(&replay(&failed(&client).await[0])).await.ok();
    app.drain().await;
    assert_eq!(admin.last_sync(&source).await["status"], "failed");
    let jobs = failed(&client).await;
    assert_eq!((jobs.len(), &jobs[0]["attempts"]), (1, &json!(1)));
}

#[tokio::test]
async fn a_replay_waits_for_nobody_and_never_doubles_work_that_is_live() {
    let app = TestApp::start().await;
    let (admin, client) = (app.acme().await, operator(&app).await);
    let source = with_a_failed_run(&app, &admin).await;
    let job = failed(&client).await[0].clone();
    admin.act(&format!("/api/sources/{source}/sync")).await.ok();
    client.act(&replay(&job)).await.problem(409, "already_live");
    assert_eq!(failed(&client).await, std::slice::from_ref(&job), "nothing of it was kept");
    app.drain().await;
    // Now nothing is live: the same work once more changes nothing.
    let figures = "select md5(string_agg(external_id || value, '' order by external_id)) from datapoints";
    let stored = app.value(figures).await;
    client.act(&replay(&job)).await.ok();
    client.act(&replay(&job)).await.problem(409, "not_failed");
    app.drain().await;
    client.act(&replay(&job)).await.problem(409, "not_failed");
    assert_eq!(app.value(figures).await, stored);
    assert_eq!(app.value("select count(*) from platform_audit where action = 'job.replayed'").await, 1);
}

#[tokio::test]
async fn a_replay_whose_message_is_lost_is_found_by_the_timer() {
    let app = TestApp::start().await;
    let (admin, client) = (app.acme().await, operator(&app).await);
    let source = with_a_failed_run(&app, &admin).await;
    app.queue.go_down();
    client.act(&replay(&failed(&client).await[0])).await.ok();
    app.queue.come_back();
    assert!(app.queue.messages().is_empty());
    app.sql("update jobs set run_at = now() - interval '1 minute' where state = 'queued'").await;
    app.fire("schedule_syncs").await;
    app.drain().await;
    assert_eq!(admin.last_sync(&source).await["status"], "succeeded");
}

#[tokio::test]
async fn a_replayed_run_of_a_paused_source_does_not_wake_it() {
    let app = TestApp::start().await;
    let (admin, client) = (app.acme().await, operator(&app).await);
    let source = with_a_failed_run(&app, &admin).await;
    admin.patch(&format!("/api/sources/{source}"), &json!({"paused": true})).await.ok();
    client.act(&replay(&failed(&client).await[0])).await.ok();
    app.drain().await;
    assert_eq!(admin.source(&source).await["status"], "paused");
    assert_eq!(admin.last_sync(&source).await["status"], "failed");
    assert_eq!(app.value("select state from jobs").await, "cancelled");
}

#[tokio::test]
async fn a_mail_that_was_refused_for_good_is_sent_by_a_replay() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    app.mailer.refuse(Some(|| MailError::Never("550 no such mailbox".into())));
    let services = &app.state.services;
    let user = crate::team::person(&app, "viewer@acme.example").await.parse().unwrap();
    let mut tx = services.database.router().await.unwrap();
    let order = Order::Notice { user, notice: Notice::PasswordChanged };
    let job = services.order_mail(&mut tx, TenantId::PLATFORM, &order).await.unwrap();
    tx.commit().await.unwrap();
    services.announce_mail(TenantId::PLATFORM, job).await;
    app.drain().await;
    let jobs = failed(&client).await;
    assert_eq!((&jobs[0]["tenant"], &jobs[0]["queue"]), (&Value::Null, &json!("mail")));
    app.mailer.refuse(None);
    client.act(&replay(&jobs[0])).await.ok();
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 1);
    assert!(failed(&client).await.is_empty());
}

#[tokio::test]
async fn jobs_are_listed_by_state_and_queue_in_pages() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let acme = app.tenant("Acme").await;
    app.sql(&format!(
        "insert into jobs (id, tenant_id, kind, queue, dedup_key, payload, state, run_at, created_at, finished_at)
         select gen_random_uuid(), '{acme}', kind, queue, n::text || kind, '{{}}', state, now(), now(), null
           from generate_series(1, 3) n, (values ('sync', 'syncs', 'failed'), ('mail', 'mail', 'failed'), ('mail', 'mail', 'succeeded')) k (kind, queue, state)"
    ))
    .await;
    let count = async |query: &str| {
        client.get(&format!("/api/operator/jobs?{query}")).await.ok()["items"].as_array().unwrap().len()
    };
    assert_eq!((count("").await, count("state=failed").await, count("state=failed&queue=mail").await), (9, 6, 3));
    assert_eq!((count("state=running").await, count("queue=syncs").await), (0, 3));
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api/operator/jobs?limit=4{cursor}")).await.ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(json!(seen), app.value("select jsonb_agg(id order by id desc) from jobs").await);
    let refused = client.get("/api/operator/jobs?state=lost&queue=x").await.problem(422, "invalid");
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn members_and_strangers_replay_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    with_a_failed_run(&app, &admin).await;
    let client = operator(&app).await;
    let job = failed(&client).await[0].clone();
    admin.act(&replay(&job)).await.problem(403, "forbidden");
    app.stranger().act(&replay(&job)).await.problem(401, "unauthenticated");
    admin.get("/api/operator/jobs").await.problem(403, "forbidden");
    client.act(&format!("/api/operator/jobs/{}/replay", random_id())).await.problem(404, "not_found");
    assert_eq!(failed(&client).await, [job]);
}
