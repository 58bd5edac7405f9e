//! Timer functions: one status file each, one catch-up after a missed beat, never two runs at a time.
//!
//! On start, a stored `Next` in the past (same schedule) runs the function once, at once, with `IsPastDue`. Then it
//! sleeps to `Next`. Failures are logged and the status still advances; a run that ends after its `Next` fires the
//! next at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::cron::Schedule;
use super::envelope::{self, Call, precise};
use super::invoke::Invoker;
use crate::clock::{Clock, random_uuid, until};

/// The longest sleep in one piece: a suspended machine must notice that its clock has moved.
const NAP: Duration = Duration::from_secs(15);
const YEAR_ONE: &str = "0001-01-01T00:00:00+00:00";

/// What the host remembers of a timer, in the form in which it is also sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScheduleStatus {
    /// None before the first run; written as the year 1.
    #[serde(serialize_with = "write_last", deserialize_with = "read_last")]
    pub last: Option<OffsetDateTime>,
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub next: OffsetDateTime,
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub last_updated: OffsetDateTime,
}

fn write<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&precise(*at, "+00:00"))
}

#[expect(clippy::ref_option, reason = "serde calls it with the field's reference")]
fn write_last<S: Serializer>(at: &Option<OffsetDateTime>, to: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => write(at, to),
        None => to.serialize_str(YEAR_ONE),
    }
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetDateTime, D::Error> {
    OffsetDateTime::parse(&String::deserialize(from)?, &Rfc3339).map_err(D::Error::custom)
}

fn read_last<'de, D: Deserializer<'de>>(from: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let at = read(from)?;
    Ok((at.year() > 1).then_some(at))
}

/// The status to begin with, and whether an occurrence was missed. `None` if the calendar has no further occurrence.
pub fn on_start(
    stored: Option<ScheduleStatus>,
    schedule: &Schedule,
    now: OffsetDateTime,
) -> Option<(ScheduleStatus, bool)> {
    let Some(stored) = stored else {
        return Some((ScheduleStatus { last: None, next: schedule.after(now)?, last_updated: now }, false));
    };
    let base = stored.last.unwrap_or(stored.last_updated);
    let expected = schedule.after(base)?;
    if stored.next == expected {
        let past_due = now > stored.next;
        return Some((stored, past_due));
    }
    // The schedule was changed: a beat that lies in the past under the new one is not owed.
    let (next, last_updated) = if now > expected { (schedule.after(now)?, now) } else { (expected, base) };
    Some((ScheduleStatus { last: None, next, last_updated }, false))
}

/// The status after a run that began at `at`. A timer that woke a little early counts from its due time.
pub fn after_run(
    status: &ScheduleStatus,
    schedule: &Schedule,
    at: OffsetDateTime,
    scheduled: bool,
) -> Option<ScheduleStatus> {
    let at = if scheduled { at.max(status.next) } else { at };
    Some(ScheduleStatus { last: Some(at), next: schedule.after(at)?, last_updated: at })
}

/// One timer function.
pub struct Timer {
    pub function: String,
    pub binding: String,
    pub schedule: Schedule,
    pub run_on_startup: bool,
    pub monitored: bool,
    /// Where its status is kept.
    pub file: PathBuf,
    pub invoker: Invoker,
    pub clock: Arc<dyn Clock>,
}

impl Timer {
    /// Beats until dropped.
    pub async fn run(self) {
        let now = self.clock.now();
        let monitored = self.monitored && !self.schedule.is_below_a_minute(now);
        let stored = if monitored { self.load() } else { None };
        let Some((mut status, past_due)) = on_start(stored, &self.schedule, now) else {
            return;
        };
        self.save(monitored, &status);
        if past_due || self.run_on_startup {
            let Some(after) = self.fire(&status, monitored, past_due, past_due).await else {
                return;
            };
            status = after;
        }
        loop {
            loop {
                let wait = until(self.clock.now(), status.next);
                if wait.is_zero() {
                    break;
                }
                tokio::time::sleep(wait.min(NAP)).await;
            }
            let Some(after) = self.fire(&status, monitored, false, true).await else {
                return;
            };
            status = after;
        }
    }

    async fn fire(
        &self,
        status: &ScheduleStatus,
        monitored: bool,
        past_due: bool,
        scheduled: bool,
    ) -> Option<ScheduleStatus> {
        let at = self.clock.now();
        let call = Call { function: &self.function, binding: &self.binding, now: at, random: random_uuid() };
        let envelope = envelope::timer(call, monitored.then_some(status), past_due);
        self.invoker.job(&self.function, envelope).await.ok(); // a failure is logged there and changes nothing here
        let after = after_run(status, &self.schedule, at, scheduled)?;
        self.save(monitored, &after);
        Some(after)
    }

    fn load(&self) -> Option<ScheduleStatus> {
        serde_json::from_slice(&std::fs::read(&self.file).ok()?).ok()
    }

    fn save(&self, monitored: bool, status: &ScheduleStatus) {
        let written = serde_json::to_vec(status).map_err(std::io::Error::from);
        let written = written.and_then(|text| crate::settings::write_atomically(&self.file, &text));
        if let (true, Err(error)) = (monitored, written) {
            tracing::error!("{}: the timer's status could not be kept: {error}", self.file.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00 UTC);

    fn hourly() -> Schedule {
        Schedule::parse("0 7 * * * *").unwrap()
    }

    fn stored(last: OffsetDateTime, next: OffsetDateTime) -> ScheduleStatus {
        ScheduleStatus { last: Some(last), next, last_updated: last }
    }

    #[test]
    fn a_new_timer_waits_for_its_first_beat() {
        let (status, past_due) = on_start(None, &hourly(), NOON).unwrap();
        assert!(!past_due);
        assert_eq!(status.next, datetime!(2026-11-23 12:07 UTC));
        assert_eq!(status.last, None);
    }

    #[test]
    fn many_missed_beats_are_caught_up_once() {
        let missed = stored(datetime!(2026-11-23 03:07:00.01 UTC), datetime!(2026-11-23 04:07 UTC));
        let (status, past_due) = on_start(Some(missed.clone()), &hourly(), NOON).unwrap();
        assert!(past_due);
        assert_eq!(status, missed, "the run is told which occurrence it makes up for");
        let after = after_run(&status, &hourly(), NOON, true).unwrap();
        assert_eq!((after.last, after.next), (Some(NOON), datetime!(2026-11-23 12:07 UTC)));
        assert!(!on_start(Some(after), &hourly(), NOON + time::Duration::MINUTE).unwrap().1);
    }

    #[test]
    fn a_beat_missed_before_the_very_first_run_is_caught_up_too() {
        let next = datetime!(2026-11-23 11:07 UTC);
        let never_ran = ScheduleStatus { last: None, next, last_updated: datetime!(2026-11-23 10:30 UTC) };
        assert!(on_start(Some(never_ran), &hourly(), NOON).unwrap().1);
    }

    #[test]
    fn a_changed_schedule_owes_nothing() {
        let before = stored(datetime!(2026-11-23 03:00 UTC), datetime!(2026-11-23 03:30 UTC));
        let (status, past_due) = on_start(Some(before), &hourly(), NOON).unwrap();
        assert!(!past_due);
        assert_eq!(status.next, datetime!(2026-11-23 12:07 UTC));
    }

    #[test]
    fn waking_early_does_not_fire_twice() {
        let status = stored(datetime!(2026-11-23 11:07 UTC), datetime!(2026-11-23 12:07 UTC));
        let after = after_run(&status, &hourly(), datetime!(2026-11-23 12:06:59.8 UTC), true).unwrap();
        assert_eq!(after.next, datetime!(2026-11-23 13:07 UTC));
    }

    #[test]
    fn a_run_that_ends_late_fires_the_next_at_once_and_only_once() {
        let minutely = Schedule::parse("0 * * * * *").unwrap();
        let status = stored(datetime!(2026-11-23 11:59 UTC), NOON);
        let after = after_run(&status, &minutely, NOON, true).unwrap();
        let finished = NOON + time::Duration::minutes(4);
        assert!(until(finished, after.next).is_zero());
        let second = after_run(&after, &minutely, finished, true).unwrap();
        assert!(!until(finished, second.next).is_zero());
    }

    #[test]
    fn a_status_survives_its_file_format() {
        let status =
            ScheduleStatus { last: None, next: NOON, last_updated: datetime!(2026-11-23 11:59:59.1234567 UTC) };
        let text = serde_json::to_string(&status).unwrap();
        assert!(text.contains(YEAR_ONE));
        assert_eq!(serde_json::from_str::<ScheduleStatus>(&text).unwrap(), status);
    }
}
