//! Time and randomness, the only place of this program that asks the system for them.

use std::io;

use time::OffsetDateTime;
use uuid::Uuid;

/// A source of the present instant (UTC). The host beats in real time; only tests replace it.
pub trait Clock: Send + Sync {
    fn now(&self) -> OffsetDateTime;
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one real clock behind the trait")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// `N` bytes from the system's generator.
pub fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}

/// A random (version 4) UUID, for invocation ids, lock tokens and references.
///
/// # Panics
/// When the system has no random numbers; nothing sensible can go on then.
pub fn random_uuid() -> Uuid {
    match random_bytes() {
        Ok(bytes) => uuid::Builder::from_random_bytes(bytes).into_uuid(),
        Err(error) => panic!("no random numbers from the system: {error}"),
    }
}

/// How long to sleep until `due`; zero when it has passed.
pub fn until(now: OffsetDateTime, due: OffsetDateTime) -> std::time::Duration {
    (due - now).try_into().unwrap_or_default()
}

#[cfg(test)]
pub mod fake {
    use super::{Clock, OffsetDateTime};

    /// A clock that stands still.
    pub struct Still(pub OffsetDateTime);

    impl Clock for Still {
        fn now(&self) -> OffsetDateTime {
            self.0
        }
    }
}
