//! Access tokens against a server that rotates and forgives nothing: renewed ahead, by one at a time, and lost in public.

mod peer;

use futures_util::future::join_all;
use portal::connectors::error::FailureKind;
use portal::domain::ids::{CredentialId, TenantId};
use portal::services::Services;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::TestApp;
use crate::harness::client::Client;
use crate::harness::google::{Fault, REFRESH_TOKEN};

/// The access of a connected source.
async fn credential(app: &TestApp, source: &str) -> (TenantId, CredentialId) {
    let id = app.value(&format!("select credential_id from data_sources where id = '{source}'")).await;
    let tenant = app.tenant("Acme").await;
    (TenantId(tenant.parse().unwrap()), CredentialId(id.as_str().unwrap().parse().unwrap()))
}

/// The token that a caller gets, or how it fails.
async fn ask(services: &Services, (tenant, id): (TenantId, CredentialId)) -> Result<String, FailureKind> {
    match services.access(tenant, id).await.unwrap() {
        Ok(token) => Ok(token.expose().to_owned()),
        Err(error) => Err(error.kind),
    }
}

/// Requests for a token, the consents among them.
fn token_requests(app: &TestApp) -> usize {
    app.google.seen("/token").len()
}

async fn sealed(app: &TestApp, field: &str) -> Value {
    app.value(&format!("select secrets->'{field}' from credentials")).await
}

/// Two sources that the same person connected, both read.
async fn two_sources(app: &TestApp, admin: &Client) -> [String; 2] {
    app.google.sign_in_as(Some(("1001", "ana@acme.example")));
    let first = app.synced(admin).await;
    let second = admin.add_source("ga4", "Blog").await;
    assert_eq!(app.consent(admin, &second).await.status, 303);
    app.drain().await;
    [first, second]
}

async fn statuses(app: &TestApp) -> Vec<Value> {
    let rows = app.rows("select status from data_sources order by id").await;
    rows.into_iter().map(|row| row["status"].clone()).collect()
}

#[tokio::test]
async fn of_many_who_ask_at_once_in_two_processes_one_renews() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.be_strict(3600, 1000);
    let access = credential(&app, &app.connect_ga4(&admin).await).await;
    let other = app.another_process();
    app.forget_access_tokens().await;
    let before = token_requests(&app);
    let callers = (0..24).map(|n| ask(if n % 2 == 0 { &app.state.services } else { &other }, access));
    let tokens = join_all(callers).await;
    assert_eq!(token_requests(&app) - before, 1);
    assert!(tokens.iter().all(|token| token.is_ok() && *token == tokens[0]), "{tokens:?}");
}

#[tokio::test]
async fn a_token_is_renewed_when_four_fifths_of_its_life_are_over() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.be_strict(1000, 1000);
    let access = credential(&app, &app.connect_ga4(&admin).await).await;
    let early = "select round(extract(epoch from access_until - renew_from)) from credentials";
    assert_eq!(app.value(early).await, 200);
    let services = &app.state.services;
    let first = ask(services, access).await;
    assert_eq!(token_requests(&app), 1, "it serves");
    app.sql("update credentials set renew_from = now() - interval '1 second'").await;
    let second = ask(services, access).await;
    assert_ne!(first, second);
    assert_eq!((token_requests(&app), ask(services, access).await), (2, second));
    assert_eq!(app.value(early).await, 200);
}

#[tokio::test]
async fn a_token_that_still_serves_is_used_while_another_process_renews_it_or_cannot() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let access = credential(&app, &app.connect_ga4(&admin).await).await;
    let first = ask(&app.state.services, access).await;
    app.sql(
        "update credentials set renew_from = now() - interval '1 second', renewal_token = gen_random_uuid(),
                renewal_until = now() + interval '30 seconds'",
    )
    .await;
    assert_eq!(ask(&app.state.services, access).await, first);
    assert_eq!(token_requests(&app), 1);
    // The other process died; its turn ends, and now the server is in trouble.
    app.sql("update credentials set renewal_until = now() - interval '1 second'").await;
    app.google.fail(Fault::new("/token", 503, json!({})));
    assert_eq!(ask(&app.state.services, access).await, first);
    assert_eq!(token_requests(&app), 2);
    app.google.heal();
    assert_ne!(ask(&app.state.services, access).await, first);
}

#[tokio::test]
async fn a_rotated_token_is_in_the_database_before_the_new_access_token_is_used() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.be_strict(3600, 1000);
    app.connect_ga4(&admin).await;
    let old = (sealed(&app, "refresh_token").await, sealed(&app, "access_token").await);
    app.forget_access_tokens().await;
    let held = app.google.hold(":runReport", 0);
    let message = app.queue.next_immediate().unwrap();
    let look = async {
        let release = held.arrived().await;
        let new = (sealed(&app, "refresh_token").await, sealed(&app, "access_token").await);
        assert!(new.0 != old.0 && new.1 != old.1);
        release.send(()).unwrap();
    };
    let (answer, ()) = tokio::join!(app.deliver(&message), look);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn tokens_that_serve_for_a_moment_only_are_renewed_as_often_as_it_takes() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    // A slice takes five reports: no token lives through one.
    app.google.be_strict(1, 3);
    let id = app.synced(&admin).await;
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
    let tokens = app.google.seen("/token");
    assert!(tokens.len() > 10, "{}", tokens.len());
    let sent: std::collections::BTreeSet<_> = tokens.iter().filter_map(|seen| seen.form("refresh_token")).collect();
    assert_eq!(sent.len(), tokens.len() - 1, "no refresh token was sent twice");
}

#[tokio::test]
async fn a_refused_token_that_has_a_successor_is_not_renewed_again() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.be_strict(3600, 1000);
    let id = app.connect_ga4(&admin).await;
    let access = credential(&app, &id).await;
    let held = app.google.hold(":runReport", 3);
    let message = app.queue.next_immediate().unwrap();
    let meanwhile = async {
        let release = held.arrived().await;
        app.google.change_grants(crate::harness::grants::Grants::expire);
        app.forget_access_tokens().await;
        ask(&app.another_process(), access).await.unwrap();
        release.send(()).unwrap();
    };
    let (answer, ()) = tokio::join!(app.deliver(&message), meanwhile);
    assert_eq!(answer.status, 200);
    assert_eq!(token_requests(&app), 2, "the consent and the one renewal");
    assert_eq!(admin.last_sync(&id).await["status"], "succeeded");
}

#[tokio::test]
async fn google_sends_no_new_refresh_token_and_the_first_one_goes_on_serving() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let access = credential(&app, &app.connect_ga4(&admin).await).await;
    for round in 1..3 {
        app.forget_access_tokens().await;
        ask(&app.state.services, access).await.unwrap();
        let sent = app.google.seen("/token")[round].form("refresh_token");
        assert_eq!(sent.as_deref(), Some(REFRESH_TOKEN));
    }
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_is_never_taken_for_a_withdrawn_access() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    for (status, body) in [(503, json!({})), (500, json!({"error": "invalid_grant"})), (429, json!({}))] {
        app.forget_access_tokens().await;
        app.google.heal();
        app.google.fail(Fault::new("/token", status, body));
        app.advance(Duration::minutes(1));
        admin.act(&format!("/api/sources/{id}/sync")).await.ok();
        app.drain().await;
        let source = admin.source(&id).await;
        assert!(source["status"] == "error" || source["status"] == "rate_limited", "{status}: {source}");
        assert_eq!(app.queue.messages().len(), 1, "it is tried again later");
        app.google.heal();
        app.let_time_pass().await;
        assert_eq!(admin.source(&id).await["status"], "connected", "{status}");
    }
    assert!(app.mailer.mails().is_empty());
}

#[tokio::test]
async fn a_withdrawn_access_stops_all_its_sources_and_each_admin_is_told_once() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.be_strict(3600, 1000);
    let [first, second] = two_sources(&app, &admin).await;
    assert_eq!(app.value("select count(*) from credentials").await, 1);
    let facts = app.value("select count(*) from datapoints").await;
    app.google.change_grants(crate::harness::grants::Grants::withdraw);
    admin.act(&format!("/api/sources/{first}/sync")).await.ok();
    app.drain().await;
    assert_eq!(statuses(&app).await, [json!("needs_reauth"), json!("needs_reauth")]);
    let mut mails = app.mailer.mails();
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["admin@acme.example", "both@portal.example"], "active admins, and nobody else");
    let text = &mails[0].text;
    assert!(text.contains("(ana@acme.example)") && text.contains("«Web», «Blog»"), "{text}");
    assert!(text.contains(&format!("http://127.0.0.1:7071/#/sources?source={first}")), "{text}");

    // What comes later finds it so and says nothing.
    app.sql("update data_sources set status = 'connected' where name = 'Blog'").await;
    admin.act(&format!("/api/sources/{second}/sync")).await.ok();
    app.sql("update data_sources set status = 'needs_reauth' where name = 'Blog'").await;
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 2);

    // One consent wakes both, and no figure is lost.
    assert_eq!(app.consent(&admin, &second).await.status, 303);
    app.drain().await;
    assert_eq!(statuses(&app).await, [json!("connected"), json!("connected")]);
    assert_eq!(app.value("select count(*) from datapoints").await, facts);
    app.google.change_grants(crate::harness::grants::Grants::withdraw);
    admin.act(&format!("/api/sources/{second}/sync")).await.ok();
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 4, "the next loss is told again");
}

#[tokio::test]
async fn nobody_is_told_of_an_access_that_was_given_anew_before_the_mail_went_out() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.be_strict(3600, 1000);
    let id = app.synced(&admin).await;
    app.google.change_grants(crate::harness::grants::Grants::withdraw);
    admin.act(&format!("/api/sources/{id}/sync")).await.ok();
    let run = app.queue.next_immediate().unwrap();
    app.deliver(&run).await.ok();
    assert_eq!(admin.source(&id).await["status"], "needs_reauth");
    assert_eq!(app.consent(&admin, &id).await.status, 303);
    app.drain().await;
    assert!(app.mailer.mails().is_empty());
    let ended = app.rows("select distinct state from jobs where kind = 'mail'").await;
    assert_eq!(ended, [json!({"state": "cancelled"})]);
}

#[tokio::test]
async fn a_mail_about_a_lost_access_reaches_no_one_who_has_ceased_to_be_an_admin() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.be_strict(3600, 1000);
    let id = app.synced(&admin).await;
    app.google.change_grants(crate::harness::grants::Grants::withdraw);
    admin.act(&format!("/api/sources/{id}/sync")).await.ok();
    let run = app.queue.next_immediate().unwrap();
    app.deliver(&run).await.ok();
    app.sql(
        "update memberships set role = 'viewer'
          where user_id = (select id from users where email = 'both@portal.example')",
    )
    .await;
    app.drain().await;
    let to: Vec<String> = app.mailer.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["admin@acme.example"]);
}

#[tokio::test]
async fn a_person_who_connects_while_a_renewal_is_being_refused_wins() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.be_strict(3600, 1000);
    let [first, second] = two_sources(&app, &admin).await;
    app.google.change_grants(crate::harness::grants::Grants::withdraw);
    app.forget_access_tokens().await;
    admin.act(&format!("/api/sources/{first}/sync")).await.ok();
    let run = app.queue.next_immediate().unwrap();
    let held = app.google.hold("/token", 0);
    let connect = async {
        let release = held.arrived().await;
        // Through the other source, under the same access.
        assert_eq!(app.consent(&admin, &second).await.status, 303);
        release.send(()).unwrap();
    };
    let (answer, ()) = tokio::join!(app.deliver(&run), connect);
    assert_eq!(answer.status, 200);
    app.drain().await;
    assert_eq!(statuses(&app).await, [json!("connected"), json!("connected")]);
    assert_eq!(admin.last_sync(&first).await["status"], "succeeded");
    assert!(app.mailer.mails().is_empty());
}
