//! What each metric means and where it comes from.

mod restatements;

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::lang::Lang;
use crate::domain::period::Grain;
use crate::http::extract::Viewer;
use crate::http::operation::get;
use crate::http::params::Params;
use crate::http::query;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::{Freshness, List};
use crate::services::catalog::CatalogItem;
use crate::services::error::ServiceError;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            get("/api/catalog", "catalog", "What each metric means.")
                .query([query::text("q", "Only those that mention these words.")])
                .ok::<List<Item>>(),
            list,
        )
        .route(
            get("/api/catalog/{metric_key}", "catalog_entry", "What a metric means, and the values of its dimensions.")
                .ok::<Detail>(),
            entry,
        )
        .merge(restatements::routes())
}

#[derive(Serialize, ToSchema)]
#[schema(as = CatalogItem)]
struct Item {
    key: String,
    name: String,
    definition: String,
    formula: String,
    unit: String,
    additivity: String,
    good_direction: String,
    grain: Option<Grain>,
    dimensions: BTreeSet<String>,
    origin: Origin,
    sources: Vec<Source>,
    version: i32,
    freshness: Freshness,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CatalogOrigin)]
struct Origin {
    source: String,
    endpoint: String,
    field: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CatalogSource)]
struct Source {
    id: Uuid,
    name: String,
    provider: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CatalogEntry)]
struct Detail {
    #[serde(flatten)]
    item: Item,
    dimension_values: BTreeMap<String, Vec<String>>,
}

impl Item {
    fn new(found: CatalogItem, lang: Lang) -> Self {
        let row = found.metric.row;
        Self {
            name: row.name(lang).to_owned(),
            definition: row.definition(lang).to_owned(),
            key: row.key,
            formula: row.formula,
            unit: row.unit,
            additivity: row.additivity,
            good_direction: row.good_direction,
            grain: found.grain,
            dimensions: found.dimensions,
            origin: Origin { source: row.provider, endpoint: row.endpoint, field: row.field },
            sources: found
                .sources
                .into_iter()
                .map(|source| Source { id: source.id, name: source.name, provider: source.provider })
                .collect(),
            version: row.version,
            freshness: found.freshness,
        }
    }

    fn mentions(&self, words: &str) -> bool {
        [&self.key, &self.name, &self.definition].iter().any(|text| text.to_lowercase().contains(words))
    }
}

async fn list(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    mut params: Params,
) -> Result<impl IntoResponse, ServiceError> {
    let words = params.one("q").map(|words| words.to_lowercase()).unwrap_or_default();
    params.finish(&["q"])?;
    let found = app.services.catalog(&caller).await?;
    let items = found.into_iter().map(|item| Item::new(item, caller.request.lang));
    Ok(axum::Json(List::whole(items.filter(|item| item.mentions(&words)).collect())))
}

async fn entry(
    State(app): State<AppState>,
    Viewer(caller): Viewer,
    Path(key): Path<String>,
) -> Result<impl IntoResponse, ServiceError> {
    let found = app.services.catalog_entry(&caller, &key).await?;
    Ok(axum::Json(Detail { item: Item::new(found.item, caller.request.lang), dimension_values: found.values }))
}
