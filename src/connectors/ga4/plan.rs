//! Which days a run reads next: the newest ones first, then history backwards. Pure, so that it can be stopped anywhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Date, Duration};

use super::window::{Reach, Window};
use crate::connectors::contract::StreamState;

/// Days that every run reads again, because Google still changes them.
const EVERY_RUN: i64 = 3;
/// Days that the first run of a day reads again: attribution moves for that long.
const EVERY_NIGHT: i64 = 14;
/// Days that the first run of a week reads again.
const EVERY_WEEK: i64 = 35;
/// Days between two of the long looks back.
const WEEK: i64 = 7;

/// What is remembered between runs: the days on which the longer looks back were last completed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// Of the nightly one.
    pub night: Option<Date>,
    /// Of the weekly one.
    pub week: Option<Date>,
}

impl Cursor {
    /// Reads a stored cursor; what cannot be read only costs a longer look back.
    pub fn read(value: &Value) -> Self {
        Self::deserialize(value).unwrap_or_default()
    }
}

/// What is remembered within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunState {
    /// The last of the newest days: today when the run began, however long it takes.
    pub through: Date,
    /// What remains of the newest days.
    pub recent: Window,
    /// Days looked back.
    pub look_back: i64,
}

/// A slice of days to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// The days.
    pub window: Window,
    /// The run's state after it.
    pub after: RunState,
    /// The newest days are all in with this slice.
    pub closes_recent: bool,
    /// The slice continues history backwards.
    pub is_history: bool,
}

/// The next slice, or `None` when everything is read. `today` is the account's.
pub fn next(state: &StreamState, run: &Value, today: Date) -> Option<Task> {
    let run = RunState::deserialize(run).unwrap_or_else(|_| begin(state, today));
    let reach = reach(state, run.through);
    if run.recent.is_empty() {
        return reach.history().map(|window| Task { window, after: run, closes_recent: false, is_history: true });
    }
    let (window, rest) = run.recent.split_newest();
    let rest = rest.unwrap_or_else(|| Window::nothing(run.through));
    let after = RunState { recent: rest, ..run };
    Some(Task { window, after, closes_recent: rest.is_empty(), is_history: false })
}

fn begin(state: &StreamState, today: Date) -> RunState {
    let cursor = Cursor::read(&state.cursor);
    let week_is_over = cursor.week.is_none_or(|last| today - last >= Duration::days(WEEK));
    let look_back = if week_is_over {
        EVERY_WEEK
    } else if cursor.night != Some(today) {
        EVERY_NIGHT
    } else {
        EVERY_RUN
    };
    RunState { through: today, recent: reach(state, today).recent(look_back), look_back }
}

/// The cursor after the newest days of a run are in.
pub fn closed(cursor: &Value, run: RunState) -> Cursor {
    let mut cursor = Cursor::read(cursor);
    if run.look_back >= EVERY_NIGHT {
        cursor.night = Some(run.through);
    }
    if run.look_back >= EVERY_WEEK {
        cursor.week = Some(run.through);
    }
    cursor
}

/// The first day of history that is wanted.
pub fn goal(state: &StreamState, today: Date) -> Date {
    reach(state, today).goal()
}

fn reach(state: &StreamState, today: Date) -> Reach {
    Reach {
        today,
        data_through: state.reach.data_through,
        backfilled_from: state.reach.backfilled_from,
        backfill_until: state.reach.backfill_until,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::contract;
    use serde_json::json;
    use time::macros::date;

    const TODAY: Date = date!(2026 - 11 - 23);

    fn known(cursor: Cursor) -> StreamState {
        let reach = contract::Reach {
            data_through: Some(date!(2026 - 11 - 22)),
            backfilled_from: Some(date!(2025 - 10 - 01)),
            backfill_until: Some(date!(2025 - 10 - 01)),
            ..contract::Reach::default()
        };
        StreamState { cursor: json!(cursor), reach }
    }

    fn first_day(cursor: Cursor) -> Date {
        next(&known(cursor), &Value::Null, TODAY)
            .unwrap()
            .after
            .recent
            .from
            .min(next(&known(cursor), &Value::Null, TODAY).unwrap().window.from)
    }

    #[test]
    fn each_run_looks_back_three_days_the_first_of_a_day_fourteen_and_of_a_week_thirty_five() {
        let week = Some(date!(2026 - 11 - 18));
        assert_eq!(first_day(Cursor { night: Some(TODAY), week }), date!(2026 - 11 - 19));
        assert_eq!(first_day(Cursor { night: Some(date!(2026 - 11 - 22)), week }), date!(2026 - 11 - 09));
        assert_eq!(first_day(Cursor { night: Some(TODAY), week: Some(date!(2026 - 11 - 16)) }), date!(2026 - 10 - 19));
        assert_eq!(first_day(Cursor::default()), date!(2026 - 10 - 19));
    }

    #[test]
    fn a_longer_look_back_counts_only_when_all_of_it_is_in() {
        let state = known(Cursor::default());
        let first = next(&state, &Value::Null, TODAY).unwrap();
        assert!(!first.closes_recent);
        let second = next(&state, &json!(first.after), TODAY).unwrap();
        assert!(second.closes_recent);
        assert_eq!(second.window.to + Duration::DAY, first.window.from);
        assert_eq!(closed(&state.cursor, second.after), Cursor { night: Some(TODAY), week: Some(TODAY) });
        assert_eq!(next(&state, &json!(second.after), TODAY), None);
    }

    #[test]
    fn a_run_that_goes_on_tomorrow_still_reads_through_the_day_it_began() {
        let state = known(Cursor::default());
        let first = next(&state, &Value::Null, TODAY).unwrap();
        let second = next(&state, &json!(first.after), date!(2026 - 11 - 24)).unwrap();
        assert_eq!(second.after.through, TODAY);
    }
}
