//! The broker over HTTP: Service Bus's REST send (`POST /{queue}/messages`, single and batch), and two listings that
//! only this stand-in has: `GET /{queue}/messages` and `GET /{queue}/$DeadLetterQueue`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{Duration, OffsetDateTime};

use super::{Broker, Message};
use crate::clock::random_uuid;

/// The largest message of the Standard tier.
const MAX_MESSAGE: usize = 256 * 1024;
const BATCH: &str = "application/vnd.microsoft.servicebus.json";
/// Request headers that are not application properties.
const PROTOCOL_HEADERS: [&str; 12] = [
    "accept",
    "accept-encoding",
    "authorization",
    "brokerproperties",
    "connection",
    "content-length",
    "content-type",
    "host",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct BrokerProperties {
    message_id: Option<String>,
    session_id: Option<String>,
    correlation_id: Option<String>,
    label: Option<String>,
    to: Option<String>,
    reply_to: Option<String>,
    /// Seconds.
    time_to_live: Option<f64>,
    scheduled_enqueue_time_utc: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchItem {
    body: String,
    #[serde(default)]
    broker_properties: BrokerProperties,
    #[serde(default)]
    user_properties: Map<String, Value>,
}

/// The routes.
pub fn router(broker: Arc<Broker>) -> Router {
    Router::new()
        .route("/{queue}/messages", post(send).get(list))
        .route("/{queue}/$DeadLetterQueue", get(dead_letters))
        .layer(DefaultBodyLimit::max(4 * MAX_MESSAGE))
        .with_state(broker)
}

async fn send(
    State(broker): State<Arc<Broker>>,
    Path(queue): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorization = text(&headers, "authorization").unwrap_or_default();
    if !["Bearer ", "SharedAccessSignature "].iter().any(|scheme| authorization.starts_with(scheme)) {
        return (StatusCode::UNAUTHORIZED, "an Authorization header with a token is needed").into_response();
    }
    let result = broker.with(|queues, now| {
        if !queues.has(&queue) {
            return Err((StatusCode::NOT_FOUND, format!("there is no queue `{queue}`")));
        }
        let bad = |why: String| (StatusCode::BAD_REQUEST, why);
        let kind = text(&headers, "content-type");
        let messages = if kind.is_some_and(|kind| kind.starts_with(BATCH)) {
            let items: Vec<BatchItem> = serde_json::from_slice(&body).map_err(|error| bad(error.to_string()))?;
            items.into_iter().map(|item| batched(item, now)).collect::<Result<Vec<_>, _>>().map_err(bad)?
        } else {
            let properties = serde_json::from_str(text(&headers, "brokerproperties").unwrap_or("{}"));
            let properties = properties.map_err(|error| bad(format!("BrokerProperties: {error}")))?;
            let mut message = message(String::from_utf8_lossy(&body).into_owned(), properties, now).map_err(bad)?;
            message.content_type = kind.map(str::to_owned);
            message.properties = custom(&headers);
            vec![message]
        };
        if messages.iter().any(|message| message.body.len() > MAX_MESSAGE) {
            return Err((StatusCode::FORBIDDEN, "a message is larger than 256 KB".to_owned()));
        }
        let failed = |error: std::io::Error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
        queues.send(&queue, messages).map_err(failed)
    });
    match result {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err((status, why)) => {
            tracing::warn!("Service Bus send to `{queue}`: {status} {why}");
            (status, why).into_response()
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

async fn list(State(broker): State<Arc<Broker>>, Path(queue): Path<String>) -> Result<Json<Value>, StatusCode> {
    broker.with(|queues, _| queues.listing(&queue)).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn dead_letters(
    State(broker): State<Arc<Broker>>,
    Path(queue): Path<String>,
) -> Result<Json<Vec<Message>>, StatusCode> {
    broker.with(|queues, _| queues.dead_letters(&queue)).map(Json).ok_or(StatusCode::NOT_FOUND)
}

fn batched(item: BatchItem, now: OffsetDateTime) -> Result<Message, String> {
    let mut message = message(item.body, item.broker_properties, now)?;
    message.properties = item.user_properties;
    Ok(message)
}

fn message(body: String, properties: BrokerProperties, now: OffsetDateTime) -> Result<Message, String> {
    if properties.session_id.is_some() {
        return Err("sessions are not supported".to_owned());
    }
    let due = match properties.scheduled_enqueue_time_utc {
        Some(text) => instant(&text).ok_or_else(|| format!("ScheduledEnqueueTimeUtc `{text}` is not a date"))?.max(now),
        None => now,
    };
    let id = properties.message_id.unwrap_or_else(|| random_uuid().simple().to_string());
    if id.is_empty() || id.len() > 128 {
        return Err("MessageId has 1 to 128 characters".to_owned());
    }
    let mut message = Message::new(id, body, due);
    if let Some(seconds) = properties.time_to_live {
        message.expires = due.checked_add(Duration::seconds_f64(seconds.clamp(0.0, 1e9))).unwrap_or(message.expires);
    }
    message.subject = properties.label;
    message.correlation_id = properties.correlation_id;
    message.to = properties.to;
    message.reply_to = properties.reply_to;
    Ok(message)
}

/// `Mon, 23 Nov 2026 19:30:32 GMT` (or with a numeric zone), or RFC 3339.
fn instant(text: &str) -> Option<OffsetDateTime> {
    let numeric = text.strip_suffix("GMT").map_or_else(|| text.to_owned(), |date| format!("{date}+0000"));
    OffsetDateTime::parse(&numeric, &Rfc2822).or_else(|_| OffsetDateTime::parse(text, &Rfc3339)).ok()
}

/// Every other header is an application property: JSON text such as `"word"` or `5`, else the text itself.
fn custom(headers: &HeaderMap) -> Map<String, Value> {
    let wanted = headers.iter().filter(|(name, _)| !PROTOCOL_HEADERS.contains(&name.as_str()));
    wanted
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            let value = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
            (name.as_str().to_owned(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use serde_json::json;
    use time::macros::datetime;
    use tower::ServiceExt;

    use super::*;
    use crate::clock::fake::Still;
    use crate::settings::tests::TempDir;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00 UTC);

    fn broker(dir: &TempDir) -> Arc<Broker> {
        Broker::open(&["syncs".to_owned()], &dir.path().join("journal"), Arc::new(Still(NOON))).unwrap()
    }

    async fn post(broker: &Arc<Broker>, path: &str, headers: &[(&str, &str)], body: &str) -> StatusCode {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        router(broker.clone()).oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn the_send_call_of_production_is_accepted() {
        let dir = TempDir::new();
        let broker = broker(&dir);
        let properties = r#"{"MessageId":"m-1","Label":"sync","TimeToLive":3600.0,"ScheduledEnqueueTimeUtc":"Mon, 23 Nov 2026 12:05:00 GMT"}"#;
        let headers = [
            ("authorization", "Bearer t"),
            ("content-type", "application/json"),
            ("BrokerProperties", properties),
            ("x-tenant", "\"t1\""),
        ];
        assert_eq!(post(&broker, "/syncs/messages", &headers, r#"{"job_id":1}"#).await, StatusCode::CREATED);
        let due = datetime!(2026-11-23 12:05:00 UTC);
        assert!(broker.with(|queues, now| queues.take("syncs", now)).is_none());
        let message = broker.with(|queues, _| queues.take("syncs", due)).unwrap();
        assert_eq!((message.id.as_str(), message.body.as_str()), ("m-1", r#"{"job_id":1}"#));
        assert_eq!((message.subject.as_deref(), message.expires), (Some("sync"), due + Duration::HOUR));
        assert_eq!(Value::Object(message.properties), json!({"x-tenant": "t1"}));
    }

    #[tokio::test]
    async fn a_batch_is_several_messages() {
        let dir = TempDir::new();
        let broker = broker(&dir);
        let headers = [("authorization", "Bearer t"), ("content-type", BATCH)];
        let body = r#"[{"Body":"a","BrokerProperties":{"MessageId":"1"}},{"Body":"b","UserProperties":{"k":2}}]"#;
        assert_eq!(post(&broker, "/syncs/messages", &headers, body).await, StatusCode::CREATED);
        let bodies: Vec<String> =
            broker.with(|queues, now| std::iter::from_fn(|| queues.take("syncs", now)).map(|m| m.body).collect());
        assert_eq!(bodies, ["a", "b"]);
    }

    #[tokio::test]
    async fn refusals_use_the_services_statuses() {
        let dir = TempDir::new();
        let broker = broker(&dir);
        let token = ("authorization", "Bearer t");
        assert_eq!(post(&broker, "/syncs/messages", &[], "{}").await, StatusCode::UNAUTHORIZED);
        assert_eq!(post(&broker, "/other/messages", &[token], "{}").await, StatusCode::NOT_FOUND);
        let wrong = [token, ("BrokerProperties", "{")];
        assert_eq!(post(&broker, "/syncs/messages", &wrong, "{}").await, StatusCode::BAD_REQUEST);
        let undated = [token, ("BrokerProperties", r#"{"ScheduledEnqueueTimeUtc":"soon"}"#)];
        assert_eq!(post(&broker, "/syncs/messages", &undated, "{}").await, StatusCode::BAD_REQUEST);
        assert_eq!(broker.with(|queues, _| queues.next_due("syncs")), None);
    }

    #[tokio::test]
    async fn a_delivery_that_is_dropped_comes_back() {
        let dir = TempDir::new();
        let broker = broker(&dir);
        assert_eq!(post(&broker, "/syncs/messages", &[("authorization", "Bearer t")], "x").await, StatusCode::CREATED);
        drop(broker.receive("syncs").await);
        let again = broker.receive("syncs").await;
        assert_eq!(again.message.delivery_count, 2);
        again.complete();
        assert_eq!(broker.with(|queues, _| queues.next_due("syncs")), None);
    }
}
