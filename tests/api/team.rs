//! The team: who belongs to it, who manages it, and that somebody always does.

use serde_json::{Value, json};

use crate::harness::client::{Call, Client};
use crate::harness::{PASSWORD, TestApp, random_id};

/// The id of a person.
pub async fn person(app: &TestApp, email: &str) -> String {
    app.value(&format!("select id from users where email = '{email}'")).await.as_str().unwrap().to_owned()
}

/// The newest entry of a tenant's trail with this action: everything that does not differ from run to run.
pub async fn recorded(app: &TestApp, action: &str) -> Value {
    let sql = format!(
        "select actor_email, actor_kind, resource, outcome, before, after, detail, ip from audit_log
          where action = '{action}' order by seq desc limit 1"
    );
    app.rows(&sql).await.pop().unwrap_or_else(|| panic!("nothing was recorded as {action}"))
}

async fn member(client: &Client, email: &str) -> Value {
    let team = client.get("/api/team").await.ok();
    team["items"].as_array().unwrap().iter().find(|item| item["email"] == email).cloned().unwrap_or(Value::Null)
}

async fn path(app: &TestApp, email: &str) -> String {
    format!("/api/team/{}", person(app, email).await)
}

#[tokio::test]
async fn the_team_is_everybody_who_belongs_to_the_tenant_and_nobody_else() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    app.sql(
        "insert into mfa_credentials (user_id, secret, confirmed_at, created_at)
             select id, '{}', case when email like 'viewer%' then now() end, now() from users
              where email in ('viewer@acme.example', 'both@portal.example')",
    )
    .await;
    let team = acme.get("/api/team").await.ok();
    let seen: Vec<(&str, &str, bool, bool, bool)> = team["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let flag = |name: &str| item[name].as_bool().unwrap();
            let text = |name: &str| item[name].as_str().unwrap();
            (text("email"), text("role"), flag("is_active"), flag("mfa"), flag("you"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("admin@acme.example", "admin", true, false, true),
            ("viewer@acme.example", "viewer", true, true, false),
            ("both@portal.example", "admin", true, false, false),
            ("disabled@acme.example", "admin", false, false, false),
        ]
    );
    let first = &team["items"][0];
    assert_eq!((&first["name"], &first["since"]), (&json!("Ana Acero"), &json!("2026-11-23T10:00:00Z")));
    assert!(first["last_login"].is_string() && team["items"][1]["last_login"].is_null());
    assert_eq!(first.as_object().unwrap().len(), 9, "nothing else is told of a person: {first}");
}

#[tokio::test]
async fn the_team_comes_in_pages() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let first = acme.get("/api/team?limit=3").await.ok();
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = acme.get(&format!("/api/team?limit=3&cursor={cursor}")).await.ok();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    assert_eq!(acme.get("/api/team?limit=201").await.field().0, "limit");
    assert_eq!(acme.get("/api/team?tenant_id=x").await.field().0, "tenant_id");
}

#[tokio::test]
async fn a_changed_role_counts_at_the_persons_next_request() {
    let app = TestApp::start().await;
    let (acme, viewer) = (app.acme().await, app.viewer().await);
    viewer.get("/api/team").await.problem(403, "forbidden");
    let viewers = path(&app, "viewer@acme.example").await;
    let changed = acme.patch(&viewers, &json!({"role": "admin"})).await.ok();
    assert_eq!((&changed["role"], &changed["email"]), (&json!("admin"), &json!("viewer@acme.example")));
    assert_eq!(viewer.get("/api/team").await.status, 200);
    let change = recorded(&app, "team.role_changed").await;
    assert_eq!(
        (&change["before"], &change["after"], &change["detail"]),
        (&json!({"role": "viewer"}), &json!({"role": "admin"}), &json!({"email": "viewer@acme.example"}))
    );
    assert_eq!((&change["actor_email"], &change["ip"]), (&json!("admin@acme.example"), &json!("203.0.113.7")));
    assert_eq!(acme.patch(&viewers, &json!({"role": "viewer"})).await.status, 200);
    viewer.get("/api/team").await.problem(403, "forbidden");
    assert_eq!(viewer.get("/api/sources").await.status, 200);
}

#[tokio::test]
async fn the_same_role_again_changes_and_records_nothing() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let viewers = path(&app, "viewer@acme.example").await;
    assert_eq!(acme.patch(&viewers, &json!({"role": "viewer"})).await.ok()["role"], "viewer");
    assert_eq!(app.value("select count(*) from audit_log where action like 'team.%'").await, 0);
}

#[tokio::test]
async fn who_is_removed_reaches_nothing_from_the_next_request_on() {
    let app = TestApp::start().await;
    let (acme, viewer) = (app.acme().await, app.viewer().await);
    assert_eq!(acme.delete(&path(&app, "viewer@acme.example").await).await.status, 204);
    viewer.get("/api/sources").await.problem(401, "unauthenticated");
    assert_eq!(member(&acme, "viewer@acme.example").await, Value::Null);
    app.stranger().sign_in("viewer@acme.example", PASSWORD).await.problem(401, "bad_credentials");
    let change = recorded(&app, "team.removed").await;
    assert_eq!((&change["before"], &change["after"]), (&json!({"role": "viewer"}), &json!({"role": null})));
}

#[tokio::test]
async fn who_is_removed_from_one_tenant_keeps_the_others() {
    let app = TestApp::start().await;
    let (acme, both) = (app.acme().await, app.sign_in("both@portal.example").await);
    assert_eq!(acme.delete(&path(&app, "both@portal.example").await).await.status, 204);
    both.get("/api/sources").await.problem(401, "unauthenticated");
    let again = app.sign_in("both@portal.example").await;
    let session = again.get("/api/auth/session").await.ok();
    assert_eq!((&session["tenant"]["name"], &session["role"]), (&json!("Globex"), &json!("viewer")));
}

#[tokio::test]
async fn the_last_admin_can_neither_go_nor_step_down() {
    let app = TestApp::start().await;
    let globex = app.globex().await;
    let own = path(&app, "admin@globex.example").await;
    globex.delete(&own).await.problem(409, "last_admin");
    globex.patch(&own, &json!({"role": "viewer"})).await.problem(409, "last_admin");
    assert_eq!(globex.patch(&own, &json!({"role": "admin"})).await.status, 200);
}

#[tokio::test]
async fn an_admin_who_may_not_sign_in_does_not_count() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    assert_eq!(acme.delete(&path(&app, "both@portal.example").await).await.status, 204);
    let own = path(&app, "admin@acme.example").await;
    acme.delete(&own).await.problem(409, "last_admin");
    assert_eq!(acme.delete(&path(&app, "disabled@acme.example").await).await.status, 204);
}

#[tokio::test]
async fn an_admin_may_leave_while_another_stays() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    assert_eq!(acme.delete(&path(&app, "admin@acme.example").await).await.status, 204);
    acme.get("/api/team").await.problem(401, "unauthenticated");
    assert_eq!(app.sign_in("both@portal.example").await.get("/api/team").await.status, 200);
}

#[tokio::test]
async fn who_ceases_to_manage_changes_nothing_more_even_by_a_request_that_was_let_in() {
    let app = TestApp::start().await;
    let (acme, ana) = (app.acme().await, person(&app, "admin@acme.example").await);
    let viewers = path(&app, "viewer@acme.example").await;
    let step_down = format!(
        "select pg_advisory_xact_lock(hashtextextended('team/{}', 0));
         update memberships set role = 'viewer' where user_id = '{ana}'",
        app.tenant("Acme").await
    );
    let held = app.hold(&step_down).await;
    let role = json!({"role": "admin"});
    let (answer, ()) = tokio::join!(acme.patch(&viewers, &role), app.release(held, 1));
    answer.problem(403, "forbidden");
    assert_eq!(app.value("select count(*) from audit_log where action = 'team.role_changed'").await, 0);
}

#[tokio::test]
async fn two_admins_who_remove_each_other_at_once_leave_one() {
    let app = TestApp::start().await;
    let ids = [person(&app, "admin@acme.example").await, person(&app, "both@portal.example").await];
    for round in 0..6 {
        let (acme, both) = (app.acme().await, app.sign_in("both@portal.example").await);
        let paths = [format!("/api/team/{}", ids[0]), format!("/api/team/{}", ids[1])];
        let (a, b) = if round % 2 == 0 {
            tokio::join!(acme.delete(&paths[1]), both.delete(&paths[0]))
        } else {
            let down = json!({"role": "viewer"});
            tokio::join!(acme.patch(&paths[1], &down), both.patch(&paths[0], &down))
        };
        let won = [&a, &b].iter().filter(|answer| answer.status < 300).count();
        assert_eq!(won, 1, "round {round}: {} {}", a.text(), b.text());
        let left = "select count(*) from memberships m join users u on u.id = m.user_id and u.is_active
                     join tenants t on t.id = m.tenant_id where t.name = 'Acme' and m.role = 'admin'";
        assert_eq!(app.value(left).await, 1, "round {round}");
        for id in &ids {
            app.sql(&format!(
                "insert into memberships (tenant_id, user_id, role, created_at)
                 select id, '{id}', 'admin', now() from tenants where name = 'Acme'
                 on conflict on constraint memberships_pkey do update set role = 'admin'"
            ))
            .await;
        }
    }
}

#[tokio::test]
async fn ended_sessions_are_those_of_this_tenant_only() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let here = app.sign_in("both@portal.example").await;
    let mut there = app.sign_in("both@portal.example").await;
    let globex = app.tenant("Globex").await;
    let moved = there.post("/api/auth/tenant", &json!({ "tenant_id": globex })).await;
    there.cookie = moved.header("set-cookie").split(';').next().map(str::to_owned);
    let sessions = format!("{}/sessions", path(&app, "both@portal.example").await);
    assert_eq!(acme.delete(&sessions).await.status, 204);
    here.get("/api/sources").await.problem(401, "unauthenticated");
    assert_eq!(there.get("/api/sources").await.status, 200);
    assert_eq!(recorded(&app, "team.sessions_ended").await["detail"]["sessions"], 1);
    assert_eq!(app.sign_in("both@portal.example").await.get("/api/sources").await.status, 200);
}

#[tokio::test]
async fn a_person_of_another_tenant_is_like_nobody() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let foreign = path(&app, "admin@globex.example").await;
    for path in [foreign, format!("/api/team/{}", random_id()), "/api/team/x".to_owned()] {
        let role = json!({"role": "viewer"});
        for answer in
            [acme.patch(&path, &role).await, acme.delete(&path).await, acme.delete(&format!("{path}/sessions")).await]
        {
            answer.problem(404, "not_found");
        }
    }
    assert_eq!(app.globex().await.get("/api/team").await.status, 200);
}

#[tokio::test]
async fn only_a_members_role_can_be_given_and_nothing_else_changed() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let viewers = path(&app, "viewer@acme.example").await;
    for role in ["operator", "owner", "", "Admin"] {
        assert_eq!(acme.patch(&viewers, &json!({ "role": role })).await.field(), ("role".into(), "bad_value".into()));
    }
    for extra in ["is_operator", "tenant_id", "email", "user_id", "created_at"] {
        let body = json!({"role": "admin", extra: "x"});
        assert_eq!(acme.patch(&viewers, &body).await.field().0, extra);
    }
    assert_eq!(member(&acme, "viewer@acme.example").await["role"], "viewer");
}

/// Every route of team, settings and trail that is for admins.
const FOR_ADMINS: [(&str, &str); 14] = [
    ("GET", "/api/team"),
    ("PATCH", "/api/team/{id}"),
    ("DELETE", "/api/team/{id}"),
    ("DELETE", "/api/team/{id}/sessions"),
    ("GET", "/api/team/invitations"),
    ("POST", "/api/team/invitations"),
    ("POST", "/api/team/invitations/{id}/resend"),
    ("DELETE", "/api/team/invitations/{id}"),
    ("PATCH", "/api/tenant"),
    ("GET", "/api/audit"),
    ("GET", "/api/audit/actions"),
    ("GET", "/api/audit/file"),
    ("GET", "/api/audit/verification"),
    ("HEAD", "/api/audit/file"),
];

#[tokio::test]
async fn viewers_operators_and_strangers_manage_nothing() {
    let app = TestApp::start().await;
    let (viewer, operator) = (app.viewer().await, app.sign_in("operator@portal.example").await);
    let own = person(&app, "viewer@acme.example").await;
    for (method, path) in FOR_ADMINS {
        let call = || Call::new(method, &path.replace("{id}", &own)).json(&json!({"role": "admin"}));
        for client in [&viewer, &operator] {
            assert_eq!(client.send(call()).await.status, 403, "{method} {path}");
        }
        assert_eq!(app.stranger().send(call()).await.status, 401, "{method} {path}");
    }
    assert_eq!(
        app.value("select role from memberships m join users u on u.id = m.user_id where u.email like 'viewer@%'")
            .await,
        "viewer"
    );
    let refused = recorded(&app, "access.denied").await;
    assert_eq!((&refused["outcome"], &refused["actor_email"]), (&json!("refused"), &json!("viewer@acme.example")));
}
