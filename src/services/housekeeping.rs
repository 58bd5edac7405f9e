//! Removing what nobody needs any more, and sealing anew what an old key seals.

use time::Duration;

use super::Services;
use super::error::ServiceError;
use crate::store::{audit, idempotency, jobs, rate_counters, sessions, tokens};

/// Rows per statement, so that no statement holds locks for long.
const BATCH: i64 = 5_000;
/// How long the platform's own audit trail is kept.
const PLATFORM_TRAIL: Duration = Duration::days(730);

/// What one run did.
#[derive(Debug, Default)]
pub struct Removed {
    /// Sessions that had ended.
    pub sessions: u64,
    /// One-time tokens that had expired.
    pub tokens: u64,
    /// Jobs that ended long ago.
    pub jobs: u64,
    /// Idempotency keys of yesterday.
    pub keys: u64,
    /// Tenants whose grace is over.
    pub tenants: u64,
    /// Audit entries older than their tenants keep them.
    pub audit: u64,
    /// Runs of sources that ended long ago.
    pub runs: u64,
    /// Values of an old key that were sealed anew; not removed at all, but the same round does it.
    pub resealed: u64,
}

impl Services {
    /// One round; what is left over waits for the next.
    pub async fn housekeeping(&self) -> Result<Removed, ServiceError> {
        let tenants = self.purge_tenants().await?;
        let (audit, runs) = self.expire_history().await?;
        self.log_audit_heads().await?;
        self.report_missing_keys().await;
        let resealed = self.reseal_round().await?.done;
        let mut router = self.database.router_connection().await?;
        rate_counters::delete_expired(&mut router, BATCH).await?;
        let platform = audit::delete_old_platform(&mut router, self.now() - PLATFORM_TRAIL, BATCH).await?;
        Ok(Removed {
            sessions: sessions::delete_expired(&mut router, BATCH).await?,
            tokens: tokens::delete_expired(&mut router, BATCH).await?,
            jobs: jobs::delete_old(&mut router, BATCH).await?,
            keys: idempotency::delete_old(&mut router, BATCH).await?,
            tenants,
            audit: audit + platform,
            runs,
            resealed,
        })
    }
}
