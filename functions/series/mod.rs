//! A metric over time.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;

use crate::domain::comparison::Compare;
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
use crate::services::figures::{Series, SeriesQuery};

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().route(
        get("/api/series/{metric_key}", "series", "A metric over time.")
            .query(query::scope())
            .query([query::grain(), query::text("by", "A dimension to split by.")])
            .ok::<Answer>()
            .fails(422, FIGURES_FAIL),
        series,
    )
}

#[derive(Serialize, ToSchema)]
#[schema(as = SeriesAnswer)]
struct Answer {
    metric: MetricBody,
    grain: Grain,
    from: Date,
    to: Date,
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
    series: Vec<SeriesBody>,
    compare: Option<CompareBody>,
    reason: Option<&'static str>,
    freshness: Freshness,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SeriesMetric)]
struct MetricBody {
    key: String,
    name: String,
    unit: String,
    additivity: String,
    good_direction: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SeriesCompare)]
struct CompareBody {
    mode: Compare,
    from: Date,
    to: Date,
    series: Vec<SeriesBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Series)]
struct SeriesBody {
    dims: Dims,
    currency: Option<String>,
    other: bool,
    total: Option<Number>,
    points: Vec<Point>,
}

#[derive(Serialize, ToSchema)]
struct Point {
    t: Date,
    value: Number,
    provisional: bool,
}

impl From<Series> for SeriesBody {
    fn from(series: Series) -> Self {
        let point = |(t, value, provisional)| Point { t, value: Number(value), provisional };
        Self {
            dims: series.dims,
            currency: series.currency,
            other: series.other,
            total: series.total.map(Number),
            points: series.points.into_iter().map(point).collect(),
        }
    }
}

async fn series(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    Path(key): Path<String>,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let query = SeriesQuery { scope: params.scope(), grain: params.grain(), by: params.one("by") };
    params.finish(&["from", "to", "grain", "dims", "by", "compare"])?;
    let found = app.services.series(&caller, &key, &query).await?;
    let row = &found.metric.row;
    let metric = MetricBody {
        key: row.key.clone(),
        name: row.name(caller.request.lang).to_owned(),
        unit: row.unit.clone(),
        additivity: row.additivity.clone(),
        good_direction: row.good_direction.clone(),
    };
    let compare = found.answered.base.zip(found.base).map(|(base, series)| CompareBody {
        mode: base.mode,
        from: base.from,
        to: base.to,
        series: series.into_iter().map(SeriesBody::from).collect(),
    });
    Ok(axum::Json(Answer {
        metric,
        grain: found.grain,
        from: found.answered.from,
        to: found.answered.to,
        now: found.answered.now,
        series: found.series.into_iter().map(SeriesBody::from).collect(),
        compare,
        reason: found.reason,
        freshness: found.freshness,
    }))
}
