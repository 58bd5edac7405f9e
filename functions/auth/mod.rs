//! Signing in and out, and the session.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ids::TenantId;
use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::domain::tenant::WeekStart;
use crate::http::body::Json;
use crate::http::extract::{COOKIE, Info, SignedIn};
use crate::http::operation::{get, post};
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::services::auth::{SessionView, csrf_token};
use crate::services::error::ServiceError;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            post("/api/auth/login", "login", "Signs in.")
                .ok::<SessionBody>()
                .with("Set-Cookie")
                .fails(401, &["bad_credentials"])
                .throttled(),
            login,
        )
        .route(
            post("/api/auth/logout", "logout", "Ends the session.").empty(StatusCode::NO_CONTENT).with("Set-Cookie"),
            logout,
        )
        .route(get("/api/auth/session", "session", "The session as it is.").ok::<SessionBody>(), session)
        .route(
            post("/api/auth/tenant", "switch_tenant", "Goes over to another tenant of the same person.")
                .ok::<SessionBody>()
                .with("Set-Cookie")
                .fails(404, &["not_found"]),
            tenant,
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    email: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SwitchTenant)]
struct Switch {
    tenant_id: TenantId,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionBody {
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
    fn new(view: SessionView, token: &Secret, now: OffsetDateTime) -> Self {
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

/// The session's cookie with `value`; an empty one with `Max-Age=0` removes it.
fn cookie(value: &str, suffix: &str) -> HeaderMap {
    let text = format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{suffix}");
    let mut headers = HeaderMap::new();
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.insert(header::SET_COOKIE, value);
    }
    headers
}

async fn login(
    State(app): State<AppState>,
    Info(request): Info,
    Json(body): Json<Login>,
) -> Result<impl IntoResponse, ServiceError> {
    let token = app.services.login(&body.email, Secret::new(body.password), &request).await?;
    let view = app.services.session_view(&token).await?;
    let answer = SessionBody::new(view, &token, app.services.now());
    Ok((cookie(token.expose(), ""), axum::Json(answer)))
}

async fn logout(State(app): State<AppState>, signed_in: SignedIn) -> Result<impl IntoResponse, ServiceError> {
    app.services.logout(&signed_in.token, &signed_in.session, &signed_in.request).await?;
    Ok((StatusCode::NO_CONTENT, cookie("", "; Max-Age=0")))
}

async fn session(State(app): State<AppState>, signed_in: SignedIn) -> Result<impl IntoResponse, ServiceError> {
    let view = app.services.session_view(&signed_in.token).await?;
    Ok(axum::Json(SessionBody::new(view, &signed_in.token, app.services.now())))
}

async fn tenant(
    State(app): State<AppState>,
    signed_in: SignedIn,
    Json(body): Json<Switch>,
) -> Result<impl IntoResponse, ServiceError> {
    let SignedIn { token, session, request } = signed_in;
    let token = app.services.switch_tenant(&token, &session, body.tenant_id, &request).await?;
    let view = app.services.session_view(&token).await?;
    Ok((cookie(token.expose(), ""), axum::Json(SessionBody::new(view, &token, app.services.now()))))
}
