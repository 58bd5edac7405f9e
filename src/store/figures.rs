//! Reading datapoints as sums; as `portal_app`.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use super::StoreError;
use crate::domain::aggregate::Group;
use crate::domain::dims::DimFilter;
use crate::domain::ids::{MetricId, SourceId, TenantId};
use crate::domain::period::Grain;

/// Most groups that one question may have; more is an error, never a silent cut.
pub const MAX_GROUPS: usize = 200_000;

/// Stored datapoints of one metric and source that answer a question.
#[derive(Debug, Clone)]
pub struct Part {
    /// The metric.
    pub metric: MetricId,
    /// The source.
    pub source: SourceId,
    /// The set of dimensions, as stored.
    pub dim_set: String,
    /// The grain, as stored.
    pub grain: Grain,
    /// Only a datapoint of exactly the range answers, of whatever grain.
    pub exact: bool,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// What to read.
    pub parts: &'a [Part],
    /// First day; a period counts when it lies wholly inside.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Restriction.
    pub filter: &'a DimFilter,
    /// Dimensions to split by.
    pub by: &'a [String],
    /// Whether to keep periods apart.
    pub by_period: bool,
}

/// One sum.
#[derive(Debug, Clone)]
pub struct Sum {
    /// The metric.
    pub metric: MetricId,
    /// Values of the `by` dimensions, in their order.
    pub split: Vec<String>,
    /// Currency of money.
    pub currency: Option<String>,
    /// The sums.
    pub group: Group,
}

#[derive(FromRow)]
struct SumRow {
    metric_id: Uuid,
    split: Vec<Option<String>>,
    currency: Option<String>,
    period_start: Date,
    rows: i64,
    value: String,
    denominator: Option<String>,
    provisional: bool,
}

/// Sums come as text: they may have more digits than a `Decimal`, which then rounds.
fn decimal(text: &str) -> Result<Decimal, StoreError> {
    text.parse().map_err(|_| StoreError::Inconsistent("datapoints.value"))
}

/// Adds datapoints up in the database. `None`: more than [`MAX_GROUPS`] groups.
pub async fn sums(
    app: &mut PgConnection,
    tenant: TenantId,
    question: &Question<'_>,
) -> Result<Option<Vec<Sum>>, StoreError> {
    if question.parts.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut query = statement(tenant, question);
    let rows: Vec<SumRow> = query.build_query_as().fetch_all(app).await?;
    if rows.len() > MAX_GROUPS {
        return Ok(None);
    }
    rows.into_iter().map(Sum::try_from).collect::<Result<_, _>>().map(Some)
}

impl TryFrom<SumRow> for Sum {
    type Error = StoreError;

    fn try_from(row: SumRow) -> Result<Self, StoreError> {
        Ok(Self {
            metric: MetricId(row.metric_id),
            split: row.split.into_iter().map(Option::unwrap_or_default).collect(),
            currency: row.currency,
            group: Group {
                period_start: row.period_start,
                rows: row.rows,
                value: decimal(&row.value)?,
                denominator: row.denominator.as_deref().map(decimal).transpose()?,
                provisional: row.provisional,
            },
        })
    }
}

fn statement(tenant: TenantId, question: &Question<'_>) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select d.metric_id, array[");
    {
        let mut columns = query.separated(", ");
        for name in question.by {
            columns.push("d.dims ->> ").push_bind_unseparated(name.clone());
        }
    }
    query.push("]::text[] as split, d.currency, ");
    query.push(if question.by_period { "d.period_start" } else { "max(d.period_start)" });
    query.push(
        " as period_start, count(*) as rows, sum(d.value)::text as value, sum(d.denominator)::text as denominator,
          bool_or(d.provisional) as provisional
          from datapoints d
          join unnest(",
    );
    query.push_bind(question.parts.iter().map(|part| part.metric.0).collect::<Vec<_>>());
    query.push("::uuid[], ");
    query.push_bind(question.parts.iter().map(|part| part.source.0).collect::<Vec<_>>());
    query.push("::uuid[], ");
    query.push_bind(question.parts.iter().map(|part| part.dim_set.clone()).collect::<Vec<_>>());
    query.push("::text[], ");
    query.push_bind(question.parts.iter().map(|part| (!part.exact).then(|| part.grain.as_str())).collect::<Vec<_>>());
    query.push(
        "::text[]) as part (metric_id, source_id, dim_set, grain)
            on d.metric_id = part.metric_id and d.source_id = part.source_id and d.dim_set = part.dim_set
           and (part.grain is null or d.grain = part.grain)
         where d.tenant_id = ",
    );
    query.push_bind(tenant.0);
    query.push(" and d.period_start >= ").push_bind(question.from);
    query.push(" and d.period_start <= ").push_bind(question.to);
    query.push(" and d.period_end <= ").push_bind(question.to);
    if question.parts.iter().any(|part| part.exact) {
        query.push(" and (part.grain is not null or (d.period_start = ").push_bind(question.from);
        query.push(" and d.period_end = ").push_bind(question.to).push("))");
    }
    for (name, values) in question.filter.iter() {
        query.push(" and d.dims ->> ").push_bind(name.to_owned());
        query.push(" = any(").push_bind(values).push(")");
    }
    query.push(" group by d.metric_id, 2, d.currency");
    if question.by_period {
        query.push(", d.period_start");
    }
    query.push(" order by period_start limit ").push_bind(i64::try_from(MAX_GROUPS + 1).unwrap_or(i64::MAX));
    query
}

/// The values that a dimension of a metric has, in order; at most `limit`.
pub async fn dimension_values(
    app: &mut PgConnection,
    tenant: TenantId,
    parts: &[Part],
    dimension: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(
        "select distinct d.dims ->> $6 from datapoints d
           join unnest($2::uuid[], $3::uuid[], $4::text[]) as part (metric_id, source_id, dim_set)
             on d.metric_id = part.metric_id and d.source_id = part.source_id and d.dim_set = part.dim_set
          where d.tenant_id = $1 and d.dims ? $6 order by 1 limit $5",
    )
    .bind(tenant.0)
    .bind(parts.iter().map(|part| part.metric.0).collect::<Vec<_>>())
    .bind(parts.iter().map(|part| part.source.0).collect::<Vec<_>>())
    .bind(parts.iter().map(|part| part.dim_set.clone()).collect::<Vec<_>>())
    .bind(limit)
    .bind(dimension)
    .fetch_all(app)
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_with_more_digits_than_a_decimal_is_rounded() {
        assert_eq!(decimal("123.45").unwrap(), Decimal::new(12345, 2));
        let long = decimal("123456789.01234567890123456789012345678901").unwrap();
        assert_eq!(long.round_dp(15).to_string(), "123456789.012345678901235");
        assert!(decimal("NaN").is_err());
    }
}
