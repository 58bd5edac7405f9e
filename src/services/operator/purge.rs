//! Removing what a deleted tenant has left, in steps that can be killed: the next round goes on where this one ended.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::domain::ids::{CredentialId, SourceId, TenantId};
use crate::services::audit_trail::{Act, Actor, Trail};
use crate::services::error::ServiceError;
use crate::services::{RequestInfo, Services};
use crate::store::operator::tenants;
use crate::store::tenants::source_ids;
use crate::store::{StoreError, datapoints, sources, tokens};

/// Tenants removed in one round.
const AT_ONCE: i64 = 10;
/// How long one round removes, well within the host's time-out: the rest of the housekeeping has its turn, too.
const BUDGET: Duration = Duration::from_mins(2);
/// Datapoints removed in one transaction.
const PORTION: i64 = 20_000;

impl Services {
    /// Removes tenants whose grace is over. Gives how many. One tenant's failure does not keep the others.
    pub(crate) async fn purge_tenants(&self) -> Result<u64, ServiceError> {
        let due = {
            let mut tx = self.operator_database.begin().await?;
            tenants::due_for_removal(&mut tx, self.now(), AT_ONCE).await?
        };
        let mut removed = 0;
        let deadline = Instant::now() + BUDGET;
        for (tenant, name) in due {
            match self.purge(tenant, &name, deadline).await {
                Ok(true) => removed += 1,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(tenant = %tenant, error = %error, "A deleted tenant was not removed; the next round tries again");
                }
            }
        }
        Ok(removed)
    }

    /// `false`: not all of it is gone yet, or it was called back.
    async fn purge(&self, tenant: TenantId, name: &str, deadline: Instant) -> Result<bool, ServiceError> {
        self.stop_work(tenant).await?;
        let ids: Vec<SourceId> = {
            let mut tx = self.database.tenant(tenant).await?;
            source_ids(&mut tx, tenant).await?
        };
        for id in ids {
            if !self.purge_source(tenant, id, deadline).await? {
                return Ok(false);
            }
        }
        let mut router = self.database.router_connection().await?;
        tokens::delete_of_tenant(&mut router, tenant).await?;
        drop(router);
        let mut tx = self.operator_database.begin().await?;
        let Some(people) = tenants::remove(&mut tx, tenant, self.now()).await? else { return Ok(false) };
        let act = Act::new("tenant.purged", format!("tenant/{tenant}"))
            .detail(json!({ "name": name, "people_removed": people }));
        let trail = Trail::Platform(Some(tenant));
        self.record(&mut tx, trail, &Actor::SYSTEM, &RequestInfo::default(), act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(true)
    }

    /// Removes a source: first its datapoints, which are most rows of all, in portions. `false`: the time is over.
    async fn purge_source(&self, tenant: TenantId, id: SourceId, deadline: Instant) -> Result<bool, ServiceError> {
        let mut after = Some(String::new());
        while let Some(place) = after {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            let mut tx = self.database.tenant(tenant).await?;
            after = datapoints::delete_portion(&mut tx, tenant, id, &place, PORTION).await?;
            tx.commit().await.map_err(StoreError::from)?;
        }
        let mut tx = self.database.tenant(tenant).await?;
        let source = sources::find_for_update(&mut tx, tenant, id).await?;
        sources::delete(&mut tx, tenant, id).await?;
        let withdrawal = match source.and_then(|source| source.credential_id) {
            Some(left) => self.drop_unused_access(&mut tx, tenant, CredentialId(left), id).await?,
            None => None,
        };
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_withdrawal(tenant, withdrawal).await;
        Ok(true)
    }

    /// Cancels all runs of a tenant that is not active any more. Safe to repeat; a run that this misses, because the
    /// process was killed or the run has just begun, looks at its tenant before its next slice.
    pub(crate) async fn stop_work(&self, tenant: TenantId) -> Result<(), ServiceError> {
        let ids = {
            let mut tx = self.database.tenant(tenant).await?;
            source_ids(&mut tx, tenant).await?
        };
        for id in ids {
            let mut tx = self.database.tenant(tenant).await?;
            // The source before its job, as everyone who changes both: no two wait for each other.
            sources::find_for_update(&mut tx, tenant, id).await?;
            if self.cancel_runs(&mut tx, tenant, id).await? {
                // What was cut off goes on with the first beat after the tenant is resumed.
                sources::set_next_due(&mut tx, tenant, id, Some(self.now())).await?;
            }
            tx.commit().await.map_err(StoreError::from)?;
        }
        Ok(())
    }
}
