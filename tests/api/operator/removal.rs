//! The end of a deleted tenant where it is large, or where somebody wants it back too late.

use serde_json::json;
use time::Duration;

use crate::figures::daily;
use crate::harness::TestApp;

#[tokio::test]
async fn two_hundred_thousand_datapoints_go_in_portions() {
    let app = TestApp::start().await;
    let operator = app.sign_in("operator@portal.example").await;
    let acme = app.acme().await;
    acme.import("Clima", "date,n\n2026-11-20,41\n", &daily(&[("n", "count", "sum")], &[])).await;
    let globex = app.globex().await;
    globex.import("Clima", "date,n\n2026-11-20,41\n", &daily(&[("n", "count", "sum")], &[])).await;
    let id = app.tenant("Acme").await;
    // Without statistics, as after a first upload.
    app.sql(&format!(
        "insert into datapoints select tenant_id, source_id, 'copy/' || n, metric_id, ts, period_start, period_end, grain, value,
                denominator, dims, dim_set, currency, provisional, sync_id
           from datapoints cross join generate_series(1, 199999) n where tenant_id = '{id}'"
    ))
    .await;
    operator.delete(&format!("/api/operator/tenants/{id}?grace_days=0")).await;
    app.fire("housekeeping").await;
    assert_eq!(app.value("select count(*) from datapoints").await, 1, "the other tenant's");
    assert_eq!(app.value(&format!("select count(*) from tenants where id = '{id}'")).await, 0);
}

#[tokio::test]
async fn a_tenant_whose_grace_is_over_gets_no_second_one() {
    let app = TestApp::start().await;
    let operator = app.sign_in("operator@portal.example").await;
    let path = format!("/api/operator/tenants/{}", app.tenant("Acme").await);
    operator.delete(&format!("{path}?grace_days=3")).await.ok();
    app.advance(Duration::days(2));
    let longer = operator.delete(&format!("{path}?grace_days=10")).await.ok();
    assert_eq!(longer["delete_after"], json!("2026-12-05T10:00:00Z"), "within its grace it may be prolonged");
    app.advance(Duration::days(10));
    // Some of it may be gone already.
    operator.delete(&format!("{path}?grace_days=90")).await.problem(409, "being_removed");
    operator.patch(&path, &json!({"status": "active"})).await.problem(409, "being_removed");
}

#[tokio::test]
async fn a_tenant_that_is_called_back_while_it_is_removed_stays_with_its_people() {
    let app = TestApp::start().await;
    let operator = app.sign_in("operator@portal.example").await;
    operator.delete(&format!("/api/operator/tenants/{}?grace_days=0", app.tenant("Acme").await)).await.ok();
    let held = app.hold("update tenants set status = 'active', delete_after = null where name = 'Acme'").await;
    tokio::join!(app.fire("housekeeping"), app.release(held, 1));
    app.acme().await.get("/api/team").await.ok();
    assert_eq!(app.value("select count(*) from platform_audit where action = 'tenant.purged'").await, 0);
}
