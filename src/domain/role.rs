//! Who may do what.

use serde::{Deserialize, Serialize};

/// A member's role in a tenant, or the platform's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads figures, catalogue and state.
    Viewer,
    /// A viewer who also manages sources, team and settings of the tenant.
    Admin,
    /// Runs the platform; belongs to no tenant.
    Operator,
}

impl Role {
    /// The name used in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    /// A member's role by its stored name; `operator` is not one.
    pub fn parse_member(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}
