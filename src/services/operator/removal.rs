//! Deleting tenants: the dry run, the grace, and the end of it. `purge.rs` removes what is left then.

use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::TenantId;
use crate::domain::tenant::TenantStatus;
use crate::services::audit_trail::Act;
use crate::services::error::ServiceError;
use crate::services::operator::tenants::TenantItem;
use crate::services::{OperatorCaller, Services};
use crate::store::StoreError;
use crate::store::operator::tenants::{self, Columns, TenantRow};

pub use crate::store::operator::tenants::Removal;

impl Services {
    /// What would go with a tenant.
    pub async fn tenant_removal(&self, tenant: TenantId) -> Result<Removal, ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        tenants::removal(&mut tx, tenant).await?.ok_or(ServiceError::NotFound)
    }

    /// Stops a tenant and lets it be removed after a grace.
    pub async fn delete_tenant(
        &self,
        caller: &OperatorCaller,
        tenant: TenantId,
        grace: Duration,
        tag: Option<&str>,
    ) -> Result<TenantItem, ServiceError> {
        caller.require_fresh()?;
        let mut tx = self.operator_database.begin().await?;
        let row = self.tenant_to_change(&mut tx, tenant, tag).await?;
        let delete_after = self.now() + grace;
        let columns = Columns {
            name: &row.name,
            plan: &row.plan,
            status: TenantStatus::Deleting,
            delete_after: Some(delete_after),
            limits: row.limits.0,
        };
        tenants::update(&mut tx, tenant, &columns, self.now()).await?;
        let item = self.operator_tenant_item(&mut tx, tenant).await?;
        let detail = json!({ "grace_days": grace.whole_days() });
        let act = |resource| Act::new("tenant.deletion_scheduled", resource).detail(detail.clone());
        self.record_for(&mut tx, caller, tenant, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.stop_work(tenant).await?;
        Ok(item)
    }
}

/// Refuses to change a tenant whose grace is over: what is left of it cannot be called back.
pub(super) fn refuse_late(row: &TenantRow, now: OffsetDateTime) -> Result<(), ServiceError> {
    if row.delete_after.is_none_or(|at| at > now) {
        return Ok(());
    }
    Err(ServiceError::conflict(
        "being_removed",
        "El plazo ha terminado: la empresa se está eliminando.",
        "The grace is over: the company is being removed.",
    ))
}
