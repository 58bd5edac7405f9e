//! Two people at once, and one person twice: `If-Match` and `Idempotency-Key`.

use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::client::{Answer, Call, Client};

async fn add(client: &Client, key: &str, name: &str) -> Answer {
    let body = json!({"provider": "csv", "name": name});
    client.send(Call::new("POST", "/api/sources").header("idempotency-key", key).json(&body)).await
}

async fn rename(client: &Client, id: &str, tag: &str, name: &str) -> Answer {
    let call = Call::new("PATCH", &format!("/api/sources/{id}")).header("if-match", tag);
    client.send(call.json(&json!({ "name": name }))).await
}

#[tokio::test]
async fn the_same_request_sent_twice_makes_one_source() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let first = add(&acme, "k-1", "Ventas").await;
    assert_eq!(first.status, 201);
    let again = add(&acme, "k-1", "Ventas").await;
    assert_eq!((again.status, again.json()), (201, first.json()));
    assert_eq!(app.value("select count(*) from data_sources").await, 1);
    assert_eq!(app.value("select count(*) from audit_log where action = 'source.created'").await, 1);
}

#[tokio::test]
async fn the_same_request_sent_in_parallel_makes_one_source() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let (a, b) = tokio::join!(add(&acme, "k-1", "Ventas"), add(&acme, "k-1", "Ventas"));
    assert_eq!((a.status, b.status), (201, 201));
    assert_eq!(a.json()["id"], b.json()["id"]);
    assert_eq!(app.value("select count(*) from data_sources").await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_and_one_person() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    add(&acme, "k-1", "Ventas").await;
    add(&acme, "k-1", "Otra").await.problem(409, "idempotency_key_reused");
    assert_eq!(add(&app.globex().await, "k-1", "Otra").await.status, 201);
    add(&acme, &"k".repeat(201), "Ventas").await.problem(400, "bad_idempotency_key");
}

#[tokio::test]
async fn a_change_by_someone_who_saw_an_older_version_is_refused() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let made = add(&acme, "k-1", "Ventas").await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let old = made.header("etag").to_owned();
    assert_eq!(acme.get(&format!("/api/sources/{id}")).await.header("etag"), old);

    let changed = rename(&acme, &id, &old, "Ventas 2").await;
    assert_eq!(changed.status, 200);
    rename(&acme, &id, &old, "Ventas 3").await.problem(412, "stale");
    let delete = |tag: String| acme.send(Call::new("DELETE", &format!("/api/sources/{id}")).header("if-match", &tag));
    delete(old).await.problem(412, "stale");
    assert_eq!(acme.source(&id).await["name"], Value::from("Ventas 2"));
    assert_eq!(delete(changed.header("etag").to_owned()).await.status, 204);
}

#[tokio::test]
async fn without_a_version_the_last_writer_wins() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let id = acme.add_source("csv", "Ventas").await;
    for tag in ["*", "\"0\", *"] {
        let status = rename(&acme, &id, tag, "Otra").await.status;
        assert_eq!(status, if tag == "*" { 200 } else { 412 }, "{tag}");
    }
    assert_eq!(acme.patch(&format!("/api/sources/{id}"), &json!({"name": "Tercera"})).await.status, 200);
}

#[tokio::test]
async fn of_two_changes_of_the_same_version_at_once_one_is_refused() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let made = add(&acme, "k-1", "Ventas").await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let tag = made.header("etag");
    let held = app.hold(&format!("select from data_sources where id = '{id}' for update")).await;
    let (a, b, ()) = tokio::join!(rename(&acme, &id, tag, "A"), rename(&acme, &id, tag, "B"), app.release(held, 2));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", a.text(), b.text());
}
