//! Writing datapoints; as `portal_app`.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::fact::{Dims, Fact, dim_set};
use crate::domain::ids::{MetricId, SourceId, SyncId, TenantId};
use crate::domain::period::Grain;
use crate::domain::tenant::Zone;

/// Facts per statement.
const BATCH: usize = 5_000;

/// Where facts are written to.
#[derive(Debug)]
pub struct Target<'a> {
    /// The source.
    pub source: SourceId,
    /// Its provider, part of the natural key.
    pub provider: &'a str,
    /// The provider's account, part of the natural key.
    pub account: &'a str,
    /// The zone of its calendar.
    pub zone: Zone,
    /// The run that brings the facts.
    pub sync: SyncId,
    /// Ids of the metrics by key.
    pub metrics: &'a HashMap<String, MetricId>,
}

/// Facts as columns, the way UNNEST takes them.
#[derive(Default)]
struct Columns {
    external_id: Vec<String>,
    metric_id: Vec<Uuid>,
    ts: Vec<OffsetDateTime>,
    period_start: Vec<Date>,
    period_end: Vec<Date>,
    grain: Vec<&'static str>,
    value: Vec<Decimal>,
    denominator: Vec<Option<Decimal>>,
    dims: Vec<Json<Dims>>,
    dim_set: Vec<String>,
    currency: Vec<Option<String>>,
    provisional: Vec<bool>,
}

impl Columns {
    fn from_facts(facts: &[(String, &Fact)], target: &Target<'_>) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        let mut midnights: HashMap<Date, OffsetDateTime> = HashMap::new();
        for (external_id, fact) in facts {
            let metric = target.metrics.get(&fact.metric_key).ok_or(StoreError::Inconsistent("fact.metric_key"))?;
            columns.external_id.push(external_id.clone());
            columns.metric_id.push(metric.0);
            let ts = midnights.entry(fact.period_start).or_insert_with(|| target.zone.start_of(fact.period_start));
            columns.ts.push(*ts);
            columns.period_start.push(fact.period_start);
            columns.period_end.push(fact.period_end);
            columns.grain.push(fact.grain.as_str());
            columns.value.push(fact.value);
            columns.denominator.push(fact.denominator);
            columns.dims.push(Json(fact.dims.clone()));
            columns.dim_set.push(dim_set(fact.dims.keys().map(String::as_str)));
            columns.currency.push(fact.currency.clone());
            columns.provisional.push(fact.provisional);
        }
        Ok(columns)
    }
}

/// What writing facts did.
#[derive(Debug, Default)]
pub struct Written {
    /// Natural keys of facts that were new or different.
    pub changed: Vec<String>,
    /// How many of them were new.
    pub inserted: i64,
}

/// Inserts new facts and updates changed ones.
///
/// Facts must not repeat a natural key. What is the same as stored is not written.
pub async fn upsert(
    app: &mut PgConnection,
    tenant: TenantId,
    target: &Target<'_>,
    facts: &[(String, &Fact)],
) -> Result<Written, StoreError> {
    let mut written = Written::default();
    for batch in facts.chunks(BATCH) {
        // A row that was there before has the update's transaction as its `xmax`, a new one none.
        let columns = Columns::from_facts(batch, target)?;
        let rows: Vec<(String, bool)> = sqlx::query_as(
            "insert into datapoints as d (tenant_id, source_id, sync_id, external_id, metric_id, ts, period_start, period_end,
                    grain, value, denominator, dims, dim_set, currency, provisional)
             select $1, $2, $3, * from unnest($4::text[], $5::uuid[], $6::timestamptz[], $7::date[], $8::date[],
                    $9::text[], $10::numeric[], $11::numeric[], $12::jsonb[], $13::text[], $14::text[], $15::bool[])
             on conflict on constraint datapoints_pkey do update
                set sync_id = excluded.sync_id, metric_id = excluded.metric_id, ts = excluded.ts, value = excluded.value,
                    denominator = excluded.denominator, provisional = excluded.provisional
              where (d.metric_id, d.ts, d.value, d.denominator, d.provisional)
                    is distinct from (excluded.metric_id, excluded.ts, excluded.value, excluded.denominator, excluded.provisional)
             returning d.external_id, d.xmax = 0",
        )
        .bind(tenant.0)
        .bind(target.source.0)
        .bind(target.sync.0)
        .bind(&columns.external_id)
        .bind(&columns.metric_id)
        .bind(&columns.ts)
        .bind(&columns.period_start)
        .bind(&columns.period_end)
        .bind(&columns.grain)
        .bind(&columns.value)
        .bind(&columns.denominator)
        .bind(&columns.dims)
        .bind(&columns.dim_set)
        .bind(&columns.currency)
        .bind(&columns.provisional)
        .fetch_all(&mut *app)
        .await?;
        for (key, inserted) in rows {
            written.inserted += i64::from(inserted);
            written.changed.push(key);
        }
    }
    Ok(written)
}

/// A part of a source's datapoints that one report covers completely.
#[derive(Debug)]
pub struct Partition<'a> {
    /// The metrics of the report.
    pub metrics: &'a [MetricId],
    /// Its set of dimensions, as stored.
    pub dim_set: &'a str,
    /// The length of its periods.
    pub grain: Grain,
    /// First day on which one begins.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// Removes what a partition holds besides `kept`: rows that the source no longer returns. Gives how many.
pub async fn delete_unseen(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    partition: &Partition<'_>,
    kept: &[String],
) -> Result<u64, StoreError> {
    let metrics: Vec<Uuid> = partition.metrics.iter().map(|metric| metric.0).collect();
    // `not in` is always looked up in a hash table. `not exists` becomes a loop over both sides (over a second a month)
    // as long as the database has no statistics of the new rows, which is during every first sync.
    let done = sqlx::query(
        "delete from datapoints d where d.tenant_id = $1 and d.source_id = $2 and d.metric_id = any($3) and d.dim_set = $4
            and d.period_start between $5 and $6 and d.grain = $8
            and d.external_id not in (select unnest($7::text[]))",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(&metrics)
    .bind(partition.dim_set)
    .bind(partition.from)
    .bind(partition.to)
    .bind(kept)
    .bind(partition.grain.as_str())
    .execute(app)
    .await?;
    Ok(done.rows_affected())
}

/// The currencies that a source's totals of a metric are stored in; `None` for those without one.
pub async fn currencies(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    metric: MetricId,
) -> Result<Vec<Option<String>>, StoreError> {
    Ok(sqlx::query_scalar(
        "select distinct currency from datapoints
          where tenant_id = $1 and metric_id = $2 and source_id = $3 and dim_set = '[]' limit 200",
    )
    .bind(tenant.0)
    .bind(metric.0)
    .bind(source.0)
    .fetch_all(app)
    .await?)
}

/// Lets all periods of a source begin in another zone.
pub async fn move_to_zone(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    zone: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "update datapoints set ts = period_start::timestamp at time zone $3
          where tenant_id = $1 and source_id = $2 and ts is distinct from period_start::timestamp at time zone $3",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(zone)
    .execute(app)
    .await?;
    Ok(())
}

/// Removes all datapoints of a source. Gives how many.
///
/// One plain statement with time enough for a long history. In portions it would be a join of fresh rows with
/// themselves, which a database without statistics of them does by comparing all with all.
pub async fn delete_all(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<u64, StoreError> {
    sqlx::query("set local statement_timeout = '3min'").execute(&mut *app).await?;
    let done = sqlx::query("delete from datapoints where tenant_id = $1 and source_id = $2")
        .bind(tenant.0)
        .bind(source.0)
        .execute(&mut *app)
        .await?;
    sqlx::query("update data_sources set stored_datapoints = 0 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(source.0)
        .execute(app)
        .await?;
    Ok(done.rows_affected())
}

/// Removes a portion of a source's datapoints, those after `after` in the order of their keys; at most `size`. Gives where
/// the next portion begins, or `None` after the last.
///
/// A stretch of the primary key between two of its values: nothing is joined, so no statistics are needed, and what
/// earlier portions have removed is not walked through again.
pub async fn delete_portion(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    after: &str,
    size: i64,
) -> Result<Option<String>, StoreError> {
    let last: Option<String> = sqlx::query_scalar(
        "select external_id from datapoints where tenant_id = $1 and source_id = $2 and external_id > $3
          order by external_id offset $4 limit 1",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(after)
    .bind(size - 1)
    .fetch_optional(&mut *app)
    .await?;
    let stretch = match last {
        Some(_) => {
            "delete from datapoints where tenant_id = $1 and source_id = $2 and external_id > $3 and external_id <= $4"
        }
        None => {
            "delete from datapoints where tenant_id = $1 and source_id = $2 and external_id > $3 and $4::text is null"
        }
    };
    sqlx::query(stretch).bind(tenant.0).bind(source.0).bind(after).bind(&last).execute(app).await?;
    Ok(last)
}
