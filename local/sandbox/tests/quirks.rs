//! Properties whose reports are odd, as Google's sometimes are.

use super::*;

const LAB: &str = "eva@laboratorio.example";

async fn report(bench: &Bench, token: &str, property: u64, body: &Value) -> Value {
    let (status, answer) = bench.post(token, &format!("{property}:runReport"), body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn a_day_in_los_angeles_ends_nine_hours_after_madrid() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LAB).await;
    bench.set_clock("2026-11-23T11:30:00Z").await;
    let answer = report(&bench, &token, 310_000_501, &query(&["date"], &["sessions"], "today", "today")).await;
    assert_eq!(
        (&answer["metadata"]["timeZone"], &answer["metadata"]["currencyCode"]),
        (&json!("America/Los_Angeles"), &json!("USD"))
    );
    assert_eq!(rows(&answer)[0].0, "20261123");
    bench.set_clock("2026-11-23T07:59:00Z").await;
    let answer = report(&bench, &token, 310_000_501, &query(&["date"], &["sessions"], "today", "today")).await;
    assert_eq!(rows(&answer)[0].0, "20261122");
}

#[tokio::test]
async fn revenue_that_may_not_be_seen_is_zero_and_said_to_be_restricted() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LAB).await;
    let body = query(&["date"], &["sessions", "totalRevenue"], "2026-11-01", "2026-11-10");
    let answer = report(&bench, &token, 310_000_502, &body).await;
    assert!(sum(&answer, 0) > 0.0 && sum(&answer, 1) == 0.0);
    let restriction = &answer["metadata"]["schemaRestrictionResponse"]["activeMetricRestrictions"][0];
    assert_eq!(*restriction, json!({"metricName": "totalRevenue", "restrictedMetricTypes": ["REVENUE_DATA"]}));
    let harmless = report(&bench, &token, 310_000_502, &query(&[], &["sessions"], "yesterday", "yesterday")).await;
    assert!(harmless["metadata"].get("schemaRestrictionResponse").is_none());
    let (_, metadata) = bench.get(&token, "/v1beta/properties/310000502/metadata").await;
    let blocked: Vec<&Value> =
        metadata["metrics"].as_array().unwrap().iter().filter(|one| one.get("blockedReasons").is_some()).collect();
    assert_eq!(blocked.len(), 1);
    assert_eq!(
        (&blocked[0]["apiName"], &blocked[0]["blockedReasons"]),
        (&json!("totalRevenue"), &json!(["NO_REVENUE_METRICS"]))
    );
}

#[tokio::test]
async fn rows_of_few_users_are_withheld_and_counted_against_their_quota() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LAB).await;
    let mut body = query(&["country"], &["sessions", "totalUsers"], "2026-11-10", "2026-11-10");
    body["returnPropertyQuota"] = json!(true);
    let answer = report(&bench, &token, 310_000_503, &body).await;
    assert_eq!(answer["metadata"]["subjectToThresholding"], true);
    assert!(rows(&answer).iter().all(|(_, values)| values[1] >= 10.0));
    let whole = report(&bench, &token, 310_000_503, &query(&[], &["sessions"], "2026-11-10", "2026-11-10")).await;
    assert!(sum(&answer, 0) < sum(&whole, 0), "something is withheld");
    assert!(whole["metadata"].get("subjectToThresholding").is_none());
    let left = |answer: &Value| answer["propertyQuota"]["potentiallyThresholdedRequestsPerHour"]["remaining"].clone();
    assert_eq!(left(&answer), 119);
    for _ in 0..119 {
        report(&bench, &token, 310_000_503, &body).await;
    }
    let (status, answer) = bench.post(&token, "310000503:runReport", &body).await;
    assert_eq!(status, 429);
    assert!(text(&answer["error"]["message"]).contains("potentially thresholded"), "{answer}");
}

#[tokio::test]
async fn long_reports_of_a_large_property_are_sampled() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LAB).await;
    let long = report(&bench, &token, 310_000_504, &query(&["date"], &["sessions"], "2026-09-01", "2026-10-31")).await;
    let sample = &long["metadata"]["samplingMetadatas"][0];
    let count = |field: &str| text(&sample[field]).parse::<u64>().unwrap();
    assert!(count("samplesReadCount") < count("samplingSpaceSize"));
    let short = report(&bench, &token, 310_000_504, &query(&["date"], &["sessions"], "2026-10-25", "2026-10-31")).await;
    assert!(short["metadata"].get("samplingMetadatas").is_none());
}

#[tokio::test]
async fn a_full_table_folds_old_days_into_other_without_losing_a_session() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LAB).await;
    let body = query(&["date", "sessionDefaultChannelGroup"], &["sessions"], "2026-08-01", "2026-10-31");
    let answer = report(&bench, &token, 310_000_505, &body).await;
    let labels: Vec<String> = rows(&answer).into_iter().map(|(label, _)| label).collect();
    assert!(labels.contains(&"(other)|Direct".into()) && labels.contains(&"20261031|Direct".into()), "{labels:?}");
    assert!(!labels.contains(&"20260930|Direct".into()) && labels.contains(&"20261001|Direct".into()));
    assert_eq!(answer["metadata"]["dataLossFromOtherRow"], true);
    let whole = report(&bench, &token, 310_000_505, &query(&[], &["sessions"], "2026-08-01", "2026-10-31")).await;
    assert!((sum(&answer, 0) - sum(&whole, 0)).abs() < 0.5);
    let plain = report(&bench, &token, 310_000_505, &query(&["date"], &["sessions"], "2026-08-01", "2026-10-31")).await;
    assert_eq!(rows(&plain).len(), 92, "totals by day fit into the table");
}
