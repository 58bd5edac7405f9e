//! The broker's memory: one JSON line per change, rewritten without what is settled at every start.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Message;

/// One change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    Put { queue: String, message: Box<Message> },
    Taken { sequence: i64, count: u32 },
    Done { sequence: i64 },
    Dead { sequence: i64 },
}

/// The open file.
pub struct Journal {
    file: File,
}

/// A message left by an earlier run: its queue, itself, and whether it is a dead letter.
pub type Left = (String, Message, bool);

impl Journal {
    /// Reads what an earlier run left, compacts the file and opens it for appending.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<Left>)> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut left: BTreeMap<i64, Left> = BTreeMap::new();
        for line in text.lines() {
            // The last line may be cut off if the machine died; its change was never answered.
            match serde_json::from_str(line) {
                Ok(Entry::Put { queue, message }) => drop(left.insert(message.sequence, (queue, *message, false))),
                Ok(Entry::Taken { sequence, count }) => {
                    if let Some((_, message, _)) = left.get_mut(&sequence) {
                        message.delivery_count = count;
                    }
                }
                Ok(Entry::Done { sequence }) => drop(left.remove(&sequence)),
                Ok(Entry::Dead { sequence }) => {
                    if let Some((_, _, dead)) = left.get_mut(&sequence) {
                        *dead = true;
                    }
                }
                Err(error) => tracing::warn!("{}: a line was skipped: {error}", path.display()),
            }
        }
        let left: Vec<Left> = left.into_values().collect();
        let mut compact = Vec::new();
        for (queue, message, dead) in &left {
            line(&mut compact, &Entry::Put { queue: queue.clone(), message: Box::new(message.clone()) })?;
            if *dead {
                line(&mut compact, &Entry::Dead { sequence: message.sequence })?;
            }
        }
        crate::settings::write_atomically(path, &compact)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok((Self { file }, left))
    }

    /// Appends changes in one write.
    pub fn write(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut text = Vec::new();
        for entry in entries {
            line(&mut text, entry)?;
        }
        self.file.write_all(&text)
    }

    /// Appends a change whose loss only means one more delivery.
    pub fn note(&mut self, entry: &Entry) {
        if let Err(error) = self.write(std::slice::from_ref(entry)) {
            tracing::error!("the broker's journal could not be written: {error}");
        }
    }
}

fn line(out: &mut Vec<u8>, entry: &Entry) -> io::Result<()> {
    serde_json::to_writer(&mut *out, entry)?;
    out.push(b'\n');
    Ok(())
}
