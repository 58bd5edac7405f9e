use super::*;
use crate::connectors::error::FailureKind;
use crate::connectors::sentences::codes;
use crate::domain::fact::Dims;
use crate::domain::period::Grain;

const DAY: Date = date!(2026 - 11 - 21);
const NEXT: Date = date!(2026 - 11 - 22);

#[tokio::test]
async fn a_slice_is_five_reports_and_users_are_alone_in_theirs() {
    let stub = with_rows("", &[]).await;
    let slice = fetch(&stub).await;
    let requests = stub.received();
    let asked: Vec<Vec<String>> = requests.iter().map(|request| names(request, "dimensions")).collect();
    assert_eq!(
        asked,
        [
            vec!["date"],
            vec!["date"],
            vec!["date", "sessionDefaultChannelGroup"],
            vec!["date", "country"],
            vec!["date", "deviceCategory"],
        ]
    );
    let with_users: Vec<bool> =
        requests.iter().map(|request| names(request, "metrics").contains(&"totalUsers".to_owned())).collect();
    assert_eq!(with_users, [false, true, false, false, false]);
    assert_eq!(names(&requests[1], "metrics"), ["totalUsers"]);
    let dimensions: Vec<&[&str]> = slice.partitions.iter().map(|partition| &*partition.dimensions).collect();
    assert_eq!(dimensions, [&[][..], &[], &["channel"], &["country"], &["device"]]);
    for partition in &slice.partitions {
        assert_eq!((partition.from, partition.to), (DAY, NEXT));
    }
}

#[tokio::test]
async fn a_request_names_its_days_and_order_and_carries_the_token() {
    let stub = with_rows("", &[]).await;
    fetch(&stub).await;
    let request = &stub.received()[2];
    assert_eq!(request.path, "/v1beta/properties/310000001:runReport");
    assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
    let body = request.json();
    assert_eq!(body["dateRanges"], json!([{"startDate": "2026-11-21", "endDate": "2026-11-22"}]));
    assert_eq!(
        body["orderBys"],
        json!([
            {"dimension": {"dimensionName": "date", "orderType": "NUMERIC"}},
            {"dimension": {"dimensionName": "sessionDefaultChannelGroup", "orderType": "ALPHANUMERIC"}},
        ])
    );
    assert_eq!(body["limit"], "10000");
    assert_eq!(body["offset"], "0");
    assert_eq!(body["keepEmptyRows"], false);
    assert_eq!(body["returnPropertyQuota"], true);
}

/// One answer as the fixture has it, reduced to what the report asks for, columns in the order of the request or not.
fn fixture(request: &Received, reversed: bool) -> Value {
    let mut body: Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/ga4/synthetic_runReport_channels.json")).unwrap();
    let keep: Vec<usize> = body["metricHeaders"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .filter(|(_, header)| names(request, "metrics").iter().any(|name| header["name"] == **name))
        .map(|(at, _)| at)
        .collect();
    let pick = |list: &Value| -> Value {
        let list = list.as_array().unwrap();
        let mut kept: Vec<Value> = keep.iter().map(|at| list[*at].clone()).collect();
        if reversed {
            kept.reverse();
        }
        kept.into()
    };
    body["metricHeaders"] = pick(&body["metricHeaders"]);
    for row in body["rows"].as_array_mut().unwrap() {
        row["metricValues"] = pick(&row["metricValues"]);
        if reversed {
            row["dimensionValues"].as_array_mut().unwrap().reverse();
        }
    }
    if reversed {
        body["dimensionHeaders"].as_array_mut().unwrap().reverse();
    }
    body
}

#[tokio::test]
async fn columns_are_read_by_their_headers_and_not_by_their_order() {
    let mut slices = Vec::new();
    for reversed in [false, true] {
        let stub = Stub::start(move |_, request| {
            let channels = is_report(request, "sessionDefaultChannelGroup");
            Reply::Json(200, if channels { fixture(request, reversed) } else { answer(request, &[]) })
        })
        .await;
        slices.push(fetch(&stub).await);
    }
    assert_eq!(slices[0], slices[1]);
    let sessions = facts(&slices[0], &["channel"], "ga4.sessions");
    let organic =
        sessions.iter().find(|fact| fact.period_start == DAY && fact.dims["channel"] == "Organic Search").unwrap();
    assert_eq!(organic.value, number("412"));
    assert_eq!(slices[0].rows_read, 9);
    assert_eq!(slices[0].zone.as_deref(), Some("Europe/Madrid"));
    assert_eq!(slices[0].currency.as_deref(), Some("EUR"));
}

#[tokio::test]
async fn a_row_becomes_nine_facts_with_exact_numbers() {
    let stub = with_rows(
        "sessionDefaultChannelGroup",
        &[(
            "20261121",
            "Organic Search",
            &[
                ("sessions", "412"),
                ("engagedSessions", "268"),
                ("newUsers", "244"),
                ("screenPageViews", "1288"),
                ("keyEvents", "9.25"),
                ("ecommercePurchases", "7"),
                ("totalRevenue", "498.3"),
                ("averageSessionDuration", "143.21844660194176"),
            ],
        )],
    )
    .await;
    let slice = fetch(&stub).await;
    let partition = &slice.partitions[2];
    let found: Vec<(&str, Decimal, Option<Decimal>, Option<&str>)> = partition
        .facts
        .iter()
        .map(|fact| (fact.metric_key.as_str(), fact.value, fact.denominator, fact.currency.as_deref()))
        .collect();
    let sessions = Some(number("412"));
    let expected = [
        ("ga4.sessions", "412", None, None),
        ("ga4.new_users", "244", None, None),
        ("ga4.views", "1288", None, None),
        ("ga4.key_events", "9.25", None, None),
        ("ga4.purchases", "7", None, None),
        ("ga4.revenue", "498.3", None, Some("EUR")),
        ("ga4.bounce_rate", "144", sessions, None),
        // 143.21844660194176 x 412 is 59006.00000000000512.
        ("ga4.avg_session_duration", "59006", sessions, None),
        ("ga4.conversion_rate", "7", sessions, None),
    ]
    .map(|(key, value, denominator, currency)| (key, number(value), denominator, currency));
    assert_eq!(found, expected);
    for fact in &partition.facts {
        assert_eq!((fact.period_start, fact.period_end, fact.grain), (DAY, DAY, Grain::Day));
        assert_eq!(fact.dims, Dims::from([("channel".into(), "Organic Search".into())]));
        assert!(partition.metric_keys.contains(&fact.metric_key.as_str()));
    }
}

#[tokio::test]
async fn the_last_three_days_are_provisional() {
    let stub = with_rows("", &[]).await;
    let plan = FetchPlan { from: date!(2026 - 11 - 18), to: date!(2026 - 11 - 22), ..plan() };
    let slice = ga4(&stub).0.fetch(&token(), &plan).await.unwrap();
    let provisional: Vec<(u8, bool)> =
        facts(&slice, &[], "ga4.sessions").iter().map(|fact| (fact.period_start.day(), fact.provisional)).collect();
    assert_eq!(provisional, [(18, false), (19, false), (20, false), (21, true), (22, true)]);
}

#[tokio::test]
async fn other_and_not_set_are_ordinary_dimension_values() {
    let stub = with_rows(
        "country",
        &[("20261121", "(not set)", &[("sessions", "3")]), ("20261121", "(other)", &[("sessions", "4")])],
    )
    .await;
    let slice = fetch(&stub).await;
    let countries: Vec<&str> =
        facts(&slice, &["country"], "ga4.sessions").iter().map(|fact| fact.dims["country"].as_str()).collect();
    assert_eq!(countries, ["(not set)", "(other)"]);
}

type Edit = fn(&mut Value);

#[tokio::test]
async fn a_report_of_another_shape_is_refused() {
    let edits: [(&str, Edit); 8] = [
        ("no column sessions", |body| {
            body["metricHeaders"][0]["name"] = "sesiones".into();
        }),
        ("no column date", |body| {
            body["dimensionHeaders"][0]["name"] = "dateHour".into();
        }),
        ("nobody asked for", |body| {
            body["metricHeaders"].as_array_mut().unwrap().push(json!({"name": "activeUsers"}));
            body["rows"][0]["metricValues"].as_array_mut().unwrap().push(json!({"value": "1"}));
        }),
        ("match its headers", |body| {
            body["rows"][0]["metricValues"].as_array_mut().unwrap().pop();
        }),
        ("2026-11-21", |body| {
            body["rows"][0]["dimensionValues"][0]["value"] = "2026-11-21".into();
        }),
        ("20261120", |body| {
            body["rows"][0]["dimensionValues"][0]["value"] = "20261120".into();
        }),
        ("sessions is", |body| {
            body["rows"][0]["metricValues"][0]["value"] = "many".into();
        }),
        ("without a currency", |body| {
            body["metadata"] = json!({});
        }),
    ];
    for (cause, edit) in edits {
        // Every report without a currency, or another one would lend its own.
        let stub = Stub::start(move |_, request| {
            let mut body = answer(request, &[("20261121", "Direct", &[("sessions", "10")])]);
            edit(&mut body);
            Reply::Json(200, body)
        })
        .await;
        let error = ga4(&stub).0.fetch(&token(), &plan()).await.unwrap_err();
        assert_eq!((error.code, &error.kind), (codes::GA4_REPORT_SHAPE, &FailureKind::Contract), "{cause}");
        assert!(error.cause.contains(cause), "{cause}: {error}");
    }
}

#[tokio::test]
async fn fields_that_google_adds_to_its_answers_are_ignored() {
    let stub = edited("", |body| {
        body["newThing"] = json!({"a": [1]});
        body["metadata"]["dataLossOfTomorrow"] = true.into();
        body["rows"][0]["metricValues"][0]["oneValue"] = "1".into();
    })
    .await;
    assert_eq!(fetch(&stub).await.rows_read, 1);
}

#[tokio::test]
async fn a_quota_is_low_when_few_slices_of_the_same_cost_are_left() {
    let cases = [
        (json!({"tokensPerHour": {"consumed": 10, "remaining": 500}}), false),
        (json!({"tokensPerHour": {"consumed": 10, "remaining": 499}}), true),
        (json!({"concurrentRequests": {"consumed": 1, "remaining": 1}}), false),
        (json!({"serverErrorsPerProjectPerHour": {"consumed": 0, "remaining": 3}}), false),
        (json!({"serverErrorsPerProjectPerHour": {"remaining": 2}}), true),
        (json!({}), false),
    ];
    for (quota, low) in cases {
        let sent = quota.clone();
        let stub = Stub::start(move |_, request| {
            let mut body = answer(request, &[]);
            body["propertyQuota"] = sent.clone();
            Reply::Json(200, body)
        })
        .await;
        assert_eq!(fetch(&stub).await.quota_low, low, "{quota}");
    }
}
