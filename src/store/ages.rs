//! How old the data of sources and of their streams are; as `portal_app`.

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::TenantId;
use crate::domain::limits::{Limits, Overrides};
use crate::domain::source::SourceStatus;

/// A source, or one of its streams where it has some: then there is a row for each.
#[derive(Debug, Clone, FromRow)]
pub struct AgeRow {
    /// The source.
    pub source_id: Uuid,
    /// `oauth2`, `api_key` or `file`.
    pub r#type: String,
    status: String,
    /// When the timer reads it next.
    pub next_due: Option<OffsetDateTime>,
    /// IANA zone of its calendar.
    pub zone: Option<String>,
    cadence_minutes: i32,
    plan: String,
    limits: Json<Overrides>,
    /// The source's last success.
    pub last_sync_at: Option<OffsetDateTime>,
    /// The source's last complete period.
    pub data_through: Option<Date>,
    /// The source's first period that may still change.
    pub provisional_from: Option<Date>,
    /// A stream.
    pub stream: Option<String>,
    /// When its newest data were last read.
    pub stream_fetched_at: Option<OffsetDateTime>,
    /// Its last complete period.
    pub stream_through: Option<Date>,
    /// Its first period that may still change.
    pub stream_provisional_from: Option<Date>,
}

impl AgeRow {
    /// The state as a type.
    pub fn status(&self) -> Result<SourceStatus, StoreError> {
        SourceStatus::parse(&self.status).ok_or(StoreError::Inconsistent("data_sources.status"))
    }

    /// Minutes between two scheduled runs, as the tenant's limit lets.
    pub fn cadence_minutes(&self) -> i32 {
        self.cadence_minutes.max(Limits::of(&self.plan, self.limits.0).min_cadence_minutes)
    }
}

/// The ages of a tenant's sources and streams; few of each.
pub async fn list(app: &mut PgConnection, tenant: TenantId) -> Result<Vec<AgeRow>, StoreError> {
    Ok(sqlx::query_as(
        "select d.id as source_id, d.type, d.status, d.next_due, d.zone, d.cadence_minutes, t.plan, t.limits, d.last_sync_at,
                d.data_through, d.provisional_from, s.stream, s.fetched_at as stream_fetched_at,
                s.data_through as stream_through, s.provisional_from as stream_provisional_from
           from data_sources d
           join tenants t on t.id = d.tenant_id
           left join source_streams s on s.tenant_id = d.tenant_id and s.source_id = d.id
          where d.tenant_id = $1 order by d.id limit 10000",
    )
    .bind(tenant.0)
    .fetch_all(app)
    .await?)
}
