//! The catalogue: what each metric means, where it comes from and how old it is.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use uuid::Uuid;

use super::ages::Ages;
use super::error::ServiceError;
use super::paging::{page, with_one_more};
use super::{Caller, Services};
use crate::domain::aggregate::choose;
use crate::domain::fact::dim_set;
use crate::domain::freshness::Freshness;
use crate::domain::ids::{MetricId, SourceId};
use crate::domain::metric::Additivity;
use crate::domain::period::Grain;
use crate::store::Tx;
use crate::store::figures::{self, Part};
use crate::store::metrics::{self, Metric};
use crate::store::restatements;
use crate::store::sources::{self, SourceRow};

pub use crate::store::restatements::RestatementRow;

/// Dimension values that are listed.
const MAX_VALUES: i64 = 200;

/// A metric in the catalogue.
#[derive(Debug)]
pub struct CatalogItem {
    /// The metric.
    pub metric: Metric,
    /// Dimensions it can be split by.
    pub dimensions: BTreeSet<String>,
    /// The finest grain it is stored at everywhere.
    pub grain: Option<Grain>,
    /// Its sources.
    pub sources: Vec<SourceRow>,
    /// How old it is.
    pub freshness: Freshness,
}

/// A metric with the values its dimensions have.
#[derive(Debug)]
pub struct CatalogDetail {
    /// The metric.
    pub item: CatalogItem,
    /// Values by dimension.
    pub values: BTreeMap<String, Vec<String>>,
}

impl Services {
    /// All metrics of the tenant.
    pub async fn catalog(&self, caller: &Caller) -> Result<Vec<CatalogItem>, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let found = metrics::list(&mut tx, caller.tenant, None).await?;
        items(&mut tx, caller, found, self.now()).await
    }

    /// A page of a metric's figures that were final and changed all the same, newest first, and where the next begins.
    pub async fn restatements(
        &self,
        caller: &Caller,
        key: &str,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<RestatementRow>, Option<Uuid>), ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let found = metrics::list(&mut tx, caller.tenant, Some(&[key.to_owned()])).await?;
        let metric = found.into_iter().next().ok_or(ServiceError::NotFound)?;
        let id = MetricId(metric.row.id);
        let rows = restatements::list(&mut tx, caller.tenant, id, before, with_one_more(limit)).await?;
        Ok(page(rows, limit, |row| row.id))
    }

    /// One metric.
    pub async fn catalog_entry(&self, caller: &Caller, key: &str) -> Result<CatalogDetail, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let found = metrics::list(&mut tx, caller.tenant, Some(&[key.to_owned()])).await?;
        let item = items(&mut tx, caller, found, self.now()).await?.into_iter().next().ok_or(ServiceError::NotFound)?;
        let mut values = BTreeMap::new();
        for dimension in &item.dimensions {
            let parts = parts_with(&item.metric, dimension);
            let found = figures::dimension_values(&mut tx, caller.tenant, &parts, dimension, MAX_VALUES).await?;
            values.insert(dimension.clone(), found);
        }
        Ok(CatalogDetail { item, values })
    }
}

/// The smallest stored parts that have a dimension.
fn parts_with(metric: &Metric, dimension: &str) -> Vec<Part> {
    let wanted = BTreeSet::from([dimension.to_owned()]);
    // Values do not add up to anything, so what counts for sums is good enough for distinct counts.
    choose(&metric.stored, &wanted, Additivity::Sum)
        .unwrap_or_default()
        .into_iter()
        .map(|(stored, set)| Part {
            metric: MetricId(metric.row.id),
            source: stored.source,
            dim_set: dim_set(set.iter().map(String::as_str)),
            grain: stored.grain,
            exact: false,
        })
        .collect()
}

async fn items(
    tx: &mut Tx,
    caller: &Caller,
    found: Vec<Metric>,
    now: OffsetDateTime,
) -> Result<Vec<CatalogItem>, ServiceError> {
    let all = sources::list(tx, caller.tenant).await?;
    let ages = Ages::read(tx, caller.tenant, now).await?;
    let items = found.into_iter().map(|metric| {
        let feeds = |source: &&SourceRow| metric.stored.iter().any(|stored| stored.source == SourceId(source.id));
        let sources: Vec<SourceRow> = all.iter().filter(feeds).cloned().collect();
        let sets = metric.stored.iter().flat_map(|stored| &stored.dim_sets);
        CatalogItem {
            dimensions: sets.flatten().cloned().collect(),
            grain: metric.stored.iter().map(|stored| stored.grain).max(),
            freshness: ages.of_metric(&metric),
            sources,
            metric,
        }
    });
    Ok(items.collect())
}
