//! The session's body and cookies.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::IntoResponse;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::domain::tenant::WeekStart;
use crate::http::extract::{COOKIE, DEVICE_COOKIE};
use crate::http::state::AppState;
use crate::services::auth::{DEVICE_DAYS, Opened, SessionView, csrf_token};
use crate::services::error::ServiceError;

/// A session as the site knows it.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionBody {
    user: UserBody,
    tenant: Option<TenantBody>,
    tenants: Vec<MembershipBody>,
    role: Option<Role>,
    must_enroll_mfa: bool,
    csrf_token: String,
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SessionUser)]
struct UserBody {
    id: Uuid,
    email: String,
    name: String,
    locale: String,
    mfa: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SessionTenant)]
struct TenantBody {
    id: Uuid,
    name: String,
    zone: &'static str,
    currency: String,
    locale: String,
    week_start: WeekStart,
    require_mfa: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Membership)]
struct MembershipBody {
    id: Uuid,
    name: String,
    role: Role,
}

impl SessionBody {
    /// Of a session with its token.
    pub fn new(view: SessionView, token: &Secret, now: OffsetDateTime) -> Self {
        let session = view.session;
        let user = session.user;
        Self {
            user: UserBody { id: user.id.0, email: user.email, name: user.name, locale: user.locale, mfa: user.mfa },
            tenant: session.tenant.map(|tenant| TenantBody {
                id: tenant.id.0,
                name: tenant.name,
                zone: tenant.settings.zone.name(),
                currency: tenant.settings.currency,
                locale: tenant.settings.locale,
                week_start: tenant.settings.week_start,
                require_mfa: tenant.settings.require_mfa,
            }),
            tenants: view
                .tenants
                .into_iter()
                .map(|member| MembershipBody { id: member.tenant.0, name: member.name, role: member.role })
                .collect(),
            role: session.role,
            must_enroll_mfa: session.must_enroll,
            csrf_token: csrf_token(token),
            now,
        }
    }
}

/// Adds a cookie that only the server reads.
fn set(headers: &mut HeaderMap, name: &str, value: &str, suffix: &str) {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{suffix}");
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.append(header::SET_COOKIE, value);
    }
}

/// The session's cookie; it ends with the browser.
pub fn session_cookie(token: &Secret) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, COOKIE, token.expose(), "");
    headers
}

/// Takes the session's cookie away.
pub fn no_session_cookie() -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, COOKIE, "", "; Max-Age=0");
    headers
}

/// Adds the cookie of a known device.
pub fn set_device(headers: &mut HeaderMap, device: &Secret) {
    set(headers, DEVICE_COOKIE, device.expose(), &format!("; Max-Age={}", DEVICE_DAYS * 86_400));
}

/// The body of a token's session.
pub async fn body(app: &AppState, token: &Secret) -> Result<SessionBody, ServiceError> {
    let view = app.services.session_view(token).await?;
    Ok(SessionBody::new(view, token, app.services.now()))
}

/// Answers with a session under a new token.
pub async fn renewed(app: &AppState, token: &Secret) -> Result<impl IntoResponse + use<>, ServiceError> {
    Ok((session_cookie(token), axum::Json(body(app, token).await?)))
}

/// Answers a login that is complete.
pub async fn opened(app: &AppState, opened: &Opened) -> Result<axum::response::Response, ServiceError> {
    let mut headers = session_cookie(&opened.token);
    set_device(&mut headers, &opened.device);
    Ok((headers, axum::Json(body(app, &opened.token).await?)).into_response())
}
