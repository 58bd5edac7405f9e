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

const KEY: &str = "rk_test_demo_eur";
const CHARGES: &str = "/stripe/v1/charges?limit=3";

async fn charges(bench: &Bench) -> Response {
    bench.client.get(bench.url(CHARGES)).bearer_auth(KEY).send().await.unwrap()
}

#[tokio::test]
async fn stripes_faults_speak_stripes_language() {
    let bench = Bench::new().await;
    bench.fault(json!({"kind": 429, "reason": "endpoint-rate", "count": 1})).await;
    let response = charges(&bench).await;
    assert_eq!(response.headers()["stripe-rate-limited-reason"], "endpoint-rate");
    assert!(response.headers().contains_key("request-id") && !response.headers().contains_key("retry-after"));
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["error"]["code"]), (429, &json!("rate_limit")));
    bench.fault(json!({"kind": "lock_timeout", "count": 1})).await;
    let response = charges(&bench).await;
    assert!(!response.headers().contains_key("stripe-rate-limited-reason"));
    assert_eq!(response.headers()["stripe-should-retry"], "true");
    assert_eq!(read(response).await.1["error"]["code"], "lock_timeout");
    for (kind, status) in [(500, 500), (503, 503), (403, 403)] {
        bench.fault(json!({"kind": kind, "count": 1})).await;
        let (found, answer) = read(charges(&bench).await).await;
        assert_eq!(found, status);
        assert!(answer["error"]["type"].is_string(), "{answer}");
    }
    bench.fault(json!({"kind": 403, "match": {"path_prefix": "/stripe/v1/payouts"}, "count": 1})).await;
    let (_, answer) = bench.stripe(KEY, "payouts?limit=1").await;
    assert!(text(&answer["error"]["message"]).contains("'rak_payout_read'"), "{answer}");
    let (status, answer) = bench.control(Method::POST, "faults", json!({"kind": 429, "reason": "mood"})).await;
    assert!(status == 400 && text(&answer["error"]).contains("global-rate"), "{answer}");
}

#[tokio::test]
async fn a_revoked_key_stays_revoked_until_the_keys_are_given_back() {
    let bench = Bench::new().await;
    bench.fault(json!({"kind": "revoked_token", "count": 1})).await;
    for _ in 0..2 {
        let (status, answer) = read(charges(&bench).await).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("api_key_expired")));
    }
    assert_eq!(bench.stripe("rk_test_demo_clp", "charges").await.0, 200, "another key is not touched");
    bench.control(Method::DELETE, "stripe", Value::Null).await;
    assert_eq!(charges(&bench).await.status(), 200);
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_by_nothing_but_its_content() {
    let bench = Bench::new().await;
    bench.fault(json!({"kind": "html", "count": 1})).await;
    let response = charges(&bench).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    bench.fault(json!({"kind": "empty", "count": 1})).await;
    assert_eq!(charges(&bench).await.bytes().await.unwrap().len(), 0);
    bench.fault(json!({"kind": 502, "count": 1})).await;
    let response = charges(&bench).await;
    assert_eq!(response.status(), 502);
    assert!(response.text().await.unwrap().starts_with("<html>"));
    bench.fault(json!({"kind": "wrong_type", "count": 1})).await;
    let (status, answer) = read(charges(&bench).await).await;
    assert!(status == 200 && answer["data"].is_object(), "{answer}");
}

#[tokio::test]
async fn a_repeated_cursor_leads_to_the_same_page_for_ever() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(AGENCY).await;
    let first = read(charges(&bench).await).await.1;
    bench.fault(json!({"kind": "repeated_cursor"})).await;
    let cursor = text(&first["data"][2]["id"]);
    let again = bench.some(KEY, &format!("charges?limit=3&starting_after={cursor}")).await;
    assert_eq!((&again["data"], &again["has_more"]), (&first["data"], &json!(true)));
    let pages =
        [bench.get(&token, SUMMARIES).await.1, bench.get(&token, &format!("{SUMMARIES}?pageToken=CAUQ2")).await.1];
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0]["nextPageToken"], "CAUQ0");
    let mut body = query(&["date"], &["sessions"], "2026-11-01", "2026-11-10");
    let whole = bench.post(&token, "310000101:runReport", &body).await.1;
    body["offset"] = json!("5");
    let page = bench.post(&token, "310000101:runReport", &body).await.1;
    assert_eq!(page["rows"], whole["rows"]);
    assert_eq!(page["rowCount"], 1_000_010);
}

#[tokio::test]
async fn bodies_without_measure_can_be_given_up() {
    let bench = Bench::new().await;
    for kind in ["endless", "huge"] {
        bench.fault(json!({"kind": kind, "count": 1})).await;
        let mut response = charges(&bench).await;
        assert!(!response.headers().contains_key("content-length"), "{kind}");
        let mut size = 0;
        while size < 40_000 {
            size += response.chunk().await.unwrap().expect("more to come").len();
        }
    }
    bench.fault(json!({"kind": "gzip_bomb", "count": 1})).await;
    // The client unpacks it while it comes.
    let mut response = charges(&bench).await;
    let mut size = 0;
    while size < 9 << 20 {
        let chunk = response.chunk().await.unwrap().expect("more to come");
        assert!(chunk.iter().all(|byte| *byte == b' '));
        size += chunk.len();
    }
    bench.fault(json!({"kind": "drip", "count": 1})).await;
    let mut response = charges(&bench).await;
    assert_eq!(response.chunk().await.unwrap().unwrap().len(), 1);
}
