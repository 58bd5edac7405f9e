//! What the figures promise: sums that add up, users that do not, seasons, and days that mature.

use super::*;

const ADDITIVE: [&str; 7] =
    ["sessions", "engagedSessions", "newUsers", "screenPageViews", "keyEvents", "ecommercePurchases", "totalRevenue"];
const SPLITS: [&str; 5] = ["sessionDefaultChannelGroup", "country", "countryId", "deviceCategory", "date"];

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-6
}

/// Sessions of one day, by channel.
async fn channels(bench: &Bench, token: &str, day: &str) -> HashMap<String, f64> {
    let body = query(&["sessionDefaultChannelGroup"], &["sessions"], day, day);
    rows(&bench.report(token, &body).await).into_iter().map(|(label, values)| (label, values[0])).collect()
}

/// A token that is valid when the clock stands at `now`.
async fn at(bench: &Bench, now: &str) -> String {
    bench.set_clock(now).await;
    bench.connect(LUMBRE).await.0
}

#[tokio::test]
async fn totals_equal_the_sum_of_their_parts_for_every_additive_metric_even_while_days_mature() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let total = bench.report(&token, &query(&[], &ADDITIVE, "2026-10-25", "2026-11-23")).await;
    let whole = &rows(&total)[0].1;
    assert!(whole.iter().all(|value| *value > 0.0), "{whole:?}");
    for split in [&SPLITS[..1], &SPLITS[1..2], &SPLITS[2..3], &SPLITS[3..4], &SPLITS[4..], &SPLITS] {
        let report = bench.report(&token, &query(split, &ADDITIVE, "2026-10-25", "2026-11-23")).await;
        for (index, metric) in ADDITIVE.iter().enumerate() {
            assert!(close(sum(&report, index), whole[index]), "{metric} by {split:?}");
        }
    }
}

#[tokio::test]
async fn users_are_fewer_than_the_sum_over_any_split_and_no_fewer_than_any_part() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    for (from, to) in [("2026-11-10", "2026-11-10"), ("2026-10-20", "2026-11-16")] {
        let total = bench.report(&token, &query(&[], &["totalUsers"], from, to)).await;
        let whole = sum(&total, 0);
        for split in SPLITS.iter().filter(|split| **split != "date" || from != to) {
            let report = bench.report(&token, &query(&[split], &["totalUsers"], from, to)).await;
            let largest = rows(&report).into_iter().map(|(_, values)| values[0]).fold(0.0, f64::max);
            assert!(whole < sum(&report, 0), "{from} by {split}: {whole} is not below {}", sum(&report, 0));
            assert!(whole >= largest, "{from} by {split}: {whole} is below a part of {largest}");
        }
    }
}

#[tokio::test]
async fn summing_users_over_channels_overcounts_visibly_even_within_a_day() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let day = "2026-11-10";
    let total = bench.report(&token, &query(&[], &["totalUsers"], day, day)).await;
    let channels = query(&["sessionDefaultChannelGroup"], &["totalUsers"], day, day);
    let overcount = sum(&bench.report(&token, &channels).await, 0) / sum(&total, 0);
    assert!((1.04..1.3).contains(&overcount), "{overcount}");
}

#[tokio::test]
async fn the_same_question_has_the_same_answer() {
    let mut bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let body = query(&["date", "country", "deviceCategory"], &ADDITIVE, "2026-09-01", "2026-09-30");
    let first = bench.report(&token, &body).await;
    bench.restart().await;
    assert_eq!(bench.report(&token, &body).await, first);
    bench.config.seed = 8;
    bench.restart().await;
    assert_ne!(bench.report(&token, &body).await, first, "another seed is another shop");
}

#[tokio::test]
async fn seasons_show_and_the_campaign_stands_out() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let month = async |from: &str, to: &str| {
        let report = bench.report(&token, &query(&["date"], &["sessions"], from, to)).await;
        rows(&report).into_iter().map(|(_, values)| values[0]).collect::<Vec<_>>()
    };
    let mean = |days: &[f64]| days.iter().sum::<f64>() / f64::from(u32::try_from(days.len()).unwrap());
    let (june, august) = (month("2026-06-01", "2026-06-28").await, month("2026-08-03", "2026-08-30").await);
    assert!(mean(&august) < mean(&june) * 0.75);
    let (december, november) = (month("2025-12-01", "2025-12-28").await, month("2025-11-03", "2025-11-30").await);
    assert!(mean(&december) < mean(&november) * 0.8);
    // 1 June 2026 is a Monday: Saturdays are the weakest day.
    let by_weekday = |weekday| mean(&june.iter().skip(weekday).step_by(7).copied().collect::<Vec<_>>());
    assert!(by_weekday(5) < by_weekday(0) * 0.85);
    let october = month("2026-10-01", "2026-10-31").await;
    let ordinary = mean(&october[20..]);
    let spike = october.iter().filter(|day| **day > ordinary * 1.25).count();
    assert!((5..=9).contains(&spike), "{spike} days stand out");
    assert!(mean(&june) > mean(&month("2023-06-05", "2023-07-02").await) * 1.3, "the shop grows");
}

#[tokio::test]
async fn a_day_matures_over_three_days_in_the_zone_of_the_property() {
    let bench = Bench::new().await;
    let body = query(&[], &["sessions", "totalRevenue"], "2026-11-20", "2026-11-20");
    let mut seen = Vec::new();
    // The 20th ends at 23:00 UTC in Madrid.
    for now in ["2026-11-20T22:30:00Z", "2026-11-20T23:30:00Z", "2026-11-22T11:00:00Z", "2026-11-23T11:00:00Z"] {
        let token = at(&bench, now).await;
        seen.push(sum(&bench.report(&token, &body).await, 0));
    }
    let last = seen[3];
    for (sessions, expected) in seen.iter().zip([0.55, 0.90, 0.98, 1.0]) {
        assert!((sessions / last - expected).abs() < 0.02, "{sessions} of {last} is not {expected}");
    }
    let token = at(&bench, "2026-12-20T11:00:00Z").await;
    assert!(close(sum(&bench.report(&token, &body).await, 0), last), "later it stays as it is");
    let token = at(&bench, "2026-11-19T11:00:00Z").await;
    assert!(bench.report(&token, &body).await.get("rows").is_none(), "before that it has not happened");
}

#[tokio::test]
async fn unassigned_sessions_move_to_paid_social_after_two_days_and_their_row_vanishes() {
    let bench = Bench::new().await;
    let token = at(&bench, "2026-11-21T11:00:00Z").await;
    let young = channels(&bench, &token, "2026-11-20").await;
    let token = at(&bench, "2026-11-22T11:00:00Z").await;
    let settled = channels(&bench, &token, "2026-11-20").await;
    assert!(young["Unassigned"] > 0.0);
    assert!(!settled.contains_key("Unassigned"), "{settled:?}");
    let gain = settled["Paid Social"] - young["Paid Social"];
    assert!(gain >= young["Unassigned"], "{gain} sessions came for {}", young["Unassigned"]);
    assert!(settled["Direct"] >= young["Direct"] && settled["Direct"] < young["Direct"] * 1.15);
}

#[tokio::test]
async fn odd_values_occur_and_are_announced() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(LUMBRE).await;
    let report = bench.report(&token, &query(&["country"], &["sessions"], "2026-01-01", "2026-10-31")).await;
    let labels: Vec<String> = rows(&report).into_iter().map(|(label, _)| label).collect();
    assert!(labels.contains(&"(not set)".into()) && labels.contains(&"(other)".into()), "{labels:?}");
    assert_eq!(report["metadata"]["dataLossFromOtherRow"], true);
    let report = bench.report(&token, &query(&[], &["sessions"], "2026-01-01", "2026-10-31")).await;
    assert!(report["metadata"].get("dataLossFromOtherRow").is_none());
    let report = bench.report(&token, &query(&["date"], &["keyEvents"], "2026-10-01", "2026-10-31")).await;
    assert!(rows(&report).iter().any(|(_, values)| values[0].fract() > 0.0), "key events are fractional");
}

#[tokio::test]
async fn prices_in_chile_are_whole() {
    let bench = Bench::new().await;
    let (token, _) = bench.connect(AGENCY).await;
    let body = query(&["date"], &["totalRevenue"], "2026-10-01", "2026-11-23");
    let (_, report) = bench.post(&token, "310000301:runReport", &body).await;
    assert!(sum(&report, 0) > 1_000_000.0);
    assert!(rows(&report).iter().all(|(_, values)| close(values[0].fract(), 0.0)));
}
