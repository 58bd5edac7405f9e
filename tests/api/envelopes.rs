//! What the Functions host sends to timers and queue functions, in all the shapes that have been seen of it.

use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::client::Call;

const TIMERS: [&str; 2] = ["/schedule_syncs", "/housekeeping"];

fn envelope(binding: &str, data: &Value) -> Value {
    let sys = json!({"MethodName": "x", "UtcNow": "2026-11-23T10:00:00.0123456Z", "RandGuid": "35e6e68c-5583-436c-a277-5aec2b416ba8"});
    json!({"Data": {binding: data}, "Metadata": {"sys": sys}})
}

#[tokio::test]
async fn a_timer_is_understood_with_any_schedule_status() {
    let app = TestApp::start().await;
    let statuses = [
        json!(null),
        json!({"Last": "0001-01-01T00:00:00", "Next": "2026-11-23T10:01:00+00:00", "LastUpdated": "0001-01-01T00:00:00"}),
        json!({"Last": "0001-01-01T00:00:00+00:00", "Next": "2026-11-23T10:01:00Z", "LastUpdated": "2026-11-23T10:00:00.0031722Z"}),
        json!({"Last": "2026-11-23T11:00:00.0031722+01:00", "Next": null, "Another": [1, 2]}),
    ];
    for path in TIMERS {
        for status in &statuses {
            let timer = json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": status, "IsPastDue": true});
            // Nested, as JSON text, and as JSON text of JSON text.
            for data in [timer.clone(), json!(timer.to_string()), json!(json!(timer.to_string()).to_string())] {
                let answer = app.invoke(path, &envelope("timer", &data)).await;
                assert_eq!(answer.status, 200, "{path} {data}: {}", answer.text());
                assert!(answer.json()["Logs"].is_array());
            }
        }
    }
}

#[tokio::test]
async fn a_message_is_understood_however_often_its_body_was_encoded() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let encodings: [fn(&str) -> Value; 3] =
        [|body| serde_json::from_str(body).unwrap(), |body| json!(body), |body| json!(json!(body).to_string())];
    app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    for (round, encode) in encodings.into_iter().enumerate() {
        let mut call = envelope("job", &encode(&message.body));
        call["Metadata"]["job_id"] = json!("forged by the body's own properties");
        call["Metadata"]["DeliveryCount"] = json!("3");
        call["More"] = json!({"later": "versions"});
        let answer = app.invoke("/run_sync", &call).await;
        let expected = if round == 0 { "worked" } else { "nothing to do" };
        assert_eq!((answer.status, answer.json()), (200, json!({"Logs": [expected]})), "{round}");
    }
}

#[tokio::test]
async fn what_is_no_envelope_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let bodies = [
        json!({}),
        json!([]),
        json!("text"),
        json!({"Data": {}}),
        json!({"Data": {}, "Metadata": {}}),
        json!({"Data": {"other": {}}, "Metadata": {}}),
        json!({"Metadata": {"sys": {}}}),
    ];
    for path in ["/schedule_syncs", "/housekeeping", "/run_sync"] {
        for body in &bodies {
            let answer = app.invoke(path, body).await;
            assert_eq!((answer.status, answer.json()), (400, json!({"error": "not an invocation"})), "{path} {body}");
        }
        let answer =
            Call::new("POST", path).header("content-type", "application/json").body("{").bare(&app.router).await;
        assert_eq!(answer.status, 400);
        let answer = Call::new("GET", path).bare(&app.router).await;
        assert_eq!(answer.status, 405);
    }
    for data in [json!(null), json!("text"), json!({"job_id": "x"}), json!({"job_id": 7, "tenant_id": 8})] {
        assert_eq!(app.invoke("/run_sync", &envelope("job", &data)).await.status, 400, "{data}");
    }
}

#[tokio::test]
async fn a_message_of_an_unknown_job_is_settled() {
    let app = TestApp::start().await;
    let id = crate::harness::random_id();
    let body = json!({"job_id": id, "tenant_id": id}).to_string();
    let answer = app.invoke("/run_sync", &envelope("job", &json!(body))).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"Logs": ["nothing to do"]})));
}

#[tokio::test]
async fn a_message_that_names_another_tenant_finds_no_job() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.connect_ga4(&admin).await;
    let message = app.queue.next_immediate().unwrap();
    let mut body: Value = serde_json::from_str(&message.body).unwrap();
    body["tenant_id"] = json!(app.tenant("Globex").await);
    let answer = app.invoke("/run_sync", &envelope("job", &json!(body.to_string()))).await;
    assert_eq!(answer.json(), json!({"Logs": ["nothing to do"]}));
    assert_eq!(app.value("select state from jobs").await, "queued");
}

#[tokio::test]
async fn the_hosts_probe_of_the_root_is_answered() {
    let app = TestApp::start().await;
    let answer = Call::new("GET", "/").bare(&app.router).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
}
