//! Nobody sees another tenant: not through the API, not through the database as the application's role.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::portal::shared;

#[tokio::test]
async fn ids_of_another_tenant_are_not_found() {
    let (portal, _others) = shared().await;
    let (acme, globex) = (portal.sign_in("admin@acme.example").await, portal.sign_in("admin@globex.example").await);
    let id = globex.source_named("Clima de Seattle").await;
    let calls = [
        (Method::GET, format!("/api/sources/{id}"), None),
        (Method::GET, format!("/api/sources/{id}/syncs"), None),
        (Method::PATCH, format!("/api/sources/{id}"), Some(json!({"name": "mía"}))),
        (Method::POST, format!("/api/sources/{id}/connect"), None),
        (Method::POST, format!("/api/sources/{id}/sync"), None),
        (Method::DELETE, format!("/api/sources/{id}"), None),
        (Method::GET, "/api/catalog/precipitation".to_owned(), None),
        (Method::GET, "/api/series/precipitation".to_owned(), None),
    ];
    for (method, path, body) in calls {
        let answer = acme.send(method.clone(), &path, body.as_ref()).await;
        assert_eq!(answer.status(), 404, "{method} {path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "not_found", "{method} {path}");
    }
    let switched = acme.send(Method::POST, "/api/auth/tenant", Some(&json!({"tenant_id": globex.tenant()}))).await;
    assert_eq!(switched.status(), 404, "a tenant that is not one's own");
    let file = reqwest::multipart::Part::bytes("date,x\n2026-01-01,1\n".as_bytes()).file_name("x.csv");
    let form = reqwest::multipart::Form::new().part("file", file);
    let upload =
        acme.request(Method::POST, &format!("/api/sources/{id}/preview")).multipart(form).send().await.unwrap();
    assert_eq!(upload.status(), 404);
    assert_eq!(globex.source(&id).await["name"], "Clima de Seattle", "and nothing has happened to it");
    let catalog = acme.get("/api/catalog").await;
    assert!(catalog["items"].as_array().unwrap().iter().all(|item| item["key"] != "precipitation"));
    assert!(!acme.get("/api/sources").await.to_string().contains(&id));
}

#[tokio::test]
async fn a_viewer_changes_nothing() {
    let (portal, _others) = shared().await;
    let viewer = portal.sign_in("viewer@acme.example").await;
    let id = viewer.source_named("Tienda Lumbre (web)").await;
    let calls = [
        (Method::POST, "/api/sources".to_owned(), Some(json!({"provider": "csv", "name": "x"}))),
        (Method::PATCH, format!("/api/sources/{id}"), Some(json!({"name": "x"}))),
        (Method::POST, format!("/api/sources/{id}/sync"), None),
        (Method::POST, format!("/api/sources/{id}/connect"), None),
        (Method::DELETE, format!("/api/sources/{id}"), None),
    ];
    for (method, path, body) in calls {
        assert_eq!(viewer.send(method.clone(), &path, body.as_ref()).await.status(), 403, "{method} {path}");
    }
    assert_eq!(viewer.source(&id).await["properties"], json!([]), "the accounts to choose from are for admins");
}

/// Rows that a role sees in a table; a table that it may not read has none.
async fn visible(sql: &mut PgConnection, table: &str) -> i64 {
    match sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(sql).await {
        Ok(count) => count,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => 0,
        Err(error) => panic!("{table}: {error}"),
    }
}

#[tokio::test]
async fn without_a_tenant_the_application_s_role_sees_no_row() {
    let (portal, _others) = shared().await;
    let mut admin = portal.sql().await;
    let mut app = PgConnection::connect(portal.at("database_url")).await.unwrap();
    let owned = "select distinct table_name::text from information_schema.columns
                  where table_schema = 'public' and column_name = 'tenant_id' order by 1";
    let mut tables: Vec<String> = sqlx::query_scalar(owned).fetch_all(&mut admin).await.unwrap();
    assert!(tables.len() >= 9, "{tables:?}");
    tables.push("tenants".to_owned());
    let mut filled = 0;
    for table in &tables {
        filled += i32::from(visible(&mut admin, table).await > 0);
        assert_eq!(visible(&mut app, table).await, 0, "{table}");
    }
    assert!(filled >= 7, "the administrator sees rows in {filled} tables only");
}

#[tokio::test]
async fn with_a_tenant_the_application_s_role_sees_that_one_only() {
    let (portal, _others) = shared().await;
    let (mut admin, acme) = (portal.sql().await, portal.sign_in("admin@acme.example").await.tenant());
    let mut app = PgConnection::connect(portal.at("database_url")).await.unwrap();
    let mut tx = app.begin().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("set local app.tenant_id = '{acme}'"))).execute(&mut *tx).await.unwrap();
    for table in ["data_sources", "datapoints", "metrics", "audit_log", "memberships"] {
        let all = format!("select count(*), count(*) filter (where tenant_id = '{acme}') from {table}");
        let (all, own): (i64, i64) = sqlx::query_as(AssertSqlSafe(all)).fetch_one(&mut admin).await.unwrap();
        assert!(all > own && own > 0, "{table}: both tenants have rows");
        let foreign = format!("select count(*) from {table} where tenant_id <> '{acme}'");
        let foreign: i64 = sqlx::query_scalar(AssertSqlSafe(foreign)).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(foreign, 0, "{table}");
        assert!(visible(&mut tx, table).await > 0, "{table}");
    }
    tx.rollback().await.unwrap();
    assert_eq!(visible(&mut app, "datapoints").await, 0, "the setting ended with its transaction");
}
