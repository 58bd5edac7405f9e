//! Whether a provider serves anybody at this moment; as `portal_router`, because it is one provider for all tenants.

use sqlx::PgConnection;

use super::StoreError;
use crate::domain::ids::SourceId;

/// Sources that have to fail, with no success of any in between, until a provider counts as down.
const SOURCES: i32 = 5;
/// Failures that lie further apart than this do not count together, in seconds.
const TOGETHER: f64 = 900.0;
/// The first pause in seconds; each further one is twice as long, up to an hour.
const PAUSE: f64 = 120.0;

/// For how many more seconds a provider is left alone; `None`: it is not.
pub async fn open_for(router: &mut PgConnection, provider: &str) -> Result<Option<f64>, StoreError> {
    Ok(sqlx::query_scalar(
        "select extract(epoch from open_until - now())::float8 from provider_breakers
          where provider = $1 and open_until > now()",
    )
    .bind(provider)
    .fetch_optional(router)
    .await?)
}

/// Counts a source's failure; with enough different ones the provider is left alone for a while.
pub async fn count_failure(router: &mut PgConnection, provider: &str, source: SourceId) -> Result<(), StoreError> {
    sqlx::query(
        "insert into provider_breakers as b (provider, failing, since) values ($1, array[$2::uuid], now())
         on conflict on constraint provider_breakers_pkey do update
            set failing = case when b.since < now() - make_interval(secs => $4) then array[$2::uuid]
                               when $2 = any(b.failing) then b.failing
                               when cardinality(b.failing) + 1 >= $3 then '{}'
                               else b.failing || $2::uuid end,
                since = case when b.since < now() - make_interval(secs => $4) then now() else b.since end,
                openings = case when b.since >= now() - make_interval(secs => $4) and not $2 = any(b.failing)
                                     and cardinality(b.failing) + 1 >= $3 then b.openings + 1 else b.openings end,
                open_until = case when b.since >= now() - make_interval(secs => $4) and not $2 = any(b.failing)
                                       and cardinality(b.failing) + 1 >= $3
                                  then now() + make_interval(secs => least(3600, $5 * power(2, least(b.openings, 10))))
                                  else b.open_until end",
    )
    .bind(provider)
    .bind(source.0)
    .bind(SOURCES)
    .bind(TOGETHER)
    .bind(PAUSE)
    .execute(router)
    .await?;
    Ok(())
}

/// A source was read: the provider serves. Writes only if there was anything to forget.
pub async fn count_success(router: &mut PgConnection, provider: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update provider_breakers set failing = '{}', openings = 0, open_until = null
          where provider = $1 and (failing <> '{}' or openings > 0 or open_until is not null)",
    )
    .bind(provider)
    .execute(router)
    .await?;
    Ok(())
}
