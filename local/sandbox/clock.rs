//! The sandbox's time: the real time plus an offset that anyone on this machine may move.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Duration, Utc};

/// Reads its time from the machine and a file that holds one signed integer: the offset in seconds. The handler reads
/// the same file, so both agree on "now" at every moment.
#[derive(Debug, Clone)]
pub struct Clock {
    file: PathBuf,
}

impl Clock {
    /// A clock on this offset file; an absent file means real time.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// The present, moved by the offset.
    pub fn now(&self) -> DateTime<Utc> {
        let real = real_now();
        real.checked_add_signed(Duration::seconds(self.offset())).unwrap_or(real)
    }

    /// The offset in seconds; 0 without a file or with one that cannot be read.
    pub fn offset(&self) -> i64 {
        let Ok(text) = std::fs::read_to_string(&self.file) else {
            return 0;
        };
        let limit = 100 * 366 * 86_400;
        text.trim().parse().map_or_else(
            |_| {
                tracing::warn!(file = %self.file.display(), "the clock file holds no integer, using real time");
                0
            },
            |offset: i64| offset.clamp(-limit, limit),
        )
    }

    /// Moves the clock to `now`, or back to real time. The file changes in one step, so a reader never sees half of it.
    pub fn set(&self, now: Option<DateTime<Utc>>) -> std::io::Result<()> {
        match now {
            Some(now) => {
                // Rounded up to whole seconds, so that the clock never shows a moment before the one that was asked for.
                let seconds = -(real_now() - now).num_milliseconds().div_euclid(1_000);
                write_atomically(&self.file, seconds.to_string().as_bytes())
            }
            None => match std::fs::remove_file(&self.file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }
}

/// The machine's time: the one place of the sandbox that asks for it.
fn real_now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// Replaces a file in one step: a neighbour is written and then renamed over it.
pub fn write_atomically(file: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let neighbour = PathBuf::from(name);
    std::fs::write(&neighbour, content)?;
    std::fs::rename(&neighbour, file)
}
