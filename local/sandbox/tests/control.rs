//! The control API: the log, the clock, and what it refuses.

use super::*;

#[tokio::test]
async fn the_log_shows_what_was_asked_and_exactly_what_was_served() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let since = bench.log("").await["next"].clone();
    let body = query(&["date"], &["sessions"], "2026-11-20", "2026-11-21");
    let request = bench.client.post(bench.url(&format!("/v1beta/properties/{SHOP}:runReport?alt=json")));
    let served = request.bearer_auth(&token).json(&body).send().await.unwrap().text().await.unwrap();
    bench.get(&token, "/v1beta/accountSummaries").await;
    let log = bench.log(&format!("?since={since}&path_prefix=/v1beta/properties")).await;
    let items = log["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!((&items[0]["method"], &items[0]["status"]), (&json!("POST"), &json!(200)));
    assert_eq!(items[0]["path"], "/v1beta/properties/310000001:runReport");
    assert_eq!(items[0]["query"], "alt=json");
    assert_eq!(items[0]["request_body"], body.to_string());
    assert_eq!(items[0]["response_body"], served);
    assert!(text(&items[0]["at"]).starts_with("2026-11-23T11:00"), "{}", items[0]["at"]);
    assert_eq!(log["next"], since.as_u64().unwrap() + 2, "the control API itself is not logged");
}

#[tokio::test]
async fn the_log_keeps_no_secrets_and_can_be_cleared() {
    let bench = Bench::new().await;
    let (access_token, refresh_token) = bench.connect(LUMBRE).await;
    bench.refresh(&refresh_token).await;
    bench.client.post(bench.url("/revoke")).form(&[("token", &refresh_token)]).send().await.unwrap();
    let log = bench.log("").await.to_string();
    for secret in [access_token.as_str(), &refresh_token, SECRET, VERIFIER] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
    assert!(log.contains("grant_type=refresh_token"), "{log}");
    assert_eq!(bench.control(Method::DELETE, "requests", Value::Null).await.1["items"], json!([]));
    assert_eq!(bench.log("").await["items"], json!([]));
}

#[tokio::test]
async fn the_clock_writes_an_offset_that_others_can_read() {
    let bench = Bench::new().await;
    let file = bench.folder.join("clock");
    let (status, shown) = bench.control(Method::POST, "clock", json!({"now": "2031-05-01T10:00:00+02:00"})).await;
    assert_eq!(status, 200);
    assert!(text(&shown["now"]).starts_with("2031-05-01T08:00:0"), "{shown}");
    let written: i64 = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    assert_eq!(shown["offset_seconds"], written);
    std::fs::write(&file, "0\n").unwrap();
    let (_, moved) = bench.control(Method::GET, "clock", Value::Null).await;
    assert_eq!(moved["offset_seconds"], 0, "the file is read on every use");
    bench.control(Method::POST, "clock", json!({"now": null})).await;
    assert!(!file.exists(), "real time needs no file");
    bench.control(Method::POST, "clock", json!({"now": null})).await;
}

#[tokio::test]
async fn bad_control_input_says_what_to_change() {
    let bench = Bench::new().await;
    let cases = [
        ("faults", json!({}), "missing field `kind`"),
        ("faults", json!({"kind": "explode"}), "send one of 429, 500, timeout"),
        ("faults", json!({"kind": 429, "times": 1}), "unknown field `times`"),
        ("faults", json!({"kind": 429, "count": 0}), "send 1 or more"),
        ("faults", json!({"kind": 429, "match": {"method": "get"}}), "in capitals"),
        ("faults", json!({"kind": 429, "match": {"path_prefix": "token"}}), "begins with a slash"),
        ("faults", json!({"kind": "slow", "seconds": 601}), "at most 600"),
        ("clock", json!({"now": "tomorrow"}), "RFC 3339"),
        ("clock", json!({}), "RFC 3339"),
    ];
    for (path, body, advice) in cases {
        let (status, answer) = bench.control(Method::POST, path, body.clone()).await;
        assert_eq!(status, 400, "{body}");
        assert!(text(&answer["error"]).contains(advice), "{answer}");
    }
    let (status, answer) = bench.control(Method::GET, "requests?since=x", Value::Null).await;
    assert_eq!(status, 400);
    assert!(text(&answer["error"]).contains("since is a number"), "{answer}");
    let request = bench.client.post(bench.url("/__control/faults")).body("{\"kind\":429}");
    let (status, answer) = read(request.send().await.unwrap()).await;
    assert_eq!(status, 400);
    assert!(text(&answer["error"]).contains("Content-Type"), "{answer}");
    assert_eq!(bench.control(Method::GET, "faults", Value::Null).await.1["items"], json!([]));
}
