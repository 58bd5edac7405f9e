//! Which days a run reads next: the newest ones first, then history backwards. Pure, so that it can be stopped anywhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Date, Duration};

use super::periods::{self, Period};
use super::window::{Reach, SLICE_DAYS, Window};
use crate::connectors::contract::StreamState;
use crate::domain::tenant::WeekStart;

/// Days that every run reads again, because Google still changes them.
const EVERY_RUN: i64 = 3;
/// Days that the first run of a day reads again: attribution moves for that long.
const EVERY_NIGHT: i64 = 14;
/// Days that the first run of a week reads again.
const EVERY_WEEK: i64 = 35;
/// Periods whose users are read, and committed, at a time.
const PERIODS: usize = 20;
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
    /// Days that a slice may have, where thirty are too many.
    pub days: Option<i64>,
    /// The users of whole periods were read as far back as history is wanted.
    pub has_periods: bool,
    /// On which day the weeks among them begin.
    pub weeks: WeekStart,
    /// The first day whose figures were read again while the periods that it touches were not.
    pub dirty: Option<Date>,
}

impl Cursor {
    /// Reads a stored cursor; what cannot be read only costs a longer look back.
    pub fn read(value: &Value) -> Self {
        Self::deserialize(value).unwrap_or_default()
    }

    /// Days of a slice.
    fn slice_days(self) -> i64 {
        self.days.unwrap_or(SLICE_DAYS).clamp(1, SLICE_DAYS)
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
    /// The first day that this run reads again.
    #[serde(default)]
    pub first: Option<Date>,
    /// Periods whose users this run has read.
    #[serde(default)]
    pub periods: usize,
    /// On which day weeks begin.
    #[serde(default)]
    pub weeks: WeekStart,
}

/// Some periods whose users are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodTask {
    /// The periods, one at least.
    pub periods: Vec<Period>,
    /// The first day of the history that is wanted.
    pub goal: Date,
    /// The run's state after it.
    pub after: RunState,
    /// The cursor after it.
    pub cursor: Cursor,
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

/// The next slice, or `None` when everything is read. `today` is the account's; weeks begin on `weeks`.
pub fn next(state: &StreamState, run: &Value, today: Date, weeks: WeekStart) -> Option<Task> {
    let run = RunState::deserialize(run).unwrap_or_else(|_| begin(state, today, weeks));
    let reach = reach(state, run.through);
    let days = Cursor::read(&state.cursor).slice_days();
    if run.recent.is_empty() {
        return reach.history(days).map(|window| Task { window, after: run, closes_recent: false, is_history: true });
    }
    let (window, rest) = run.recent.split_newest(days);
    let rest = rest.unwrap_or_else(|| Window::nothing(run.through));
    let after = RunState { recent: rest, ..run };
    Some(Task { window, after, closes_recent: rest.is_empty(), is_history: false })
}

/// The next periods whose users are to be read: after the newest days of a run, before history goes on backwards.
pub fn next_periods(state: &StreamState, run: &Value, created: Option<Date>) -> Option<PeriodTask> {
    let run = RunState::deserialize(run).ok().filter(|run| run.recent.is_empty())?;
    let cursor = Cursor::read(&state.cursor);
    let goal = goal(state, run.through);
    // Where nobody was counted yet there is nothing to ask for.
    let from = created.map_or(goal, |created| created.max(goal));
    let mut periods = periods::wanted(run.through, goal, cursor.dirty?.max(from), run.weeks.into());
    periods.retain(|period| period.to >= from);
    let rest = periods.len().saturating_sub(run.periods + PERIODS);
    let periods: Vec<Period> = periods.into_iter().skip(run.periods).take(PERIODS).collect();
    let cursor = if rest == 0 { Cursor { has_periods: true, dirty: None, weeks: run.weeks, ..cursor } } else { cursor };
    let after = RunState { periods: run.periods + PERIODS, ..run };
    (!periods.is_empty()).then_some(PeriodTask { periods, goal, after, cursor })
}

fn begin(state: &StreamState, today: Date, weeks: WeekStart) -> RunState {
    let cursor = Cursor::read(&state.cursor);
    let week_is_over = cursor.week.is_none_or(|last| today - last >= Duration::days(WEEK));
    let look_back = if week_is_over {
        EVERY_WEEK
    } else if cursor.night != Some(today) {
        EVERY_NIGHT
    } else {
        EVERY_RUN
    };
    let recent = reach(state, today).recent(look_back);
    RunState { through: today, recent, look_back, first: Some(recent.from), periods: 0, weeks }
}

/// The cursor after the newest days of a run are in. `goal` is the first day of the history that is wanted.
pub fn closed(cursor: &Value, run: RunState, goal: Date) -> Cursor {
    let mut cursor = Cursor::read(cursor);
    // Weeks that begin on another day are other periods.
    let first = run.first.filter(|_| cursor.has_periods && cursor.weeks == run.weeks).unwrap_or(goal);
    cursor.dirty = Some(cursor.dirty.map_or(first, |dirty| dirty.min(first)));
    if run.look_back >= EVERY_NIGHT {
        cursor.night = Some(run.through);
    }
    if run.look_back >= EVERY_WEEK {
        // Whether long slices are still too much is found out once a week.
        cursor.days = None;
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
    const MONDAY: WeekStart = WeekStart::Monday;

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
        next(&known(cursor), &Value::Null, TODAY, MONDAY)
            .unwrap()
            .after
            .recent
            .from
            .min(next(&known(cursor), &Value::Null, TODAY, MONDAY).unwrap().window.from)
    }

    #[test]
    fn each_run_looks_back_three_days_the_first_of_a_day_fourteen_and_of_a_week_thirty_five() {
        let week = Some(date!(2026 - 11 - 18));
        assert_eq!(first_day(Cursor { night: Some(TODAY), week, ..Cursor::default() }), date!(2026 - 11 - 19));
        assert_eq!(
            first_day(Cursor { night: Some(date!(2026 - 11 - 22)), week, ..Cursor::default() }),
            date!(2026 - 11 - 09)
        );
        assert_eq!(
            first_day(Cursor { night: Some(TODAY), week: Some(date!(2026 - 11 - 16)), ..Cursor::default() }),
            date!(2026 - 10 - 19)
        );
        assert_eq!(first_day(Cursor::default()), date!(2026 - 10 - 19));
    }

    #[test]
    fn a_longer_look_back_counts_only_when_all_of_it_is_in() {
        let state = known(Cursor::default());
        let first = next(&state, &Value::Null, TODAY, MONDAY).unwrap();
        assert!(!first.closes_recent);
        let second = next(&state, &json!(first.after), TODAY, MONDAY).unwrap();
        assert!(second.closes_recent);
        assert_eq!(second.window.to + Duration::DAY, first.window.from);
        let goal = date!(2025 - 10 - 01);
        let cursor = closed(&state.cursor, second.after, goal);
        let expected = Cursor { night: Some(TODAY), week: Some(TODAY), dirty: Some(goal), ..Cursor::default() };
        assert_eq!(cursor, expected);
        let known = Cursor { has_periods: true, ..cursor };
        let again = Cursor { dirty: None, ..known };
        assert_eq!(closed(&json!(again), second.after, goal).dirty, Some(date!(2026 - 10 - 19)));
        let owing = Cursor { dirty: Some(date!(2026 - 05 - 01)), ..known };
        assert_eq!(closed(&json!(owing), second.after, goal).dirty, Some(date!(2026 - 05 - 01)), "not forgotten");
        assert_eq!(next(&state, &json!(second.after), TODAY, MONDAY), None);
    }

    #[test]
    fn periods_are_read_in_portions_until_all_of_them_are_in() {
        let mut state = known(Cursor::default());
        let mut run = next(&state, &Value::Null, TODAY, MONDAY).unwrap().after;
        assert_eq!(next_periods(&state, &json!(run), None), None, "the newest days come first");
        run = next(&state, &json!(run), TODAY, MONDAY).unwrap().after;
        state.cursor = json!(closed(&state.cursor, run, goal(&state, TODAY)));
        let mut read = Vec::new();
        while let Some(task) = next_periods(&state, &json!(run), None) {
            assert!(task.periods.len() <= PERIODS);
            read.extend(task.periods);
            (run, state.cursor) = (task.after, json!(task.cursor));
        }
        assert_eq!(read, periods::wanted(TODAY, date!(2025 - 10 - 01), date!(2025 - 10 - 01), MONDAY.into()));
        let cursor = Cursor::read(&state.cursor);
        assert!(cursor.has_periods && cursor.dirty.is_none());
    }

    #[test]
    fn a_run_that_goes_on_tomorrow_still_reads_through_the_day_it_began() {
        let state = known(Cursor::default());
        let first = next(&state, &Value::Null, TODAY, MONDAY).unwrap();
        let second = next(&state, &json!(first.after), date!(2026 - 11 - 24), MONDAY).unwrap();
        assert_eq!(second.after.through, TODAY);
    }

    #[test]
    fn when_the_clients_week_begins_on_another_day_all_its_weeks_are_read_once_more() {
        let mut state = known(Cursor { has_periods: true, ..Cursor::default() });
        let mut owed = |weeks: WeekStart| {
            let mut task = next(&state, &Value::Null, TODAY, weeks).unwrap();
            while !task.closes_recent {
                task = next(&state, &json!(task.after), TODAY, weeks).unwrap();
            }
            let cursor = closed(&state.cursor, task.after, date!(2025 - 10 - 01));
            state.cursor = json!(Cursor { dirty: None, weeks, ..cursor });
            cursor.dirty
        };
        assert_eq!(owed(MONDAY), Some(date!(2026 - 10 - 19)));
        assert_eq!(owed(WeekStart::Sunday), Some(date!(2025 - 10 - 01)));
        assert!(owed(WeekStart::Sunday) > Some(date!(2026 - 10 - 01)));
    }
}
