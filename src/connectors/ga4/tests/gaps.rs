//! Zero, gap, or a figure: what a missing row means.

use super::*;

const DAY: Date = date!(2026 - 11 - 21);
const NEXT: Date = date!(2026 - 11 - 22);

#[tokio::test]
async fn a_row_without_sessions_has_no_ratio_but_its_purchases_keep_their_numerator() {
    let stub = with_rows(
        "country",
        &[
            ("20261121", "Spain", &[("screenPageViews", "3"), ("averageSessionDuration", "NaN")]),
            ("20261121", "France", &[("ecommercePurchases", "2")]),
        ],
    )
    .await;
    let slice = fetch(&stub).await;
    assert!(facts(&slice, &["country"], "ga4.bounce_rate").is_empty());
    assert!(facts(&slice, &["country"], "ga4.avg_session_duration").is_empty());
    let rates = facts(&slice, &["country"], "ga4.conversion_rate");
    assert_eq!(rates.len(), 1);
    assert_eq!(rates[0].dims["country"], "France");
    assert_eq!((rates[0].value, rates[0].denominator), (number("2"), Some(number("0"))));
}

#[tokio::test]
async fn a_covered_day_without_a_row_is_zero_in_the_totals_and_a_gap_elsewhere() {
    let stub = with_rows("", &[("20261122", "", &[("sessions", "5"), ("engagedSessions", "4")])]).await;
    let slice = fetch(&stub).await;
    assert_eq!(values(&facts(&slice, &[], "ga4.sessions")), [(NEXT, "5".into()), (DAY, "0".into())]);
    assert_eq!(values(&facts(&slice, &[], "ga4.users")), [(DAY, "0".into()), (NEXT, "0".into())]);
    let revenue = facts(&slice, &[], "ga4.revenue");
    assert!(revenue.iter().all(|fact| fact.currency.as_deref() == Some("EUR")));
    assert_eq!(revenue.len(), 2);
    assert_eq!(values(&facts(&slice, &[], "ga4.bounce_rate")), [(NEXT, "1".into())]);
    assert!(slice.partitions[2..].iter().all(|partition| partition.facts.is_empty()));
}

#[tokio::test]
async fn an_empty_answer_is_zeros_only_for_complete_days_since_the_property_exists() {
    let empty = include_str!("../../../../tests/fixtures/ga4/synthetic_empty_runReport.json");
    let stub = Stub::start(move |_, _| Reply::Json(200, serde_json::from_str(empty).unwrap())).await;
    let client = ga4(&stub).0;
    let cases = [
        (None, date!(2026 - 11 - 23), vec![DAY, NEXT]),
        (None, NEXT, vec![DAY]),
        (Some(NEXT), date!(2026 - 11 - 23), vec![NEXT]),
        (Some(date!(2026 - 12 - 01)), date!(2026 - 11 - 23), vec![]),
    ];
    for (created, today, zeros) in cases {
        let plan = FetchPlan { today, created, ..plan() };
        let slice = client.fetch(&token(), &plan).await.unwrap();
        let days: Vec<Date> = facts(&slice, &[], "ga4.users").iter().map(|fact| fact.period_start).collect();
        assert_eq!(days, zeros, "created {created:?}, today {today}");
        assert_eq!(slice.rows_read, 0);
    }
}

#[tokio::test]
async fn a_row_whose_date_is_other_is_dropped_with_a_note_and_makes_no_zero() {
    let stub = with_rows("", &[("(other)", "", &[("sessions", "900")]), ("20261122", "", &[("sessions", "5")])]).await;
    let slice = fetch(&stub).await;
    assert_eq!(values(&facts(&slice, &[], "ga4.sessions")), [(NEXT, "5".into())]);
    assert_eq!(slice.notes, [Note::OtherDate { report: "totals", rows: 1 }]);
    assert_eq!(slice.rows_read, 2);
}

#[tokio::test]
async fn what_google_withholds_is_noted_and_makes_no_zero() {
    let stub = edited("", |body| {
        body["metadata"]["subjectToThresholding"] = true.into();
        body["metadata"]["dataLossFromOtherRow"] = true.into();
    })
    .await;
    let slice = fetch(&stub).await;
    assert_eq!(values(&facts(&slice, &[], "ga4.sessions")), [(DAY, "10".into())]);
    let report = "totals";
    assert_eq!(slice.notes, [Note::DataLoss { report }, Note::Thresholded { report }]);
}

#[tokio::test]
async fn an_estimate_of_many_days_is_asked_for_again_in_fewer_and_one_of_a_day_is_noted() {
    let stub = edited("", |body| {
        body["metadata"]["samplingMetadatas"] = json!([{"samplesReadCount": "1", "samplingSpaceSize": "2"}]);
    })
    .await;
    for (days, narrower) in [(30, 7), (8, 7), (7, 1), (2, 1)] {
        let from = DAY - time::Duration::days(days - 1);
        let slice = ga4(&stub).0.fetch(&token(), &FetchPlan { from, to: DAY, ..plan() }).await.unwrap();
        assert_eq!((slice.narrower, slice.partitions.len()), (Some(narrower), 0), "{days}");
    }
    let slice = ga4(&stub).0.fetch(&token(), &FetchPlan { from: DAY, to: DAY, ..plan() }).await.unwrap();
    assert_eq!((slice.narrower, slice.notes), (None, vec![Note::Sampled { report: "totals" }]));
}

#[tokio::test]
async fn a_metric_that_the_account_may_not_see_is_a_gap_and_not_zero() {
    let stub = edited("", |body| {
        body["metadata"]["schemaRestrictionResponse"] =
            json!({"activeMetricRestrictions": [{"metricName": "totalRevenue", "restrictedMetricTypes": ["REVENUE_DATA"]}]});
    })
    .await;
    let slice = fetch(&stub).await;
    assert!(facts(&slice, &[], "ga4.revenue").is_empty());
    assert_eq!(facts(&slice, &[], "ga4.sessions").len(), 2);
    let metric = "totalRevenue".to_owned();
    assert_eq!(slice.notes, [Note::Restricted { report: "totals", metric }]);
}
