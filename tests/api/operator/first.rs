//! The first operator: made once, by whoever can start the program with the portal's settings.

use std::process::{Command, Output};

use portal::store::tokens::{Purpose, Subject};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::recorded;
use crate::harness::{ORIGIN, TestApp, settings};
use crate::team::person;

/// Starts the program as a person does.
async fn handler(app: &TestApp, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handler"));
    command.args(arguments).env_clear();
    command.envs(settings(&app.database, &app.google).into_iter().filter(|(key, _)| !key.starts_with("FUNCTIONS")));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn create(app: &TestApp, email: &str) -> Output {
    handler(app, &["create-operator", "--email", email, "--name", "Ana Acero"]).await
}

async fn without_operators() -> TestApp {
    let app = TestApp::start().await;
    app.sql("delete from users where is_operator").await;
    app
}

#[tokio::test]
async fn the_first_operator_is_made_by_a_command_that_prints_one_link() {
    let app = without_operators().await;
    let done = create(&app, "Ana@portal.example").await;
    assert!(done.status.success(), "{done:?}");
    let out = String::from_utf8(done.stdout).unwrap();
    let token = out.trim().strip_prefix(&format!("{ORIGIN}/#/reset?token=")).unwrap_or_else(|| panic!("{out}"));
    assert_eq!((token.len(), out.lines().count()), (43, 1));

    let mut router = app.state.services.database.router().await.unwrap();
    let subject =
        portal::store::tokens::take_mailed(&mut router, &Sha256::digest(token), Purpose::PasswordReset).await.unwrap();
    let ana = person(&app, "ana@portal.example").await;
    assert!(matches!(subject, Some(Subject::Person(user)) if user.to_string() == ana), "{subject:?}");
    router.commit().await.unwrap();
    let entry = recorded(&app, "user.operator_created").await;
    assert_eq!((&entry["actor_kind"], &entry["resource"]), (&json!("system"), &json!(format!("user/{ana}"))));
}

#[tokio::test]
async fn its_link_works_a_day_and_a_mailed_one_replaces_it() {
    let app = without_operators().await;
    assert!(create(&app, "ana@portal.example").await.status.success());
    let hours = "select round(extract(epoch from expires_at - created_at) / 3600)::int from one_time_tokens";
    assert_eq!(app.value(hours).await, 24);
    let order = portal::services::mail::Order::PasswordReset { email: "ana@portal.example".into() };
    let services = &app.state.services;
    let mut tx = services.database.router().await.unwrap();
    let job = services.order_mail(&mut tx, portal::domain::ids::TenantId::PLATFORM, &order).await.unwrap();
    tx.commit().await.unwrap();
    services.announce_mail(portal::domain::ids::TenantId::PLATFORM, job).await;
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 1);
    assert_eq!(app.value("select jsonb_agg(payload ->> 'job') from one_time_tokens").await, json!([job]));
}

#[tokio::test]
async fn where_there_is_an_operator_the_command_makes_none_and_prints_no_link() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        let refused = create(&app, "eve@portal.example").await;
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
        assert!(String::from_utf8(refused.stderr).unwrap().contains("There is an operator already"));
        // One who may not sign in counts, too.
        app.sql("update users set is_active = false where is_operator").await;
    }
    let left = "select (select count(*) from one_time_tokens) + (select count(*) from users where email like 'eve%')";
    assert_eq!(app.value(left).await, 0);
}

#[tokio::test]
async fn of_two_commands_at_once_one_makes_an_operator() {
    let app = without_operators().await;
    let (one, other) = tokio::join!(create(&app, "ana@portal.example"), create(&app, "eve@portal.example"));
    assert_ne!(one.status.success(), other.status.success(), "{one:?} {other:?}");
    assert_eq!(app.value("select count(*) from users where is_operator").await, 1);
}

#[tokio::test]
async fn unusable_arguments_are_explained() {
    let app = without_operators().await;
    let refused = create(&app, "nobody").await;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("email: This is not an e-mail address"), "{said}");
    let taken = create(&app, "admin@acme.example").await;
    assert!(String::from_utf8(taken.stderr).unwrap().contains("account with this address"));
    assert_eq!(handler(&app, &["serve"]).await.status.code(), Some(2));
    assert_eq!(app.value("select count(*) from one_time_tokens").await, 0);
}
