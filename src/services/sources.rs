//! Sources: listing, making, renaming, pausing, removing, and their run history.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit_trail::Act;
use super::error::ServiceError;
use super::version::refuse_stale;
use super::{Caller, Services, limits, names};
use crate::connectors::contract::Access;
use crate::connectors::sentences::codes::CODES;
use crate::connectors::sentences::sentence;
use crate::domain::ids::{CredentialId, SourceId, TenantId};
use crate::domain::lang::Text;
use crate::domain::source::SourceStatus;
use crate::store::idempotency::{Claimed, Key};
use crate::store::sources::NewSource;
use crate::store::{StoreError, Tx, datapoints, idempotency, jobs, metrics, records, sources, syncs};

pub use crate::store::sources::{Account, SourceRow};
pub use crate::store::syncs::SyncRow;

/// A kind of source that a tenant can add.
#[derive(Debug)]
pub struct Provider {
    /// Key.
    pub provider: &'static str,
    /// `oauth2`, `api_key` or `file`.
    pub kind: &'static str,
    /// Name.
    pub name: &'static str,
    /// What it asks permission for.
    pub scopes: &'static [&'static str],
}

/// Provider key of files.
pub const CSV: &str = "csv";

/// Files, which no connector reads.
const FILES: Provider = Provider { provider: CSV, kind: "file", name: "CSV", scopes: &[] };

/// The key under which at most one run of a source lives.
pub(crate) fn sync_key(source: SourceId) -> String {
    format!("sync:{source}")
}

/// The codes of what a provider does wrong.
pub const PROVIDER_FAILURES: &[&str] = CODES;

/// The sentence for a client of a stored failure's code.
pub fn failure_sentence(code: &str) -> Text {
    let text = sentence(code);
    Text::new(text.es, text.en)
}

/// What to change in a source.
#[derive(Debug, Default)]
pub struct SourceChange {
    /// New name.
    pub name: Option<String>,
    /// The account to read.
    pub property_id: Option<String>,
    /// Stop or resume.
    pub paused: Option<bool>,
}

/// Claims an idempotency key for `id`; gives the id that an earlier equal request got.
async fn claim_key(
    tx: &mut Tx,
    caller: &Caller,
    key: &str,
    request: &[&str],
    id: Uuid,
) -> Result<Option<Uuid>, ServiceError> {
    let request_hash = Sha256::digest(serde_json::json!(request).to_string().as_bytes());
    let key = Key { user: caller.user, key, request_hash: &request_hash };
    match idempotency::claim(tx, caller.tenant, &key, id).await? {
        Claimed::First => Ok(None),
        Claimed::Repeated(made) => Ok(Some(made)),
        Claimed::Reused => Err(ServiceError::conflict(
            "idempotency_key_reused",
            "Esa clave de idempotencia ya se usó con otra petición.",
            "That idempotency key was used with another request.",
        )),
    }
}

pub(crate) async fn load(tx: &mut Tx, tenant: TenantId, id: SourceId) -> Result<SourceRow, ServiceError> {
    sources::find(tx, tenant, id).await?.ok_or(ServiceError::NotFound)
}

impl Services {
    /// The providers, in the order in which they are offered.
    pub fn providers(&self) -> Vec<Provider> {
        let connected = self.connectors.iter().map(|connector| {
            let known = connector.provider();
            let (kind, scopes): (_, &'static [_]) = match known.access {
                Access::OAuth { scopes } => ("oauth2", scopes),
                Access::ApiKey => ("api_key", &[]),
            };
            Provider { provider: known.key, kind, name: known.name, scopes }
        });
        connected.chain([FILES]).collect()
    }

    /// The tenant's sources, oldest first.
    pub async fn sources(&self, caller: &Caller) -> Result<Vec<SourceRow>, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        Ok(sources::list(&mut tx, caller.tenant).await?)
    }

    /// One source.
    pub async fn source(&self, caller: &Caller, id: SourceId) -> Result<SourceRow, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        load(&mut tx, caller.tenant, id).await
    }

    /// Adds a source that is not connected yet.
    ///
    /// The same `key` sent again answers with the source that the first request made.
    pub async fn add_source(
        &self,
        caller: &Caller,
        provider: &str,
        name: &str,
        key: Option<&str>,
    ) -> Result<SourceRow, ServiceError> {
        let providers = self.providers();
        let Some(kind) = providers.iter().find(|known| known.provider == provider) else {
            let known: Vec<&str> = providers.iter().map(|known| known.provider).collect();
            return Err(ServiceError::field(
                "provider",
                "unknown_provider",
                format!("No conocemos ese proveedor; use uno de: {}.", known.join(", ")),
                format!("There is no such provider; use one of: {}.", known.join(", ")),
            ));
        };
        let name = names::required(name)?;
        let id = SourceId(self.new_id());
        let source = NewSource {
            id,
            r#type: kind.kind,
            provider: kind.provider,
            name,
            status: SourceStatus::NotConnected,
            at: self.now(),
        };
        let mut tx = self.database.tenant(caller.tenant).await?;
        if let Some(key) = key
            && let Some(made) = claim_key(&mut tx, caller, key, &["source", provider, name], id.0).await?
        {
            return load(&mut tx, caller.tenant, SourceId(made)).await;
        }
        limits::refuse_source(&mut tx, caller.tenant).await?;
        sources::insert(&mut tx, caller.tenant, &source).await?;
        let detail = serde_json::json!({ "provider": provider, "name": name });
        self.audit(&mut tx, caller, Act::new("source.created", format!("source/{id}")).detail(detail)).await?;
        let row = load(&mut tx, caller.tenant, id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(row)
    }

    /// Changes a source; each given part on its own, all or (on an error) none of the database's.
    pub async fn change_source(
        &self,
        caller: &Caller,
        id: SourceId,
        change: SourceChange,
        tag: Option<&str>,
    ) -> Result<SourceRow, ServiceError> {
        let name = change.name.as_deref().map(names::required).transpose()?;
        refuse_stale(&self.source(caller, id).await?.tag(), tag)?;
        if let Some(property) = &change.property_id {
            self.choose_account(caller, id, property).await?;
        }
        let mut tx = self.database.tenant(caller.tenant).await?;
        let source = sources::find_for_update(&mut tx, caller.tenant, id).await?.ok_or(ServiceError::NotFound)?;
        // Again, now that nobody else can change it.
        refuse_stale(&source.tag(), tag)?;
        if let Some(name) = name {
            sources::rename(&mut tx, caller.tenant, id, name).await?;
            let act = Act::new("source.renamed", format!("source/{id}"))
                .change(serde_json::json!({ "name": source.name }), serde_json::json!({ "name": name }));
            self.audit(&mut tx, caller, act).await?;
        }
        if let Some(paused) = change.paused {
            self.pause_or_resume(&mut tx, caller, &source, paused).await?;
        }
        sources::touch(&mut tx, caller.tenant, id, self.now()).await?;
        let row = load(&mut tx, caller.tenant, id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(row)
    }

    async fn pause_or_resume(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        pause: bool,
    ) -> Result<(), ServiceError> {
        let id = SourceId(source.id);
        let is_paused = source.status()? == SourceStatus::Paused;
        let (status, next_due, action): (SourceStatus, Option<OffsetDateTime>, &'static str) = match (pause, is_paused)
        {
            (true, false) => (SourceStatus::Paused, None, "source.paused"),
            // A file source is connected by its first file, and no timer reads it.
            (false, true) if source.r#type == "file" && source.last_sync_at.is_some() => {
                (SourceStatus::Connected, None, "source.resumed")
            }
            (false, true) if source.credential_id.is_some() => {
                (SourceStatus::Connected, Some(self.now()), "source.resumed")
            }
            (false, true) => (SourceStatus::NotConnected, None, "source.resumed"),
            _ => return Ok(()),
        };
        if pause {
            self.cancel_runs(tx, caller.tenant, id).await?;
        }
        sources::set_status(tx, caller.tenant, id, status, None, None).await?;
        sources::set_next_due(tx, caller.tenant, id, next_due).await?;
        self.audit(tx, caller, Act::new(action, format!("source/{id}"))).await
    }

    /// Ends the live run of a source, whose row the caller has locked. `false`: there was none.
    pub(crate) async fn cancel_runs(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        source: SourceId,
    ) -> Result<bool, ServiceError> {
        let cancelled = jobs::cancel(tx, tenant, &sync_key(source)).await?;
        sources::end_syncing(tx, tenant, source).await?;
        syncs::cancel_open(tx, tenant, source, self.now()).await?;
        Ok(cancelled)
    }

    /// Removes a source, its datapoints, and the metrics that nothing else feeds, and orders that its access is given
    /// back.
    pub async fn remove_source(&self, caller: &Caller, id: SourceId, tag: Option<&str>) -> Result<(), ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let source = sources::find_for_update(&mut tx, caller.tenant, id).await?.ok_or(ServiceError::NotFound)?;
        refuse_stale(&source.tag(), tag)?;
        jobs::cancel(&mut tx, caller.tenant, &sync_key(id)).await?;
        metrics::lock(&mut tx, caller.tenant).await?;
        datapoints::delete_all(&mut tx, caller.tenant, id).await?;
        let fed = metrics::clear_stored(&mut tx, caller.tenant, id).await?;
        metrics::delete_unfed(&mut tx, caller.tenant, &fed).await?;
        records::delete_all(&mut tx, caller.tenant, id).await?;
        sources::delete(&mut tx, caller.tenant, id).await?;
        let withdrawal = match source.credential_id.map(CredentialId) {
            Some(credential) => self.drop_unused_access(&mut tx, caller.tenant, credential, id).await?,
            None => None,
        };
        let detail = serde_json::json!({ "provider": source.provider, "name": source.name });
        self.audit(&mut tx, caller, Act::new("source.deleted", format!("source/{id}")).detail(detail)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_withdrawal(caller.tenant, withdrawal).await;
        Ok(())
    }

    /// A page of a source's runs, newest first, and where the next page begins.
    pub async fn source_syncs(
        &self,
        caller: &Caller,
        id: SourceId,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<SyncRow>, Option<Uuid>), ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        load(&mut tx, caller.tenant, id).await?;
        let mut rows = syncs::list(&mut tx, caller.tenant, id, before, i64::from(limit) + 1).await?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            rows.pop();
        }
        let next = if more { rows.last().map(|row| row.id) } else { None };
        Ok((rows, next))
    }
}
