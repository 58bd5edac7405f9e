//! Several metrics side by side.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::IntoResponse;
use rust_decimal::Decimal;
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;

use crate::domain::fact::Dims;
use crate::domain::period::Grain;
use crate::http::extract::Viewer;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{FIGURES_FAIL, Freshness, Number};
use crate::services::error::ServiceError;
use crate::services::figures::{Row, TableQuery};

/// Rows of a page unless asked otherwise, and at most.
const LIMIT: (u32, u32) = (50, 500);
const MAX_METRICS: usize = 20;
const MAX_DIMENSIONS: usize = 6;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().route(
        get("/api/table", "table", "Several metrics side by side.")
            .query([
                query::text("metrics", "1 to 20 keys, separated by commas.").required(),
                query::text("by", "Up to 6 dimensions to split by, separated by commas."),
            ])
            .query(query::scope().into_iter().filter(|param| param.name != "compare"))
            .query([
                query::grain(),
                query::text("sort", "A column's key, with `-` in front for descending."),
                query::limit(LIMIT),
                query::cursor(),
            ])
            .ok::<Answer>()
            .fails(422, FIGURES_FAIL),
        table,
    )
}

#[derive(Serialize, ToSchema)]
#[schema(as = Table)]
struct Answer {
    from: Date,
    to: Date,
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
    columns: Vec<ColumnBody>,
    rows: Vec<RowBody>,
    totals: BTreeMap<String, Number>,
    next_cursor: Option<String>,
    freshness: Freshness,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TableColumn)]
struct ColumnBody {
    key: String,
    name: String,
    unit: String,
    currency: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TableRow)]
struct RowBody {
    dims: Dims,
    values: BTreeMap<String, Number>,
}

fn numbers(values: BTreeMap<String, Decimal>) -> BTreeMap<String, Number> {
    values.into_iter().map(|(key, value)| (key, Number(value))).collect()
}

impl From<Row> for RowBody {
    fn from(row: Row) -> Self {
        Self { dims: row.dims, values: numbers(row.values) }
    }
}

fn query(mut params: Params) -> Result<TableQuery, ServiceError> {
    let query = TableQuery {
        scope: params.scope(),
        metrics: params.list("metrics"),
        by: params.list("by"),
        grain: params.grain().unwrap_or(Grain::Day),
        sort: params.one("sort").map(|sort| match sort.strip_prefix('-') {
            Some(key) => (key.to_owned(), true),
            None => (sort, false),
        }),
        limit: usize::try_from(params.limit(LIMIT.0, LIMIT.1)).unwrap_or_default(),
        cursor: params.one("cursor"),
    };
    params.finish(&["metrics", "by", "from", "to", "dims", "grain", "sort", "limit", "cursor"])?;
    if query.metrics.is_empty() || query.metrics.len() > MAX_METRICS {
        return Err(ServiceError::field(
            "metrics",
            "required",
            format!("Indique entre 1 y {MAX_METRICS} métricas, separadas por comas."),
            format!("Give between 1 and {MAX_METRICS} metrics, separated by commas."),
        ));
    }
    let repeated = query.by.iter().enumerate().any(|(at, name)| query.by[..at].contains(name));
    if repeated || query.by.len() > MAX_DIMENSIONS {
        return Err(ServiceError::field(
            "by",
            "too_many",
            format!("Indique como máximo {MAX_DIMENSIONS} dimensiones, cada una una vez."),
            format!("Give at most {MAX_DIMENSIONS} dimensions, each of them once."),
        ));
    }
    Ok(query)
}

async fn table(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let found = app.services.table(&caller, &query(params)?).await?;
    let columns = found
        .columns
        .iter()
        .map(|column| ColumnBody {
            key: column.key.clone(),
            name: column.metric.row.name(caller.request.lang).to_owned(),
            unit: column.metric.row.unit.clone(),
            currency: column.currency.clone(),
        })
        .collect();
    Ok(axum::Json(Answer {
        from: found.answered.from,
        to: found.answered.to,
        now: found.answered.now,
        columns,
        rows: found.rows.into_iter().map(RowBody::from).collect(),
        totals: numbers(found.totals),
        next_cursor: found.next_cursor,
        freshness: found.freshness,
    }))
}
