use super::*;
use crate::connectors::error::FailureKind;
use crate::connectors::testing::{Reply, Stub, client};

const PATIENT: Duration = Duration::from_secs(20);

async fn get(client: &UpstreamClient, url: Url) -> Result<Answer, UpstreamError> {
    client.send(client.request(Method::GET, url)).await
}

fn with_headers(headers: &[(&'static str, &str)]) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    Answer { status: StatusCode::TOO_MANY_REQUESTS, headers: map, body: Bytes::new() }
}

#[tokio::test]
async fn a_whole_answer_comes_back_with_status_and_body() {
    let stub = Stub::json(418, serde_json::json!({"a": 1})).await;
    let answer = get(&client(PATIENT), stub.at("/x?token=abc")).await.unwrap();
    assert_eq!(answer.status.as_u16(), 418);
    assert_eq!(answer.json::<serde_json::Value>().unwrap(), serde_json::json!({"a": 1}));
}

#[tokio::test]
async fn a_truncated_body_is_told_from_a_time_out_and_from_no_connection() {
    let stub = Stub::start(|_, _| Reply::Truncated("{\"rows\": [")).await;
    let error = get(&client(PATIENT), stub.at("/")).await.unwrap_err();
    assert_eq!(error.fault, Fault::Truncated);

    let stub = Stub::start(|_, _| Reply::Silence).await;
    let error = get(&client(Duration::from_millis(200)), stub.at("/")).await.unwrap_err();
    assert_eq!(error.fault, Fault::Timeout);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = Url::parse(&format!("http://{address}/x?token=abc")).unwrap();
    let error = get(&client(PATIENT), url).await.unwrap_err();
    assert_eq!(error.fault, Fault::Connect);
    assert!(!error.to_string().contains("abc"), "{error}");
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused_also_when_it_comes_compressed() {
    let big = vec![b' '; 5000];
    let stub = Stub::start(move |_, _| Reply::With(200, vec![], big.clone())).await;
    let small = client(PATIENT).with_max_body(4999);
    assert_eq!(get(&small, stub.at("/")).await.unwrap_err().fault, Fault::TooLarge);
    let enough = client(PATIENT).with_max_body(5000);
    assert_eq!(get(&enough, stub.at("/")).await.unwrap().body.len(), 5000);

    // 1,000 spaces, compressed to 29 bytes.
    let zipped: Vec<u8> = "1f8b08000000000002ff53501805a360140c77000082e393cde8030000"
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let stub = Stub::start(move |_, _| Reply::With(200, vec![("content-encoding", "gzip")], zipped.clone())).await;
    let error = get(&client(PATIENT).with_max_body(999), stub.at("/")).await.unwrap_err();
    assert_eq!(error.fault, Fault::TooLarge);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let stub = Stub::start(|_, _| Reply::With(302, vec![("location", "/elsewhere")], vec![])).await;
    let standard = UpstreamClient::standard().unwrap();
    assert_eq!(get(&standard, stub.at("/")).await.unwrap().status.as_u16(), 302);
    assert_eq!(stub.received().len(), 1);
}

#[tokio::test]
async fn only_https_and_http_to_this_machine_are_called() {
    let cases = [
        ("https://analyticsdata.googleapis.com/v1beta", true),
        ("http://127.0.0.1:7071/", true),
        ("http://[::1]:7071/", true),
        ("http://localhost/", true),
        ("http://analyticsdata.googleapis.com/", false),
        ("http://127.0.0.1.example/", false),
        ("http://10.0.0.1/", false),
        ("ftp://127.0.0.1/", false),
        ("data:text/plain,x", false),
    ];
    for (url, allowed) in cases {
        assert_eq!(is_allowed(&Url::parse(url).unwrap()), allowed, "{url}");
    }
    let error = get(&client(PATIENT), Url::parse("http://10.0.0.1/?key=abc").unwrap()).await.unwrap_err();
    assert_eq!(error.fault, Fault::Address);
    assert_eq!(ConnectorError::from(error).kind, FailureKind::ConfigInvalid);
}

#[test]
fn a_web_page_and_broken_json_have_codes_of_their_own_and_are_not_quoted() {
    let mut answer = with_headers(&[]);
    answer.body = Bytes::from_static(b"  <!doctype html><p>token-123");
    let error = answer.json::<serde_json::Value>().unwrap_err();
    assert_eq!((error.code, &error.kind), (codes::UPSTREAM_HTML, &FailureKind::Contract));
    assert!(!error.cause.contains("token-123"), "{error}");

    answer.body = Bytes::from_static(br#"{"expires_in": "token-123"}"#);
    let error = answer.json::<std::collections::BTreeMap<String, u64>>().unwrap_err();
    assert_eq!(error.code, codes::UPSTREAM_JSON);
    assert!(!error.cause.contains("token-123"), "{error}");
}

#[test]
fn retry_after_is_read_as_seconds_or_as_a_date_and_stays_within_a_day() {
    let date = ("date", "Mon, 23 Nov 2026 10:00:00 GMT");
    let day = 24 * 3600;
    let cases = [
        (vec![("retry-after", "30")], Some(30)),
        (vec![("retry-after", " 0 ")], Some(0)),
        (vec![("retry-after", "-5")], Some(0)),
        (vec![("retry-after", "99999999")], Some(day)),
        (vec![("retry-after", "99999999999999999999999999")], Some(day)),
        (vec![("retry-after", "Mon, 23 Nov 2026 10:02:00 GMT"), date], Some(120)),
        (vec![("retry-after", "Mon, 23 Nov 2026 09:00:00 GMT"), date], Some(0)),
        (vec![("retry-after", "Mon, 23 Nov 2037 10:00:00 GMT"), date], Some(day)),
        (vec![("retry-after", "Mon, 23 Nov 2026 10:02:00 GMT")], None),
        (vec![("retry-after", "soon")], None),
        (vec![("retry-after", "")], None),
        (vec![], None),
    ];
    for (headers, seconds) in cases {
        let wait = with_headers(&headers).retry_after();
        assert_eq!(wait, seconds.map(Duration::from_secs), "{headers:?}");
    }
}
