//! How old a figure is.

use serde::Serialize;
use time::{Date, OffsetDateTime};

use super::source::SourceStatus;

/// The age of a figure or of a source: three clocks and a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Freshness {
    /// Last complete period at the source.
    pub data_through: Option<Date>,
    /// When the source was last read with success.
    #[serde(with = "time::serde::rfc3339::option")]
    pub fetched_at: Option<OffsetDateTime>,
    /// When it is read next.
    #[serde(with = "time::serde::rfc3339::option")]
    pub next_due: Option<OffsetDateTime>,
    /// Periods from this day on may still change.
    pub provisional_from: Option<Date>,
    /// State of the source; the worst of several.
    pub status: SourceStatus,
}

impl Freshness {
    /// Of a figure that no source feeds any more, or not yet.
    pub fn unknown() -> Self {
        Self {
            data_through: None,
            fetched_at: None,
            next_due: None,
            provisional_from: None,
            status: SourceStatus::NotConnected,
        }
    }

    /// The freshness of what is made from several sources: the oldest of each clock, the worst state.
    pub fn oldest(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().reduce(|a, b| a.combine(&b)).unwrap_or_else(Self::unknown)
    }

    fn combine(self, other: &Self) -> Self {
        Self {
            data_through: least(self.data_through, other.data_through, true),
            fetched_at: least(self.fetched_at, other.fetched_at, true),
            next_due: least(self.next_due, other.next_due, false),
            provisional_from: least(self.provisional_from, other.provisional_from, false),
            status: if self.status.severity() >= other.status.severity() { self.status } else { other.status },
        }
    }
}

/// The smaller of two; an absent one wins where absence is the worst (`absent_is_oldest`), and loses otherwise.
fn least<T: Ord>(a: Option<T>, b: Option<T>, absent_is_oldest: bool) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) if absent_is_oldest => None,
        (Some(one), None) | (None, Some(one)) => Some(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    #[test]
    fn what_is_made_of_two_sources_is_as_old_as_the_older() {
        let fresh = Freshness {
            data_through: Some(date!(2026 - 11 - 22)),
            fetched_at: Some(datetime!(2026-11-23 09:00 UTC)),
            next_due: Some(datetime!(2026-11-23 15:00 UTC)),
            provisional_from: Some(date!(2026 - 11 - 21)),
            status: SourceStatus::Connected,
        };
        let old = Freshness {
            data_through: Some(date!(2015 - 12 - 31)),
            fetched_at: Some(datetime!(2026-11-20 09:00 UTC)),
            next_due: None,
            provisional_from: None,
            status: SourceStatus::Error,
        };
        let both = Freshness::oldest([fresh.clone(), old.clone()]);
        assert_eq!(both.data_through, old.data_through);
        assert_eq!(both.fetched_at, old.fetched_at);
        assert_eq!(both.next_due, fresh.next_due);
        assert_eq!(both.provisional_from, fresh.provisional_from);
        assert_eq!(both.status, SourceStatus::Error);
    }

    #[test]
    fn a_source_that_never_delivered_makes_the_age_unknown() {
        let fresh = Freshness { data_through: Some(date!(2026 - 11 - 22)), ..Freshness::unknown() };
        assert_eq!(Freshness::oldest([fresh, Freshness::unknown()]).data_through, None);
    }
}
