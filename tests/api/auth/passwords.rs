//! Passwords: what is taken, how they are kept, changed and replaced.

use serde_json::json;

use crate::harness::client::{Answer, Client};
use crate::harness::{PASSWORD, TestApp};

const ANA: &str = "admin@acme.example";
const NEW: &str = "siete olas y un faro";
/// Of `PASSWORD`, made by the reference implementation with less memory and fewer passes than ours.
const OLD_HASH: &str =
    "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$yBq+lSJqEVytFYJlbdEM1gTXF8zhrhY6p4WY8VcFXGk";

async fn change(client: &Client, current: &str, new: &str) -> Answer {
    client.post("/api/auth/password/change", &json!({"current": current, "new": new})).await
}

async fn forgot(app: &TestApp, email: &str) -> Answer {
    app.stranger().post("/api/auth/password/forgot", &json!({"email": email})).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.stranger().post("/api/auth/password/reset", &json!({"token": token, "password": password})).await
}

/// Asks for a link; gives its token.
async fn link(app: &TestApp, email: &str) -> String {
    assert_eq!(forgot(app, email).await.status, 202);
    app.drain().await;
    let mails = app.mailer.mails();
    let text = &mails.iter().rfind(|mail| mail.text.contains("reset?")).unwrap().text;
    let (_, rest) = text.split_once("token=").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_password_is_refused_for_its_length_its_fame_or_its_subject_and_for_nothing_else() {
    let app = TestApp::start().await;
    let mut client = app.acme().await;
    for (new, code) in [
        ("x".repeat(14), "too_short"),
        ("x".repeat(1_001), "too_long"),
        ("x".repeat(100_000), "too_long"),
        ("passwordpassword".into(), "common"),
        ("AcmePortal2026!!".into(), "context"),
        ("admin@acme.example".into(), "context"),
    ] {
        assert_eq!(change(&client, PASSWORD, &new).await.field(), ("new".into(), code.into()));
    }
    let mut current = PASSWORD.to_owned();
    for new in ["a ".repeat(15), "🦀".repeat(15), "ñ".repeat(1_000), "x".repeat(64)] {
        let answer = change(&client, &current, &new).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        client.keep(&answer);
        current = new;
    }
}

#[tokio::test]
async fn no_part_of_a_long_password_is_cut_off_and_its_spelling_does_not_matter() {
    let app = TestApp::start().await;
    let long = "un cami\u{f3}n ".repeat(12) + "azul";
    assert_eq!(change(&app.acme().await, PASSWORD, &long).await.status, 200);
    let mut client = app.stranger();
    client.sign_in(ANA, &format!("{}x", &long[..long.len() - 1])).await.problem(401, "bad_credentials");
    client.sign_in(ANA, &long.replace('\u{f3}', "o\u{301}")).await.ok();
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_all_other_sessions_end() {
    let app = TestApp::start().await;
    let (mut client, other) = (app.acme().await, app.acme().await);
    assert_eq!(change(&client, "not this one, sorry", NEW).await.field(), ("current".into(), "wrong_password".into()));
    other.get("/api/auth/session").await.ok();
    let before = client.clone();
    let answer = change(&client, PASSWORD, NEW).await;
    client.keep(&answer);
    assert_eq!(answer.ok()["user"]["email"], ANA);
    client.get("/api/auth/session").await.ok();
    for ended in [before, other] {
        ended.get("/api/auth/session").await.problem(401, "unauthenticated");
    }
    app.stranger().sign_in(ANA, PASSWORD).await.problem(401, "bad_credentials");
    app.stranger().sign_in(ANA, NEW).await.ok();
    assert!(client.get("/api/account").await.ok()["password_changed_at"].is_string());
    app.drain().await;
    let mails = app.mailer.mails();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, ANA));
    assert_eq!(app.value("select count(*) from audit_log where action = 'password.changed'").await, 1);
}

#[tokio::test]
async fn the_present_password_cannot_be_guessed_with_a_session() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    for _ in 0..5 {
        change(&client, "not this one, sorry", NEW).await.problem(422, "invalid");
    }
    change(&client, PASSWORD, NEW).await.problem(429, "throttled");
}

#[tokio::test]
async fn an_old_hash_is_replaced_at_login_and_works_before_and_after() {
    let app = TestApp::start().await;
    app.sql(&format!("update users set password_hash = '{OLD_HASH}'")).await;
    app.acme().await;
    let hash = app.value(&format!("select password_hash from users where email = '{ANA}'")).await;
    assert!(hash.as_str().unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    app.acme().await;
}

#[tokio::test]
async fn asking_for_a_link_answers_the_same_for_everybody_and_orders_the_same() {
    let app = TestApp::start().await;
    for email in [ANA, "unknown@acme.example", "disabled@acme.example", " ADMIN@acme.example "] {
        let answer = forgot(&app, email).await;
        assert_eq!((answer.status, answer.json()), (202, json!({})), "{email}");
    }
    assert_eq!(app.value("select count(*) from jobs where kind = 'mail'").await, 4);
    assert_eq!(forgot(&app, "no address").await.status, 202);
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 2);
}

#[tokio::test]
async fn an_address_gets_five_links_an_hour_and_a_place_asks_for_twenty() {
    let app = TestApp::start().await;
    for _ in 0..8 {
        assert_eq!(forgot(&app, ANA).await.status, 202);
    }
    assert_eq!(app.value("select count(*) from jobs where kind = 'mail'").await, 5);
    for _ in 0..12 {
        forgot(&app, "viewer@acme.example").await;
    }
    forgot(&app, ANA).await.problem(429, "throttled");
}

#[tokio::test]
async fn a_link_replaces_the_password_once_ends_all_sessions_and_signs_nobody_in() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let token = link(&app, ANA).await;
    assert_eq!(app.value("select count(*) from audit_log where action = 'password.reset_requested'").await, 1);
    assert_eq!(reset(&app, &token, "short").await.field(), ("password".into(), "too_short".into()));
    let answer = reset(&app, &token, NEW).await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    assert!(answer.header("set-cookie").starts_with("__Host-device="), "{}", answer.header("set-cookie"));
    assert_eq!(app.value("select count(*) from sessions").await, 0);
    client.get("/api/auth/session").await.problem(401, "unauthenticated");
    reset(&app, &token, "otra frase bastante larga").await.problem(400, "bad_token");
    app.stranger().sign_in(ANA, PASSWORD).await.problem(401, "bad_credentials");
    app.stranger().sign_in(ANA, NEW).await.ok();
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 2, "the link and the notice");
    let acme = app.tenant("Acme").await;
    let sql = format!("select count(*) from audit_log where action = 'password.reset' and tenant_id = '{acme}'");
    assert_eq!(app.value(&sql).await, 1);
}

#[tokio::test]
async fn a_link_that_is_unknown_expired_or_replaced_says_the_same() {
    let app = TestApp::start().await;
    let reference = reset(&app, "unknown", NEW).await.problem(400, "bad_token");
    let first = link(&app, ANA).await;
    let second = link(&app, ANA).await;
    assert_eq!(reset(&app, &first, NEW).await.problem(400, "bad_token"), reference);
    app.sql("update one_time_tokens set expires_at = now() - interval '1 second'").await;
    assert_eq!(reset(&app, &second, NEW).await.problem(400, "bad_token"), reference);
    let disabled = link(&app, ANA).await;
    app.sql("update users set is_active = false").await;
    assert_eq!(reset(&app, &disabled, NEW).await.problem(400, "bad_token"), reference);
}

#[tokio::test]
async fn of_parallel_uses_of_a_link_exactly_one_succeeds() {
    let app = TestApp::start().await;
    let token = link(&app, ANA).await;
    let uses = (0..6).map(|number| {
        let (app, token, new) = (&app, &token, format!("{NEW} {number}"));
        async move { reset(app, token, &new).await.status }
    });
    let mut answers = futures_util::future::join_all(uses).await;
    answers.sort_unstable();
    assert_eq!(answers, [204, 400, 400, 400, 400, 400]);
}

#[tokio::test]
async fn a_changed_password_makes_links_void() {
    let app = TestApp::start().await;
    let token = link(&app, ANA).await;
    change(&app.acme().await, PASSWORD, NEW).await.ok();
    reset(&app, &token, "otra frase bastante larga").await.problem(400, "bad_token");
}
