//! Figures that were final and changed all the same; as `portal_app`.

use rust_decimal::Decimal;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::fact::Dims;
use crate::domain::ids::{MetricId, TenantId};

/// A restated figure.
#[derive(Debug, Clone, FromRow)]
pub struct RestatementRow {
    /// Id.
    pub id: Uuid,
    /// Source.
    pub source_id: Uuid,
    /// Its name.
    pub source_name: String,
    /// First day of the period.
    pub period_start: Date,
    /// Last day.
    pub period_end: Date,
    /// Length of the period.
    pub grain: String,
    /// Dimension values.
    pub dims: Json<Dims>,
    /// Currency.
    pub currency: Option<String>,
    /// What it was, or its numerator.
    pub old_value: Decimal,
    /// Its denominator.
    pub old_denominator: Option<Decimal>,
    /// What it is; `None`: the source no longer has it.
    pub new_value: Option<Decimal>,
    /// Its denominator.
    pub new_denominator: Option<Decimal>,
    /// When it was found.
    pub at: OffsetDateTime,
}

/// A page of a metric's restatements, newest first.
pub async fn list(
    app: &mut PgConnection,
    tenant: TenantId,
    metric: MetricId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<RestatementRow>, StoreError> {
    Ok(sqlx::query_as(
        "select r.id, r.source_id, d.name as source_name, r.period_start, r.period_end, r.grain, r.dims, r.currency,
                r.old_value, r.old_denominator, r.new_value, r.new_denominator, r.at
           from restatements r join data_sources d on d.tenant_id = r.tenant_id and d.id = r.source_id
          where r.tenant_id = $1 and r.metric_id = $2 and ($3::uuid is null or r.id < $3)
          order by r.id desc limit $4",
    )
    .bind(tenant.0)
    .bind(metric.0)
    .bind(before)
    .bind(limit)
    .fetch_all(app)
    .await?)
}

/// One restatement to be kept.
#[derive(Debug)]
pub struct Restated {
    /// Id.
    pub id: Uuid,
    /// Natural key of the datapoint.
    pub external_id: String,
    /// What it is from now on; `None`: nothing.
    pub now: Option<(Decimal, Option<Decimal>)>,
}

/// A figure that is final, as it is stored before a batch is written.
#[derive(Debug, Clone, FromRow)]
pub struct Final {
    /// Natural key.
    pub external_id: String,
    /// Value or numerator.
    pub value: Decimal,
    /// Denominator.
    pub denominator: Option<Decimal>,
}

/// The final figures that a partition holds.
pub async fn finals(
    app: &mut PgConnection,
    tenant: TenantId,
    source: crate::domain::ids::SourceId,
    partition: &super::datapoints::Partition<'_>,
) -> Result<Vec<Final>, StoreError> {
    let metrics: Vec<Uuid> = partition.metrics.iter().map(|metric| metric.0).collect();
    Ok(sqlx::query_as(
        "select external_id, value, denominator from datapoints
          where tenant_id = $1 and source_id = $2 and metric_id = any($3) and dim_set = $4
            and period_start between $5 and $6 and grain = $7 and not provisional",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(&metrics)
    .bind(partition.dim_set)
    .bind(partition.from)
    .bind(partition.to)
    .bind(partition.grain.as_str())
    .fetch_all(app)
    .await?)
}

/// Keeps restatements, from what is stored of their datapoints at this moment: before these are overwritten.
pub async fn keep(
    app: &mut PgConnection,
    tenant: TenantId,
    source: crate::domain::ids::SourceId,
    sync: crate::domain::ids::SyncId,
    restated: &[Restated],
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    if restated.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = restated.iter().map(|one| one.id).collect();
    let external: Vec<&str> = restated.iter().map(|one| one.external_id.as_str()).collect();
    let values: Vec<Option<Decimal>> = restated.iter().map(|one| one.now.map(|now| now.0)).collect();
    let denominators: Vec<Option<Decimal>> = restated.iter().map(|one| one.now.and_then(|now| now.1)).collect();
    sqlx::query(
        "insert into restatements (tenant_id, id, metric_id, source_id, sync_id, period_start, period_end, grain, dims, currency,
                old_value, old_denominator, new_value, new_denominator, at)
         select $1, n.id, d.metric_id, $2, $3, d.period_start, d.period_end, d.grain, d.dims, d.currency, d.value,
                d.denominator, n.value, n.denominator, $8
           from unnest($4::uuid[], $5::text[], $6::numeric[], $7::numeric[]) as n (id, external_id, value, denominator)
           join datapoints d on d.tenant_id = $1 and d.source_id = $2 and d.external_id = n.external_id",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(sync.0)
    .bind(&ids)
    .bind(&external)
    .bind(&values)
    .bind(&denominators)
    .bind(at)
    .execute(app)
    .await?;
    Ok(())
}
