//! A tenant that floods the portal waits for itself; the others do not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portal::http::state::AppState;
use portal::http::turns::Turns;
use serde_json::json;
use sqlx::{Postgres, Transaction};

use crate::figures::daily;
use crate::harness::TestApp;
use crate::harness::client::{Call, Client};

/// Requests of one tenant that run at once.
const AT_ONCE: usize = 4;

/// The same portal, where requests wait this long for their turn.
async fn patient(app: &TestApp, wait: Duration) -> (Client, Client, Turns) {
    let turns = Turns::new(AT_ONCE, wait);
    let router = portal::app::router(AppState { turns: turns.clone(), ..app.state.clone() });
    let mut clients = Vec::new();
    for email in ["admin@acme.example", "admin@globex.example"] {
        let signed_in = app.sign_in(email).await;
        clients.push(Client { router: router.clone(), ..signed_in });
    }
    let globex = clients.remove(1);
    (clients.remove(0), globex, turns)
}

/// Holds a source, so that whoever changes it waits.
async fn hold(app: &TestApp, source: &str) -> Transaction<'static, Postgres> {
    app.hold(&format!("select from data_sources where id = '{source}' for update")).await
}

#[tokio::test]
async fn while_one_tenant_floods_the_others_are_answered() {
    let app = TestApp::start().await;
    let (acme, globex, turns) = patient(&app, Duration::from_millis(20)).await;
    let source = acme.add_source("csv", "Ventas").await;
    let path = format!("/api/sources/{source}");
    let held = hold(&app, &source).await;
    let rename = json!({"name": "Otra"});
    let flood = futures_util::future::join_all((0..AT_ONCE).map(|_| acme.patch(&path, &rename)));
    let meanwhile = async {
        app.until_waiting(AT_ONCE).await;
        let refused = acme.get("/api/sources").await;
        assert_eq!(refused.header("retry-after"), "5");
        refused.problem(503, "unavailable");
        for _ in 0..AT_ONCE * 2 {
            globex.get("/api/sources").await.ok();
        }
        // Operators have no tenant, and strangers none yet.
        app.sign_in("operator@portal.example").await.get("/api/operator/overview").await.ok();
        assert_eq!(turns.busy(), 1);
        held.commit().await.unwrap();
    };
    let (answers, ()) = tokio::join!(flood, meanwhile);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    acme.get("/api/sources").await.ok();
    assert_eq!(turns.busy(), 0);
}

#[tokio::test]
async fn a_request_that_waits_gets_its_turn_when_another_ends() {
    let app = TestApp::start().await;
    let (acme, _, turns) = patient(&app, Duration::from_mins(1)).await;
    let source = acme.add_source("csv", "Ventas").await;
    let path = format!("/api/sources/{source}");
    let held = hold(&app, &source).await;
    let rename = json!({"name": "Otra"});
    let flood = futures_util::future::join_all((0..AT_ONCE * 3).map(|_| acme.patch(&path, &rename)));
    let release = async {
        app.release(held, AT_ONCE).await;
    };
    let (answers, ()) = tokio::join!(flood, release);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(turns.busy(), 0);
}

/// A tenant that asks for all it has, from so many places at once, until it is told to stop.
struct Flood {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    places: Vec<tokio::task::JoinHandle<()>>,
}

impl Flood {
    async fn begin(client: &Client, path: &'static str, places: usize) -> Self {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let place = |_| {
            let (stop, answers, client) = (Arc::clone(&stop), Arc::clone(&answers), client.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    client.passive(Call::new("GET", path)).status_of(&client.router).await;
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let flood = Self { places: (0..places).map(place).collect(), stop, answers };
        while flood.answers.load(Ordering::Relaxed) < AT_ONCE {
            tokio::task::yield_now().await;
        }
        flood
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        futures_util::future::join_all(self.places).await;
    }
}

/// Adds the times of so many requests.
async fn measure(client: &Client, times: usize, spent: &mut Vec<Duration>) {
    for _ in 0..times {
        let begun = Instant::now();
        assert_eq!(client.passive(Call::new("GET", "/api/sources")).status_of(&client.router).await, 200);
        spent.push(begun.elapsed());
    }
}

/// What 95 of 100 do not exceed.
fn p95(mut spent: Vec<Duration>) -> Duration {
    spent.sort_unstable();
    spent[spent.len() * 95 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slow_answers_of_a_tenant_stay_near_its_usual_ones_while_another_floods() {
    const EVERYTHING: &str = "/api/series/n?from=2026-11-20&to=2026-11-20";
    let app = TestApp::start().await;
    let (acme, globex, _) = patient(&app, Duration::from_secs(30)).await;
    acme.import("Clima", "date,n\n2026-11-20,41\n", &daily(&[("n", "count", "sum")], &[])).await;
    globex.add_source("csv", "Ventas").await;
    app.sql(
        "insert into datapoints select tenant_id, source_id, 'copy/' || n, metric_id, ts, period_start, period_end, grain, value,
                denominator, dims, dim_set, currency, provisional, sync_id
           from datapoints cross join generate_series(1, 30000) n",
    )
    .await;
    app.sql("vacuum analyze datapoints").await;
    acme.get(EVERYTHING).await.ok();
    // The same portal without turns shows what the flood would do.
    let unbound =
        portal::app::router(AppState { turns: Turns::new(1_000, Duration::from_secs(30)), ..app.state.clone() });
    let [free_acme, free_globex] = [&acme, &globex].map(|client| Client { router: unbound.clone(), ..client.clone() });
    let [mut alone, mut beside, mut without] = [const { Vec::new() }; 3];
    for _ in 0..4 {
        measure(&globex, 25, &mut alone).await;
        let flood = Flood::begin(&acme, EVERYTHING, 32).await;
        measure(&globex, 25, &mut beside).await;
        flood.end().await;
        let flood = Flood::begin(&free_acme, EVERYTHING, 32).await;
        measure(&free_globex, 5, &mut without).await;
        flood.end().await;
    }
    let [alone, beside, without] = [alone, beside, without].map(p95);
    assert!(beside < alone * 15, "{alone:?} alone, {beside:?} beside the flood");
    assert!(beside * 2 < without, "{beside:?} beside the flood, {without:?} without turns");
}
