//! Which part of a list comes next. Pure, so that a reader may be stopped between any two pages.
//!
//! Stripe's lists run from new to old and can only be cut by time of creation. So history is read in windows with both
//! ends, the newest first; within a window the last object seen is remembered, and what lies above the windows counts as
//! read only when a whole window is.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

use crate::domain::tenant::Zone;

/// Seconds that are read again at the seam of two windows: an object may be listed some time after its creation.
pub const LOOK_BACK: i64 = 600;
/// Days of a window of history, and of the first one.
const WINDOW_DAYS: i64 = 30;
/// Days that are read again every week: not every change has an event.
const SWEEP_DAYS: i64 = 35;
/// Seconds between two of these.
const SWEEP_EVERY: i64 = 7 * 86_400;

/// What a window is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The newest objects.
    Head,
    /// Recent objects once more.
    Sweep,
    /// History.
    Back,
}

/// A stretch of time that is being read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// What it is for.
    pub kind: Kind,
    /// Created at or after this, in Unix seconds.
    pub from: i64,
    /// Created before this.
    pub to: i64,
    /// The last object seen.
    pub after: Option<String>,
    /// Its creation.
    pub at: Option<i64>,
    /// The days from this one on are made; `None`: not one yet.
    pub made_from: Option<Date>,
    /// It began anew once because the last object seen was deleted.
    pub restarted: bool,
}

impl Window {
    fn new(kind: Kind, from: i64, to: i64) -> Self {
        Self { kind, from, to, after: None, at: None, made_from: None, restarted: false }
    }

    /// The days that are complete now and not made yet, newest part first; moves on. `done`: the whole window is read.
    ///
    /// A day with a hundred thousand charges must not be made anew at each page, so it is made when the list has left it.
    pub fn close_days(&mut self, zone: Zone, done: bool) -> Option<(Date, Date)> {
        let last = match self.made_from {
            Some(day) => day.previous_day()?,
            None => day_of(zone, self.to - 1),
        };
        let first = if done {
            day_of(zone, self.from)
        } else {
            // Objects of one moment may stand in any order.
            day_of(zone, self.at? + LOOK_BACK).next_day()?
        };
        if first > last {
            return None;
        }
        self.made_from = Some(first);
        Some((first, last))
    }

    /// Begins anew; `false` if it did so before.
    pub fn restart(&mut self) -> bool {
        let first = !self.restarted;
        *self = Self { restarted: true, ..Self::new(self.kind, self.from, self.to) };
        first
    }
}

/// How far a list is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// All that was created before this and since `floor` is read.
    pub head: Option<i64>,
    /// History is read from here on.
    pub floor: Option<i64>,
    /// What is being read, the most urgent last.
    pub open: Vec<Window>,
    /// When the recent objects were last read once more.
    pub swept: Option<i64>,
    /// The re-reading of everything that the progress belongs to; see [`super::state::Events::epoch`].
    pub epoch: i64,
    /// Everything is being read anew since this instant.
    pub renewing: Option<i64>,
}

/// What planning must know beside the progress.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    /// When the run began.
    pub started: i64,
    /// The account's zone.
    pub zone: Zone,
    /// First day of history that is wanted.
    pub goal: Date,
    /// The objects change after their creation.
    pub mutable: bool,
}

impl Progress {
    /// Forgets what was read when everything is to be read anew.
    pub fn renew(&mut self, epoch: i64, now: i64) {
        if self.epoch < epoch {
            let renewing = self.head.map(|_| now);
            *self = Self { epoch, renewing, ..Self::default() };
        }
    }

    /// The window to go on with among those of these kinds; opens it where it is new.
    pub fn next(&mut self, horizon: Horizon, kind: Kind) -> Option<&mut Window> {
        if self.open.iter().all(|window| window.kind != kind) {
            let window = self.due(horizon, kind)?;
            self.open.push(window);
        }
        self.open.iter_mut().find(|window| window.kind == kind)
    }

    fn due(&self, horizon: Horizon, kind: Kind) -> Option<Window> {
        let Horizon { started, zone, goal, mutable } = horizon;
        let days_ago = |from: i64, days: i64| {
            let day = day_of(zone, from).checked_sub(Duration::days(days)).unwrap_or(goal);
            zone.start_of(day.max(goal)).unix_timestamp()
        };
        let (from, to) = match (kind, self.head, self.floor) {
            (Kind::Head, None, _) => (days_ago(started, WINDOW_DAYS - 1), started),
            (Kind::Head, Some(head), floor) if head < started => {
                ((head - LOOK_BACK).max(floor.unwrap_or(i64::MIN)), started)
            }
            (Kind::Sweep, Some(head), Some(floor)) => {
                let due = self.swept.is_none_or(|swept| mutable && started - swept >= SWEEP_EVERY);
                (due && floor < head).then_some((days_ago(started, SWEEP_DAYS).max(floor), head))?
            }
            (Kind::Back, _, Some(floor)) => (days_ago(floor, WINDOW_DAYS), floor),
            _ => return None,
        };
        (from < to).then(|| Window::new(kind, from, to))
    }

    /// Ends a window that is read in full; gives when the re-reading of everything began if that is over with it.
    pub fn close(&mut self, kind: Kind, horizon: Horizon) -> Option<i64> {
        let at = self.open.iter().position(|window| window.kind == kind)?;
        let window = self.open.remove(at);
        match kind {
            Kind::Head => {
                if self.head.is_none() {
                    self.swept = Some(window.to);
                }
                self.head = Some(window.to);
                self.floor = Some(self.floor.map_or(window.from, |floor| floor.min(window.from)));
            }
            Kind::Sweep => self.swept = Some(horizon.started),
            Kind::Back => self.floor = Some(window.from),
        }
        if self.is_whole(horizon) { self.renewing.take() } else { None }
    }

    /// All of the history that is wanted is read.
    pub fn is_whole(&self, horizon: Horizon) -> bool {
        self.floor.is_some_and(|floor| floor <= horizon.zone.start_of(horizon.goal).unix_timestamp())
    }

    /// First and last day of which something is read.
    pub fn days(&self, zone: Zone) -> Option<(Date, Date)> {
        Some((day_of(zone, self.floor?), day_of(zone, self.head? - 1)))
    }
}

/// The day of an instant in Unix seconds.
pub fn day_of(zone: Zone, instant: i64) -> Date {
    OffsetDateTime::from_unix_timestamp(instant).map_or(Date::MIN, |at| zone.date_of(at))
}
