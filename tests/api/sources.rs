//! Sources: adding, renaming, pausing, removing, and their history.

use serde_json::{Value, json};

use crate::figures::daily;
use crate::harness::{TestApp, random_id};

#[tokio::test]
async fn a_new_source_is_not_connected() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let answer = acme.post("/api/sources", &json!({"provider": "ga4", "name": "  Web  "})).await;
    assert_eq!(answer.status, 201);
    let body = answer.json();
    let id = body["id"].as_str().unwrap();
    assert_eq!(
        body,
        json!({"id": id, "provider": "ga4", "type": "oauth2", "name": "Web", "status": "not_connected",
               "status_text": "Falta conectar la cuenta.", "last_sync_at": null, "property": null, "properties": [],
               "progress": null, "created_at": "2026-11-23T10:00:00Z", "failure": null, "retry_at": null, "next_due": null,
               "cadence_minutes": 360, "pause_reason": null, "connection": null, "test_mode": false, "zone": null,
               "zone_is_chosen": false, "zone_wanted": null, "currency": null, "backfill": null,
               "streams": [{"key": "reports", "name": "Informes", "status": "waiting", "missing_permission": null,
                            "data_through": null, "provisional_from": null, "fetched_at": null, "backfilled_from": null,
                            "backfill_until": null}],
               "freshness": {"data_through": null, "fetched_at": null, "next_due": null, "provisional_from": null,
                             "status": "not_connected", "late": false}})
    );
    assert_eq!(acme.source(id).await, body);
    assert_eq!(acme.get("/api/sources").await.ok(), json!({"items": [body], "next_cursor": null}));
    acme.act(&format!("/api/sources/{id}/sync")).await.problem(409, "not_connected");
    assert_eq!(acme.get(&format!("/api/sources/{id}/syncs")).await.ok(), json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn the_providers_are_listed_with_their_scopes() {
    let app = TestApp::start().await;
    assert_eq!(
        app.viewer().await.get("/api/sources/providers").await.ok(),
        json!({"items": [
            {"provider": "ga4", "type": "oauth2", "name": "Google Analytics 4", "scopes": [crate::harness::google::SCOPE]},
            {"provider": "stripe", "type": "api_key", "name": "Stripe", "scopes": []},
            {"provider": "csv", "type": "file", "name": "CSV", "scopes": []}
        ], "next_cursor": null})
    );
}

#[tokio::test]
async fn a_name_has_one_to_120_characters_and_a_provider_is_known() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = acme.add_source("csv", &"ñ".repeat(120)).await;
    let path = format!("/api/sources/{id}");
    for name in ["", "   ", &"x".repeat(121), "a\nb", "a\0b"] {
        let made = acme.post("/api/sources", &json!({"provider": "csv", "name": name})).await;
        assert_eq!(made.field(), ("name".into(), "bad_name".into()), "{name:?}");
        let renamed = acme.patch(&path, &json!({"name": name})).await;
        assert_eq!(renamed.field(), ("name".into(), "bad_name".into()), "{name:?}");
    }
    for provider in ["", "GA4", "shopify", "csv "] {
        let made = acme.post("/api/sources", &json!({"provider": provider, "name": "x"})).await;
        assert_eq!(made.field(), ("provider".into(), "unknown_provider".into()), "{provider:?}");
    }
    assert_eq!(acme.get("/api/sources").await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_touches_only_what_is_given() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = acme.add_source("ga4", "Web").await;
    let path = format!("/api/sources/{id}");
    let before = acme.source(&id).await;
    assert_eq!(acme.patch(&path, &json!({})).await.ok(), before);
    assert_eq!(acme.patch(&path, &json!({"paused": false})).await.ok(), before);
    assert_eq!(acme.patch(&path, &json!({"name": "Tienda"})).await.ok()["name"], "Tienda");
    assert_eq!(acme.patch(&path, &json!({"paused": true})).await.ok()["status"], "paused");
    assert_eq!(acme.patch(&path, &json!({"paused": false})).await.ok()["status"], "not_connected");
    let answer = acme.patch(&path, &json!({"status": "connected"})).await;
    assert_eq!(answer.field(), ("status".into(), "bad_value".into()));
    let actions =
        app.rows("select action, resource, actor_id is not null as someone, ip from audit_log where action like 'source.%' order by id").await;
    assert_eq!(
        actions,
        ["source.created", "source.renamed", "source.paused", "source.resumed"].map(
            |action| json!({"action": action, "resource": format!("source/{id}"), "someone": true, "ip": "203.0.113.7"})
        )
    );
}

#[tokio::test]
async fn a_file_source_is_connected_again_after_a_pause_and_never_due() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = acme.import("A", "date,n\n2026-01-01,1\n", &daily(&[("n", "count", "sum")], &[])).await;
    let before = acme.source(&id).await;
    let path = format!("/api/sources/{id}");
    assert_eq!(acme.patch(&path, &json!({"paused": true})).await.ok()["status_text"], "En pausa.");
    let mapping = daily(&[("n", "count", "sum")], &[]);
    assert_eq!(acme.upload(&id, b"date,n\n2026-01-01,1\n", &mapping).await.ok()["unchanged"], 1);
    assert_eq!(acme.source(&id).await["status"], "paused", "a file does not resume what a person paused");
    assert_eq!(acme.patch(&path, &json!({"paused": false})).await.ok(), before);
    app.advance(time::Duration::days(1));
    app.fire("schedule_syncs").await;
    assert!(app.queue.messages().is_empty());
}

#[tokio::test]
async fn deleting_a_source_takes_its_figures_and_the_metrics_nothing_else_feeds() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let both = daily(&[("n", "count", "sum"), ("m", "count", "sum")], &[]);
    let first = acme.import("A", "date,n,m\n2026-01-01,1,2\n", &both).await;
    acme.import("B", "date,n\n2026-01-01,10\n", &daily(&[("n", "count", "sum")], &[])).await;
    let answer = acme.delete(&format!("/api/sources/{first}")).await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    acme.delete(&format!("/api/sources/{first}")).await.problem(404, "not_found");
    let catalog = acme.get("/api/catalog").await.ok();
    let keys: Vec<&Value> = catalog["items"].as_array().unwrap().iter().map(|item| &item["key"]).collect();
    assert_eq!(keys, ["n"]);
    assert_eq!(acme.get("/api/metrics?from=2026-01-01&to=2026-01-01").await.ok()["metrics"][0]["value"], 10);
    assert_eq!(app.value("select count(*) from datapoints").await, 1);
    assert_eq!(app.value("select count(*) from audit_log where action = 'source.deleted'").await, 1);
}

#[tokio::test]
async fn the_history_is_paged_newest_first() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let mapping = daily(&[("n", "count", "sum")], &[]);
    let id = acme.import("A", "date,n\n2026-01-01,1\n", &mapping).await;
    for day in 2..=5 {
        app.advance(time::Duration::MINUTE);
        acme.upload(&id, format!("date,n\n2026-01-0{day},1\n").as_bytes(), &mapping).await.ok();
    }
    let path = format!("/api/sources/{id}/syncs");
    let whole = acme.get(&path).await.ok();
    let items = whole["items"].as_array().unwrap();
    assert_eq!((items.len(), &whole["next_cursor"]), (5, &Value::Null));
    assert_eq!(
        items[0],
        json!({"id": items[0]["id"], "trigger": "upload", "status": "succeeded", "started_at": "2026-11-23T10:04:00Z",
               "finished_at": "2026-11-23T10:04:00Z", "from": "2026-01-05", "to": "2026-01-05", "rows_read": 1, "rows_changed": 1,
               "rows_removed": 0, "message": null, "attempts": 1, "batches": 1, "duration": 0, "next_attempt_at": null,
               "sentence": "Filas leídas: 1; datos nuevos o cambiados: 1; retirados: 0."})
    );
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = acme.get(&format!("{path}?limit=2&cursor={cursor}")).await.ok();
        paged.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(&paged, items);
    assert_eq!(acme.get(&format!("{path}?cursor=x")).await.field().0, "cursor");
    assert_eq!(acme.get(&format!("{path}?limit=101")).await.field().0, "limit");
}

#[tokio::test]
async fn what_is_no_id_names_nothing() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let reference = acme.get(&format!("/api/sources/{}", random_id())).await.problem(404, "not_found");
    for id in ["x", "0", "..", "%2e%2e", "{id}", "null", "%ff", "%00"] {
        let answer = acme.get(&format!("/api/sources/{id}")).await;
        assert_eq!(answer.problem(404, "not_found"), reference, "{id}");
    }
}
