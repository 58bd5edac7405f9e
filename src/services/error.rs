//! What a use case can answer besides success.

use std::error::Error as StdError;

use crate::connectors::error::ConnectorError;
use crate::domain::lang::Text;
use crate::domain::throttle::CountersUnavailable;
use crate::platform::passwords::PasswordError;
use crate::platform::sealing::SealError;
use crate::store::StoreError;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field, for example `metrics[0].key`.
    pub field: String,
    /// Stable code.
    pub code: &'static str,
    /// What to change.
    pub text: Text,
}

impl FieldError {
    /// A field error from its parts.
    pub fn new(field: impl Into<String>, code: &'static str, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self { field: field.into(), code, text: Text::new(es, en) }
    }
}

/// The reasons why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Nobody is signed in.
    #[error("not signed in")]
    Unauthenticated,
    /// A login failed; the cause is never told.
    #[error("bad credentials")]
    BadCredentials,
    /// A second factor or its ticket is not accepted.
    #[error("unauthorised: {code}")]
    Unauthorised {
        /// Stable code.
        code: &'static str,
        /// What to do.
        text: Text,
    },
    /// Too many attempts; worth trying again after this many seconds.
    #[error("throttled for {0} s")]
    Throttled(u64),
    /// Done a moment ago; possible again after so many seconds.
    #[error("too soon: {code}, {seconds} s")]
    TooSoon {
        /// How long.
        seconds: u64,
        /// Stable code.
        code: &'static str,
        /// Why, and when again.
        text: Text,
    },
    /// A sensitive act, and the password was given too long ago.
    #[error("the password must be given again")]
    ReauthRequired,
    /// A second factor must be set up first.
    #[error("a second factor must be set up first")]
    MfaEnrollmentRequired,
    /// The role does not allow it.
    #[error("forbidden")]
    Forbidden,
    /// There is no such thing in this tenant.
    #[error("not found")]
    NotFound,
    /// Someone else changed it since it was read.
    #[error("stale")]
    Stale,
    /// The request cannot be understood.
    #[error("bad request: {code}")]
    BadRequest {
        /// Stable code.
        code: &'static str,
        /// What to change.
        text: Text,
    },
    /// Fields have unusable values.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// The request is understood but cannot be answered.
    #[error("unprocessable: {code}")]
    Unprocessable {
        /// Stable code.
        code: &'static str,
        /// Why, and what to change.
        text: Text,
    },
    /// The request contradicts what exists.
    #[error("conflict: {code}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// Why, and what to change.
        text: Text,
    },
    /// Something we depend on does not answer; trying again helps.
    #[error("unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl ServiceError {
    /// One unusable field.
    pub fn field(field: &str, code: &'static str, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, code, es, en)])
    }

    /// Not signed in by this.
    pub fn unauthorised(code: &'static str, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Unauthorised { code, text: Text::new(es, en) }
    }

    /// Understood but not answerable.
    pub fn unprocessable(code: &'static str, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Unprocessable { code, text: Text::new(es, en) }
    }

    /// Contradicts what exists.
    pub fn conflict(code: &'static str, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Conflict { code, text: Text::new(es, en) }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(Box::new(error)),
            other => Self::Internal(Box::new(other)),
        }
    }
}

impl From<PasswordError> for ServiceError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Unavailable(Box::new(error)),
            PasswordError::Failed(_) => Self::Internal(Box::new(error)),
        }
    }
}

impl From<CountersUnavailable> for ServiceError {
    fn from(error: CountersUnavailable) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<SealError> for ServiceError {
    fn from(error: SealError) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<ConnectorError> for ServiceError {
    /// A provider that fails while a person waits: their sentence, the operator's cause in the log.
    fn from(error: ConnectorError) -> Self {
        let message = error.user_message();
        tracing::warn!(code = error.code, kind = error.kind.as_str(), cause = %error.cause, "A source answered with a failure");
        Self::Unprocessable { code: error.code, text: Text::new(message.es, message.en) }
    }
}
