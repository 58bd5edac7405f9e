//! When to try again after a failure that may heal.

use std::time::Duration;

/// Waits after the first failures without progress; after them it is [`HOURLY`].
const LADDER: [Duration; 4] =
    [Duration::from_secs(10), Duration::from_secs(30), Duration::from_secs(90), Duration::from_secs(270)];
const HOURLY: Duration = Duration::from_hours(1);

/// The wait before attempt `fruitless + 1`, where `fruitless` (≥ 1) attempts in a row made no progress.
///
/// `spread` in 0..=255 adds up to a quarter, so that sources that failed together do not come back together.
pub fn wait(fruitless: u32, spread: u8) -> Duration {
    let index = usize::try_from(fruitless.saturating_sub(1)).unwrap_or(usize::MAX);
    let base = LADDER.get(index).copied().unwrap_or(HOURLY);
    base + base * u32::from(spread) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_ends_in_hourly_attempts() {
        let seconds: Vec<u64> = [1, 2, 3, 4, 5, 500].map(|attempts| wait(attempts, 0).as_secs()).to_vec();
        assert_eq!(seconds, [10, 30, 90, 270, 3600, 3600]);
    }

    #[test]
    fn the_spread_adds_less_than_a_quarter() {
        assert!(wait(3, 255) > wait(3, 0));
        assert!(wait(3, 255) < Duration::from_millis(112_500));
    }
}
