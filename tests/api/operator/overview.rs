//! What is going on in all tenants: trouble by cause, sources, plans.

use serde_json::{Value, json};
use time::Duration;

use super::operator;
use portal::connectors::error::ConnectorError;
use portal::connectors::sentences::codes;

use crate::harness::client::{Call, Client};
use crate::harness::google::Fault;
use crate::harness::tiny::Step;
use crate::harness::{TestApp, random_id};

async fn overview(client: &Client) -> Value {
    client.get("/api/operator/overview").await.ok()
}

async fn sources(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/api/operator/sources?{query}")).await.ok()["items"].as_array().unwrap().clone()
}

fn denied() -> Fault {
    Fault::api(403, "PERMISSION_DENIED", "User does not have sufficient permissions")
}

#[tokio::test]
async fn one_outage_of_a_provider_is_one_cause_however_many_tenants_it_meets() {
    let app = TestApp::start().await;
    let (acme, globex, client) = (app.acme().await, app.globex().await, operator(&app).await);
    acme.add_source("csv", "Ventas").await;
    app.google.fail(denied());
    let (ours, theirs) = (app.connect_ga4(&acme).await, app.connect_ga4(&globex).await);
    app.drain().await;

    let seen = overview(&client).await;
    assert_eq!(seen["tenants"], json!({"active": 2, "suspended": 1, "deleting": 0}));
    assert_eq!(seen["sources"], json!({"total": 3, "by_status": {"error": 2, "not_connected": 1}}));
    assert_eq!(seen["jobs"], json!({"queued": 0, "running": 0, "failed": 2, "oldest_due_at": null}));
    assert_eq!(seen["now"], "2026-11-23T10:00:00Z");
    let causes = seen["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1);
    let cause = &causes[0];
    assert_eq!((&cause["code"], &cause["provider"]), (&json!("ga4_permission"), &json!("ga4")));
    assert_eq!((&cause["status"], &cause["since"]), (&json!("error"), &json!("2026-11-23T10:00:00Z")));
    assert_eq!((&cause["sources"], &cause["tenants"]), (&json!(2), &json!(2)));
    let examples = cause["examples"].as_array().unwrap();
    let names: Vec<_> = examples.iter().map(|one| (&one["tenant"]["name"], &one["source"]["name"])).collect();
    assert_eq!(names, [(&json!("Acme"), &json!("Web")), (&json!("Globex"), &json!("Web"))]);
    assert!(examples[0]["cause"].as_str().unwrap().contains("sufficient permissions"), "{cause}");
    let english = client.send(Call::new("GET", "/api/operator/overview").header("accept-language", "en")).await.ok();
    assert_ne!(english["causes"][0]["text"], cause["text"]);

    // Nothing is wrong any more.
    app.google.heal();
    acme.act(&format!("/api/sources/{ours}/sync")).await.ok();
    globex.act(&format!("/api/sources/{theirs}/sync")).await.ok();
    app.drain().await;
    assert_eq!(overview(&client).await["causes"], json!([]));
}

#[tokio::test]
async fn trouble_is_as_old_as_its_first_failed_run_since_the_last_success() {
    let app = TestApp::start().await;
    let (admin, client) = (app.acme().await, operator(&app).await);
    let id = app.synced(&admin).await;
    app.google.fail(denied());
    for _ in 0..2 {
        app.advance(Duration::days(1));
        admin.act(&format!("/api/sources/{id}/sync")).await.ok();
        app.drain().await;
        assert_eq!(overview(&client).await["causes"][0]["since"], "2026-11-24T10:00:00Z");
    }
    app.google.heal();
    app.advance(Duration::days(1));
    admin.act(&format!("/api/sources/{id}/sync")).await.ok();
    app.drain().await;
    assert_eq!(overview(&client).await["causes"], json!([]));
    app.google.fail(denied());
    app.advance(Duration::days(1));
    admin.act(&format!("/api/sources/{id}/sync")).await.ok();
    app.drain().await;
    assert_eq!(
        overview(&client).await["causes"][0]["since"],
        "2026-11-27T10:00:00Z",
        "an older trouble does not count"
    );
}

#[tokio::test]
async fn causes_come_with_five_examples_and_those_of_most_sources_first() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let acme = app.tenant("Acme").await;
    app.sql(&format!(
        "insert into data_sources (tenant_id, id, type, provider, name, status, status_code, created_at, updated_at)
         select '{acme}', gen_random_uuid(), 'oauth2', provider, provider || n, status, code, now(), '2026-11-01 10:00Z'::timestamptz - n * interval '1 day'
           from (values ('ga4', 'error', 'upstream_timeout', 7), ('ga4', 'needs_reauth', 'oauth_revoked', 1),
                        ('meta', 'error', 'upstream_timeout', 2), ('ga4', 'error', null, 3)) k (provider, status, code, most), generate_series(1, most) n"
    ))
    .await;
    let seen = overview(&client).await;
    let causes = seen["causes"].as_array().unwrap();
    let got: Vec<_> =
        causes.iter().map(|one| (one["code"].as_str(), one["provider"].as_str(), one["sources"].as_i64())).collect();
    assert_eq!(
        got,
        [
            (Some("upstream_timeout"), Some("ga4"), Some(7)),
            (None, Some("ga4"), Some(3)),
            (Some("upstream_timeout"), Some("meta"), Some(2)),
            (Some("oauth_revoked"), Some("ga4"), Some(1)),
        ]
    );
    let names: Vec<_> = causes[0]["examples"].as_array().unwrap().iter().map(|one| &one["source"]["name"]).collect();
    assert_eq!(names, ["ga47", "ga46", "ga45", "ga44", "ga43"], "those that have had it longest");
    assert_eq!(
        (&causes[0]["since"], &causes[0]["examples"][0]["cause"]),
        (&json!("2026-10-25T10:00:00Z"), &Value::Null)
    );
}

#[tokio::test]
async fn work_that_waits_is_counted_with_its_age() {
    let app = TestApp::start().await;
    let (admin, client) = (app.acme().await, operator(&app).await);
    app.connect_ga4(&admin).await;
    app.sql("update jobs set run_at = '2026-11-01 10:00Z'").await;
    let jobs = overview(&client).await["jobs"].clone();
    assert_eq!(jobs, json!({"queued": 1, "running": 0, "failed": 0, "oldest_due_at": "2026-11-01T10:00:00Z"}));
    app.sql("update jobs set run_at = now() + interval '1 hour'").await;
    assert_eq!(overview(&client).await["jobs"]["oldest_due_at"], Value::Null, "what is not due does not wait");
}

#[tokio::test]
async fn sources_of_all_tenants_are_found_by_tenant_state_cause_and_provider() {
    let app = TestApp::start().await;
    let (acme, globex, client) = (app.acme().await, app.globex().await, operator(&app).await);
    acme.add_source("csv", "Ventas").await;
    let good = app.synced(&acme).await;
    app.google.fail(denied());
    let bad = app.connect_ga4(&globex).await;
    app.drain().await;

    let ids = |items: &[Value]| items.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(sources(&client, "").await.len(), 3);
    assert_eq!(ids(&sources(&client, "status=error").await), std::slice::from_ref(&bad));
    assert_eq!(ids(&sources(&client, "code=ga4_permission").await), std::slice::from_ref(&bad));
    assert_eq!(ids(&sources(&client, "provider=ga4").await), [bad.clone(), good.clone()]);
    let of_acme = format!("tenant={}&provider=ga4", app.tenant("Acme").await);
    assert_eq!(ids(&sources(&client, &of_acme).await), std::slice::from_ref(&good));
    assert!(sources(&client, "provider=csv&status=error").await.is_empty());

    let failing = &sources(&client, "status=error").await[0];
    assert_eq!(failing["tenant"], json!({"id": app.tenant("Globex").await, "name": "Globex"}));
    assert_eq!(failing["status_text"], globex.source(&bad).await["status_text"], "the sentence that the client reads");
    assert!(failing["cause"].as_str().unwrap().contains("sufficient permissions"));
    let well = &sources(&client, &of_acme).await[0];
    assert_eq!((&well["cause"], &well["status_code"]), (&Value::Null, &Value::Null));
    assert_eq!(well["datapoints"], app.value("select count(*) from datapoints").await);
    assert_eq!((&well["data_through"], &well["last_sync_at"]), (&json!("2026-11-22"), &json!("2026-11-23T10:00:00Z")));

    let first = client.get("/api/operator/sources?limit=2").await.ok();
    let rest = sources(&client, &format!("limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((first["items"].as_array().unwrap().len(), rest.len()), (2, 1));
    let refused = client.get("/api/operator/sources?tenant=x&status=broken").await.problem(422, "invalid");
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn plans_are_listed_with_their_limits() {
    let app = TestApp::start().await;
    let client = operator(&app).await;
    let plans = client.get("/api/operator/limits").await.ok()["plans"].clone();
    let keys: Vec<_> = plans.as_array().unwrap().iter().map(|plan| &plan["key"]).collect();
    assert_eq!(keys, ["basic", "standard", "plus"]);
    assert_eq!(plans[0]["limits"]["users"], 5);
}

#[tokio::test]
async fn members_see_nothing_of_it() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    for path in ["overview", "sources", "limits", "audit"] {
        admin.get(&format!("/api/operator/{path}")).await.problem(403, "forbidden");
        app.stranger().get(&format!("/api/operator/{path}")).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn an_operator_reads_the_cause_beside_the_sentence_that_the_client_reads() {
    let (app, tiny) = TestApp::with_tiny().await;
    let (acme, client) = (app.acme().await, operator(&app).await);
    let id = app.tiny_source(&acme).await;
    tiny.then("a1", Step::Fail(ConnectorError::contract(codes::UPSTREAM_JSON, "req_42: no JSON at all")));
    app.drain().await;
    let run = acme.last_sync(&id).await;
    let log = client.get(&format!("/api/operator/sources/{id}/log")).await.ok();
    assert_eq!(
        log["items"],
        json!([{"sync_id": run["id"], "line": 1, "at": "2026-11-23T10:00:00Z", "level": "error", "stream": null,
                "code": "upstream_json", "text": run["message"], "cause": "req_42: no JSON at all"}])
    );
    let path = format!("/api/sources/{id}/syncs/{}", run["id"].as_str().unwrap());
    assert!(!acme.get(&path).await.ok().to_string().contains("req_42"));
    client.get(&format!("/api/operator/sources/{}/log", random_id())).await.problem(404, "not_found");
}
