//! The second factor: setting it up, signing in with it, and losing it.

use portal::domain::ids::UserId;
use serde_json::{Value, json};
use time::Duration;
use totp_rs::{Builder, Secret};

use crate::harness::client::{Answer, Client};
use crate::harness::{PASSWORD, TestApp};

const ANA: &str = "admin@acme.example";

/// The code that an app shows after `seconds`.
fn code_after(app: &TestApp, secret: &str, seconds: i64) -> String {
    use portal::domain::clock::Clock as _;
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    let at = app.clock.now().unix_timestamp() + seconds;
    totp.generate(u64::try_from(at).unwrap()).to_string()
}

struct Enrolled {
    client: Client,
    secret: String,
    recovery: Vec<String>,
}

/// Sets up Ana's second factor and lets the used step pass.
async fn enrol(app: &TestApp) -> Enrolled {
    let mut client = app.acme().await;
    let made = client.post("/api/account/totp/start", &json!({})).await.ok();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let answer = client.post("/api/account/totp/confirm", &json!({"code": code_after(app, &secret, 0)})).await;
    let body = answer.ok();
    client.keep(&answer);
    let recovery =
        body["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    app.advance(Duration::seconds(60));
    Enrolled { client, secret, recovery }
}

async fn ticket(app: &TestApp) -> String {
    let answer = app.stranger().sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.header("set-cookie"), "");
    let body = answer.ok();
    assert_eq!(body["mfa_required"], true);
    body["ticket"].as_str().unwrap().to_owned()
}

async fn give(app: &TestApp, ticket: &str, code: &str) -> Answer {
    app.stranger().post("/api/auth/mfa", &json!({"ticket": ticket, "code": code})).await
}

#[tokio::test]
async fn a_factor_counts_only_when_a_code_has_proven_it() {
    let app = TestApp::start().await;
    let mut client = app.acme().await;
    let other = app.acme().await;
    let none = client.post("/api/account/totp/confirm", &json!({"code": "123456"})).await;
    none.problem(409, "no_enrollment");
    let made = client.post("/api/account/totp/start", &json!({})).await.ok();
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32, "160 bits");
    let url = made["otpauth_url"].as_str().unwrap();
    assert!(url.starts_with("otpauth://totp/") && url.contains(secret), "{url}");
    assert!(made["qr"]["size"].as_i64().unwrap() >= 33);
    assert!(made["qr"]["path"].as_str().unwrap().starts_with("M0 0h7v1h-7z"), "{made}");
    app.acme().await;
    let wrong = client.post("/api/account/totp/confirm", &json!({"code": "000000"})).await;
    assert_eq!(wrong.field(), ("code".into(), "bad_code".into()));
    let code = code_after(&app, secret, 0);
    let answer = client.post("/api/account/totp/confirm", &json!({"code": code})).await;
    let body = answer.ok();
    assert_eq!(body["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(body["session"]["user"]["mfa"], true);
    let before = client.clone();
    client.keep(&answer);
    for ended in [before, other] {
        ended.get("/api/auth/session").await.problem(401, "unauthenticated");
    }
    client.post("/api/account/totp/start", &json!({})).await.problem(409, "mfa_already_on");
    let mfa = client.get("/api/account").await.ok()["mfa"].clone();
    assert_eq!((&mfa["enabled"], &mfa["recovery_codes_left"]), (&json!(true), &json!(10)));
    let dump = app.value("select (select string_agg(m::text, '') from mfa_credentials m) || (select string_agg(r::text, '') from recovery_codes r) || (select string_agg(a::text, '') from audit_log a)").await.to_string();
    assert!(!dump.contains(secret) && !dump.contains(body["recovery_codes"][0].as_str().unwrap()));
}

#[tokio::test]
async fn signing_in_asks_for_the_code_and_the_ticket_reaches_nothing_else() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    let ticket = ticket(&app).await;
    let mut half = app.stranger();
    half.cookie = Some(format!("__Host-session={ticket}"));
    for (method, path, who) in portal::http::access::MATRIX.routes() {
        if !who.contains(&portal::http::access::Who::Anyone) && method == axum::http::Method::GET {
            half.get(&path.replace(['{', '}'], "")).await.problem(401, "unauthenticated");
        }
    }
    give(&app, &ticket, "000000").await.problem(401, "bad_code");
    let answer = give(&app, &ticket, &code_after(&app, &enrolled.secret, 0)).await;
    let mut client = app.stranger();
    client.keep(&answer);
    assert_eq!(answer.ok()["user"]["email"], ANA);
    client.get("/api/sources").await.ok();
    give(&app, &ticket, &code_after(&app, &enrolled.secret, 30)).await.problem(401, "bad_ticket");
    give(&app, "unknown", "123456").await.problem(401, "bad_ticket");
}

#[tokio::test]
async fn a_ticket_lives_five_minutes() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    let ticket = ticket(&app).await;
    let minutes = app.value("select extract(epoch from expires_at - created_at) / 60 from one_time_tokens").await;
    assert_eq!(minutes.as_f64(), Some(5.0));
    app.sql("update one_time_tokens set expires_at = now() - interval '1 second'").await;
    give(&app, &ticket, &code_after(&app, &enrolled.secret, 0)).await.problem(401, "bad_ticket");
}

#[tokio::test]
async fn a_code_of_the_step_before_or_after_is_taken_and_none_further_away() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    app.advance(Duration::minutes(10));
    for (seconds, status) in [(-60, 401), (60, 401), (-30, 200), (30, 200)] {
        let answer = give(&app, &ticket(&app).await, &code_after(&app, &enrolled.secret, seconds)).await;
        assert_eq!(answer.status, status, "{seconds}: {}", answer.text());
    }
}

#[tokio::test]
async fn each_code_is_taken_once_and_none_older_than_the_last() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    let code = code_after(&app, &enrolled.secret, 0);
    give(&app, &ticket(&app).await, &code).await.ok();
    give(&app, &ticket(&app).await, &code).await.problem(401, "bad_code");
    let older = code_after(&app, &enrolled.secret, -30);
    give(&app, &ticket(&app).await, &older).await.problem(401, "bad_code");
}

async fn at_once(app: &TestApp, code: &str) -> Vec<u16> {
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(ticket(app).await);
    }
    let uses = tickets.iter().map(|ticket| async move { give(app, ticket, code).await.status });
    let mut answers = futures_util::future::join_all(uses).await;
    answers.sort_unstable();
    answers
}

#[tokio::test]
async fn of_parallel_uses_of_a_code_exactly_one_succeeds() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    assert_eq!(at_once(&app, &code_after(&app, &enrolled.secret, 0)).await, [200, 401, 401, 401]);
    app.sql("delete from rate_counters").await;
    assert_eq!(at_once(&app, &enrolled.recovery[0]).await, [200, 401, 401, 401]);
}

#[tokio::test]
async fn after_five_wrong_codes_the_next_must_wait_half_a_minute() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    let ticket = ticket(&app).await;
    for _ in 0..5 {
        give(&app, &ticket, "000000").await.problem(401, "bad_code");
    }
    let answer = give(&app, &ticket, &code_after(&app, &enrolled.secret, 0)).await;
    answer.problem(429, "throttled");
    assert!((28..=30).contains(&answer.header("retry-after").parse::<i32>().unwrap()));
    app.sql("update rate_counters set blocked_until = now() - interval '1 second'").await;
    give(&app, &ticket, &code_after(&app, &enrolled.secret, 0)).await.ok();
    assert_eq!(app.value("select count(*) from audit_log where action = 'auth.mfa_failed'").await, 5);
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_and_the_person_is_told() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    app.drain().await;
    let told = app.mailer.mails().len();
    let typed = enrolled.recovery[3].to_lowercase().replace('-', " ");
    give(&app, &ticket(&app).await, &typed).await.ok();
    give(&app, &ticket(&app).await, &enrolled.recovery[3]).await.problem(401, "bad_code");
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), told + 1);
    assert_eq!(enrolled.client.get("/api/account").await.ok()["mfa"]["recovery_codes_left"], 9);
}

#[tokio::test]
async fn new_recovery_codes_make_the_old_ones_void() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    let both = json!({"password": PASSWORD, "code": code_after(&app, &enrolled.secret, 0)});
    let wrong = json!({"password": "not this one", "code": both["code"]});
    let field = enrolled.client.post("/api/account/totp/recovery", &wrong).await.field();
    assert_eq!(field, ("password".into(), "wrong_password".into()));
    let made = enrolled.client.post("/api/account/totp/recovery", &both).await.ok();
    give(&app, &ticket(&app).await, &enrolled.recovery[0]).await.problem(401, "bad_code");
    give(&app, &ticket(&app).await, made["recovery_codes"][0].as_str().unwrap()).await.ok();
}

#[tokio::test]
async fn turning_it_off_asks_for_both_and_is_refused_when_a_tenant_demands_it() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    let both = |code: String| json!({"password": PASSWORD, "code": code});
    let off = |body: Value| {
        let client = enrolled.client.clone();
        async move { client.post("/api/account/totp/disable", &body).await }
    };
    assert_eq!(off(both("000000".into())).await.field(), ("code".into(), "bad_code".into()));
    app.sql("update tenants set settings = settings || '{\"require_mfa\": true}'").await;
    off(both(code_after(&app, &enrolled.secret, 0))).await.problem(409, "mfa_enforced");
    app.sql("update tenants set settings = settings || '{\"require_mfa\": false}'").await;
    assert_eq!(off(both(code_after(&app, &enrolled.secret, 0))).await.status, 204);
    assert_eq!(app.value("select count(*) from recovery_codes").await, 0);
    app.acme().await;
    off(both("000000".into())).await.problem(409, "mfa_off");
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 2, "it was turned on, it was turned off");
}

#[tokio::test]
async fn who_must_set_it_up_can_do_nothing_else_first() {
    let app = TestApp::start().await;
    app.sql("update tenants set settings = settings || '{\"require_mfa\": true}'").await;
    let mut client = app.acme().await;
    assert_eq!(client.get("/api/auth/session").await.ok()["must_enroll_mfa"], true);
    for path in ["/api/sources", "/api/account", "/api/account/sessions", "/api/metrics"] {
        client.get(path).await.problem(403, "mfa_enrollment_required");
    }
    let made = client.post("/api/account/totp/start", &json!({})).await.ok();
    let code = code_after(&app, made["secret"].as_str().unwrap(), 0);
    let answer = client.post("/api/account/totp/confirm", &json!({"code": code})).await;
    client.keep(&answer);
    assert_eq!(answer.ok()["session"]["must_enroll_mfa"], false);
    client.get("/api/sources").await.ok();
}

#[tokio::test]
async fn a_new_password_by_mail_does_not_skip_the_code() {
    let app = TestApp::start().await;
    enrol(&app).await;
    let waiting = ticket(&app).await;
    app.stranger().post("/api/auth/password/forgot", &json!({"email": ANA})).await.ok();
    app.drain().await;
    let mails = app.mailer.mails();
    let (_, rest) = mails.iter().rfind(|mail| mail.text.contains("token=")).unwrap().text.split_once("token=").unwrap();
    let body = json!({"token": rest.split_whitespace().next().unwrap(), "password": "doce o más"});
    // Twelve characters are enough beside a second factor.
    assert_eq!(app.stranger().post("/api/auth/password/reset", &body).await.field().1, "too_short");
    let body = json!({"token": body["token"], "password": "olas y faros"});
    assert_eq!(app.stranger().post("/api/auth/password/reset", &body).await.status, 204);
    let answer = app.stranger().sign_in(ANA, "olas y faros").await.ok();
    assert_eq!(answer["mfa_required"], true);
    give(&app, &waiting, "000000").await.problem(401, "bad_ticket");
}

#[tokio::test]
async fn a_sealed_secret_opens_for_its_own_person_only() {
    let app = TestApp::start().await;
    let enrolled = enrol(&app).await;
    let sealed = app.value("select secret from mfa_credentials").await;
    let sealed = serde_json::from_value(sealed).unwrap();
    let keys = &app.state.services.keys;
    let id = |text: &str| -> UserId { text.parse().unwrap() };
    let user = app.value("select user_id from mfa_credentials").await;
    let own = portal::store::mfa::sealing_place(id(user.as_str().unwrap()));
    let other = portal::store::mfa::sealing_place(id(&crate::harness::random_id()));
    assert_eq!(keys.open(&own, &sealed).unwrap().expose(), enrolled.secret);
    assert!(keys.open(&other, &sealed).is_err());
}
