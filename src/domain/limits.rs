//! What a tenant may use: its plan's limits, with exceptions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a tenant may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Limits {
    /// Sources.
    pub sources: i64,
    /// Datapoints stored.
    pub datapoints: i64,
    /// Members and open invitations.
    pub users: i64,
    /// Exported files per day of the tenant.
    pub exports_per_day: i64,
    /// Shortest time between two scheduled runs of a source, in minutes.
    pub min_cadence_minutes: i32,
}

/// Exceptions from the plan; what is absent is the plan's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// Sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<i64>,
    /// Datapoints stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints: Option<i64>,
    /// Members and open invitations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<i64>,
    /// Exported files per day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exports_per_day: Option<i64>,
    /// Shortest time between two scheduled runs, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_cadence_minutes: Option<i32>,
}

impl Overrides {
    /// Those that there are, by name.
    pub fn given(self) -> BTreeMap<&'static str, i64> {
        let all = [
            ("sources", self.sources),
            ("datapoints", self.datapoints),
            ("users", self.users),
            ("exports_per_day", self.exports_per_day),
            ("min_cadence_minutes", self.min_cadence_minutes.map(i64::from)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The plans, smallest first. An unknown stored plan counts as `standard`.
pub const PLANS: [(&str, Limits); 3] = [
    ("basic", Limits { sources: 3, datapoints: 500_000, users: 5, exports_per_day: 50, min_cadence_minutes: 360 }),
    (
        "standard",
        Limits { sources: 20, datapoints: 5_000_000, users: 25, exports_per_day: 500, min_cadence_minutes: 60 },
    ),
    (
        "plus",
        Limits { sources: 100, datapoints: 50_000_000, users: 200, exports_per_day: 5_000, min_cadence_minutes: 15 },
    ),
];

/// The plan of tenants that nobody chose one for.
pub const DEFAULT_PLAN: &str = "standard";

impl Limits {
    /// A plan's limits with exceptions.
    pub fn of(plan: &str, overrides: Overrides) -> Self {
        let standard = PLANS[1].1;
        let plan = PLANS.iter().find(|(key, _)| *key == plan).map_or(standard, |(_, limits)| *limits);
        Self {
            sources: overrides.sources.unwrap_or(plan.sources),
            datapoints: overrides.datapoints.unwrap_or(plan.datapoints),
            users: overrides.users.unwrap_or(plan.users),
            exports_per_day: overrides.exports_per_day.unwrap_or(plan.exports_per_day),
            min_cadence_minutes: overrides.min_cadence_minutes.unwrap_or(plan.min_cadence_minutes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_changes_one_limit_and_leaves_the_plans_others() {
        let limits = Limits::of("basic", Overrides { users: Some(50), ..Overrides::default() });
        assert_eq!((limits.users, limits.sources), (50, 3));
        assert_eq!(Limits::of("gone", Overrides::default()), Limits::of(DEFAULT_PLAN, Overrides::default()));
    }
}
