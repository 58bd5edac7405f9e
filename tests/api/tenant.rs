//! The tenant's settings, and its limits where they are met.

use serde_json::{Value, json};
use time::Duration;

use crate::figures::daily;
use crate::harness::TestApp;
use crate::harness::client::{Answer, Call, Client};
use crate::team::{person, recorded};

async fn change(client: &Client, tag: &str, body: &Value) -> Answer {
    client.send(Call::new("PATCH", "/api/tenant").header("if-match", tag).json(body)).await
}

/// Gives Acme exceptions from its plan.
async fn limit(app: &TestApp, limits: &Value) {
    app.sql(&format!("update tenants set limits = '{limits}' where name = 'Acme'")).await;
}

/// What Acme uses.
async fn used(client: &Client) -> Value {
    client.get("/api/tenant").await.ok()["use"].clone()
}

/// A daily file of so many rows.
fn file(rows: u8) -> String {
    (1..=rows).fold("date,n\n".to_owned(), |file, day| format!("{file}2026-10-{day:02},{day}\n"))
}

#[tokio::test]
async fn every_member_sees_settings_limits_and_their_use() {
    let app = TestApp::start().await;
    let answer = app.viewer().await.get("/api/tenant").await;
    assert!(answer.header("etag").starts_with('"'));
    assert_eq!(
        answer.ok(),
        json!({
            "id": app.tenant("Acme").await, "name": "Acme", "plan": "standard", "zone": "Europe/Madrid",
            "currency": "EUR", "locale": "es-ES", "week_start": "monday", "require_mfa": false,
            "audit_retention_days": 730,
            "limits": {"sources": 20, "datapoints": 5_000_000, "users": 25, "exports_per_day": 500, "min_cadence_minutes": 60},
            "use": {"sources": 0, "datapoints": 0, "users": 4, "exports_today": 0}
        })
    );
}

#[tokio::test]
async fn a_change_shows_everywhere_at_once_and_is_recorded_field_by_field() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let body = json!({
        "name": " Acme & Cía ", "zone": "America/Santiago", "currency": "CLP", "locale": "es-CL", "week_start": "sunday",
        "audit_retention_days": 365
    });
    let answer = acme.patch("/api/tenant", &body).await;
    assert_ne!(answer.header("etag"), "");
    let changed = answer.ok();
    for (field, value) in body.as_object().unwrap().iter().filter(|(field, _)| *field != "name") {
        assert_eq!(&changed[field], value);
    }
    assert_eq!(changed["name"], "Acme & Cía");
    assert_eq!(acme.get("/api/tenant").await.ok(), changed);
    let session = app.viewer().await.get("/api/auth/session").await.ok();
    assert_eq!((&session["tenant"]["zone"], &session["tenant"]["name"]), (&body["zone"], &json!("Acme & Cía")));
    let act = recorded(&app, "tenant.changed").await;
    assert_eq!(
        act["before"],
        json!({"name": "Acme", "zone": "Europe/Madrid", "currency": "EUR", "locale": "es-ES", "week_start": "monday",
               "audit_retention_days": 730})
    );
    assert_eq!(act["after"]["name"], "Acme & Cía");
    assert_eq!(act["after"].as_object().unwrap().len(), 6);
    assert_eq!(acme.patch("/api/tenant", &body).await.status, 200);
    assert_eq!(app.value("select count(*) from audit_log where action = 'tenant.changed'").await, 1);
}

#[tokio::test]
async fn every_unusable_field_is_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let before = acme.get("/api/tenant").await.ok();
    let body = json!({"name": "a\nb", "zone": "Mars/Olympus", "currency": "EURO", "locale": "fr-FR", "audit_retention_days": 89});
    let problem = acme.patch("/api/tenant", &body).await.problem(422, "invalid");
    let codes: Vec<(&str, &str)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        codes,
        [
            ("name", "bad_name"),
            ("zone", "unknown_zone"),
            ("currency", "unknown_currency"),
            ("locale", "unknown_locale"),
            ("audit_retention_days", "out_of_range")
        ]
    );
    for bad in [
        json!({"audit_retention_days": 3651}),
        json!({"week_start": "friday"}),
        json!({"require_mfa": "yes"}),
        json!({"name": ""}),
        json!({"name": "x".repeat(121)}),
        json!({"currency": "XXX"}),
    ] {
        acme.patch("/api/tenant", &bad).await.problem(422, "invalid");
    }
    for forbidden in ["id", "plan", "status", "limits", "settings", "delete_after", "updated_at", "tenant_id"] {
        assert_eq!(acme.patch("/api/tenant", &json!({"name": "x", forbidden: "plus"})).await.field().0, forbidden);
    }
    assert_eq!(acme.get("/api/tenant").await.ok(), before);
}

#[tokio::test]
async fn a_change_by_someone_who_saw_an_older_version_is_refused() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let old = acme.get("/api/tenant").await.header("etag").to_owned();
    let new = change(&acme, &old, &json!({"name": "Uno"})).await;
    assert_eq!(new.status, 200);
    change(&acme, &old, &json!({"name": "Dos"})).await.problem(412, "stale");
    assert_eq!(change(&acme, new.header("etag"), &json!({"name": "Tres"})).await.status, 200);
    assert_eq!(change(&acme, "*", &json!({"name": "Cuatro"})).await.status, 200);
    assert_eq!(app.value("select count(*) from tenants where name = 'Cuatro'").await, 1);
}

#[tokio::test]
async fn a_second_factor_is_asked_of_all_only_by_someone_who_has_one_and_gave_the_password_lately() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let want = json!({"require_mfa": true});
    acme.patch("/api/tenant", &want).await.problem(409, "enroll_first");
    app.sql(
        "insert into mfa_credentials (user_id, secret, created_at) select id, '{}', now() from users where email = 'admin@acme.example'",
    )
    .await;
    acme.patch("/api/tenant", &want).await.problem(409, "enroll_first");
    app.sql("update mfa_credentials set confirmed_at = now()").await;
    app.sql("update sessions set authenticated_at = now() - interval '6 minutes'").await;
    acme.patch("/api/tenant", &want).await.problem(403, "reauth_required");
    // What is not sensitive goes on.
    assert_eq!(acme.patch("/api/tenant", &json!({"week_start": "sunday", "require_mfa": false})).await.status, 200);
    app.sql("update sessions set authenticated_at = now()").await;
    assert_eq!(acme.patch("/api/tenant", &want).await.ok()["require_mfa"], true);
    assert_eq!(recorded(&app, "tenant.changed").await["after"], json!({"require_mfa": true}));
    app.viewer().await.get("/api/tenant").await.problem(403, "mfa_enrollment_required");
    app.sql("update sessions set authenticated_at = now() - interval '6 minutes'").await;
    acme.patch("/api/tenant", &json!({"require_mfa": false})).await.problem(403, "reauth_required");
}

#[tokio::test]
async fn there_are_no_more_sources_than_the_limit_lets() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    limit(&app, &json!({"sources": 2})).await;
    let first = acme.add_source("csv", "Uno").await;
    let body = json!({"provider": "csv", "name": "x"});
    let (a, b) = tokio::join!(acme.post("/api/sources", &body), acme.post("/api/sources", &body));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let refused = acme.post("/api/sources", &body).await.problem(409, "limit_sources");
    assert!(refused["detail"].as_str().unwrap().contains('2'), "{refused}");
    assert_eq!(used(&acme).await["sources"], 2);
    assert_eq!(acme.delete(&format!("/api/sources/{first}")).await.status, 204);
    assert_eq!(acme.post("/api/sources", &body).await.status, 201);
    assert_eq!(app.globex().await.post("/api/sources", &body).await.status, 201);
}

#[tokio::test]
async fn a_file_that_would_go_over_the_limit_leaves_everything_as_it_was() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let mapping = daily(&[("n", "count", "sum")], &[]);
    let id = acme.import("Ventas", &file(10), &mapping).await;
    assert_eq!(used(&acme).await["datapoints"], 10);
    limit(&app, &json!({"datapoints": 12})).await;
    let refused = acme.upload(&id, file(13).as_bytes(), &mapping).await.problem(409, "limit_datapoints");
    assert!(refused["detail"].as_str().unwrap().contains("12"), "{refused}");
    assert_eq!(app.value("select count(*) from datapoints").await, 10);
    let other = acme.add_source("csv", "Otra").await;
    acme.upload(&other, file(3).as_bytes(), &mapping).await.problem(409, "limit_datapoints");
    acme.upload(&id, file(12).as_bytes(), &mapping).await.ok();
    assert_eq!(used(&acme).await["datapoints"], 12);
    // At the limit, what is there can still be corrected.
    acme.upload(&id, file(12).replace(",1\n", ",100\n").as_bytes(), &mapping).await.ok();
    let mut fewer = mapping.clone();
    fewer["replace"] = json!(true);
    acme.upload(&id, file(4).as_bytes(), &fewer).await.ok();
    assert_eq!(used(&acme).await["datapoints"], 4);
    assert_eq!(acme.delete(&format!("/api/sources/{id}")).await.status, 204);
    assert_eq!(used(&acme).await["datapoints"], 0);
}

#[tokio::test]
async fn two_files_at_once_do_not_go_over_the_limit_together() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    limit(&app, &json!({"datapoints": 10})).await;
    let mapping = daily(&[("n", "count", "sum")], &[]);
    let (a, b) = (acme.add_source("csv", "A").await, acme.add_source("csv", "B").await);
    let file = file(8);
    let (a, b) = tokio::join!(acme.upload(&a, file.as_bytes(), &mapping), acme.upload(&b, file.as_bytes(), &mapping));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(used(&acme).await["datapoints"], 8);
}

/// The stored count and the true one of every source agree.
async fn counts_are_true(app: &TestApp) {
    let wrong = "select s.id, s.stored_datapoints, count(d.source_id) from data_sources s
                   left join datapoints d on d.tenant_id = s.tenant_id and d.source_id = s.id
                  group by s.tenant_id, s.id having s.stored_datapoints <> count(d.source_id)";
    assert_eq!(app.rows(wrong).await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_number_of_datapoints_is_true_after_every_run() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = app.synced(&acme).await;
    counts_are_true(&app).await;
    let stored = app.value("select count(*) from datapoints").await;
    assert!(stored.as_i64().unwrap() > 1_000);
    assert_eq!(used(&acme).await["datapoints"], stored);
    // Wrong for whatever reason, a run mends it.
    app.sql("update data_sources set stored_datapoints = 7").await;
    acme.act(&format!("/api/sources/{id}/sync")).await;
    app.drain().await;
    counts_are_true(&app).await;
}

#[tokio::test]
async fn a_run_that_finds_no_room_stops_and_goes_on_by_itself_when_there_is_some() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    limit(&app, &json!({"datapoints": 2_000})).await;
    let id = app.connect_ga4(&acme).await;
    app.drain().await;
    counts_are_true(&app).await;
    let within = app.value("select count(*) from datapoints").await.as_i64().unwrap();
    assert!((1..=2_000).contains(&within), "whole slices were kept: {within}");
    let source = acme.get(&format!("/api/sources/{id}")).await.ok();
    assert_eq!(
        (&source["status"], &source["freshness"]["next_due"]),
        (&json!("error"), &json!("2026-11-23T16:00:00Z"))
    );
    assert!(source["status_text"].as_str().unwrap().starts_with("No caben más datos"), "{source}");
    let sync = acme.last_sync(&id).await;
    assert_eq!((&sync["status"], &sync["message"]), (&json!("failed"), &source["status_text"]));
    let job = app.rows("select state, attempts from jobs").await;
    assert_eq!(job, [json!({"state": "failed", "attempts": 1})], "it is not tried again and again");
    assert_eq!(app.queue.take_scheduled().len(), 0);

    limit(&app, &json!({})).await;
    app.advance(Duration::hours(6));
    app.fire("schedule_syncs").await;
    app.drain().await;
    assert_eq!(acme.source(&id).await["status"], "connected");
    assert!(app.value("select count(*) from datapoints").await.as_i64().unwrap() > 2_000);
    counts_are_true(&app).await;
}

#[tokio::test]
async fn the_shortest_cadence_of_the_plan_decides_the_next_run() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = app.synced(&acme).await;
    let next = async || acme.source(&id).await["freshness"]["next_due"].clone();
    assert_eq!(next().await, "2026-11-23T16:00:00Z");
    let run = async || {
        app.advance(Duration::MINUTE);
        acme.act(&format!("/api/sources/{id}/sync")).await;
        app.drain().await;
        next().await
    };
    limit(&app, &json!({"min_cadence_minutes": 720})).await;
    assert_eq!(run().await, "2026-11-23T22:01:00Z");
    limit(&app, &json!({"min_cadence_minutes": 15})).await;
    assert_eq!(run().await, "2026-11-23T16:02:00Z");
    app.sql("update data_sources set cadence_minutes = 30").await;
    assert_eq!(run().await, "2026-11-23T10:33:00Z");
}

#[tokio::test]
async fn two_changes_at_once_are_both_kept() {
    let app = TestApp::start().await;
    let (acme, both) = (app.acme().await, app.sign_in("both@portal.example").await);
    let (zone, name) = (json!({"zone": "America/Lima"}), json!({"name": "Nuevo"}));
    let (a, b) = tokio::join!(acme.patch("/api/tenant", &zone), both.patch("/api/tenant", &name));
    assert_eq!((a.status, b.status), (200, 200));
    let now = acme.get("/api/tenant").await.ok();
    assert_eq!((&now["zone"], &now["name"]), (&json!("America/Lima"), &json!("Nuevo")));
    assert!(!person(&app, "admin@acme.example").await.is_empty());
}
