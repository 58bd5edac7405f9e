//! Property quotas: what a standard property may spend, on the sandbox's clock.
//!
//! The sizes are those of the vendor facts "Quotas (`PropertyQuota`)". There is one OAuth client, so the buckets per
//! project and property are the buckets per property.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::America::Los_Angeles;
use serde_json::{Value, json};

use super::reply::ApiError;

const TOKENS_PER_DAY: u64 = 200_000;
const TOKENS_PER_HOUR: u64 = 40_000;
const TOKENS_PER_PROJECT_PER_HOUR: u64 = 14_000;
const CONCURRENT_REQUESTS: u64 = 10;
const SERVER_ERRORS_PER_HOUR: u64 = 10;
const THRESHOLDED_PER_HOUR: u64 = 120;

/// What one property has spent in the hour and the (Pacific) day it was last asked in.
#[derive(Debug, Default)]
struct Spent {
    hour: i64,
    day: i32,
    tokens_hour: u64,
    tokens_day: u64,
    server_errors: u64,
    thresholded: u64,
    running: u64,
}

impl Spent {
    /// Refills what belongs to another hour or day.
    fn turn(&mut self, now: DateTime<Utc>) {
        let hour = now.timestamp().div_euclid(3_600);
        let day = now.with_timezone(&Los_Angeles).num_days_from_ce();
        if hour != self.hour {
            (self.hour, self.tokens_hour, self.server_errors, self.thresholded) = (hour, 0, 0, 0);
        }
        if day != self.day {
            (self.day, self.tokens_day) = (day, 0);
        }
    }
}

/// The buckets of all properties.
#[derive(Debug, Default)]
pub struct Quotas {
    spent: HashMap<u64, Spent>,
}

impl Quotas {
    /// Starts a request, or says which bucket is empty. Each start needs an [`Self::end`].
    pub fn start(&mut self, property: u64, now: DateTime<Utc>) -> Result<(), ApiError> {
        let spent = self.spent.entry(property).or_default();
        spent.turn(now);
        let empty = if spent.running >= CONCURRENT_REQUESTS {
            "Exhausted concurrent requests quota."
        } else if spent.server_errors >= SERVER_ERRORS_PER_HOUR {
            "Exhausted server errors quota."
        } else if spent.tokens_hour >= TOKENS_PER_PROJECT_PER_HOUR {
            "Exhausted property tokens for a project per hour. These quota tokens will return in under an hour."
        } else if spent.tokens_day >= TOKENS_PER_DAY {
            "Exhausted property tokens per day. These quota tokens will return at midnight Pacific Time."
        } else {
            spent.running += 1;
            return Ok(());
        };
        Err(ApiError::exhausted(empty))
    }

    /// Ends a request.
    pub fn end(&mut self, property: u64) {
        if let Some(spent) = self.spent.get_mut(&property) {
            spent.running = spent.running.saturating_sub(1);
        }
    }

    /// Takes the price of a report out of the buckets and returns the `propertyQuota` of its answer. As with Google, the
    /// report that empties a bucket is still answered.
    pub fn charge(&mut self, property: u64, tokens: u64, now: DateTime<Utc>) -> Value {
        let spent = self.spent.entry(property).or_default();
        spent.turn(now);
        spent.tokens_hour += tokens;
        spent.tokens_day += tokens;
        let status = |size: u64, used: u64| json!({"consumed": tokens, "remaining": size.saturating_sub(used)});
        json!({
            "tokensPerDay": status(TOKENS_PER_DAY, spent.tokens_day),
            "tokensPerHour": status(TOKENS_PER_HOUR, spent.tokens_hour),
            "tokensPerProjectPerHour": status(TOKENS_PER_PROJECT_PER_HOUR, spent.tokens_hour),
            "concurrentRequests": {"remaining": CONCURRENT_REQUESTS.saturating_sub(spent.running)},
            "serverErrorsPerProjectPerHour": {"remaining": SERVER_ERRORS_PER_HOUR.saturating_sub(spent.server_errors)},
            "potentiallyThresholdedRequestsPerHour": {"remaining": THRESHOLDED_PER_HOUR.saturating_sub(spent.thresholded)}
        })
    }

    /// Counts a report from which rows may be withheld, or refuses it; each one of a batch counts.
    pub fn thresholded(&mut self, property: u64, now: DateTime<Utc>) -> Result<(), ApiError> {
        let spent = self.spent.entry(property).or_default();
        spent.turn(now);
        if spent.thresholded >= THRESHOLDED_PER_HOUR {
            return Err(ApiError::exhausted("Exhausted potentially thresholded requests quota."));
        }
        spent.thresholded += 1;
        Ok(())
    }

    /// Counts a 5xx answer: after ten in an hour Google blocks the property for the project.
    pub fn server_error(&mut self, property: u64, now: DateTime<Utc>) {
        let spent = self.spent.entry(property).or_default();
        spent.turn(now);
        spent.server_errors += 1;
    }

    /// Fills every bucket again.
    pub fn reset(&mut self) {
        self.spent.clear();
    }
}

/// Tokens of a report: one, and more for long and wide ones. Google does not publish the formula; most cost under ten.
pub fn price(days: u64, dimensions: u64, rows: u64) -> u64 {
    1 + days * (1 + dimensions) / 60 + rows / 2_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_empty_hourly_bucket_refuses_until_the_next_hour() {
        let mut quotas = Quotas::default();
        let now = at("2026-11-23T10:20:00Z");
        quotas.start(1, now).unwrap();
        let quota = quotas.charge(1, TOKENS_PER_PROJECT_PER_HOUR, now);
        quotas.end(1);
        assert_eq!(quota["tokensPerProjectPerHour"]["remaining"], 0);
        assert_eq!(quota["tokensPerHour"]["remaining"], TOKENS_PER_HOUR - TOKENS_PER_PROJECT_PER_HOUR);
        let refused = quotas.start(1, now).unwrap_err();
        assert_eq!(refused.code, 429);
        assert!(refused.message.starts_with("Exhausted property tokens for a project per hour."), "{refused:?}");
        assert!(quotas.start(2, now).is_ok(), "another property has its own bucket");
        assert!(quotas.start(1, at("2026-11-23T11:00:00Z")).is_ok());
    }

    #[test]
    fn an_empty_daily_bucket_refuses_until_midnight_in_california() {
        let mut quotas = Quotas::default();
        quotas.charge(1, TOKENS_PER_DAY, at("2026-11-23T10:20:00Z"));
        let refused = quotas.start(1, at("2026-11-24T07:59:00Z")).unwrap_err();
        assert!(refused.message.contains("per day"), "{refused:?}");
        assert!(quotas.start(1, at("2026-11-24T08:00:00Z")).is_ok());
    }

    #[test]
    fn ten_server_errors_in_an_hour_block_the_property() {
        let mut quotas = Quotas::default();
        let now = at("2026-11-23T10:20:00Z");
        for _ in 0..9 {
            quotas.server_error(1, now);
        }
        assert!(quotas.start(1, now).is_ok());
        quotas.server_error(1, now);
        assert_eq!(quotas.start(1, now).unwrap_err().message, "Exhausted server errors quota.");
        quotas.reset();
        assert!(quotas.start(1, now).is_ok());
    }

    #[test]
    fn an_eleventh_concurrent_request_is_refused_until_one_ends() {
        let mut quotas = Quotas::default();
        let now = at("2026-11-23T10:20:00Z");
        for _ in 0..10 {
            quotas.start(1, now).unwrap();
        }
        assert_eq!(quotas.start(1, now).unwrap_err().message, "Exhausted concurrent requests quota.");
        quotas.end(1);
        assert!(quotas.start(1, now).is_ok());
    }
}
