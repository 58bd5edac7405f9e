//! Tenants: making, changing, suspending, deleting.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::email;
use crate::domain::ids::TenantId;
use crate::domain::limits::{self, Limits, Overrides, PLANS};
use crate::domain::role::Role;
use crate::domain::tenant::{TenantSettings, TenantStatus};
use crate::services::audit_trail::{Act, Trail};
use crate::services::error::ServiceError;
use crate::services::mail::Order;
use crate::services::operator::removal::refuse_late;
use crate::services::paging::{page, with_one_more};
use crate::services::tenant::TenantChange;
use crate::services::version::refuse_stale;
use crate::services::{OperatorCaller, Services};
use crate::store::operator::overview::{self, SourceRow};
use crate::store::operator::tenants::{self, Columns, Filter};
use crate::store::{StoreError, Tx, invitations};

pub use super::wishes::{LimitsPatch, NewSettings, NewTenant, TenantPatch};
pub use crate::store::invitations::InvitationRow;
pub use crate::store::operator::tenants::{MemberRow, TenantRow};

/// Sources shown with a tenant.
const SOURCES: u32 = 200;
/// Longest explanation of a change.
const MAX_REASON: usize = 500;

/// A tenant with what it has exported today.
#[derive(Debug)]
pub struct TenantItem {
    /// The tenant.
    pub row: TenantRow,
    /// What it may use.
    pub limits: Limits,
    /// Files exported on its present day.
    pub exports_today: i64,
}

/// A tenant with its people.
#[derive(Debug)]
pub struct TenantDetail {
    /// The tenant.
    pub item: TenantItem,
    /// Its members.
    pub members: Vec<MemberRow>,
    /// Its open invitations.
    pub invitations: Vec<InvitationRow>,
    /// Its newest sources.
    pub sources: Vec<SourceRow>,
}

fn known_plan(plan: &str) -> Result<&str, ServiceError> {
    if PLANS.iter().any(|(key, _)| *key == plan) {
        return Ok(plan);
    }
    let known = PLANS.map(|(key, _)| key).join(", ");
    Err(ServiceError::field(
        "plan",
        "unknown_plan",
        format!("No existe ese plan; los que hay: {known}."),
        format!("There is no such plan; there are: {known}."),
    ))
}

fn checked_reason(reason: Option<&str>) -> Result<Option<&str>, ServiceError> {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    match reason {
        Some(text) if text.chars().count() > MAX_REASON || text.contains('\0') => Err(ServiceError::field(
            "reason",
            "too_long",
            format!("Use como mucho {MAX_REASON} caracteres."),
            format!("Use at most {MAX_REASON} characters."),
        )),
        reason => Ok(reason),
    }
}

fn name_taken() -> ServiceError {
    ServiceError::conflict(
        "name_taken",
        "Ya hay una empresa con ese nombre; elija otro.",
        "There is a company with that name already; choose another.",
    )
}

/// The state that a change leads to, and what it is called.
fn transition(
    row: &TenantRow,
    wanted: Option<TenantStatus>,
) -> Result<(TenantStatus, Option<&'static str>), ServiceError> {
    let now = row.status()?;
    match (now, wanted.unwrap_or(now)) {
        (_, TenantStatus::Deleting) if now != TenantStatus::Deleting => Err(ServiceError::field(
            "status",
            "bad_value",
            "Para eliminar una empresa use DELETE.",
            "Use DELETE to remove a company.",
        )),
        (TenantStatus::Deleting, TenantStatus::Active | TenantStatus::Suspended) => {
            Ok((wanted.unwrap_or(now), Some("tenant.deletion_cancelled")))
        }
        (TenantStatus::Active, TenantStatus::Suspended) => Ok((TenantStatus::Suspended, Some("tenant.suspended"))),
        (TenantStatus::Suspended, TenantStatus::Active) => Ok((TenantStatus::Active, Some("tenant.resumed"))),
        (same, _) => Ok((same, None)),
    }
}

/// What of limits, plan and name differs, before and after.
fn difference(row: &TenantRow, columns: &Columns<'_>) -> Vec<(&'static str, Value, Value)> {
    let mut acts = Vec::new();
    if row.name != columns.name {
        acts.push(("tenant.changed", json!({ "name": row.name }), json!({ "name": columns.name })));
    }
    if row.plan != columns.plan || row.limits.0 != columns.limits {
        let before = json!({ "plan": row.plan, "limits": row.limits.0 });
        acts.push(("tenant.limits_changed", before, json!({ "plan": columns.plan, "limits": columns.limits })));
    }
    acts
}

impl Services {
    /// A page of tenants, newest first, and where the next page begins.
    pub async fn operator_tenants(
        &self,
        name: Option<&str>,
        status: Option<TenantStatus>,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<TenantItem>, Option<Uuid>), ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let filter = Filter { name, status, before, id: None };
        let rows = tenants::list(&mut tx, &filter, with_one_more(limit)).await?;
        let (rows, next) = page(rows, limit, |row| row.id);
        Ok((self.with_exports(&mut tx, rows).await?, next))
    }

    async fn with_exports(&self, tx: &mut Tx, rows: Vec<TenantRow>) -> Result<Vec<TenantItem>, ServiceError> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let day = |row: &TenantRow| row.settings.0.zone.start_of(row.settings.0.zone.date_of(self.now()));
        let since: Vec<_> = rows.iter().map(day).collect();
        let exports: HashMap<Uuid, i64> = tenants::exports_since(tx, &ids, &since).await?.into_iter().collect();
        let item = |row: TenantRow| TenantItem {
            limits: row.allowed(),
            exports_today: exports.get(&row.id).copied().unwrap_or_default(),
            row,
        };
        Ok(rows.into_iter().map(item).collect())
    }

    pub(super) async fn operator_tenant_item(&self, tx: &mut Tx, tenant: TenantId) -> Result<TenantItem, ServiceError> {
        let filter = Filter { id: Some(tenant), ..Filter::default() };
        let rows = tenants::list(tx, &filter, 1).await?;
        self.with_exports(tx, rows).await?.pop().ok_or(ServiceError::NotFound)
    }

    /// A tenant as the caller has seen it and as it can still be changed, locked until the transaction ends.
    pub(super) async fn tenant_to_change(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        tag: Option<&str>,
    ) -> Result<TenantRow, ServiceError> {
        if !tenants::lock(tx, tenant).await? {
            return Err(ServiceError::NotFound);
        }
        let row = self.operator_tenant_item(tx, tenant).await?.row;
        refuse_stale(&row.tag(), tag)?;
        refuse_late(&row, self.now())?;
        Ok(row)
    }

    /// One tenant with its people.
    pub async fn operator_tenant(&self, tenant: TenantId) -> Result<TenantDetail, ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let item = self.operator_tenant_item(&mut tx, tenant).await?;
        let members = tenants::members(&mut tx, tenant).await?;
        let invitations = invitations::list(&mut tx, tenant).await?;
        drop(tx);
        let filter = overview::Filter { tenant: Some(tenant), ..overview::Filter::default() };
        let (sources, _) = self.operator_sources(&filter, None, SOURCES).await?;
        Ok(TenantDetail { item, members, invitations, sources })
    }

    /// Makes a tenant and invites its first admin, in one transaction.
    pub async fn create_tenant(&self, caller: &OperatorCaller, new: NewTenant) -> Result<TenantItem, ServiceError> {
        let admin = email::normalised(&new.admin_email);
        let mut tx = self.operator_database.begin().await?;
        let template = match new.template {
            Some(id) => Some(self.operator_tenant_item(&mut tx, id).await.map_err(|_| no_template())?.row),
            None => None,
        };
        let base = template.as_ref().map_or_else(TenantSettings::default, |row| row.settings.0.clone());
        let wanted = new.settings.unwrap_or_default();
        let change = TenantChange {
            name: Some(new.name),
            zone: wanted.zone,
            currency: wanted.currency,
            locale: wanted.locale,
            week_start: wanted.week_start,
            ..TenantChange::default()
        };
        let applied = change.applied("", &base);
        let (name, settings) = applied.map_err(|error| if admin.is_none() { and_admin(error) } else { error })?;
        let admin = admin.ok_or_else(bad_admin)?;
        let usual = template.as_ref().map_or(limits::DEFAULT_PLAN, |row| &row.plan);
        let plan = known_plan(new.plan.as_deref().unwrap_or(usual))?;
        if tenants::name_is_taken(&mut tx, &name, None).await? {
            return Err(name_taken());
        }
        if tenants::is_operators_address(&mut tx, &admin).await? {
            return Err(bad_admin());
        }
        let tenant = TenantId(self.new_id());
        let overrides = template.as_ref().map_or_else(Overrides::default, |row| row.limits.0);
        let status = TenantStatus::Active;
        let columns = Columns { name: &name, plan, status, delete_after: None, limits: overrides };
        tenants::insert(&mut tx, tenant, &columns, &settings, self.now()).await?;
        let invitation = self.new_id();
        invitations::insert(&mut tx, tenant, invitation, (&admin, Role::Admin), None).await?;
        let job = self.order_mail(&mut tx, tenant, &Order::Invitation { invitation }).await?;
        let item = self.operator_tenant_item(&mut tx, tenant).await?;
        let detail = json!({ "name": name, "plan": plan, "admin": admin });
        self.record_for(&mut tx, caller, tenant, |resource| {
            Act::new("tenant.created", resource).detail(detail.clone())
        })
        .await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_mail(tenant, job).await;
        Ok(item)
    }

    /// Records an operator's act on a tenant in the platform's trail and in the tenant's own.
    pub(crate) async fn record_for(
        &self,
        tx: &mut Tx,
        caller: &OperatorCaller,
        tenant: TenantId,
        act: impl Fn(String) -> Act,
    ) -> Result<(), ServiceError> {
        for trail in [Trail::Platform(Some(tenant)), Trail::Tenant(tenant)] {
            self.record(tx, trail, &caller.actor(), &caller.request, act(format!("tenant/{tenant}"))).await?;
        }
        Ok(())
    }

    /// Changes a tenant. Suspension ends requests, runs and mails at once.
    pub async fn change_tenant_as_operator(
        &self,
        caller: &OperatorCaller,
        tenant: TenantId,
        patch: TenantPatch,
        tag: Option<&str>,
    ) -> Result<TenantItem, ServiceError> {
        let reason = checked_reason(patch.reason.as_deref())?;
        let mut tx = self.operator_database.begin().await?;
        let row = self.tenant_to_change(&mut tx, tenant, tag).await?;
        let (status, moved) = transition(&row, patch.status)?;
        let change = TenantChange { name: patch.name, ..TenantChange::default() };
        let (name, _) = change.applied(&row.name, &row.settings.0)?;
        let plan = patch.plan.as_deref().map_or(Ok(row.plan.as_str()), known_plan)?;
        let limits = patch.limits.map_or(Ok(row.limits.0), |limits| limits.applied(row.limits.0))?;
        let delete_after = row.delete_after.filter(|_| status == TenantStatus::Deleting);
        let columns = Columns { name: &name, plan, status, delete_after, limits };
        if row.name != name && tenants::name_is_taken(&mut tx, &name, Some(tenant)).await? {
            return Err(name_taken());
        }
        let changes = difference(&row, &columns);
        if changes.is_empty() && moved.is_none() {
            return self.operator_tenant_item(&mut tx, tenant).await;
        }
        tenants::update(&mut tx, tenant, &columns, self.now()).await?;
        let item = self.operator_tenant_item(&mut tx, tenant).await?;
        let detail = json!({ "reason": reason });
        for (action, before, after) in changes {
            let act =
                |resource| Act::new(action, resource).change(before.clone(), after.clone()).detail(detail.clone());
            self.record_for(&mut tx, caller, tenant, act).await?;
        }
        if let Some(action) = moved {
            self.record_for(&mut tx, caller, tenant, |resource| Act::new(action, resource).detail(detail.clone()))
                .await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        if moved.is_some() && status != TenantStatus::Active {
            self.stop_work(tenant).await?;
        }
        Ok(item)
    }
}

fn bad_admin() -> ServiceError {
    ServiceError::field(
        "admin_email",
        "bad_email",
        "Indique el correo de una persona de la empresa.",
        "Give the address of a person of the company.",
    )
}

/// Everything that is wrong at once, so that nobody mends a form field by field.
fn and_admin(error: ServiceError) -> ServiceError {
    match (error, bad_admin()) {
        (ServiceError::Invalid(mut problems), ServiceError::Invalid(admin)) => {
            problems.extend(admin);
            ServiceError::Invalid(problems)
        }
        (error, _) => error,
    }
}

fn no_template() -> ServiceError {
    ServiceError::field(
        "template",
        "unknown_tenant",
        "No existe la empresa que sirve de plantilla.",
        "There is no such company to take as a template.",
    )
}
