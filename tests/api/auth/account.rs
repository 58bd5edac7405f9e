//! One's own account: name, language, sessions, and giving the password again.

use serde_json::json;

use crate::harness::client::Call;
use crate::harness::{PASSWORD, TestApp, random_id};

#[tokio::test]
async fn the_account_says_who_one_is_and_takes_another_name_and_language() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let account = client.get("/api/account").await.ok();
    assert_eq!(account["mfa"], json!({"enabled": false, "since": null, "recovery_codes_left": 0, "enforced": false}));
    let changed = client.patch("/api/account", &json!({"name": "  Ana Acero Gil ", "locale": "en"})).await.ok();
    assert_eq!((&changed["user"]["name"], &changed["user"]["locale"]), (&json!("Ana Acero Gil"), &json!("en")));
    assert_eq!(client.get("/api/auth/session").await.ok()["user"]["name"], "Ana Acero Gil");
    assert_eq!(client.patch("/api/account", &json!({"name": " "})).await.field().0, "name");
    for forbidden in [json!({"email": "x@y.example"}), json!({"is_operator": true}), json!({"locale": "fr"})] {
        client.patch("/api/account", &forbidden).await.problem(422, "invalid");
    }
    let trail = app.rows("select before, after from audit_log where action = 'account.changed'").await;
    assert_eq!(
        trail,
        [json!({"before": {"name": "Ana Acero", "locale": "es"}, "after": {"name": "Ana Acero Gil", "locale": "en"}})]
    );
}

#[tokio::test]
async fn one_sees_and_ends_ones_own_sessions_and_nobody_elses() {
    let app = TestApp::start().await;
    let (client, other, viewer) = (app.acme().await, app.acme().await, app.viewer().await);
    let list = client.get("/api/account/sessions").await.ok();
    let items = list["items"].as_array().unwrap();
    assert_eq!((items.len(), &list["next_cursor"]), (2, &json!(null)));
    assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);
    assert_eq!(items[0]["ip"], "203.0.113.7");
    let foreign = viewer.get("/api/account/sessions").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    let reference = client.delete(&format!("/api/account/sessions/{}", random_id())).await.problem(404, "not_found");
    for id in [foreign.as_str(), "x"] {
        let answer = client.delete(&format!("/api/account/sessions/{id}")).await;
        assert_eq!(answer.problem(404, "not_found"), reference);
    }
    let id = items.iter().find(|item| item["current"] == false).unwrap()["id"].as_str().unwrap();
    assert_eq!(client.delete(&format!("/api/account/sessions/{id}")).await.status, 204);
    other.get("/api/auth/session").await.problem(401, "unauthenticated");
    client.get("/api/auth/session").await.ok();
    viewer.get("/api/auth/session").await.ok();
}

#[tokio::test]
async fn all_sessions_end_at_once_with_or_without_the_present_one() {
    let app = TestApp::start().await;
    let (client, other) = (app.acme().await, app.acme().await);
    assert_eq!(client.delete("/api/account/sessions?keep_current=true").await.status, 204);
    other.get("/api/auth/session").await.problem(401, "unauthenticated");
    client.get("/api/auth/session").await.ok();
    client.delete("/api/account/sessions?keep_current=perhaps").await.problem(422, "invalid");
    assert_eq!(client.delete("/api/account/sessions").await.status, 204);
    client.get("/api/auth/session").await.problem(401, "unauthenticated");
    assert_eq!(app.value("select count(*) from audit_log where action = 'account.sessions_ended'").await, 2);
}

#[tokio::test]
async fn sensitive_acts_are_open_for_five_minutes_after_the_password() {
    let app = TestApp::start().await;
    let mut client = app.acme().await;
    let id = client.add_source("ga4", "Web").await;
    app.sql("update sessions set authenticated_at = now() - interval '5 minutes'").await;
    let acts = [
        Call::new("POST", &format!("/api/sources/{id}/connect")),
        Call::new("POST", "/api/account/totp/start").json(&json!({})),
    ];
    for act in acts {
        client.send(act).await.problem(403, "reauth_required");
    }
    let wrong = client.post("/api/auth/reauthenticate", &json!({"password": "not this one"})).await;
    assert_eq!(wrong.field(), ("password".into(), "wrong_password".into()));
    let before = client.clone();
    let answer = client.post("/api/auth/reauthenticate", &json!({"password": PASSWORD})).await;
    client.keep(&answer);
    answer.ok();
    before.get("/api/auth/session").await.problem(401, "unauthenticated");
    client.begin_connect(&id).await;
    let trail = app.rows("select outcome from audit_log where action = 'auth.reauthenticated' order by seq").await;
    assert_eq!(trail, [json!({"outcome": "failed"}), json!({"outcome": "ok"})]);
}
