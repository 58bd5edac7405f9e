//! Tenants: made, limited, suspended, deleted and gone.

use serde_json::{Value, json};
use time::Duration;

use crate::harness::client::{Call, Client};
use crate::harness::{TestApp, random_id};

const TENANTS: &str = "/api/operator/tenants";

async fn operator(app: &TestApp) -> Client {
    app.sign_in("operator@portal.example").await
}

async fn create(operator: &Client, body: &Value) -> Value {
    let answer = operator.post(TENANTS, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn acme_path(app: &TestApp) -> String {
    format!("{TENANTS}/{}", app.tenant("Acme").await)
}

/// What the audit trails say of acts of operators: the platform's, and the tenant's own.
async fn trails(app: &TestApp, action: &str) -> (Value, Value) {
    let count =
        |table: &str| format!("select count(*) from {table} where action = '{action}' and actor_kind = 'operator'");
    (app.value(&count("platform_audit")).await, app.value(&count("audit_log")).await)
}

#[tokio::test]
async fn a_tenant_is_made_with_one_request_and_its_admin_is_invited() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let body = json!({"name": "Umbra", "plan": "basic", "settings": {"zone": "America/Santiago", "currency": "CLP"}, "admin_email": "Ada@Umbra.example"});
    let made = create(&operator, &body).await;
    assert_eq!(
        (&made["name"], &made["plan"], &made["zone"], &made["status"], &made["limits"]["users"]),
        (&json!("Umbra"), &json!("basic"), &json!("America/Santiago"), &json!("active"), &json!(5))
    );
    let detail = operator.get(&format!("{TENANTS}/{}", made["id"].as_str().unwrap())).await.ok();
    assert_eq!(detail["invitations"][0]["email"], "ada@umbra.example");
    assert_eq!((&detail["members"], &detail["use"]["users"]), (&json!([]), &json!(1)));
    app.drain().await;
    let mails = app.mailer.mails();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ada@umbra.example"));
    assert_eq!(trails(&app, "tenant.created").await, (json!(1), json!(1)));
    operator
        .post(TENANTS, &json!({"name": "UMBRA", "admin_email": "x@umbra.example"}))
        .await
        .problem(409, "name_taken");
    assert_eq!(app.value("select count(*) from tenants where name ilike 'umbra'").await, 1);
}

#[tokio::test]
async fn a_tenant_can_be_made_after_the_pattern_of_another() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    operator.patch(&acme_path(&app).await, &json!({"plan": "plus", "limits": {"sources": 7}})).await.ok();
    let acme = app.tenant("Acme").await;
    let made = create(&operator, &json!({"name": "Umbra", "template": acme, "admin_email": "a@umbra.example"})).await;
    assert_eq!(
        (&made["plan"], &made["limits"]["sources"], &made["overrides"]),
        (&json!("plus"), &json!(7), &json!({"sources": 7}))
    );
    let nothing = json!({"name": "Other", "template": random_id(), "admin_email": "a@umbra.example"});
    assert_eq!(operator.post(TENANTS, &nothing).await.field(), ("template".into(), "unknown_tenant".into()));
}

#[tokio::test]
async fn a_bad_tenant_is_refused_with_the_field_that_is_wrong() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let good = json!({"name": "Umbra", "admin_email": "a@umbra.example"});
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (body, field) in [
        (with("name", json!(" ")), "name"),
        (with("plan", json!("gold")), "plan"),
        (with("settings", json!({"zone": "Mars/Olympus"})), "zone"),
        (with("settings", json!({"currency": "XXXX"})), "currency"),
        (with("admin_email", json!("nobody")), "admin_email"),
        (with("admin_email", json!("operator@portal.example")), "admin_email"),
        (with("status", json!("suspended")), "status"),
    ] {
        assert_eq!(operator.post(TENANTS, &body).await.field().0, field, "{body}");
    }
    let empty = operator.post(TENANTS, &json!({"name": "", "admin_email": ""})).await.problem(422, "invalid");
    let fields: Vec<_> = empty["errors"].as_array().unwrap().iter().map(|one| one["field"].clone()).collect();
    assert_eq!(fields, ["name", "admin_email"], "all that is wrong at once");
    assert_eq!(app.value("select count(*) from tenants where name ilike 'umbra'").await, 0);
}

#[tokio::test]
async fn tenants_are_found_by_part_of_their_name_and_by_state_page_by_page() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let names = async |query: &str| -> Vec<String> {
        let page = operator.get(&format!("{TENANTS}{query}")).await.ok();
        page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("?q=ACM").await, ["Acme"]);
    assert_eq!(names("?q=%25").await, [""; 0], "no wildcard");
    operator.patch(&acme_path(&app).await, &json!({"status": "suspended"})).await.ok();
    assert!(names("?status=suspended").await.contains(&"Acme".to_owned()));
    assert!(!names("?status=active").await.contains(&"Acme".to_owned()));
    let first = operator.get(&format!("{TENANTS}?limit=1")).await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = operator.get(&format!("{TENANTS}?limit=1&cursor={cursor}")).await.ok();
    assert_ne!(first["items"][0]["id"], second["items"][0]["id"]);
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    assert_eq!(operator.get(&format!("{TENANTS}?status=gone")).await.field().0, "status");
}

#[tokio::test]
async fn a_limit_is_set_taken_away_and_enforced_and_both_trails_say_so() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let path = acme_path(&app).await;
    let changed = operator.patch(&path, &json!({"limits": {"sources": 0}, "reason": "impago"})).await.ok();
    assert_eq!((&changed["limits"]["sources"], &changed["overrides"]), (&json!(0), &json!({"sources": 0})));
    let acme = app.acme().await;
    acme.post("/api/sources", &json!({"provider": "csv", "name": "x"})).await.problem(409, "limit_sources");
    let changed = operator.patch(&path, &json!({"limits": {"sources": null}})).await.ok();
    assert_eq!(changed["overrides"], json!({}));
    acme.post("/api/sources", &json!({"provider": "csv", "name": "x"})).await.json();
    assert_eq!(trails(&app, "tenant.limits_changed").await, (json!(2), json!(2)));
    let first = app
        .rows("select before, after, detail from audit_log where action = 'tenant.limits_changed' order by seq limit 1")
        .await;
    assert_eq!(
        (&first[0]["after"]["limits"], &first[0]["detail"]["reason"]),
        (&json!({"sources": 0}), &json!("impago"))
    );
    assert_eq!(operator.patch(&path, &json!({"limits": {"users": -1}})).await.field().0, "limits.users");
    assert_eq!(operator.patch(&path, &json!({"status": "deleting"})).await.field().0, "status");
}

#[tokio::test]
async fn who_has_not_seen_the_newest_version_changes_nothing() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let path = acme_path(&app).await;
    let tag = operator.get(&path).await.header("etag").to_owned();
    operator.patch(&path, &json!({"name": "Acme SA"})).await.ok();
    let call = Call::new("PATCH", &path).header("if-match", &tag).json(&json!({"name": "Acme SL"}));
    operator.send(call).await.problem(412, "stale");
    let removal = |tag: &str| Call::new("DELETE", &path).header("if-match", tag);
    operator.send(removal(&tag)).await.problem(412, "stale");
    assert_eq!(app.value("select count(*) from tenants where name = 'Acme SA' and status = 'active'").await, 1);
    let tag = operator.get(&path).await.header("etag").to_owned();
    let removed = operator.send(removal(&tag)).await;
    assert_eq!((removed.status, removed.json()["status"].as_str()), (202, Some("deleting")));
    assert_eq!(removed.header("etag"), operator.get(&path).await.header("etag"));
}

#[tokio::test]
async fn of_two_changes_of_the_same_version_at_once_one_is_refused() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let path = acme_path(&app).await;
    let tag = operator.get(&path).await.header("etag").to_owned();
    let rename = |name: &str| Call::new("PATCH", &path).header("if-match", &tag).json(&json!({ "name": name }));
    let held = app.hold("select from tenants where name = 'Acme' for update").await;
    let (a, b, ()) = tokio::join!(operator.send(rename("A")), operator.send(rename("B")), app.release(held, 2));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", a.text(), b.text());
}

#[tokio::test]
async fn a_suspended_tenant_stands_still_and_goes_on_where_it_was() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let acme = app.acme().await;
    let source = app.synced(&acme).await;
    acme.act(&format!("/api/sources/{source}/sync")).await;
    let path = acme_path(&app).await;
    operator.patch(&path, &json!({"status": "suspended", "reason": "impago"})).await.ok();
    acme.get("/api/metrics").await.problem(401, "unauthenticated");
    let refused = app.stranger().sign_in("admin@acme.example", crate::harness::PASSWORD).await;
    refused.problem(401, "bad_credentials");
    // The run that waited is cancelled, its message finds nothing, and no timer starts another.
    let requests = app.google.seen("runReport").len();
    app.drain().await;
    app.advance(Duration::days(1));
    app.fire("schedule_syncs").await;
    app.drain().await;
    assert_eq!(app.google.seen("runReport").len(), requests);
    assert_eq!(app.value("select count(*) from jobs where state in ('queued', 'running') and kind = 'sync'").await, 0);
    operator.patch(&path, &json!({"status": "active"})).await.ok();
    acme.get("/api/metrics").await.ok();
    app.fire("schedule_syncs").await;
    app.drain().await;
    assert!(app.google.seen("runReport").len() > requests);
    assert_eq!(acme.source(&source).await["status"], "connected");
    assert_eq!(trails(&app, "tenant.suspended").await, (json!(1), json!(1)));
    assert_eq!(trails(&app, "tenant.resumed").await, (json!(1), json!(1)));
}

#[tokio::test]
async fn the_dry_run_says_what_goes_and_changes_nothing() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let acme = app.acme().await;
    app.synced(&acme).await;
    // Two people in all, one of whom belongs to Globex, too.
    app.sql("delete from users where email not in ('admin@acme.example', 'viewer@acme.example', 'operator@portal.example', 'admin@globex.example')").await;
    app.sql("insert into memberships (tenant_id, user_id, role, created_at)
             select t.id, u.id, 'viewer', now() from tenants t, users u where t.name = 'Globex' and u.email = 'viewer@acme.example'")
        .await;
    let path = acme_path(&app).await;
    let counted = operator.get(&format!("{path}/removal")).await.ok();
    let stored = app.value("select count(*) from datapoints").await;
    assert_eq!(
        (
            &counted["name"],
            &counted["members"],
            &counted["people_removed"],
            &counted["sources"],
            &counted["datapoints"]
        ),
        (&json!("Acme"), &json!(2), &json!(1), &json!(1), &stored)
    );
    acme.get("/api/metrics").await.ok();
}

/// Every table with a tenant in it, and how many rows of this tenant it holds.
async fn left_of(app: &TestApp, tenant: &str) -> Vec<(String, Value)> {
    let tables = app
        .rows(
            "select c.relname::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
              where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1",
        )
        .await;
    let mut left = Vec::new();
    for table in tables {
        let name = table["name"].as_str().unwrap();
        left.push((
            name.to_owned(),
            app.value(&format!("select count(*) from {name} where tenant_id = '{tenant}'")).await,
        ));
    }
    left.push(("tenants".to_owned(), app.value(&format!("select count(*) from tenants where id = '{tenant}'")).await));
    left
}

#[tokio::test]
async fn a_deleted_tenant_can_be_called_back_within_its_grace() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let acme = app.acme().await;
    app.synced(&acme).await;
    let path = acme_path(&app).await;
    let deleted = operator.delete(&path).await;
    assert_eq!(deleted.status, 202, "{}", deleted.text());
    assert_eq!(
        (&deleted.json()["status"], &deleted.json()["delete_after"]),
        (&json!("deleting"), &json!("2026-12-23T10:00:00Z"))
    );
    acme.get("/api/metrics").await.problem(401, "unauthenticated");
    app.advance(Duration::days(29));
    app.fire("housekeeping").await;
    let back = operator.patch(&path, &json!({"status": "active"})).await.ok();
    assert_eq!((&back["status"], &back["delete_after"]), (&json!("active"), &json!(null)));
    acme.get("/api/metrics").await.ok();
    assert_eq!(trails(&app, "tenant.deletion_cancelled").await, (json!(1), json!(1)));
}

#[tokio::test]
async fn of_a_deleted_tenant_nothing_is_left_but_the_platforms_note() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let (acme, globex) = (app.acme().await, app.globex().await);
    app.synced(&acme).await;
    globex.add_source("csv", "Clima").await;
    app.sql("insert into memberships (tenant_id, user_id, role, created_at)
             select t.id, u.id, 'viewer', now() from tenants t, users u where t.name = 'Globex' and u.email = 'viewer@acme.example'")
        .await;
    let id = app.tenant("Acme").await;
    let path = format!("{TENANTS}/{id}");
    operator.delete(&format!("{path}?grace_days=3")).await;
    app.advance(Duration::days(3));
    operator.patch(&path, &json!({"status": "active"})).await.problem(409, "being_removed");
    app.fire("housekeeping").await;
    for (table, rows) in left_of(&app, &id).await {
        assert_eq!(rows, 0, "{table}");
    }
    operator.get(&path).await.problem(404, "not_found");
    assert_eq!(app.value("select count(*) from users where email = 'admin@acme.example'").await, 0);
    assert_eq!(app.value("select count(*) from users where email = 'viewer@acme.example'").await, 1);
    assert_eq!(app.value("select detail->>'name' from platform_audit where action = 'tenant.purged'").await, "Acme");
    globex.get("/api/sources").await.ok();
    let globex_id = app.tenant("Globex").await;
    assert!(left_of(&app, &globex_id).await.iter().any(|(table, rows)| table == "data_sources" && *rows == 1));
}

#[tokio::test]
async fn a_removal_that_was_cut_off_is_finished_by_the_next_round() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let acme = app.acme().await;
    app.synced(&acme).await;
    let id = app.tenant("Acme").await;
    operator.delete(&format!("{TENANTS}/{id}?grace_days=0")).await;
    // The last step fails, as if the process had died before it.
    app.sql("revoke delete on tenants from portal_operator").await;
    app.fire("housekeeping").await;
    assert_eq!(app.value("select count(*) from datapoints").await, 0);
    assert_eq!(app.value(&format!("select count(*) from tenants where id = '{id}'")).await, 1);
    app.sql("grant delete on tenants to portal_operator").await;
    app.fire("housekeeping").await;
    assert!(left_of(&app, &id).await.iter().all(|(_, rows)| *rows == 0));
}

#[tokio::test]
async fn deleting_a_tenant_asks_for_the_password_again() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    app.sql("update sessions set authenticated_at = now() - interval '6 minutes'").await;
    let path = acme_path(&app).await;
    operator.delete(&path).await.problem(403, "reauth_required");
    assert_eq!(app.value("select count(*) from tenants where status = 'active'").await, 2);
    assert_eq!(operator.delete(&format!("{path}?grace_days=91")).await.field().0, "grace_days");
}

#[tokio::test]
async fn nobody_but_an_operator_reaches_the_console() {
    let app = TestApp::start().await;
    let path = acme_path(&app).await;
    for client in [app.acme().await, app.viewer().await] {
        client.get(TENANTS).await.problem(403, "forbidden");
        client.patch(&path, &json!({"plan": "plus"})).await.problem(403, "forbidden");
        client.delete(&path).await.problem(403, "forbidden");
    }
    app.stranger().get(TENANTS).await.problem(401, "unauthenticated");
    operator(&app).await.get(&format!("{TENANTS}/{}", random_id())).await.problem(404, "not_found");
}
