//! One's own account: name, language, sessions, second factor.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::lang::Lang;
use crate::domain::secret::Secret;
use crate::functions::auth::{SessionBody, body, session_cookie};
use crate::http::body::Json;
use crate::http::extract::{IdPath, SignedIn};
use crate::http::params::Params;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::auth::RecoveryCodes;
use crate::services::auth::account::{Account, AccountChange, OwnSession};
use crate::services::error::ServiceError;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/account", account)
        .on(Method::PATCH, "/api/account", change)
        .get("/api/account/sessions", sessions)
        .on(Method::DELETE, "/api/account/sessions", end_sessions)
        .on(Method::DELETE, "/api/account/sessions/{id}", end_session)
        .post("/api/account/totp/start", start)
        .post("/api/account/totp/confirm", confirm)
        .post("/api/account/totp/recovery", recovery)
        .post("/api/account/totp/disable", disable)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    locale: Option<Lang>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    password: String,
    code: String,
}

#[derive(Serialize)]
struct AccountBody {
    user: UserBody,
    #[serde(with = "time::serde::rfc3339::option")]
    password_changed_at: Option<OffsetDateTime>,
    mfa: MfaBody,
}

#[derive(Serialize)]
struct UserBody {
    id: Uuid,
    email: String,
    name: String,
    locale: String,
}

#[derive(Serialize)]
struct MfaBody {
    enabled: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    since: Option<OffsetDateTime>,
    recovery_codes_left: i64,
    enforced: bool,
}

impl From<Account> for AccountBody {
    fn from(Account { row, enforced }: Account) -> Self {
        Self {
            user: UserBody { id: row.id, email: row.email, name: row.name, locale: row.locale },
            password_changed_at: row.password_changed_at,
            mfa: MfaBody {
                enabled: row.mfa_since.is_some(),
                since: row.mfa_since,
                recovery_codes_left: row.recovery_codes,
                enforced,
            },
        }
    }
}

#[derive(Serialize)]
struct OwnSessionBody {
    id: Uuid,
    current: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_used_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    ip: Option<String>,
    user_agent: Option<String>,
}

impl OwnSessionBody {
    fn new(row: OwnSession, current: Uuid) -> Self {
        Self {
            id: row.id,
            current: row.id == current,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            ip: row.ip,
            user_agent: row.user_agent,
        }
    }
}

#[derive(Serialize)]
struct EnrollmentBody<'a> {
    secret: &'a str,
    otpauth_url: &'a str,
    qr: QrBody<'a>,
}

#[derive(Serialize)]
struct QrBody<'a> {
    size: i32,
    path: &'a str,
}

#[derive(Serialize)]
struct CodesBody<'a> {
    recovery_codes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionBody>,
}

impl<'a> CodesBody<'a> {
    fn new(codes: &'a RecoveryCodes, session: Option<SessionBody>) -> Self {
        Self { recovery_codes: codes.0.iter().map(Secret::expose).collect(), session }
    }
}

async fn account(State(app): State<AppState>, SignedIn(person): SignedIn) -> Result<impl IntoResponse, ServiceError> {
    Ok(axum::Json(AccountBody::from(app.services.account(&person).await?)))
}

async fn change(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Change>,
) -> Result<impl IntoResponse, ServiceError> {
    let change = AccountChange { name: sent.name, locale: sent.locale };
    Ok(axum::Json(AccountBody::from(app.services.change_account(&person, change).await?)))
}

async fn sessions(State(app): State<AppState>, SignedIn(person): SignedIn) -> Result<impl IntoResponse, ServiceError> {
    let rows = app.services.own_sessions(&person).await?;
    let items = rows.into_iter().map(|row| OwnSessionBody::new(row, person.session.id)).collect();
    Ok(axum::Json(List::whole(items)))
}

async fn end_session(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    IdPath(id): IdPath<Uuid>,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.end_session(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn end_sessions(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let keep_current = params.flag("keep_current");
    params.finish(&["keep_current"])?;
    app.services.end_sessions(&person, keep_current).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn start(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(Nothing {}): Json<Nothing>,
) -> Result<impl IntoResponse, ServiceError> {
    let made = app.services.start_totp(&person).await?;
    let qr = QrBody { size: made.size, path: made.path.expose() };
    let answer = EnrollmentBody { secret: made.secret.expose(), otpauth_url: made.otpauth_url.expose(), qr };
    Ok(axum::Json(answer).into_response())
}

async fn confirm(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Code>,
) -> Result<impl IntoResponse, ServiceError> {
    let (codes, token) = app.services.confirm_totp(&person, &sent.code).await?;
    let session = body(&app, &token).await?;
    Ok((session_cookie(&token), axum::Json(CodesBody::new(&codes, Some(session)))).into_response())
}

async fn recovery(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Both>,
) -> Result<impl IntoResponse, ServiceError> {
    let codes = app.services.renew_recovery_codes(&person, &Secret::new(sent.password), &sent.code).await?;
    Ok(axum::Json(CodesBody::new(&codes, None)).into_response())
}

async fn disable(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Both>,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.disable_totp(&person, &Secret::new(sent.password), &sent.code).await?;
    Ok(StatusCode::NO_CONTENT)
}
