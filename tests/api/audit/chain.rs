//! The trail can only grow: nobody changes it unseen, and nothing is done without it.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::harness::TestApp;
use crate::harness::client::Client;
use crate::team::{person, recorded};

/// Acme's admin with a few entries in the trail.
async fn busy(app: &TestApp) -> Client {
    let acme = app.acme().await;
    for n in 0..6 {
        acme.add_source("csv", &format!("S{n}")).await;
    }
    acme
}

/// The entry of Acme's trail with this number.
async fn entry(app: &TestApp, seq: i64) -> Value {
    let acme = app.tenant("Acme").await;
    app.value(&format!("select id from audit_log where tenant_id = '{acme}' and seq = {seq}")).await
}

async fn verified(client: &Client) -> Value {
    client.get("/api/audit/verification").await.ok()
}

#[tokio::test]
async fn a_trail_that_nobody_touched_is_whole() {
    let app = TestApp::start().await;
    let acme = busy(&app).await;
    app.globex().await.add_source("csv", "Otra").await;
    app.viewer().await.get("/api/team").await;
    acme.patch("/api/tenant", &json!({"name": "Ñandú «1»\u{2028}"})).await.ok();
    acme.get("/api/audit/file").await;
    let entries =
        app.value("select count(*) from audit_log a join tenants t on t.id = a.tenant_id where t.name like 'Ñ%'").await;
    assert_eq!(verified(&acme).await, json!({"checked": entries, "intact": true, "first_broken": null}));
}

#[tokio::test]
async fn an_altered_entry_is_named_whatever_was_altered() {
    let app = TestApp::start().await;
    let acme = busy(&app).await;
    let id = entry(&app, 4).await;
    for (column, value) in [
        ("action", "'source.deleted'"),
        ("resource", "'source/x'"),
        ("actor_id", "null"),
        ("actor_email", "'other@acme.example'"),
        ("actor_kind", "'operator'"),
        ("outcome", "'failed'"),
        ("ts", "ts + interval '1 microsecond'"),
        ("before", "'{}'"),
        ("after", "'{}'"),
        ("detail", "detail || '{\"name\": \"x\"}'"),
        ("ip", "null"),
        ("user_agent", "'x'"),
        ("request_id", "null"),
        ("previous", "'x'"),
        ("digest", "'x'"),
        ("digest", "null"),
    ] {
        let id = id.as_str().unwrap();
        app.sql("create table kept as select * from audit_log").await;
        assert_eq!(app.sql(&format!("update audit_log set {column} = {value} where id = '{id}'")).await, 1);
        let found = verified(&acme).await;
        assert_eq!((&found["intact"], &found["first_broken"]), (&json!(false), &json!(id)), "{column} = {value}");
        app.sql("delete from audit_log").await;
        app.sql("insert into audit_log select * from kept").await;
        app.sql("drop table kept").await;
    }
    assert_eq!(verified(&acme).await["intact"], true);
}

#[tokio::test]
async fn a_deleted_entry_is_missed_at_the_one_after_it() {
    let app = TestApp::start().await;
    let acme = busy(&app).await;
    let after = entry(&app, 4).await;
    app.sql("delete from audit_log where seq = 3").await;
    let found = verified(&acme).await;
    assert_eq!((&found["intact"], &found["first_broken"]), (&json!(false), &after));
    // Numbering the rest anew does not help.
    app.sql("update audit_log set seq = -seq where seq > 3").await;
    app.sql("update audit_log set seq = -seq - 1 where seq < 0").await;
    assert_eq!(verified(&acme).await["first_broken"], after);
}

#[tokio::test]
async fn missing_oldest_and_newest_entries_are_found() {
    let app = TestApp::start().await;
    let acme = busy(&app).await;
    let (second, sixth) = (entry(&app, 2).await, entry(&app, 6).await);
    app.sql("create table kept as select * from audit_log").await;
    app.sql("delete from audit_log where seq = 1").await;
    assert_eq!(verified(&acme).await["first_broken"], second);
    app.sql("insert into audit_log select * from kept where seq = 1").await;
    assert_eq!(verified(&acme).await["intact"], true);
    app.sql("delete from audit_log where seq = 7").await;
    assert_eq!(verified(&acme).await, json!({"checked": 6, "intact": false, "first_broken": sixth}));
    app.sql("delete from audit_log").await;
    assert_eq!(verified(&acme).await, json!({"checked": 0, "intact": false, "first_broken": null}));
}

#[tokio::test]
async fn an_entry_from_before_the_chain_is_its_beginning_only() {
    let app = TestApp::start().await;
    let acme = busy(&app).await;
    app.sql(
        "insert into audit_log (tenant_id, id, action, resource, ts)
         select id, '01900000-0000-7000-8000-000000000001', 'auth.login', 'session/x', now() from tenants where name = 'Acme'",
    )
    .await;
    assert_eq!(verified(&acme).await, json!({"checked": 8, "intact": true, "first_broken": null}));
}

#[tokio::test]
async fn no_role_of_the_portal_changes_what_was_recorded() {
    let app = TestApp::start().await;
    busy(&app).await;
    let acme = app.tenant("Acme").await;
    for role in ["portal_app", "portal_router", "portal_operator"] {
        for sql in ["update audit_log set action = 'x'", "delete from audit_log", "truncate audit_log"] {
            let mut connection = app.connect(role).await;
            let mut tx = connection.begin().await.unwrap();
            let set = format!("set local app.tenant_id = '{acme}'");
            sqlx::query(AssertSqlSafe(set)).execute(&mut *tx).await.unwrap();
            match sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await {
                Err(error) => assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{role}: {sql}"),
                // The router removes what is old, and nothing else.
                Ok(done) => {
                    assert_eq!((role, sql, done.rows_affected()), ("portal_router", "delete from audit_log", 0));
                }
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let body = json!({"invitations": [{"email": "nora@new.example", "role": "viewer"}]});
    acme.post("/api/team/invitations", &body).await.ok();
    app.queue.clear();
    let viewer = person(&app, "viewer@acme.example").await;
    let tables =
        ["memberships", "invitations", "tenants", "data_sources", "jobs", "sessions", "audit_log", "audit_heads"];
    let everything = async || {
        let mut all = Vec::new();
        for table in tables {
            let rows = app.rows(&format!("select * from {table} x order by x::text")).await;
            // A request counts as a use of its session.
            all.push(
                rows.into_iter()
                    .map(|mut row| {
                        row["last_used_at"] = Value::Null;
                        row
                    })
                    .collect::<Vec<_>>(),
            );
        }
        json!(all)
    };
    let before = everything().await;
    app.sql("revoke insert on audit_log from portal_app, portal_router").await;
    let member = format!("/api/team/{viewer}");
    let id = app.value("select id from invitations").await;
    let invitation = format!("/api/team/invitations/{}", id.as_str().unwrap());
    let other = json!({"invitations": [{"email": "otto@new.example", "role": "viewer"}]});
    for answer in [
        acme.patch(&member, &json!({"role": "admin"})).await,
        acme.delete(&member).await,
        acme.delete(&format!("{member}/sessions")).await,
        acme.post("/api/team/invitations", &other).await,
        acme.act(&format!("{invitation}/resend")).await,
        acme.delete(&invitation).await,
        acme.patch("/api/tenant", &json!({"name": "Otra"})).await,
        acme.post("/api/sources", &json!({"provider": "csv", "name": "x"})).await,
        acme.get("/api/audit/file").await,
    ] {
        answer.problem(500, "internal");
    }
    assert_eq!(everything().await, before);
    assert_eq!(app.queue.messages().len(), 0);
}

#[tokio::test]
async fn retention_removes_what_is_old_and_the_trail_stays_whole() {
    let app = TestApp::start().await;
    // The policy of the database goes by its own clock: the first entries are written in its past.
    let behind = app.value("select extract(epoch from now() - '2026-11-23T10:00:00Z'::timestamptz)::bigint").await;
    app.advance(time::Duration::seconds(behind.as_i64().unwrap()) - time::Duration::days(120));
    let acme = busy(&app).await;
    acme.patch("/api/tenant", &json!({"audit_retention_days": 100})).await.ok();
    app.advance(time::Duration::days(95));
    acme.add_source("csv", "Reciente").await;
    app.fire("housekeeping").await;
    assert_eq!(app.value("select count(*) from audit_log").await, 9, "nothing is older than the setting says");
    app.advance(time::Duration::days(15));
    app.fire("housekeeping").await;
    let expired = recorded(&app, "audit.expired").await;
    assert_eq!((&expired["detail"], &expired["actor_kind"]), (&json!({"entries": 8, "through": 8}), &json!("system")));
    assert_eq!(verified(&acme).await, json!({"checked": 2, "intact": true, "first_broken": null}));
    // A second round has nothing to do and says nothing.
    app.fire("housekeeping").await;
    assert_eq!(app.value("select count(*) from audit_log").await, 2);
    // What retention did not remove is missed.
    let last = entry(&app, 10).await;
    app.sql("delete from audit_log where seq = 9").await;
    assert_eq!(verified(&acme).await["first_broken"], last);
}

#[tokio::test]
async fn the_database_lets_nothing_young_go_whatever_the_setting() {
    let app = TestApp::start().await;
    busy(&app).await;
    app.sql(r#"update tenants set settings = '{"audit_retention_days": 1}'"#).await;
    app.advance(time::Duration::days(20_000));
    app.fire("housekeeping").await;
    assert_eq!(app.value("select count(*) from audit_log").await, 7);
}

#[tokio::test]
async fn the_platforms_own_trail_is_kept_for_two_years_and_never_less_than_one() {
    let app = TestApp::start().await;
    let behind = app.value("select extract(epoch from now() - '2026-11-23T10:00:00Z'::timestamptz)::bigint").await;
    app.advance(time::Duration::seconds(behind.as_i64().unwrap()));
    for days in [729, 731, 364, 366] {
        app.sql(&format!(
            "insert into platform_audit (id, action, resource, ts) values (gen_random_uuid(), 'old', '{days}', now() - interval '{days} days')"
        ))
        .await;
    }
    let left = async || {
        app.value("select string_agg(resource, ' ' order by resource) from platform_audit where action = 'old'").await
    };
    app.fire("housekeeping").await;
    assert_eq!(left().await, "364 366 729");
    // Whatever the program's clock says, the database lets nothing go that is younger than a year by its own.
    app.advance(time::Duration::days(20_000));
    app.fire("housekeeping").await;
    assert_eq!(left().await, "364");
}
