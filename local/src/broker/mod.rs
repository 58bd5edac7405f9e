//! A stand-in for Service Bus: queues with peek-lock, delivery count, immediate redelivery, scheduled messages and
//! dead letters, reached by the same REST send call as the real one. Messages survive a restart (`journal`).

mod journal;
pub mod queues;
pub mod rest;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use crate::clock::{Clock, until};
use queues::Queues;

/// How long an undelivered message lives unless it says otherwise: the service's default.
const TIME_TO_LIVE: Duration = Duration::days(14);

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Given by the broker, rising.
    pub sequence: i64,
    /// `MessageId`, given by the sender.
    pub id: String,
    /// Text; bytes that are not UTF-8 are replaced, as the trigger's string conversion does in the end.
    pub body: String,
    pub content_type: Option<String>,
    pub subject: Option<String>,
    pub correlation_id: Option<String>,
    pub to: Option<String>,
    pub reply_to: Option<String>,
    pub properties: Map<String, Value>,
    /// When it is (or will be) in the queue: the scheduled time of a scheduled message.
    #[serde(with = "time::serde::rfc3339")]
    pub enqueued: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
    /// Deliveries begun so far.
    pub delivery_count: u32,
}

impl Message {
    /// A message without extras, due at `enqueued`.
    pub fn new(id: String, body: String, enqueued: OffsetDateTime) -> Self {
        Self {
            sequence: 0,
            id,
            body,
            content_type: None,
            subject: None,
            correlation_id: None,
            to: None,
            reply_to: None,
            properties: Map::new(),
            enqueued,
            expires: enqueued + TIME_TO_LIVE,
            delivery_count: 0,
        }
    }
}

/// The queues, shared between the REST listener and the queue functions.
pub struct Broker {
    queues: Mutex<Queues>,
    changed: Notify,
    clock: Arc<dyn Clock>,
}

impl Broker {
    /// Opens the queues `names`, with the messages that an earlier run left in `file`.
    pub fn open(names: &[String], file: &Path, clock: Arc<dyn Clock>) -> std::io::Result<Arc<Self>> {
        let queues = Queues::open(names, file)?;
        Ok(Arc::new(Self { queues: Mutex::new(queues), changed: Notify::new(), clock }))
    }

    /// Works on the queues; what it changed is told to every waiting receiver.
    pub fn with<T>(&self, work: impl FnOnce(&mut Queues, OffsetDateTime) -> T) -> T {
        let now = self.clock.now();
        let result = work(&mut self.queues.lock().unwrap_or_else(PoisonError::into_inner), now);
        self.changed.notify_waiters();
        result
    }

    /// Locks the next due message of `queue`; waits for one.
    pub async fn receive(self: &Arc<Self>, queue: &str) -> Delivery {
        loop {
            let changed = self.changed.notified();
            let now = self.clock.now();
            let (taken, due) = {
                let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
                (queues.take(queue, now), queues.next_due(queue))
            };
            if let Some(message) = taken {
                return Delivery { broker: self.clone(), queue: queue.to_owned(), message, settled: false };
            }
            match due {
                // In pieces, so that a suspended machine notices that its clock has moved.
                Some(due) => {
                    let nap = until(now, due).min(std::time::Duration::from_secs(15));
                    tokio::time::timeout(nap, changed).await.ok();
                }
                None => changed.await,
            }
        }
    }
}

/// A locked message. Dropped without `complete`, it is abandoned: back in the queue at once, or dead-lettered.
pub struct Delivery {
    broker: Arc<Broker>,
    queue: String,
    pub message: Message,
    settled: bool,
}

impl Delivery {
    /// Removes the message for good.
    pub fn complete(mut self) {
        self.settled = true;
        self.broker.with(|queues, _| queues.complete(&self.queue, self.message.sequence));
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.settled {
            self.broker.with(|queues, _| queues.abandon(&self.queue, self.message.sequence));
        }
    }
}
