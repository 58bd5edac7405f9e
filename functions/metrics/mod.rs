//! Totals per metric for a range.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;

use crate::domain::comparison::Delta;
use crate::domain::lang::Lang;
use crate::http::extract::Viewer;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{BaseBody, FIGURES_FAIL, Freshness, Number};
use crate::services::error::ServiceError;
use crate::services::figures::Total;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().route(
        get("/api/metrics", "totals", "Totals per metric for a range.")
            .query(query::scope())
            .ok::<Answer>()
            .fails(422, FIGURES_FAIL),
        totals,
    )
}

#[derive(Serialize, ToSchema)]
#[schema(as = Totals)]
struct Answer {
    from: Date,
    to: Date,
    compare: Option<BaseBody>,
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
    metrics: Vec<Item>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Total)]
struct Item {
    key: String,
    name: String,
    unit: String,
    additivity: String,
    currency: Option<String>,
    value: Option<Number>,
    reason: Option<&'static str>,
    previous: Option<Number>,
    delta: Option<Delta>,
    good_direction: String,
    freshness: Freshness,
}

impl Item {
    fn new(total: Total, lang: Lang) -> Self {
        let row = &total.metric.row;
        Self {
            key: row.key.clone(),
            name: row.name(lang).to_owned(),
            unit: row.unit.clone(),
            additivity: row.additivity.clone(),
            currency: total.currency,
            value: total.value.map(Number),
            reason: total.reason,
            previous: total.previous.map(Number),
            delta: total.delta,
            good_direction: row.good_direction.clone(),
            freshness: total.freshness,
        }
    }
}

async fn totals(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let scope = params.scope();
    params.finish(&["from", "to", "dims", "compare"])?;
    let found = app.services.totals(&caller, &scope).await?;
    Ok(axum::Json(Answer {
        from: found.answered.from,
        to: found.answered.to,
        compare: found.answered.base.map(BaseBody::from),
        now: found.answered.now,
        metrics: found.totals.into_iter().map(|total| Item::new(total, caller.request.lang)).collect(),
    }))
}
