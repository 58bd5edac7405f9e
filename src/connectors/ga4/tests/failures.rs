use super::*;
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::sentences::codes;

async fn failure(stub: &Stub) -> (ConnectorError, Waits) {
    let (client, waits) = ga4(stub);
    (client.fetch(&token(), &plan()).await.unwrap_err(), waits)
}

async fn refused(status: u16, body: Value) -> ConnectorError {
    let stub = Stub::json(status, body).await;
    let (error, waits) = failure(&stub).await;
    assert_eq!((stub.received().len(), waits.noted().len()), (1, 0), "{error} was retried");
    error
}

fn quota(message: &str) -> Value {
    json!({"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}})
}

fn limited(seconds: u64, scope: &str) -> FailureKind {
    FailureKind::RateLimited { retry_after: Duration::from_secs(seconds), scope: scope.into() }
}

#[tokio::test]
async fn every_quota_text_has_its_code_scope_and_wait() {
    let fixtures: Value = serde_json::from_str(include_str!("../../../../tests/fixtures/ga4/errors.json")).unwrap();
    let fixture = |name: &str| fixtures[name]["body"].clone();
    // The plan's now is 02:00 in Los Angeles.
    let until_refill = 22 * 3600 + 300;
    let cases = [
        (fixture("429_concurrent"), codes::GA4_QUOTA_CONCURRENT, limited(30, "concurrent")),
        (fixture("429_project_hour"), codes::GA4_QUOTA_HOUR, limited(1800, "project_hour")),
        (quota("Exhausted property tokens per hour."), codes::GA4_QUOTA_HOUR, limited(1800, "property_hour")),
        (fixture("429_thresholded"), codes::GA4_QUOTA_THRESHOLDED, limited(1800, "thresholded_hour")),
        (fixture("429_server_errors"), codes::GA4_QUOTA_SERVER_ERRORS, limited(3600, "server_errors_hour")),
        (quota("Exhausted property tokens per day."), codes::GA4_QUOTA_DAY, limited(until_refill, "property_day")),
        (quota("Slow down."), codes::GA4_QUOTA, limited(60, "unknown")),
        (json!({}), codes::GA4_QUOTA, limited(60, "unknown")),
    ];
    for (body, code, kind) in cases {
        let shown = body.to_string();
        let error = refused(429, body).await;
        assert_eq!((error.code, error.kind), (code, kind), "{shown}");
    }
}

#[tokio::test]
async fn retry_after_wins_over_the_usual_wait_and_is_at_least_a_second() {
    for (header, seconds) in [("7", 7), ("0", 1), ("999999", 24 * 3600)] {
        let body = quota("Exhausted concurrent requests quota.").to_string().into_bytes();
        let stub = Stub::start(move |_, _| Reply::With(429, vec![("retry-after", header)], body.clone())).await;
        let (error, _) = failure(&stub).await;
        assert_eq!(error.kind, limited(seconds, "concurrent"), "{header}");
    }
}

#[tokio::test]
async fn a_refusal_says_who_has_to_act_and_is_not_retried() {
    let forbidden = |reason: &str| {
        let detail =
            json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"});
        json!({"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": [detail]}})
    };
    let fixtures: Value = serde_json::from_str(include_str!("../../../../tests/fixtures/ga4/errors.json")).unwrap();
    let permission = fixtures["403_permission"]["body"].clone();
    let cases = [
        (400, json!({"error": {"status": "INVALID_ARGUMENT"}}), codes::GA4_REQUEST_REFUSED, FailureKind::Contract),
        (401, json!({"error": {"status": "UNAUTHENTICATED"}}), codes::GA4_UNAUTHENTICATED, FailureKind::AuthRevoked),
        (403, permission, codes::GA4_PERMISSION, FailureKind::PermissionMissing),
        (403, forbidden("SERVICE_DISABLED"), codes::GA4_API_DISABLED, FailureKind::ConfigInvalid),
        (403, forbidden("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), codes::GA4_SCOPE_MISSING, FailureKind::PermissionMissing),
        (403, json!("<html>"), codes::GA4_PERMISSION, FailureKind::PermissionMissing),
        (404, json!({}), codes::GA4_PROPERTY_UNKNOWN, FailureKind::ConfigInvalid),
        (302, json!({}), codes::GA4_UNEXPECTED, FailureKind::Contract),
        (418, json!({}), codes::GA4_UNEXPECTED, FailureKind::Contract),
    ];
    for (status, body, code, kind) in cases {
        let shown = format!("{status} {body}");
        let error = refused(status, body).await;
        assert_eq!((error.code, error.kind), (code, kind), "{shown}");
    }
}

#[tokio::test]
async fn a_server_error_is_tried_three_times_with_waits_of_two_and_eight_seconds() {
    let internal = json!({"error": {"code": 500, "message": "Internal error", "status": "INTERNAL"}});
    for status in [500, 502, 503, 504] {
        let stub = Stub::json(status, internal.clone()).await;
        let (error, waits) = failure(&stub).await;
        assert_eq!((error.code, error.kind), (codes::GA4_SERVER_ERROR, FailureKind::Transient));
        assert_eq!(waits.noted(), [Duration::from_secs(2), Duration::from_secs(8)]);
        assert_eq!(stub.received().len(), 3);
    }
}

#[tokio::test]
async fn a_retry_that_succeeds_repeats_the_same_request_and_goes_on() {
    let stub = Stub::start(|number, request| match number {
        0 => Reply::With(503, vec![("content-type", "text/html")], b"<h1>busy</h1>".to_vec()),
        1 => Reply::Truncated("{\"rows\": [{"),
        _ => Reply::Json(200, answer(request, &[])),
    })
    .await;
    let (client, waits) = ga4(&stub);
    client.fetch(&token(), &plan()).await.unwrap();
    assert_eq!(waits.noted().len(), 2);
    let received = stub.received();
    assert_eq!(received.len(), 7);
    assert_eq!((received[0].body.as_str(), &received[0].path), (received[2].body.as_str(), &received[2].path));
}

#[tokio::test]
async fn a_truncated_body_and_a_silent_server_are_disturbances() {
    let stub = Stub::start(|_, _| Reply::Truncated("{\"rows\": [{")).await;
    let (error, waits) = failure(&stub).await;
    assert_eq!((error.code, error.kind), (codes::UPSTREAM_TRUNCATED, FailureKind::Transient));
    assert_eq!(waits.noted().len(), 2);

    let stub = Stub::start(|_, _| Reply::Silence).await;
    let waits = Waits::default();
    let hasty = client(Duration::from_millis(100));
    let client = Ga4Client::new(hasty, stub.url.clone(), stub.url.clone(), waits.backoff(&RETRY_WAITS));
    let error = client.fetch(&token(), &plan()).await.unwrap_err();
    assert_eq!((error.code, error.kind), (codes::UPSTREAM_TIMEOUT, FailureKind::Transient));
    assert_eq!(stub.received().len(), 3);
}

#[tokio::test]
async fn a_web_page_or_broken_json_with_status_200_is_refused_at_once() {
    let page = |kind: &'static str, body: &'static str| {
        Stub::start(move |_, _| Reply::With(200, vec![("content-type", kind)], body.as_bytes().to_vec()))
    };
    let html = failure(&page("text/html; charset=utf-8", "<html>sign in</html>").await).await.0;
    assert_eq!((html.code, html.kind), (codes::UPSTREAM_HTML, FailureKind::Contract));
    let broken = failure(&page("application/json", "{\"rows\": 7}").await).await.0;
    assert_eq!((broken.code, broken.kind), (codes::UPSTREAM_JSON, FailureKind::Contract));
}

#[tokio::test]
async fn a_failure_in_a_later_report_fails_the_slice() {
    let stub = Stub::start(|_, request| {
        if is_report(request, "deviceCategory") {
            Reply::Json(429, quota("Exhausted property tokens per day."))
        } else {
            Reply::Json(200, answer(request, &[]))
        }
    })
    .await;
    assert_eq!(failure(&stub).await.0.code, codes::GA4_QUOTA_DAY);
}

#[tokio::test]
async fn no_error_and_no_debug_output_holds_the_token_that_the_upstream_echoes() {
    for status in [400, 401, 403, 429, 500] {
        let message = format!("the token {TOKEN} is not welcome");
        let stub = Stub::json(status, json!({"error": {"status": TOKEN, "message": message}})).await;
        let (client, _) = ga4(&stub);
        let error = client.fetch(&token(), &plan()).await.unwrap_err();
        let shown = format!("{error} {error:?} {client:?} {:?} {}", token(), error.user_message().en);
        assert!(!shown.contains(TOKEN), "{shown}");
        assert!(error.cause.contains("[redacted]"), "{error}");
    }
}

#[tokio::test]
async fn a_property_id_that_is_no_property_is_never_sent() {
    let stub = Stub::json(200, json!({})).await;
    for id in
        ["", "123", "properties/", "properties/12a", "properties/1/../2", "properties/1:runReport", "PROPERTIES/1"]
    {
        let plan = FetchPlan { property: id.into(), ..plan() };
        let error = ga4(&stub).0.fetch(&token(), &plan).await.unwrap_err();
        assert_eq!((error.code, error.kind), (codes::GA4_PROPERTY_UNKNOWN, FailureKind::ConfigInvalid), "{id}");
        assert!(ga4(&stub).0.property(&token(), id, plan.now).await.is_err());
    }
    assert!(stub.received().is_empty());
}
