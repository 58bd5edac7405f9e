//! Sending to Service Bus through its documented REST call "Send Message to Queue".
//!
//! The official Rust crate is not published yet (docs/decisions/0003); this sender is what it will replace.

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use url::Url;
use uuid::Uuid;

use crate::domain::secret::Secret;

/// RFC 1123, the format of `ScheduledEnqueueTimeUtc`.
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
const TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;

/// A message for a queue. The body carries ids only; the row they name is the truth.
#[derive(Debug, Clone)]
pub struct Message {
    /// Name of the queue.
    pub queue: String,
    /// Known to the broker's duplicate detection; the same for repeated sends of the same announcement.
    pub id: Uuid,
    /// JSON text.
    pub body: String,
    /// Not to be delivered before; `None` = now.
    pub not_before: Option<OffsetDateTime>,
}

/// A message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// No answer, or not in time.
    #[error("the queue did not answer")]
    Unreachable(#[source] reqwest::Error),
    /// The broker refused.
    #[error("the queue answered {0}")]
    Refused(u16),
    /// The schedule's time cannot be written.
    #[error("the time of a scheduled message cannot be written")]
    Time(#[source] time::error::Format),
}

/// Where messages go.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Hands a message to the broker.
    async fn send(&self, message: &Message) -> Result<(), QueueError>;

    /// Whether the broker answers at all.
    async fn check(&self) -> Result<(), QueueError>;
}

/// Service Bus over REST.
#[derive(Debug, Clone)]
pub struct ServiceBus {
    http: reqwest::Client,
    base: Url,
    token: Option<Secret>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BrokerProperties {
    message_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_enqueue_time_utc: Option<String>,
}

impl ServiceBus {
    /// `base` is the namespace's address, for example `https://ns.servicebus.windows.net`.
    ///
    /// `token` is sent as bearer token; the namespace refuses messages without one.
    pub fn new(http: reqwest::Client, base: Url, token: Option<Secret>) -> Self {
        Self { http, base, token }
    }

    fn post(&self, queue: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(self.address(queue)).timeout(TIMEOUT);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    fn address(&self, queue: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/{queue}/messages"));
        url
    }
}

#[async_trait]
impl Queue for ServiceBus {
    /// Tries again on a network failure or 5xx, with the same message id.
    async fn send(&self, message: &Message) -> Result<(), QueueError> {
        let scheduled = message.not_before.map(|at| at.format(HTTP_DATE)).transpose().map_err(QueueError::Time)?;
        let properties = BrokerProperties { message_id: message.id, scheduled_enqueue_time_utc: scheduled };
        let properties = serde_json::to_string(&properties).unwrap_or_default();
        let mut attempt = 1;
        loop {
            let sent = self
                .post(&message.queue)
                .header("BrokerProperties", &properties)
                .header("Content-Type", "application/json")
                .body(message.body.clone())
                .send()
                .await;
            let error = match sent {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) if answer.status().is_client_error() => {
                    return Err(QueueError::Refused(answer.status().as_u16()));
                }
                Ok(answer) => QueueError::Refused(answer.status().as_u16()),
                Err(error) => QueueError::Unreachable(error.without_url()),
            };
            if attempt == ATTEMPTS {
                return Err(error);
            }
            attempt += 1;
        }
    }

    async fn check(&self) -> Result<(), QueueError> {
        match self.http.get(self.base.clone()).timeout(TIMEOUT).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(QueueError::Unreachable(error.without_url())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_scheduled_time_is_written_as_the_broker_reads_it() {
        let text = datetime!(2026-11-23 19:30:32 UTC).format(HTTP_DATE).unwrap();
        assert_eq!(text, "Mon, 23 Nov 2026 19:30:32 GMT");
    }

    #[test]
    fn broker_properties_name_the_message_and_leave_out_no_schedule() {
        let properties = BrokerProperties { message_id: Uuid::nil(), scheduled_enqueue_time_utc: None };
        assert_eq!(
            serde_json::to_string(&properties).unwrap(),
            r#"{"MessageId":"00000000-0000-0000-0000-000000000000"}"#
        );
    }
}
