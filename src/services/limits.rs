//! What a tenant may use, asked where something is added. A limit is counted under a lock, so that of many at once no
//! more get in than it lets.

use time::Duration;

use super::Services;
use super::error::ServiceError;
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::sentences::codes;
use crate::domain::ids::{SourceId, TenantId};
use crate::domain::limits::Limits;
use crate::store::tenants::{self, Counted};
use crate::store::{StoreError, Tx, invitations, team};

/// The limit of members and open invitations is reached.
fn users_reached(most: i64) -> ServiceError {
    ServiceError::conflict(
        "limit_users",
        format!("Su plan admite {most} personas, contando las invitaciones abiertas; retire alguna o amplíe el plan."),
        format!("Your plan allows {most} people, open invitations included; remove one or extend the plan."),
    )
}

fn sources_reached(most: i64) -> ServiceError {
    ServiceError::conflict(
        "limit_sources",
        format!("Su plan admite {most} fuentes; elimine una o amplíe el plan."),
        format!("Your plan allows {most} sources; remove one or extend the plan."),
    )
}

fn datapoints_reached(most: i64) -> ServiceError {
    ServiceError::conflict(
        "limit_datapoints",
        format!("Con este archivo se superarían los {most} datos que admite su plan; no se ha guardado nada."),
        format!("With this file there would be more than the {most} datapoints of your plan; nothing was kept."),
    )
}

/// The limit of exported files is reached.
pub(crate) fn exports_reached(most: i64) -> ServiceError {
    ServiceError::conflict(
        "limit_exports",
        format!("Hoy ya se han exportado los {most} archivos que admite su plan; mañana podrá exportar más."),
        format!("Today's {most} exported files of your plan are used up; tomorrow you can export again."),
    )
}

/// What the tenant may use.
pub(crate) async fn of(tx: &mut Tx, tenant: TenantId) -> Result<Limits, StoreError> {
    Ok(tenants::find(tx, tenant).await?.limits())
}

/// Refuses when `more` people would be too many. Under the lock of [`Counted::Team`].
pub(crate) async fn refuse_users(tx: &mut Tx, tenant: TenantId, more: i64) -> Result<(), ServiceError> {
    let most = of(tx, tenant).await?.users;
    let now = team::count(tx, tenant).await? + invitations::count_open(tx, tenant).await?;
    if more > 0 && now + more > most { Err(users_reached(most)) } else { Ok(()) }
}

/// Refuses one more source when there are enough; locks until the transaction ends.
pub(crate) async fn refuse_source(tx: &mut Tx, tenant: TenantId) -> Result<(), ServiceError> {
    tenants::lock(tx, tenant, Counted::Sources).await?;
    let most = of(tx, tenant).await?.sources;
    let (sources, _) = tenants::sources_in_use(tx, tenant).await?;
    if sources >= most { Err(sources_reached(most)) } else { Ok(()) }
}

/// Counts what an import has written and refuses it when there is more than before and too much. The source is locked.
pub(crate) async fn refuse_import(tx: &mut Tx, tenant: TenantId, source: SourceId) -> Result<(), ServiceError> {
    tenants::lock(tx, tenant, Counted::Datapoints).await?;
    let (_, before) = tenants::sources_in_use(tx, tenant).await?;
    tenants::recount_stored(tx, tenant, source).await?;
    let (_, after) = tenants::sources_in_use(tx, tenant).await?;
    let most = of(tx, tenant).await?.datapoints;
    if after > before && after > most { Err(datapoints_reached(most)) } else { Ok(()) }
}

/// Counts what a slice has added; `Some`: it would be too much. The source is locked.
pub(crate) async fn count_slice(
    tx: &mut Tx,
    tenant: TenantId,
    source: SourceId,
    difference: i64,
) -> Result<Option<ConnectorError>, StoreError> {
    if difference > 0 {
        tenants::lock(tx, tenant, Counted::Datapoints).await?;
        let (_, before) = tenants::sources_in_use(tx, tenant).await?;
        let most = of(tx, tenant).await?.datapoints;
        if before + difference > most {
            let cause = format!("{before} datapoints stored, {difference} more, {most} allowed");
            return Ok(Some(ConnectorError::new(FailureKind::OverLimit, codes::LIMIT_DATAPOINTS, cause)));
        }
    }
    tenants::add_stored(tx, tenant, source, difference).await?;
    Ok(None)
}

impl Services {
    /// Time between two scheduled runs of a source: what it asks for, but no less than its tenant's limit.
    pub(crate) async fn cadence(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        source: SourceId,
    ) -> Result<Duration, ServiceError> {
        let wanted = tenants::cadence(tx, tenant, source).await?.ok_or(ServiceError::NotFound)?;
        let least = of(tx, tenant).await?.min_cadence_minutes;
        Ok(Duration::minutes(i64::from(wanted.max(least))))
    }
}
