//! Nothing of one tenant is seen or changed from another.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::figures::daily;
use crate::harness::TestApp;
use crate::harness::client::Call;

const FILE: &str = "date,n\n2026-11-20,41\n";

/// What globex owns besides a Google source: a file source with a metric.
struct Owned {
    file_source: String,
}

const SECRET_METRIC: &str = "globex.margin";

async fn globex_owns(app: &TestApp) -> Owned {
    let globex = app.globex().await;
    let mut mapping = daily(&[("n", "count", "sum")], &[]);
    mapping["metrics"][0]["key"] = json!(SECRET_METRIC);
    let file_source = globex.import("Márgenes", FILE, &mapping).await;
    app.connect_ga4(&globex).await;
    app.drain().await;
    Owned { file_source }
}

/// Everything that globex has, as text.
async fn state_of_globex(app: &TestApp) -> Value {
    let mut state = Vec::new();
    for table in ["data_sources", "syncs", "jobs", "metrics", "metric_sources", "datapoints", "audit_log"] {
        let sql = format!("select * from {table} where tenant_id = '{}' order by 1, 2, 3", app.tenant("Globex").await);
        state.push(app.rows(&sql).await);
    }
    json!(state)
}

#[tokio::test]
async fn lists_and_figures_hold_ones_own_things_only() {
    let app = TestApp::start().await;
    globex_owns(&app).await;
    let acme = app.acme().await;
    for path in [
        "/api/sources",
        "/api/catalog",
        "/api/catalog?q=globex",
        "/api/metrics",
        "/api/metrics?from=2026-11-01&to=2026-11-30",
    ] {
        let answer = acme.get(path).await.ok();
        let list = answer.get("items").or(answer.get("metrics")).unwrap();
        assert_eq!(list, &json!([]), "{path}");
    }
    let answer = acme.get(&format!("/api/table?metrics={SECRET_METRIC}")).await;
    let unknown = acme.get("/api/table?metrics=unknown.metric").await;
    assert_eq!(answer.field(), unknown.field());
    // The same key in two tenants is two metrics.
    let mut mapping = daily(&[("n", "EUR", "mean")], &[]);
    mapping["metrics"][0]["key"] = json!(SECRET_METRIC);
    acme.import("Otros", "date,n\n2026-11-20,7\n", &mapping).await;
    assert_eq!(acme.get("/api/metrics?from=2026-11-20&to=2026-11-20").await.ok()["metrics"][0]["value"], 7);
    let globex = app.globex().await;
    let items = globex.get("/api/metrics?from=2026-11-20&to=2026-11-20").await.ok();
    let margin = items["metrics"].as_array().unwrap().iter().find(|item| item["key"] == SECRET_METRIC).unwrap();
    assert_eq!(margin["value"], 41);
}

#[tokio::test]
async fn a_tenant_named_in_a_request_is_refused_or_ignored() {
    let app = TestApp::start().await;
    let owned = globex_owns(&app).await;
    let before = state_of_globex(&app).await;
    let acme = app.acme().await;
    let globex = app.tenant("Globex").await;
    let body = json!({"provider": "csv", "name": "x", "tenant_id": globex});
    assert_eq!(acme.post("/api/sources", &body).await.field().0, "tenant_id");
    for path in [
        "/api/metrics",
        "/api/series/ga4.sessions",
        "/api/catalog",
        "/api/table",
        &format!("/api/sources/{}/syncs", owned.file_source),
    ] {
        let answer = acme.get(&format!("{path}?tenant_id={globex}")).await;
        assert_eq!(answer.field(), ("tenant_id".into(), "unknown_parameter".into()), "{path}");
    }
    for name in ["x-tenant-id", "tenant-id", "x-ms-client-principal", "x-forwarded-user"] {
        let answer = acme.send(Call::new("GET", "/api/sources").header(name, &globex)).await.ok();
        assert_eq!(answer["items"], json!([]), "{name}");
    }
    assert_eq!(
        acme.get(&format!("/api/sources?tenant_id={globex}")).await.json()["items"].as_array().map_or(0, Vec::len),
        0
    );
    let cursor = app.value(&format!("select id from syncs where source_id = '{}'", owned.file_source)).await;
    let own = acme.add_source("csv", "Propia").await;
    let page = acme.get(&format!("/api/sources/{own}/syncs?cursor={}", cursor.as_str().unwrap())).await.ok();
    assert_eq!(page["items"], json!([]));
    assert_eq!(state_of_globex(&app).await, before);
}

/// The tables that have a column `tenant_id`, and `tenants` itself, with that column.
async fn tenant_tables(app: &TestApp) -> Vec<(String, &'static str)> {
    let sql = "select c.relname::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
                where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1";
    let rows = app.rows(sql).await;
    let mut tables: Vec<_> = rows.iter().map(|row| (row["name"].as_str().unwrap().to_owned(), "tenant_id")).collect();
    tables.push(("tenants".to_owned(), "id"));
    assert!(tables.len() > 8, "{tables:?}");
    tables
}

/// How many rows a statement sees or changes as this role; `None` when it may not be said at all.
async fn rows_as(app: &TestApp, role: &str, setting: Option<&str>, sql: &str) -> Option<u64> {
    let mut connection = app.connect(role).await;
    let mut tx = connection.begin().await.unwrap();
    if let Some(tenant) = setting {
        sqlx::query(AssertSqlSafe(format!("set local app.tenant_id = '{tenant}'"))).execute(&mut *tx).await.unwrap();
    }
    match sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await {
        Ok(done) => Some(done.rows_affected()),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => None,
        Err(error) => panic!("{sql}: {error}"),
    }
}

#[tokio::test]
async fn without_a_tenant_the_app_role_sees_no_row_and_changes_none() {
    let app = TestApp::start().await;
    globex_owns(&app).await;
    let globex = app.tenant("Globex").await;
    let mut seen = 0;
    for (table, column) in tenant_tables(&app).await {
        let select = format!("select from {table}");
        // A reused connection has the setting as an empty text; both mean nothing.
        for setting in [None, Some("")] {
            assert!(rows_as(&app, "portal_app", setting, &select).await.unwrap_or(0) == 0, "{table}");
            for change in [format!("update {table} set {column} = {column}"), format!("delete from {table}")] {
                assert!(rows_as(&app, "portal_app", setting, &change).await.unwrap_or(0) == 0, "{change}");
            }
        }
        let acme = app.tenant("Acme").await;
        let others = format!("select from {table} where {column} <> '{acme}'");
        assert_eq!(rows_as(&app, "portal_app", Some(&acme), &others).await.unwrap_or(0), 0, "{table}");
        seen += rows_as(&app, "portal_app", Some(&globex), &select).await.unwrap_or(0);
    }
    assert!(seen > 1000, "with its tenant set the role does see rows: {seen}");
}

#[tokio::test]
async fn the_app_role_writes_no_row_of_another_tenant() {
    let app = TestApp::start().await;
    globex_owns(&app).await;
    let (acme, globex) = (app.tenant("Acme").await, app.tenant("Globex").await);
    let insert = |tenant: &str| {
        format!(
            "insert into data_sources (tenant_id, id, type, provider, name, status, created_at, updated_at)
             values ('{tenant}', gen_random_uuid(), 'file', 'csv', 'x', 'connected', now(), now())"
        )
    };
    assert_eq!(rows_as(&app, "portal_app", Some(&acme), &insert(&acme)).await, Some(1));
    assert_eq!(rows_as(&app, "portal_app", Some(&acme), &insert(&globex)).await, None);
    assert_eq!(rows_as(&app, "portal_app", None, &insert(&globex)).await, None);
    let steal = format!("update data_sources set tenant_id = '{acme}' where tenant_id = '{globex}'");
    assert_eq!(rows_as(&app, "portal_app", Some(&acme), &steal).await, Some(0));
    assert_eq!(rows_as(&app, "portal_app", Some(&globex), &steal).await, None);
}

#[tokio::test]
async fn the_other_roles_never_reach_figures_or_sealed_values() {
    let app = TestApp::start().await;
    globex_owns(&app).await;
    let closed: BTreeSet<&str> = ["syncs", "metrics", "metric_sources", "datapoints", "alerts", "audit_log"].into();
    for (table, _) in tenant_tables(&app).await {
        let router = rows_as(&app, "portal_router", None, &format!("select * from {table}")).await;
        let operator = rows_as(&app, "portal_operator", None, &format!("select * from {table}")).await;
        if closed.contains(table.as_str()) {
            assert_eq!((router, operator), (None, None), "{table}");
        }
    }
    for (role, sql) in [
        ("portal_router", "select auth from data_sources"),
        ("portal_router", "select config from data_sources"),
        ("portal_router", "update data_sources set next_due = now()"),
        ("portal_router", "update users set is_operator = true"),
        ("portal_router", "insert into users select * from users"),
        ("portal_router", "update memberships set role = 'admin'"),
        ("portal_router", "delete from memberships"),
        ("portal_operator", "select auth from data_sources"),
        ("portal_operator", "select config from data_sources"),
        ("portal_operator", "update data_sources set status = 'paused'"),
        ("portal_operator", "select payload from jobs"),
        ("portal_operator", "select token_hash from sessions"),
        ("portal_operator", "select secret from mfa_credentials"),
        ("portal_operator", "select ip from sessions"),
        ("portal_operator", "select password_hash from users"),
        ("portal_operator", "update users set password_hash = ''"),
        ("portal_operator", "update users set is_operator = true"),
        ("portal_operator", "select from one_time_tokens"),
        ("portal_operator", "update tenants set settings = '{}'"),
        ("portal_operator", "update memberships set role = 'admin'"),
        ("portal_operator", "delete from memberships"),
        ("portal_operator", "update users set name = ''"),
        ("portal_operator", "update invitations set email = ''"),
        ("portal_app", "select from users"),
        ("portal_app", "select from sessions"),
        ("portal_app", "select from one_time_tokens"),
        ("portal_app", "update audit_log set action = ''"),
        ("portal_app", "delete from audit_log"),
        ("portal_app", "update tenants set status = 'active'"),
        ("portal_app", "select from mfa_credentials"),
        ("portal_app", "select from recovery_codes"),
        ("portal_app", "select from rate_counters"),
        ("portal_app", "update tenants set limits = '{}'"),
        ("portal_router", "select action from audit_log"),
        ("portal_router", "update audit_log set action = ''"),
        ("portal_router", "update users set is_active = true"),
        (
            "portal_router",
            "insert into users (id, email, name, password_hash, is_operator, created_at) values (gen_random_uuid(), 'x', 'x', 'x', true, now())",
        ),
        ("portal_app", "create table mine (id int)"),
        ("portal_app", "set role portal_owner"),
        ("portal_app", "alter table datapoints no force row level security"),
    ] {
        assert_eq!(rows_as(&app, role, None, sql).await, None, "{role}: {sql}");
    }
}

#[tokio::test]
async fn a_row_cannot_point_into_another_tenant() {
    let app = TestApp::start().await;
    let owned = globex_owns(&app).await;
    let acme = app.tenant("Acme").await;
    let insert = format!(
        "insert into syncs (tenant_id, id, source_id, trigger, status, created_at)
         values ('{acme}', gen_random_uuid(), '{}', 'manual', 'queued', now())",
        owned.file_source
    );
    // As superuser, whom no policy binds: the foreign key itself refuses.
    let error = sqlx::query(AssertSqlSafe(insert)).execute(&app.admin).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_foreign_key_violation());
}

#[tokio::test]
async fn the_handler_refuses_roles_that_row_level_security_does_not_bind() {
    let app = TestApp::start().await;
    let check = async |app_role: &str, router_role: &str| {
        let url = |role: &str| crate::harness::secret(&app.database.url(role));
        let database = portal::store::Database::new(&url(app_role), &url(router_role)).unwrap();
        database.refuse_unsafe_roles().await.map_err(|error| error.to_string())
    };
    assert_eq!(check("portal_app", "portal_router").await, Ok(()));
    for (app_role, router_role) in [
        (local_postgres::SUPERUSER, "portal_router"),
        ("portal_app", local_postgres::SUPERUSER),
        ("portal_owner", "portal_router"),
        ("portal_app", "portal_owner"),
    ] {
        let refused = check(app_role, router_role).await.unwrap_err();
        assert!(refused.contains("row level security"), "{refused}");
    }
}
