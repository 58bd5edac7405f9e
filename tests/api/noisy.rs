//! A tenant that floods the portal waits for itself; the others do not notice.

use std::time::Duration;

use portal::http::state::AppState;
use portal::http::turns::Turns;
use serde_json::json;
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use crate::harness::TestApp;
use crate::harness::client::Client;

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
    let mut tx = app.admin.begin().await.unwrap();
    let sql = format!("select from data_sources where id = '{source}' for update");
    sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    tx
}

async fn wait_until_stuck(app: &TestApp, requests: usize) {
    let stuck = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while app.value(stuck).await != requests {
        tokio::task::yield_now().await;
    }
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
        wait_until_stuck(&app, AT_ONCE).await;
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
        wait_until_stuck(&app, AT_ONCE).await;
        held.commit().await.unwrap();
    };
    let (answers, ()) = tokio::join!(flood, release);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(turns.busy(), 0);
}
