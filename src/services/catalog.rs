//! The catalogue: what each metric means, where it comes from and how old it is.

use std::collections::{BTreeMap, BTreeSet};

use super::error::ServiceError;
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
use crate::store::sources::{self, SourceRow};

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
        items(&mut tx, caller, found).await
    }

    /// One metric.
    pub async fn catalog_entry(&self, caller: &Caller, key: &str) -> Result<CatalogDetail, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let found = metrics::list(&mut tx, caller.tenant, Some(&[key.to_owned()])).await?;
        let item = items(&mut tx, caller, found).await?.into_iter().next().ok_or(ServiceError::NotFound)?;
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

async fn items(tx: &mut Tx, caller: &Caller, found: Vec<Metric>) -> Result<Vec<CatalogItem>, ServiceError> {
    let all = sources::list(tx, caller.tenant).await?;
    found
        .into_iter()
        .map(|metric| {
            let feeds = |source: &&SourceRow| metric.stored.iter().any(|stored| stored.source == SourceId(source.id));
            let sources: Vec<SourceRow> = all.iter().filter(feeds).cloned().collect();
            let ages = sources.iter().map(SourceRow::freshness).collect::<Result<Vec<_>, _>>()?;
            let sets = metric.stored.iter().flat_map(|stored| &stored.dim_sets);
            Ok(CatalogItem {
                dimensions: sets.flatten().cloned().collect(),
                grain: metric.stored.iter().map(|stored| stored.grain).max(),
                freshness: Freshness::oldest(ages),
                sources,
                metric,
            })
        })
        .collect()
}
