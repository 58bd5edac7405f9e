//! How long the audit trails and the history of runs are kept, and a copy of the trails' ends outside the database.

use serde_json::json;
use time::{Duration, OffsetDateTime, Time};
use uuid::Uuid;

use super::audit_trail::{Act, Actor, Trail};
use super::error::ServiceError;
use super::{RequestInfo, Services};
use crate::domain::ids::TenantId;
use crate::domain::tenant::AUDIT_RETENTION;
use crate::store::{StoreError, audit, audit_reading, syncs};

/// Tenants looked at by one statement.
const TENANTS: i64 = 500;
/// Entries removed from one trail in one round, and runs from one tenant's history.
const ENTRIES: i64 = 5_000;
/// How long runs of sources are kept with what they said.
const RUNS: Duration = Duration::days(100);

/// The instant before which a trail is not kept: the beginning of a day (UTC), so that at most one removal a day is
/// recorded.
fn kept_from(now: OffsetDateTime, days: i32) -> OffsetDateTime {
    let (least, most, _) = AUDIT_RETENTION;
    now.replace_time(Time::MIDNIGHT) - Duration::days(i64::from(days.clamp(least, most)))
}

impl Services {
    /// Removes what is older than each tenant's retention. Gives how many entries of trails, and how many runs. One
    /// tenant's failure does not keep the others.
    pub(crate) async fn expire_history(&self) -> Result<(u64, u64), ServiceError> {
        let (mut removed, mut after) = ((0, 0), Uuid::nil());
        loop {
            let tenants = {
                let mut router = self.database.router_connection().await?;
                audit::retentions(&mut router, after, TENANTS).await?
            };
            let Some((last, _)) = tenants.last() else { return Ok(removed) };
            after = last.0;
            for (tenant, settings) in tenants {
                match self.expire_trail(tenant, kept_from(self.now(), settings.audit_retention_days)).await {
                    Ok(entries) => removed.0 += entries,
                    Err(error) => {
                        tracing::error!(tenant = %tenant, error = %error, "Old entries of an audit trail were not removed");
                    }
                }
                match self.expire_runs(tenant).await {
                    Ok(runs) => removed.1 += runs,
                    Err(error) => tracing::error!(tenant = %tenant, error = %error, "Old runs were not removed"),
                }
            }
        }
    }

    async fn expire_runs(&self, tenant: TenantId) -> Result<u64, ServiceError> {
        let mut tx = self.database.tenant(tenant).await?;
        let runs = syncs::delete_old(&mut tx, tenant, self.now() - RUNS, ENTRIES).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(runs)
    }

    async fn expire_trail(&self, tenant: TenantId, before: OffsetDateTime) -> Result<u64, ServiceError> {
        // Only the tenant's own role reads what was recorded.
        let through = {
            let mut tx = self.database.tenant(tenant).await?;
            audit_reading::removed_through(&mut tx, tenant).await?
        };
        let mut tx = self.database.router().await?;
        let unchained = audit::delete_old_unchained(&mut tx, tenant, before, ENTRIES).await?;
        let chained = audit::delete_old(&mut tx, tenant, through, before, ENTRIES).await?;
        let entries = unchained + chained.map_or(0, |(entries, _)| u64::try_from(entries).unwrap_or(0));
        if entries == 0 {
            return Ok(0);
        }
        // Without this entry, the verification would miss what is gone.
        let through = chained.map_or(through, |(_, last)| last);
        let act = Act::new("audit.expired", "audit").detail(json!({ "entries": entries, "through": through }));
        self.record(&mut tx, Trail::Tenant(tenant), &Actor::SYSTEM, &RequestInfo::default(), act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(entries)
    }

    /// Writes the end of every chain to the log, which is kept elsewhere: who cuts off the newest entries together with
    /// their head is found by comparing.
    pub(crate) async fn log_audit_heads(&self) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let mut router = self.database.router_connection().await?;
            let heads = audit::heads(&mut router, after, TENANTS).await?;
            let Some((last, ..)) = heads.last() else { return Ok(()) };
            after = Some(*last);
            for (chain, seq, digest) in &heads {
                tracing::info!(chain = %chain, seq, digest, "The end of an audit trail");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_trail_is_kept_for_whole_days_and_never_less_than_the_shortest_time() {
        let now = datetime!(2026-11-23 10:30 UTC);
        assert_eq!(kept_from(now, 100), datetime!(2026-08-15 00:00 UTC));
        assert_eq!(kept_from(now, 1), kept_from(now, 90));
    }
}
