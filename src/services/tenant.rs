//! A tenant's own settings, what it may use, and what it uses.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::audit_trail::Act;
use super::error::{FieldError, ServiceError};
use super::version::refuse_stale;
use super::{Caller, Services, audit_reading, names};
use crate::domain::currency::is_currency;
use crate::domain::limits::Limits;
use crate::domain::tenant::{AUDIT_RETENTION, TenantSettings, WeekStart, Zone, is_locale};
use crate::store::tenants::{self, TenantRow};
use crate::store::{StoreError, Tx, audit_reading as trail, invitations, team};

/// What a tenant uses of what it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Sources.
    pub sources: i64,
    /// Datapoints stored.
    pub datapoints: i64,
    /// Members and open invitations.
    pub users: i64,
    /// Files exported on the tenant's present day.
    pub exports_today: i64,
}

/// A tenant with its limits.
#[derive(Debug)]
pub struct TenantView {
    /// The tenant.
    pub row: TenantRow,
    /// Its settings.
    pub settings: TenantSettings,
    /// What it may use.
    pub limits: Limits,
    /// What it uses.
    pub used: Use,
}

/// What to change. Absent fields stay.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    /// Name.
    pub name: Option<String>,
    /// IANA zone.
    pub zone: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// Language and region.
    pub locale: Option<String>,
    /// First day of the week.
    pub week_start: Option<WeekStart>,
    /// Members must use a second factor.
    pub require_mfa: Option<bool>,
    /// Days that the audit trail is kept.
    pub audit_retention_days: Option<i32>,
}

impl TenantChange {
    /// Name and settings as they will be, or everything that is wrong.
    pub(crate) fn applied(self, name: &str, old: &TenantSettings) -> Result<(String, TenantSettings), ServiceError> {
        let mut problems = Vec::new();
        let wanted = self.name.as_deref().unwrap_or(name);
        let name = names::checked(wanted).unwrap_or_else(|problem| {
            problems.push(problem);
            ""
        });
        let name = name.to_owned();
        let zone = self.zone.map_or(Ok(old.zone), Zone::try_from).unwrap_or_else(|_| {
            problems.push(FieldError::new(
                "zone",
                "unknown_zone",
                "No conocemos esa zona horaria; use un nombre IANA, por ejemplo Europe/Madrid.",
                "There is no such time zone; use an IANA name, for example Europe/Madrid.",
            ));
            old.zone
        });
        let currency = self.currency.unwrap_or_else(|| old.currency.clone());
        if !is_currency(&currency) {
            problems.push(FieldError::new(
                "currency",
                "unknown_currency",
                "No conocemos esa moneda; use un código ISO 4217, por ejemplo EUR.",
                "There is no such currency; use a code of ISO 4217, for example EUR.",
            ));
        }
        let locale = self.locale.unwrap_or_else(|| old.locale.clone());
        if !is_locale(&locale) {
            problems.push(FieldError::new(
                "locale",
                "unknown_locale",
                "Use español o inglés con una región, por ejemplo es-ES o en-GB.",
                "Use Spanish or English with a region, for example es-ES or en-GB.",
            ));
        }
        let (least, most, _) = AUDIT_RETENTION;
        let audit_retention_days = self.audit_retention_days.unwrap_or(old.audit_retention_days);
        if !(least..=most).contains(&audit_retention_days) {
            problems.push(FieldError::new(
                "audit_retention_days",
                "out_of_range",
                format!("Deben ser entre {least} y {most} días."),
                format!("It must be between {least} and {most} days."),
            ));
        }
        if !problems.is_empty() {
            return Err(ServiceError::Invalid(problems));
        }
        let week_start = self.week_start.unwrap_or(old.week_start);
        let require_mfa = self.require_mfa.unwrap_or(old.require_mfa);
        Ok((name, TenantSettings { zone, currency, locale, week_start, require_mfa, audit_retention_days }))
    }
}

/// The fields that differ, before and after; `None`: none do.
fn difference(old: (&str, &TenantSettings), new: (&str, &TenantSettings)) -> Option<(Value, Value)> {
    let flat = |(name, settings): (&str, &TenantSettings)| {
        let mut fields = match json!(settings) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.insert("name".to_owned(), json!(name));
        fields
    };
    let (mut before, mut after) = (flat(old), flat(new));
    let same: Vec<String> =
        before.iter().filter(|(key, value)| after.get(*key) == Some(value)).map(|(key, _)| key.clone()).collect();
    for key in same {
        before.remove(&key);
        after.remove(&key);
    }
    (!after.is_empty()).then(|| (before.into(), after.into()))
}

impl Services {
    /// The tenant, its limits and their use.
    pub async fn tenant(&self, caller: &Caller) -> Result<TenantView, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        self.tenant_view(&mut tx, caller).await
    }

    async fn tenant_view(&self, tx: &mut Tx, caller: &Caller) -> Result<TenantView, ServiceError> {
        let tenant = caller.tenant;
        let row = tenants::find(tx, tenant).await?;
        let limits = row.limits();
        let (sources, datapoints) = tenants::sources_in_use(tx, tenant).await?;
        let users = team::count(tx, tenant).await? + invitations::count_open(tx, tenant).await?;
        let exports_today = exports_today(tx, caller, &row.settings.0, self.now()).await?;
        let used = Use { sources, datapoints, users, exports_today };
        Ok(TenantView { settings: row.settings.0.clone(), row, limits, used })
    }

    /// Changes name and settings.
    pub async fn change_tenant(
        &self,
        caller: &Caller,
        change: TenantChange,
        tag: Option<&str>,
    ) -> Result<TenantView, ServiceError> {
        let tenant = caller.tenant;
        let has_mfa = {
            let mut router = self.database.router_connection().await?;
            team::has_mfa(&mut router, caller.user).await?
        };
        let mut tx = self.database.tenant(tenant).await?;
        let present = tenants::find_for_update(&mut tx, tenant).await?;
        refuse_stale(&present.tag(), tag)?;
        let old = &present.settings.0;
        let (name, settings) = change.applied(&present.name, old)?;
        if settings.require_mfa && !old.require_mfa && !has_mfa {
            return Err(enroll_first());
        }
        if settings.require_mfa != old.require_mfa {
            caller.require_fresh()?;
        }
        let Some((before, after)) = difference((&present.name, old), (&name, &settings)) else {
            return self.tenant_view(&mut tx, caller).await;
        };
        tenants::update(&mut tx, tenant, &name, &settings, self.now()).await?;
        let view = self.tenant_view(&mut tx, caller).await?;
        let act = Act::new("tenant.changed", format!("tenant/{tenant}")).change(before, after);
        self.audit(&mut tx, caller, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(view)
    }
}

/// Files exported on the tenant's present day.
pub(crate) async fn exports_today(
    tx: &mut Tx,
    caller: &Caller,
    settings: &TenantSettings,
    now: OffsetDateTime,
) -> Result<i64, StoreError> {
    let since = settings.zone.start_of(settings.zone.date_of(now));
    trail::count_since(tx, caller.tenant, audit_reading::EXPORTED, since, 100_000).await
}

fn enroll_first() -> ServiceError {
    ServiceError::conflict(
        "enroll_first",
        "Active antes la verificación en dos pasos en su propia cuenta.",
        "Turn on two-step verification in your own account first.",
    )
}
