//! Sources: listing, making, renaming, pausing, removing, and their run history.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::audit_trail::Act;
use super::error::ServiceError;
use super::source_views::SourceView;
use super::version::refuse_stale;
use super::{Caller, Services, limits, names};
use crate::connectors::contract::Access;
pub use crate::connectors::explanations::{Who, explain};
use crate::connectors::sentences::codes::CODES;
use crate::connectors::sentences::sentence;
use crate::domain::ids::{CredentialId, SourceId, TenantId};
use crate::domain::lang::Text;
use crate::domain::source::SourceStatus;
use crate::store::idempotency::{Claimed, Key};
use crate::store::sources::NewSource;
use crate::store::{StoreError, Tx, datapoints, idempotency, jobs, metrics, records, sources, syncs};

pub use crate::store::sources::{Account, SourceRow};

/// A source to be added, as a person asks for it.
#[derive(Debug)]
pub struct SourceWish {
    /// Key of the provider.
    pub provider: String,
    /// Name.
    pub name: String,
    /// An access of the tenant to read it with.
    pub credential_id: Option<CredentialId>,
}

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
    pub async fn sources(&self, caller: &Caller) -> Result<Vec<SourceView>, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let rows = sources::list(&mut tx, caller.tenant).await?;
        self.views(&mut tx, caller.tenant, rows).await
    }

    /// One source with its parts.
    pub async fn source_view(&self, caller: &Caller, id: SourceId) -> Result<SourceView, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let row = load(&mut tx, caller.tenant, id).await?;
        self.view(&mut tx, caller.tenant, row).await
    }

    /// One source.
    pub async fn source(&self, caller: &Caller, id: SourceId) -> Result<SourceRow, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        load(&mut tx, caller.tenant, id).await
    }

    /// Adds a source: not connected yet, or read with an access that the tenant has already.
    ///
    /// The same `key` sent again answers with the source that the first request made.
    pub async fn add_source(
        &self,
        caller: &Caller,
        wish: &SourceWish,
        key: Option<&str>,
    ) -> Result<SourceView, ServiceError> {
        let kind = self.known_provider(&wish.provider)?;
        let name = names::required(&wish.name)?;
        let id = SourceId(self.new_id());
        // The provider is asked before anything is kept, and outside of a transaction.
        let shared = match wish.credential_id {
            Some(credential) => Some(self.try_access(caller, kind.provider, credential).await?),
            None => None,
        };
        let source = NewSource {
            id,
            r#type: kind.kind,
            provider: kind.provider,
            name,
            status: SourceStatus::NotConnected,
            at: self.now(),
        };
        let mut tx = self.database.tenant(caller.tenant).await?;
        if let Some(key) = key {
            let credential = wish.credential_id.map(|id| id.to_string()).unwrap_or_default();
            let request = ["source", kind.provider, name, &credential];
            // Without an access the same request as of earlier versions.
            let request = if credential.is_empty() { &request[..3] } else { &request };
            if let Some(made) = claim_key(&mut tx, caller, key, request, id.0).await? {
                let row = load(&mut tx, caller.tenant, SourceId(made)).await?;
                return self.view(&mut tx, caller.tenant, row).await;
            }
        }
        limits::refuse_source(&mut tx, caller.tenant).await?;
        sources::insert(&mut tx, caller.tenant, &source).await?;
        let detail = serde_json::json!({ "provider": kind.provider, "name": name });
        self.audit(&mut tx, caller, Act::new("source.created", format!("source/{id}")).detail(detail)).await?;
        if let Some(shared) = &shared {
            self.share_access(&mut tx, caller, id, shared).await?;
        }
        let row = load(&mut tx, caller.tenant, id).await?;
        let view = self.view(&mut tx, caller.tenant, row).await?;
        tx.commit().await.map_err(StoreError::from)?;
        match &shared {
            Some(shared) if self.choose_only_account(caller, id, &shared.reachable, &shared.token).await? => {
                self.source_view(caller, id).await
            }
            _ => Ok(view),
        }
    }

    fn known_provider(&self, provider: &str) -> Result<Provider, ServiceError> {
        let mut providers = self.providers();
        if let Some(at) = providers.iter().position(|known| known.provider == provider) {
            return Ok(providers.swap_remove(at));
        }
        let known: Vec<&str> = providers.iter().map(|known| known.provider).collect();
        Err(ServiceError::field(
            "provider",
            "unknown_provider",
            format!("No conocemos ese proveedor; use uno de: {}.", known.join(", ")),
            format!("There is no such provider; use one of: {}.", known.join(", ")),
        ))
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

    /// Removes a source, its datapoints, and the metrics that nothing else feeds.
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
}
