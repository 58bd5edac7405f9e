//! People across tenants: finding them, letting them in or not, making operators.

use serde_json::{Value, json};

use super::{let_passwords_grow_old, operator, recorded};
use crate::harness::client::Client;
use crate::harness::{TestApp, random_id};
use crate::team::person;

/// What another operator's change does to Olga.
const SHUT_OUT: &str = "update users set is_active = false where email = 'operator@portal.example'";

async fn find(client: &Client, email: &str) -> Value {
    client.get(&format!("/api/operator/users?q={email}")).await.ok()["items"][0].clone()
}

async fn path(app: &TestApp, email: &str) -> String {
    format!("/api/operator/users/{}", person(app, email).await)
}

async fn add_operator(app: &TestApp, email: &str) {
    app.sql(&format!(
        "insert into users (id, email, name, password_hash, is_operator, created_at)
         select gen_random_uuid(), '{email}', 'Otro', password_hash, true, now() from users where email = 'operator@portal.example'"
    ))
    .await;
}

async fn give_mfa(app: &TestApp, email: &str, proven: &str) {
    app.sql(&format!(
        "insert into mfa_credentials (user_id, secret, confirmed_at, created_at)
         select id, '{{}}', {proven}, now() from users where email = '{email}'"
    ))
    .await;
    app.sql("insert into recovery_codes select user_id, '\\x01' from mfa_credentials").await;
}

#[tokio::test]
async fn people_are_found_by_parts_of_address_and_name_with_all_their_tenants() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    give_mfa(&app, "both@portal.example", "now()").await;
    let found = client.get("/api/operator/users?q=BERTA").await.ok();
    assert_eq!(found["next_cursor"], Value::Null);
    let berta = &found["items"][0];
    let tenants: Vec<_> = berta["tenants"].as_array().unwrap().iter().map(|one| (&one["name"], &one["role"])).collect();
    assert_eq!(tenants, [(&json!("Acme"), &json!("admin")), (&json!("Globex"), &json!("viewer"))]);
    assert_eq!(
        (&berta["mfa"], &berta["is_operator"], &berta["is_active"]),
        (&json!(true), &json!(false), &json!(true))
    );
    let olga = find(&client, "operator@").await;
    assert_eq!((&olga["is_operator"], &olga["tenants"], &olga["mfa"]), (&json!(true), &json!([]), &json!(false)));
    assert!(olga["last_login"].is_string());
    // Signs that a pattern would take for anything are only themselves.
    for nothing in ["%25", "_", "%5C"] {
        assert_eq!(client.get(&format!("/api/operator/users?q={nothing}")).await.ok()["items"], json!([]), "{nothing}");
    }
}

#[tokio::test]
async fn pages_of_people_hold_everybody_once() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api/operator/users?limit=3{cursor}")).await.ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["email"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(json!(seen), app.value("select jsonb_agg(email order by id desc) from users").await);
}

#[tokio::test]
async fn a_deactivated_person_is_out_at_once_and_does_not_come_back_with_an_old_session() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let viewer = app.viewer().await;
    let path = path(&app, "viewer@acme.example").await;
    let changed = client.patch(&path, &json!({"is_active": false})).await.ok();
    assert_eq!((&changed["is_active"], &changed["email"]), (&json!(false), &json!("viewer@acme.example")));
    viewer.get("/api/sources").await.problem(401, "unauthenticated");
    let entry = recorded(&app, "user.deactivated").await;
    assert_eq!((&entry["actor_email"], &entry["actor_kind"]), (&json!("operator@portal.example"), &json!("operator")));
    assert_eq!((&entry["before"], &entry["after"]), (&json!({"is_active": true}), &json!({"is_active": false})));
    assert_eq!(entry["detail"], json!({"email": "viewer@acme.example", "sessions": 1}));

    assert_eq!(client.patch(&path, &json!({"is_active": true})).await.ok()["is_active"], true);
    viewer.get("/api/sources").await.problem(401, "unauthenticated");
    app.viewer().await.get("/api/sources").await.ok();
    // What is so already is not recorded again.
    client.patch(&path, &json!({"is_active": true})).await.ok();
    assert_eq!(app.value("select count(*) from platform_audit where action like 'user.%'").await, 2);
}

#[tokio::test]
async fn operators_cannot_shut_themselves_out() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    add_operator(&app, "operator@second.example").await;
    let path = path(&app, "operator@portal.example").await;
    client.patch(&path, &json!({"is_active": false})).await.problem(409, "yourself");
    client.act(&format!("{path}/mfa/reset")).await.problem(409, "yourself");
    client.get("/api/operator/users").await.ok();
}

#[tokio::test]
async fn of_two_operators_who_shut_each_other_out_at_once_one_stays() {
    let app = TestApp::start().await;
    let olga = operator(&app).await;
    add_operator(&app, "operator@second.example").await;
    let path = path(&app, "operator@second.example").await;
    let change = json!({"is_active": false});
    // The other one's change is under way: it has locked the operators and shut Olga out.
    let held = app.hold(SHUT_OUT).await;
    let (answer, ()) = tokio::join!(olga.patch(&path, &change), app.release(held, 1));
    answer.problem(409, "last_operator");
    assert_eq!(app.value("select count(*) from users where is_operator and is_active").await, 1);
}

#[tokio::test]
async fn an_operator_who_is_shut_out_changes_nothing_more_even_by_a_request_that_was_let_in() {
    let app = TestApp::start().await;
    let olga = operator(&app).await;
    add_operator(&app, "operator@second.example").await;
    add_operator(&app, "operator@third.example").await;
    let path = path(&app, "operator@second.example").await;
    let change = json!({"is_active": false});
    let held = app.hold(SHUT_OUT).await;
    let (answer, ()) = tokio::join!(olga.patch(&path, &change), app.release(held, 1));
    answer.problem(401, "unauthenticated");
    assert_eq!(app.value("select count(*) from users where is_operator and is_active").await, 2);
}

#[tokio::test]
async fn a_lost_second_factor_is_removed_and_its_owner_told() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let viewer = app.viewer().await;
    give_mfa(&app, "viewer@acme.example", "now()").await;
    let path = format!("{}/mfa/reset", path(&app, "viewer@acme.example").await);
    let_passwords_grow_old(&app).await;
    client.act(&path).await.problem(403, "reauth_required");
    assert_eq!(app.value("select count(*) from mfa_credentials").await, 1);

    let client = operator(&app).await;
    assert_eq!(client.act(&path).await.status, 204);
    assert_eq!(app.value("select count(*) from recovery_codes").await, 0);
    assert_eq!(find(&client, "viewer@acme").await["mfa"], false);
    viewer.get("/api/sources").await.problem(401, "unauthenticated");
    app.drain().await;
    let mails: Vec<String> = app.mailer.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(mails, ["viewer@acme.example"]);
    assert_eq!(
        recorded(&app, "user.mfa_reset").await["detail"],
        json!({"email": "viewer@acme.example", "sessions": 1})
    );
    // Nothing is left to remove, and nobody is told twice.
    assert_eq!(client.act(&path).await.status, 204);
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 1);
}

#[tokio::test]
async fn a_second_factor_that_was_never_proven_is_not_there_to_be_reset() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    give_mfa(&app, "viewer@acme.example", "null").await;
    let path = format!("{}/mfa/reset", path(&app, "viewer@acme.example").await);
    assert_eq!(client.act(&path).await.status, 204);
    assert_eq!(app.value("select count(*) from mfa_credentials").await, 1);
    assert_eq!(app.value("select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn a_new_operator_gets_a_link_and_no_password() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let body = json!({"email": " Oscar@Portal.example ", "name": "Óscar"});
    let_passwords_grow_old(&app).await;
    client.post("/api/operator/users", &body).await.problem(403, "reauth_required");

    let client = operator(&app).await;
    let answer = client.post("/api/operator/users", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json();
    assert_eq!((&made["email"], &made["is_operator"]), (&json!("oscar@portal.example"), &json!(true)));
    assert_eq!((&made["last_login"], &made["tenants"]), (&Value::Null, &json!([])));
    app.drain().await;
    let mail = app.mailer.mails().pop().unwrap();
    assert_eq!(mail.to, "oscar@portal.example");
    assert!(mail.text.contains("/#/reset?token="), "{}", mail.text);
    let entry = recorded(&app, "user.operator_created").await;
    assert_eq!(entry["detail"], json!({"email": "oscar@portal.example", "name": "Óscar"}));
    // The hash is one that no password has: it differs from everyone's.
    assert_eq!(app.value("select count(distinct password_hash) from users").await, 2);
}

#[tokio::test]
async fn an_address_that_is_taken_makes_no_operator_whoever_has_it() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let before = app.value("select count(*) from users").await;
    for email in ["admin@acme.example", "ADMIN@acme.example", "disabled@acme.example", "operator@portal.example"] {
        let answer = client.post("/api/operator/users", &json!({"email": email, "name": "x"})).await;
        answer.problem(409, "email_taken");
    }
    for (body, field) in [
        (json!({"email": "nobody", "name": "x"}), ("email", "bad_email")),
        (json!({"email": "new@portal.example", "name": " "}), ("name", "bad_name")),
    ] {
        let (name, code) = client.post("/api/operator/users", &body).await.field();
        assert_eq!((name.as_str(), code.as_str()), field);
    }
    assert_eq!(app.value("select count(*) from users").await, before);
    assert_eq!(app.value("select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn nobody_but_operators_gets_in_and_unknown_people_are_not_found() {
    let app = TestApp::start().await;
    let viewer = path(&app, "viewer@acme.example").await;
    let admin = app.acme().await;
    admin.get("/api/operator/users").await.problem(403, "forbidden");
    admin.patch(&viewer, &json!({"is_active": false})).await.problem(403, "forbidden");
    app.stranger().get("/api/operator/users").await.problem(401, "unauthenticated");
    let client = operator(&app).await;
    let nobody = format!("/api/operator/users/{}", random_id());
    client.patch(&nobody, &json!({"is_active": true})).await.problem(404, "not_found");
    client.act(&format!("{nobody}/mfa/reset")).await.problem(404, "not_found");
    client.get("/api/sources").await.problem(403, "forbidden");
}
