//! What can go wrong with a source, sorted by what has to happen next.

use std::time::Duration;

use thiserror::Error;

use super::sentences;
use crate::domain::metric::Bilingual;

/// Most characters of an upstream's own words that are kept in a cause.
const MAX_QUOTE: usize = 300;

/// The kind of a failure, which decides what happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The credential no longer works: ask the client to connect again, do not retry.
    AuthRevoked,
    /// The credential works but may not read this: ask the client, do not retry.
    PermissionMissing,
    /// A setting is wrong, the client's or the operator's: ask that person, do not retry.
    ConfigInvalid,
    /// Not a failure: the source asked us to wait and resumes by itself.
    RateLimited {
        /// How long to leave the source alone.
        retry_after: Duration,
        /// What the limit covers, in the provider's terms (`property_day`, `concurrent`, …).
        scope: String,
    },
    /// A disturbance that passes: retry with growing waits.
    Transient,
    /// The source answered something this code does not know: alert the operator, do not retry blindly.
    Contract,
    /// The client's plan has no room for more: do not retry, look again at the next scheduled run.
    OverLimit,
}

impl FailureKind {
    /// The name used in the database and in logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AuthRevoked => "auth_revoked",
            Self::PermissionMissing => "permission_missing",
            Self::ConfigInvalid => "config_invalid",
            Self::RateLimited { .. } => "rate_limited",
            Self::Transient => "transient",
            Self::Contract => "contract",
            Self::OverLimit => "over_limit",
        }
    }
}

/// A failed call to a source.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code} ({}): {cause}", .kind.as_str())]
pub struct ConnectorError {
    /// What has to happen next.
    pub kind: FailureKind,
    /// Stable name of this failure, one of [`sentences::codes`]; stored with the source.
    pub code: &'static str,
    /// What the operator needs to know; never holds tokens, secrets or URLs with queries.
    pub cause: String,
    /// How long to leave the source alone at least, where the provider punishes a soon return.
    pub pause: Option<Duration>,
}

impl ConnectorError {
    /// A failure of this kind. `cause` is for the operator and must hold no secret.
    pub fn new(kind: FailureKind, code: &'static str, cause: impl Into<String>) -> Self {
        Self { kind, code, cause: cause.into(), pause: None }
    }

    /// The source answered something unexpected.
    pub fn contract(code: &'static str, cause: impl Into<String>) -> Self {
        Self::new(FailureKind::Contract, code, cause)
    }

    /// A disturbance that passes.
    pub fn transient(code: &'static str, cause: impl Into<String>) -> Self {
        Self::new(FailureKind::Transient, code, cause)
    }

    /// A setting that a person has to correct.
    pub fn config(code: &'static str, cause: impl Into<String>) -> Self {
        Self::new(FailureKind::ConfigInvalid, code, cause)
    }

    /// The same failure, after which the source is left alone for at least this long.
    #[must_use]
    pub const fn pausing(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    /// One sentence for the client in Spanish and in English: what happened and who does what.
    ///
    /// A failure that was stored is put into words by [`sentences::sentence`] from its code.
    pub fn user_message(&self) -> Bilingual {
        sentences::sentence(self.code)
    }

    /// The same failure with a cause that no longer contains what `redact` removes.
    #[must_use]
    pub fn redacted(mut self, redact: impl Fn(&str) -> String) -> Self {
        self.cause = redact(&self.cause);
        self
    }
}

/// What an upstream said, on one line and shortened, fit to be quoted in a cause.
pub fn quote(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_QUOTE).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_code_kind_and_cause() {
        let error = ConnectorError::transient(sentences::codes::GA4_SERVER_ERROR, "HTTP 500 INTERNAL");
        assert_eq!(error.to_string(), "ga4_server_error (transient): HTTP 500 INTERNAL");
    }

    #[test]
    fn a_quote_is_short_and_on_one_line() {
        assert_eq!(quote("  a\nb\r "), "a b");
        assert_eq!(quote(&"x".repeat(1000)).len(), 300);
    }
}
