//! Processes that die at the worst moment, and whole portals that end and come back.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::browser::{Browser, client};
use crate::portal::{Place, Portal};
use crate::processes::survivors;
use crate::wait::eventually;

const PROPERTY: &str = "properties/310000102";
/// Reports of one slice.
const REPORTS: u64 = 5;

/// Everything that came from outside, without our own ids of source and run.
async fn facts(sql: &mut PgConnection, source: &str) -> (String, i64) {
    let query = "select coalesce(md5(string_agg((to_jsonb(d) - 'source_id' - 'sync_id')::text, E'\\n' order by external_id)), ''),
                        count(*)
                   from datapoints d where source_id = $1::uuid";
    sqlx::query_as(query).bind(source).fetch_one(sql).await.unwrap()
}

/// Slows one report down in the slice after the next `slices`, and kills the handler while it waits for it.
async fn kill_in_slice(portal: &Portal, slices: u64, start: impl AsyncFnOnce()) {
    let sandbox = portal.sandbox();
    let slow = json!({"kind": "slow", "seconds": 10, "count": 1, "after": REPORTS * slices + 2});
    let rule = sandbox.fail(PROPERTY, slow).await;
    start().await;
    sandbox.hit(rule).await;
    portal.kill_handler().await;
}

async fn nothing_is_stuck(portal: &Portal, sql: &mut PgConnection, sources: &[&str]) {
    let open = "select count(*) from jobs where state in ('queued', 'running') and payload ->> 'source_id' = any($1)";
    let open: i64 = sqlx::query_scalar(open).bind(sources).fetch_one(&mut *sql).await.unwrap();
    assert_eq!(open, 0, "jobs are left");
    let runs = "select status, count(*) from syncs where source_id = any($1::uuid[]) group by status";
    let runs: Vec<(String, i64)> = sqlx::query_as(runs).bind(sources).fetch_all(&mut *sql).await.unwrap();
    assert_eq!(runs, [("succeeded".to_owned(), i64::try_from(sources.len()).unwrap())]);
    let broker = portal.at("service_bus_url");
    eventually("the queue is empty", 60, async || {
        let queue: Value = client().get(format!("{broker}/syncs/messages")).send().await.unwrap().json().await.unwrap();
        let lists = ["active", "locked", "scheduled"].map(|name| queue[name].as_array().map_or(0, Vec::len));
        (lists == [0, 0, 0]).then_some(())
    })
    .await;
    let dead = client().get(format!("{broker}/syncs/$DeadLetterQueue")).send().await.unwrap();
    assert_eq!(dead.json::<Value>().await.unwrap(), json!([]));
}

async fn killed_twice_in_the_middle_of_a_run_it_ends_with_the_same_datapoints(portal: &Portal, browser: &Browser) {
    let mut sql = portal.sql().await;
    // The same property undisturbed is the oracle. It is read first: of one access one source is read at a time.
    let whole = browser.connect("Tranquila", PROPERTY).await;
    browser.first_sync(&whole).await;
    let killed = browser.add_source("Interrumpida").await;
    kill_in_slice(portal, 1, async || browser.choose(&killed, PROPERTY).await).await;
    let (_, first) = facts(&mut sql, &killed).await;
    assert!(first > 0, "the first slice was committed before the kill");
    kill_in_slice(portal, 1, async || {}).await;
    let begun = std::time::Instant::now();
    let (_, second) = facts(&mut sql, &killed).await;
    assert!(second > first, "between the two kills a slice was committed");
    let run = browser.first_sync(&killed).await;
    assert!(begun.elapsed() < Duration::from_mins(2), "recovery took {:?}", begun.elapsed());
    assert_eq!(run["message"], Value::Null, "{run}");
    let source = browser.source(&killed).await;
    assert_eq!((&source["status"], &source["progress"]), (&json!("connected"), &Value::Null));
    let expected = facts(&mut sql, &whole).await;
    assert!(expected.1 > 40_000, "{expected:?}");
    assert_eq!(facts(&mut sql, &killed).await, expected);
    nothing_is_stuck(portal, &mut sql, &[&killed, &whole]).await;
}

async fn after_the_third_death_the_platform_starts_the_host_anew(place: &Place, portal: &Portal, browser: &Browser) {
    assert!(!place.log().contains("the host ends"), "two deaths are borne");
    let took = portal.kill_handler().await;
    assert!(took < Duration::from_mins(1), "{took:?}");
    assert!(place.log().contains("third handler error: the host ends"));
    assert!(place.log().contains("the platform starts the host anew"));
    let status = format!("{}/admin/host/status", portal.at("host_url"));
    let status: Value = client().get(status).send().await.unwrap().json().await.unwrap();
    assert_eq!((&status["state"], &status["handlerProcessId"]), (&json!("Running"), &json!(portal.handler_pid())));
    let source = browser.source_named("Tranquila").await;
    let run = portal.sync(browser, &source).await;
    assert_eq!((&run["rows_changed"], &run["rows_removed"]), (&json!(0), &json!(0)), "queues are served again");
}

/// Sources of a tenant without what changes with time.
async fn kept(browser: &Browser) -> Vec<Value> {
    let list = browser.get("/api/sources").await;
    let fields = ["id", "name", "property", "created_at", "progress", "last_sync_at"];
    let pick = |item: &Value| fields.iter().map(|name| item[name].clone()).collect();
    list["items"].as_array().unwrap().iter().map(pick).collect()
}

async fn counts(sql: &mut PgConnection) -> (i64, i64, i64, i64) {
    let query =
        "select (select count(*) from datapoints), (select count(*) from data_sources), (select count(*) from syncs),
                        (select count(*) from audit_log where action like 'source.%')";
    sqlx::query_as(query).fetch_one(sql).await.unwrap()
}

async fn everything_ends_with_the_supervisor(portal: &mut Portal, with: Signal) {
    let (code, family) = portal.end(with).await;
    assert_eq!(code, if with == Signal::SIGTERM { Some(0) } else { None });
    assert!(family.len() >= 3, "supervisor, handler and database: {family:?}");
    eventually("every process has ended", 30, async || survivors(&family).is_empty().then_some(())).await;
}

async fn a_start_on_old_data_finds_everything(place: &Place, with: Signal, mut old: Portal) -> Portal {
    let browser = old.sign_in("admin@acme.example").await;
    let (sources, before) = (kept(&browser).await, counts(&mut old.sql().await).await);
    everything_ends_with_the_supervisor(&mut old, with).await;
    if with == Signal::SIGTERM {
        assert!(!place.data().join("ready.json").exists(), "nothing says that it is ready");
    }
    let portal = place.start().await;
    let mut sql = portal.sql().await;
    assert_eq!(counts(&mut sql).await, before, "no second load of the demo data");
    let browser = portal.sign_in("admin@acme.example").await;
    assert_eq!(kept(&browser).await, sources);
    let run = portal.sync(&browser, &browser.source_named("Tranquila").await).await;
    assert!(run["rows_read"].as_i64().unwrap() > 0, "the connection still works: {run}");
    portal
}

#[tokio::test]
async fn kills_and_restarts_lose_nothing() {
    let place = Place::new();
    let portal = place.start().await;
    let browser = portal.sign_in("admin@acme.example").await;
    killed_twice_in_the_middle_of_a_run_it_ends_with_the_same_datapoints(&portal, &browser).await;
    after_the_third_death_the_platform_starts_the_host_anew(&place, &portal, &browser).await;
    let portal = a_start_on_old_data_finds_everything(&place, Signal::SIGTERM, portal).await;
    a_start_on_old_data_finds_everything(&place, Signal::SIGKILL, portal).await;
}
