//! The queues themselves. Time is an argument; every change is written to the journal before it is answered.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Message;
use super::journal::{Entry, Journal};

/// Deliveries before a message is dead-lettered: the service's default, a property of the queue.
pub const MAX_DELIVERY_COUNT: u32 = 10;

/// One queue: waiting messages by the time from which they may be delivered.
#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeMap<(OffsetDateTime, i64), Message>,
    locked: BTreeMap<i64, Message>,
    dead: BTreeMap<i64, Message>,
}

/// All queues.
pub struct Queues {
    by_name: BTreeMap<String, Queue>,
    next: i64,
    journal: Journal,
}

impl Queues {
    /// The named queues, filled from the journal. Messages of queues that no longer exist are kept but not delivered.
    pub fn open(names: &[String], file: &Path) -> std::io::Result<Self> {
        let (journal, left) = Journal::open(file)?;
        let mut queues: BTreeMap<String, Queue> = names.iter().map(|name| (name.clone(), Queue::default())).collect();
        let mut next = 1;
        for (queue, message, dead) in left {
            next = next.max(message.sequence + 1);
            let queue = queues.entry(queue).or_default();
            if dead {
                queue.dead.insert(message.sequence, message);
            } else {
                queue.waiting.insert((message.enqueued, message.sequence), message);
            }
        }
        Ok(Self { by_name: queues, next, journal })
    }

    /// Whether the queue exists.
    pub fn has(&self, queue: &str) -> bool {
        self.by_name.contains_key(queue)
    }

    /// Adds messages, all or none.
    pub fn send(&mut self, queue: &str, messages: Vec<Message>) -> std::io::Result<()> {
        let mut entries = Vec::new();
        let messages: Vec<Message> = (self.next..)
            .zip(messages)
            .map(|(sequence, message)| Message { sequence, ..message })
            .inspect(|message| {
                let (queue, message) = (queue.to_owned(), Box::new(message.clone()));
                entries.push(Entry::Put { queue, message });
            })
            .collect();
        self.journal.write(&entries)?;
        let target = self.by_name.entry(queue.to_owned()).or_default();
        for message in messages {
            self.next = message.sequence + 1;
            target.waiting.insert((message.enqueued, message.sequence), message);
        }
        Ok(())
    }

    /// Locks the message that is due longest and counts the delivery. Expired messages are dropped on the way.
    pub fn take(&mut self, queue: &str, now: OffsetDateTime) -> Option<Message> {
        let target = self.by_name.get_mut(queue)?;
        loop {
            let first = target.waiting.first_entry().filter(|first| first.key().0 <= now)?;
            let mut message = first.remove();
            if message.expires <= now {
                self.journal.note(&Entry::Done { sequence: message.sequence });
                continue;
            }
            message.delivery_count += 1;
            self.journal.note(&Entry::Taken { sequence: message.sequence, count: message.delivery_count });
            target.locked.insert(message.sequence, message.clone());
            return Some(message);
        }
    }

    /// When the next waiting message is due.
    pub fn next_due(&self, queue: &str) -> Option<OffsetDateTime> {
        self.by_name.get(queue)?.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Settles a locked message as done.
    pub fn complete(&mut self, queue: &str, sequence: i64) {
        if self.by_name.get_mut(queue).and_then(|queue| queue.locked.remove(&sequence)).is_some() {
            self.journal.note(&Entry::Done { sequence });
        }
    }

    /// Gives a locked message back: deliverable at once, or a dead letter after the last delivery.
    pub fn abandon(&mut self, queue: &str, sequence: i64) {
        let Some(target) = self.by_name.get_mut(queue) else {
            return;
        };
        let Some(message) = target.locked.remove(&sequence) else {
            return;
        };
        if message.delivery_count < MAX_DELIVERY_COUNT {
            target.waiting.insert((message.enqueued, sequence), message);
        } else {
            tracing::error!("queue `{queue}`: message {} is a dead letter now", message.id);
            self.journal.note(&Entry::Dead { sequence });
            target.dead.insert(sequence, message);
        }
    }

    /// What lies in the queue, for a developer's eyes.
    pub fn listing(&self, queue: &str) -> Option<Value> {
        let queue = self.by_name.get(queue)?;
        let waiting: Vec<&Message> = queue.waiting.values().collect();
        let locked: Vec<&Message> = queue.locked.values().collect();
        Some(json!({"waiting": waiting, "locked": locked, "dead_letters": queue.dead.len()}))
    }

    /// The dead letters of the queue.
    pub fn dead_letters(&self, queue: &str) -> Option<Vec<Message>> {
        Some(self.by_name.get(queue)?.dead.values().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;
    use crate::settings::tests::TempDir;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00 UTC);

    fn open(dir: &TempDir) -> Queues {
        Queues::open(&["syncs".to_owned()], &dir.path().join("journal")).unwrap()
    }

    fn message(id: &str, due: OffsetDateTime) -> Message {
        Message::new(id.to_owned(), "{}".to_owned(), due)
    }

    #[test]
    fn a_failed_message_comes_back_at_once_and_dies_after_the_tenth_delivery() {
        let dir = TempDir::new();
        let mut queues = open(&dir);
        queues.send("syncs", vec![message("a", NOON)]).unwrap();
        for count in 1..=MAX_DELIVERY_COUNT {
            let taken = queues.take("syncs", NOON).unwrap();
            assert_eq!(taken.delivery_count, count);
            assert!(queues.take("syncs", NOON).is_none(), "locked");
            queues.abandon("syncs", taken.sequence);
        }
        assert!(queues.take("syncs", NOON).is_none());
        assert_eq!(queues.dead_letters("syncs").unwrap().len(), 1);
    }

    #[test]
    fn a_scheduled_message_waits_for_its_time() {
        let dir = TempDir::new();
        let mut queues = open(&dir);
        let due = NOON + Duration::MINUTE;
        queues.send("syncs", vec![message("late", due), message("now", NOON)]).unwrap();
        assert_eq!(queues.take("syncs", NOON).unwrap().id, "now");
        assert!(queues.take("syncs", due - Duration::SECOND).is_none());
        assert_eq!(queues.next_due("syncs"), Some(due));
        assert_eq!(queues.take("syncs", due).unwrap().id, "late");
    }

    #[test]
    fn an_expired_message_is_never_delivered() {
        let dir = TempDir::new();
        let mut queues = open(&dir);
        let short = Message { expires: NOON + Duration::SECOND, ..message("short", NOON) };
        queues.send("syncs", vec![short]).unwrap();
        assert!(queues.take("syncs", NOON + Duration::SECOND).is_none());
        assert_eq!(queues.next_due("syncs"), None);
    }

    #[test]
    fn a_restart_loses_nothing_and_forgets_what_was_done() {
        let dir = TempDir::new();
        let mut queues = open(&dir);
        queues.send("syncs", vec![message("done", NOON), message("locked", NOON), message("later", NOON)]).unwrap();
        let done = queues.take("syncs", NOON).unwrap();
        queues.complete("syncs", done.sequence);
        let locked = queues.take("syncs", NOON).unwrap();
        drop(queues); // killed while one was in work

        let mut queues = open(&dir);
        let again = queues.take("syncs", NOON).unwrap();
        assert_eq!((again.sequence, again.delivery_count), (locked.sequence, 2));
        assert_eq!(queues.take("syncs", NOON).unwrap().id, "later");
        queues.send("syncs", vec![message("new", NOON)]).unwrap();
        assert!(queues.take("syncs", NOON).unwrap().sequence > 3);
    }

    #[test]
    fn dead_letters_survive_a_restart() {
        let dir = TempDir::new();
        let mut queues = open(&dir);
        queues.send("syncs", vec![message("bad", NOON)]).unwrap();
        for _ in 0..MAX_DELIVERY_COUNT {
            let taken = queues.take("syncs", NOON).unwrap();
            queues.abandon("syncs", taken.sequence);
        }
        drop(queues);
        assert_eq!(open(&dir).dead_letters("syncs").unwrap()[0].id, "bad");
    }
}
