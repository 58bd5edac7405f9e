//! What goes into a fetch and what comes out of it.

use std::fmt;

use time::{Date, OffsetDateTime};

use crate::connectors::contract::Partition;
use crate::connectors::sentences::codes;
use crate::domain::period::days_between;

/// A property that the connected account can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// `properties/123`.
    pub id: String,
    /// Display name of the property.
    pub name: String,
    /// Display name of the account it belongs to.
    pub account: String,
}

/// A property's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyDetails {
    /// IANA time zone, in which the property's days begin.
    pub zone: String,
    /// ISO 4217 code of its money metrics.
    pub currency: String,
    /// Display name.
    pub name: String,
    /// The day of its creation in its own zone: no data before it.
    pub created: Option<Date>,
}

/// What to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPlan {
    /// `properties/123`.
    pub property: String,
    /// First day, in the property's zone.
    pub from: Date,
    /// Last day, inclusive; may be today.
    pub to: Date,
    /// Today in the property's zone.
    pub today: Date,
    /// The property's first day: days before it get no explicit zero.
    pub created: Option<Date>,
    /// The instant of the fetch, for a daily quota's end.
    pub now: OffsetDateTime,
}

impl FetchPlan {
    /// Days from the first to the last.
    pub fn days(&self) -> i64 {
        days_between(self.from, self.to)
    }
}

/// One fetched slice of days.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// What the store replaces, each in full.
    pub partitions: Vec<Partition>,
    /// The property's zone as the reports tell it.
    pub zone: Option<String>,
    /// The property's currency as the reports tell it.
    pub currency: Option<String>,
    /// Rows that Google sent.
    pub rows_read: u64,
    /// A quota is nearly used up: slow down.
    pub quota_low: bool,
    /// What is worth the operator's attention.
    pub notes: Vec<Note>,
    /// So many days gave an estimate, or too many rows to hold: nothing of them was kept, and this many are to be asked
    /// for instead.
    pub narrower: Option<i64>,
}

/// Something about a report that does not stop the sync but limits what its figures say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Rows without a date were dropped: the report has hit a row limit and `date` was `(other)`.
    OtherDate {
        /// The report.
        report: &'static str,
        /// How many rows.
        rows: u64,
    },
    /// Rare dimension values were folded into `(other)`.
    DataLoss {
        /// The report.
        report: &'static str,
    },
    /// Google withheld rows about few people.
    Thresholded {
        /// The report.
        report: &'static str,
    },
    /// The figures are an estimate from a sample.
    Sampled {
        /// The report.
        report: &'static str,
    },
    /// The account may not see this metric and Google sends zeros for it; the zeros were dropped.
    Restricted {
        /// The report.
        report: &'static str,
        /// The API's name of the metric.
        metric: String,
    },
}

impl Note {
    /// The stable code, which has a sentence for clients.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherDate { .. } | Self::DataLoss { .. } => codes::GA4_NOTE_FOLDED,
            Self::Thresholded { .. } => codes::GA4_NOTE_THRESHOLDED,
            Self::Sampled { .. } => codes::GA4_NOTE_SAMPLED,
            Self::Restricted { .. } => codes::GA4_NOTE_RESTRICTED,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherDate { report, rows } => write!(f, "{report}: {rows} rows without a date dropped"),
            Self::DataLoss { report } => write!(f, "{report}: rare values folded into (other)"),
            Self::Thresholded { report } => write!(f, "{report}: rows about few people withheld"),
            Self::Sampled { report } => write!(f, "{report}: sampled"),
            Self::Restricted { report, metric } => write!(f, "{report}: the account may not see {metric}"),
        }
    }
}
