//! Every way in which the sandbox can be made to fail.

use std::time::Duration;

use super::*;

const SUMMARIES: &str = "/v1beta/accountSummaries";

/// The error of a request whose answer did not come whole.
async fn broken(bench: &Bench, token: &str) -> reqwest::Error {
    let response = bench.client.get(bench.url(SUMMARIES)).bearer_auth(token).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap_err()
}

#[tokio::test]
async fn a_429_has_googles_body_and_the_retry_after_of_the_rule() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    bench.fault(json!({"match": {"path_prefix": "/v1beta"}, "kind": 429, "count": 1, "retry_after": 30})).await;
    bench.fault(json!({"kind": "429", "count": 1, "message": "Exhausted concurrent requests quota."})).await;
    let response = bench.client.get(bench.url(SUMMARIES)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "30");
    let message = "Exhausted property tokens for a project per hour. These quota tokens will return in under an hour.";
    let expected = json!({"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}});
    assert_eq!(read(response).await, (429, expected));
    let response = bench.client.get(bench.url(SUMMARIES)).bearer_auth(&token).send().await.unwrap();
    assert!(!response.headers().contains_key("retry-after"));
    assert_eq!(read(response).await.1["error"]["message"], "Exhausted concurrent requests quota.");
    assert_eq!(bench.get(&token, SUMMARIES).await.0, 200, "both rules are used up");
}

#[tokio::test]
async fn a_rule_skips_what_comes_before_and_ends_after_its_count() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let matches = json!({"method": "GET", "path_prefix": SUMMARIES});
    bench.fault(json!({"match": matches, "kind": 403, "count": 2, "after": 1})).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(bench.get(&token, SUMMARIES).await.0);
        let other = bench.get(&token, "/v1beta/properties/310000001").await;
        assert_eq!(other.0, 200, "another path is not hit and not counted");
    }
    assert_eq!(statuses, [200, 403, 403, 200]);
    let (_, list) = bench.control(Method::GET, "faults", Value::Null).await;
    assert_eq!(list["items"][0]["hits"], 2);
    assert_eq!(list["items"][0]["done"], true);
}

#[tokio::test]
async fn a_rule_without_a_count_lasts_until_it_is_cleared() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    bench.fault(json!({"kind": 403})).await;
    for _ in 0..3 {
        let (status, answer) = bench.get(&token, SUMMARIES).await;
        assert_eq!((status, &answer["error"]["status"]), (403, &json!("PERMISSION_DENIED")));
    }
    assert_eq!(bench.control(Method::DELETE, "faults", Value::Null).await.0, 200);
    assert_eq!(bench.get(&token, SUMMARIES).await.0, 200);
}

#[tokio::test]
async fn server_errors_block_the_property_for_the_rest_of_the_hour() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let body = query(&[], &["sessions"], "yesterday", "yesterday");
    let target = format!("{SHOP}:runReport");
    bench.fault(json!({"match": {"method": "POST"}, "kind": 500, "count": 10})).await;
    for _ in 0..10 {
        let (status, answer) = bench.post(&token, &target, &body).await;
        assert_eq!((status, &answer["error"]["status"]), (500, &json!("INTERNAL")));
    }
    let (status, answer) = bench.post(&token, &target, &body).await;
    assert_eq!((status, &answer["error"]["message"]), (429, &json!("Exhausted server errors quota.")));
    assert_eq!(bench.control(Method::DELETE, "quotas", Value::Null).await.0, 200);
    assert_eq!(bench.post(&token, &target, &body).await.0, 200);
}

#[tokio::test]
async fn a_timeout_never_answers() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    bench.fault(json!({"match": {"path_prefix": SUMMARIES}, "kind": "timeout", "count": 1})).await;
    let request = bench.client.get(bench.url(SUMMARIES)).bearer_auth(&token).timeout(Duration::from_millis(100));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(bench.get(&token, SUMMARIES).await.0, 200);
    let log = bench.log(&format!("?path_prefix={SUMMARIES}")).await;
    assert_eq!((&log["items"][0]["fault"], &log["items"][0]["status"]), (&json!("timeout"), &Value::Null));
}

#[tokio::test]
async fn a_truncated_body_breaks_off_half_way() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let (_, whole) = bench.get(&token, SUMMARIES).await;
    bench.fault(json!({"kind": "truncated_body", "count": 2})).await;
    let mut response = bench.client.get(bench.url(SUMMARIES)).bearer_auth(&token).send().await.unwrap();
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let half = response.chunk().await.unwrap().unwrap();
    assert_eq!(half.len(), length / 2);
    assert!(response.chunk().await.is_err());
    broken(&bench, &token).await;
    let log = bench.log(&format!("?path_prefix={SUMMARIES}")).await;
    assert_eq!(text(&log["items"][0]["response_body"]).len(), length);
    assert_eq!(text(&log["items"][1]["response_body"]).as_bytes(), &half[..]);
    assert_eq!(bench.get(&token, SUMMARIES).await, (200, whole));
}

#[tokio::test]
async fn a_slow_body_comes_in_pieces_and_whole_in_the_end() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let (_, whole) = bench.get(&token, SUMMARIES).await;
    bench.fault(json!({"kind": "slow", "count": 1, "seconds": 600})).await;
    let mut response = bench.client.get(bench.url(SUMMARIES)).bearer_auth(&token).send().await.unwrap();
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert!(first.len() < length / 10, "{} of {length} bytes came at once", first.len());
    bench.fault(json!({"kind": "slow", "count": 1, "seconds": 0})).await;
    assert_eq!(bench.get(&token, SUMMARIES).await, (200, whole));
}

#[tokio::test]
async fn a_revoked_token_ends_the_grant_at_the_token_endpoint() {
    let bench = Bench::new().await;
    let (access_token, refresh_token) = bench.connect(LUMBRE).await;
    bench.fault(json!({"match": {"path_prefix": "/token"}, "kind": "revoked_token", "count": 1})).await;
    let dead = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    assert_eq!(bench.refresh(&refresh_token).await, (400, dead.clone()));
    assert_eq!(bench.refresh(&refresh_token).await, (400, dead), "the grant is gone, not only hidden");
    assert_eq!(bench.get(&access_token, SUMMARIES).await.0, 401);
}

#[tokio::test]
async fn a_revoked_token_ends_the_grant_at_the_data_api() {
    let bench = Bench::new().await;
    let (access_token, refresh_token) = bench.connect(LUMBRE).await;
    bench.fault(json!({"match": {"path_prefix": "/v1beta"}, "kind": "revoked_token", "count": 1})).await;
    let (status, answer) = bench.get(&access_token, SUMMARIES).await;
    assert_eq!((status, &answer["error"]["status"]), (401, &json!("UNAUTHENTICATED")));
    assert_eq!(bench.get(&access_token, SUMMARIES).await.0, 401);
    assert_eq!(bench.refresh(&refresh_token).await.1["error"], "invalid_grant");
}
