//! Tenants as operators see them: state, limits and use, never figures.

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ids::TenantId;
use crate::domain::limits::{Limits, Overrides};
use crate::domain::tenant::{TenantSettings, TenantStatus};
use crate::store::StoreError;

/// A tenant with what it uses.
#[derive(Debug, Clone, FromRow)]
pub struct TenantRow {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Plan.
    pub plan: String,
    /// `active`, `suspended` or `deleting`.
    pub status: String,
    /// Everything of it goes after this time.
    pub delete_after: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Last change of the row.
    pub updated_at: OffsetDateTime,
    /// Settings.
    pub settings: Json<TenantSettings>,
    /// Exceptions from the plan's limits.
    pub limits: Json<Overrides>,
    /// Sources.
    pub sources: i64,
    /// Datapoints stored.
    pub datapoints: i64,
    /// Members and open invitations.
    pub users: i64,
}

impl TenantRow {
    /// The version of what an operator can change, as an entity tag.
    pub fn tag(&self) -> String {
        format!("\"{:x}\"", self.updated_at.unix_timestamp_nanos() / 1_000)
    }

    /// What it may use.
    pub fn allowed(&self) -> Limits {
        Limits::of(&self.plan, self.limits.0)
    }

    /// Its state.
    pub fn status(&self) -> Result<TenantStatus, StoreError> {
        TenantStatus::parse(&self.status).ok_or(StoreError::Inconsistent("tenants.status"))
    }
}

/// Which tenants.
#[derive(Debug, Default)]
pub struct Filter<'a> {
    /// Part of the name, in any case.
    pub name: Option<&'a str>,
    /// State.
    pub status: Option<TenantStatus>,
    /// Only this one.
    pub id: Option<TenantId>,
    /// Older than this one.
    pub before: Option<Uuid>,
}

/// Tenants, newest first.
pub async fn list(operator: &mut PgConnection, filter: &Filter<'_>, limit: i64) -> Result<Vec<TenantRow>, StoreError> {
    Ok(sqlx::query_as(
        "select t.*, s.sources, s.datapoints, m.members + i.invited as users from (
             select id, name, plan, status, delete_after, created_at, updated_at, settings, limits from tenants
              where ($1::text is null or position(lower($1) in lower(name)) > 0) and ($2::text is null or status = $2)
                and ($3::uuid is null or id = $3) and ($4::uuid is null or id < $4)
              order by id desc limit $5) t
         cross join lateral (select count(*) as sources, coalesce(sum(stored_datapoints), 0)::bigint as datapoints
                               from data_sources where tenant_id = t.id) s
         cross join lateral (select count(*) as members from memberships where tenant_id = t.id) m
         cross join lateral (select count(*) as invited from invitations
                              where tenant_id = t.id and status = 'pending' and expires_at > now()) i
         order by t.id desc",
    )
    .bind(filter.name)
    .bind(filter.status.map(TenantStatus::as_str))
    .bind(filter.id.map(|id| id.0))
    .bind(filter.before)
    .bind(limit)
    .fetch_all(operator)
    .await?)
}

/// How many files each of these tenants has exported since an instant of its own.
pub async fn exports_since(
    operator: &mut PgConnection,
    tenants: &[Uuid],
    since: &[OffsetDateTime],
) -> Result<Vec<(Uuid, i64)>, StoreError> {
    Ok(sqlx::query_as(
        "select w.tenant_id, count(a.ts) from unnest($1::uuid[], $2::timestamptz[]) as w (tenant_id, since)
           left join audit_log a on a.tenant_id = w.tenant_id and a.action = 'audit.exported' and a.ts >= w.since
          group by w.tenant_id",
    )
    .bind(tenants)
    .bind(since)
    .fetch_all(operator)
    .await?)
}

/// Locks a tenant's row until the transaction ends. `false`: there is none.
pub async fn lock(operator: &mut PgConnection, tenant: TenantId) -> Result<bool, StoreError> {
    let found: Option<Uuid> = sqlx::query_scalar("select id from tenants where id = $1 for update")
        .bind(tenant.0)
        .fetch_optional(operator)
        .await?;
    Ok(found.is_some())
}

/// Whether another tenant has this name, in any case. Of two transactions that ask, one waits for the other.
pub async fn name_is_taken(
    operator: &mut PgConnection,
    name: &str,
    except: Option<TenantId>,
) -> Result<bool, StoreError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('tenant name', 0))").execute(&mut *operator).await?;
    let sql = "select exists (select from tenants where lower(name) = lower($1) and id is distinct from $2)";
    Ok(sqlx::query_scalar(sql).bind(name).bind(except.map(|id| id.0)).fetch_one(operator).await?)
}

/// A tenant's changeable columns.
#[derive(Debug)]
pub struct Columns<'a> {
    /// Name.
    pub name: &'a str,
    /// Plan.
    pub plan: &'a str,
    /// State.
    pub status: TenantStatus,
    /// Everything of it goes after this time; only when deleting.
    pub delete_after: Option<OffsetDateTime>,
    /// Exceptions from the plan's limits.
    pub limits: Overrides,
}

/// Adds a tenant.
pub async fn insert(
    operator: &mut PgConnection,
    tenant: TenantId,
    columns: &Columns<'_>,
    settings: &TenantSettings,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into tenants (id, name, plan, status, settings, limits, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(tenant.0)
    .bind(columns.name)
    .bind(columns.plan)
    .bind(columns.status.as_str())
    .bind(Json(settings))
    .bind(Json(columns.limits))
    .bind(at)
    .execute(operator)
    .await?;
    Ok(())
}

/// Changes a tenant; `updated_at` is always later than before, so that the tag changes too.
pub async fn update(
    operator: &mut PgConnection,
    tenant: TenantId,
    columns: &Columns<'_>,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "update tenants set name = $2, plan = $3, status = $4, delete_after = $5, limits = $6,
                updated_at = greatest($7, updated_at + interval '1 microsecond') where id = $1",
    )
    .bind(tenant.0)
    .bind(columns.name)
    .bind(columns.plan)
    .bind(columns.status.as_str())
    .bind(columns.delete_after)
    .bind(Json(columns.limits))
    .bind(at)
    .execute(operator)
    .await?;
    Ok(())
}

/// A member as operators see them.
#[derive(Debug, Clone, FromRow)]
pub struct MemberRow {
    /// The person.
    pub user_id: Uuid,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Role.
    pub role: String,
    /// May sign in.
    pub is_active: bool,
}

/// A tenant's members in the order of their names; at most 500.
pub async fn members(operator: &mut PgConnection, tenant: TenantId) -> Result<Vec<MemberRow>, StoreError> {
    Ok(sqlx::query_as(
        "select u.id as user_id, u.name, u.email, m.role, u.is_active from memberships m join users u on u.id = m.user_id
          where m.tenant_id = $1 order by u.name, u.id limit 500",
    )
    .bind(tenant.0)
    .fetch_all(operator)
    .await?)
}

/// Whether an address belongs to an operator.
pub async fn is_operators_address(operator: &mut PgConnection, email: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar("select exists (select from users where email = $1 and is_operator)")
        .bind(email)
        .fetch_one(operator)
        .await?)
}

/// What goes when a tenant is deleted.
#[derive(Debug, Clone, FromRow)]
pub struct Removal {
    /// Its name.
    pub name: String,
    /// When, if it is already decided.
    pub delete_after: Option<OffsetDateTime>,
    /// Members.
    pub members: i64,
    /// Of them, people who belong nowhere else: their accounts go, too.
    pub people_removed: i64,
    /// Sources.
    pub sources: i64,
    /// Datapoints.
    pub datapoints: i64,
    /// Open invitations.
    pub invitations: i64,
    /// Jobs, live and ended.
    pub jobs: i64,
}

/// Counts what would go.
pub async fn removal(operator: &mut PgConnection, tenant: TenantId) -> Result<Option<Removal>, StoreError> {
    Ok(sqlx::query_as(
        "select t.name, t.delete_after,
                (select count(*) from memberships where tenant_id = t.id) as members,
                (select count(*) from memberships m where m.tenant_id = t.id and not exists (
                     select from memberships o where o.user_id = m.user_id and o.tenant_id <> t.id)) as people_removed,
                (select count(*) from data_sources where tenant_id = t.id) as sources,
                (select coalesce(sum(stored_datapoints), 0)::bigint from data_sources where tenant_id = t.id) as datapoints,
                (select count(*) from invitations where tenant_id = t.id and status = 'pending') as invitations,
                (select count(*) from jobs where tenant_id = t.id) as jobs
           from tenants t where t.id = $1",
    )
    .bind(tenant.0)
    .fetch_optional(operator)
    .await?)
}

/// Tenants whose time is over; at most `limit`.
pub async fn due_for_removal(
    operator: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<(TenantId, String)>, StoreError> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select id, name from tenants where status = 'deleting' and delete_after <= $1 order by delete_after limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(operator)
    .await?;
    Ok(rows.into_iter().map(|(id, name)| (TenantId(id), name)).collect())
}

/// Removes a tenant that is due with all that hangs on it, and people who belonged only to it. Gives how many people,
/// or `None` when it is not due any more: somebody has called it back.
pub async fn remove(
    operator: &mut PgConnection,
    tenant: TenantId,
    now: OffsetDateTime,
) -> Result<Option<u64>, StoreError> {
    sqlx::query("set local statement_timeout = '3min'").execute(&mut *operator).await?;
    let due: Option<Uuid> = sqlx::query_scalar(
        "select id from tenants where id = $1 and status = 'deleting' and delete_after <= $2 for update",
    )
    .bind(tenant.0)
    .bind(now)
    .fetch_optional(&mut *operator)
    .await?;
    if due.is_none() {
        return Ok(None);
    }
    // Locked first: who joins another company at this moment is seen by the statement after.
    let people: Vec<Uuid> = sqlx::query_scalar(
        "select u.id from users u where not u.is_operator
            and u.id in (select user_id from memberships where tenant_id = $1) for update",
    )
    .bind(tenant.0)
    .fetch_all(&mut *operator)
    .await?;
    let removed = sqlx::query(
        "delete from users where id = any($2) and id not in (select user_id from memberships where tenant_id <> $1)",
    )
    .bind(tenant.0)
    .bind(&people)
    .execute(&mut *operator)
    .await?
    .rows_affected();
    // What is still to be given back at a provider outlives the tenant, as the platform's; the sweep announces it anew.
    sqlx::query(
        "update jobs set tenant_id = $2, announced_at = null
          where tenant_id = $1 and kind = 'withdrawal' and state in ('queued', 'running')",
    )
    .bind(tenant.0)
    .bind(TenantId::PLATFORM.0)
    .execute(&mut *operator)
    .await?;
    for sql in [
        "delete from jobs where tenant_id = $1",
        "delete from sessions where tenant_id = $1",
        "delete from audit_heads where tenant_id = $1",
        "delete from tenants where id = $1",
    ] {
        sqlx::query(sql).bind(tenant.0).execute(&mut *operator).await?;
    }
    Ok(Some(removed))
}
