//! The figures on screen are those that the sources served, and reading again changes nothing.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use time::{Date, Duration};

use crate::browser::Browser;
use crate::oracle::{DIMENSIONS, Log, METRICS, agree, date};
use crate::portal::{Portal, alone, shared};

const DEMO: &str = "Tienda Lumbre (web)";
const DEMO_PATH: &str = "/v1beta/properties/310000001:";
/// Days, today included, whose figures may still change.
const PROVISIONAL_DAYS: i64 = 3;

async fn log_of_demo(portal: &Portal) -> Log {
    Log::read(&portal.sandbox().requests(0, DEMO_PATH).await)
}

fn bucket(grain: &str, day: Date) -> Date {
    match grain {
        "day" => day,
        "week" => day - Duration::days(day.weekday().number_days_from_monday().into()),
        _ => day.replace_day(1).unwrap(),
    }
}

/// The buckets of a range with the part of each that lies inside.
fn buckets(grain: &str, from: Date, to: Date) -> BTreeMap<Date, (Date, Date)> {
    let mut found: BTreeMap<Date, (Date, Date)> = BTreeMap::new();
    let mut day = from;
    while day <= to {
        found.entry(bucket(grain, day)).or_insert((day, day)).1 = day;
        day += Duration::DAY;
    }
    found
}

async fn totals_agree(browser: &Browser, log: &Log, from: Date, to: Date) {
    let days = to - from + Duration::DAY;
    let answer = browser.get(&format!("/api/metrics?from={from}&to={to}&compare=previous")).await;
    let shown =
        |key: &str| answer["metrics"].as_array().unwrap().iter().find(|item| item["key"] == key).unwrap().clone();
    for (key, ..) in METRICS {
        let item = shown(key);
        let expected = log.value(key, ("", ""), from, to);
        assert!(
            expected.is_some() && agree(item["value"].as_f64(), expected),
            "{key} {from} {to}: {item} {expected:?}"
        );
        if from - days >= log.span().0 {
            let before = log.value(key, ("", ""), from - days, to - days);
            assert!(agree(item["previous"].as_f64(), before), "{key} before {from}: {item} {before:?}");
        }
    }
    let users = shown("ga4.users");
    if from == to {
        assert!(agree(users["value"].as_f64(), log.single("totalUsers", from)), "{users}");
    } else if users["value"].is_null() {
        assert_eq!(users["reason"], "not_additive");
    } else {
        assert!(agree(users["value"].as_f64(), log.users(from, to)), "{users}");
    }
}

async fn series_agree(browser: &Browser, log: &Log, grain: &str, from: Date, to: Date) {
    let today = log.span().1;
    for (key, ..) in METRICS {
        let answer = browser.get(&format!("/api/series/{key}?from={from}&to={to}&grain={grain}")).await;
        let line = &answer["series"][0];
        assert!(agree(line["total"].as_f64(), log.value(key, ("", ""), from, to)), "{key} {grain}: {}", line["total"]);
        let points = points(line);
        let expected: BTreeMap<Date, f64> = buckets(grain, from, to)
            .into_iter()
            .filter_map(|(start, (first, last))| Some((start, log.value(key, ("", ""), first, last)?)))
            .collect();
        assert_eq!(points.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{key} {grain}");
        for (start, (value, provisional)) in points {
            assert!(agree(Some(value), Some(expected[&start])), "{key} {grain} {start}: {value} {}", expected[&start]);
            if grain == "day" {
                assert_eq!(provisional, today - start < Duration::days(PROVISIONAL_DAYS), "{key} {start}");
            }
        }
    }
}

/// Start, value and the provisional flag of each point.
fn points(line: &Value) -> BTreeMap<Date, (f64, bool)> {
    let points = line["points"].as_array().unwrap().iter();
    points
        .map(|point| {
            let start = date(point["t"].as_str().unwrap());
            (start, (point["value"].as_f64().unwrap(), point["provisional"].as_bool().unwrap()))
        })
        .collect()
}

async fn splits_agree(browser: &Browser, log: &Log, from: Date, to: Date) {
    for (ours, google) in DIMENSIONS {
        let labels = log.labels(google, from, to);
        for (key, ..) in METRICS {
            let answer = browser.get(&format!("/api/series/{key}?from={from}&to={to}&grain=month&by={ours}")).await;
            let lines = answer["series"].as_array().unwrap();
            let mut seen: Vec<&str> = lines.iter().map(|line| line["dims"][ours].as_str().unwrap()).collect();
            seen.sort_unstable();
            assert_eq!(seen, labels.iter().collect::<Vec<_>>(), "{key} by {ours}");
            for line in lines {
                let label = line["dims"][ours].as_str().unwrap();
                let expected = log.value(key, (google, label), from, to);
                assert!(agree(line["total"].as_f64(), expected), "{key} {label}: {} {expected:?}", line["total"]);
                for (start, (first, last)) in buckets("month", from, to) {
                    let expected = log.value(key, (google, label), first, last);
                    let shown = points(line).get(&start).map(|point| point.0);
                    assert!(agree(shown, expected), "{key} {label} {start}: {shown:?} {expected:?}");
                }
            }
        }
    }
}

async fn filters_agree(browser: &Browser, log: &Log, from: Date, to: Date) {
    let answer = browser.get(&format!("/api/metrics?from={from}&to={to}&dims=channel:Email")).await;
    for item in answer["metrics"].as_array().unwrap() {
        let key = item["key"].as_str().unwrap();
        if key == "ga4.users" {
            assert_eq!(item["value"], Value::Null, "users are not stored by channel");
        } else {
            let expected = log.value(key, ("sessionDefaultChannelGroup", "Email"), from, to);
            assert!(agree(item["value"].as_f64(), expected), "{key}: {item} {expected:?}");
        }
    }
    let keys = "ga4.sessions,ga4.revenue,ga4.bounce_rate";
    let table = browser.get(&format!("/api/table?metrics={keys}&by=country&from={from}&to={to}&limit=500")).await;
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), log.labels("country", from, to).len());
    for row in rows {
        let country = row["dims"]["country"].as_str().unwrap();
        for (key, shown) in row["values"].as_object().unwrap() {
            let metric = key.split(':').next().unwrap();
            let expected = log.value(metric, ("country", country), from, to);
            assert!(agree(shown.as_f64(), expected), "{key} {country}: {shown} {expected:?}");
        }
    }
}

#[tokio::test]
async fn every_figure_is_the_one_that_the_source_served() {
    let (portal, _others) = shared().await;
    let browser = portal.sign_in("viewer@acme.example").await;
    let log = log_of_demo(portal).await;
    let (first, last) = log.span();
    assert!(last - first > Duration::days(390), "13 months are there: {first} to {last}");
    for (from, to) in
        [(first, last), (last - Duration::days(27), last), (first + Duration::days(9), first + Duration::days(77))]
    {
        totals_agree(&browser, &log, from, to).await;
    }
    totals_agree(&browser, &log, last - Duration::DAY, last - Duration::DAY).await;
    for grain in ["day", "week", "month"] {
        series_agree(&browser, &log, grain, first, last).await;
    }
    splits_agree(&browser, &log, first + Duration::days(20), last).await;
    filters_agree(&browser, &log, first, last).await;
}

#[tokio::test]
async fn users_are_told_by_the_day_and_never_added_up() {
    let (portal, _others) = shared().await;
    let browser = portal.sign_in("viewer@acme.example").await;
    let log = log_of_demo(portal).await;
    let (first, last) = log.span();
    let days = browser.get(&format!("/api/series/ga4.users?from={first}&to={last}&grain=day")).await;
    let line = points(&days["series"][0]);
    assert_eq!(days["series"][0]["total"], Value::Null);
    assert_eq!(i64::try_from(line.len()).unwrap(), (last - first).whole_days() + 1);
    for (day, (value, _)) in line {
        assert!(agree(Some(value), log.single("totalUsers", day)), "{day}: {value}");
    }
    let weeks = browser.get(&format!("/api/series/ga4.users?from={first}&to={last}&grain=week")).await;
    let (shown, asked) = (points(&weeks["series"][0]), log.weeks(first, last));
    assert!(asked.len() > 50, "{asked:?}");
    assert_eq!(shown.keys().collect::<Vec<_>>(), asked.keys().collect::<Vec<_>>());
    for (week, (value, _)) in shown {
        assert!(agree(Some(value), Some(asked[&week])), "{week}: {value}");
    }
    let from = last - Duration::days(27);
    let trailing = browser.get(&format!("/api/metrics?from={from}&to={last}")).await;
    let users = trailing["metrics"].as_array().unwrap().iter().find(|item| item["key"] == "ga4.users").unwrap();
    assert!(!users["value"].is_null() && agree(users["value"].as_f64(), log.users(from, last)), "{users}");
    let years = browser.get(&format!("/api/series/ga4.users?from={first}&to={last}&grain=year")).await;
    assert_eq!((&years["series"], &years["reason"]), (&Value::Array(Vec::new()), &Value::from("not_additive")));
}

/// A digest over all columns of all of a source's datapoints.
async fn digest(sql: &mut PgConnection, source: &str) -> (String, i64) {
    let query = "select coalesce(md5(string_agg(d::text, E'\\n' order by external_id)), ''), count(*)
                   from datapoints d where source_id = $1::uuid";
    sqlx::query_as(query).bind(source).fetch_one(sql).await.unwrap()
}

#[tokio::test]
async fn reading_the_same_days_again_changes_nothing() {
    let (portal, _others) = shared().await;
    let (browser, mut sql) = (portal.sign_in("admin@acme.example").await, portal.sql().await);
    let source = browser.source_named(DEMO).await;
    portal.sync(&browser, &source).await;
    let before = digest(&mut sql, &source).await;
    assert!(before.1 > 50_000, "{before:?}");
    for _ in 0..2 {
        let run = portal.sync(&browser, &source).await;
        assert!(run["rows_read"].as_i64().unwrap() > 0, "{run}");
        assert_eq!((&run["rows_changed"], &run["rows_removed"]), (&Value::from(0), &Value::from(0)), "{run}");
        assert_eq!(digest(&mut sql, &source).await, before);
    }
}

#[tokio::test]
async fn a_day_later_matured_days_are_read_again_and_moved_rows_vanish() {
    let (portal, _alone) = alone().await;
    let (sandbox, mut sql) = (portal.sandbox(), portal.sql().await);
    let browser = portal.sign_in("admin@acme.example").await;
    let source = browser.source_named(DEMO).await;
    portal.sync(&browser, &source).await;
    let before = log_of_demo(portal).await;
    let (today, through) = (before.span().1, browser.source(&source).await["freshness"]["data_through"].clone());
    assert_eq!(through, (today - Duration::DAY).to_string());
    let yesterday = today - Duration::DAY;
    let (channel, late) = ("sessionDefaultChannelGroup", "Unassigned");
    assert!(before.count(channel, late, yesterday) > 0, "Google has not placed yesterday's last sessions yet");
    let query = "select count(*) from datapoints where source_id = $1::uuid and period_start = $2
                  and dims = jsonb_build_object('channel', $3::text)";
    let stored = async |sql: &mut PgConnection, day: Date| -> i64 {
        sqlx::query_scalar(query).bind(&source).bind(day).bind(late).fetch_one(sql).await.unwrap()
    };
    assert!(stored(&mut sql, yesterday).await > 0);

    sandbox.set_now(sandbox.now().await + Duration::DAY).await;
    let run = portal.sync(&browser, &source).await;
    assert!(run["rows_changed"].as_i64().unwrap() > 0 && run["rows_removed"].as_i64().unwrap() > 0, "{run}");

    let log = log_of_demo(portal).await;
    assert_eq!(log.span().1, today + Duration::DAY);
    assert_eq!(log.count(channel, late, yesterday), 0, "the sandbox has moved them to their channel");
    assert_eq!(stored(&mut sql, yesterday).await, 0);
    assert!(stored(&mut sql, today).await > 0, "only the matured day has moved");
    let (old, new) = (today - Duration::days(6), today + Duration::DAY);
    assert!(
        log.value("ga4.sessions", ("", ""), yesterday, yesterday)
            > before.value("ga4.sessions", ("", ""), yesterday, yesterday)
    );
    totals_agree(&browser, &log, old, new).await;
    series_agree(&browser, &log, "day", old, new).await;
    splits_agree(&browser, &log, old, new).await;
    let answer = browser.get("/api/series/ga4.sessions").await;
    assert_eq!(answer["freshness"]["data_through"], today.to_string());
    assert_eq!(answer["freshness"]["provisional_from"], (today - Duration::DAY).to_string());
    assert_eq!(answer["to"], today.to_string(), "the default range ends with the last complete day");
}
