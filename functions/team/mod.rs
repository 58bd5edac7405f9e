//! The team of a tenant: its members and invitations.

mod invitations;

pub use invitations::InvitationBody;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ids::UserId;
use crate::domain::role::Role;
use crate::http::body::Json;
use crate::http::extract::{Admin, IdPath};
use crate::http::operation::{delete, get, patch};
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{List, MemberRole};
use crate::services::Caller;
use crate::services::error::ServiceError;
use crate::services::team::MemberRow;

/// Members of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (50, 200);

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/team", "team", "The members of the tenant.")
                .query([query::limit(LIMIT), query::id_cursor()])
                .ok::<List<MemberBody>>(),
            list,
        )
        .route(
            patch("/api/team/{user_id}", "change_member", "Gives a member another role.")
                .ok::<MemberBody>()
                .fails(409, &["last_admin"]),
            change,
        )
        .route(
            delete(
                "/api/team/{user_id}",
                "remove_member",
                "Takes somebody out of the team, from their next request on.",
            )
            .empty(StatusCode::NO_CONTENT)
            .fails(409, &["last_admin"]),
            remove,
        )
        .route(
            delete("/api/team/{user_id}/sessions", "end_member_sessions", "Ends somebody's sessions in this tenant.")
                .empty(StatusCode::NO_CONTENT),
            end_sessions,
        )
        .merge(invitations::routes())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberChange)]
struct Change {
    #[schema(value_type = MemberRole)]
    role: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
struct MemberBody {
    user_id: Uuid,
    name: String,
    email: String,
    role: Role,
    is_active: bool,
    mfa: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    last_login: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    you: bool,
}

impl MemberBody {
    fn new(row: MemberRow, caller: &Caller) -> Result<Self, ServiceError> {
        Ok(Self {
            user_id: row.user_id,
            role: row.role()?,
            name: row.name,
            email: row.email,
            is_active: row.is_active,
            mfa: row.mfa,
            last_login: row.last_login,
            since: row.since,
            you: row.user_id == caller.user.0,
        })
    }
}

async fn list(
    State(app): State<AppState>,
    Admin(caller): Admin,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let after = params.uuid("cursor");
    params.finish(&["limit", "cursor"])?;
    let (rows, next) = app.services.team(&caller, after, limit).await?;
    let items = rows.into_iter().map(|row| MemberBody::new(row, &caller)).collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}

async fn change(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(user): IdPath<UserId>,
    Json(body): Json<Change>,
) -> Result<impl IntoResponse, ServiceError> {
    let row = app.services.change_role(&caller, user, &body.role).await?;
    Ok(axum::Json(MemberBody::new(row, &caller)?))
}

async fn remove(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(user): IdPath<UserId>,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.remove_member(&caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn end_sessions(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(user): IdPath<UserId>,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.end_member_sessions(&caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
