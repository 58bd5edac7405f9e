//! NCRONTAB schedules: `{second} {minute} {hour} {day} {month} {day-of-week}`, or five fields with second 0.
//!
//! The real host uses `NCrontab`, this one `croner`. Every field is therefore checked against what `NCrontab` accepts and
//! turned into a plain list of numbers, which leaves `croner` nothing to read differently. Refused: `?`, `L`, `W`, `#`,
//! `@daily`, 7 as Sunday, and reversed ranges (`NCrontab` swaps the ends silently, which nobody means).
//! Day of month and day of week must both match, and schedules are in UTC.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use thiserror::Error;
use time::{Duration, OffsetDateTime};

/// What is wrong with a schedule.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CronError {
    #[error("schedule `{0}` needs six fields (or five, with second 0), found {1}")]
    Fields(String, usize),
    #[error("schedule field {field} `{text}`: {why}")]
    Field { field: &'static str, text: String, why: &'static str },
    #[error("schedule `{0}` never fires")]
    Never(String),
}

struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 6] = [
    Field { name: "second", min: 0, max: 59, names: &[] },
    Field { name: "minute", min: 0, max: 59, names: &[] },
    Field { name: "hour", min: 0, max: 23, names: &[] },
    Field { name: "day", min: 1, max: 31, names: &[] },
    Field {
        name: "month",
        min: 1,
        max: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field { name: "day-of-week", min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/// A checked schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
}

impl Schedule {
    /// Parses an NCRONTAB expression.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let mut parts: Vec<&str> = text.split_whitespace().collect();
        match parts.len() {
            5 => parts.insert(0, "0"),
            6 => {}
            n => return Err(CronError::Fields(text.to_owned(), n)),
        }
        let lists: Vec<String> =
            FIELDS.iter().zip(parts).map(|(field, part)| field.list(part)).collect::<Result<_, _>>()?;
        let never = || CronError::Never(text.to_owned());
        let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
        let cron = parser.parse(&lists.join(" ")).map_err(|_| never())?;
        let schedule = Self { cron };
        schedule.after(OffsetDateTime::UNIX_EPOCH + Duration::weeks(2870)).ok_or_else(never)?;
        Ok(schedule)
    }

    /// The first occurrence strictly after `base`; none if the calendar has no such day.
    pub fn after(&self, base: OffsetDateTime) -> Option<OffsetDateTime> {
        let base: DateTime<Utc> = DateTime::from_timestamp(base.unix_timestamp(), 0)?;
        let next = self.cron.find_next_occurrence(&base, false).ok()?;
        OffsetDateTime::from_unix_timestamp(next.timestamp()).ok()
    }

    /// Whether two occurrences can lie less than a minute apart; such timers are never monitored.
    pub fn is_below_a_minute(&self, now: OffsetDateTime) -> bool {
        let first = self.after(now);
        let second = first.and_then(|first| self.after(first));
        matches!((first, second), (Some(a), Some(b)) if b - a < Duration::MINUTE)
    }
}

impl Field {
    fn list(&self, text: &str) -> Result<String, CronError> {
        let mut values = BTreeSet::new();
        for item in text.split(',') {
            let fail = |why| CronError::Field { field: self.name, text: text.to_owned(), why };
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|s| *s > 0))),
                None => (item, None),
            };
            let step = match step {
                Some(None) => return Err(fail("the step is a number above 0")),
                Some(given) => given,
                None => None,
            };
            let (low, high) = if range == "*" {
                (self.min, self.max)
            } else if let Some((low, high)) = range.split_once('-') {
                (self.number(low).map_err(fail)?, self.number(high).map_err(fail)?)
            } else {
                let low = self.number(range).map_err(fail)?;
                (low, if step.is_some() { self.max } else { low })
            };
            if low > high {
                return Err(fail("the range is reversed"));
            }
            values.extend((low..=high).step_by(step.unwrap_or(1)));
        }
        let all = usize::try_from(self.max - self.min + 1).unwrap_or_default();
        if values.len() == all {
            return Ok("*".to_owned());
        }
        Ok(values.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
    }

    fn number(&self, text: &str) -> Result<u32, &'static str> {
        let lower = text.to_ascii_lowercase();
        if let Some(at) = (0u32..).zip(self.names).find(|(_, name)| **name == lower) {
            return Ok(at.0 + self.min);
        }
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err("only numbers, names of three letters, `*`, `a-b`, `/n` and lists are allowed");
        }
        let number = text.parse().map_err(|_| "the number is too large")?;
        if (self.min..=self.max).contains(&number) { Ok(number) } else { Err("the number is out of range") }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn next(text: &str, base: OffsetDateTime) -> OffsetDateTime {
        Schedule::parse(text).unwrap().after(base).unwrap()
    }

    #[test]
    fn the_next_occurrence_is_strictly_after_the_base() {
        let base = datetime!(2026-11-23 10:00:00 UTC);
        assert_eq!(next("0 * * * * *", base), datetime!(2026-11-23 10:01:00 UTC));
        assert_eq!(next("0 * * * * *", datetime!(2026-11-23 09:59:59.999 UTC)), base);
        assert_eq!(next("0 * * * * *", datetime!(2026-11-23 10:00:00.003 UTC)), datetime!(2026-11-23 10:01:00 UTC));
    }

    #[test]
    fn five_fields_mean_second_zero() {
        let base = datetime!(2026-11-23 10:00:00 UTC);
        assert_eq!(next("7 * * * *", base), datetime!(2026-11-23 10:07:00 UTC));
    }

    #[test]
    fn day_and_weekday_must_both_match() {
        assert_eq!(next("0 0 0 13 * fri", datetime!(2026-11-23 0:00 UTC)), datetime!(2027-08-13 0:00 UTC));
    }

    #[test]
    fn a_number_with_a_step_runs_to_the_end_of_its_field() {
        let base = datetime!(2026-11-23 10:35:00 UTC);
        assert_eq!(next("0 5/20 * * * *", base), datetime!(2026-11-23 10:45:00 UTC));
    }

    #[test]
    fn names_mean_their_numbers() {
        let base = datetime!(2026-11-23 0:00 UTC);
        assert_eq!(next("0 0 0 1 JAN *", base), datetime!(2027-01-01 0:00 UTC));
        assert_eq!(next("0 0 0 * * sun", base), datetime!(2026-11-29 0:00 UTC));
    }

    #[test]
    fn what_only_one_of_the_two_parsers_knows_is_refused() {
        for text in [
            "@daily",
            "0 0 0 L * *",
            "0 0 0 * * 7",
            "0 0 0 * * 1#2",
            "0 0 0 15W * *",
            "0 0 0 ? * *",
            "0 30-10 * * * *",
            "0 60 * * * *",
            "0 */0 * * * *",
            "* * * *",
            "0 0 0 +1 * *",
            "0 0 0 31 2 *",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn below_a_minute_is_recognised() {
        let now = datetime!(2026-11-23 10:00:01 UTC);
        assert!(Schedule::parse("*/30 * * * * *").unwrap().is_below_a_minute(now));
        assert!(!Schedule::parse("0 * * * * *").unwrap().is_below_a_minute(now));
    }
}
