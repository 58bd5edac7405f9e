//! Objects of providers, reduced to what they add to metrics, and the sums of that; as `portal_app`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::{Date, OffsetDateTime};

use super::StoreError;
use crate::domain::fact::Dims;
use crate::domain::ids::{SourceId, TenantId};

/// What an object adds to one metric, as it is stored. Short names: there are millions of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredMeasure {
    /// Key of the metric.
    pub m: String,
    /// Added to the value, or to the numerator.
    pub v: Decimal,
    /// Added to the denominator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<Decimal>,
    /// Currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c: Option<String>,
    /// Dimension values.
    #[serde(default, skip_serializing_if = "Dims::is_empty")]
    pub d: Dims,
}

/// Objects as columns, the way UNNEST takes them.
#[derive(Debug, Default)]
pub struct Columns {
    /// The provider's ids.
    pub ids: Vec<String>,
    /// The instants they belong to.
    pub at: Vec<OffsetDateTime>,
    /// The days of these in the source's zone.
    pub days: Vec<Date>,
    /// What they add.
    pub measures: Vec<Vec<StoredMeasure>>,
}

/// Keeps objects; one that was seen later stays as it is.
pub async fn upsert(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    stream: &str,
    columns: &Columns,
    observed_at: OffsetDateTime,
) -> Result<u64, StoreError> {
    let measures: Vec<Json<&Vec<StoredMeasure>>> = columns.measures.iter().map(Json).collect();
    let done = sqlx::query(
        "insert into source_records as r (tenant_id, source_id, stream, record_id, at, day, observed_at, measures)
         select $1, $2, $3, id, at, day, $8, measures
           from unnest($4::text[], $5::timestamptz[], $6::date[], $7::jsonb[]) as u (id, at, day, measures)
         on conflict on constraint source_records_pkey do update
            set at = excluded.at, day = excluded.day, observed_at = excluded.observed_at, measures = excluded.measures
          where r.observed_at <= excluded.observed_at",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(stream)
    .bind(&columns.ids)
    .bind(&columns.at)
    .bind(&columns.days)
    .bind(measures)
    .bind(observed_at)
    .execute(app)
    .await?;
    Ok(done.rows_affected())
}

/// Removes objects that the provider says are gone.
pub async fn remove(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    stream: &str,
    ids: &[String],
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from source_records where tenant_id = $1 and source_id = $2 and stream = $3 and record_id = any($4)",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(stream)
    .bind(ids)
    .execute(app)
    .await?;
    Ok(done.rows_affected())
}

/// Removes a stream's objects that were last seen before an instant.
pub async fn prune(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    stream: &str,
    before: OffsetDateTime,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from source_records where tenant_id = $1 and source_id = $2 and stream = $3 and observed_at < $4",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(stream)
    .bind(before)
    .execute(app)
    .await?;
    Ok(done.rows_affected())
}

/// One sum of what objects add.
#[derive(Debug, Clone, FromRow)]
pub struct Sum {
    /// The day; `None` in a snapshot.
    pub day: Option<Date>,
    /// Currency.
    pub currency: Option<String>,
    /// Values of the asked dimensions, in their order.
    pub dims: Vec<String>,
    /// Sum of the values.
    pub value: Decimal,
    /// Sum of the denominators; `None` if there was none.
    pub denominator: Option<Decimal>,
}

/// What is summed.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The metric.
    pub metric: &'a str,
    /// Dimensions that split the sum.
    pub dimensions: &'a [&'a str],
    /// Objects of these days; `None`: all of `stream`, as one.
    pub days: Option<(Date, Date)>,
    /// Objects of this stream only.
    pub stream: Option<&'a str>,
}

/// Sums of a metric by day (or of a whole stream), currency and dimensions.
pub async fn sums(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    asked: &Asked<'_>,
) -> Result<Vec<Sum>, StoreError> {
    let (from, to) = asked.days.unzip();
    Ok(sqlx::query_as(
        "select case when $4::date is null then null else r.day end as day, m.c as currency,
                array(select coalesce(m.d ->> name, '(none)') from unnest($6::text[]) with ordinality as n (name, at) order by at) as dims,
                sum(m.v) as value, sum(m.n) as denominator
           from source_records r, jsonb_to_recordset(r.measures) as m (m text, v numeric, n numeric, c text, d jsonb)
          where r.tenant_id = $1 and r.source_id = $2 and m.m = $3 and ($4::date is null or r.day between $4 and $5)
            and ($7::text is null or r.stream = $7)
          group by 1, 2, 3",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(asked.metric)
    .bind(from)
    .bind(to)
    .bind(asked.dimensions)
    .bind(asked.stream)
    .fetch_all(app)
    .await?)
}

/// What a stream's objects add to one measure, per currency.
pub async fn totals(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    stream: &str,
    measure: &str,
) -> Result<BTreeMap<String, Decimal>, StoreError> {
    let rows: Vec<(String, Decimal)> = sqlx::query_as(
        "select coalesce(m.c, ''), sum(m.v)
           from source_records r, jsonb_to_recordset(r.measures) as m (m text, v numeric, c text)
          where r.tenant_id = $1 and r.source_id = $2 and r.stream = $3 and m.m = $4 group by 1 limit 200",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(stream)
    .bind(measure)
    .fetch_all(app)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Puts all objects on the days of another zone; gives the first and the last day, before and after.
pub async fn move_to_zone(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    zone: &str,
) -> Result<Option<(Date, Date)>, StoreError> {
    let before = range(app, tenant, source).await?;
    sqlx::query(
        "update source_records set day = (at at time zone $3)::date
          where tenant_id = $1 and source_id = $2 and day is distinct from (at at time zone $3)::date",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(zone)
    .execute(&mut *app)
    .await?;
    let after = range(app, tenant, source).await?;
    Ok(before.zip(after).map(|(old, new)| (old.0.min(new.0), old.1.max(new.1))))
}

/// The metrics that a source's objects add to.
pub async fn metrics(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(
        "select distinct m.m from source_records r, jsonb_to_recordset(r.measures) as m (m text)
          where r.tenant_id = $1 and r.source_id = $2 limit 500",
    )
    .bind(tenant.0)
    .bind(source.0)
    .fetch_all(app)
    .await?)
}

async fn range(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<Option<(Date, Date)>, StoreError> {
    let (from, to): (Option<Date>, Option<Date>) =
        sqlx::query_as("select min(day), max(day) from source_records where tenant_id = $1 and source_id = $2")
            .bind(tenant.0)
            .bind(source.0)
            .fetch_one(app)
            .await?;
    Ok(from.zip(to))
}

/// Removes all objects of a source.
pub async fn delete_all(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<(), StoreError> {
    sqlx::query("delete from source_records where tenant_id = $1 and source_id = $2")
        .bind(tenant.0)
        .bind(source.0)
        .execute(app)
        .await?;
    Ok(())
}
