//! The audit trail: what it answers, what the file holds, and that a change of it is found.

mod chain;
mod plans;

use serde_json::{Value, json};
use time::Duration;

use crate::harness::TestApp;
use crate::harness::client::{Call, Client};
use crate::team::{person, recorded};

/// The actions of a page, newest first.
async fn actions(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/api/audit?{query}")).await.ok();
    let action = |item: &Value| item["action"].as_str().unwrap().to_owned();
    answer["items"].as_array().unwrap().iter().map(action).collect()
}

#[tokio::test]
async fn the_trail_tells_who_did_what_when_and_from_where() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = acme.add_source("csv", "Ventas").await;
    let renamed = acme.patch(&format!("/api/sources/{id}"), &json!({"name": "Compras"})).await;
    let items = acme.get("/api/audit").await.ok()["items"].clone();
    let entry = &items[0];
    assert_eq!(
        entry,
        &json!({
            "id": entry["id"], "ts": "2026-11-23T10:00:00Z",
            "actor": {"id": person(&app, "admin@acme.example").await, "email": "admin@acme.example", "kind": "member"},
            "action": "source.renamed", "resource": format!("source/{id}"), "outcome": "ok", "ip": "203.0.113.7",
            "user_agent": null, "request_id": renamed.header("x-request-id"),
            "before": {"name": "Ventas"}, "after": {"name": "Compras"}, "detail": {}
        })
    );
    assert_eq!(actions(&acme, "").await, ["source.renamed", "source.created", "auth.login"]);
}

#[tokio::test]
async fn the_trail_is_narrowed_by_day_person_and_action() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    acme.add_source("csv", "A").await;
    app.advance(Duration::hours(14));
    let both = app.sign_in("both@portal.example").await;
    let id = both.add_source("csv", "B").await;
    both.delete(&format!("/api/sources/{id}")).await;
    // 23 November 10:00 UTC and 24 November 00:00 UTC: in Madrid, an hour later, two days.
    assert_eq!(actions(&acme, "to=2026-11-23").await, ["source.created", "auth.login"]);
    assert_eq!(actions(&acme, "from=2026-11-24").await, ["source.deleted", "source.created", "auth.login"]);
    assert_eq!(actions(&acme, "from=2026-11-23&to=2026-11-24").await.len(), 5);
    acme.patch("/api/tenant", &json!({"zone": "America/Santiago"})).await.ok();
    let acme = app.acme().await;
    assert_eq!(actions(&acme, "from=2026-11-24").await, [""; 0], "there it is still the 23rd");

    let who = person(&app, "both@portal.example").await;
    assert_eq!(actions(&acme, &format!("actor={who}")).await, ["source.deleted", "source.created", "auth.login"]);
    assert_eq!(actions(&acme, &format!("actor={who}&action=source.created")).await, ["source.created"]);
    assert_eq!(actions(&acme, "action=source").await, ["source.deleted", "source.created", "source.created"]);
    for nothing in
        ["action=sourc", "action=source.", "action=nothing", "action=%25", "actor=01935f00-0000-7000-8000-0000deadbeef"]
    {
        assert_eq!(actions(&acme, nothing).await, [""; 0], "{nothing}");
    }
}

#[tokio::test]
async fn the_trail_comes_in_pages_without_gap_or_repetition() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    for n in 0..7 {
        acme.add_source("csv", &format!("S{n}")).await;
    }
    let (mut seen, mut query) = (Vec::new(), "limit=3".to_owned());
    loop {
        let page = acme.get(&format!("/api/audit?{query}")).await.ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=3&cursor={cursor}"),
            None => break,
        }
    }
    let all = app.rows("select id from audit_log where action <> 'x' order by id desc").await;
    assert_eq!(json!(seen), json!(all.iter().map(|row| row["id"].clone()).collect::<Vec<_>>()));
}

#[tokio::test]
async fn a_bad_question_is_answered_with_what_to_change() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    for (query, field) in [
        ("from=2026-13-01", "from"),
        ("from=2026-11-24&to=2026-11-23", "to"),
        ("actor=ana", "actor"),
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("action=a&action=b", "action"),
        ("tenant_id=x", "tenant_id"),
    ] {
        assert_eq!(acme.get(&format!("/api/audit?{query}")).await.field().0, field, "{query}");
    }
    assert_eq!(acme.get("/api/audit/file?limit=5").await.field().0, "limit");
}

#[tokio::test]
async fn one_tenants_trail_is_its_own() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    globex.add_source("csv", "Secreto").await;
    let theirs = person(&app, "admin@globex.example").await;
    for path in ["/api/audit".to_owned(), format!("/api/audit?actor={theirs}"), "/api/audit/file".to_owned()] {
        let text = acme.get(&path).await.text();
        assert!(!text.contains("Secreto") && !text.contains("globex"), "{path}");
    }
    let cursor = app.value("select max(id::text) from audit_log").await;
    let page = acme.get(&format!("/api/audit?cursor={}", cursor.as_str().unwrap())).await.text();
    assert!(!page.contains("Secreto"));
}

/// The rows of a file, without its byte order mark.
fn parsed(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn the_file_holds_what_was_asked_for_and_runs_nothing() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    acme.patch("/api/tenant", &json!({"name": "\"; x.html/../Ñ"})).await.ok();
    acme.add_source("csv", "=HYPERLINK(\"x\"),\"y\"").await;
    app.sql("update audit_log set user_agent = '=1+1', actor_email = '+a', resource = '-1', ip = '@x', request_id = e'\\t1'").await;
    let answer = acme.get("/api/audit/file?action=source").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"audit-x-html-2026-11-23.csv\"");
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
    assert!(answer.text().ends_with("\r\n"));
    let rows = parsed(&answer.body);
    assert_eq!(rows.len(), 2);
    let cell = |name: &str| rows[1][rows[0].iter().position(|head| head == name).unwrap()].clone();
    assert_eq!((cell("action"), cell("ts")), ("source.created".into(), "2026-11-23T10:00:00Z".into()));
    assert_eq!(
        ["user_agent", "actor_email", "resource", "ip", "request_id"].map(cell),
        ["'=1+1", "'+a", "'-1", "'@x", "'\t1"]
    );
    let detail: Value = serde_json::from_str(&cell("detail")).unwrap();
    assert_eq!(detail["name"], "=HYPERLINK(\"x\"),\"y\"");
}

#[tokio::test]
async fn the_file_is_recorded_and_counts_as_an_export() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    app.sql(r#"update tenants set limits = '{"exports_per_day": 3}'"#).await;
    assert_eq!(acme.get("/api/audit/file?from=2026-11-01&action=auth").await.status, 200);
    assert_eq!(
        recorded(&app, "audit.exported").await["detail"],
        json!({"rows": 1, "from": "2026-11-01", "to": null, "actor": null, "action": "auth"})
    );
    assert_eq!(acme.get("/api/tenant").await.ok()["use"]["exports_today"], 1);
    let (a, b, c) = tokio::join!(acme.get("/api/audit/file"), acme.get("/api/audit/file"), acme.get("/api/audit/file"));
    let mut statuses = [a.status, b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 409]);
    acme.get("/api/audit/file").await.problem(409, "limit_exports");
    assert_eq!(app.globex().await.get("/api/audit/file").await.status, 200);
    // The next day of the tenant begins at 23:00 UTC.
    app.advance(Duration::hours(12));
    acme.get("/api/audit/file").await.problem(409, "limit_exports");
    app.advance(Duration::hours(2));
    assert_eq!(acme.get("/api/audit/file").await.status, 200);
    assert_eq!(acme.get("/api/tenant").await.ok()["use"]["exports_today"], 1);
}

#[tokio::test]
async fn a_page_elsewhere_can_make_nobody_export() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        for method in ["GET", "HEAD"] {
            let call = Call::new(method, "/api/audit/file").header(name, value);
            assert_eq!(acme.send_passive(call).await.status, 403, "{method} {name}: {value}");
        }
        // Reading alone leaves no trace, and no other page sees the answer.
        assert_eq!(acme.send_passive(Call::new("GET", "/api/audit").header(name, value)).await.status, 200);
    }
    assert_eq!(app.value("select count(*) from audit_log where action = 'audit.exported'").await, 0);
    let call = Call::new("GET", "/api/audit/file").header("sec-fetch-site", "same-origin");
    assert_eq!(acme.send_passive(call).await.status, 200);
}

#[tokio::test]
async fn every_action_that_the_program_records_is_listed() {
    let app = TestApp::start().await;
    let tenants = app.acme().await.get("/api/audit/actions").await.ok();
    let platforms = app.sign_in("operator@portal.example").await.get("/api/operator/audit/actions").await.ok();
    let names = |body: &Value| -> Vec<String> { serde_json::from_value(body["items"].clone()).unwrap() };
    assert!([&tenants, &platforms].iter().all(|body| names(body).is_sorted() && names(body).len() > 20));
    let listed = [names(&tenants), names(&platforms)].concat();
    let mut open = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/services")];
    let (mut found, mut unlisted) = (0, Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // Every other part between quotation marks is a literal, near enough: what is none has no such shape.
        for literal in text.split('"') {
            let shaped = literal.split_once('.').is_some_and(|(group, act)| {
                let plain =
                    |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                plain(group) && plain(act) && listed.iter().any(|known| known.split('.').next() == Some(group))
            });
            if shaped {
                found += 1;
                if !listed.iter().any(|known| known == literal) {
                    unlisted.push(literal.to_owned());
                }
            }
        }
    }
    assert!(found > 15, "{found}");
    assert_eq!(unlisted, [""; 0]);
}
