//! The way back from a provider's consent page.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;

use crate::http::extract::Admin;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::services::connect::Connected;
use crate::services::error::ServiceError;
use crate::services::sources::PROVIDER_FAILURES;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().route(
        get("/api/oauth/callback", "oauth_callback", "The way back from a provider's consent page.")
            .query([
                query::text("state", "As it was given to the provider."),
                query::text("code", "What the provider gives for the consent."),
                query::text("error", "Why the provider gives nothing."),
            ])
            .empty(StatusCode::SEE_OTHER)
            .with("Location")
            .fails(400, &["bad_state"])
            .fails(404, &["not_found"])
            .fails(409, &["not_an_oauth_source"])
            .fails(422, PROVIDER_FAILURES),
        callback,
    )
}

/// Providers add parameters of their own (`scope`, `iss`, `authuser`, …), so unknown ones are not refused here.
async fn callback(
    State(app): State<AppState>,
    Admin(caller): Admin,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let state = params.one("state").unwrap_or_default();
    let (code, error) = (params.one("code"), params.one("error"));
    let code = code.as_deref().ok_or(error.as_deref().unwrap_or("no_code"));
    let place = match app.services.finish_connect(&caller, caller.session, &state, code).await? {
        Connected::Yes(source) => format!("/#/sources?source={source}"),
        Connected::No(source, why) => format!("/#/sources?source={source}&error={why}"),
    };
    let place = HeaderValue::from_str(&place).map_err(|error| ServiceError::Internal(Box::new(error)))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, place)]))
}
