//! The JSON envelope that a custom handler gets for timers and Service Bus messages.
//!
//! The real host's encoding, odd as it is: (1) bytes are base64; (2) `DateTime` is ISO without zone, `DateTimeOffset`
//! with its offset, neither with fractions; (3) what converts to a JSON object is nested; (4) everything else is turned
//! into JSON text and put in a JSON string, so a string arrives encoded twice; (5) metadata keys that end in `trigger`
//! are dropped; (6) a body that is a JSON object also has its top-level properties copied into `Metadata`, over system
//! keys of the same name (arrays and nulls excepted; scalars become strings first).

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::timers::ScheduleStatus;
use crate::broker::Message;

/// Facts of one invocation that every envelope carries as `Metadata.sys`.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub function: &'a str,
    pub binding: &'a str,
    pub now: OffsetDateTime,
    pub random: Uuid,
}

/// The body of a timer invocation; `status` is none for timers that are not monitored, and by-hand runs.
pub fn timer(call: Call<'_>, status: Option<&ScheduleStatus>, past_due: bool) -> Value {
    let info = json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": status, "IsPastDue": past_due});
    timer_with(call, info)
}

/// A timer invocation with a given timer object, to try what the handler makes of unusual ones.
pub fn timer_with(call: Call<'_>, info: Value) -> Value {
    wrap(call, info, Map::new())
}

/// The body of a Service Bus invocation (one message, no sessions, body as text).
pub fn message(call: Call<'_>, message: &Message, lock_token: Uuid) -> Value {
    let mut metadata = Map::new();
    for noise in ["MessageReceiver", "MessageSession", "MessageActions", "SessionActions", "ReceiveActions"] {
        metadata.insert(noise.to_owned(), json!({}));
    }
    let client = json!({"FullyQualifiedNamespace": "localhost", "IsClosed": false, "TransportType": 0, "Identifier": "localhost-1"});
    let properties = Value::Object(message.properties.clone());
    let scalars = [
        ("Client", client),
        ("DeliveryCount", text(&json!(message.delivery_count))),
        ("LockToken", text(&json!(lock_token))),
        ("ExpiresAtUtc", json!(seconds(message.expires, ""))),
        ("ExpiresAt", json!(seconds(message.expires, "+00:00"))),
        ("EnqueuedTimeUtc", json!(seconds(message.enqueued, ""))),
        ("EnqueuedTime", json!(seconds(message.enqueued, "+00:00"))),
        ("MessageId", text(&json!(message.id))),
        ("SequenceNumber", text(&json!(message.sequence))),
        ("ApplicationProperties", properties.clone()),
        ("UserProperties", properties),
    ];
    metadata.extend(scalars.map(|(key, value)| (key.to_owned(), value)));
    let optional = [
        ("ContentType", &message.content_type),
        ("Subject", &message.subject),
        ("Label", &message.subject),
        ("CorrelationId", &message.correlation_id),
        ("To", &message.to),
        ("ReplyTo", &message.reply_to),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            metadata.insert(key.to_owned(), text(&json!(value)));
        }
    }
    if let Ok(Value::Object(body)) = serde_json::from_str(&message.body) {
        metadata.extend(body.into_iter().filter_map(|(key, value)| Some((key, copied(value)?))));
    }
    wrap(call, text(&json!(message.body)), metadata)
}

fn wrap(call: Call<'_>, data: Value, mut metadata: Map<String, Value>) -> Value {
    let sys = json!({"MethodName": call.function, "UtcNow": precise(call.now, "Z"), "RandGuid": call.random});
    metadata.entry("sys").or_insert(sys);
    metadata.retain(|key, _| !key.to_ascii_lowercase().ends_with("trigger"));
    let mut bindings = Map::new();
    bindings.insert(call.binding.to_owned(), data);
    json!({"Data": bindings, "Metadata": metadata})
}

/// Rule 4: JSON text inside a JSON string.
fn text(value: &Value) -> Value {
    Value::String(value.to_string())
}

/// Rule 6: a top-level property of the body as metadata. .NET writes booleans with a capital.
fn copied(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Array(_) => None,
        Value::Object(_) => Some(value),
        Value::Bool(flag) => Some(text(&json!(if flag { "True" } else { "False" }))),
        Value::String(string) => Some(text(&json!(string))),
        Value::Number(number) => Some(text(&json!(number.to_string()))),
    }
}

fn seconds(at: OffsetDateTime, zone: &str) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (date, clock) = (at.date(), at.time());
    let (hour, minute, second) = clock.as_hms();
    format!(
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}{zone}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

/// Seven decimals at most, trailing zeros dropped: .NET's way to write an instant.
pub fn precise(at: OffsetDateTime, zone: &str) -> String {
    let ticks = format!("{:07}", at.nanosecond() / 100);
    let fraction = ticks.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{}{dot}{fraction}{zone}", seconds(at, ""))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::uuid;

    use super::*;

    const RANDOM: Uuid = uuid!("35e6e68c-5583-436c-a277-5aec2b416ba8");
    const LOCK: Uuid = uuid!("8d1f2c3b-0000-4000-8000-000000000001");

    fn call(function: &'static str, binding: &'static str) -> Call<'static> {
        Call { function, binding, now: datetime!(2026-10-09 08:05:00.0123456 UTC), random: RANDOM }
    }

    fn golden(name: &str) -> Value {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn sample(body: &str) -> Message {
        let mut message = Message::new("7f3a-1".to_owned(), body.to_owned(), datetime!(2026-10-09 08:00:00.25 UTC));
        message.sequence = 17;
        message.delivery_count = 1;
        message.content_type = Some("application/json".to_owned());
        message.subject = Some("retry".to_owned());
        message.correlation_id = Some("req-1".to_owned());
        message.properties.insert("source".to_owned(), json!("ingest"));
        message
    }

    #[test]
    fn a_monitored_timer_looks_as_from_the_real_host() {
        let status = ScheduleStatus {
            last: Some(datetime!(2026-10-09 08:00:00.0031722 UTC)),
            next: datetime!(2026-10-09 08:05:00 UTC),
            last_updated: datetime!(2026-10-09 08:00:00.0031722 UTC),
        };
        assert_eq!(timer(call("IngestTimer", "timer"), Some(&status), false), golden("timer.json"));
    }

    #[test]
    fn a_first_run_has_a_last_in_the_year_one() {
        let next = datetime!(2026-10-09 08:05:00 UTC);
        let status = ScheduleStatus { last: None, next, last_updated: datetime!(2026-10-09 08:04:12 UTC) };
        assert_eq!(timer(call("IngestTimer", "timer"), Some(&status), true), golden("timer_first_run.json"));
    }

    #[test]
    fn an_unmonitored_timer_has_no_status() {
        assert_eq!(timer(call("IngestTimer", "timer"), None, false), golden("timer_unmonitored.json"));
    }

    #[test]
    fn a_message_looks_as_from_the_real_host() {
        let body = r#"{"customerId":"c-42","attempt":2,"meta":{"a":1},"tags":["x"]}"#;
        assert_eq!(message(call("RetryWorker", "job"), &sample(body), LOCK), golden("message.json"));
    }

    #[test]
    fn the_body_hides_system_keys_and_triggers_are_dropped() {
        let body = r#"{"MessageId":"forged","sys":{"x":1},"myTrigger":"gone","on":true,"none":null}"#;
        assert_eq!(message(call("RetryWorker", "job"), &sample(body), LOCK), golden("message_hiding.json"));
    }

    #[test]
    fn a_plain_text_body_is_still_encoded_twice() {
        let envelope = message(call("RetryWorker", "job"), &sample("abc"), LOCK);
        assert_eq!(envelope["Data"]["job"], json!("\"abc\""));
        assert_eq!(envelope["Metadata"].get("customerId"), None);
    }
}
