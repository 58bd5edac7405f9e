//! What operators ask for: a new tenant, or a change of one.

use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::domain::ids::TenantId;
use crate::domain::limits::Overrides;
use crate::domain::tenant::{TenantStatus, WeekStart};
use crate::services::error::ServiceError;

/// A limit is a number of things: none, or up to a thousand million.
const MAX_LIMIT: i64 = 1_000_000_000;

/// A tenant to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// Name.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// Plan; the template's or the usual one without it.
    pub plan: Option<String>,
    /// Settings that differ from the template's or the usual ones.
    pub settings: Option<NewSettings>,
    /// A tenant whose plan, limits and settings are taken over.
    pub template: Option<TenantId>,
    /// Who is invited as its first admin.
    #[schema(max_length = 254)]
    pub admin_email: String,
}

/// Settings of a new tenant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettings {
    /// IANA zone.
    pub zone: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// Language and region.
    pub locale: Option<String>,
    /// First day of the week.
    pub week_start: Option<WeekStart>,
}

/// What to change in a tenant. Absent fields stay.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantPatch {
    /// Name.
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    /// `active` or `suspended`.
    pub status: Option<TenantStatus>,
    /// Plan.
    pub plan: Option<String>,
    /// Exceptions from the plan's limits; null takes one away.
    pub limits: Option<LimitsPatch>,
    /// Why; the tenant's admins read it in their audit trail.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// Exceptions to be set or, with null, taken away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsPatch {
    /// Sources.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    pub sources: Option<Option<i64>>,
    /// Datapoints stored.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    pub datapoints: Option<Option<i64>>,
    /// Members and open invitations.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    pub users: Option<Option<i64>>,
    /// Exported files per day.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    pub exports_per_day: Option<Option<i64>>,
    /// Shortest time between two scheduled runs, in minutes.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = 5, maximum = 10_080)]
    pub min_cadence_minutes: Option<Option<i32>>,
}

/// Tells null from absent.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl LimitsPatch {
    pub(crate) fn applied(&self, old: Overrides) -> Result<Overrides, ServiceError> {
        let new = Overrides {
            sources: self.sources.unwrap_or(old.sources),
            datapoints: self.datapoints.unwrap_or(old.datapoints),
            users: self.users.unwrap_or(old.users),
            exports_per_day: self.exports_per_day.unwrap_or(old.exports_per_day),
            min_cadence_minutes: self.min_cadence_minutes.unwrap_or(old.min_cadence_minutes),
        };
        let counts = [
            ("limits.sources", new.sources),
            ("limits.datapoints", new.datapoints),
            ("limits.users", new.users),
            ("limits.exports_per_day", new.exports_per_day),
        ];
        for (field, value) in counts {
            if value.is_some_and(|value| !(0..=MAX_LIMIT).contains(&value)) {
                return Err(out_of_range(field, 0, MAX_LIMIT));
            }
        }
        if new.min_cadence_minutes.is_some_and(|minutes| !(5..=10_080).contains(&minutes)) {
            return Err(out_of_range("limits.min_cadence_minutes", 5, 10_080));
        }
        Ok(new)
    }
}

fn out_of_range(field: &str, least: i64, most: i64) -> ServiceError {
    ServiceError::field(
        field,
        "out_of_range",
        format!("Debe ser un número de {least} a {most}."),
        format!("It must be a number from {least} to {most}."),
    )
}
