//! The job of a mail: tried again, given up, never done twice.

use portal::domain::ids::TenantId;
use portal::platform::mail::MailError;
use portal::services::mail::{Notice, Order};
use portal::store::tokens::Purpose;
use serde_json::json;

use super::{jobs, order, order_reset, subject, token, user};
use crate::harness::TestApp;

#[tokio::test]
async fn signing_in_sends_no_mail() {
    let app = TestApp::start().await;
    app.acme().await;
    assert_eq!(app.drain().await, 0);
    assert_eq!(app.mailer.mails().len(), 0);
}

#[tokio::test]
async fn a_message_that_comes_twice_sends_one_mail() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    let message = app.queue.next_immediate().unwrap();
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["worked"]}));
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["nothing to do"]}));
    assert_eq!(app.mailer.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_that_another_process_is_sending_is_left_to_it() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    let message = app.queue.next_immediate().unwrap();
    app.sql("update jobs set state = 'running', lease_token = gen_random_uuid(), leased_until = now() + interval '1 minute'").await;
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["postponed"]}));
    assert_eq!(app.mailer.mails().len(), 0);
    // The other one died: what was postponed comes when the lease is over.
    app.sql("update jobs set leased_until = now() - interval '1 second'").await;
    app.let_time_pass().await;
    assert_eq!(app.mailer.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_that_was_sent_but_not_settled_comes_once_more_under_the_same_name_and_both_links_work() {
    let app = TestApp::start().await;
    let job = order_reset(&app, "admin@acme.example").await;
    let message = app.queue.messages()[0].clone();
    app.drain().await;
    // As after a kill between the two.
    app.sql(
        "update jobs set state = 'running', payload = '{\"mail\":\"password_reset\",\"email\":\"admin@acme.example\"}',
             lease_token = gen_random_uuid(), leased_until = now() - interval '1 second'",
    )
    .await;
    app.deliver(&message).await.ok();
    let mails = app.mailer.mails();
    assert_eq!((mails.len(), mails[0].id, mails[1].id), (2, job.0, job.0));
    for mail in &mails {
        assert!(subject(&app, &token(mail, "reset"), Purpose::PasswordReset).await.is_some());
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_again_later_and_the_mail_arrives() {
    let app = TestApp::start().await;
    app.mailer.refuse(Some(|| MailError::Later("451 greylisted".into())));
    order_reset(&app, "admin@acme.example").await;
    app.drain().await;
    for attempt in 1..4 {
        let row = &app
            .rows("select state, attempts, last_error, extract(epoch from run_at - now()) as wait from jobs")
            .await[0];
        assert_eq!((&row["state"], &row["attempts"]), (&json!("queued"), &json!(attempt)));
        assert!(row["last_error"].as_str().unwrap().contains("451 greylisted"), "{row}");
        let wait = row["wait"].as_f64().unwrap();
        let least = [9.0, 29.0, 89.0][attempt - 1];
        assert!(wait > least && wait < least * 1.5, "{row}");
        assert_eq!(app.let_time_pass().await, 1);
    }
    app.mailer.refuse(None);
    app.let_time_pass().await;
    assert_eq!(app.mailer.mails().len(), 1);
    assert_eq!(jobs(&app).await, [("succeeded".into(), String::new(), "{}".into())]);
}

#[tokio::test]
async fn after_a_day_of_refusals_a_mail_is_given_up_with_its_reason_and_without_its_address() {
    let app = TestApp::start().await;
    app.mailer.refuse(Some(|| MailError::Later("451 greylisted".into())));
    order_reset(&app, "admin@acme.example").await;
    app.drain().await;
    app.sql("update jobs set attempts = 26, fruitless_attempts = 26").await;
    app.let_time_pass().await;
    assert_eq!(jobs(&app).await[0].0, "queued");
    app.let_time_pass().await;
    let jobs = jobs(&app).await;
    assert_eq!((jobs[0].0.as_str(), jobs[0].2.as_str()), ("failed", "{}"));
    assert!(jobs[0].1.contains("451 greylisted"), "{jobs:?}");
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_not_tried_again_but_may_be_replayed() {
    let app = TestApp::start().await;
    app.mailer.refuse(Some(|| MailError::Never("550 no such mailbox".into())));
    let ana = user(&app, "admin@acme.example").await;
    order(&app, TenantId::PLATFORM, &Order::Notice { user: ana, notice: Notice::MfaReset }).await;
    app.drain().await;
    assert_eq!(app.queue.messages().len(), 0);
    let failed = jobs(&app).await;
    assert_eq!((failed[0].0.as_str(), failed[0].1.as_str()), ("failed", "550 no such mailbox"));
    app.mailer.refuse(None);
    app.sql("update jobs set state = 'queued', run_at = now() - interval '1 minute', announced_at = null, attempts = 0, fruitless_attempts = 0").await;
    app.fire("schedule_syncs").await;
    app.drain().await;
    let mails = app.mailer.mails();
    assert!(mails[0].subject.starts_with("Un operador ha retirado"), "{mails:?}");
}

#[tokio::test]
async fn a_mail_whose_attempts_never_come_back_is_given_up() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    app.sql("update jobs set attempts = 28, fruitless_attempts = 28").await;
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 0);
    assert_eq!(jobs(&app).await[0].0, "failed");
}

#[tokio::test]
async fn an_order_that_nobody_can_read_fails_for_good_and_the_next_mail_is_sent() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    app.sql("update jobs set payload = '{\"mail\": \"from the future\"}'").await;
    order_reset(&app, "viewer@acme.example").await;
    assert_eq!(app.drain().await, 2);
    assert_eq!(jobs(&app).await[0].0, "failed");
    assert_eq!(app.mailer.mails().len(), 1);
}

#[tokio::test]
async fn a_message_of_another_queue_finds_nothing_to_do() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    let stray = portal::platform::queue::Message { queue: "mail".into(), ..message.clone() };
    assert_eq!(app.deliver(&stray).await.json(), json!({"Logs": ["nothing to do"]}));
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["worked"]}));
}

#[tokio::test]
async fn while_the_database_is_away_the_message_is_kept_by_the_broker() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    let message = app.queue.next_immediate().unwrap();
    app.sql("revoke update on jobs from portal_app").await;
    assert_eq!(app.deliver(&message).await.status, 500);
    app.sql("grant update on jobs to portal_app").await;
    assert_eq!(app.deliver(&message).await.json(), json!({"Logs": ["worked"]}));
    assert_eq!(app.mailer.mails().len(), 1);
}

#[tokio::test]
async fn a_notice_says_when_it_happened_however_late_it_comes() {
    let app = TestApp::start().await;
    let ana = user(&app, "admin@acme.example").await;
    order(&app, TenantId::PLATFORM, &Order::Notice { user: ana, notice: Notice::PasswordChanged }).await;
    app.sql("update jobs set created_at = '2026-11-23 09:07:00+00'").await;
    app.drain().await;
    let text = &app.mailer.mails()[0].text;
    assert!(text.contains("ocurrió el 23 de noviembre de 2026 a las 09:07 UTC"), "{text}");
}
