//! Invitations: who is invited, what the link does, and that it does it once.

use serde_json::{Value, json};

use crate::harness::client::{Answer, Call, Client};
use crate::harness::{PASSWORD, TestApp, random_id};
use crate::team::{person, recorded};

/// A password that a person chooses who is new.
const CHOSEN: &str = "tormenta violeta sobre el puerto";

async fn invite(client: &Client, email: &str, role: &str) -> Answer {
    client.post("/api/team/invitations", &json!({"invitations": [{"email": email, "role": role}]})).await
}

/// Invites somebody; gives the invitation's id.
async fn invited(client: &Client, email: &str, role: &str) -> String {
    let answer = invite(client, email, role).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let item = &answer.json()["items"][0];
    assert_eq!(item["result"], "invited", "{item}");
    item["id"].as_str().unwrap().to_owned()
}

/// Keeps the hash of a link's token, as the mail that carries the link does.
async fn plant(app: &TestApp, invitation: &str, token: &str) {
    app.sql(&format!(
        "insert into one_time_tokens (token_hash, purpose, tenant_id, payload, created_at, expires_at)
         select sha256('{token}'), 'invitation', tenant_id, jsonb_build_object('invitation', id, 'job', gen_random_uuid()), now(), expires_at
           from invitations where id = '{invitation}'"
    ))
    .await;
}

async fn look(app: &TestApp, token: &str) -> Answer {
    app.stranger().post("/api/invitations/look", &json!({ "token": token })).await
}

async fn accept(app: &TestApp, token: &str) -> Answer {
    let body = json!({"token": token, "name": "Nora Nueva", "password": CHOSEN});
    app.stranger().post("/api/invitations/accept", &body).await
}

/// Neither looking nor accepting gets anywhere.
async fn is_dead(app: &TestApp, token: &str, why: &str) {
    for answer in [look(app, token).await, accept(app, token).await] {
        assert_eq!(answer.status, 400, "{why}: {}", answer.text());
        answer.problem(400, "bad_token");
    }
}

#[tokio::test]
async fn an_invitation_is_kept_listed_recorded_and_mailed() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = invited(&acme, "  Nora@New.Example ", "viewer").await;
    let list = acme.get("/api/team/invitations").await.ok();
    let item = &list["items"][0];
    assert_eq!(
        (&item["id"], &item["email"], &item["role"], &item["status"], &item["invited_by"]),
        (&json!(id), &json!("nora@new.example"), &json!("viewer"), &json!("pending"), &json!("Ana Acero"))
    );
    let days = format!("select extract(day from expires_at - created_at)::int from invitations where id = '{id}'");
    assert_eq!(app.value(&days).await, 7);
    let jobs = app.rows("select kind, queue, state, payload from jobs").await;
    let order = json!({"mail": "invitation", "invitation": id});
    assert_eq!(jobs, [json!({"kind": "mail", "queue": "mail", "state": "queued", "payload": order})]);
    assert_eq!(app.queue.messages().len(), 1);
    assert_eq!(recorded(&app, "team.invited").await["detail"], json!({"email": "nora@new.example", "role": "viewer"}));
}

#[tokio::test]
async fn nobody_is_invited_twice_and_no_member_at_all() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = invited(&acme, "nora@new.example", "viewer").await;
    let body = json!({"invitations": [
        {"email": "NORA@new.example", "role": "admin"},
        {"email": "viewer@acme.example", "role": "admin"},
        {"email": "otto@new.example", "role": "admin"},
    ]});
    let items = acme.post("/api/team/invitations", &body).await.ok()["items"].clone();
    assert_eq!(items[0], json!({"email": "nora@new.example", "role": "admin", "result": "already_invited", "id": id}));
    assert_eq!(
        items[1],
        json!({"email": "viewer@acme.example", "role": "admin", "result": "already_member", "id": null})
    );
    assert_eq!(items[2]["result"], "invited");
    assert_eq!(app.value("select count(*) from invitations").await, 2);
    assert_eq!(app.value("select count(*) from jobs").await, 2);
    assert_eq!(app.value(&format!("select role from invitations where id = '{id}'")).await, "viewer");
}

#[tokio::test]
async fn one_unusable_invitation_invites_nobody() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let good = json!({"email": "a@new.example", "role": "viewer"});
    let cases = [
        (json!([]), "invitations", "bad_count"),
        (Value::Array(vec![good.clone(); 21]), "invitations", "bad_count"),
        (json!([good, {"email": "nobody", "role": "viewer"}]), "invitations[1].email", "bad_email"),
        (
            json!([{"email": "a@new.example\r\nBcc: b@evil.example", "role": "viewer"}]),
            "invitations[0].email",
            "bad_email",
        ),
        (json!([good, {"email": "A@new.example", "role": "viewer"}]), "invitations[1].email", "repeated"),
        (json!([{"email": "a@new.example", "role": "operator"}]), "invitations[0].role", "bad_value"),
    ];
    for (invitations, field, code) in cases {
        let answer = acme.post("/api/team/invitations", &json!({ "invitations": invitations })).await;
        assert_eq!(answer.field(), (field.into(), code.into()));
    }
    for extra in ["tenant_id", "expires_at", "password"] {
        let one = json!({"email": "a@new.example", "role": "viewer", extra: "x"});
        let answer = acme.post("/api/team/invitations", &json!({ "invitations": [one] })).await;
        answer.problem(422, "invalid");
    }
    assert_eq!(app.value("select count(*) from invitations").await, 0);
}

#[tokio::test]
async fn a_new_person_joins_with_the_role_and_a_password_of_their_own() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = invited(&acme, "nora@new.example", "viewer").await;
    plant(&app, &id, "t-1").await;
    for _ in 0..3 {
        let offer = look(&app, "t-1").await.ok();
        assert_eq!(
            (&offer["tenant_name"], &offer["email"], &offer["role"], &offer["has_account"], &offer["invited_by"]),
            (&json!("Acme"), &json!("nora@new.example"), &json!("viewer"), &json!(false), &json!("Ana Acero"))
        );
    }
    let joined = accept(&app, "t-1").await;
    assert_eq!((joined.status, joined.json()), (201, json!({"email": "nora@new.example", "tenant_name": "Acme"})));
    assert_eq!(joined.header("set-cookie"), "", "nobody is signed in by a link");
    is_dead(&app, "t-1", "it was used").await;

    let mut nora = app.stranger();
    let session = nora.sign_in("nora@new.example", CHOSEN).await.ok();
    assert_eq!((&session["role"], &session["tenant"]["name"]), (&json!("viewer"), &json!("Acme")));
    assert_eq!(session["user"]["name"], "Nora Nueva");
    assert_eq!(acme.get("/api/team/invitations").await.ok()["items"], json!([]));
    let act = recorded(&app, "team.joined").await;
    assert_eq!(act["detail"], json!({"invitation": id, "email": "nora@new.example", "role": "viewer"}));
    assert_eq!(act["actor_email"], "nora@new.example");
    assert_eq!(app.value("select count(*) from one_time_tokens where purpose = 'invitation'").await, 0);
    let hash = app.value("select password_hash from users where email = 'nora@new.example'").await;
    assert!(hash.as_str().unwrap().starts_with("$argon2id$"));
}

#[tokio::test]
async fn who_has_an_account_joins_with_it_and_keeps_name_and_password() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let before = app.rows("select * from users where email = 'admin@globex.example'").await;
    let id = invited(&acme, "admin@globex.example", "viewer").await;
    plant(&app, &id, "t-1").await;
    assert_eq!(look(&app, "t-1").await.ok()["has_account"], true);
    assert_eq!(app.stranger().post("/api/invitations/accept", &json!({"token": "t-1"})).await.status, 201);
    assert_eq!(app.rows("select * from users where email = 'admin@globex.example'").await, before);
    let both = app.sign_in("admin@globex.example").await.get("/api/auth/session").await.ok();
    let names: Vec<&Value> = both["tenants"].as_array().unwrap().iter().map(|tenant| &tenant["name"]).collect();
    assert_eq!(names, ["Acme", "Globex"]);
}

#[tokio::test]
async fn a_link_is_dead_once_its_invitation_is_withdrawn_or_over() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = invited(&acme, "nora@new.example", "viewer").await;
    plant(&app, &id, "t-1").await;
    assert_eq!(acme.delete(&format!("/api/team/invitations/{id}")).await.status, 204);
    is_dead(&app, "t-1", "it was withdrawn").await;
    acme.delete(&format!("/api/team/invitations/{id}")).await.problem(404, "not_found");
    assert_eq!(recorded(&app, "team.invitation_revoked").await["detail"]["email"], "nora@new.example");

    let id = invited(&acme, "nora@new.example", "viewer").await;
    plant(&app, &id, "t-2").await;
    app.sql(&format!("update invitations set expires_at = now() where id = '{id}'")).await;
    is_dead(&app, "t-2", "its time is over").await;
    assert_eq!(acme.get("/api/team/invitations").await.ok()["items"][0]["status"], "expired");

    let id = invited(&acme, "nora@new.example", "viewer").await;
    plant(&app, &id, "t-3").await;
    app.sql("update tenants set status = 'suspended' where name = 'Acme'").await;
    is_dead(&app, "t-3", "the tenant is suspended").await;
    app.sql("update tenants set status = 'active' where name = 'Acme'").await;
    app.sql("update one_time_tokens set purpose = 'password_reset'").await;
    is_dead(&app, "t-3", "it is for something else").await;
    is_dead(&app, "unknown", "there is none").await;
    is_dead(&app, "", "it is empty").await;
    assert_eq!(app.value("select count(*) from users where email = 'nora@new.example'").await, 0);
}

#[tokio::test]
async fn of_two_uses_at_once_exactly_one_joins() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    for round in 0..4 {
        let id = invited(&acme, &format!("nora{round}@new.example"), "viewer").await;
        let tokens = [format!("a-{round}"), format!("b-{round}")];
        plant(&app, &id, &tokens[0]).await;
        plant(&app, &id, &tokens[1]).await;
        // Two mails of one invitation, and in every second round the same link twice.
        let second = &tokens[usize::from(round % 2 == 0)];
        let (a, b) = tokio::join!(accept(&app, &tokens[0]), accept(&app, second));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 400], "{} {}", a.text(), b.text());
    }
    assert_eq!(app.value("select count(*) from audit_log where action = 'team.joined'").await, 4);
}

#[tokio::test]
async fn an_invitation_that_is_withdrawn_while_it_is_accepted_is_withdrawn() {
    let app = TestApp::start().await;
    let id = invited(&app.acme().await, "nora@new.example", "viewer").await;
    plant(&app, &id, "t-1").await;
    let withdraw = format!("update invitations set status = 'revoked', settled_at = now() where id = '{id}'");
    let held = app.hold(&withdraw).await;
    let (answer, ()) = tokio::join!(accept(&app, "t-1"), app.release(held, 1));
    answer.problem(400, "bad_token");
    assert_eq!(app.value("select count(*) from users where email = 'nora@new.example'").await, 0);
    assert_eq!(app.value(&format!("select status from invitations where id = '{id}'")).await, "revoked");
}

#[tokio::test]
async fn two_tenants_can_be_joined_at_once_by_somebody_new() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    plant(&app, &invited(&acme, "nora@new.example", "viewer").await, "t-acme").await;
    plant(&app, &invited(&globex, "nora@new.example", "admin").await, "t-globex").await;
    let (a, b) = tokio::join!(accept(&app, "t-acme"), accept(&app, "t-globex"));
    assert_eq!((a.status, b.status), (201, 201), "{} {}", a.text(), b.text());
    let roles = "select string_agg(t.name || ' ' || m.role, ',' order by t.name) from memberships m
                  join users u on u.id = m.user_id join tenants t on t.id = m.tenant_id where u.email = 'nora@new.example'";
    assert_eq!(app.value(roles).await, "Acme viewer,Globex admin");
}

#[tokio::test]
async fn an_operator_and_a_barred_account_are_invited_like_anybody_and_never_join() {
    let app = TestApp::start().await;
    let globex = app.globex().await;
    for (email, token) in [("operator@portal.example", "t-1"), ("disabled@acme.example", "t-2")] {
        plant(&app, &invited(&globex, email, "admin").await, token).await;
        is_dead(&app, token, email).await;
    }
    // The database itself refuses, whoever asks.
    let insert = "insert into memberships (tenant_id, user_id, role, created_at)
                  select t.id, u.id, 'admin', now() from tenants t, users u where t.name = 'Acme' and u.is_operator";
    let error = sqlx::query(insert).execute(&app.admin).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_foreign_key_violation());
}

#[tokio::test]
async fn a_poor_password_or_no_name_leaves_the_invitation_as_it_was() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    plant(&app, &invited(&acme, "nora@new.example", "viewer").await, "t-1").await;
    let cases = [
        (json!({"password": CHOSEN}), ("name", "required")),
        (json!({"name": " ", "password": CHOSEN}), ("name", "required")),
        (json!({"name": "a\nb", "password": CHOSEN}), ("name", "bad_name")),
        (json!({"name": "x".repeat(121), "password": CHOSEN}), ("name", "bad_name")),
        (json!({"name": "Nora"}), ("password", "required")),
        (json!({"name": "Nora", "password": "corta"}), ("password", "too_short")),
        (json!({"name": "Nora", "password": "a".repeat(1001)}), ("password", "too_long")),
        (json!({"name": "Nora", "password": CHOSEN, "email": "x@evil.example"}), ("email", "bad_value")),
        (json!({"name": "Nora", "password": CHOSEN, "role": "admin"}), ("role", "bad_value")),
    ];
    for (mut body, (field, code)) in cases {
        body["token"] = json!("t-1");
        let answer = app.stranger().post("/api/invitations/accept", &body).await;
        assert_eq!(answer.field(), (field.into(), code.into()));
    }
    assert_eq!(accept(&app, "t-1").await.status, 201);
}

#[tokio::test]
async fn members_and_open_invitations_together_stay_within_the_limit() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    app.sql(r#"update tenants set limits = '{"users": 6}' where name = 'Acme'"#).await;
    let first = invited(&acme, "a@new.example", "viewer").await;
    let pair = json!({"invitations": [
        {"email": "b@new.example", "role": "viewer"}, {"email": "c@new.example", "role": "viewer"}
    ]});
    let refused = acme.post("/api/team/invitations", &pair).await.problem(409, "limit_users");
    assert!(refused["detail"].as_str().unwrap().contains('6'), "{refused}");
    let (b, c) = tokio::join!(invite(&acme, "b@new.example", "viewer"), invite(&acme, "c@new.example", "viewer"));
    let mut statuses = [b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    // Who is in already is told so at the limit, too.
    assert_eq!(invite(&acme, "viewer@acme.example", "viewer").await.status, 201);
    // One whose time is over makes room, and has to find room again.
    app.sql(&format!("update invitations set expires_at = now() where id = '{first}'")).await;
    invited(&acme, "d@new.example", "viewer").await;
    acme.act(&format!("/api/team/invitations/{first}/resend")).await.problem(409, "limit_users");
}

#[tokio::test]
async fn sending_again_opens_the_invitation_anew_and_orders_another_mail() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = invited(&acme, "nora@new.example", "admin").await;
    app.sql(&format!("update invitations set expires_at = now() - interval '1 day' where id = '{id}'")).await;
    let resend = format!("/api/team/invitations/{id}/resend");
    let item = acme.act(&resend).await.ok();
    assert_eq!((&item["id"], &item["status"], &item["role"]), (&json!(id), &json!("pending"), &json!("admin")));
    assert_eq!(app.value("select count(*) from jobs where kind = 'mail'").await, 2);
    assert_eq!(recorded(&app, "team.invitation_resent").await["detail"], json!({"email": "nora@new.example"}));
    acme.delete(&format!("/api/team/invitations/{id}")).await;
    acme.act(&resend).await.problem(404, "not_found");
}

#[tokio::test]
async fn another_tenants_invitation_is_like_none() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    let foreign = invited(&globex, "nora@new.example", "admin").await;
    for id in [foreign, random_id(), "x".to_owned()] {
        acme.act(&format!("/api/team/invitations/{id}/resend")).await.problem(404, "not_found");
        acme.delete(&format!("/api/team/invitations/{id}")).await.problem(404, "not_found");
    }
    assert_eq!(acme.get("/api/team/invitations").await.ok()["items"], json!([]));
    assert_eq!(globex.get("/api/team/invitations").await.ok()["items"].as_array().unwrap().len(), 1);
    // The same address can be invited by both.
    invited(&acme, "nora@new.example", "viewer").await;
}

#[tokio::test]
async fn one_address_gets_no_flood_from_all_tenants_together() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    let id = invited(&acme, "nora@new.example", "viewer").await;
    invited(&globex, "nora@new.example", "viewer").await;
    let resend = format!("/api/team/invitations/{id}/resend");
    for _ in 0..3 {
        assert_eq!(acme.act(&resend).await.status, 200);
    }
    let refused = acme.act(&resend).await;
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    refused.problem(429, "throttled");
    assert_eq!(app.value("select count(*) from jobs").await, 5);
    // Another address is none of it.
    invited(&acme, "otto@new.example", "viewer").await;
}

#[tokio::test]
async fn one_tenant_sends_no_flood() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    app.sql(r#"update tenants set limits = '{"users": 500}' where name = 'Acme'"#).await;
    for batch in 0..5 {
        let one = |n: i32| json!({"email": format!("p{batch}-{n}@new.example"), "role": "viewer"});
        let body = json!({ "invitations": (0..20).map(one).collect::<Vec<_>>() });
        assert_eq!(acme.post("/api/team/invitations", &body).await.status, 201);
    }
    invite(&acme, "more@new.example", "viewer").await.problem(429, "throttled");
    assert_eq!(app.value("select count(*) from invitations").await, 100);
    assert_eq!(invite(&app.globex().await, "more@new.example", "viewer").await.status, 201);
}

#[tokio::test]
async fn links_cannot_be_guessed_at_leisure() {
    let app = TestApp::start().await;
    for _ in 0..60 {
        look(&app, "guess").await.problem(400, "bad_token");
    }
    look(&app, "guess").await.problem(429, "throttled");
    accept(&app, "guess").await.problem(429, "throttled");
}

#[tokio::test]
async fn a_page_elsewhere_can_make_nobody_look_or_join() {
    let app = TestApp::start().await;
    for path in ["/api/invitations/look", "/api/invitations/accept"] {
        let call = || Call::new("POST", path).json(&json!({"token": "x"}));
        app.stranger().send_passive(call()).await.problem(403, "foreign_origin");
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            app.stranger().send_passive(call().header(name, value)).await.problem(403, "foreign_origin");
        }
    }
}

#[tokio::test]
async fn who_comes_back_does_not_find_their_old_session_alive() {
    let app = TestApp::start().await;
    let (acme, viewer) = (app.acme().await, app.viewer().await);
    let id = person(&app, "viewer@acme.example").await;
    assert_eq!(acme.delete(&format!("/api/team/{id}")).await.status, 204);
    plant(&app, &invited(&acme, "viewer@acme.example", "viewer").await, "t-1").await;
    assert_eq!(app.stranger().post("/api/invitations/accept", &json!({"token": "t-1"})).await.status, 201);
    viewer.get("/api/sources").await.problem(401, "unauthenticated");
    assert_eq!(app.stranger().sign_in("viewer@acme.example", PASSWORD).await.status, 200);
}
