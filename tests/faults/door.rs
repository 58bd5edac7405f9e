//! What the edge lets in, what it writes on every answer, and the host's own port behind it.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::client;
use crate::portal::{Portal, shared};
use crate::wait::eventually;

/// The status of a request whose path no client library straightens.
async fn raw(portal: &Portal, method: &str, path: &str) -> u16 {
    let address = portal.at("url").strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn nothing_behind_the_edge_but_the_api_can_be_reached_through_it() {
    let (portal, _others) = shared().await;
    let paths = [
        "/admin/functions/schedule_syncs",
        "/admin/host/status",
        "/run_sync",
        "/schedule_syncs",
        "/api/run_sync",
        "/api/schedule_syncs",
        "/api/admin/functions/schedule_syncs",
        "/api/../admin/functions/schedule_syncs",
        "/api/%2e%2e/admin/functions/schedule_syncs",
        "/api/..%2fadmin/functions/schedule_syncs",
        "//admin/functions/schedule_syncs",
        "/api//../run_sync",
    ];
    for path in paths {
        for method in ["GET", "POST"] {
            let status = raw(portal, method, path).await;
            assert!((400..500).contains(&status), "{method} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn an_address_or_a_front_door_that_a_client_claims_changes_nothing() {
    let (portal, _others) = shared().await;
    let (browser, mut sql) = (portal.sign_in("admin@globex.example").await, portal.sql().await);
    let forged = [
        ("X-Azure-SocketIP", "203.0.113.7"),
        ("X-Azure-ClientIP", "203.0.113.7"),
        ("X-Forwarded-For", "203.0.113.7"),
        ("X-Azure-FDID", "00000000-0000-0000-0000-000000000001"),
    ];
    let mut request = browser.request(Method::POST, "/api/sources").json(&json!({"provider": "csv", "name": "Puerta"}));
    for (name, value) in forged {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201, "the edge says who it is, whatever the client says");
    let id = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let query = "select ip from audit_log where resource = 'source/' || $1 and action = 'source.created'";
    let ip: Option<String> = sqlx::query_scalar(query).bind(&id).fetch_one(&mut sql).await.unwrap();
    assert_eq!(ip.as_deref(), Some("127.0.0.1"));
    browser.remove(&id).await;
}

#[tokio::test]
async fn the_api_refuses_whoever_comes_past_the_front_door() {
    let (portal, _others) = shared().await;
    let url = format!("{}/api/auth/session", portal.at("host_url"));
    let without = client().get(&url).send().await.unwrap();
    let wrong = client().get(&url).header("X-Azure-FDID", "00000000-0000-0000-0000-000000000001");
    for answer in [without, wrong.send().await.unwrap()] {
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "foreign_origin");
    }
}

/// `customHeaders` of `host.json`: what Front Door sets in production.
fn security_headers() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("host.json");
    let host: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    serde_json::from_value(host["extensions"]["http"]["customHeaders"].clone()).unwrap()
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let (portal, _others) = shared().await;
    let wanted = security_headers();
    assert!(wanted.len() >= 6, "{wanted:?}");
    let base = portal.at("url");
    for path in ["/", "/index.html", "/no/such/page", "/api/auth/session", "/api/no/such/route", "/api/health"] {
        let answer = client().get(format!("{base}{path}")).send().await.unwrap();
        for (name, value) in &wanted {
            let sent = answer.headers().get(name).unwrap_or_else(|| panic!("{path} has no {name}")).to_str().unwrap();
            assert!(!sent.contains("unsafe-"), "{path} {name}: {sent}");
            // The API may be stricter than the pages.
            assert!(path.starts_with("/api/") || sent == value, "{path} {name}: {sent}");
        }
        assert_eq!(answer.headers()["x-frame-options"], "DENY", "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        // The host's own 404 says nothing about keeping it; what the handler says is nobody's to keep.
        if path == "/api/auth/session" {
            assert_eq!(answer.headers()["cache-control"], "no-store");
        }
    }
}

#[tokio::test]
async fn the_timer_fired_by_hand_starts_what_is_due() {
    let (portal, _others) = shared().await;
    let (browser, mut sql) = (portal.sign_in("admin@acme.example").await, portal.sql().await);
    let source = browser.source_named("Tienda Lumbre (web)").await;
    let query = "update data_sources set next_due = '2001-01-01' where id = $1::uuid";
    sqlx::query(query).bind(&source).execute(&mut sql).await.unwrap();
    portal.fire("schedule_syncs").await;
    eventually("a scheduled run has succeeded", 60, async || {
        let runs = browser.get(&format!("/api/sources/{source}/syncs")).await;
        let mut runs = runs["items"].as_array().unwrap().iter();
        runs.any(|run| run["trigger"] == "schedule" && run["status"] == "succeeded").then_some(())
    })
    .await;
    let unknown = format!("{}/admin/functions/no_such_function", portal.at("host_url"));
    assert_eq!(client().post(unknown).send().await.unwrap().status(), 404);
}
