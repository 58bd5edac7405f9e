//! The real clock, movable on a developer's machine.

use std::path::PathBuf;

use time::{Duration, OffsetDateTime};

use crate::domain::clock::Clock;

/// The machine's clock plus, in the local profile, an offset in seconds that a file holds.
///
/// The file is read at every call: it is a few bytes in the page cache, and a restarted handler needs no message.
#[derive(Debug, Default)]
pub struct SystemClock {
    offset_file: Option<PathBuf>,
}

impl SystemClock {
    /// `offset_file` must be `None` outside the local profile.
    pub fn new(offset_file: Option<PathBuf>) -> Self {
        Self { offset_file }
    }

    fn offset(&self) -> Duration {
        self.offset_file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok())
            .and_then(|text| text.trim().parse().ok())
            .map_or(Duration::ZERO, Duration::seconds)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
        let now = OffsetDateTime::now_utc();
        now.checked_add(self.offset()).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_moves_the_clock_and_nonsense_in_it_does_not() {
        let file = std::env::temp_dir().join(format!("portal-clock-{}", std::process::id()));
        std::fs::write(&file, "86400\n").unwrap();
        let real = SystemClock::default();
        let moved = SystemClock::new(Some(file.clone()));
        let ahead = moved.now() - real.now();
        assert!(ahead > Duration::hours(23) && ahead < Duration::hours(25), "{ahead}");
        std::fs::write(&file, "tomorrow").unwrap();
        assert!((moved.now() - real.now()).abs() < Duration::hours(1));
        std::fs::remove_file(file).unwrap();
    }
}
