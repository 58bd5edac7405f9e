//! The shape of reports, paging, sorting, batches, and what is refused.

use super::*;

const ALL: [&str; 10] = [
    "sessions",
    "engagedSessions",
    "totalUsers",
    "newUsers",
    "keyEvents",
    "ecommercePurchases",
    "totalRevenue",
    "averageSessionDuration",
    "screenPageViews",
    "bounceRate",
];

#[tokio::test]
async fn a_report_has_positional_string_values_with_typed_headers() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let mut body = query(&["date", "sessionDefaultChannelGroup"], &ALL, "2026-11-10", "2026-11-11");
    body["limit"] = json!("100000");
    body["offset"] = json!("0");
    body["keepEmptyRows"] = json!(false);
    body["orderBys"] = json!([
        {"dimension": {"dimensionName": "date", "orderType": "NUMERIC"}},
        {"dimension": {"dimensionName": "sessionDefaultChannelGroup"}}
    ]);
    let report = bench.report(&token, &body).await;
    assert_eq!(report["kind"], "analyticsData#runReport");
    assert_eq!(report["dimensionHeaders"], json!([{"name": "date"}, {"name": "sessionDefaultChannelGroup"}]));
    let types: Vec<String> =
        report["metricHeaders"].as_array().unwrap().iter().map(|header| text(&header["type"])).collect();
    let integer = "TYPE_INTEGER";
    let (float, currency, seconds) = ("TYPE_FLOAT", "TYPE_CURRENCY", "TYPE_SECONDS");
    assert_eq!(types, [integer, integer, integer, integer, float, integer, currency, seconds, integer, float]);
    let rows = rows(&report);
    assert_eq!(report["rowCount"], rows.len());
    let labels: Vec<&str> = rows.iter().map(|(label, _)| label.as_str()).collect();
    assert!(labels.is_sorted(), "{labels:?}");
    assert!(labels.contains(&"20261110|Organic Search") && labels.contains(&"20261111|Direct"), "{labels:?}");
    for (label, values) in &rows {
        let bounce = (values[0] - values[1]) / values[0];
        assert!((values[9] - bounce).abs() < 1e-12, "{label}");
        assert!(values[2] <= values[0] && values[3] <= values[2] && values[1] <= values[0], "{label}: {values:?}");
    }
    assert!(report.get("propertyQuota").is_none());
}

#[tokio::test]
async fn an_empty_report_has_neither_rows_nor_a_row_count() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    for (from, to) in [("2022-01-01", "2022-12-31"), ("2026-11-24", "2026-12-31")] {
        let report = bench.report(&token, &query(&["date"], &["sessions"], from, to)).await;
        assert!(report.get("rows").is_none() && report.get("rowCount").is_none(), "{report}");
        assert_eq!(report["metricHeaders"][0]["name"], "sessions");
        assert_eq!(report["metadata"]["currencyCode"], "EUR");
    }
    let first = bench.report(&token, &query(&["date"], &["sessions"], "2022-12-01", "2023-01-02")).await;
    let labels: Vec<String> = rows(&first).into_iter().map(|(label, _)| label).collect();
    assert_eq!(labels, ["20230101", "20230102"]);
}

#[tokio::test]
async fn pages_cut_a_sorted_report_without_loss() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let mut body = query(&["country", "deviceCategory"], &["sessions"], "2026-11-01", "2026-11-20");
    body["orderBys"] = json!([
        {"metric": {"metricName": "sessions"}, "desc": true},
        {"dimension": {"dimensionName": "country"}},
        {"dimension": {"dimensionName": "deviceCategory"}}
    ]);
    let whole = rows(&bench.report(&token, &body).await);
    assert!(whole.is_sorted_by(|left, right| left.1[0] >= right.1[0]));
    let mut pages = Vec::new();
    for offset in (0..whole.len()).step_by(7) {
        // Proto-JSON writes int64 as strings, many clients as numbers.
        body["limit"] = json!(7);
        body["offset"] = json!(offset.to_string());
        let page = bench.report(&token, &body).await;
        assert_eq!(page["rowCount"], whole.len());
        pages.extend(rows(&page));
    }
    assert_eq!(pages, whole);
    body["offset"] = json!(10_000);
    let beyond = bench.report(&token, &body).await;
    assert!(beyond.get("rows").is_none() && beyond["rowCount"] == whole.len());
}

#[tokio::test]
async fn rows_without_any_value_are_dropped_unless_they_are_wanted() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let mut body =
        query(&["country", "sessionDefaultChannelGroup"], &["ecommercePurchases"], "2026-11-10", "2026-11-10");
    let dropped = rows(&bench.report(&token, &body).await);
    assert!(dropped.iter().all(|(_, values)| values[0] > 0.0));
    body["keepEmptyRows"] = json!(true);
    let kept = rows(&bench.report(&token, &body).await);
    assert!(kept.len() > dropped.len() && kept.iter().any(|(_, values)| values[0] == 0.0));
}

#[tokio::test]
async fn several_date_ranges_add_a_column_with_their_names() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let mut body = query(&["deviceCategory"], &["sessions"], "2026-11-16", "2026-11-22");
    let before = json!({"startDate": "2026-11-09", "endDate": "2026-11-15", "name": "before"});
    body["dateRanges"] = json!([body["dateRanges"][0], before]);
    let both = bench.report(&token, &body).await;
    assert_eq!(both["dimensionHeaders"], json!([{"name": "deviceCategory"}, {"name": "dateRange"}]));
    let labels: Vec<String> = rows(&both).into_iter().map(|(label, _)| label).collect();
    assert!(labels.contains(&"mobile|date_range_0".into()) && labels.contains(&"mobile|before".into()), "{labels:?}");
    let first = bench.report(&token, &query(&[], &["sessions"], "2026-11-16", "2026-11-22")).await;
    let of_first: f64 = rows(&both).iter().filter(|row| row.0.ends_with("_0")).map(|row| row.1[0]).sum();
    assert!((sum(&first, 0) - of_first).abs() < f64::EPSILON);
}

#[tokio::test]
async fn relative_dates_count_in_the_zone_of_the_property() {
    let bench = Bench::new().await;
    // 1 a.m. on the 24th in Madrid, 7 p.m. on the 23rd in Bogotá.
    bench.set_clock("2026-11-24T00:00:00Z").await;
    let (token, _) = bench.connect(AGENCY).await;
    for (id, today, before) in [("310000102", "20261124", "20261123"), ("310000201", "20261123", "20261122")] {
        let body = query(&["date"], &["sessions"], "1daysAgo", "today");
        let (_, report) = bench.post(&token, &format!("{id}:runReport"), &body).await;
        let labels: Vec<String> = rows(&report).into_iter().map(|(label, _)| label).collect();
        assert_eq!(labels, [before, today]);
    }
}

#[tokio::test]
async fn a_batch_answers_in_order_and_fails_as_a_whole() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let target = format!("{SHOP}:batchRunReports");
    let one = query(&["date"], &["sessions"], "2026-11-20", "2026-11-21");
    let two = query(&[], &["totalUsers"], "2026-11-20", "2026-11-21");
    let (status, answer) = bench.post(&token, &target, &json!({"requests": [one, two]})).await;
    assert_eq!(status, 200);
    assert_eq!(answer["kind"], "analyticsData#batchRunReports");
    assert_eq!(answer["reports"][0], bench.report(&token, &one).await);
    assert_eq!(answer["reports"][1], bench.report(&token, &two).await);
    let bad = query(&[], &["nothing"], "2026-11-20", "2026-11-21");
    assert_eq!(bench.post(&token, &target, &json!({"requests": [one, bad]})).await.0, 400);
    assert_eq!(bench.post(&token, &target, &json!({"requests": vec![one; 6]})).await.0, 400);
}

#[tokio::test]
async fn a_wrong_request_is_an_invalid_argument_that_names_the_field() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let good = query(&["date"], &["sessions"], "2026-11-20", "2026-11-21");
    let range = good["dateRanges"][0].clone();
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let cases = [
        (with("metrics", json!([{"name": "conversions"}])), "Field conversions is not a valid metric."),
        (with("dimensions", json!([{"name": "city"}])), "Field city is not a valid dimension."),
        (with("metrics", json!(vec![json!({"name": "sessions"}); 11])), "limited to 10 metrics"),
        (with("dimensions", json!(vec![json!({"name": "date"}); 10])), "limited to 9 dimensions"),
        (with("dateRanges", json!([])), "1 to 4 dateRanges"),
        (with("dateRanges", json!(vec![range; 5])), "1 to 4 dateRanges"),
        (with("dateRanges", json!([{"startDate": "2026-02-30", "endDate": "today"}])), "Invalid startDate"),
        (with("dateRanges", json!([{"startDate": "today", "endDate": "yesterday"}])), "is after endDate"),
        (with("orderBys", json!([{"metric": {"metricName": "newUsers"}}])), "Cannot order by newUsers"),
        (with("limit", json!(-1)), "Invalid limit"),
        (with("offset", json!("x")), "Invalid offset"),
        (with("metricz", json!(1)), "Invalid JSON payload received. unknown field `metricz`"),
        (with("dimensionFilter", json!({})), "does not implement dimensionFilter"),
        (with("property", json!("properties/1")), "is not the one of the address"),
    ];
    for (body, message) in cases {
        let (status, answer) = bench.post(&token, &format!("{SHOP}:runReport"), &body).await;
        assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{body}");
        let got = text(&answer["error"]["message"]);
        assert!(got.contains(message), "{got}");
    }
}

#[tokio::test]
async fn the_property_quota_counts_down_and_refills_with_the_hour() {
    let bench = Bench::new().await;
    let (_, refresh_token) = bench.connect(LUMBRE).await;
    let mut body = query(&["date"], &["sessions"], "2026-08-01", "2026-11-20");
    body["returnPropertyQuota"] = json!(true);
    let mut remaining = Vec::new();
    for now in [NOW, NOW, "2026-11-23T12:00:00Z"] {
        bench.set_clock(now).await;
        let token = text(&bench.refresh(&refresh_token).await.1["access_token"]);
        let quota = bench.report(&token, &body).await["propertyQuota"].clone();
        assert!(quota["tokensPerDay"]["consumed"].as_u64().unwrap() > 1);
        remaining.push(quota["tokensPerProjectPerHour"]["remaining"].as_u64().unwrap());
    }
    assert!(remaining[1] < remaining[0] && remaining[0] < 14_000, "{remaining:?}");
    assert_eq!(remaining[2], remaining[0]);
}
