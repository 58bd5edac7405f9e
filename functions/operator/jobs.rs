//! Background work of all tenants.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Named;
use crate::domain::ids::JobId;
use crate::http::extract::{IdPath, Operator};
use crate::http::operation::{get, post};
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::error::ServiceError;
use crate::services::operator::jobs::JobRow;

/// Jobs of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (50, 200);
/// The states of a job.
const STATES: [&str; 5] = ["queued", "running", "succeeded", "failed", "cancelled"];
/// The queues.
const QUEUES: [&str; 3] = ["syncs", "mail", "withdrawals"];

/// The routes of this part.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/operator/jobs", "jobs", "Background work of all tenants, the newest first.")
                .query([
                    query::choice("state", "Only those in this state.", &STATES),
                    query::choice("queue", "Only those of this queue.", &QUEUES),
                    query::limit(LIMIT),
                    query::cursor(),
                ])
                .ok::<List<JobBody>>(),
            list,
        )
        .route(
            post("/api/operator/jobs/{id}/replay", "replay_job", "Lets a failed job begin anew.")
                .gives::<JobBody>(StatusCode::ACCEPTED)
                .fails(409, &["not_failed", "already_live"]),
            replay,
        )
}

#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
struct JobBody {
    id: Uuid,
    tenant: Option<Named>,
    kind: String,
    queue: String,
    state: String,
    attempts: i32,
    last_error: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    run_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

impl From<JobRow> for JobBody {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            tenant: row.tenant_name.map(|name| Named { id: row.tenant_id, name }),
            kind: row.kind,
            queue: row.queue,
            state: row.state,
            attempts: row.attempts,
            last_error: row.last_error,
            run_at: row.run_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

async fn list(
    State(app): State<AppState>,
    Operator(_): Operator,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let one_of = |words: &'static [&'static str]| move |text: &str| words.iter().find(|word| **word == text).copied();
    let state = params.choice("state", &STATES, one_of(&STATES));
    let queue = params.choice("queue", &QUEUES, one_of(&QUEUES));
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&["state", "queue", "limit", "cursor"])?;
    let (rows, next) = app.services.operator_jobs(state, queue, before, limit).await?;
    let items: Vec<JobBody> = rows.into_iter().map(JobBody::from).collect();
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}

async fn replay(
    State(app): State<AppState>,
    Operator(caller): Operator,
    IdPath(id): IdPath<JobId>,
) -> Result<impl IntoResponse, ServiceError> {
    let row = app.services.replay_job(&caller, id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(JobBody::from(row))))
}
