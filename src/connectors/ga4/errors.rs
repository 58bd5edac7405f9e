//! Google's errors, sorted by what has to happen next (Data API "Error codes" and "Quotas").

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;
use http::StatusCode;
use time::OffsetDateTime;

use super::SERVER_ERROR_PAUSE;
use super::wire::{ApiError, Envelope};
use crate::connectors::error::{ConnectorError, FailureKind, quote};
use crate::connectors::http::Answer;
use crate::connectors::sentences::codes;

/// The shortest wait after a 429, for a `Retry-After` of 0.
const MIN_WAIT: Duration = Duration::from_secs(1);
const CONCURRENT_WAIT: Duration = Duration::from_secs(30);
const HOURLY_WAIT: Duration = Duration::from_mins(30);
const SERVER_ERRORS_WAIT: Duration = Duration::from_hours(1);
const OTHER_WAIT: Duration = Duration::from_mins(1);

/// What an answer that is no success means.
pub fn classify(answer: &Answer, now: OffsetDateTime) -> ConnectorError {
    let error = serde_json::from_slice::<Envelope>(&answer.body).unwrap_or_default().error;
    let cause = format!("HTTP {} {}: {}", answer.status.as_u16(), quote(&error.status), quote(&error.message));
    match answer.status {
        StatusCode::BAD_REQUEST => ConnectorError::contract(codes::GA4_REQUEST_REFUSED, cause),
        StatusCode::UNAUTHORIZED => ConnectorError::new(FailureKind::AuthRevoked, codes::GA4_UNAUTHENTICATED, cause),
        StatusCode::FORBIDDEN => forbidden(&error, cause),
        StatusCode::NOT_FOUND => ConnectorError::config(codes::GA4_PROPERTY_UNKNOWN, cause),
        StatusCode::TOO_MANY_REQUESTS => limited(answer, &error, cause, now),
        StatusCode::REQUEST_TIMEOUT => ConnectorError::transient(codes::GA4_SERVER_ERROR, cause),
        status if status.is_server_error() => {
            ConnectorError::transient(codes::GA4_SERVER_ERROR, cause).pausing(SERVER_ERROR_PAUSE)
        }
        _ => ConnectorError::contract(codes::GA4_UNEXPECTED, cause),
    }
}

fn forbidden(error: &ApiError, cause: String) -> ConnectorError {
    let has = |reason: &str| error.details.iter().any(|detail| detail.reason == reason);
    if has("SERVICE_DISABLED") {
        ConnectorError::config(codes::GA4_API_DISABLED, cause)
    } else if has("ACCESS_TOKEN_SCOPE_INSUFFICIENT") {
        ConnectorError::new(FailureKind::PermissionMissing, codes::GA4_SCOPE_MISSING, cause)
    } else {
        ConnectorError::new(FailureKind::PermissionMissing, codes::GA4_PERMISSION, cause)
    }
}

/// Which bucket is empty stands only in the message.
fn limited(answer: &Answer, error: &ApiError, cause: String, now: OffsetDateTime) -> ConnectorError {
    let message = error.message.to_lowercase();
    let (code, scope, wait) = if message.contains("concurrent") {
        (codes::GA4_QUOTA_CONCURRENT, "concurrent", CONCURRENT_WAIT)
    } else if message.contains("server error") {
        (codes::GA4_QUOTA_SERVER_ERRORS, "server_errors_hour", SERVER_ERRORS_WAIT)
    } else if message.contains("thresholded") {
        (codes::GA4_QUOTA_THRESHOLDED, "thresholded_hour", HOURLY_WAIT)
    } else if message.contains("per day") {
        (codes::GA4_QUOTA_DAY, "property_day", until_refill(now))
    } else if message.contains("project per hour") {
        (codes::GA4_QUOTA_HOUR, "project_hour", HOURLY_WAIT)
    } else if message.contains("per hour") {
        (codes::GA4_QUOTA_HOUR, "property_hour", HOURLY_WAIT)
    } else {
        (codes::GA4_QUOTA, "unknown", OTHER_WAIT)
    };
    let kind = FailureKind::RateLimited {
        retry_after: answer.retry_after().unwrap_or(wait).max(MIN_WAIT),
        scope: scope.to_owned(),
    };
    ConnectorError::new(kind, code, cause)
}

/// Until five past the next midnight in Los Angeles: daily tokens come back at midnight Pacific time.
fn until_refill(now: OffsetDateTime) -> Duration {
    let fallback = Duration::from_hours(24);
    let Some(now) = DateTime::<Utc>::from_timestamp(now.unix_timestamp(), 0) else {
        return fallback;
    };
    let five_past = NaiveTime::MIN + chrono::TimeDelta::minutes(5);
    let today = now.with_timezone(&Los_Angeles).date_naive();
    [Some(today), today.checked_add_days(Days::new(1))]
        .into_iter()
        .flatten()
        .filter_map(|day| Los_Angeles.from_local_datetime(&day.and_time(five_past)).earliest())
        .find_map(|refill| (refill.with_timezone(&Utc) - now).to_std().ok().filter(|wait| !wait.is_zero()))
        .unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn daily_tokens_return_at_five_past_midnight_in_los_angeles() {
        let cases = [
            // Winter: UTC-8.
            (datetime!(2026-11-23 10:00 UTC), 22 * 3600 + 300),
            (datetime!(2026-11-23 08:04 UTC), 60),
            (datetime!(2026-11-23 08:05 UTC), 24 * 3600),
            // The night in which the clock goes back has 25 hours.
            (datetime!(2026-11-01 07:05 UTC), 25 * 3600),
            // Summer: UTC-7.
            (datetime!(2026-07-01 06:05 UTC), 3600),
        ];
        for (now, seconds) in cases {
            assert_eq!(until_refill(now), Duration::from_secs(seconds), "{now}");
        }
    }
}
