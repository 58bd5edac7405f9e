//! Metrics and what each source stores of them; as `portal_app`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::aggregate::Stored;
use crate::domain::ids::{MetricId, SourceId, TenantId};
use crate::domain::lang::Lang;
use crate::domain::metric::Additivity;
use crate::domain::period::Grain;

/// Name and definition in one more language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Translation {
    /// Display name.
    pub name: String,
    /// What it means.
    pub definition: String,
}

/// A metric of a tenant.
#[derive(Debug, Clone, FromRow)]
pub struct MetricRow {
    /// Id.
    pub id: Uuid,
    /// Stable key.
    pub key: String,
    /// Display name in the tenant's language.
    pub name: String,
    /// What it means.
    pub definition: String,
    /// Other languages, by `es` or `en`.
    pub translations: Json<BTreeMap<String, Translation>>,
    /// Provider of the values.
    pub provider: String,
    /// Unit.
    pub unit: String,
    /// How it adds up.
    pub additivity: String,
    /// Which way is good.
    pub good_direction: String,
    /// Formula over fields of the source.
    pub formula: String,
    /// Endpoint.
    pub endpoint: String,
    /// Field.
    pub field: String,
    /// Version of the definition.
    pub version: i32,
}

impl MetricRow {
    /// How it adds up, as a type.
    pub fn additivity(&self) -> Result<Additivity, StoreError> {
        Additivity::parse(&self.additivity).ok_or(StoreError::Inconsistent("metrics.additivity"))
    }

    /// Name in a language.
    pub fn name(&self, lang: Lang) -> &str {
        self.translations.0.get(lang.as_str()).map_or(&self.name, |translation| &translation.name)
    }

    /// Definition in a language.
    pub fn definition(&self, lang: Lang) -> &str {
        self.translations.0.get(lang.as_str()).map_or(&self.definition, |translation| &translation.definition)
    }
}

/// A metric with what its sources store.
#[derive(Debug, Clone)]
pub struct Metric {
    /// The metric.
    pub row: MetricRow,
    /// Its sources.
    pub stored: Vec<Stored<SourceId>>,
    /// The streams that it is made of, of sources that have any.
    pub streams: BTreeMap<SourceId, Vec<String>>,
}

#[derive(FromRow)]
struct StoredRow {
    metric_id: Uuid,
    source_id: Uuid,
    grain: String,
    dim_sets: Json<Vec<BTreeSet<String>>>,
    streams: Vec<String>,
}

const COLUMNS: &str = "id, key, name, definition, translations, provider, unit, additivity, good_direction, formula, endpoint, \
     field, version";

/// What the sources of one metric store, and the streams it is made of.
type Feeds = (Vec<Stored<SourceId>>, BTreeMap<SourceId, Vec<String>>);

/// The tenant's metrics with these keys, or all of them (at most 500), in the order in which they were made.
pub async fn list(
    app: &mut PgConnection,
    tenant: TenantId,
    keys: Option<&[String]>,
) -> Result<Vec<Metric>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from metrics where tenant_id = $1 and ($2::text[] is null or key = any($2)) order by created_at, key limit 500"
    );
    let rows: Vec<MetricRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(keys).fetch_all(&mut *app).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let stored: Vec<StoredRow> = sqlx::query_as(
        "select metric_id, source_id, grain, dim_sets, streams from metric_sources
          where tenant_id = $1 and metric_id = any($2) order by source_id limit 5000",
    )
    .bind(tenant.0)
    .bind(&ids)
    .fetch_all(app)
    .await?;
    let mut by_metric: BTreeMap<Uuid, Feeds> = BTreeMap::new();
    for row in stored {
        let grain = Grain::parse(&row.grain).ok_or(StoreError::Inconsistent("metric_sources.grain"))?;
        let source = SourceId(row.source_id);
        let (stored, streams) = by_metric.entry(row.metric_id).or_default();
        stored.push(Stored { source, grain, dim_sets: row.dim_sets.0 });
        streams.insert(source, row.streams);
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let (stored, streams) = by_metric.remove(&row.id).unwrap_or_default();
            Metric { row, stored, streams }
        })
        .collect())
}

/// A metric as a source declares it.
#[derive(Debug)]
pub struct Declared<'a> {
    /// Id for the case that it is new.
    pub id: MetricId,
    /// Stable key.
    pub key: &'a str,
    /// Display name in the tenant's language.
    pub name: &'a str,
    /// What it means.
    pub definition: &'a str,
    /// Other languages.
    pub translations: BTreeMap<&'static str, Translation>,
    /// Provider.
    pub provider: &'a str,
    /// Unit.
    pub unit: &'a str,
    /// How it adds up.
    pub additivity: Additivity,
    /// Which way is good.
    pub good_direction: &'a str,
    /// Formula.
    pub formula: &'a str,
    /// Endpoint.
    pub endpoint: &'a str,
    /// Field.
    pub field: &'a str,
}

/// Lets one transaction at a time declare or withdraw a tenant's metrics: they touch several rows in an order of their
/// own, and what is left without a source is removed.
pub async fn lock(app: &mut PgConnection, tenant: TenantId) -> Result<(), StoreError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("metrics/{tenant}"))
        .execute(app)
        .await?;
    Ok(())
}

/// Adds a metric unless its key exists; gives the id that the key has, locked until the transaction ends.
pub async fn ensure(
    app: &mut PgConnection,
    tenant: TenantId,
    metric: &Declared<'_>,
    at: OffsetDateTime,
) -> Result<MetricId, StoreError> {
    sqlx::query(
        "insert into metrics (tenant_id, id, key, name, definition, translations, provider, unit, additivity,
                              good_direction, formula, endpoint, field, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
         on conflict on constraint metrics_key_key do nothing",
    )
    .bind(tenant.0)
    .bind(metric.id.0)
    .bind(metric.key)
    .bind(metric.name)
    .bind(metric.definition)
    .bind(Json(&metric.translations))
    .bind(metric.provider)
    .bind(metric.unit)
    .bind(metric.additivity.as_str())
    .bind(metric.good_direction)
    .bind(metric.formula)
    .bind(metric.endpoint)
    .bind(metric.field)
    .bind(at)
    .execute(&mut *app)
    .await?;
    let id: Uuid = sqlx::query_scalar("select id from metrics where tenant_id = $1 and key = $2 for update")
        .bind(tenant.0)
        .bind(metric.key)
        .fetch_one(app)
        .await?;
    Ok(MetricId(id))
}

/// Notes what a source stores of a metric, replacing an earlier note.
pub async fn set_stored(
    app: &mut PgConnection,
    tenant: TenantId,
    metric: MetricId,
    stored: &Stored<SourceId>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into metric_sources (tenant_id, metric_id, source_id, grain, dim_sets) values ($1, $2, $3, $4, $5)
         on conflict on constraint metric_sources_pkey do update set grain = excluded.grain, dim_sets = excluded.dim_sets",
    )
    .bind(tenant.0)
    .bind(metric.0)
    .bind(stored.source.0)
    .bind(stored.grain.as_str())
    .bind(Json(&stored.dim_sets))
    .execute(&mut *app)
    .await?;
    refresh_source_ids(app, tenant, &[metric.0]).await
}

/// Notes which streams a source's figures of a metric are made of.
pub async fn set_streams(
    app: &mut PgConnection,
    tenant: TenantId,
    metric: MetricId,
    source: SourceId,
    streams: &[&str],
) -> Result<(), StoreError> {
    sqlx::query("update metric_sources set streams = $4 where tenant_id = $1 and metric_id = $2 and source_id = $3")
        .bind(tenant.0)
        .bind(metric.0)
        .bind(source.0)
        .bind(streams)
        .execute(app)
        .await?;
    Ok(())
}

/// Takes a source away from its metrics; gives them, some of which may have no source any more.
pub async fn clear_stored(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
) -> Result<Vec<MetricId>, StoreError> {
    let metrics: Vec<Uuid> =
        sqlx::query_scalar("delete from metric_sources where tenant_id = $1 and source_id = $2 returning metric_id")
            .bind(tenant.0)
            .bind(source.0)
            .fetch_all(&mut *app)
            .await?;
    refresh_source_ids(app, tenant, &metrics).await?;
    Ok(metrics.into_iter().map(MetricId).collect())
}

/// Removes those of `metrics` that no source feeds.
pub async fn delete_unfed(app: &mut PgConnection, tenant: TenantId, metrics: &[MetricId]) -> Result<(), StoreError> {
    let metrics: Vec<Uuid> = metrics.iter().map(|metric| metric.0).collect();
    sqlx::query("delete from metrics where tenant_id = $1 and id = any($2) and source_ids = '{}'")
        .bind(tenant.0)
        .bind(&metrics)
        .execute(app)
        .await?;
    Ok(())
}

/// `metrics.source_ids` repeats `metric_sources` because the client's data contract names that column.
async fn refresh_source_ids(app: &mut PgConnection, tenant: TenantId, metrics: &[Uuid]) -> Result<(), StoreError> {
    sqlx::query(
        "update metrics m set source_ids = coalesce((select array_agg(s.source_id order by s.source_id) from metric_sources s
                                                      where s.tenant_id = m.tenant_id and s.metric_id = m.id), '{}')
          where m.tenant_id = $1 and m.id = any($2)",
    )
    .bind(tenant.0)
    .bind(metrics)
    .execute(app)
    .await?;
    Ok(())
}
