//! How sources of all tenants are; as `portal_operator`.

use std::collections::BTreeMap;

use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::domain::ids::TenantId;
use crate::domain::source::SourceStatus;
use crate::store::StoreError;

/// Causes that the overview tells apart at most.
const MOST_CAUSES: i64 = 100;

/// How many there are of everything.
#[derive(Debug, Clone, FromRow)]
pub struct Counts {
    /// Tenants by status.
    pub tenants: Json<BTreeMap<String, i64>>,
    /// Sources by status.
    pub sources: Json<BTreeMap<String, i64>>,
    /// Jobs that are queued, running or failed, by state.
    pub jobs: Json<BTreeMap<String, i64>>,
    /// Since when the oldest waiting job could run.
    pub oldest_due_at: Option<OffsetDateTime>,
}

/// Counts everything once. Of jobs only those that have not ended well, which partial indexes hold.
pub async fn counts(operator: &mut PgConnection) -> Result<Counts, StoreError> {
    Ok(sqlx::query_as(
        "select coalesce((select jsonb_object_agg(status, n) from (select status, count(*) as n from tenants group by status) t), '{}') as tenants,
                coalesce((select jsonb_object_agg(status, n) from (select status, count(*) as n from data_sources group by status) s), '{}') as sources,
                coalesce((select jsonb_object_agg(state, n) from (
                    select state, count(*) as n from jobs where state in ('queued', 'running') group by state
                    union all select 'failed', count(*) from jobs where state = 'failed') j), '{}') as jobs,
                (select min(run_at) from jobs where state in ('queued', 'running') and state = 'queued' and run_at <= now()) as oldest_due_at",
    )
    .fetch_one(operator)
    .await?)
}

fn status_of(stored: &str) -> Result<SourceStatus, StoreError> {
    SourceStatus::parse(stored).ok_or(StoreError::Inconsistent("data_sources.status"))
}

/// Sources that are in trouble for the same reason.
#[derive(Debug, Clone, FromRow)]
pub struct Cause {
    /// Stable code of what is wrong.
    pub status_code: Option<String>,
    /// Whose service it is.
    pub provider: String,
    /// The state that the sources are in.
    pub status: String,
    /// How many sources.
    pub sources: i64,
    /// Of how many tenants.
    pub tenants: i64,
    /// Since when, for the source that has had it longest.
    pub since: OffsetDateTime,
    /// Some of them, those that have had it longest.
    pub examples: Json<Vec<Example>>,
}

impl Cause {
    /// The state as a type.
    pub fn status(&self) -> Result<SourceStatus, StoreError> {
        status_of(&self.status)
    }
}

/// A source in trouble.
#[derive(Debug, Clone, Deserialize)]
pub struct Example {
    /// Its tenant.
    pub tenant: Named,
    /// Itself.
    pub source: Named,
    /// What its newest failed run met, for operators.
    pub cause: Option<String>,
}

/// Something with a name.
#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
}

/// What is wrong with sources, most sources first.
///
/// Trouble began with the first failed run after the last success. Runs are found by their ids, which begin with the
/// time: one look into the index for each end, however many runs a source has had.
pub async fn causes(operator: &mut PgConnection) -> Result<Vec<Cause>, StoreError> {
    Ok(sqlx::query_as(
        "with troubled as (
            select d.tenant_id, d.id, d.name, d.provider, d.status, d.status_code, newest.failure_cause,
                   coalesce(first.created_at, newest.created_at, d.updated_at) as since
              from data_sources d
              left join lateral (
                select s.created_at, s.failure_cause from syncs s
                 where s.tenant_id = d.tenant_id and s.source_id = d.id and s.failure_code is not null
                 order by s.id desc limit 1) newest on true
              left join lateral (
                select s.created_at from syncs s
                 where s.tenant_id = d.tenant_id and s.source_id = d.id and s.failure_code is not null
                   and s.id >= (lpad(to_hex(coalesce(floor(extract(epoch from d.last_sync_at) * 1000), 0)::bigint), 12, '0') || repeat('0', 20))::uuid
                 order by s.id limit 1) first on true
             where d.status in ('rate_limited', 'error', 'needs_reauth') or d.status_code is not null),
         placed as (
            select *, row_number() over (partition by status_code, provider, status order by since, id) as place from troubled)
         select p.status_code, p.provider, p.status, count(*) as sources, count(distinct p.tenant_id) as tenants, min(p.since) as since,
                jsonb_agg(jsonb_build_object('tenant', jsonb_build_object('id', t.id, 'name', t.name),
                                             'source', jsonb_build_object('id', p.id, 'name', p.name),
                                             'cause', p.failure_cause) order by p.place) filter (where p.place <= 5) as examples
           from placed p join tenants t on t.id = p.tenant_id
          group by p.status_code, p.provider, p.status
          order by count(*) desc, min(p.since), p.status_code, p.provider limit $1",
    )
    .bind(MOST_CAUSES)
    .fetch_all(operator)
    .await?)
}

/// Which sources are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this tenant.
    pub tenant: Option<TenantId>,
    /// In this state.
    pub status: Option<SourceStatus>,
    /// With this wrong.
    pub code: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
}

/// A source, with what an operator may know of it.
#[derive(Debug, Clone, FromRow)]
pub struct SourceRow {
    /// Id.
    pub id: Uuid,
    /// Name given by the client.
    pub name: String,
    /// `oauth2`, `api_key` or `file`.
    pub r#type: String,
    /// `ga4`, `csv`, …
    pub provider: String,
    /// State.
    pub status: String,
    /// Stable code of what is wrong.
    pub status_code: Option<String>,
    /// What its newest failed run met, while something is wrong.
    pub cause: Option<String>,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// Its tenant's name.
    pub tenant_name: String,
    /// Last success.
    pub last_sync_at: Option<OffsetDateTime>,
    /// When the timer reads it next.
    pub next_due: Option<OffsetDateTime>,
    /// Last complete period.
    pub data_through: Option<Date>,
    /// Datapoints stored.
    pub stored_datapoints: i64,
}

impl SourceRow {
    /// The state as a type.
    pub fn status(&self) -> Result<SourceStatus, StoreError> {
        status_of(&self.status)
    }
}

/// Sources before `before`, newest first.
pub async fn sources(
    operator: &mut PgConnection,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SourceRow>, StoreError> {
    Ok(sqlx::query_as(
        "select d.id, d.name, d.type, d.provider, d.status, d.status_code, newest.failure_cause as cause,
                d.tenant_id, t.name as tenant_name, d.last_sync_at, d.next_due, d.data_through, d.stored_datapoints
           from data_sources d join tenants t on t.id = d.tenant_id
           left join lateral (
             select s.failure_cause from syncs s
              where s.tenant_id = d.tenant_id and s.source_id = d.id and s.failure_code is not null and d.status_code is not null
              order by s.id desc limit 1) newest on true
          where ($1::uuid is null or d.tenant_id = $1) and ($2::text is null or d.status = $2)
            and ($3::text is null or d.status_code = $3) and ($4::text is null or d.provider = $4)
            and ($5::uuid is null or d.id < $5)
          order by d.id desc limit $6",
    )
    .bind(filter.tenant.map(|tenant| tenant.0))
    .bind(filter.status.map(SourceStatus::as_str))
    .bind(filter.code.as_deref())
    .bind(filter.provider.as_deref())
    .bind(before)
    .bind(limit)
    .fetch_all(operator)
    .await?)
}
