//! Each guard alone: conditions in statements without policies, and policies without conditions.
//!
//! Row level security hides a statement that forgot its tenant, and conditions hide a missing policy. Here one of the
//! two is taken away, on two tenants whose things have the same ids: then the other one has to hold by itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portal::domain::role::Role;
use portal::http::access::Who;
use portal::platform::queue::Message;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::harness::TestApp;
use crate::harness::client::{Call, Client};
use crate::harness::google::Fault;
use crate::harness::walk::{Operation, dump, furnish, operations, session, things};

/// Tables whose rows belong to a tenant without its id being part of their key.
const KEYED_OTHERWISE: [&str; 2] = ["sessions", "one_time_tokens"];
/// Chains of their own: a copy would break them.
const CHAINS: [&str; 2] = ["audit_log", "audit_heads"];

const ACME: &str = "admin@acme.example";
const GLOBEX: &str = "admin@globex.example";

/// All tables with a column `tenant_id`.
async fn tables(app: &TestApp) -> Vec<String> {
    let sql = "select c.relname::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
                where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1";
    let rows = app.rows(sql).await;
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

/// A table's columns, without those that the database makes itself.
async fn columns(app: &TestApp, table: &str) -> String {
    let sql = format!(
        "select string_agg(quote_ident(attname), ', ') from pg_attribute
          where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
    );
    app.value(&sql).await.as_str().unwrap().to_owned()
}

/// Everything of Acme's again as Globex's, under the same ids but with other contents.
async fn twins() -> (TestApp, String, String) {
    let app = TestApp::start().await;
    furnish(&app, &session(&app, ACME).await, "Acme").await;
    let (acme, globex) = (app.tenant("Acme").await, app.tenant("Globex").await);
    // Foreign keys are not asked while rows come in any order.
    let mut script = "begin; set local session_replication_role = replica;".to_owned();
    for table in tables(&app).await {
        if KEYED_OTHERWISE.contains(&table.as_str()) || CHAINS.contains(&table.as_str()) {
            continue;
        }
        let columns = columns(&app, &table).await;
        // A job's id is its only key.
        let own = if table == "jobs" { ", 'id', gen_random_uuid()" } else { "" };
        write!(
            script,
            "insert into {table} ({columns}) select {columns} from (
                 select (jsonb_populate_record(null::{table}, to_jsonb(t) || jsonb_build_object('tenant_id', '{globex}'{own}))).*
                   from {table} t where tenant_id = '{acme}') twin on conflict do nothing;"
        )
        .unwrap();
    }
    write!(
            script,
        "insert into sessions select (jsonb_populate_record(null::sessions,
                to_jsonb(s) || jsonb_build_object('tenant_id', '{globex}', 'id', gen_random_uuid(), 'token_hash', '\\x00' || substr(s.token_hash::text, 3)))).*
           from sessions s where tenant_id = '{acme}';
         update data_sources set name = 'Gemela' where tenant_id = '{globex}';
         update metrics set unit = 'twins' where tenant_id = '{globex}';
         update datapoints set value = value * 2 where tenant_id = '{globex}';
         update syncs set rows_read = rows_read + 7 where tenant_id = '{globex}';
         update invitations set email = 'twin.' || email where tenant_id = '{globex}';
         update jobs set state = 'queued', run_at = now() + interval '1 hour', finished_at = null
          where id in (select distinct on (tenant_id, dedup_key) id from jobs order by tenant_id, dedup_key, id);
         commit"
    )
    .unwrap();
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&app.admin).await.unwrap();
    (app, acme, globex)
}

/// Takes row level security away from the role that serves requests: every row of every tenant is there for it.
async fn open_policies(app: &TestApp) {
    let policies = app
        .rows("select policyname::text as name, tablename::text as on from pg_policies where schemaname = 'public'")
        .await;
    assert!(policies.len() > 20, "{}", policies.len());
    for policy in policies {
        app.sql(&format!("drop policy {} on {}", policy["name"].as_str().unwrap(), policy["on"].as_str().unwrap()))
            .await;
    }
    let secured =
        "select relname::text as name from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace";
    for table in app.rows(secured).await {
        app.sql(&format!("create policy open on {} using (true) with check (true)", table["name"].as_str().unwrap()))
            .await;
    }
}

/// The operations of members of a tenant.
fn of_members(reading: bool) -> impl Iterator<Item = Operation> {
    let member = |one: &Operation| one.who().contains(&Who::Role(Role::Admin)) && !one.who().contains(&Who::Anyone);
    operations().into_iter().filter(move |one| member(one) && (one.method == "GET") == reading)
}

/// What everything that can be read says to somebody.
async fn readings(app: &TestApp, client: &Client, tenant: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for operation in of_members(true) {
        // Of everybody's own sessions: each reading is one.
        // A file of the trail is an entry of the trail.
        if ["/api/auth/", "/api/account", "/api/audit/file"].iter().any(|start| operation.path.starts_with(start)) {
            continue;
        }
        let targets =
            if operation.has_variable() { things(app, operation.path, tenant).await } else { vec![String::new()] };
        for thing in targets {
            let target = operation.target(&thing).replace("unknown.key", "acme.margin");
            let answer = client.send(Call::new("GET", &target)).await;
            let mut said = answer.json();
            said.as_object_mut().unwrap().remove("request_id");
            found.insert(target, said);
        }
    }
    for query in [
        "/api/metrics?from=2026-11-01&to=2026-11-22&compare=previous",
        "/api/table?metrics=acme.margin&grain=day&from=2026-11-01&to=2026-11-22",
    ] {
        found.insert(query.to_owned(), client.get(query).await.ok());
    }
    found
}

#[tokio::test]
async fn without_policies_every_answer_is_the_same() {
    let (app, acme, globex) = twins().await;
    let (of_acme, of_globex) = (session(&app, ACME).await, session(&app, GLOBEX).await);
    let before = (readings(&app, &of_acme, &acme).await, readings(&app, &of_globex, &globex).await);
    assert_ne!(before.0["/api/sources"], before.1["/api/sources"]);
    assert_ne!(before.0["/api/metrics"], before.1["/api/metrics"]);
    open_policies(&app).await;
    let after = (readings(&app, &of_acme, &acme).await, readings(&app, &of_globex, &globex).await);
    for (before, after) in [(before.0, after.0), (before.1, after.1)] {
        for (target, said) in before {
            assert_eq!(after[&target], said, "{target}: a statement has no condition on the tenant");
        }
    }
}

/// Makes a tenant's waiting work due and has it done.
async fn let_time_pass(app: &TestApp, tenant: &str) {
    app.sql(&format!(
        "update jobs set run_at = now() - interval '1 second' where state = 'queued' and tenant_id = '{tenant}'"
    ))
    .await;
    for message in app.queue.take_scheduled() {
        app.queue.push(Message { not_before: None, ..message });
    }
    app.drain().await;
}

/// Does everything that somebody may do, with the ids of their things, and the work that comes of it; after each act the
/// twin must be as before.
async fn everything_done(actor: &str, own: &str, app: &TestApp, twin: &str) {
    open_policies(app).await;
    let before = dump(app, Some(twin), &[]).await;
    let intact = async |what: &str| assert_eq!(dump(app, Some(twin), &[]).await, before, "{what} reached the twin");
    let client = session(app, actor).await;
    let sources = things(app, "/api/sources/{id}", own).await;
    // What needs several steps: a new consent, a new choice, figures replaced, a pause, failing runs.
    for id in &sources {
        let file = client.source(id).await["type"] == "file";
        if !file {
            app.consent(&client, id).await;
            app.drain().await;
            app.google.fail(Fault::api(503, "UNAVAILABLE", "later").after(3).times(3));
        }
        client.act(&format!("/api/sources/{id}/sync")).await;
        let_time_pass(app, own).await;
        client.patch(&format!("/api/sources/{id}"), &serde_json::json!({"paused": true})).await.ok();
        client.patch(&format!("/api/sources/{id}"), &serde_json::json!({"paused": false, "name": "Otra"})).await.ok();
        let_time_pass(app, own).await;
        intact("reading a source").await;
    }
    let oneself = app.value(&format!("select id from users where email = '{actor}'")).await;
    let mut tried = 0;
    // What people do to their own accounts and sessions counts in all of their tenants.
    let own_affairs = |one: &Operation| ["/api/auth/", "/api/account"].iter().any(|start| one.path.starts_with(start));
    for operation in of_members(false).filter(|one| !own_affairs(one)) {
        let targets =
            if operation.has_variable() { things(app, operation.path, own).await } else { vec![String::new()] };
        // Who leaves the team can do nothing more.
        for thing in targets.into_iter().filter(|thing| oneself != **thing) {
            let answer = session(app, actor).await.send(operation.call(&thing)).await;
            assert!(answer.status < 500, "{}: {}", operation.name(), answer.text());
            app.drain().await;
            intact(&operation.name()).await;
            tried += 1;
        }
    }
    assert!(tried >= 8, "{tried}");
}

#[tokio::test]
async fn without_policies_nothing_that_acme_does_reaches_its_twin() {
    let (app, acme, globex) = twins().await;
    everything_done(ACME, &acme, &app, &globex).await;
}

#[tokio::test]
async fn without_policies_nothing_that_globex_does_reaches_its_twin() {
    let (app, acme, globex) = twins().await;
    everything_done(GLOBEX, &globex, &app, &acme).await;
}

/// How many rows a statement without any condition on the tenant sees or changes as the role that serves requests;
/// `None` when the database refuses it.
async fn as_app(app: &TestApp, tenant: &str, sql: &str) -> Option<u64> {
    let mut connection = app.connect("portal_app").await;
    let mut tx = connection.begin().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("set local app.tenant_id = '{tenant}'"))).execute(&mut *tx).await.unwrap();
    match sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await {
        Ok(done) => Some(done.rows_affected()),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => None,
        Err(error) => panic!("{sql}: {error}"),
    }
}

#[tokio::test]
async fn policies_hold_without_any_condition_on_every_table() {
    let (app, acme, globex) = twins().await;
    session(&app, GLOBEX).await.add_source("csv", "Otra").await;
    let mut held = 0;
    for table in tables(&app).await {
        let count = async |tenant: &str| {
            app.value(&format!("select count(*) from {table} where tenant_id = '{tenant}'")).await.as_u64().unwrap()
        };
        if table == "one_time_tokens" {
            // Only the router has any right on it.
            assert_eq!(as_app(&app, &acme, "select from one_time_tokens").await, None);
            continue;
        }
        let (own, others) = (count(&acme).await, count(&globex).await);
        assert!(own > 0 && others > 0, "{table}: both tenants need rows, or this proves nothing ({own}, {others})");
        let seen = as_app(&app, &acme, &format!("select from {table}")).await;
        assert!(seen.is_none_or(|seen| seen == own), "{table}: {seen:?} seen of {own}");
        let touched = as_app(&app, &acme, &format!("update {table} set tenant_id = tenant_id")).await;
        assert!(touched.is_none_or(|touched| touched == own), "{table}: {touched:?} changed of {own}");
        let away = format!("update {table} set tenant_id = '{globex}'");
        assert_eq!(as_app(&app, &acme, &away).await, None, "{table}: rows can be given away");
        let removed = as_app(&app, &acme, &format!("delete from {table} where tenant_id = '{globex}'")).await;
        assert!(removed.is_none_or(|removed| removed == 0), "{table}: {removed:?} removed");
        let row = app.rows(&format!("select * from {table} where tenant_id = '{globex}' limit 1")).await.remove(0);
        let row = row.to_string().replace('\'', "''");
        let columns = columns(&app, &table).await;
        let copy = format!(
            "insert into {table} ({columns}) select {columns} from jsonb_populate_record(null::{table}, '{row}')"
        );
        assert_eq!(as_app(&app, &acme, &copy).await, None, "{table}: takes a row of another tenant");
        held += usize::from(seen.is_some());
    }
    assert!(held >= 9, "{held}");
}
