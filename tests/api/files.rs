//! Files: preview, import, import again, and what is refused.

use serde_json::{Value, json};

use crate::figures::{daily, mapping, value};
use crate::harness::TestApp;
use crate::harness::client::{Call, Client};

const SALES: &str = "date,shop,n\n2026-01-01,A,1\n2026-01-01,B,2\n2026-01-02,A,3\n";
const RANGE: &str = "from=2026-01-01&to=2026-01-31";

fn by_shop() -> Value {
    daily(&[("n", "count", "sum")], &["shop"])
}

async fn start() -> (TestApp, Client, String) {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = acme.add_source("csv", "Ventas").await;
    (app, acme, id)
}

async fn total(client: &Client) -> Value {
    value(client, "n", RANGE).await.0
}

#[tokio::test]
async fn a_preview_says_how_the_file_can_be_read_and_keeps_nothing() {
    let (app, acme, id) = start().await;
    let file = "fecha;importe;tienda\n01/02/2026;1.234,50;Norte\n02/02/2026;7,25;Sur\n";
    let path = format!("/api/sources/{id}/preview");
    let answer = acme.send(Call::new("POST", &path).form(&[("file", file.as_bytes())])).await.ok();
    assert_eq!(
        answer,
        json!({"delimiter": ";", "decimal": ",", "encoding": "utf-8", "rows": 2, "columns": [
            {"name": "fecha", "kind": "date", "sample": ["01/02/2026", "02/02/2026"], "date_format": "%d/%m/%Y", "grain": "day"},
            {"name": "importe", "kind": "number", "sample": ["1.234,50", "7,25"], "date_format": null, "grain": null},
            {"name": "tienda", "kind": "text", "sample": ["Norte", "Sur"], "date_format": null, "grain": null},
        ]})
    );
    assert_eq!(app.value("select count(*) from syncs").await, 0);
    assert_eq!(acme.source(&id).await["status"], "not_connected");
}

#[tokio::test]
async fn an_import_tells_what_it_did_and_the_same_file_again_changes_nothing() {
    let (app, acme, id) = start().await;
    let first = acme.upload(&id, SALES.as_bytes(), &by_shop()).await.ok();
    let report = |imported: u32, unchanged: u32| json!({"rows_read": 3, "imported": imported, "unchanged": unchanged, "empty": 0, "rejected": [], "rejected_total": 0, "applied": true});
    assert_eq!(first, report(3, 0));
    let before = app.rows("select * from datapoints order by external_id").await;
    app.advance(time::Duration::DAY);
    assert_eq!(acme.upload(&id, SALES.as_bytes(), &by_shop()).await.ok(), report(0, 3));
    assert_eq!(app.rows("select * from datapoints order by external_id").await, before);
    assert_eq!(total(&acme).await, 6);
    let source = acme.source(&id).await;
    assert_eq!((&source["status"], &source["last_sync_at"]), (&json!("connected"), &json!("2026-11-24T10:00:00Z")));
}

#[tokio::test]
async fn a_changed_cell_replaces_its_own_value_and_deletes_nothing() {
    let (_app, acme, id) = start().await;
    acme.upload(&id, SALES.as_bytes(), &by_shop()).await.ok();
    let changed = "date,shop,n\n2026-01-01,B,20\n2026-01-03,A,100\n";
    let report = acme.upload(&id, changed.as_bytes(), &by_shop()).await.ok();
    assert_eq!((&report["imported"], &report["unchanged"]), (&json!(2), &json!(0)));
    assert_eq!(total(&acme).await, 124);
    assert_eq!(acme.last_sync(&id).await["rows_changed"], 2);
}

#[tokio::test]
async fn replace_leaves_only_what_the_new_file_has() {
    let (app, acme, id) = start().await;
    let mut two = daily(&[("n", "count", "sum"), ("m", "count", "sum")], &["shop"]);
    acme.upload(&id, b"date,shop,n,m\n2026-01-01,A,1,5\n2026-01-02,A,2,6\n", &two).await.ok();
    two = daily(&[("n", "percent", "mean")], &[]);
    two["replace"] = json!(true);
    acme.upload(&id, b"date,n\n2026-01-02,7\n", &two).await.ok();
    assert_eq!(total(&acme).await, 7);
    assert_eq!(app.value("select count(*) from datapoints").await, 1);
    let catalog = acme.get("/api/catalog").await.ok();
    let found: Vec<Value> = catalog["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| json!([m["key"], m["unit"], m["additivity"], m["dimensions"]]))
        .collect();
    assert_eq!(found, [json!(["n", "percent", "ratio", []])]);
    assert_eq!(acme.last_sync(&id).await["rows_removed"], 4);
}

#[tokio::test]
async fn all_or_nothing_writes_nothing_and_names_the_rows() {
    let (app, acme, id) = start().await;
    let file = "date,shop,n\n2026-01-01,A,1\n2026-13-01,A,2\n2026-01-02,A,x\n";
    let answer = acme.upload(&id, file.as_bytes(), &by_shop()).await;
    let body = answer.problem(422, "rows_rejected");
    let rejected = body["rejected"].as_array().unwrap();
    let found: Vec<Value> = rejected.iter().map(|row| json!([row["line"], row["column"], row["reason"]])).collect();
    assert_eq!(found, [json!([3, "date", "date_impossible"]), json!([4, "n", "not_a_number"])]);
    assert!(rejected.iter().all(|row| row["detail"].as_str().unwrap().ends_with('.')), "{body}");
    let counts =
        ["rows_read", "imported", "unchanged", "empty", "rejected_total", "applied"].map(|name| body[name].clone());
    assert_eq!(json!(counts), json!([3, 0, 0, 0, 2, false]));
    for table in ["datapoints", "metrics", "syncs"] {
        assert_eq!(app.value(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
    assert_eq!(acme.source(&id).await["status"], "not_connected");

    let mut skipping = by_shop();
    skipping["on_error"] = json!("skip");
    let report = acme.upload(&id, file.as_bytes(), &skipping).await.ok();
    assert_eq!(
        (&report["imported"], &report["rejected_total"], &report["applied"]),
        (&json!(1), &json!(2), &json!(true))
    );
    assert_eq!(total(&acme).await, 1);
}

#[tokio::test]
async fn a_key_means_the_same_in_every_source() {
    let (_app, acme, id) = start().await;
    acme.upload(&id, SALES.as_bytes(), &by_shop()).await.ok();
    let other = acme.add_source("csv", "Otra").await;
    for metrics in [[("n", "EUR", "sum")], [("n", "count", "mean")]] {
        for source in [&id, &other] {
            let answer = acme.upload(source, SALES.as_bytes(), &daily(&metrics, &["shop"])).await;
            answer.problem(409, "metric_differs");
        }
    }
    // Another source may bring it by other dimensions, the same source may not.
    let plain = daily(&[("n", "count", "sum")], &[]);
    acme.upload(&id, b"date,n\n2026-01-01,1\n", &plain).await.problem(409, "shape_differs");
    let monthly = mapping("month", "%Y-%m", &[("n", "count", "sum")], &["shop"]);
    acme.upload(&id, b"date,shop,n\n2026-01,A,1\n", &monthly).await.problem(409, "shape_differs");
    assert_eq!(total(&acme).await, 6);
    acme.upload(&other, b"date,n\n2026-01-01,1\n", &plain).await.ok();
    assert_eq!(total(&acme).await, 7);
}

#[tokio::test]
async fn rows_of_one_day_combine_as_the_metric_says() {
    let (_app, acme, id) = start().await;
    let metrics = [("s", "count", "sum"), ("a", "count", "mean"), ("l", "count", "last")];
    let file = "date,s,a,l\n2026-01-01,1,1,1\n2026-01-01,2,2,2\n2026-01-02,3,6,3\n";
    acme.upload(&id, file.as_bytes(), &daily(&metrics, &[])).await.ok();
    for (key, expected) in [("s", 6), ("a", 3), ("l", 3)] {
        assert_eq!(value(&acme, key, RANGE).await.0, expected, "{key}");
    }
    let mut unique = daily(&[("u", "count", "unique")], &[]);
    unique["on_error"] = json!("skip");
    let other = acme.add_source("csv", "Usuarios").await;
    let report = acme.upload(&other, b"date,u\n2026-01-01,1\n2026-01-01,2\n", &unique).await.ok();
    assert_eq!((&report["imported"], &report["rejected"][0]["reason"]), (&json!(1), &json!("repeated")));
}

#[tokio::test]
async fn a_bad_mapping_is_refused_field_by_field() {
    let (app, acme, id) = start().await;
    let mut cases: Vec<(Value, &str)> = Vec::new();
    let mut with = |path: &[&str], to: Value, field: &'static str| {
        let mut mapping = by_shop();
        let pointer = format!("/{}", path.join("/"));
        *mapping.pointer_mut(&pointer).unwrap() = to;
        cases.push((mapping, field));
    };
    with(&["metrics"], json!([]), "metrics");
    with(&["metrics", "0", "column"], json!("nothing"), "metrics[0].column");
    with(&["metrics", "0", "key"], json!("ga4.sessions"), "metrics[0].key");
    with(&["metrics", "0", "key"], json!("a b"), "metrics[0].key");
    with(&["metrics", "0", "name"], json!("a\0b"), "metrics[0].name");
    with(&["metrics", "0", "name"], json!(""), "metrics[0].name");
    with(&["dimensions"], json!(["nothing"]), "dimensions[0]");
    with(&["date", "column"], json!("nothing"), "date.column");
    with(&["date"], json!({"column": "date", "format": "%Y", "zone": "UTC"}), "mapping");
    with(&["delimiter"], json!("x"), "mapping");
    for (mapping, field) in cases {
        let answer = acme.upload(&id, SALES.as_bytes(), &mapping).await;
        assert_eq!(answer.field().0, field, "{mapping}");
    }
    let files = format!("/api/sources/{id}/files");
    let send = async |form: &[(&str, &[u8])]| acme.send(Call::new("POST", &files).form(form)).await;
    assert_eq!(send(&[("file", SALES.as_bytes())]).await.field(), ("mapping".into(), "required".into()));
    assert_eq!(send(&[("mapping", b"{}")]).await.field(), ("file".into(), "required".into()));
    assert_eq!(send(&[("file", b"x"), ("mapping", b"{")]).await.field().0, "mapping");
    assert_eq!(
        send(&[("file", b"x"), ("tenant_id", b"x")]).await.field(),
        ("tenant_id".into(), "unknown_field".into())
    );
    assert_eq!(send(&[("file", b"x"), ("file", b"x")]).await.field(), ("file".into(), "repeated_field".into()));
    acme.post(&files, &json!({})).await.problem(415, "unsupported_media_type");
    let torn = Call::new("POST", &files).header("content-type", "multipart/form-data; boundary=x").body("--x\r\nhalf");
    acme.send(torn).await.problem(400, "malformed_form");
    assert_eq!(app.value("select count(*) from metrics").await, 0);
}

#[tokio::test]
async fn what_is_no_table_is_refused_with_a_reason() {
    let (_app, acme, id) = start().await;
    for file in [&b""[..], b"PK\x03\x04rest", b"\x00\x01\x02\x00", b"{\"a\": 1}"] {
        let answer = acme.upload(&id, file, &by_shop()).await;
        assert_eq!(answer.status, 422, "{file:?}: {}", answer.text());
        let answer = acme.send(Call::new("POST", &format!("/api/sources/{id}/preview")).form(&[("file", file)])).await;
        assert!(matches!(answer.status, 200 | 422), "{file:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_text_that_the_database_cannot_hold_rejects_its_row_only() {
    let (_app, acme, id) = start().await;
    let mut skipping = by_shop();
    skipping["on_error"] = json!("skip");
    let report = acme.upload(&id, b"date,shop,n\n2026-01-01,A,1\n2026-01-02,B\0B,2\n", &skipping).await.ok();
    let rejected = &report["rejected"][0];
    assert_eq!(json!([rejected["line"], rejected["column"], rejected["reason"]]), json!([3, "shop", "invalid_text"]));
    assert_eq!(report["imported"], 1);
}

#[tokio::test]
async fn a_google_source_takes_no_files() {
    let (_app, acme, _) = start().await;
    let id = acme.add_source("ga4", "Web").await;
    acme.upload(&id, SALES.as_bytes(), &by_shop()).await.problem(409, "not_a_file_source");
    let preview = Call::new("POST", &format!("/api/sources/{id}/preview")).form(&[("file", SALES.as_bytes())]);
    acme.send(preview).await.problem(409, "not_a_file_source");
}

#[tokio::test]
async fn two_uploads_at_once_come_one_after_the_other() {
    let (app, acme, id) = start().await;
    let mapping = by_shop();
    let (one, two) =
        tokio::join!(acme.upload(&id, SALES.as_bytes(), &mapping), acme.upload(&id, SALES.as_bytes(), &mapping));
    let mut imported =
        [one.ok()["imported"].clone(), two.ok()["imported"].clone()].map(|count| count.as_u64().unwrap());
    imported.sort_unstable();
    assert_eq!(imported, [0, 3]);
    assert_eq!(app.value("select count(*) from datapoints").await, 3);
}
