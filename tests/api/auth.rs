//! Signing in, staying signed in, and what ends it.

mod account;
mod factor;
mod passwords;
mod throttle;
mod timing;

use portal::services::auth::token_hash;
use serde_json::json;
use uuid::Uuid;

use crate::harness::client::Call;
use crate::harness::{PASSWORD, TestApp, random_id, secret};

#[tokio::test]
async fn a_login_gives_the_session_body_and_a_cookie_that_only_the_server_reads() {
    let app = TestApp::start().await;
    let mut client = app.stranger();
    let answer = client.sign_in("admin@acme.example", PASSWORD).await;
    assert_eq!(answer.status, 200);
    let cookies: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let (cookie, device) = (cookies[0], cookies[1]);
    assert!(device.starts_with("__Host-device="), "{device}");
    assert!(device.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=15552000"), "{device}");
    let token =
        cookie.strip_prefix("__Host-session=").unwrap().strip_suffix("; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(token.unwrap().len(), 43, "{cookie}");
    let acme = app.tenant("Acme").await;
    let mut body = answer.json();
    let fields = body.as_object_mut().unwrap();
    assert!(Uuid::parse_str(fields["user"]["id"].as_str().unwrap()).is_ok());
    fields["user"].as_object_mut().unwrap().remove("id");
    assert!(fields.remove("csrf_token").unwrap().as_str().unwrap().len() >= 40);
    assert_eq!(
        body,
        json!({
            "user": {"email": "admin@acme.example", "name": "Ana Acero", "locale": "es", "mfa": false},
            "tenant": {"id": acme, "name": "Acme", "zone": "Europe/Madrid", "currency": "EUR", "locale": "es-ES",
                       "week_start": "monday", "require_mfa": false},
            "tenants": [{"id": acme, "name": "Acme", "role": "admin"}],
            "role": "admin", "must_enroll_mfa": false, "now": "2026-11-23T10:00:00Z"
        })
    );
    let mut session = client.get("/api/auth/session").await.ok();
    session["user"].as_object_mut().unwrap().remove("id");
    assert_eq!(session["user"], body["user"]);
    assert_eq!(session["csrf_token"].as_str(), client.csrf.as_deref());
}

#[tokio::test]
async fn every_bad_login_looks_the_same() {
    let app = TestApp::start().await;
    let mut client = app.stranger();
    let reference = client.sign_in("admin@acme.example", "wrong").await.problem(401, "bad_credentials");
    for (email, password) in [
        ("unknown@acme.example", PASSWORD),
        ("admin@acme.example", ""),
        ("", ""),
        ("disabled@acme.example", PASSWORD),
        ("admin@initech.example", PASSWORD),
        ("nobody@portal.example", PASSWORD),
        ("admin@acme.example' or '1'='1", PASSWORD),
        ("admin@acme.example\0", PASSWORD),
        ("admin@acme.example", &"x".repeat(2_000)),
    ] {
        let answer = client.sign_in(email, password).await;
        assert_eq!(answer.problem(401, "bad_credentials"), reference, "{email}");
        assert_eq!(answer.header("set-cookie"), "", "{email}");
    }
    assert_eq!(app.value("select count(*) from sessions").await, 0);
}

#[tokio::test]
async fn the_address_counts_without_case_and_spaces() {
    let app = TestApp::start().await;
    assert_eq!(app.stranger().sign_in("  Admin@ACME.example ", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn logging_out_ends_the_session_and_its_cookie() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let other = app.acme().await;
    let answer = client.act("/api/auth/logout").await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    assert_eq!(answer.header("set-cookie"), "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    client.get("/api/auth/session").await.problem(401, "unauthenticated");
    client.act("/api/auth/logout").await.problem(401, "unauthenticated");
    other.get("/api/auth/session").await.ok();
}

#[tokio::test]
async fn a_cookie_that_the_visitor_chose_is_never_adopted() {
    let app = TestApp::start().await;
    let mut client = app.stranger();
    client.cookie = Some("__Host-session=chosen-by-someone-else".into());
    client.get("/api/auth/session").await.problem(401, "unauthenticated");
    client.sign_in("admin@acme.example", PASSWORD).await.ok();
    assert_ne!(client.token(), "chosen-by-someone-else");
    let first = client.token().to_owned();
    client.sign_in("admin@acme.example", PASSWORD).await.ok();
    assert_ne!(client.token(), first, "each login has its own token");
}

#[tokio::test]
async fn only_the_hash_of_a_session_token_is_stored() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let stored = app.value("select encode(token_hash, 'hex') from sessions").await;
    let expected =
        token_hash(&secret(client.token())).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert_eq!(stored, expected);
    let dump = app.value("select string_agg(s::text, '') from sessions s").await;
    assert!(!dump.as_str().unwrap().contains(client.token()));
}

#[tokio::test]
async fn a_person_of_two_tenants_moves_between_them_and_to_no_other() {
    let app = TestApp::start().await;
    let mut client = app.sign_in("both@portal.example").await;
    let (acme, globex) = (app.tenant("Acme").await, app.tenant("Globex").await);
    let session = client.get("/api/auth/session").await.ok();
    assert_eq!(session["tenant"]["id"], acme);
    assert_eq!(
        session["tenants"],
        json!([{"id": acme, "name": "Acme", "role": "admin"}, {"id": globex, "name": "Globex", "role": "viewer"}])
    );
    client.add_source("csv", "Solo de Acme").await;

    let before = client.clone();
    let moved = client.post("/api/auth/tenant", &json!({"tenant_id": globex})).await;
    client.keep(&moved);
    let moved = moved.ok();
    assert_ne!(client.token(), before.token());
    before.get("/api/auth/session").await.problem(401, "unauthenticated");
    assert_eq!((&moved["tenant"]["id"], &moved["role"]), (&json!(globex), &json!("viewer")));
    assert_eq!(client.get("/api/sources").await.ok()["items"], json!([]));
    client.post("/api/sources", &json!({"provider": "csv", "name": "x"})).await.problem(403, "forbidden");

    let initech = app.tenant("Initech").await;
    let unknown = client.post("/api/auth/tenant", &json!({"tenant_id": random_id()})).await.problem(404, "not_found");
    let foreign = client.post("/api/auth/tenant", &json!({"tenant_id": initech})).await.problem(404, "not_found");
    assert_eq!(unknown, foreign);
    assert_eq!(client.get("/api/auth/session").await.ok()["tenant"]["id"], globex);
}

#[tokio::test]
async fn a_session_ends_an_hour_after_its_last_use() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    app.sql("update sessions set last_used_at = now() - interval '59 minutes'").await;
    client.get("/api/auth/session").await.ok();
    let fresh = app.value("select last_used_at > now() - interval '1 minute' from sessions").await;
    assert_eq!(fresh, true, "a use prolongs it");
    app.sql("update sessions set last_used_at = now() - interval '61 minutes'").await;
    client.get("/api/auth/session").await.problem(401, "unauthenticated");
    client.get("/api/sources").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn what_a_page_asks_by_itself_does_not_keep_a_session_alive() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    app.sql("update sessions set last_used_at = now() - interval '50 minutes'").await;
    let unused = "select count(*) from sessions where last_used_at < now() - interval '49 minutes'";
    acme.send(Call::new("GET", "/api/sources").header("x-background", "1")).await.ok();
    assert_eq!(app.value(unused).await, 1);
    acme.get("/api/sources").await.ok();
    assert_eq!(app.value(unused).await, 0);
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_however_often_it_is_used() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    let hours = app.value("select extract(epoch from expires_at - created_at) / 3600 from sessions").await;
    assert_eq!(hours.as_f64(), Some(12.0));
    client.get("/api/auth/session").await.ok();
    app.sql("update sessions set expires_at = now() - interval '1 second'").await;
    client.get("/api/auth/session").await.problem(401, "unauthenticated");
    let answer = app.fire("housekeeping").await;
    assert_eq!(
        answer.json(),
        json!({"Logs": ["removed 1 sessions, 0 tokens, 0 jobs, 0 keys, 0 audit entries, 0 runs, 0 tenants; sealed 0 values anew"]})
    );
}

#[tokio::test]
async fn a_change_of_rights_counts_at_once() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    app.sql("update memberships set role = 'viewer'").await;
    client.post("/api/sources", &json!({"provider": "csv", "name": "x"})).await.problem(403, "forbidden");
    app.sql("update tenants set status = 'suspended'").await;
    client.get("/api/sources").await.problem(401, "unauthenticated");
    app.sql("update tenants set status = 'active'").await;
    client.get("/api/sources").await.ok();
    app.sql("update users set is_active = false").await;
    client.get("/api/auth/session").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_operator_signs_in_but_sees_no_tenants_figures() {
    let app = TestApp::start().await;
    let client = app.sign_in("operator@portal.example").await;
    let session = client.get("/api/auth/session").await.ok();
    assert_eq!(
        (&session["role"], &session["tenant"], &session["tenants"]),
        (&json!("operator"), &json!(null), &json!([]))
    );
    for path in ["/api/metrics", "/api/series/x", "/api/table?metrics=x", "/api/catalog", "/api/sources"] {
        client.get(path).await.problem(403, "forbidden");
    }
    let acme = app.tenant("Acme").await;
    client.post("/api/auth/tenant", &json!({"tenant_id": acme})).await.problem(404, "not_found");
}

#[tokio::test]
async fn logins_and_their_failures_are_recorded_where_the_person_belongs() {
    let app = TestApp::start().await;
    let client = app.acme().await;
    app.stranger().sign_in("admin@acme.example", "wrong").await;
    app.stranger().sign_in("unknown@acme.example", "canary-of-a-guess").await;
    client.act("/api/auth/logout").await;
    let acme = app.tenant("Acme").await;
    let trail = app
        .rows(&format!(
            "select action, outcome, ip, actor_email, detail::text as detail from audit_log where tenant_id = '{acme}' order by seq"
        ))
        .await;
    let entry = |action: &str, outcome: &str, detail: &str| json!({"action": action, "outcome": outcome, "ip": "203.0.113.7", "actor_email": "admin@acme.example", "detail": detail});
    assert_eq!(
        trail,
        [
            entry("auth.login", "ok", "{\"mfa\": false}"),
            entry("auth.login_failed", "failed", "{}"),
            entry("auth.logout", "ok", "{}")
        ]
    );
    let platform = app.rows("select action, outcome, actor_id, actor_email from platform_audit").await;
    assert_eq!(
        platform,
        [json!({"action": "auth.login_failed", "outcome": "failed", "actor_id": null, "actor_email": null})]
    );
    let dump = app.value("select string_agg(a::text, '') from platform_audit a").await;
    assert!(!dump.to_string().contains("canary"));
}

#[tokio::test]
async fn a_viewer_reads_everything_and_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("csv", "Ventas").await;
    let viewer = app.viewer().await;
    assert_eq!(viewer.source(&id).await["name"], "Ventas");
    viewer.get(&format!("/api/sources/{id}/syncs")).await.ok();
    viewer.get("/api/sources/providers").await.ok();
    let form: [(&str, &[u8]); 2] = [("file", b"a,b\n"), ("mapping", b"{}")];
    let path = |rest: &str| format!("/api/sources/{id}{rest}");
    let calls = [
        Call::new("POST", "/api/sources").json(&json!({"provider": "csv", "name": "x"})),
        Call::new("PATCH", &path("")).json(&json!({"name": "x"})),
        Call::new("DELETE", &path("")),
        Call::new("POST", &path("/connect")),
        Call::new("POST", &path("/sync")),
        Call::new("POST", &path("/preview")).form(&form[..1]),
        Call::new("POST", &path("/files")).form(&form),
        Call::new("GET", "/api/oauth/callback?code=x&state=x"),
    ];
    for call in calls {
        viewer.send(call).await.problem(403, "forbidden");
    }
    assert_eq!(admin.source(&id).await["name"], "Ventas");
}
