//! Invitations, as the admins of a tenant see them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::role::Role;
use crate::http::body::Json;
use crate::http::extract::{Admin, IdPath};
use crate::http::operation::{delete, get, post};
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{List, MemberRole};
use crate::services::error::ServiceError;
use crate::services::invitations::{InvitationRow, Invited, Wish};

/// The routes of this part.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/team/invitations", "invitations", "Invitations that nobody has answered yet.")
                .ok::<List<InvitationBody>>(),
            list,
        )
        .route(
            post("/api/team/invitations", "invite", "Invites people.")
                .gives::<List<InvitedBody>>(StatusCode::CREATED)
                .fails(409, &["limit_users"])
                .throttled(),
            invite,
        )
        .route(
            post("/api/team/invitations/{id}/resend", "resend_invitation", "Sends a new link; the old one is void.")
                .ok::<InvitationBody>()
                .fails(409, &["limit_users"])
                .throttled(),
            resend,
        )
        .route(
            delete("/api/team/invitations/{id}", "revoke_invitation", "Makes the link void.")
                .empty(StatusCode::NO_CONTENT),
            revoke,
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitations {
    #[schema(min_items = 1, max_items = 20)]
    invitations: Vec<NewInvitation>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    #[schema(max_length = 254)]
    email: String,
    #[schema(value_type = MemberRole)]
    role: String,
}

/// An open or expired invitation.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationBody {
    id: Uuid,
    email: String,
    role: Role,
    status: &'static str,
    invited_by: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl TryFrom<InvitationRow> for InvitationBody {
    type Error = ServiceError;

    fn try_from(row: InvitationRow) -> Result<Self, ServiceError> {
        Ok(Self {
            id: row.id,
            role: row.role()?,
            email: row.email,
            status: if row.is_expired { "expired" } else { "pending" },
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Invited)]
struct InvitedBody {
    email: String,
    role: Role,
    result: &'static str,
    id: Option<Uuid>,
}

impl From<Invited> for InvitedBody {
    fn from(one: Invited) -> Self {
        Self { email: one.email, role: one.role, result: one.result, id: one.id }
    }
}

async fn list(State(app): State<AppState>, Admin(caller): Admin) -> Result<impl IntoResponse, ServiceError> {
    let rows = app.services.invitations(&caller).await?;
    let items = rows.into_iter().map(InvitationBody::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(List::whole(items)))
}

async fn invite(
    State(app): State<AppState>,
    Admin(caller): Admin,
    Json(body): Json<NewInvitations>,
) -> Result<impl IntoResponse, ServiceError> {
    let wishes: Vec<Wish> = body.invitations.into_iter().map(|one| Wish { email: one.email, role: one.role }).collect();
    let outcome = app.services.invite(&caller, &wishes).await?;
    let items: Vec<InvitedBody> = outcome.into_iter().map(InvitedBody::from).collect();
    Ok((StatusCode::CREATED, axum::Json(List::whole(items))))
}

async fn resend(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<Uuid>,
) -> Result<impl IntoResponse, ServiceError> {
    let row = app.services.resend_invitation(&caller, id).await?;
    Ok(axum::Json(InvitationBody::try_from(row)?))
}

async fn revoke(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<Uuid>,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.revoke_invitation(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
