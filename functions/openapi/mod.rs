//! The API's own description.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;

use crate::http::openapi::{PATH, document};
use crate::http::operation::get;
use crate::http::routes::Routes;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().route(get(PATH, "openapi", "This document.").media("application/json"), openapi)
}

/// Made when first asked for; the same until the program changes.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| document(super::api().operations()).to_string());

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}
