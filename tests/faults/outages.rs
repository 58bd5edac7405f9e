//! Sources that fail in every way: the state says so, nobody is pestered, and all heals.

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::browser::Browser;
use crate::portal::{Portal, alone, shared};
use crate::wait::eventually;

/// Reports of one slice.
const REPORTS: u64 = 5;

/// Signed in to the tenant whose Google sources are these tests' own.
async fn globex(portal: &Portal) -> Browser {
    portal.sign_in("admin@globex.example").await
}

/// Requests to a property's reports after number `since`.
async fn asked(portal: &Portal, property: &str, since: u64) -> usize {
    portal.sandbox().requests(since, &format!("/v1beta/{property}:runReport")).await.len()
}

/// Waits until the newest days of a source are in; gives it.
async fn newest_days(browser: &Browser, source: &str) -> Value {
    eventually("the newest days are in", 120, async || {
        let source = browser.source(source).await;
        source["last_sync_at"].is_string().then_some(source)
    })
    .await
}

async fn datapoints(sql: &mut PgConnection, source: &str) -> i64 {
    let query = "select count(*) from datapoints where source_id = $1::uuid";
    sqlx::query_scalar(query).bind(source).fetch_one(sql).await.unwrap()
}

/// Seconds until the time at which a failed source goes on by itself.
async fn seconds_to_go(sql: &mut PgConnection, source: &str) -> f64 {
    let query = "select extract(epoch from run_at - now())::float8 from jobs
                  where payload ->> 'source_id' = $1 and state = 'queued'";
    sqlx::query_scalar(query).bind(source).fetch_one(sql).await.unwrap()
}

#[tokio::test]
async fn a_source_that_asks_to_wait_says_until_when_and_goes_on_alone() {
    let (portal, _others) = shared().await;
    let (browser, mut sql, sandbox) = (globex(portal).await, portal.sql().await, portal.sandbox());
    let property = "properties/310000102";
    let source = browser.add_source("Límite").await;
    let rule = json!({"kind": "429", "count": 1, "after": REPORTS + 2, "retry_after": 8});
    let rule = sandbox.fail(property, rule).await;
    let since = sandbox.last_request().await;
    browser.choose(&source, property).await;
    let limited = browser.becomes(&source, "rate_limited", 60).await;
    assert_eq!(
        limited["status_text"],
        "Se ha agotado el límite de consultas por hora de Google Analytics; continuaremos automáticamente."
    );
    assert_eq!(limited["freshness"]["status"], "rate_limited");
    let query = "select status_until is not null from data_sources where id = $1::uuid";
    let tells_until: bool = sqlx::query_scalar(query).bind(&source).fetch_one(&mut sql).await.unwrap();
    assert!(tells_until);
    let wait = seconds_to_go(&mut sql, &source).await;
    assert!((0.0..=8.0).contains(&wait), "{wait}");
    assert!(datapoints(&mut sql, &source).await > 0, "the first slice stays");
    // A person who presses the button meanwhile does not break the source's peace.
    browser.json(reqwest::Method::POST, &format!("/api/sources/{source}/sync"), None).await;
    assert_eq!(asked(portal, property, since).await as u64, REPORTS + 3);
    let run = browser.first_sync(&source).await;
    assert_eq!(run["message"], Value::Null, "{run}");
    assert_eq!(sandbox.hits(rule).await, 1);
    assert_eq!(browser.source(&source).await["status_text"], "Todo en orden.");
    browser.remove(&source).await;
}

#[tokio::test]
async fn server_errors_are_not_answered_with_a_storm_and_heal() {
    let (portal, _others) = shared().await;
    let (browser, mut sql, sandbox) = (globex(portal).await, portal.sql().await, portal.sandbox());
    let property = "properties/310000201";
    let source = browser.add_source("Errores").await;
    let rule = sandbox.fail(property, json!({"kind": "500", "count": 3})).await;
    let since = sandbox.last_request().await;
    browser.choose(&source, property).await;
    let failed = browser.becomes(&source, "error", 60).await;
    assert_eq!(
        failed["status_text"],
        "Google Analytics falla en este momento; lo intentaremos de nuevo automáticamente."
    );
    assert_eq!(failed["last_sync_at"], Value::Null, "nothing has arrived and nothing says so");
    let wait = seconds_to_go(&mut sql, &source).await;
    assert!((800.0..1200.0).contains(&wait), "after ten errors an hour Google blocks: {wait}");
    for _ in 0..3 {
        portal.fire("schedule_syncs").await;
    }
    let run = browser.newest_sync(&source).await;
    assert_eq!(run["status"], "running", "{run}");
    assert_eq!(run["message"], failed["status_text"]);
    assert_eq!(asked(portal, property, since).await, 3, "one call with its two retries");
    assert_eq!(sandbox.hits(rule).await, 3);
    browser.json(reqwest::Method::POST, &format!("/api/sources/{source}/sync"), None).await;
    let healed = newest_days(&browser, &source).await;
    assert_eq!(healed["status_text"], "Actualizando los datos…", "the failure is forgotten, history goes on");
    browser.remove(&source).await;
}

#[tokio::test]
async fn answers_that_break_off_or_never_come_are_asked_for_again() {
    let (portal, _others) = shared().await;
    let (browser, sandbox) = (globex(portal).await, portal.sandbox());
    let property = "properties/310000302";
    let source = browser.add_source("Cortes").await;
    let broken = sandbox.fail(property, json!({"kind": "truncated_body", "count": 2, "after": 1})).await;
    // The client gives up after half a minute; the lease of the job must live on meanwhile.
    let silent = sandbox.fail(property, json!({"kind": "timeout", "count": 1, "after": 2})).await;
    browser.choose(&source, property).await;
    sandbox.hit(silent).await;
    assert_eq!(sandbox.hits(broken).await, 2);
    assert_eq!(browser.source(&source).await["status"], "syncing");
    newest_days(&browser, &source).await;
    assert_eq!(browser.newest_sync(&source).await["message"], Value::Null);
    let mut sql = portal.sql().await;
    let query = "select attempts from jobs where payload ->> 'source_id' = $1";
    let attempts: Vec<i32> = sqlx::query_scalar(query).bind(&source).fetch_all(&mut sql).await.unwrap();
    // A neighbour that connects under the same access meanwhile starts the run anew, as another job.
    assert!(attempts.iter().all(|attempts| *attempts == 1), "one attempt of the job bore it all: {attempts:?}");
    browser.remove(&source).await;
}

#[tokio::test]
async fn a_missing_permission_stops_the_source_until_a_person_acts() {
    let (portal, _others) = shared().await;
    let (browser, mut sql, sandbox) = (globex(portal).await, portal.sql().await, portal.sandbox());
    let property = "properties/310000101";
    let source = browser.add_source("Sin permiso").await;
    sandbox.fail(property, json!({"kind": "403", "count": 1, "after": REPORTS})).await;
    let since = sandbox.last_request().await;
    browser.choose(&source, property).await;
    let failed = browser.becomes(&source, "error", 60).await;
    let sentence = failed["status_text"].as_str().unwrap();
    assert!(sentence.starts_with("La cuenta conectada no puede ver esta propiedad"), "{sentence}");
    assert_eq!(failed["freshness"]["next_due"], Value::Null, "the timer leaves it alone");
    let run = browser.newest_sync(&source).await;
    assert_eq!((&run["status"], &run["message"]), (&json!("failed"), &failed["status_text"]));
    portal.fire("schedule_syncs").await;
    assert_eq!(asked(portal, property, since).await as u64, REPORTS + 1, "no retry");
    let kept = datapoints(&mut sql, &source).await;
    assert!(kept > 0);
    browser.consent(&source).await;
    browser.first_sync(&source).await;
    assert!(datapoints(&mut sql, &source).await > kept);
    assert_eq!(browser.source(&source).await["status"], "connected");
    browser.remove(&source).await;
}

#[tokio::test]
async fn a_revoked_grant_asks_for_a_new_one_and_keeps_the_history() {
    let (portal, _alone) = alone().await;
    let (browser, mut sql, sandbox) = (globex(portal).await, portal.sql().await, portal.sandbox());
    let property = "properties/310000302";
    let source = browser.connect("Revocada", property).await;
    browser.first_sync(&source).await;
    let history = datapoints(&mut sql, &source).await;
    sandbox.fail(property, json!({"kind": "revoked_token", "count": 1})).await;
    let since = sandbox.last_request().await;
    browser.json(reqwest::Method::POST, &format!("/api/sources/{source}/sync"), None).await;
    let lost = browser.becomes(&source, "needs_reauth", 60).await;
    assert_eq!(lost["freshness"]["next_due"], Value::Null);
    assert!(lost["status_text"].as_str().unwrap().contains("volver a conectar"), "{lost}");
    assert_eq!(datapoints(&mut sql, &source).await, history);
    let tokens = async || sandbox.requests(since, "/token").await.len();
    let before = tokens().await;
    assert_eq!(before, 1, "the standing access token was refused; one to make sure");
    let refused = browser.send(reqwest::Method::POST, &format!("/api/sources/{source}/sync"), None).await;
    assert_eq!(refused.status(), 409);
    portal.fire("schedule_syncs").await;
    let job = "select count(*) from jobs where payload ->> 'source_id' = $1 and state in ('queued', 'running')";
    let open: i64 = sqlx::query_scalar(job).bind(&source).fetch_one(&mut sql).await.unwrap();
    assert_eq!((open, tokens().await), (0, before), "a dead grant is not asked again");
    browser.consent(&source).await;
    eventually("the source is read again", 60, async || {
        let run = browser.newest_sync(&source).await;
        (run["status"] == "succeeded" && run["trigger"] == "connect").then_some(())
    })
    .await;
    let healed = browser.source(&source).await;
    assert_eq!((&healed["status"], &healed["progress"]), (&json!("connected"), &Value::Null));
    assert_eq!(healed["property"]["id"], property);
    assert_eq!(datapoints(&mut sql, &source).await, history);
    browser.remove(&source).await;
}
