//! Removing what a deleted tenant has left, in steps that can be killed: the next round goes on where this one ended.

use serde_json::json;

use crate::domain::ids::{SourceId, TenantId};
use crate::services::audit_trail::{Act, Actor, Trail};
use crate::services::error::ServiceError;
use crate::services::{RequestInfo, Services};
use crate::store::operator::tenants;
use crate::store::tenants::source_ids;
use crate::store::{StoreError, datapoints, sources, tokens};

/// Tenants removed in one round.
const AT_ONCE: i64 = 10;

impl Services {
    /// Removes tenants whose grace is over. Gives how many. One tenant's failure does not keep the others.
    pub(crate) async fn purge_tenants(&self) -> Result<u64, ServiceError> {
        let due = {
            let mut tx = self.operator_database.begin().await?;
            tenants::due_for_removal(&mut tx, self.now(), AT_ONCE).await?
        };
        let mut removed = 0;
        for (tenant, name) in due {
            match self.purge(tenant, &name).await {
                Ok(true) => removed += 1,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(tenant = %tenant, error = %error, "A deleted tenant was not removed; the next round tries again");
                }
            }
        }
        Ok(removed)
    }

    async fn purge(&self, tenant: TenantId, name: &str) -> Result<bool, ServiceError> {
        self.stop_work(tenant).await?;
        // Most rows are datapoints: each source's go in a transaction of their own.
        let ids: Vec<SourceId> = {
            let mut tx = self.database.tenant(tenant).await?;
            source_ids(&mut tx, tenant).await?
        };
        for id in ids {
            let mut tx = self.database.tenant(tenant).await?;
            datapoints::delete_all(&mut tx, tenant, id).await?;
            sources::delete(&mut tx, tenant, id).await?;
            tx.commit().await.map_err(StoreError::from)?;
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

    /// Cancels all runs of a tenant; what runs stops at its next slice. Safe to repeat.
    pub(crate) async fn stop_work(&self, tenant: TenantId) -> Result<(), ServiceError> {
        let mut tx = self.database.tenant(tenant).await?;
        for id in source_ids(&mut tx, tenant).await? {
            self.cancel_runs(&mut tx, tenant, id).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}
