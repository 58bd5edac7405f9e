//! How guessing is slowed down, and that nobody is locked out by it.

use serde_json::json;

use crate::harness::client::{Call, Client};
use crate::harness::{ORIGIN, PASSWORD, TestApp};

const ANA: &str = "admin@acme.example";

fn at(app: &TestApp, ip: &str) -> Client {
    Client { ip: ip.to_owned(), ..app.stranger() }
}

/// Lets every wait end.
async fn wait(app: &TestApp) {
    app.sql("update rate_counters set blocked_until = now() - interval '1 second' where blocked_until is not null")
        .await;
}

async fn guess(client: &mut Client, email: &str, times: usize) {
    for _ in 0..times {
        client.sign_in(email, "a wrong guess of mine").await.problem(401, "bad_credentials");
    }
}

#[tokio::test]
async fn after_five_wrong_passwords_the_next_must_wait_and_the_right_one_after_the_wait_succeeds() {
    let app = TestApp::start().await;
    for email in [ANA, "unknown@acme.example"] {
        let mut client = app.stranger();
        guess(&mut client, email, 5).await;
        let answer = client.sign_in(email, PASSWORD).await;
        let body = answer.problem(429, "throttled");
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=2).contains(&seconds), "{seconds}");
        assert_eq!(body["retry_after"], seconds);
    }
    wait(&app).await;
    app.sign_in(ANA).await;
    let mut client = app.stranger();
    guess(&mut client, ANA, 5).await;
}

#[tokio::test]
async fn each_further_wrong_password_doubles_the_wait_up_to_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let mut client = app.stranger();
    guess(&mut client, ANA, 5).await;
    for expected in [4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        wait(&app).await;
        guess(&mut client, ANA, 1).await;
        let seconds: i32 = client.sign_in(ANA, PASSWORD).await.header("retry-after").parse().unwrap();
        assert!((expected - 1..=expected).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn an_attempt_that_is_told_to_wait_counts_nowhere_and_is_recorded_once() {
    let app = TestApp::start().await;
    let mut client = app.stranger();
    guess(&mut client, ANA, 5).await;
    for _ in 0..20 {
        client.sign_in(ANA, "a wrong guess of mine").await.problem(429, "throttled");
    }
    assert_eq!(app.value("select max(hits) from rate_counters").await, 5);
    assert_eq!(app.value("select count(*) from audit_log where action = 'auth.throttled'").await, 1);
    assert_eq!(app.value("select count(*) from audit_log where action = 'auth.login_failed'").await, 5);
}

#[tokio::test]
async fn guesses_from_many_places_delay_the_person_by_a_minute_at_most_and_never_on_a_known_device() {
    let app = TestApp::start().await;
    let mut known = app.acme().await;
    for place in 0..40 {
        at(&app, &format!("198.51.100.{place}")).sign_in(ANA, "a wrong guess of mine").await;
        wait(&app).await;
    }
    at(&app, "198.51.100.99").sign_in(ANA, "a wrong guess of mine").await.problem(401, "bad_credentials");
    let answer = at(&app, "192.0.2.1").sign_in(ANA, PASSWORD).await;
    answer.problem(429, "throttled");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 60);
    known.sign_in(ANA, PASSWORD).await.ok();
    // The device is Ana's and nobody else's, and guesses with it are counted, too.
    let mut thief = Client { device: known.device.clone(), ..at(&app, "192.0.2.2") };
    guess(&mut thief, ANA, 5).await;
    thief.sign_in(ANA, PASSWORD).await.problem(429, "throttled");
    guess(&mut thief, "viewer@acme.example", 1).await;
    let forged = Client { device: Some("__Host-device=e30".into()), ..at(&app, "192.0.2.3") };
    forged.clone().sign_in(ANA, PASSWORD).await.problem(429, "throttled");
}

#[tokio::test]
async fn one_place_cannot_try_one_password_on_everybody() {
    let app = TestApp::start().await;
    let mut client = app.stranger();
    for number in 0..50 {
        guess(&mut client, &format!("person{number}@acme.example"), 1).await;
    }
    client.sign_in("another@acme.example", PASSWORD).await.problem(429, "throttled");
    guess(&mut at(&app, "192.0.2.1"), "another@acme.example", 1).await;
}

#[tokio::test]
async fn headers_that_anyone_can_send_do_not_make_another_place() {
    let app = TestApp::start().await;
    let client = app.stranger();
    let body = json!({"email": ANA, "password": "a wrong guess of mine"});
    for number in 0..6 {
        let spoofed = format!("192.0.2.{number}");
        let call = Call::new("POST", "/api/auth/login")
            .json(&body)
            .header("x-forwarded-for", &spoofed)
            .header("x-real-ip", &spoofed)
            .header("forwarded", &format!("for={spoofed}"))
            .header("origin", ORIGIN);
        let answer = client.send_passive(call).await;
        assert_eq!(answer.status, if number < 5 { 401 } else { 429 });
    }
    assert_eq!(app.value("select count(distinct ip) from audit_log").await, 1);
}

#[tokio::test]
async fn two_handlers_on_one_database_count_together() {
    let app = TestApp::start().await;
    let mut other = app.state.clone();
    let url = |role| crate::harness::secret(&app.database.url(role));
    let database = portal::store::Database::new(&url("portal_app"), &url("portal_router")).unwrap();
    other.services.counters = std::sync::Arc::new(portal::store::rate_counters::PgCounters(database.clone()));
    other.services.database = database;
    let mut clients = [app.stranger(), Client::new(portal::app::router(other))];
    for number in 0..5 {
        guess(&mut clients[number % 2], ANA, 1).await;
    }
    for client in &mut clients {
        client.sign_in(ANA, PASSWORD).await.problem(429, "throttled");
    }
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_get_through_than_one_after_the_other() {
    let app = TestApp::start().await;
    let guesses = (0..30).map(|_| {
        let mut client = app.stranger();
        async move { client.sign_in(ANA, "a wrong guess of mine").await.status }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let through = answers.iter().filter(|status| **status == 401).count();
    assert!((1..=5).contains(&through), "{answers:?}");
    assert!(answers.iter().all(|status| [401, 429, 503].contains(status)), "{answers:?}");
}

#[tokio::test]
async fn without_the_database_nobody_gets_in() {
    let app = TestApp::start().await;
    let mut state = app.state.clone();
    let nowhere = crate::harness::secret("postgres://portal_app:x@127.0.0.1:1/portal");
    let gone = portal::store::Database::new(&nowhere, &nowhere).unwrap();
    state.services.counters = std::sync::Arc::new(portal::store::rate_counters::PgCounters(gone));
    let mut client = Client::new(portal::app::router(state));
    client.sign_in(ANA, PASSWORD).await.problem(503, "unavailable");
}

#[tokio::test]
async fn counters_that_count_nothing_any_more_are_removed() {
    let app = TestApp::start().await;
    guess(&mut app.stranger(), ANA, 1).await;
    assert_eq!(app.value("select count(*) from rate_counters").await, 3);
    app.sql("update rate_counters set expires_at = now() - interval '1 second'").await;
    app.fire("housekeeping").await;
    assert_eq!(app.value("select count(*) from rate_counters").await, 0);
}
