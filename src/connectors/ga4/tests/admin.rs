use super::*;
use crate::connectors::error::FailureKind;
use crate::connectors::sentences::codes;

#[tokio::test]
async fn properties_of_all_pages_and_accounts_are_listed() {
    let first = include_str!("../../../../tests/fixtures/ga4/synthetic_accountSummaries.json");
    let stub = Stub::start(move |_, request| {
        if request.query.contains("pageToken=CAUQAA") {
            // An account without properties has no list at all.
            let last = json!({"property": "properties/310000003", "displayName": "Faro"});
            let accounts = json!([{"displayName": "Vacía"}, {"displayName": "Sur", "propertySummaries": [last]}]);
            return Reply::Json(200, json!({ "accountSummaries": accounts }));
        }
        Reply::Json(200, serde_json::from_str(first).unwrap())
    })
    .await;
    let found = ga4(&stub).0.properties(&token(), plan().now).await.unwrap();
    let property =
        |id: &str, name: &str, account: &str| Property { id: id.into(), name: name.into(), account: account.into() };
    assert_eq!(
        found,
        [
            property("properties/310000001", "Tienda Lumbre (web)", "Agencia Norte"),
            property("properties/310000002", "Clínica Alba", "Agencia Norte"),
            property("properties/310000003", "Faro", "Sur"),
        ]
    );
    let requests = stub.received();
    assert_eq!(requests[0].path, "/v1beta/accountSummaries");
    assert_eq!(requests[0].query, "pageSize=200");
    assert_eq!(requests[0].headers["authorization"], format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn an_account_without_anything_has_no_properties() {
    let stub = Stub::json(200, json!({})).await;
    assert_eq!(ga4(&stub).0.properties(&token(), plan().now).await.unwrap(), []);
}

#[tokio::test]
async fn a_page_token_that_comes_again_ends_the_listing_with_an_error() {
    let stub = Stub::json(200, json!({"nextPageToken": "again"})).await;
    let error = ga4(&stub).0.properties(&token(), plan().now).await.unwrap_err();
    assert_eq!((error.code, error.kind), (codes::GA4_UNEXPECTED, FailureKind::Contract));
    assert_eq!(stub.received().len(), 2);
}

#[tokio::test]
async fn a_property_was_created_on_a_day_of_its_own_zone() {
    let stub = Stub::start(|_, request| {
        assert_eq!(request.path, "/v1beta/properties/7");
        let body = json!({"name": "properties/7", "displayName": "Bogotá", "timeZone": "America/Bogota",
            "currencyCode": "COP", "createTime": "2023-01-01T03:30:00.123Z"});
        Reply::Json(200, body)
    })
    .await;
    let found = ga4(&stub).0.property(&token(), "properties/7", plan().now).await.unwrap();
    let expected = PropertyDetails {
        zone: "America/Bogota".into(),
        currency: "COP".into(),
        name: "Bogotá".into(),
        created: Some(date!(2022 - 12 - 31)),
    };
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_property_may_lack_its_creation_but_not_a_known_zone() {
    let stub = Stub::json(200, json!({"timeZone": "Europe/Madrid", "currencyCode": "eur"})).await;
    let found = ga4(&stub).0.property(&token(), "properties/7", plan().now).await.unwrap();
    assert_eq!((found.created, found.currency.as_str()), (None, "EUR"));

    let stub = Stub::json(200, json!({"timeZone": "Mars/Olympus", "currencyCode": "EUR"})).await;
    let error = ga4(&stub).0.property(&token(), "properties/7", plan().now).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Contract);
}

#[tokio::test]
async fn a_failing_admin_api_is_retried_like_the_data_api() {
    let stub = Stub::json(503, json!({})).await;
    let (client, waits) = ga4(&stub);
    let error = client.properties(&token(), plan().now).await.unwrap_err();
    assert_eq!((error.code, waits.noted().len()), (codes::GA4_SERVER_ERROR, 2));
}

#[tokio::test]
async fn the_calls_may_run_on_any_thread() {
    fn assert_send<T: Send>(_: &T) {}
    let stub = Stub::json(200, json!({})).await;
    let (client, token, plan) = (ga4(&stub).0, token(), plan());
    assert_send(&client.fetch(&token, &plan));
    assert_send(&client.properties(&token, plan.now));
    assert_send(&client.property(&token, &plan.property, plan.now));
    assert!(stub.received().is_empty());
}
