//! Reading the audit trails: a tenant's as `portal_app`, the platform's as `portal_operator`. Writing them is `audit.rs`.

use sqlx::postgres::{PgArguments, Postgres};
use sqlx::types::Json;
use sqlx::{Arguments as _, FromRow, PgConnection, QueryBuilder};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};

/// An entry as it was kept.
#[derive(Debug, Clone, FromRow)]
pub struct EntryRow {
    /// Id.
    pub id: Uuid,
    /// When.
    pub ts: OffsetDateTime,
    /// Who, when known.
    pub actor_id: Option<Uuid>,
    /// `member`, `operator` or `system`.
    pub actor_kind: String,
    /// Their address then.
    pub actor_email: Option<String>,
    /// What was done.
    pub action: String,
    /// To what.
    pub resource: String,
    /// `ok`, `refused` or `failed`.
    pub outcome: String,
    /// The changed fields before.
    pub before: Option<Json<serde_json::Value>>,
    /// The changed fields after.
    pub after: Option<Json<serde_json::Value>>,
    /// Further facts.
    pub detail: Json<serde_json::Value>,
    /// Client address.
    pub ip: Option<String>,
    /// The browser's own name.
    pub user_agent: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// Number in the chain; none before there was one.
    pub seq: Option<i64>,
    /// Digest of the entry before.
    pub previous: Option<String>,
    /// Digest of this one.
    pub digest: Option<String>,
}

const COLUMNS: &str = "id, ts, actor_id, actor_kind, actor_email, action, resource, outcome, before, after, detail, ip, \
     user_agent, request_id, seq, previous, digest";

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not before this instant.
    pub from: Option<OffsetDateTime>,
    /// Before this instant.
    pub until: Option<OffsetDateTime>,
    /// By this person.
    pub actor: Option<UserId>,
    /// With one of these actions; `None`: any.
    pub actions: Option<Vec<String>>,
    /// With this action, or one that begins with it and a dot.
    pub group: Option<String>,
}

/// An id carries the time at which it was made, a moment before or after its entry's own; so much later or earlier ids
/// are not looked at.
const AROUND: Duration = Duration::minutes(1);

/// The smallest `UUIDv7` of an instant.
fn first_id_of(instant: OffsetDateTime) -> Uuid {
    let millis = u128::try_from(instant.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Uuid::from_u128(millis.min((1 << 48) - 1) << 80)
}

/// Entries before `before`, newest first. The time range narrows the ids, so that the primary key is enough.
///
/// Of 100,000 entries beside as many of another tenant (`tests/api/audit/plans.rs` asks for all combinations) an index
/// that begins with the tenant is walked backwards: 0.1 to 3 ms for a page, 1 to 10 ms for 1,000 rows of a file. Only the
/// actions of a group come from their own index and are sorted, where they are few. Pages are no longer than 1,000 rows:
/// the database takes the conditions on time and id for independent, expects a quarter of a quarter instead of a quarter
/// of a trail, and for a page of 5,000 sorts the whole quarter.
pub async fn list(
    app: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<EntryRow>, StoreError> {
    Ok(listing(tenant, filter, before, limit)?.build_query_as().fetch_all(app).await?)
}

/// The statement of [`list`], by itself so that a test sees how it is carried out.
pub fn listing(
    tenant: TenantId,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<QueryBuilder<Postgres>, StoreError> {
    let mut arguments = PgArguments::default();
    arguments.add(tenant.0).map_err(sqlx::Error::Encode)?;
    let mut query: QueryBuilder<Postgres> =
        QueryBuilder::with_arguments(format!("select {COLUMNS} from audit_log where tenant_id = $1"), arguments);
    narrow(&mut query, filter, before, limit);
    Ok(query)
}

/// An entry of the platform's trail.
#[derive(Debug, Clone, FromRow)]
pub struct PlatformRow {
    /// The entry.
    #[sqlx(flatten)]
    pub entry: EntryRow,
    /// The tenant it is about.
    pub about_tenant: Option<Uuid>,
    /// That tenant's name, while it exists.
    pub tenant_name: Option<String>,
}

/// Entries of the platform's trail before `before`, newest first; as `portal_operator`.
pub async fn list_platform(
    operator: &mut PgConnection,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<PlatformRow>, StoreError> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(format!(
        "select {COLUMNS}, about_tenant, (select t.name from tenants t where t.id = about_tenant) as tenant_name
           from platform_audit where true"
    ));
    narrow(&mut query, filter, before, limit);
    Ok(query.build_query_as().fetch_all(operator).await?)
}

/// Adds the conditions of a filter to a statement on a trail, its order and its end.
fn narrow(query: &mut QueryBuilder<Postgres>, filter: &Filter, before: Option<Uuid>, limit: i64) {
    if let Some(from) = filter.from {
        query.push(" and ts >= ").push_bind(from);
        query.push(" and id >= ").push_bind(first_id_of(from.saturating_sub(AROUND)));
    }
    if let Some(until) = filter.until {
        query.push(" and ts < ").push_bind(until);
        query.push(" and id < ").push_bind(first_id_of(until.saturating_add(AROUND)));
    }
    if let Some(before) = before {
        query.push(" and id < ").push_bind(before);
    }
    if let Some(actor) = filter.actor {
        query.push(" and actor_id = ").push_bind(actor.0);
    }
    match filter.actions.as_deref() {
        None => {}
        // Equality lets the index on actions give them in order.
        Some([action]) => {
            query.push(" and action = ").push_bind(action.clone());
        }
        Some(actions) => {
            query.push(" and action = any(").push_bind(actions.to_vec()).push(")");
        }
    }
    if let Some(group) = &filter.group {
        query.push(" and (action = ").push_bind(group.clone());
        query.push(" or starts_with(action, ").push_bind(format!("{group}.")).push("))");
    }
    query.push(" order by id desc limit ").push_bind(limit);
}

/// Entries with this action since an instant, no more than `most`.
pub async fn count_since(
    app: &mut PgConnection,
    tenant: TenantId,
    action: &str,
    since: OffsetDateTime,
    most: i64,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(
        "select count(*) from (select from audit_log
           where tenant_id = $1 and action = $2 and id >= $3 and ts >= $4 limit $5) counted",
    )
    .bind(tenant.0)
    .bind(action)
    .bind(first_id_of(since.saturating_sub(AROUND)))
    .bind(since)
    .bind(most)
    .fetch_one(app)
    .await?)
}

/// Makes all that this transaction reads be of one instant; comes first in it.
pub async fn freeze(app: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("set transaction isolation level repeatable read").execute(app).await?;
    Ok(())
}

/// The end of a chain: number and digest of its newest entry.
pub async fn head(app: &mut PgConnection, tenant: TenantId) -> Result<Option<(i64, String)>, StoreError> {
    Ok(sqlx::query_as("select seq, digest from audit_heads where tenant_id = $1")
        .bind(tenant.0)
        .fetch_optional(app)
        .await?)
}

/// Chained entries after a number, in the chain's order.
pub async fn chain_after(
    app: &mut PgConnection,
    tenant: TenantId,
    seq: i64,
    limit: i64,
) -> Result<Vec<EntryRow>, StoreError> {
    let sql = format!("select {COLUMNS} from audit_log where tenant_id = $1 and seq > $2 order by seq limit $3");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(seq).bind(limit).fetch_all(app).await?)
}

/// Entries from before there was a chain.
pub async fn count_unchained(app: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    let sql = "select count(*) from audit_log where tenant_id = $1 and digest is null";
    Ok(sqlx::query_scalar(sql).bind(tenant.0).fetch_one(app).await?)
}

/// The last number that retention has removed, as it was recorded; 0: nothing was.
pub async fn removed_through(app: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    let through: Option<i64> = sqlx::query_scalar(
        "select max((detail ->> 'through')::bigint) from audit_log where tenant_id = $1 and action = 'audit.expired'",
    )
    .bind(tenant.0)
    .fetch_one(app)
    .await?;
    Ok(through.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn ids_of_an_instant_lie_between_its_first_and_the_next_ones() {
        let instant = datetime!(2026-11-23 10:00 UTC);
        let millis = u64::try_from(instant.unix_timestamp_nanos() / 1_000_000).unwrap();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &[255; 10]).into_uuid();
        assert!(first_id_of(instant) < id && id < first_id_of(instant + Duration::MILLISECOND));
        assert_eq!(first_id_of(datetime!(1900-01-01 00:00 UTC)), Uuid::nil());
    }
}
