//! Google's error envelope.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An error as Google's APIs write it: `{"error":{"code","message","status","details"?}}`.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// Canonical name, e.g. `INVALID_ARGUMENT`.
    pub status: &'static str,
    /// Sentence for the developer.
    pub message: String,
    /// Typed details, absent when null.
    pub details: Value,
}

impl ApiError {
    /// A wrong request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// No, or no longer, a valid access token. `presented` tells whether there was one at all.
    pub fn unauthenticated(presented: bool) -> Self {
        let start = if presented {
            "Request had invalid authentication credentials."
        } else {
            "Request is missing required authentication credential."
        };
        let message = format!(
            "{start} Expected OAuth 2 access token, login cookie or other valid authentication credential. \
             See https://developers.google.com/identity/sign-in/web/devconsole-project."
        );
        Self::new(401, "UNAUTHENTICATED", message)
    }

    /// The account may not read this property. The text is the one in Google's list of Data API errors.
    pub fn forbidden() -> Self {
        Self::new(403, "PERMISSION_DENIED", "User does not have sufficient permissions for this property.")
    }

    /// The token was granted without the scope that this call needs.
    pub fn scope_missing() -> Self {
        let details = json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com"
        }]);
        Self { details, ..Self::new(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.") }
    }

    /// A quota is used up.
    pub fn exhausted(message: impl Into<String>) -> Self {
        Self::new(429, "RESOURCE_EXHAUSTED", message)
    }

    /// Google's own fault.
    pub fn internal() -> Self {
        Self::new(500, "INTERNAL", "Internal error encountered.")
    }

    /// Google is not there for the moment.
    pub fn unavailable() -> Self {
        Self::new(503, "UNAVAILABLE", "The service is currently unavailable.")
    }

    /// There is nothing at this address.
    pub fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "Method not found.")
    }

    /// Any error.
    pub fn new(code: u16, status: &'static str, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), details: Value::Null }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut error = json!({"code": self.code, "message": self.message, "status": self.status});
        if !self.details.is_null() {
            error["details"] = self.details;
        }
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (code, axum::Json(json!({"error": error}))).into_response();
        if self.code == 401 {
            let challenge = "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"";
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(challenge));
        }
        response
    }
}
