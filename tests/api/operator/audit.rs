//! The platform's audit trail.

use serde_json::{Value, json};
use time::Duration;

use super::operator;
use crate::harness::TestApp;
use crate::harness::client::Client;
use crate::team::person;

async fn actions(client: &Client, query: &str) -> Vec<String> {
    let items = client.get(&format!("/api/operator/audit?{query}")).await.ok()["items"].as_array().unwrap().clone();
    items.iter().map(|one| one["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn acts_of_operators_are_found_by_day_person_and_kind_newest_first() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let viewer = format!("/api/operator/users/{}", person(&app, "viewer@acme.example").await);
    // The last minute of a day of UTC, and the next one; in Madrid both are of the same day.
    app.advance(Duration::minutes(13 * 60 + 59));
    client.patch(&viewer, &json!({"is_active": false})).await.ok();
    app.advance(Duration::minutes(1));
    client.patch(&viewer, &json!({"is_active": true})).await.ok();

    assert_eq!(actions(&client, "").await, ["user.activated", "user.deactivated", "auth.login"]);
    assert_eq!(actions(&client, "from=2026-11-24").await, ["user.activated"]);
    assert_eq!(actions(&client, "to=2026-11-23").await, ["user.deactivated", "auth.login"]);
    assert_eq!(actions(&client, "action=user").await, ["user.activated", "user.deactivated"]);
    assert_eq!(actions(&client, "action=user.deactivated").await, ["user.deactivated"]);
    assert_eq!(actions(&client, "action=use").await, [""; 0]);
    let olga = person(&app, "operator@portal.example").await;
    assert_eq!(actions(&client, &format!("actor={olga}")).await.len(), 3);
    assert_eq!(actions(&client, &format!("actor={}", person(&app, "admin@acme.example").await)).await, [""; 0]);

    let page = client.get("/api/operator/audit?limit=2").await.ok();
    let rest = actions(&client, &format!("limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(rest, ["auth.login"]);
    let entry = &page["items"][1];
    let actor = json!({"id": olga, "email": "operator@portal.example", "kind": "operator"});
    assert_eq!((&entry["actor"], &entry["tenant"], &entry["outcome"]), (&actor, &Value::Null, &json!("ok")));
    assert_eq!((&entry["ip"], &entry["ts"]), (&json!("203.0.113.7"), &json!("2026-11-23T23:59:00Z")));
    client.get("/api/operator/audit?from=2026-11-24&to=2026-11-23").await.problem(422, "invalid");
}

#[tokio::test]
async fn an_entry_names_the_tenant_it_is_about_even_when_that_is_gone() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let acme = app.tenant("Acme").await;
    app.sql(&format!(
        "insert into platform_audit (id, action, resource, ts, about_tenant)
         select gen_random_uuid(), 'tenant.changed', 'x', '2026-11-23 10:00Z', about
           from (values ('{acme}'::uuid), ('00000000-0000-7000-8000-000000000001')) a (about)"
    ))
    .await;
    let items = client.get("/api/operator/audit?action=tenant").await.ok()["items"].as_array().unwrap().clone();
    let mut about: Vec<_> = items.iter().map(|one| one["tenant"]["name"].clone()).collect();
    about.sort_by_key(ToString::to_string);
    assert_eq!(about, [json!("Acme"), Value::Null]);
    assert!(items.iter().all(|one| one["tenant"]["id"].is_string()));
}
