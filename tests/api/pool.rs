//! One connection for all tenants: whatever a request was cut off by, the next one finds nothing of it.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;

use portal::domain::ids::TenantId;
use portal::store::{Database, StoreError};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::harness::client::Call;
use crate::harness::{TestApp, secret};

const ROUNDS: usize = 2_000;
const REQUESTS: usize = 300;

/// Polls something a few times and then drops it wherever it is, as a client that goes away does.
async fn abandon<T>(work: impl Future<Output = T>, polls: usize) {
    let mut work = pin!(work);
    for _ in 0..polls {
        tokio::select! {
            biased;
            _ = &mut work => return,
            () = tokio::task::yield_now() => {}
        }
    }
}

/// A database with one connection as each role, and two tenants with one source each.
async fn narrow() -> (TestApp, Database, [(TenantId, Uuid); 2]) {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    let ids = [acme.add_source("csv", "Una").await, globex.add_source("csv", "Otra").await];
    let url = |role| secret(&app.database.url(role));
    let database = Database::with_sizes(&url("portal_app"), &url("portal_router"), (1, 1)).unwrap();
    let mut tenants = Vec::new();
    for (name, id) in ["Acme", "Globex"].iter().zip(&ids) {
        tenants.push((TenantId(app.tenant(name).await.parse().unwrap()), id.parse().unwrap()));
    }
    let tenants = tenants.try_into().unwrap();
    (app, database, tenants)
}

/// Does one of the things that can happen to a request in the middle of a transaction.
async fn disturb(database: &Database, tenant: TenantId, round: usize) -> Result<(), StoreError> {
    let run = async |sql: &'static str| -> Result<(), StoreError> {
        let mut tx = database.tenant(tenant).await?;
        sqlx::query(AssertSqlSafe("select count(*) from data_sources")).execute(&mut *tx).await?;
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    };
    match round % 7 {
        // Cut off in the middle: while the transaction begins, while it reads, while it ends.
        0..=2 => abandon(run("select count(*) from generate_series(1, 2000)"), round % 23).await,
        3 => abandon(run("select pg_sleep(0.003)"), 40).await,
        // An error, after which nothing of the transaction holds.
        4 => assert!(run("select 1 / 0").await.is_err()),
        5 => {
            let mut tx = database.tenant(tenant).await?;
            sqlx::query("set local statement_timeout = '1ms'").execute(&mut *tx).await?;
            let slow = sqlx::query("select pg_sleep(5)").execute(&mut *tx).await;
            assert!(matches!(slow.map_err(StoreError::from), Err(StoreError::Unavailable(_))), "the time-out ends it");
        }
        // Left without an end.
        _ => drop(database.tenant(tenant).await?),
    }
    Ok(())
}

#[tokio::test]
async fn one_connection_for_two_tenants_shows_neither_the_others_rows_whatever_cuts_requests_off() {
    let (_app, database, tenants) = narrow().await;
    let mut backends = BTreeSet::new();
    for round in 0..ROUNDS {
        let (disturbed, (tenant, source)) = (tenants[round % 2].0, tenants[(round + round / 2) % 2]);
        disturb(&database, disturbed, round).await.unwrap();
        let mut tx = database.tenant(tenant).await.unwrap();
        // No condition: row level security alone decides.
        let seen: Vec<(Uuid, Uuid, String, String, i32)> = sqlx::query_as(
            "select tenant_id, id, current_setting('app.tenant_id'), current_setting('statement_timeout'), pg_backend_pid()
               from data_sources",
        )
        .fetch_all(&mut *tx)
        .await
        .unwrap();
        let [(owner, id, setting, patience, backend)] = &seen[..] else { panic!("round {round}: {seen:?}") };
        assert_eq!((*owner, *id, setting.as_str()), (tenant.0, source, tenant.0.to_string().as_str()), "round {round}");
        assert_eq!(patience, "20s", "round {round}");
        backends.insert(*backend);
        // The same connection without a transaction: nothing of any tenant is left on it.
        sqlx::raw_sql("rollback").execute(&mut *tx).await.unwrap();
        let left: i64 = sqlx::query_scalar("select count(*) from data_sources").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(left, 0, "round {round}");
    }
    // A connection that was cut off in mid-word is closed; all others serve on.
    assert!(backends.len() < ROUNDS / 10, "the connection is used again and again: {}", backends.len());
}

#[tokio::test]
async fn requests_that_are_given_up_midway_leave_the_next_ones_their_own_tenant() {
    let (mut app, database, tenants) = narrow().await;
    app.state.services.database = database;
    app.router = portal::app::router(app.state.clone());
    let people = [app.acme().await, app.globex().await];
    for round in 0..REQUESTS {
        let call = people[round % 2].passive(Call::new("GET", "/api/sources"));
        abandon(call.bare(&app.router), round % 61).await;
        let (who, (_, source)) = (&people[(round + round / 3) % 2], tenants[(round + round / 3) % 2]);
        let items = who.get("/api/sources").await.ok()["items"].clone();
        let ids: Vec<&Value> = items.as_array().unwrap().iter().map(|item| &item["id"]).collect();
        assert_eq!(ids, [&json!(source)], "round {round}");
    }
}
