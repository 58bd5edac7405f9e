//! People across tenants.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ids::UserId;
use crate::http::body::Json;
use crate::http::extract::{IdPath, Operator};
use crate::http::operation::{get, patch, post};
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::error::ServiceError;
use crate::services::operator::users::{Belonging, UserRow};

/// People of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (50, 200);

/// The routes of this part.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/operator/users", "users", "People of all tenants and of the platform, the newest first.")
                .query([query::text("q", "Part of an address or a name."), query::limit(LIMIT), query::cursor()])
                .ok::<List<UserBody>>(),
            list,
        )
        .route(
            post("/api/operator/users", "create_operator", "Makes an operator, who gets a link to choose a password.")
                .gives::<UserBody>(StatusCode::CREATED)
                .fails(403, &["reauth_required"])
                .fails(409, &["email_taken"]),
            create,
        )
        .route(
            patch("/api/operator/users/{id}", "change_user", "Lets a person sign in, or not.")
                .ok::<UserBody>()
                .fails(409, &["yourself", "last_operator"]),
            change,
        )
        .route(
            post("/api/operator/users/{id}/mfa/reset", "reset_user_mfa", "Removes a person's lost second factor.")
                .empty(StatusCode::NO_CONTENT)
                .fails(403, &["reauth_required"])
                .fails(409, &["yourself"]),
            reset_mfa,
        )
}

#[derive(Serialize, ToSchema)]
#[schema(as = User)]
struct UserBody {
    id: Uuid,
    email: String,
    name: String,
    is_active: bool,
    is_operator: bool,
    mfa: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    last_login: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    tenants: Vec<BelongingBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Belonging)]
struct BelongingBody {
    id: Uuid,
    name: String,
    role: String,
}

impl From<Belonging> for BelongingBody {
    fn from(one: Belonging) -> Self {
        Self { id: one.id, name: one.name, role: one.role }
    }
}

impl From<UserRow> for UserBody {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            is_active: row.is_active,
            is_operator: row.is_operator,
            mfa: row.mfa,
            last_login: row.last_login,
            created_at: row.created_at,
            tenants: row.tenants.0.into_iter().map(BelongingBody::from).collect(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOperator {
    #[schema(max_length = 254)]
    email: String,
    #[schema(min_length = 1, max_length = 120)]
    name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserChange {
    is_active: bool,
}

async fn list(
    State(app): State<AppState>,
    Operator(_): Operator,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let words = params.one("q");
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&["q", "limit", "cursor"])?;
    let (rows, next) = app.services.operator_users(words.as_deref(), before, limit).await?;
    let items: Vec<UserBody> = rows.into_iter().map(UserBody::from).collect();
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}

async fn create(
    State(app): State<AppState>,
    Operator(caller): Operator,
    Json(body): Json<NewOperator>,
) -> Result<impl IntoResponse, ServiceError> {
    let row = app.services.create_operator(&caller, &body.email, &body.name).await?;
    Ok((StatusCode::CREATED, axum::Json(UserBody::from(row))))
}

async fn change(
    State(app): State<AppState>,
    Operator(caller): Operator,
    IdPath(user): IdPath<UserId>,
    Json(body): Json<UserChange>,
) -> Result<impl IntoResponse, ServiceError> {
    let row = app.services.set_user_active(&caller, user, body.is_active).await?;
    Ok(axum::Json(UserBody::from(row)))
}

async fn reset_mfa(
    State(app): State<AppState>,
    Operator(caller): Operator,
    IdPath(user): IdPath<UserId>,
) -> Result<impl IntoResponse, ServiceError> {
    app.services.reset_mfa(&caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
