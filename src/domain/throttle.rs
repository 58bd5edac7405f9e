//! Slowing down guesses and floods: attempts are counted under a key, before the work.

use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;

/// How attempts under one key are slowed down. Times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// `free` attempts cost nothing; after each further one the next must wait, `first` seconds doubling up to `most`.
    /// All is forgotten `forget` seconds after the last attempt.
    Backoff {
        /// Attempts without a wait.
        free: i32,
        /// The first wait.
        first: i32,
        /// The longest wait.
        most: i32,
        /// Peace after which counting starts anew; longer than `most`.
        forget: i32,
    },
    /// `most` attempts in `per` seconds from the first one on, then none until they are over.
    Window {
        /// Attempts let through.
        most: i32,
        /// Length of the window.
        per: i32,
    },
}

/// What is counted: a digest, so that no address is kept.
pub type Key = [u8; 32];

/// Whether an attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was counted and may go on.
    Go,
    /// It was not counted and has to come back after this.
    Wait(Duration),
}

/// The counters cannot be reached. Callers fail closed.
#[derive(Debug, thiserror::Error)]
#[error("the rate counters are not available")]
pub struct CountersUnavailable(#[source] pub Box<dyn StdError + Send + Sync>);

/// Counters that all handler processes share.
#[async_trait]
pub trait Counters: Send + Sync {
    /// Counts an attempt unless it has to wait. Of many at once no more get through than the policy lets.
    async fn hit(&self, key: &Key, policy: Policy) -> Result<Verdict, CountersUnavailable>;

    /// Takes one counted attempt back, with the wait that it caused.
    async fn take_back(&self, key: &Key) -> Result<(), CountersUnavailable>;

    /// Forgets everything under a key.
    async fn forget(&self, key: &Key) -> Result<(), CountersUnavailable>;
}
