//! One's own account: name, language, sessions, second factor.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::lang::Lang;
use crate::domain::secret::Secret;
use crate::functions::auth::{SessionBody, body, session_cookie};
use crate::http::body::Json;
use crate::http::extract::{IdPath, SignedIn};
use crate::http::operation::{delete, get, patch, post};
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::auth::RecoveryCodes;
use crate::services::auth::account::{Account, AccountChange, OwnSession};
use crate::services::error::ServiceError;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(get("/api/account", "account", "One's own account.").ok::<AccountBody>(), account)
        .route(patch("/api/account", "change_account", "Changes name or language.").ok::<AccountBody>(), change)
        .route(
            get("/api/account/sessions", "own_sessions", "One's own sessions.").ok::<List<OwnSessionBody>>(),
            sessions,
        )
        .route(
            delete("/api/account/sessions", "end_own_sessions", "Ends all of one's own sessions.")
                .query([query::flag("keep_current", "All but this one.")])
                .empty(StatusCode::NO_CONTENT),
            end_sessions,
        )
        .route(
            delete("/api/account/sessions/{id}", "end_own_session", "Ends one of one's own sessions.")
                .empty(StatusCode::NO_CONTENT),
            end_session,
        )
        .merge(totp_routes())
}

fn totp_routes() -> Routes {
    Routes::new()
        .route(
            post("/api/account/totp/start", "start_totp", "Makes a secret for an authenticator app.")
                .ok::<EnrollmentBody<'static>>()
                .fails(403, &["reauth_required"])
                .fails(409, &["mfa_already_on"]),
            start,
        )
        .route(
            post("/api/account/totp/confirm", "confirm_totp", "Turns the second factor on; other sessions end.")
                .ok::<ConfirmedBody<'static>>()
                .with("Set-Cookie")
                .fails(409, &["mfa_already_on", "no_enrollment"])
                .throttled(),
            confirm,
        )
        .route(
            post(
                "/api/account/totp/recovery",
                "renew_recovery_codes",
                "Makes new recovery codes; the old ones are void.",
            )
            .ok::<CodesBody<'static>>()
            .fails(409, &["mfa_off"])
            .throttled(),
            recovery,
        )
        .route(
            post("/api/account/totp/disable", "disable_totp", "Turns the second factor off.")
                .empty(StatusCode::NO_CONTENT)
                .fails(409, &["mfa_enforced", "mfa_off"])
                .throttled(),
            disable,
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChange)]
struct Change {
    name: Option<String>,
    locale: Option<Lang>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Code)]
struct Code {
    code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordAndCode)]
struct Both {
    password: String,
    code: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OwnAccount)]
struct AccountBody {
    user: UserBody,
    #[serde(with = "time::serde::rfc3339::option")]
    password_changed_at: Option<OffsetDateTime>,
    mfa: MfaBody,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AccountUser)]
struct UserBody {
    id: Uuid,
    email: String,
    name: String,
    locale: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AccountMfa)]
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

#[derive(Serialize, ToSchema)]
#[schema(as = OwnSession)]
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

#[derive(Serialize, ToSchema)]
#[schema(as = Enrollment)]
struct EnrollmentBody<'a> {
    secret: &'a str,
    otpauth_url: &'a str,
    qr: QrBody<'a>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = EnrollmentQr)]
struct QrBody<'a> {
    size: i32,
    path: &'a str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
struct CodesBody<'a> {
    recovery_codes: Vec<&'a str>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ConfirmedSecondFactor)]
struct ConfirmedBody<'a> {
    recovery_codes: Vec<&'a str>,
    session: SessionBody,
}

fn exposed(codes: &RecoveryCodes) -> Vec<&str> {
    codes.0.iter().map(Secret::expose).collect()
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
    Ok((session_cookie(&token), axum::Json(ConfirmedBody { recovery_codes: exposed(&codes), session })).into_response())
}

async fn recovery(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Both>,
) -> Result<impl IntoResponse, ServiceError> {
    let codes = app.services.renew_recovery_codes(&person, &Secret::new(sent.password), &sent.code).await?;
    Ok(axum::Json(CodesBody { recovery_codes: exposed(&codes) }).into_response())
}

async fn disable(
    State(app): State<AppState>,
    SignedIn(person): SignedIn,
    Json(sent): Json<Both>,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.disable_totp(&person, &Secret::new(sent.password), &sent.code).await?;
    Ok(StatusCode::NO_CONTENT)
}
