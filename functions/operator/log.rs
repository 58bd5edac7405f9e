//! What the runs of a source said: the client's sentence beside the operator's cause.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ids::SourceId;
use crate::http::extract::{IdPath, Operator};
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::error::ServiceError;

/// Lines unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (100, 500);

/// The routes of this part.
pub fn routes() -> Routes {
    Routes::new().route(
        get(
            "/api/operator/sources/{id}/log",
            "source_log",
            "What the newest runs of a source said, with their causes.",
        )
        .query([query::limit(LIMIT)])
        .ok::<List<LineBody>>(),
        log,
    )
}

#[derive(Serialize, ToSchema)]
#[schema(as = OperatorLine)]
struct LineBody {
    sync_id: Uuid,
    line: i32,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    level: String,
    stream: Option<String>,
    code: String,
    text: String,
    cause: Option<String>,
}

async fn log(
    State(app): State<AppState>,
    Operator(caller): Operator,
    IdPath(id): IdPath<SourceId>,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let limit = params.limit(LIMIT.0, LIMIT.1);
    params.finish(&["limit"])?;
    let lines = app.services.operator_log(id, limit).await?;
    let item = |(found, text): (crate::services::operator::overview::CauseLine, crate::domain::lang::Text)| LineBody {
        sync_id: found.sync_id,
        line: found.line.line,
        at: found.line.at,
        level: found.line.level,
        stream: found.line.stream,
        code: found.line.code,
        text: text.get(caller.request.lang).to_owned(),
        cause: found.cause,
    };
    Ok(axum::Json(List::whole(lines.into_iter().map(item).collect())))
}
