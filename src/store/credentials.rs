//! Accesses that clients gave us; as `portal_app`. Secrets are sealed before they come here.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{CredentialId, SourceId, TenantId};
use crate::domain::sealed::Sealed;

/// How long one process may take to renew an access token before another tries. Longer than a request may take: two
/// that send the same refresh token look like theft to a provider that rotates.
pub const RENEWAL_SECONDS: f64 = 45.0;

/// Part of an access token's life after which it is renewed.
pub const RENEWAL_AT: f64 = 0.8;

/// The secrets of an access, sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// OAuth refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Sealed>,
    /// OAuth access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Sealed>,
    /// API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Sealed>,
}

impl Secrets {
    /// Whether there is anything to read a source with.
    pub const fn is_usable(&self) -> bool {
        self.refresh_token.is_some() || self.api_key.is_some()
    }
}

/// Whether a stream may be read, as last checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPermission {
    /// The stream.
    pub stream: String,
    /// What is missing, in the provider's own name.
    pub missing: Option<String>,
}

/// An access.
#[derive(Debug, Clone, FromRow)]
pub struct CredentialRow {
    /// Id.
    pub id: Uuid,
    /// Provider.
    pub provider: String,
    /// The provider's id of who gave it.
    pub holder: Option<String>,
    /// How people recognise it.
    pub label: String,
    /// Sealed secrets.
    pub secrets: Json<Secrets>,
    /// The access token still serves, by the database's clock.
    pub is_fresh: bool,
    /// Seconds until the access token is to be renewed; not above zero: now.
    pub due_in: f64,
    /// Permissions, as last checked.
    pub permissions: Json<Vec<StoredPermission>>,
    /// It reaches test data.
    pub test_mode: bool,
    /// Ids of the accounts that it showed when it was given.
    pub shown_accounts: Json<Vec<String>>,
    /// When it was given.
    pub created_at: OffsetDateTime,
    /// Sources under it.
    pub sources: i64,
}

/// Where a sealed secret of an access belongs: it opens nowhere else. The word is that of the table in which secrets lay
/// first; accesses of then have their source's id.
pub fn sealing_place(tenant: TenantId, credential: CredentialId, field: &str) -> String {
    format!("{tenant}/data_sources/{credential}/{field}")
}

const COLUMNS: &str = "c.id, c.provider, c.holder, c.label, c.secrets, coalesce(c.access_until > now(), false) as is_fresh, \
     coalesce(extract(epoch from c.renew_from - now()), 0)::float8 as due_in, c.permissions, c.test_mode, c.shown_accounts, c.created_at, \
     (select count(*) from data_sources d where d.tenant_id = $1 and d.credential_id = c.id) as sources";

/// An access.
pub async fn find(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
) -> Result<Option<CredentialRow>, StoreError> {
    let sql = format!("select {COLUMNS} from credentials c where c.tenant_id = $1 and c.id = $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.0).bind(id.0).fetch_optional(app).await?)
}

/// The access that a person gave, if they gave one.
pub async fn find_by_holder(
    app: &mut PgConnection,
    tenant: TenantId,
    provider: &str,
    holder: &str,
) -> Result<Option<CredentialId>, StoreError> {
    let found: Option<Uuid> = sqlx::query_scalar(
        "select id from credentials where tenant_id = $1 and provider = $2 and holder = $3 for update",
    )
    .bind(tenant.0)
    .bind(provider)
    .bind(holder)
    .fetch_optional(app)
    .await?;
    Ok(found.map(CredentialId))
}

/// Keeps an access from being removed until the transaction ends. `false`: there is none.
pub async fn hold(app: &mut PgConnection, tenant: TenantId, id: CredentialId) -> Result<bool, StoreError> {
    let found: Option<Uuid> =
        sqlx::query_scalar("select id from credentials where tenant_id = $1 and id = $2 for key share")
            .bind(tenant.0)
            .bind(id.0)
            .fetch_optional(app)
            .await?;
    Ok(found.is_some())
}

/// An access as pages show it: without its secrets.
#[derive(Debug, Clone, FromRow)]
pub struct AccessRow {
    /// Id.
    pub id: Uuid,
    /// Provider.
    pub provider: String,
    /// How people recognise it.
    pub label: String,
    /// Permissions, as last checked.
    pub permissions: Json<Vec<StoredPermission>>,
    /// It reaches test data.
    pub test_mode: bool,
    /// When it was given.
    pub created_at: OffsetDateTime,
    /// Sources under it.
    pub sources: i64,
}

/// A tenant's accesses without their secrets, oldest first; at most 500.
pub async fn list_shown(app: &mut PgConnection, tenant: TenantId) -> Result<Vec<AccessRow>, StoreError> {
    Ok(sqlx::query_as(
        "select c.id, c.provider, c.label, c.permissions, c.test_mode, c.created_at,
                (select count(*) from data_sources d where d.tenant_id = $1 and d.credential_id = c.id) as sources
           from credentials c where c.tenant_id = $1 order by c.id limit 500",
    )
    .bind(tenant.0)
    .fetch_all(app)
    .await?)
}

/// What is known of an access when it is given.
#[derive(Debug)]
pub struct Given<'a> {
    /// Provider.
    pub provider: &'a str,
    /// The provider's id of who gave it.
    pub holder: Option<&'a str>,
    /// How people recognise it.
    pub label: &'a str,
    /// Sealed secrets.
    pub secrets: &'a Secrets,
    /// Seconds that the access token serves, if there is one.
    pub serves: Option<f64>,
    /// Permissions.
    pub permissions: &'a [StoredPermission],
    /// It reaches test data.
    pub test_mode: bool,
    /// The provider's ids of the accounts that it shows.
    pub shown_accounts: &'a [String],
    /// When.
    pub at: OffsetDateTime,
}

/// Keeps an access, replacing what it was before.
pub async fn put(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
    given: &Given<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into credentials (tenant_id, id, provider, holder, label, secrets, access_until, renew_from, permissions,
                test_mode, shown_accounts, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7), now() + make_interval(secs => $7 * $12), $8,
                $9, $10, $11, $11)
         on conflict on constraint credentials_pkey do update
            set holder = excluded.holder, label = excluded.label, secrets = excluded.secrets,
                access_until = excluded.access_until, renew_from = excluded.renew_from, renewal_token = null,
                renewal_until = null, permissions = excluded.permissions, test_mode = excluded.test_mode, shown_accounts = excluded.shown_accounts,
                updated_at = excluded.updated_at",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(given.provider)
    .bind(given.holder)
    .bind(given.label)
    .bind(Json(given.secrets))
    .bind(given.serves)
    .bind(Json(given.permissions))
    .bind(given.test_mode)
    .bind(Json(given.shown_accounts))
    .bind(given.at)
    .bind(RENEWAL_AT)
    .execute(app)
    .await?;
    Ok(())
}

/// Takes the turn to renew an access token. `false`: another process has it.
pub async fn begin_renewal(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
    token: Uuid,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update credentials set renewal_token = $3, renewal_until = now() + make_interval(secs => $4)
          where tenant_id = $1 and id = $2 and (renewal_until is null or renewal_until < now())",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(token)
    .bind(RENEWAL_SECONDS)
    .execute(app)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps renewed secrets and gives the turn back. `false`: the turn was lost, or a person gave a new access meanwhile.
pub async fn end_renewal(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
    token: Uuid,
    secrets: &Secrets,
    serves: f64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update credentials set secrets = $4, access_until = now() + make_interval(secs => $5),
                renew_from = now() + make_interval(secs => $5 * $6), renewal_token = null, renewal_until = null
          where tenant_id = $1 and id = $2 and renewal_token = $3",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(token)
    .bind(Json(secrets))
    .bind(serves)
    .bind(RENEWAL_AT)
    .execute(app)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives the turn back without a new token.
pub async fn give_up_renewal(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
    token: Uuid,
) -> Result<(), StoreError> {
    sqlx::query(
        "update credentials set renewal_token = null, renewal_until = null
          where tenant_id = $1 and id = $2 and renewal_token = $3",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(token)
    .execute(app)
    .await?;
    Ok(())
}

/// Forgets the access token, because the provider refused it before its time; one that has come in its place stays.
pub async fn forget_access(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
    refused: &Secrets,
) -> Result<(), StoreError> {
    sqlx::query(
        "update credentials set access_until = null, renew_from = null
          where tenant_id = $1 and id = $2 and secrets = $3",
    )
    .bind(tenant.0)
    .bind(id.0)
    .bind(Json(refused))
    .execute(app)
    .await?;
    Ok(())
}

/// Keeps what a later check found.
pub async fn set_permissions(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
    permissions: &[StoredPermission],
) -> Result<(), StoreError> {
    sqlx::query("update credentials set permissions = $3 where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .bind(Json(permissions))
        .execute(app)
        .await?;
    Ok(())
}

/// The sources under an access; at most 500.
pub async fn sources(app: &mut PgConnection, tenant: TenantId, id: CredentialId) -> Result<Vec<SourceId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "select id from data_sources where tenant_id = $1 and credential_id = $2 order by id limit 500",
    )
    .bind(tenant.0)
    .bind(id.0)
    .fetch_all(app)
    .await?;
    Ok(ids.into_iter().map(SourceId).collect())
}

/// Locks all sources of a source's provider, always in the same order: for whoever changes several sources under one
/// access, so that a person who connects anew and a run that finds the access withdrawn do not wait for each other.
pub async fn lock_sources(app: &mut PgConnection, tenant: TenantId, source: SourceId) -> Result<(), StoreError> {
    sqlx::query(
        "select id from data_sources
          where tenant_id = $1 and provider = (select provider from data_sources where tenant_id = $1 and id = $2)
          order by id limit 500 for update",
    )
    .bind(tenant.0)
    .bind(source.0)
    .execute(app)
    .await?;
    Ok(())
}

/// The sources under an access whose run is at work; at most 500.
pub async fn working_sources(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
) -> Result<Vec<SourceId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "select id from data_sources where tenant_id = $1 and credential_id = $2 and status = 'syncing'
          order by id limit 500",
    )
    .bind(tenant.0)
    .bind(id.0)
    .fetch_all(app)
    .await?;
    Ok(ids.into_iter().map(SourceId).collect())
}

/// An access that the provider no longer takes.
#[derive(Debug, FromRow)]
pub struct LostAccess {
    /// Provider.
    pub provider: String,
    /// How people recognise it.
    pub label: String,
    /// Names of the sources that stand still for want of it, oldest first.
    pub sources: Vec<String>,
}

/// The access of a source that waits for a person to connect it again; `None`: it does not.
pub async fn lost(
    app: &mut PgConnection,
    tenant: TenantId,
    source: SourceId,
) -> Result<Option<LostAccess>, StoreError> {
    Ok(sqlx::query_as(
        "select c.provider, c.label,
                array(select o.name from data_sources o
                       where o.tenant_id = $1 and o.credential_id = c.id and o.status = 'needs_reauth'
                       order by o.id limit 500) as sources
           from data_sources d join credentials c on c.tenant_id = $1 and c.id = d.credential_id
          where d.tenant_id = $1 and d.id = $2 and d.status = 'needs_reauth'",
    )
    .bind(tenant.0)
    .bind(source.0)
    .fetch_optional(app)
    .await?)
}

/// What a removed access held.
#[derive(Debug, FromRow)]
pub struct Gone {
    /// Provider.
    pub provider: String,
    /// Whose consent it was.
    pub holder: Option<String>,
    /// Sealed secrets.
    pub secrets: Json<Secrets>,
    /// What it showed.
    pub shown_accounts: Json<Vec<String>>,
}

/// Removes an access that no source needs any more; gives what it held.
pub async fn delete_unused(
    app: &mut PgConnection,
    tenant: TenantId,
    id: CredentialId,
) -> Result<Option<Gone>, StoreError> {
    Ok(sqlx::query_as(
        "delete from credentials c where c.tenant_id = $1 and c.id = $2
            and not exists (select from data_sources d where d.tenant_id = $1 and d.credential_id = $2)
          returning provider, holder, secrets, shown_accounts",
    )
    .bind(tenant.0)
    .bind(id.0)
    .fetch_optional(app)
    .await?)
}
