//! How old a figure is.

use serde::Serialize;
use time::{Date, Duration, OffsetDateTime};

use super::source::SourceStatus;
use super::tenant::Zone;

/// Days that the last complete day may lie behind the day of the read that brought it: a provider closes a day the day
/// after, and may be a day late with that.
const USUAL_LAG_DAYS: i64 = 2;

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
    /// It is older than its source's own rhythm lets expect.
    pub late: bool,
}

/// How far data reaches: of a source, or of one of its streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Last complete period.
    pub data_through: Option<Date>,
    /// When it was last read with success.
    pub fetched_at: Option<OffsetDateTime>,
    /// Periods from this day on may still change.
    pub provisional_from: Option<Date>,
}

impl Clocks {
    /// Of what is made of several: the oldest of each.
    pub fn oldest(all: impl IntoIterator<Item = Self>) -> Self {
        let combine = |a: Self, b: Self| Self {
            data_through: least(a.data_through, b.data_through, true),
            fetched_at: least(a.fetched_at, b.fetched_at, true),
            provisional_from: least(a.provisional_from, b.provisional_from, false),
        };
        all.into_iter().reduce(combine).unwrap_or_default()
    }
}

/// When a source is read, and how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// State.
    pub status: SourceStatus,
    /// When the timer reads it next.
    pub next_due: Option<OffsetDateTime>,
    /// Time between two runs; `None`: no timer reads it.
    pub rhythm: Option<Duration>,
    /// The zone of its calendar.
    pub zone: Option<Zone>,
}

impl Schedule {
    /// The age of data of this source.
    pub fn age(&self, clocks: Clocks, now: OffsetDateTime) -> Freshness {
        Freshness {
            data_through: clocks.data_through,
            fetched_at: clocks.fetched_at,
            next_due: self.next_due,
            provisional_from: clocks.provisional_from,
            status: self.status,
            late: self.is_late(clocks, now),
        }
    }

    /// Late is what should have been read by now, and what was read but did not move on. Nothing is expected of a source
    /// that a person stopped or never connected, nor of data that were never read: their age is unknown.
    fn is_late(&self, clocks: Clocks, now: OffsetDateTime) -> bool {
        let expected = !matches!(self.status, SourceStatus::Paused | SourceStatus::NotConnected);
        let (Some(rhythm), Some(fetched), true) = (self.rhythm, clocks.fetched_at, expected) else { return false };
        // A run may last its time, and one may fail and be tried again.
        let rhythm = rhythm.max(Duration::HOUR);
        let missed = now > fetched + rhythm + rhythm;
        let read_on = self.zone.map_or_else(|| fetched.date(), |zone| zone.date_of(fetched));
        let stuck = clocks.data_through.is_some_and(|day| day + Duration::days(USUAL_LAG_DAYS) < read_on);
        missed || stuck
    }
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
            late: false,
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
            late: self.late || other.late,
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
            late: false,
        };
        let old = Freshness {
            data_through: Some(date!(2015 - 12 - 31)),
            fetched_at: Some(datetime!(2026-11-20 09:00 UTC)),
            next_due: None,
            provisional_from: None,
            status: SourceStatus::Error,
            late: true,
        };
        let both = Freshness::oldest([fresh.clone(), old.clone()]);
        assert_eq!(both.data_through, old.data_through);
        assert_eq!(both.fetched_at, old.fetched_at);
        assert_eq!(both.next_due, fresh.next_due);
        assert_eq!(both.provisional_from, fresh.provisional_from);
        assert_eq!(both.status, SourceStatus::Error);
        assert!(both.late, "late as soon as a part of it is");
    }

    #[test]
    fn a_source_that_never_delivered_makes_the_age_unknown() {
        let fresh = Freshness { data_through: Some(date!(2026 - 11 - 22)), ..Freshness::unknown() };
        assert_eq!(Freshness::oldest([fresh, Freshness::unknown()]).data_through, None);
    }

    fn every_six_hours(status: SourceStatus) -> Schedule {
        let next_due = Some(datetime!(2026-11-23 15:00 UTC));
        Schedule { status, next_due, rhythm: Some(Duration::hours(6)), zone: None }
    }

    fn read_at(fetched: OffsetDateTime, through: Date) -> Clocks {
        Clocks { data_through: Some(through), fetched_at: Some(fetched), provisional_from: None }
    }

    #[test]
    fn late_is_what_its_rhythm_should_have_brought() {
        let read = read_at(datetime!(2026-11-23 09:00 UTC), date!(2026 - 11 - 22));
        let schedule = every_six_hours(SourceStatus::Error);
        assert!(!schedule.age(read, datetime!(2026-11-23 21:00 UTC)).late, "one run may fail");
        assert!(schedule.age(read, datetime!(2026-11-23 21:01 UTC)).late);
        assert!(!every_six_hours(SourceStatus::Paused).age(read, datetime!(2026-12-23 09:00 UTC)).late);
        assert!(!Schedule { rhythm: None, ..schedule }.age(read, datetime!(2026-12-23 09:00 UTC)).late, "a file");
        assert!(!schedule.age(Clocks::default(), datetime!(2026-12-23 09:00 UTC)).late, "unknown is not late");
        let often = Schedule { rhythm: Some(Duration::minutes(5)), ..schedule };
        assert!(!often.age(read, datetime!(2026-11-23 11:00 UTC)).late, "an hour at least is given");
    }

    #[test]
    fn a_source_that_is_read_in_time_and_stands_still_is_late() {
        let (now, schedule) = (datetime!(2026-11-23 10:00 UTC), every_six_hours(SourceStatus::Connected));
        assert!(!schedule.age(read_at(now, date!(2026 - 11 - 21)), now).late);
        assert!(schedule.age(read_at(now, date!(2026 - 11 - 20)), now).late);
    }
}
