//! Accesses: given by key, shared by sources, listed without what is secret in them.

use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::client::Client;

async fn give_key(admin: &Client, id: &str, key: &str) -> crate::harness::client::Answer {
    admin.post(&format!("/api/sources/{id}/key"), &json!({"key": key})).await
}

#[tokio::test]
async fn a_key_connects_a_source_and_is_told_by_its_label_only() {
    let (app, _) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = admin.add_source("tiny", "Pedidos").await;
    let source = give_key(&admin, &id, "tiny_1").await.ok();
    assert_eq!((&source["status"], &source["test_mode"]), (&json!("connected"), &json!(true)));
    assert_eq!(source["connection"]["label"], "…1");
    assert_eq!(source["property"]["id"], "a1", "the only account is chosen at once");
    let waiting = json!({"key": "orders", "name": "Parte", "status": "waiting", "missing_permission": null,
        "data_through": null, "provisional_from": null, "fetched_at": null, "backfilled_from": null, "backfill_until": null});
    assert_eq!(source["streams"][0], waiting);
    let all = admin.get("/api/connections").await.ok();
    let missing = |stream: &str| json!({"stream": stream, "name": "Parte", "missing": null});
    assert_eq!(
        all["items"],
        json!([{"id": source["connection"]["id"], "provider": "tiny", "label": "…1", "test_mode": true, "sources": 1,
                "permissions": [missing("orders"), missing("refunds"), missing("stock")],
                "created_at": "2026-11-23T10:00:00Z"}])
    );
    for row in app.rows("select to_jsonb(c)::text as all from credentials c").await {
        assert!(!row["all"].as_str().unwrap().contains("tiny_1"), "{row}");
    }
    let viewer = app.viewer().await.source(&id).await;
    assert_eq!((&viewer["connection"], &viewer["properties"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn a_key_needs_a_fresh_password_and_a_source_that_takes_one() {
    let (app, tiny) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = admin.add_source("tiny", "Pedidos").await;
    let google = admin.add_source("ga4", "Web").await;
    give_key(&admin, &google, "tiny_1").await.problem(409, "not_a_key_source");
    app.sql("update sessions set authenticated_at = now() - interval '1 hour'").await;
    give_key(&admin, &id, "tiny_1").await.problem(403, "reauth_required");
    assert_eq!(app.value("select count(*) from credentials").await, 0);
    assert!(tiny.read().is_empty());
}

#[tokio::test]
async fn a_key_that_will_not_do_is_refused_with_its_reason_and_not_kept() {
    let (app, _) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = admin.add_source("tiny", "Pedidos").await;
    give_key(&admin, &id, "rubbish").await.problem(422, "ga4_unauthenticated");
    give_key(&admin, &id, "tiny_0").await.problem(422, "key_reads_nothing");
    assert_eq!(give_key(&admin, &id, &"x".repeat(301)).await.field(), ("key".into(), "bad_key".into()));
    assert_eq!(app.value("select count(*) from credentials").await, 0);
    give_key(&admin, &id, "tiny_2").await.ok();
    admin.patch(&format!("/api/sources/{id}"), &json!({"property_id": "a2"})).await.ok();
    give_key(&admin, &id, "tiny_1").await.problem(422, "key_of_other_account");
    assert_eq!(admin.source(&id).await["connection"]["label"], "…2", "the one that works stays");
}

#[tokio::test]
async fn a_second_source_is_read_with_the_access_of_the_first() {
    let (app, _) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let sources = app.tiny_sources(&admin, 2).await;
    let all = admin.get("/api/connections").await.ok();
    assert_eq!((&all["items"][0]["sources"], all["items"].as_array().unwrap().len()), (&json!(2), 1));
    assert_eq!(admin.source(&sources[1]).await["property"]["id"], "a2");
    let body = json!({"provider": "tiny", "name": "Otra", "credential_id": all["items"][0]["id"]});
    for wrong in [json!({"provider": "ga4"}), json!({"credential_id": crate::harness::random_id()})] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let answer = admin.post("/api/sources", &body).await;
        assert_eq!(answer.field(), ("credential_id".into(), "unknown_credential".into()));
    }
    let foreign = app.globex().await.post("/api/sources", &body).await;
    assert_eq!(foreign.field(), ("credential_id".into(), "unknown_credential".into()));
    assert_eq!(app.value("select count(*) from data_sources").await, 2, "nothing was added");
}

#[tokio::test]
async fn with_its_last_source_an_access_goes_and_all_that_was_read() {
    let (app, _) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let sources = app.tiny_sources(&admin, 2).await;
    app.drain().await;
    for (n, id) in sources.iter().enumerate() {
        assert_eq!(app.value("select count(*) from credentials").await, 1, "{n}");
        assert_eq!(admin.delete(&format!("/api/sources/{id}")).await.status, 204);
    }
    for table in
        ["credentials", "source_streams", "source_records", "restatements", "syncs", "sync_log", "request_buckets"]
    {
        assert_eq!(app.value(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
}

#[tokio::test]
async fn the_rhythm_stays_within_the_plan_and_a_pause_keeps_its_reason() {
    let (app, _) = TestApp::with_tiny().await;
    let admin = app.acme().await;
    let id = app.tiny_source(&admin).await;
    let path = format!("/api/sources/{id}");
    assert_eq!(admin.source(&id).await["cadence_minutes"], 360);
    let changed = admin.patch(&path, &json!({"cadence_minutes": 60})).await.ok();
    assert_eq!((&changed["cadence_minutes"], &changed["next_due"]), (&json!(60), &json!("2026-11-23T11:00:00Z")));
    for minutes in [59, 10_081, -1] {
        let answer = admin.patch(&path, &json!({"cadence_minutes": minutes})).await;
        assert_eq!(answer.field(), ("cadence_minutes".into(), "out_of_range".into()), "{minutes}");
    }
    let file = admin.add_source("csv", "Ventas").await;
    admin.patch(&format!("/api/sources/{file}"), &json!({"cadence_minutes": 60})).await.problem(409, "file_source");
    let paused = admin.patch(&path, &json!({"paused": true, "pause_reason": " Cambio de tienda "})).await.ok();
    assert_eq!((&paused["status"], &paused["pause_reason"]), (&json!("paused"), &json!("Cambio de tienda")));
    assert_eq!(admin.patch(&path, &json!({"paused": false})).await.ok()["pause_reason"], Value::Null);
    let answer = admin.patch(&path, &json!({"pause_reason": "Sin pausa"})).await;
    assert_eq!(answer.field(), ("pause_reason".into(), "not_pausing".into()));
}
