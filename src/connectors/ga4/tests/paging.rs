use super::*;
use crate::connectors::error::FailureKind;
use crate::connectors::sentences::codes;

/// All the country rows that the stub has.
const ROWS: [Cells; 5] = [
    ("20261121", "Chile", &[("sessions", "1")]),
    ("20261121", "Spain", &[("sessions", "2")]),
    ("20261122", "Chile", &[("sessions", "3")]),
    ("20261122", "France", &[("sessions", "4")]),
    ("20261122", "Spain", &[("sessions", "5")]),
];

/// The page of the country report that the request asks for; nothing for the others.
fn page(request: &Received) -> Value {
    if !is_report(request, "country") {
        return answer(request, &[]);
    }
    let body = request.json();
    let number = |name: &str| body[name].as_str().unwrap().parse::<usize>().unwrap();
    let (offset, limit) = (number("offset"), number("limit"));
    let end = ROWS.len().min(offset + limit);
    let mut body = answer(request, ROWS.get(offset..end).unwrap_or_default());
    body["rowCount"] = ROWS.len().into();
    body
}

#[tokio::test]
async fn all_pages_of_a_report_are_read() {
    let stub = Stub::start(|_, request| Reply::Json(200, page(request))).await;
    let slice = ga4(&stub).0.with_page_rows(2).fetch(&token(), &plan()).await.unwrap();
    let offsets: Vec<Value> = stub
        .received()
        .iter()
        .filter(|request| is_report(request, "country"))
        .map(|request| request.json()["offset"].clone())
        .collect();
    assert_eq!(offsets, ["0", "2", "4"]);
    let sessions = facts(&slice, &["country"], "ga4.sessions");
    assert_eq!(sessions.iter().map(|fact| fact.value).sum::<Decimal>(), number("15"));
    assert_eq!((sessions.len(), slice.rows_read), (5, 5));
}

#[tokio::test]
async fn pages_that_end_exactly_at_the_row_count_ask_for_no_further_one() {
    let stub = Stub::start(|_, request| Reply::Json(200, page(request))).await;
    ga4(&stub).0.with_page_rows(5).fetch(&token(), &plan()).await.unwrap();
    assert_eq!(stub.received().len(), 5);
}

#[tokio::test]
async fn data_that_moves_between_pages_is_read_again_later() {
    // The second page repeats the first row, as after an insertion before it.
    let stub = Stub::start(|_, request| {
        let mut body = page(request);
        if is_report(request, "country") && request.json()["offset"] == "2" {
            body["rows"][0] = answer(request, &ROWS[..1])["rows"][0].clone();
        }
        Reply::Json(200, body)
    })
    .await;
    let error = ga4(&stub).0.with_page_rows(2).fetch(&token(), &plan()).await.unwrap_err();
    assert_eq!((error.code, error.kind), (codes::GA4_PAGES_MOVED, FailureKind::Transient));

    // The last page is short of a row.
    let stub = Stub::start(|_, request| {
        let mut body = page(request);
        if is_report(request, "country") {
            body["rowCount"] = 6.into();
        }
        Reply::Json(200, body)
    })
    .await;
    let error = ga4(&stub).0.with_page_rows(3).fetch(&token(), &plan()).await.unwrap_err();
    assert_eq!((error.code, error.kind), (codes::GA4_PAGES_MOVED, FailureKind::Transient));
}

#[tokio::test]
async fn a_row_twice_in_one_page_is_refused() {
    let twice = [ROWS[0], ROWS[0]];
    let stub = Stub::start(move |_, request| Reply::Json(200, answer(request, &twice))).await;
    let error = ga4(&stub).0.fetch(&token(), &plan()).await.unwrap_err();
    assert_eq!((error.code, error.kind), (codes::GA4_REPORT_SHAPE, FailureKind::Contract));
}

#[tokio::test]
async fn a_report_that_promises_rows_and_sends_none_does_not_loop() {
    let stub = Stub::start(|_, request| {
        let mut body = answer(request, &[]);
        body["rowCount"] = 1_000_000.into();
        Reply::Json(200, body)
    })
    .await;
    let error = ga4(&stub).0.fetch(&token(), &FetchPlan { to: plan().from, ..plan() }).await.unwrap_err();
    assert_eq!((error.code, error.kind), (codes::GA4_REPORT_SHAPE, FailureKind::Contract));
    assert_eq!(stub.received().len(), 1);
}

#[tokio::test]
async fn more_rows_than_a_batch_should_hold_are_asked_for_in_half_the_days_after_one_page() {
    let stub = Stub::start(|_, request| {
        let mut body = page(request);
        if is_report(request, "country") {
            body["rowCount"] = 10_001.into();
        }
        Reply::Json(200, body)
    })
    .await;
    let slice = ga4(&stub).0.fetch(&token(), &plan()).await.unwrap();
    assert_eq!((slice.narrower, slice.partitions.len()), (Some(1), 0));
    assert_eq!(stub.received().iter().filter(|request| is_report(request, "country")).count(), 1);
}
