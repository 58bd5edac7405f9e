//! The Functions host's invocation envelope for timers and queues.
//!
//! The host encodes most values twice (a string becomes JSON text in a JSON string), dates of a first timer run may be
//! of year 1 and without zone, and unknown keys come and go: so little is read, and that leniently. Facts are never read
//! from `Metadata`, because a message's own body can overwrite keys there.

use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::guard::panic_message;
use crate::services::error::ServiceError;
use crate::services::jobs::Handled;

/// What the host sends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Invocation {
    /// The trigger's value under its binding's name.
    data: Map<String, Value>,
    /// Facts around it; must be there, so that a stray request is told from an invocation.
    #[serde(rename = "Metadata")]
    _metadata: Map<String, Value>,
}

impl Invocation {
    /// Whether the binding is there at all.
    pub fn has(&self, binding: &str) -> bool {
        self.data.contains_key(binding)
    }

    /// The trigger's value as `T`, whether encoded once, twice or not at all.
    pub fn value<T: DeserializeOwned>(&self, binding: &str) -> Option<T> {
        let mut value = self.data.get(binding)?.clone();
        for _ in 0..3 {
            match serde_json::from_value(value.clone()) {
                Ok(decoded) => return Some(decoded),
                Err(_) => value = serde_json::from_str(value.as_str()?).ok()?,
            }
        }
        None
    }
}

/// What a job function answers.
#[derive(Debug)]
pub enum Outcome {
    /// Done, or nothing to do: the message is settled.
    Done(String),
    /// Not an envelope that this function understands.
    NotAnInvocation,
    /// Our side failed before the row could say so: the host delivers again.
    Failed(String),
}

impl Outcome {
    /// `Failed` from an error.
    pub fn failed(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        Self::Failed(text)
    }
}

impl From<Result<Handled, ServiceError>> for Outcome {
    /// Every outcome that the row knows of settles the message; only a row that could not be written brings it back.
    fn from(handled: Result<Handled, ServiceError>) -> Self {
        match handled {
            Ok(Handled::Worked) => Self::Done("worked".into()),
            Ok(Handled::Postponed) => Self::Done("postponed".into()),
            Ok(Handled::Nothing) => Self::Done("nothing to do".into()),
            Err(error) => Self::failed(&error),
        }
    }
}

impl IntoResponse for Outcome {
    /// Always a JSON object: on an empty body the host waits until its time-out.
    fn into_response(self) -> Response {
        match self {
            Self::Done(line) => axum::Json(serde_json::json!({ "Logs": [line] })).into_response(),
            Self::NotAnInvocation => {
                (StatusCode::BAD_REQUEST, axum::Json(serde_json::json!({ "error": "not an invocation" })))
                    .into_response()
            }
            Self::Failed(cause) => {
                tracing::error!(cause = %cause, "An invocation failed");
                (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(serde_json::json!({ "error": "failed" })))
                    .into_response()
            }
        }
    }
}

/// What a panic in a job function answers: a failure, so that the host delivers again; attempts are counted in the row.
#[expect(clippy::needless_pass_by_value, reason = "the shape that the panic layer takes")]
pub fn on_panic(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Outcome::Failed(format!("panic: {}", panic_message(panic.as_ref()))).into_response()
}

/// The body of an invocation, or `None` when it is something else.
pub type Body = Result<axum::Json<Invocation>, JsonRejection>;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Job {
        job_id: u32,
    }

    fn invocation(data: &str) -> Invocation {
        serde_json::from_str(&format!(r#"{{"Data":{{"job":{data}}},"Metadata":{{"sys":{{}}}}}}"#)).unwrap()
    }

    #[test]
    fn a_value_is_read_however_often_the_host_encoded_it() {
        for data in [r#"{"job_id":7}"#, r#""{\"job_id\":7}""#, r#""\"{\\\"job_id\\\":7}\"""#] {
            assert_eq!(invocation(data).value::<Job>("job"), Some(Job { job_id: 7 }), "{data}");
        }
    }

    #[test]
    fn nonsense_is_none_and_not_a_panic() {
        for data in ["null", "7", r#""text""#, r#""\"text\"""#, "[]"] {
            assert_eq!(invocation(data).value::<Job>("job"), None, "{data}");
        }
        assert_eq!(invocation("{}").value::<Job>("other"), None);
    }

    #[test]
    fn an_invocation_needs_data_and_metadata() {
        assert!(serde_json::from_str::<Invocation>(r#"{"Data":{}}"#).is_err());
        assert!(serde_json::from_str::<Invocation>(r#"{"Data":{},"Metadata":{}}"#).is_ok());
    }
}
