//! What the runs of a source said, with the causes that are the operators'; as `portal_operator`.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::domain::ids::{SourceId, TenantId};
use crate::store::StoreError;
use crate::store::syncs::LineRow;

/// Runs that are looked into.
const RUNS: i64 = 10;

/// A line of a run's log with its cause.
#[derive(Debug, FromRow)]
pub struct CauseLine {
    /// The run.
    pub sync_id: Uuid,
    /// What clients read of it, too.
    #[sqlx(flatten)]
    pub line: LineRow,
    /// What the provider said, and its request ids.
    pub cause: Option<String>,
}

/// Whose a source is, and its provider.
pub async fn place(operator: &mut PgConnection, source: SourceId) -> Result<Option<(TenantId, String)>, StoreError> {
    let sql = "select tenant_id, provider from data_sources where id = $1";
    let found: Option<(Uuid, String)> = sqlx::query_as(sql).bind(source.0).fetch_optional(operator).await?;
    Ok(found.map(|(tenant, provider)| (TenantId(tenant), provider)))
}

/// The lines of a source's newest runs, newest first.
pub async fn lines(
    operator: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
    limit: i64,
) -> Result<Vec<CauseLine>, StoreError> {
    Ok(sqlx::query_as(
        "select l.sync_id, l.line, l.at, l.level, l.stream, l.code, l.figures, l.cause
           from (select s.id from syncs s where s.tenant_id = $1 and s.source_id = $2 order by s.id desc limit $3) run
           join sync_log l on l.tenant_id = $1 and l.sync_id = run.id
          order by l.sync_id desc, l.line desc limit $4",
    )
    .bind(tenant.0)
    .bind(source.0)
    .bind(RUNS)
    .bind(limit)
    .fetch_all(operator)
    .await?)
}
