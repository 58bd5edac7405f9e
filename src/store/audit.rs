//! The audit trail: written in the transaction of the act, never changed.

use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{TenantId, UserId};

/// An act to be recorded. `detail` never holds a secret.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Id of the entry.
    pub id: Uuid,
    /// Who did it; `None` for the program itself.
    pub actor: Option<UserId>,
    /// What was done, for example `source.created`.
    pub action: &'a str,
    /// To what, for example `source/0193…`.
    pub resource: &'a str,
    /// When.
    pub at: OffsetDateTime,
    /// Further facts.
    pub detail: serde_json::Value,
    /// Client address, when known.
    pub ip: Option<&'a str>,
    /// The request's id.
    pub request_id: Option<&'a str>,
}

/// Records an act in a tenant; as `portal_app`.
pub async fn record(app: &mut PgConnection, tenant: TenantId, entry: &Entry<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "insert into audit_log (tenant_id, id, actor_id, action, resource, ts, detail, ip, request_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(tenant.0)
    .bind(entry.id)
    .bind(entry.actor.map(|actor| actor.0))
    .bind(entry.action)
    .bind(entry.resource)
    .bind(entry.at)
    .bind(Json(&entry.detail))
    .bind(entry.ip)
    .bind(entry.request_id)
    .execute(app)
    .await?;
    Ok(())
}

/// Records an act outside any tenant; as `portal_router`.
pub async fn record_platform(router: &mut PgConnection, entry: &Entry<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "insert into platform_audit (id, actor_id, action, resource, ts, detail, ip, request_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.id)
    .bind(entry.actor.map(|actor| actor.0))
    .bind(entry.action)
    .bind(entry.resource)
    .bind(entry.at)
    .bind(Json(&entry.detail))
    .bind(entry.ip)
    .bind(entry.request_id)
    .execute(router)
    .await?;
    Ok(())
}
