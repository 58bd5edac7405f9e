//! Request bodies, with refusals that say what to change.

use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use super::error::Problem;
use crate::domain::lang::Text;
use crate::services::csv_import::MAX_BYTES;
use crate::services::error::{FieldError, ServiceError};

/// Largest JSON body, in bytes.
pub const MAX_JSON: usize = 256 * 1024;
/// Largest form with a file: the file and some room for the rest.
pub const MAX_FORM: usize = MAX_BYTES + 512 * 1024;

/// A JSON body. Types use `deny_unknown_fields`, so that a misspelt or forbidden field is refused and not ignored.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A refusal that is either a problem or a use case's error.
#[derive(Debug)]
pub enum Refusal {
    /// A problem with the request as such.
    Problem(Problem),
    /// An error worded like those of use cases.
    Service(ServiceError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Service(error) => error.into_response(),
        }
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(Refusal::Problem(Problem::unsupported_media_type()));
        }
        let bytes = axum::body::to_bytes(request.into_body(), MAX_JSON)
            .await
            .map_err(|_| Refusal::Problem(Problem::too_large()))?;
        // Every body is an object; serde would take a list for one, field by field.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(data_error("body: invalid type: sequence, expected an object").into());
        }
        match axum::Json::<T>::from_bytes(&bytes) {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(error)) => Err(data_error(&error.body_text()).into()),
            Err(_) => Err(malformed().into()),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn malformed() -> ServiceError {
    ServiceError::BadRequest {
        code: "malformed_json",
        text: Text::new("El contenido no es JSON válido.", "The content is not valid JSON."),
    }
}

/// serde names the field and what it expected, nothing of ours.
fn data_error(words: &str) -> ServiceError {
    let words = words.rsplit_once("target type: ").map_or(words, |(_, words)| words);
    let (field, words) = words.split_once(": ").filter(|(field, _)| !field.contains(' ')).unwrap_or(("", words));
    let field = if field.is_empty() { quoted(words).unwrap_or("body") } else { field };
    ServiceError::Invalid(vec![FieldError::new(
        field,
        "bad_value",
        format!("El contenido no encaja: {words}."),
        format!("The content does not fit: {words}."),
    )])
}

/// The first name between back quotes.
fn quoted(words: &str) -> Option<&str> {
    words.split('`').nth(1).filter(|name| !name.is_empty())
}

/// A form with a file and perhaps a mapping.
#[derive(Debug)]
pub struct FileForm {
    /// The file.
    pub file: Bytes,
    /// The `mapping` field, JSON text.
    pub mapping: Option<Bytes>,
    /// The `replace` field, for clients that keep it out of the mapping.
    pub replace: bool,
}

impl<S: Send + Sync> FromRequest<S> for FileForm {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let mut form = Multipart::from_request(request, state)
            .await
            .map_err(|_| Refusal::Problem(Problem::unsupported_media_type()))?;
        let (mut file, mut mapping, mut replace) = (None, None, None);
        while let Some(field) = form.next_field().await.map_err(broken_form)? {
            let name = field.name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(broken_form)?;
            let place = match name.as_str() {
                "file" => &mut file,
                "mapping" => &mut mapping,
                "replace" => &mut replace,
                _ => return Err(field_error(&name, "unknown_field", "Este campo sobra.", "This field is unknown.")),
            };
            if place.replace(bytes).is_some() {
                return Err(field_error(
                    &name,
                    "repeated_field",
                    "Este campo está repetido.",
                    "This field is repeated.",
                ));
            }
        }
        let file = file.ok_or_else(|| field_error("file", "required", "Falta el archivo.", "The file is missing."))?;
        let replace = match replace.as_deref() {
            None | Some(b"false" | b"") => false,
            Some(b"true") => true,
            Some(_) => {
                return Err(field_error("replace", "bad_value", "Debe ser true o false.", "It must be true or false."));
            }
        };
        Ok(Self { file, mapping, replace })
    }
}

fn field_error(field: &str, code: &'static str, es: &str, en: &str) -> Refusal {
    ServiceError::field(field, code, es, en).into()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn broken_form(error: MultipartError) -> Refusal {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Refusal::Problem(Problem::too_large());
    }
    ServiceError::BadRequest {
        code: "malformed_form",
        text: Text::new("El formulario llegó incompleto o roto.", "The form arrived incomplete or broken."),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(words: &str) -> String {
        match data_error(words) {
            ServiceError::Invalid(fields) => fields[0].field.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_data_error_names_the_field() {
        let prefix = "Failed to deserialize the JSON body into the target type: ";
        assert_eq!(field_of(&format!("{prefix}missing field `email` at line 1 column 2")), "email");
        assert_eq!(field_of(&format!("{prefix}email: invalid type: integer `1`, expected a string")), "email");
        assert_eq!(field_of(&format!("{prefix}unknown field `role`, expected one of `name`")), "role");
    }
}
