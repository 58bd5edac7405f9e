//! Waits between the attempts of one call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::domain::random::Random;

/// What passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// We were too fast.
    Rate,
    /// Something else holds the object.
    Busy,
    /// Stripe or the way to it fails.
    Server,
}

impl Disturbance {
    /// The longest wait after `failed` attempts in a row; `None`: no further attempt. What is not over by then is the
    /// engine's to wait for, because nobody should sleep long while holding a job.
    const fn ceiling(self, failed: u32) -> Option<Duration> {
        let milliseconds = match (self, failed) {
            (Self::Rate, 1) => 1000,
            (Self::Rate, 2) => 2000,
            (Self::Rate, 3) => 4000,
            (Self::Busy, 1..=3) | (Self::Server, 1..=4) => 500 << (failed - 1),
            _ => return None,
        };
        Some(Duration::from_millis(milliseconds))
    }

    /// The wait after `failed` attempts in a row. Callers that were too fast together must not come back together, so that
    /// their wait is anything up to the ceiling; the others' is at least three quarters of it.
    pub fn wait(self, failed: u32, dice: u8) -> Option<Duration> {
        let ceiling = self.ceiling(failed)?;
        let share = match self {
            Self::Rate => ceiling * u32::from(dice) / 255,
            Self::Busy | Self::Server => ceiling * 3 / 4 + ceiling * u32::from(dice) / 1020,
        };
        Some(share)
    }
}

type Sleep = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// How to wait, and the dice for how long.
#[derive(Clone)]
pub struct Pauses {
    sleep: Sleep,
    random: Arc<dyn Random>,
}

impl fmt::Debug for Pauses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pauses").finish_non_exhaustive()
    }
}

impl Pauses {
    /// With this sleep, normally tokio's.
    pub fn new<F, S>(random: Arc<dyn Random>, sleep: S) -> Self
    where
        S: Fn(Duration) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self { sleep: Arc::new(move |wait| Box::pin(sleep(wait))), random }
    }

    /// Waits after `failed` attempts in a row; `false`: there is no further attempt.
    pub async fn after(&self, disturbance: Disturbance, failed: u32) -> bool {
        let mut dice = [0];
        self.random.fill(&mut dice);
        let Some(wait) = disturbance.wait(failed, dice[0]) else { return false };
        (self.sleep)(wait).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(disturbance: Disturbance, dice: u8) -> Vec<u128> {
        (1..).map_while(|failed| disturbance.wait(failed, dice)).map(|wait| wait.as_millis()).collect()
    }

    #[test]
    fn waits_grow_and_end() {
        assert_eq!(waits(Disturbance::Rate, 255), [1000, 2000, 4000]);
        assert_eq!(waits(Disturbance::Busy, 255), [500, 1000, 2000]);
        assert_eq!(waits(Disturbance::Server, 255), [500, 1000, 2000, 4000]);
    }

    #[test]
    fn a_rate_limit_has_full_jitter_and_the_others_a_quarter() {
        assert_eq!(waits(Disturbance::Rate, 0), [0, 0, 0]);
        assert_eq!(waits(Disturbance::Server, 0), [375, 750, 1500, 3000]);
    }
}
