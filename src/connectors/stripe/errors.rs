//! Stripe's refusals, sorted by what has to happen next.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use super::retry::Disturbance;
use crate::connectors::contract::Blocked;
use crate::connectors::error::{ConnectorError, FailureKind, quote};
use crate::connectors::http::{Answer, Fault, UpstreamError};
use crate::connectors::sentences::codes;

/// How long to leave an account alone whose requests are still refused after the retries of a call.
const RATE_PAUSE: Duration = Duration::from_secs(16);

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The failure.
    pub error: ConnectorError,
    /// Worth another attempt within the call.
    pub retry: Option<Disturbance>,
    /// The permission that the key lacks.
    pub permission: Option<Box<str>>,
    /// The account that Stripe speaks of.
    pub account: Option<Box<str>>,
    /// The object that was asked for does not exist.
    pub gone: bool,
    /// The object after which the list should go on does not exist.
    pub cursor_gone: bool,
}

impl From<ConnectorError> for Refusal {
    fn from(error: ConnectorError) -> Self {
        Self { error, retry: None, permission: None, account: None, gone: false, cursor_gone: false }
    }
}

impl From<Refusal> for ConnectorError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

impl From<UpstreamError> for Refusal {
    fn from(error: UpstreamError) -> Self {
        let passes = matches!(error.fault, Fault::Connect | Fault::Timeout | Fault::Truncated);
        Self { retry: passes.then_some(Disturbance::Server), ..Self::from(ConnectorError::from(error)) }
    }
}

impl Refusal {
    /// Why one stream cannot be read while others can; the failure itself where it stops all of them.
    pub fn blocks(self) -> Result<Blocked, ConnectorError> {
        let one_stream =
            [codes::STRIPE_PERMISSION, codes::STRIPE_REQUEST_REFUSED, codes::STRIPE_SHAPE, codes::STRIPE_PAGES];
        if one_stream.contains(&self.error.code) {
            Ok(Blocked {
                code: self.error.code,
                permission: self.permission.map(String::from),
                cause: self.error.cause,
            })
        } else {
            Err(self.error)
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    error: ApiError,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ApiError {
    code: String,
    message: String,
    param: String,
}

/// What an answer that is no success means.
pub fn classify(answer: &Answer) -> Refusal {
    let said = serde_json::from_slice::<Envelope>(&answer.body).unwrap_or_default().error;
    let status = answer.status.as_u16();
    let cause = format!("HTTP {status} {}: {}{}", quote(&said.code), quote(&said.message), request_id(answer));
    let mut refusal = match answer.status {
        StatusCode::UNAUTHORIZED => {
            ConnectorError::new(FailureKind::AuthRevoked, codes::STRIPE_KEY_REFUSED, cause).into()
        }
        StatusCode::FORBIDDEN => Refusal {
            permission: word(&said.message, "rak_"),
            account: word(&said.message, "acct_"),
            ..ConnectorError::new(FailureKind::PermissionMissing, codes::STRIPE_PERMISSION, cause).into()
        },
        StatusCode::TOO_MANY_REQUESTS => limited(answer, &said, cause),
        StatusCode::CONFLICT | StatusCode::REQUEST_TIMEOUT => passing(codes::STRIPE_BUSY, cause, Disturbance::Busy),
        status if status.is_server_error() => passing(codes::STRIPE_SERVER_ERROR, cause, Disturbance::Server),
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => Refusal {
            gone: said.code == "resource_missing" && said.param != "starting_after",
            cursor_gone: said.code == "resource_missing" && said.param == "starting_after",
            ..ConnectorError::contract(codes::STRIPE_REQUEST_REFUSED, cause).into()
        },
        _ => ConnectorError::contract(codes::STRIPE_UNEXPECTED, cause).into(),
    };
    obey(answer, &mut refusal);
    refusal
}

fn passing(code: &'static str, cause: String, disturbance: Disturbance) -> Refusal {
    Refusal { retry: Some(disturbance), ..ConnectorError::transient(code, cause).into() }
}

/// A 429 that names its bucket is about speed; one without is about an object that something else holds.
fn limited(answer: &Answer, said: &ApiError, cause: String) -> Refusal {
    let reason = header(answer, "stripe-rate-limited-reason");
    if reason.is_none() && said.code != "rate_limit" {
        return passing(codes::STRIPE_BUSY, cause, Disturbance::Busy);
    }
    let kind = FailureKind::RateLimited {
        retry_after: answer.retry_after().unwrap_or(RATE_PAUSE).max(Duration::from_secs(1)),
        scope: quote(reason.unwrap_or("unnamed")),
    };
    let error = ConnectorError::new(kind, codes::STRIPE_RATE_LIMITED, cause);
    Refusal { retry: Some(Disturbance::Rate), ..error.into() }
}

/// `Stripe-Should-Retry` knows better than the status, in both directions.
fn obey(answer: &Answer, refusal: &mut Refusal) {
    match header(answer, "stripe-should-retry") {
        Some("true") if refusal.retry.is_none() => refusal.retry = Some(Disturbance::Busy),
        Some("false") => refusal.retry = None,
        _ => {}
    }
}

/// ` (req_…)`, by which Stripe's support and its dashboard find the request.
pub fn request_id(answer: &Answer) -> String {
    header(answer, "request-id").map_or_else(String::new, |id| format!(" ({})", quote(id)))
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

/// The first word of a message that begins with `prefix`.
fn word(message: &str, prefix: &str) -> Option<Box<str>> {
    let mut words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .find(|word| word.len() > prefix.len() && word.starts_with(prefix))
        .map(|word| word.chars().take(100).collect())
}
