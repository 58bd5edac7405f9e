//! Stripe's error envelope: `{"error":{"type","code"?,"message","param"?}}`. Texts follow the vendor facts, section 1B.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An error as Stripe writes it.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// `invalid_request_error`, `api_error` …
    pub kind: &'static str,
    /// Name for programs.
    pub code: Option<&'static str>,
    /// Sentence for the developer.
    pub message: String,
    /// The parameter that is wrong.
    pub param: Option<String>,
    /// Headers that say more.
    pub headers: Vec<(&'static str, String)>,
}

impl ApiError {
    /// Any error about the request.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: "invalid_request_error",
            code: None,
            message: message.into(),
            param: None,
            headers: Vec::new(),
        }
    }

    /// A wrong request.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.to_owned()), ..Self::new(400, message) }
    }

    /// No key, or one that does not count.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, message)
    }

    /// The same error with a name for programs.
    pub fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// A restricted key may not do this; the text names the permission that would allow it.
    pub fn permission(key: &str, account: &str, permission: &str) -> Self {
        let message = format!(
            "The provided key '{key}' does not have the required permissions for this endpoint on account '{account}'. \
             Having the '{permission}' permission would allow this request to continue."
        );
        Self::new(403, message)
    }

    /// There is no such object.
    pub fn missing(status: u16, noun: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {noun}: '{id}'");
        Self { status, ..Self::invalid(param, message) }.with_code("resource_missing")
    }

    /// There is no such address.
    pub fn unknown_url(method: &str, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. If \
             you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. \
             Please see https://stripe.com/docs or we can help at https://support.stripe.com/."
        );
        Self::new(404, message)
    }

    /// Too many requests. A reason is given for all but locks; without one it is a lock.
    pub fn too_many(reason: Option<&str>) -> Self {
        if let Some(reason) = reason {
            let headers = vec![("stripe-rate-limited-reason", reason.to_owned())];
            return Self { headers, ..Self::new(429, "Too many requests.") }.with_code("rate_limit");
        }
        let message = "This object can't be accessed right now because another API request or Stripe process is currently \
                       accessing it.";
        let headers = vec![("stripe-should-retry", "true".to_owned())];
        Self { headers, ..Self::new(429, message) }.with_code("lock_timeout")
    }

    /// Stripe's own fault.
    pub fn internal(status: u16) -> Self {
        let message = "An unknown error occurred. Please try again, or contact us if the error persists.";
        Self { kind: "api_error", ..Self::new(status, message) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut error = json!({"message": self.message, "type": self.kind});
        if let Some(code) = self.code {
            error["code"] = code.into();
            error["doc_url"] = format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")).into();
        }
        if let Some(param) = self.param {
            error["param"] = Value::String(param);
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let named = self
            .headers
            .into_iter()
            .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?)));
        let headers: HeaderMap = named.collect();
        (status, headers, axum::Json(json!({"error": error}))).into_response()
    }
}
