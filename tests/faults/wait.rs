//! Waiting for something to become true, never for time to pass.

use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(100);

/// Asks `look` until it gives something; panics with `what` after `seconds`.
pub async fn eventually<T>(what: &str, seconds: u64, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        tokio::time::sleep(POLL).await;
    }
}
