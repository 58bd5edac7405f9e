//! Money: in the tenant's currency when it came, one figure per currency, never added across them.

use serde_json::{Value, json};

use super::{daily, series};
use crate::harness::TestApp;

#[tokio::test]
async fn money_has_the_tenants_currency() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let mapping = daily(&[("ventas", "currency", "sum"), ("n", "count", "sum")], &["tienda"]);
    acme.import("Ventas", "date,tienda,ventas,n\n2026-01-01,A,10.10,1\n2026-01-02,B,20.20,2\n", &mapping).await;
    let answer = acme.get("/api/metrics?from=2026-01-01&to=2026-01-31").await.ok();
    let found: Vec<Value> =
        answer["metrics"].as_array().unwrap().iter().map(|m| json!([m["key"], m["currency"], m["value"]])).collect();
    assert_eq!(found, [json!(["n", null, 3]), json!(["ventas", "EUR", 30.3])]);
    let table = acme.get("/api/table?metrics=ventas,n&by=tienda&from=2026-01-01&to=2026-01-31").await.ok();
    assert_eq!(
        table["columns"],
        json!([{"key": "ventas", "name": "ventas", "unit": "currency", "currency": "EUR"},
               {"key": "n", "name": "n", "unit": "count", "currency": null}])
    );
}

#[tokio::test]
async fn two_currencies_of_one_metric_stay_two_figures() {
    let app = TestApp::start().await;
    let acme = app.acme().await;
    let mapping = daily(&[("ventas", "currency", "sum")], &[]);
    acme.import("España", "date,ventas\n2026-01-01,10\n2026-01-02,20\n", &mapping).await;
    app.sql(r#"update tenants set settings = settings || '{"currency": "USD"}'"#).await;
    acme.import("América", "date,ventas\n2026-01-02,7\n", &mapping).await;
    let range = "from=2026-01-01&to=2026-01-02";
    let answer = acme.get(&format!("/api/metrics?{range}&compare=previous")).await.ok();
    let found: Vec<Value> =
        answer["metrics"].as_array().unwrap().iter().map(|m| json!([m["currency"], m["value"]])).collect();
    assert_eq!(found, [json!(["EUR", 30]), json!(["USD", 7])]);
    let chart = series(&acme, "ventas", range).await;
    let lines: Vec<Value> =
        chart["series"].as_array().unwrap().iter().map(|line| json!([line["currency"], line["total"]])).collect();
    assert_eq!(lines, [json!(["EUR", 30]), json!(["USD", 7])]);
    let table = acme.get(&format!("/api/table?metrics=ventas&by=date&{range}")).await.ok();
    let keys: Vec<&Value> = table["columns"].as_array().unwrap().iter().map(|column| &column["key"]).collect();
    assert_eq!(keys, ["ventas:EUR", "ventas:USD"]);
    assert_eq!(table["totals"], json!({"ventas:EUR": 30, "ventas:USD": 7}));
    assert_eq!(
        table["rows"],
        json!([{"dims": {"date": "2026-01-01"}, "values": {"ventas:EUR": 10}},
               {"dims": {"date": "2026-01-02"}, "values": {"ventas:EUR": 20, "ventas:USD": 7}}])
    );
}
