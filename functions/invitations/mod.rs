//! Invitations, as those who hold the link of one see them: nobody is signed in here.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::http::body::Json;
use crate::http::extract::Info;
use crate::http::operation::post;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::services::error::ServiceError;
use crate::services::invitations::Acceptance;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            post("/api/invitations/look", "look_at_invitation", "What a link invites to; uses nothing up.")
                .ok::<OfferBody>()
                .fails(400, &["bad_token"])
                .throttled(),
            look,
        )
        .route(
            post("/api/invitations/accept", "accept_invitation", "Joins the tenant; then the person signs in.")
                .gives::<JoinedBody>(StatusCode::CREATED)
                .fails(400, &["bad_token"])
                .fails(409, &["limit_users"])
                .throttled(),
            accept,
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvitationLook)]
struct Look {
    token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvitationAccept)]
struct Accept {
    token: String,
    name: Option<String>,
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Offer)]
struct OfferBody {
    tenant_name: String,
    email: String,
    role: Role,
    /// Who invited, by their name then; null: an operator of the portal.
    invited_by: Option<String>,
    has_account: bool,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Joined)]
struct JoinedBody {
    email: String,
    tenant_name: String,
}

async fn look(
    State(app): State<AppState>,
    Info(request): Info,
    Json(body): Json<Look>,
) -> Result<impl IntoResponse, ServiceError> {
    let offer = app.services.look_at_invitation(&Secret::new(body.token), &request).await?;
    Ok(axum::Json(OfferBody {
        role: offer.role()?,
        tenant_name: offer.tenant_name,
        email: offer.email,
        invited_by: offer.invited_by,
        has_account: offer.user_id.is_some(),
        expires_at: offer.expires_at,
    }))
}

async fn accept(
    State(app): State<AppState>,
    Info(request): Info,
    Json(body): Json<Accept>,
) -> Result<impl IntoResponse, ServiceError> {
    let acceptance =
        Acceptance { token: Secret::new(body.token), name: body.name, password: body.password.map(Secret::new) };
    let offer = app.services.accept_invitation(acceptance, &request).await?;
    Ok((StatusCode::CREATED, axum::Json(JoinedBody { email: offer.email, tenant_name: offer.tenant_name })))
}
