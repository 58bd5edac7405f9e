//! Which days of a source to read next: the newest ones first, then history backwards.

use serde::{Deserialize, Serialize};
use time::{Date, Duration};

use crate::domain::period::add_months;

/// Days in one slice: what is fetched, and committed, at a time.
pub const SLICE_DAYS: i64 = 30;
/// Days before the last complete one that Google may still have changed when they were read.
const UNSETTLED_DAYS: i64 = 3;
/// History that is wanted.
const HISTORY_MONTHS: i32 = 13;

/// Days from `from` to `to`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// How far a source's data reaches before a run.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Today in the source's calendar.
    pub today: Date,
    /// Last complete day stored.
    pub data_through: Option<Date>,
    /// History is complete from this day on.
    pub backfilled_from: Option<Date>,
    /// History is wanted from this day on.
    pub backfill_until: Option<Date>,
}

impl Reach {
    /// The newest days a run must read: `look_back` days before today, and whatever was missed since the last run.
    pub fn recent(&self, look_back: i64) -> Window {
        let from = match (self.data_through, self.backfilled_from) {
            (Some(through), Some(oldest)) => {
                // The days before the last complete one may have changed since it was read.
                let settled = through - Duration::days(UNSETTLED_DAYS);
                (self.today - Duration::days(look_back)).min(settled).max(oldest)
            }
            _ => self.today - Duration::days(SLICE_DAYS - 1),
        };
        Window { from: from.min(self.today), to: self.today }
    }

    /// The first day of history that is wanted.
    pub fn goal(&self) -> Date {
        self.backfill_until
            .unwrap_or_else(|| add_months(self.today, -HISTORY_MONTHS).replace_day(1).unwrap_or(self.today))
    }

    /// The next slice of history, of so many days, or `None` when it is complete.
    pub fn history(&self, days: i64) -> Option<Window> {
        let oldest = self.backfilled_from?;
        let goal = self.goal();
        (oldest > goal).then(|| {
            let to = oldest - Duration::days(1);
            Window { from: (to - Duration::days(days - 1)).max(goal), to }
        })
    }
}

impl Window {
    /// The newest slice of this window, of so many days, and what remains of it.
    pub fn split_newest(self, days: i64) -> (Self, Option<Self>) {
        let from = (self.to - Duration::days(days - 1)).max(self.from);
        let rest = (from > self.from).then(|| Self { from: self.from, to: from - Duration::days(1) });
        (Self { from, to: self.to }, rest)
    }

    /// A window without a day: nothing remains.
    pub fn nothing(today: Date) -> Self {
        Self { from: today + Duration::days(1), to: today }
    }

    /// Whether it has no day.
    pub fn is_empty(self) -> bool {
        self.from > self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    const NEW: Reach =
        Reach { today: date!(2026 - 11 - 23), data_through: None, backfilled_from: None, backfill_until: None };

    #[test]
    fn a_new_source_reads_the_last_thirty_days_first() {
        assert_eq!(NEW.recent(3), Window { from: date!(2026 - 10 - 25), to: date!(2026 - 11 - 23) });
        assert_eq!(NEW.history(SLICE_DAYS), None);
    }

    #[test]
    fn history_is_read_backwards_without_gap_to_the_first_of_the_month_thirteen_months_ago() {
        let mut reach = Reach { backfilled_from: Some(date!(2026 - 10 - 25)), ..NEW };
        let mut slices = 0;
        while let Some(slice) = reach.history(SLICE_DAYS) {
            assert_eq!(slice.to + Duration::days(1), reach.backfilled_from.unwrap());
            reach.backfilled_from = Some(slice.from);
            slices += 1;
        }
        assert_eq!(reach.backfilled_from, Some(date!(2025 - 10 - 01)));
        assert_eq!(slices, 13);
    }

    #[test]
    fn a_later_run_reads_the_look_back_and_what_was_missed() {
        let reach =
            Reach { data_through: Some(date!(2026 - 11 - 22)), backfilled_from: Some(date!(2025 - 10 - 01)), ..NEW };
        assert_eq!(reach.recent(3), Window { from: date!(2026 - 11 - 19), to: date!(2026 - 11 - 23) });
        let missed = Reach { data_through: Some(date!(2026 - 08 - 31)), ..reach };
        assert_eq!(missed.recent(3).from, date!(2026 - 08 - 28));
    }

    #[test]
    fn a_long_window_is_read_newest_first() {
        let window = Window { from: date!(2026 - 08 - 28), to: date!(2026 - 11 - 23) };
        let (newest, rest) = window.split_newest(SLICE_DAYS);
        assert_eq!(newest, Window { from: date!(2026 - 10 - 25), to: date!(2026 - 11 - 23) });
        assert_eq!(rest, Some(Window { from: date!(2026 - 08 - 28), to: date!(2026 - 10 - 24) }));
        let (last, none) = Window { from: date!(2026 - 11 - 19), to: date!(2026 - 11 - 23) }.split_newest(SLICE_DAYS);
        assert_eq!((last.from, none), (date!(2026 - 11 - 19), None));
        assert!(Window::nothing(NEW.today).is_empty());
    }
}
