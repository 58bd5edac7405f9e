//! Signing in and out, the session, and the password.

mod session;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::TenantId;
use crate::domain::secret::Secret;
use crate::http::body::Json;
use crate::http::extract::{Device, Info, SignedIn};
use crate::http::operation::{Operation, get, post};
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::services::auth::{self, SignIn};
use crate::services::error::ServiceError;

pub use session::{SessionBody, body, no_session_cookie, session_cookie};
use session::{opened, renewed, set_device};

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            post("/api/auth/login", "login", "Signs in, or asks for the second factor.")
                .ok::<SessionBody>()
                .ok::<CodeNeeded<'static>>()
                .fails(401, &["bad_credentials"])
                .throttled(),
            login,
        )
        .route(
            opens(post("/api/auth/mfa", "login_with_code", "Signs in with the second factor."))
                .fails(401, &["bad_code", "bad_ticket"])
                .throttled(),
            mfa,
        )
        .route(
            post("/api/auth/logout", "logout", "Ends the session.").empty(StatusCode::NO_CONTENT).with("Set-Cookie"),
            logout,
        )
        .route(get("/api/auth/session", "session", "The session as it is.").ok::<SessionBody>(), session)
        .route(
            opens(post("/api/auth/tenant", "switch_tenant", "Goes over to another tenant of the same person."))
                .fails(404, &["not_found"]),
            tenant,
        )
        .route(
            opens(post("/api/auth/reauthenticate", "reauthenticate", "Opens sensitive acts for five minutes."))
                .throttled(),
            reauthenticate,
        )
        .merge(password_routes())
}

fn password_routes() -> Routes {
    Routes::new()
        .route(
            post("/api/auth/password/forgot", "forgot_password", "Sends a link, if there is such a person.")
                .gives::<Accepted>(StatusCode::ACCEPTED)
                .throttled(),
            forgot,
        )
        .route(
            post("/api/auth/password/reset", "reset_password", "Sets a password with the link's token.")
                .empty(StatusCode::NO_CONTENT)
                .with("Set-Cookie")
                .fails(400, &["bad_token"])
                .fails(412, &["stale"])
                .throttled(),
            reset,
        )
        .route(
            opens(post("/api/auth/password/change", "change_password", "Sets another password; other sessions end."))
                .fails(412, &["stale"])
                .throttled(),
            change,
        )
}

/// Answers with a session under a new token.
fn opens(operation: Operation) -> Operation {
    operation.ok::<SessionBody>().with("Set-Cookie")
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Accepted {}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    email: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginCode)]
struct Mfa {
    ticket: String,
    code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SwitchTenant)]
struct Switch {
    tenant_id: TenantId,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reauthenticate {
    password: String,
    code: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ForgotPassword)]
struct Forgot {
    email: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResetPassword)]
struct Reset {
    token: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangePassword)]
struct Change {
    current: String,
    new: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CodeNeeded)]
struct CodeNeeded<'a> {
    mfa_required: bool,
    ticket: &'a str,
}

async fn login(
    State(app): State<AppState>,
    Info(request): Info,
    Device(device): Device,
    Json(sent): Json<Login>,
) -> Result<Response, ServiceError> {
    let login = auth::Login { email: &sent.email, password: Secret::new(sent.password), device };
    match app.services.login(login, &request).await? {
        SignIn::Done(done) => opened(&app, &done).await,
        SignIn::CodeNeeded(ticket) => {
            Ok(axum::Json(CodeNeeded { mfa_required: true, ticket: ticket.expose() }).into_response())
        }
    }
}

async fn mfa(
    State(app): State<AppState>,
    Info(request): Info,
    Json(sent): Json<Mfa>,
) -> Result<Response, ServiceError> {
    let done = app.services.login_with_code(&Secret::new(sent.ticket), &sent.code, &request).await?;
    opened(&app, &done).await
}

async fn logout(State(app): State<AppState>, SignedIn(person): SignedIn) -> Result<impl IntoResponse, ServiceError> {
    app.services.logout(&person.token, &person.session, &person.request).await?;
    Ok((StatusCode::NO_CONTENT, no_session_cookie()))
}

async fn session(State(app): State<AppState>, SignedIn(person): SignedIn) -> Result<impl IntoResponse, ServiceError> {
    Ok(axum::Json(body(&app, &person.token).await?))
}

async fn tenant(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Switch>,
) -> Result<impl IntoResponse, ServiceError> {
    let token = app.services.switch_tenant(&person.token, &person.session, sent.tenant_id, &person.request).await?;
    renewed(&app, &token).await
}

async fn reauthenticate(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Reauthenticate>,
) -> Result<impl IntoResponse, ServiceError> {
    let password = Secret::new(sent.password);
    let token = app.services.reauthenticate(&person, &password, sent.code.as_deref()).await?;
    renewed(&app, &token).await
}

async fn forgot(
    State(app): State<AppState>,
    Info(request): Info,
    Json(sent): Json<Forgot>,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.forgot_password(&sent.email, &request).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(Accepted {})))
}

async fn reset(
    State(app): State<AppState>,
    Info(request): Info,
    Json(sent): Json<Reset>,
) -> Result<impl IntoResponse, ServiceError> {
    let (token, password) = (Secret::new(sent.token), Secret::new(sent.password));
    let device = app.services.reset_password(&token, &password, &request).await?;
    let mut headers = HeaderMap::new();
    set_device(&mut headers, &device);
    Ok((StatusCode::NO_CONTENT, headers))
}

async fn change(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Change>,
) -> Result<impl IntoResponse, ServiceError> {
    let token = app.services.change_password(&person, &Secret::new(sent.current), &Secret::new(sent.new)).await?;
    renewed(&app, &token).await
}
