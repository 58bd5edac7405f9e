//! Figures of a metric that were final and changed all the same.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use rust_decimal::Decimal;
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::fact::Dims;
use crate::http::extract::Viewer;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{List, Number};
use crate::services::catalog::RestatementRow;
use crate::services::error::ServiceError;

/// Restatements of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (20, 100);

/// The routes of restatements.
pub fn routes() -> Routes {
    Routes::new().route(
        get(
            "/api/catalog/{metric_key}/restatements",
            "restatements",
            "Figures of a metric that were final and changed all the same, newest first.",
        )
        .query([query::limit(LIMIT), query::id_cursor()])
        .ok::<List<Restatement>>(),
        list,
    )
}

#[derive(Serialize, ToSchema)]
struct Restatement {
    id: Uuid,
    source: RestatedSource,
    from: Date,
    to: Date,
    grain: String,
    dims: Dims,
    currency: Option<String>,
    /// What it was.
    old: Option<Number>,
    /// What it is; null when the source no longer has it.
    new: Option<Number>,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
struct RestatedSource {
    id: Uuid,
    name: String,
}

/// The figure itself: a ratio is divided, as everywhere.
fn figure(value: Decimal, denominator: Option<Decimal>) -> Option<Number> {
    match denominator {
        Some(denominator) => value.checked_div(denominator).map(Number),
        None => Some(Number(value)),
    }
}

impl From<RestatementRow> for Restatement {
    fn from(row: RestatementRow) -> Self {
        Self {
            id: row.id,
            source: RestatedSource { id: row.source_id, name: row.source_name },
            from: row.period_start,
            to: row.period_end,
            grain: row.grain,
            dims: row.dims.0,
            currency: row.currency,
            old: figure(row.old_value, row.old_denominator),
            new: row.new_value.and_then(|value| figure(value, row.new_denominator)),
            at: row.at,
        }
    }
}

async fn list(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    Path(key): Path<String>,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let limit = params.limit(LIMIT.0, LIMIT.1);
    let before = params.uuid("cursor");
    params.finish(&["limit", "cursor"])?;
    let (rows, next) = app.services.restatements(&caller, &key, before, limit).await?;
    let items = rows.into_iter().map(Restatement::from).collect();
    Ok(axum::Json(List { items, next_cursor: next.map(|id| id.to_string()) }))
}
