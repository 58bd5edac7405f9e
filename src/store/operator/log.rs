//! What the runs of a source said, with the causes that are the operators'; as `portal_operator`.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::domain::ids::SourceId;
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

/// The provider of a source.
pub async fn provider(operator: &mut PgConnection, source: SourceId) -> Result<Option<String>, StoreError> {
    let sql = "select provider from data_sources where id = $1";
    Ok(sqlx::query_scalar(sql).bind(source.0).fetch_optional(operator).await?)
}

/// The lines of a source's newest runs, newest first.
pub async fn lines(operator: &mut PgConnection, source: SourceId, limit: i64) -> Result<Vec<CauseLine>, StoreError> {
    Ok(sqlx::query_as(
        "select l.sync_id, l.line, l.at, l.level, l.stream, l.code, l.figures, l.cause
           from data_sources d
           join lateral (
                select s.id from syncs s where s.tenant_id = d.tenant_id and s.source_id = d.id
                 order by s.id desc limit $2) run on true
           join sync_log l on l.tenant_id = d.tenant_id and l.sync_id = run.id
          where d.id = $1 order by l.sync_id desc, l.line desc limit $3",
    )
    .bind(source.0)
    .bind(RUNS)
    .bind(limit)
    .fetch_all(operator)
    .await?)
}
