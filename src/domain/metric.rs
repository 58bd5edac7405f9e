//! What a metric is: its unit, how it may be added up and what it means.

use serde::{Deserialize, Serialize};

use super::lang::Lang;

/// How values of a metric combine over time and over dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Additivity {
    /// Values add up.
    Sum,
    /// Numerators and denominators add up; the division comes last.
    Ratio,
    /// Only valid for exactly the stored period and dimensions (distinct users, for example).
    Unique,
    /// A snapshot: a period shows its last value.
    Last,
}

impl Additivity {
    /// The name used in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Ratio => "ratio",
            Self::Unique => "unique",
            Self::Last => "last",
        }
    }

    /// Parses the API name; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sum, Self::Ratio, Self::Unique, Self::Last].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Which way a metric should move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GoodDirection {
    /// More is better.
    Up,
    /// Less is better.
    Down,
    /// Neither is better.
    None,
}

impl GoodDirection {
    /// The name used in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::None => "none",
        }
    }
}

/// A text in the two languages of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bilingual {
    /// Spanish.
    pub es: &'static str,
    /// English.
    pub en: &'static str,
}

impl Bilingual {
    /// The wording in `lang`.
    pub const fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Es => self.es,
            Lang::En => self.en,
        }
    }
}

/// A metric as a connector declares it. Units: `count`, `percent` (a fraction, 0.25 is 25 %), `currency`, `seconds`.
#[derive(Debug, Clone, Copy)]
pub struct MetricDefinition {
    /// Stable key, for example `ga4.sessions`.
    pub key: &'static str,
    /// Display name.
    pub name: Bilingual,
    /// One or two sentences that a client understands.
    pub definition: Bilingual,
    /// The formula over fields of the source, for example `totalRevenue / sessions`.
    pub formula: &'static str,
    /// The endpoint the values come from.
    pub endpoint: &'static str,
    /// The field or fields of that endpoint.
    pub field: &'static str,
    /// Unit, see above.
    pub unit: &'static str,
    /// How it adds up.
    pub additivity: Additivity,
    /// Which way is good.
    pub good_direction: GoodDirection,
}
