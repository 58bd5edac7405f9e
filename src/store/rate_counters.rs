//! The counters of `domain::throttle` in PostgreSQL; as `portal_router`, by the database's clock.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::{Database, StoreError};
use crate::domain::throttle::{Counters, CountersUnavailable, Key, Policy, Verdict};

/// Counters in the table `rate_counters`, shared by all processes and there after a restart.
#[derive(Debug, Clone)]
pub struct PgCounters(pub Database);

// One statement each, so that of many attempts at once each sees the one before. `$2` and following are the policy's.
const BACKOFF: &str = "
    insert into rate_counters as c (key, hits, started_at, blocked_until, expires_at)
    values ($1, 1, now(), case when $2 <= 1 then now() + make_interval(secs => $3) end, now() + make_interval(secs => $5))
    on conflict (key) do update set
        hits = case when c.expires_at <= now() then 1 else c.hits + 1 end,
        started_at = case when c.expires_at <= now() then now() else c.started_at end,
        blocked_until = case when (case when c.expires_at <= now() then 1 else c.hits + 1 end) >= $2
            then now() + make_interval(secs => least($4, $3 * power(2, least(20,
                (case when c.expires_at <= now() then 1 else c.hits + 1 end) - $2)))) end,
        expires_at = now() + make_interval(secs => $5)
    where c.blocked_until is null or c.blocked_until <= now() or c.expires_at <= now()";
const WINDOW: &str = "
    insert into rate_counters as c (key, hits, started_at, blocked_until, expires_at)
    values ($1, 1, now(), case when $2 <= 1 then now() + make_interval(secs => $3) end, now() + make_interval(secs => $3))
    on conflict (key) do update set
        hits = case when c.expires_at <= now() then 1 else c.hits + 1 end,
        started_at = case when c.expires_at <= now() then now() else c.started_at end,
        blocked_until = case when (case when c.expires_at <= now() then 1 else c.hits + 1 end) >= $2
            then case when c.expires_at <= now() then now() + make_interval(secs => $3) else c.expires_at end end,
        expires_at = case when c.expires_at <= now() then now() + make_interval(secs => $3) else c.expires_at end
    where c.blocked_until is null or c.blocked_until <= now() or c.expires_at <= now()";

async fn hit(router: &mut PgConnection, key: &Key, policy: Policy) -> Result<Verdict, StoreError> {
    let query = match policy {
        Policy::Backoff { free, first, most, forget } => sqlx::query(BACKOFF)
            .bind(&key[..])
            .bind(free)
            .bind(f64::from(first))
            .bind(f64::from(most))
            .bind(f64::from(forget)),
        Policy::Window { most, per } => sqlx::query(WINDOW).bind(&key[..]).bind(most).bind(f64::from(per)),
    };
    if query.execute(&mut *router).await?.rows_affected() == 1 {
        return Ok(Verdict::Go);
    }
    let left: Option<f64> = sqlx::query_scalar(
        "select greatest(0, extract(epoch from blocked_until - now()))::float8 from rate_counters where key = $1",
    )
    .bind(&key[..])
    .fetch_optional(router)
    .await?
    .flatten();
    Ok(Verdict::Wait(Duration::from_secs_f64(left.unwrap_or(0.0).max(1.0))))
}

#[async_trait]
impl Counters for PgCounters {
    async fn hit(&self, key: &Key, policy: Policy) -> Result<Verdict, CountersUnavailable> {
        let mut router = self.0.router_connection().await.map_err(unavailable)?;
        hit(&mut router, key, policy).await.map_err(unavailable)
    }

    async fn take_back(&self, key: &Key) -> Result<(), CountersUnavailable> {
        let mut router = self.0.router_connection().await.map_err(unavailable)?;
        let sql = "update rate_counters set hits = greatest(0, hits - 1), blocked_until = null where key = $1";
        sqlx::query(sql).bind(&key[..]).execute(&mut *router).await.map_err(unavailable)?;
        Ok(())
    }

    async fn forget(&self, key: &Key) -> Result<(), CountersUnavailable> {
        let mut router = self.0.router_connection().await.map_err(unavailable)?;
        let sql = "delete from rate_counters where key = $1";
        sqlx::query(sql).bind(&key[..]).execute(&mut *router).await.map_err(unavailable)?;
        Ok(())
    }
}

fn unavailable(error: impl Into<StoreError>) -> CountersUnavailable {
    CountersUnavailable(Box::new(error.into()))
}

/// Removes counters that count nothing any more; at most `limit` at a time. Returns how many.
pub async fn delete_expired(router: &mut PgConnection, limit: i64) -> Result<u64, StoreError> {
    let sql =
        "delete from rate_counters where key in (select key from rate_counters where expires_at < now() limit $1)";
    Ok(sqlx::query(sql).bind(limit).execute(router).await?.rows_affected())
}
