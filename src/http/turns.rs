//! Turns: so many requests of one tenant run at once in this process, the others wait for theirs a little. A tenant that
//! floods the portal queues behind itself, not in front of the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::ids::TenantId;
use crate::services::error::ServiceError;

/// Requests of one tenant that run at once: half of the connections that requests share.
const AT_ONCE: usize = 4;
/// How long a request waits for its turn.
const WAIT: Duration = Duration::from_secs(3);

/// Who is being served, by tenant. Tenants without a request have no entry.
#[derive(Debug, Clone)]
pub struct Turns {
    lines: Arc<Mutex<HashMap<TenantId, Line>>>,
    at_once: usize,
    wait: Duration,
}

/// The requests of one tenant.
#[derive(Debug)]
struct Line {
    turns: Arc<Semaphore>,
    /// Those that run and those that wait.
    present: usize,
}

/// The right to run, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    /// Before the place: who leaves last finds nothing taken.
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

/// A place in a tenant's line.
#[derive(Debug)]
struct Place {
    turns: Turns,
    tenant: TenantId,
}

/// The turn did not come.
#[derive(Debug, thiserror::Error)]
#[error("{0} requests of tenant {1} are running already")]
struct Crowded(usize, TenantId);

impl Default for Turns {
    fn default() -> Self {
        Self::new(AT_ONCE, WAIT)
    }
}

impl Turns {
    /// So many at once for each tenant; the others wait so long.
    pub fn new(at_once: usize, wait: Duration) -> Self {
        Self { lines: Arc::default(), at_once, wait }
    }

    /// Waits for a turn.
    pub async fn take(&self, tenant: TenantId) -> Result<Turn, ServiceError> {
        let (place, turns) = self.enter(tenant);
        match tokio::time::timeout(self.wait, turns.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit, _place: place }),
            // Nobody closes a line; whoever did would have no turn to give.
            Ok(Err(_)) | Err(_) => Err(ServiceError::Unavailable(Box::new(Crowded(self.at_once, tenant)))),
        }
    }

    /// Tenants that have a request running or waiting.
    pub fn busy(&self) -> usize {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn enter(&self, tenant: TenantId) -> (Place, Arc<Semaphore>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Line { turns: Arc::new(Semaphore::new(self.at_once)), present: 0 };
        let line = lines.entry(tenant).or_insert_with(new);
        line.present += 1;
        (Place { turns: self.clone(), tenant }, Arc::clone(&line.turns))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.turns.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get_mut(&self.tenant) {
            line.present -= 1;
            if line.present == 0 {
                lines.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const A: TenantId = TenantId(Uuid::from_u128(1));
    const B: TenantId = TenantId(Uuid::from_u128(2));

    #[tokio::test]
    async fn each_tenant_has_its_own_turns() {
        let turns = Turns::new(2, Duration::ZERO);
        let (one, two) = (turns.take(A).await.unwrap(), turns.take(A).await.unwrap());
        assert!(matches!(turns.take(A).await, Err(ServiceError::Unavailable(_))));
        let other = turns.take(B).await.unwrap();
        assert_eq!(turns.busy(), 2);
        drop(one);
        let three = turns.take(A).await.unwrap();
        drop((two, three, other));
        assert_eq!(turns.busy(), 0, "idle tenants take no room");
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_turn_and_who_gives_up_leaves_nothing() {
        let turns = Turns::new(1, Duration::from_mins(1));
        let running = turns.take(A).await.unwrap();
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take(A).await.is_ok() }
        });
        // One that is cancelled while it waits, as when its client goes away.
        let cancelled = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take(A).await.is_ok() }
        });
        tokio::task::yield_now().await;
        cancelled.abort();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        drop(running);
        assert!(waiting.await.unwrap());
        assert_eq!(turns.busy(), 0);
    }
}
