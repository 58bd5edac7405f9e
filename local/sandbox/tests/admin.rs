//! The Admin API, the metadata and who may call what.

use super::*;

async fn all_accounts(bench: &Bench, token: &str, size: &str) -> (Vec<String>, u32) {
    let (mut names, mut pages, mut page_token) = (Vec::new(), 0, String::new());
    loop {
        let path = format!("/v1beta/accountSummaries?pageSize={size}&pageToken={page_token}");
        let (status, page) = bench.get(token, &path).await;
        assert_eq!(status, 200, "{page}");
        names.extend(page["accountSummaries"].as_array().unwrap().iter().map(|account| text(&account["account"])));
        pages += 1;
        match page.get("nextPageToken") {
            Some(next) => page_token = text(next),
            None => return (names, pages),
        }
    }
}

#[tokio::test]
async fn the_accounts_of_an_agency_come_in_pages() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(AGENCY).await;
    let expected = ["accounts/2000001", "accounts/2000002", "accounts/2000003"];
    for (size, pages) in [("200", 2), ("0", 2), ("1", 3)] {
        assert_eq!(all_accounts(&bench, &token, size).await, (expected.map(str::to_owned).to_vec(), pages));
    }
    for wrong in ["pageSize=-1", "pageSize=x", "pageToken=x", "pageToken=CAUQ9"] {
        let (status, answer) = bench.get(&token, &format!("/v1beta/accountSummaries?{wrong}")).await;
        assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{wrong}");
    }
}

#[tokio::test]
async fn an_account_summary_names_its_properties() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let (_, page) = bench.get(&token, "/v1beta/accountSummaries?pageSize=200").await;
    let expected = json!({"accountSummaries": [{
        "name": "accountSummaries/1000001", "account": "accounts/1000001", "displayName": "Tienda Lumbre",
        "propertySummaries": [{
            "property": "properties/310000001", "displayName": "Tienda Lumbre (web)",
            "propertyType": "PROPERTY_TYPE_ORDINARY", "parent": "accounts/1000001"
        }]
    }]});
    assert_eq!(page, expected);
}

#[tokio::test]
async fn a_property_tells_its_zone_and_currency() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(AGENCY).await;
    for (id, zone, currency) in [
        ("310000101", "Europe/Madrid", "EUR"),
        ("310000201", "America/Bogota", "COP"),
        ("310000301", "America/Santiago", "CLP"),
    ] {
        let (status, property) = bench.get(&token, &format!("/v1beta/properties/{id}")).await;
        assert_eq!(status, 200);
        assert_eq!(property["name"], format!("properties/{id}"));
        assert_eq!((&property["timeZone"], &property["currencyCode"]), (&json!(zone), &json!(currency)));
        assert!(property["createTime"].is_string() && property["displayName"].is_string());
        let body = query(&[], &["sessions"], "yesterday", "yesterday");
        let (_, report) = bench.post(&token, &format!("{id}:runReport"), &body).await;
        assert_eq!(report["metadata"], json!({"timeZone": zone, "currencyCode": currency}));
    }
}

#[tokio::test]
async fn a_property_of_somebody_else_is_forbidden_and_so_is_the_blocked_one() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(AGENCY).await;
    let message = "User does not have sufficient permissions for this property.";
    let expected = json!({"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}});
    let body = query(&[], &["sessions"], "yesterday", "yesterday");
    for id in [SHOP, "310000403", "999"] {
        assert_eq!(bench.get(&token, &format!("/v1beta/properties/{id}")).await, (403, expected.clone()), "{id}");
        assert_eq!(bench.post(&token, &format!("{id}:runReport"), &body).await, (403, expected.clone()), "{id}");
    }
}

#[tokio::test]
async fn the_exhausted_property_always_answers_429() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(AGENCY).await;
    assert_eq!(bench.get(&token, "/v1beta/properties/310000429").await.0, 200);
    let body = query(&[], &["sessions"], "yesterday", "yesterday");
    let (status, answer) = bench.post(&token, "310000429:runReport", &body).await;
    assert_eq!((status, &answer["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")));
    let message = text(&answer["error"]["message"]);
    assert!(message.starts_with("Exhausted property tokens for a project per hour."), "{message}");
}

#[tokio::test]
async fn a_call_without_a_living_token_is_unauthenticated() {
    let bench = Bench::new().await;
    let path = "/v1beta/accountSummaries";
    let (status, answer) = read(bench.client.get(bench.url(path)).send().await.unwrap()).await;
    assert_eq!((status, &answer["error"]["status"]), (401, &json!("UNAUTHENTICATED")));
    assert!(text(&answer["error"]["message"]).starts_with("Request is missing"), "{answer}");
    let (status, answer) = bench.get("ya29.unknown", path).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!(401)));
    assert!(text(&answer["error"]["message"]).starts_with("Request had invalid"), "{answer}");
    let (status, _) = bench.get("ya29.unknown", "/v1beta/nothing").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn metadata_and_compatibility_name_the_fields() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let (status, metadata) = bench.get(&token, &format!("/v1beta/properties/{SHOP}/metadata")).await;
    assert_eq!((status, &metadata["name"]), (200, &json!("properties/310000001/metadata")));
    let names = |side: &str| -> Vec<String> {
        metadata[side].as_array().unwrap().iter().map(|field| text(&field["apiName"])).collect()
    };
    assert!(names("dimensions").contains(&"sessionDefaultChannelGroup".to_owned()));
    assert!(names("metrics").contains(&"keyEvents".to_owned()));
    let asked = json!({"dimensions": [{"name": "date"}], "metrics": [{"name": "totalUsers"}]});
    let (status, answer) = bench.post(&token, &format!("{SHOP}:checkCompatibility"), &asked).await;
    assert_eq!(status, 200);
    assert_eq!(answer["dimensionCompatibilities"][0]["compatibility"], "COMPATIBLE");
    assert_eq!(answer["metricCompatibilities"][0]["metricMetadata"]["apiName"], "totalUsers");
    let wrong = json!({"metrics": [{"name": "conversions"}]});
    assert_eq!(bench.post(&token, &format!("{SHOP}:checkCompatibility"), &wrong).await.0, 400);
}
