//! Errors as RFC 9457 problem documents.
//!
//! A handler answers [`ServiceError`]; `guard` puts it into words, because only it knows the request's language and id.

use std::error::Error as StdError;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::domain::lang::{Lang, Text};
use crate::services::error::{FieldError, ServiceError};

/// A problem, not yet in words.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Text,
    fields: Vec<FieldError>,
    members: serde_json::Map<String, serde_json::Value>,
    /// Seconds.
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldBody<'a>>,
    #[serde(flatten)]
    members: &'a serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct FieldBody<'a> {
    field: &'a str,
    code: &'a str,
    detail: &'a str,
}

/// The schema of every problem. `errors` names the fields of a 422, `retry_after` the seconds of a 429.
pub fn problem_schema() -> serde_json::Value {
    let text = serde_json::json!({"type": "string"});
    let word = serde_json::json!({"type": "string", "pattern": "^[a-z0-9_]+$"});
    let error = serde_json::json!({
        "type": "object",
        "properties": {"field": text, "code": word, "detail": text},
        "required": ["field", "code", "detail"],
        "additionalProperties": false,
    });
    serde_json::json!({
        "type": "object",
        "description": "A problem document (RFC 9457). `detail` is a sentence for a person.",
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": text,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text,
            "code": word,
            "request_id": {"type": "string", "format": "uuid"},
            "errors": {"type": "array", "minItems": 1, "items": error},
            "retry_after": {"type": "integer", "minimum": 0},
        },
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "additionalProperties": false,
    })
}

impl Problem {
    /// A problem from its parts; `detail` in Spanish and English.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str, es: &str, en: &str) -> Self {
        Self::worded(status, code, title, &Text::new(es, en))
    }

    /// The same problem with further members (RFC 9457, section 3.2).
    #[must_use]
    pub fn with_members(mut self, members: &impl Serialize) -> Self {
        if let Ok(serde_json::Value::Object(members)) = serde_json::to_value(members) {
            self.members = members;
        }
        self
    }

    /// The answer in a language, with the request's id.
    pub fn render(&self, lang: Lang, request_id: &str) -> Response {
        let body = ProblemBody {
            r#type: format!("urn:portal:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail.get(lang),
            code: self.code,
            request_id,
            errors: self
                .fields
                .iter()
                .map(|field| FieldBody { field: &field.field, code: field.code, detail: field.text.get(lang) })
                .collect(),
            members: &self.members,
        };
        let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.as_str()));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// There is no such route or thing.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            "No existe, o no pertenece a su organización.",
            "It does not exist, or does not belong to your organisation.",
        )
    }

    /// The path exists, the method does not.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            "Esta dirección no admite ese método; la cabecera Allow dice cuáles sí.",
            "This address does not take that method; the Allow header says which it takes.",
        )
    }

    /// A fault of ours.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            "Ha fallado algo por nuestra parte; si se repite, díganos el identificador de la petición.",
            "Something failed on our side; if it happens again, tell us the request's id.",
        )
    }

    /// A body larger than the route takes.
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "Too large",
            "El contenido enviado es demasiado grande.",
            "What was sent is too large.",
        )
    }

    /// A content type that the route does not take.
    pub fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Unsupported media type",
            "El contenido debe ser application/json (o multipart/form-data al enviar archivos).",
            "The content must be application/json (or multipart/form-data when sending files).",
        )
    }

    /// Too many attempts; `seconds` to wait.
    fn throttled(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "throttled",
                "Too many attempts",
                &format!("Demasiados intentos; espere {seconds} s y vuelva a intentarlo."),
                &format!("Too many attempts; wait {seconds} s and try again."),
            )
        }
        .with_members(&serde_json::json!({ "retry_after": seconds }))
    }

    /// Nobody is signed in.
    fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Not signed in",
            "Inicie sesión para continuar.",
            "Sign in to continue.",
        )
    }

    /// A login failed.
    fn bad_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "bad_credentials",
            "Bad credentials",
            "El correo o la contraseña no son correctos.",
            "The e-mail or the password is wrong.",
        )
    }

    /// The password was given too long ago.
    fn reauth_required() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "reauth_required",
            "Password needed again",
            "Para hacer esto confirme antes su contraseña.",
            "Confirm your password first to do this.",
        )
    }

    /// A second factor must be set up first.
    fn mfa_enrollment_required() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "mfa_enrollment_required",
            "Second factor needed",
            "Su organización pide la verificación en dos pasos; actívela para continuar.",
            "Your organisation asks for two-step verification; turn it on to continue.",
        )
    }

    /// The role does not allow it.
    fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "Forbidden",
            "Su rol no permite hacer esto; pídaselo a un administrador.",
            "Your role does not allow this; ask an administrator.",
        )
    }

    fn of(error: &ServiceError) -> Self {
        match error {
            ServiceError::Unauthenticated => Self::unauthenticated(),
            ServiceError::BadCredentials => Self::bad_credentials(),
            ServiceError::Unauthorised { code, text } => {
                Self::worded(StatusCode::UNAUTHORIZED, code, "Unauthorised", text)
            }
            ServiceError::Throttled(seconds) => Self::throttled(*seconds),
            ServiceError::TooSoon { seconds, code, text } => Self {
                retry_after: Some(*seconds),
                ..Self::worded(StatusCode::TOO_MANY_REQUESTS, code, "Too soon", text)
            }
            .with_members(&serde_json::json!({ "retry_after": seconds })),
            ServiceError::ReauthRequired => Self::reauth_required(),
            ServiceError::MfaEnrollmentRequired => Self::mfa_enrollment_required(),
            ServiceError::Forbidden => Self::forbidden(),
            ServiceError::NotFound => Self::not_found(),
            ServiceError::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "Changed meanwhile",
                "Alguien lo ha cambiado mientras tanto; recargue la página y repita el cambio.",
                "Someone has changed it meanwhile; reload the page and make your change again.",
            ),
            ServiceError::BadRequest { code, text } => Self::worded(StatusCode::BAD_REQUEST, code, "Bad request", text),
            ServiceError::Invalid(fields) => Self {
                fields: fields.clone(),
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid",
                    "Invalid",
                    "Hay campos que corregir.",
                    "Some fields need correcting.",
                )
            },
            ServiceError::Unprocessable { code, text } => {
                Self::worded(StatusCode::UNPROCESSABLE_ENTITY, code, "Unprocessable", text)
            }
            ServiceError::Conflict { code, text } => Self::worded(StatusCode::CONFLICT, code, "Conflict", text),
            ServiceError::Unavailable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Unavailable",
                "El servicio no está disponible en este momento; inténtelo de nuevo en unos segundos.",
                "The service is not available right now; try again in a few seconds.",
            ),
            ServiceError::Internal(_) => Self::internal(),
        }
    }

    fn worded(status: StatusCode, code: &'static str, title: &'static str, text: &Text) -> Self {
        Self {
            status,
            code,
            title,
            detail: text.clone(),
            fields: Vec::new(),
            members: serde_json::Map::new(),
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(5),
        }
    }
}

impl IntoResponse for Problem {
    /// An empty answer that carries the problem to `guard`.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The cause of a 5xx, for the log.
#[derive(Debug, Clone)]
pub struct Cause(pub String);

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        let mut response = Problem::of(&self).into_response();
        if let Self::Unavailable(source) | Self::Internal(source) = &self {
            response.extensions_mut().insert(Cause(chain(source.as_ref())));
        }
        response
    }
}

/// An error and what caused it, on one line.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
