//! Connecting a source with the client's consent (OAuth2 authorization code, PKCE, state) or with a key.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::audit_trail::Act;
use super::error::ServiceError;
use super::source_views::SourceView;
use super::withdrawals::Consent;
use super::{Caller, Services};
use crate::connectors::contract::{Access, Connector, Reachable};
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::oauth::{Grant, OAuthClient, Verifier};
use crate::connectors::sentences::codes;
use crate::domain::ids::{CredentialId, SourceId};
use crate::domain::lang::Text;
use crate::domain::random;
use crate::domain::sealed::Sealed;
use crate::domain::secret::Secret;
use crate::domain::source::SourceStatus;
use crate::store::credentials::{self, CredentialRow, Given, Secrets, StoredPermission, sealing_place};
use crate::store::sources::{Account, SourceRow};
use crate::store::tokens::{self, Purpose};
use crate::store::{StoreError, Tx, sources, streams};

/// Asked beside a provider's own scopes, to recognise who gave access. A provider may leave them out.
const IDENTITY_SCOPES: [&str; 2] = ["openid", "email"];
/// Longest key that is looked at.
const MAX_KEY: usize = 300;

/// How long a person may take at the provider.
const STATE_MINUTES: i32 = 10;

/// What is kept between the way out and the way back.
#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    source: SourceId,
    verifier: Sealed,
}

/// How a consent ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Connected {
    /// Access was given to this source.
    Yes(SourceId),
    /// The person said no, or the provider refused: the source and the stable code of why.
    No(SourceId, &'static str),
}

/// An access as it comes from a provider, before it is sealed.
struct Fresh<'a> {
    refresh_token: Option<&'a Secret>,
    access_token: Option<(&'a Secret, f64)>,
    api_key: Option<&'a Secret>,
    holder: Option<&'a str>,
    label: &'a str,
    reachable: Reachable,
}

/// The state is bound to the browser's session by being hashed together with its id.
fn state_hash(state: &str, session: Uuid) -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update(state.as_bytes());
    digest.update(session.as_bytes());
    digest.finalize().to_vec()
}

impl Services {
    /// The connector of a source.
    pub(crate) fn connector(&self, source: &SourceRow) -> Result<&dyn Connector, ServiceError> {
        self.connectors.get(&source.provider).map(AsRef::as_ref).ok_or_else(not_an_oauth_source)
    }

    /// The address at the provider where the person gives consent.
    pub async fn begin_connect(&self, caller: &Caller, session: Uuid, id: SourceId) -> Result<String, ServiceError> {
        let source = self.source(caller, id).await?;
        caller.require_fresh()?;
        let (oauth, scopes) = consent_of(self.connector(&source)?)?;
        let state = random::token(self.random.as_ref());
        let mut bytes = [0_u8; 32];
        self.random.fill(&mut bytes);
        let verifier = Verifier::from_random(bytes);
        let place = sealing_place(caller.tenant, CredentialId(id.0), "pkce_verifier");
        let sealed = self.keys.seal(&place, &Secret::new(verifier.expose()), self.random.as_ref())?;
        let pending = Pending { source: id, verifier: sealed };
        let owner = (caller.tenant, caller.user);
        let mut router = self.database.router_connection().await?;
        let hash = state_hash(&state, session);
        tokens::insert(&mut router, &hash, Purpose::OauthState, owner, &pending, STATE_MINUTES).await?;
        let scopes: Vec<&str> = scopes.iter().copied().chain(IDENTITY_SCOPES).collect();
        Ok(oauth.authorize_url(&scopes, &state, &verifier).to_string())
    }

    /// The way back: checks the state, exchanges the code, keeps the access, looks at the accounts.
    pub async fn finish_connect(
        &self,
        caller: &Caller,
        session: Uuid,
        state: &str,
        code: Result<&str, &str>,
    ) -> Result<Connected, ServiceError> {
        let pending: Option<Pending> = {
            let mut router = self.database.router_connection().await?;
            let owner = (caller.tenant, caller.user);
            tokens::take(&mut router, &state_hash(state, session), Purpose::OauthState, owner).await?
        };
        let Some(pending) = pending else { return Err(bad_state()) };
        let source = self.source(caller, pending.source).await?;
        let code = match code {
            Ok(code) => code,
            Err("access_denied") => return Ok(Connected::No(pending.source, "access_denied")),
            Err(error) => {
                tracing::warn!(source = %pending.source, error, "The provider ended a consent with an error");
                let code = refusal_code(error);
                self.note_refusal(caller, pending.source, code).await?;
                return Ok(Connected::No(pending.source, code));
            }
        };
        let place = sealing_place(caller.tenant, CredentialId(pending.source.0), "pkce_verifier");
        let verifier = self.keys.open(&place, &pending.verifier)?;
        let verifier = Verifier::parse(verifier.expose()).ok_or_else(bad_state)?;
        match self.exchange(caller, &source, code, &verifier).await? {
            Ok((grant, reachable)) => {
                let fresh = Fresh {
                    refresh_token: Some(&grant.refresh_token),
                    access_token: Some((&grant.access_token, grant.expires_in.as_secs_f64())),
                    api_key: None,
                    holder: grant.holder.as_ref().map(|holder| holder.id.as_str()),
                    label: grant.holder.as_ref().map_or("", |holder| holder.label.as_str()),
                    reachable,
                };
                self.keep_access(caller, pending.source, fresh).await?;
                Ok(Connected::Yes(pending.source))
            }
            Err(error) => {
                tracing::warn!(source = %pending.source, error = %error, "A connection was not completed");
                self.note_refusal(caller, pending.source, error.code).await?;
                Ok(Connected::No(pending.source, error.code))
            }
        }
    }

    /// Connects a source with a key that the client made at the provider: looked at first, then tried, then kept.
    pub async fn connect_with_key(
        &self,
        caller: &Caller,
        id: SourceId,
        key: &Secret,
    ) -> Result<SourceView, ServiceError> {
        let source = self.source(caller, id).await?;
        caller.require_fresh()?;
        let connector = self.connectors.get(&source.provider).filter(|one| one.provider().access == Access::ApiKey);
        let Some(connector) = connector else {
            return Err(ServiceError::conflict(
                "not_a_key_source",
                "Esta fuente no se conecta con una clave.",
                "This source is not connected with a key.",
            ));
        };
        if key.expose().len() > MAX_KEY {
            return Err(ServiceError::field(
                "key",
                "bad_key",
                "La clave es demasiado larga; cópiela de nuevo, sola y entera.",
                "The key is too long; copy it again, alone and whole.",
            ));
        }
        let label = connector.key_label(key)?;
        let reachable = connector.check(key, self.now()).await?;
        if let Some(missing) = nothing_allowed(&reachable) {
            return Err(ConnectorError::new(FailureKind::PermissionMissing, codes::KEY_READS_NOTHING, missing).into());
        }
        let known = source.config.0.property.as_ref();
        if known.is_some_and(|known| !reachable.accounts.iter().any(|account| account.id == known.id)) {
            return Err(ConnectorError::config(codes::KEY_OF_OTHER_ACCOUNT, "the key reaches another account").into());
        }
        let fresh = Fresh {
            refresh_token: None,
            access_token: None,
            api_key: Some(key),
            holder: None,
            label: &label,
            reachable,
        };
        self.keep_access(caller, id, fresh).await?;
        self.source_view(caller, id).await
    }

    /// Takes the grant and looks at what it reaches. A grant that shows nothing is given back, since it is not kept.
    async fn exchange(
        &self,
        caller: &Caller,
        source: &SourceRow,
        code: &str,
        verifier: &Verifier,
    ) -> Result<Result<(Grant, Reachable), ConnectorError>, ServiceError> {
        let connector = self.connector(source)?;
        let (oauth, scopes) = consent_of(connector)?;
        let grant = match oauth.exchange(code, verifier, scopes).await {
            Ok(grant) => grant,
            Err(error) => return Ok(Err(error)),
        };
        match connector.check(&grant.access_token, self.now()).await {
            Ok(reachable) => Ok(Ok((grant, reachable))),
            Err(error) => {
                let consent = Consent {
                    provider: source.provider.clone(),
                    holder: grant.holder.map(|holder| holder.id),
                    accounts: Vec::new(),
                };
                self.give_back(caller.tenant, SourceId(source.id), consent, &grant.refresh_token).await?;
                Ok(Err(error))
            }
        }
    }

    /// The source keeps its state and says why it was not connected.
    pub(crate) async fn note_refusal(&self, caller: &Caller, id: SourceId, code: &str) -> Result<(), ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        sources::set_status_code(&mut tx, caller.tenant, id, code).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Seals and keeps an access, lets the source stand under it, wakes what stood still for want of it.
    async fn keep_access(&self, caller: &Caller, id: SourceId, fresh: Fresh<'_>) -> Result<(), ServiceError> {
        let tenant = caller.tenant;
        let shown: Vec<String> = fresh.reachable.accounts.iter().map(|account| account.id.clone()).collect();
        let mut tx = self.database.tenant(tenant).await?;
        credentials::lock_sources(&mut tx, tenant, id).await?;
        let source = sources::find_for_update(&mut tx, tenant, id).await?.ok_or(ServiceError::NotFound)?;
        let before = source.credential_id.map(CredentialId);
        let credential = self.credential_for(&mut tx, caller, &source, (fresh.holder, &shown)).await?;
        let secrets = self.seal_fresh(caller, credential, &fresh)?;
        let permissions = stored(&fresh.reachable);
        let given = Given {
            provider: &source.provider,
            holder: fresh.holder,
            label: fresh.label,
            secrets: &secrets,
            serves: fresh.access_token.map(|token| token.1),
            permissions: &permissions,
            test_mode: fresh.reachable.test_mode,
            shown_accounts: &shown,
            at: self.now(),
        };
        credentials::put(&mut tx, tenant, credential, &given).await?;
        self.stand_under(&mut tx, caller, id, credential, &fresh.reachable).await?;
        let withdrawal = match before.filter(|left| *left != credential) {
            Some(left) => self.drop_unused_access(&mut tx, tenant, left, id).await?,
            None => None,
        };
        // A run that is at work under the old access, of whichever source, would end by saying that it was withdrawn.
        let mut begun = credentials::working_sources(&mut tx, tenant, credential).await?;
        for working in &begun {
            self.cancel_runs(&mut tx, tenant, *working).await?;
        }
        begun.push(id);
        let woken = sources::wake(&mut tx, tenant, credential, &begun, self.now()).await?;
        self.audit(&mut tx, caller, Act::new("source.connected", format!("source/{id}"))).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_withdrawal(tenant, withdrawal).await;
        for source in woken {
            self.start_sync(tenant, source, crate::domain::source::SyncTrigger::Connect, None).await?;
        }
        if source.config.0.property.is_none() {
            // Not the token of the grant: it may have ended by now.
            let token = self.access(tenant, credential).await??;
            self.choose_only_account(caller, id, &fresh.reachable, &token).await?;
        }
        Ok(())
    }

    /// The access to be replaced or made: one per tenant and person at the provider.
    async fn credential_for(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        (holder, shown): (Option<&str>, &[String]),
    ) -> Result<CredentialId, ServiceError> {
        if let Some(holder) = holder
            && let Some(same) = credentials::find_by_holder(tx, caller.tenant, &source.provider, holder).await?
        {
            return Ok(same);
        }
        if let Some(present) = source.credential_id.map(CredentialId)
            && let Some(row) = credentials::find(tx, caller.tenant, present).await?
            && is_of_same_consent(&row, holder, shown)
            // Another person's access stays with the sources that they connected.
            && (row.holder.is_none() || row.sources <= 1)
        {
            return Ok(present);
        }
        Ok(CredentialId(self.new_id()))
    }

    fn seal_fresh(&self, caller: &Caller, id: CredentialId, fresh: &Fresh<'_>) -> Result<Secrets, ServiceError> {
        let seal = |field, secret: Option<&Secret>| {
            secret.map(|secret| self.seal_for(caller.tenant, id, field, secret)).transpose()
        };
        Ok(Secrets {
            refresh_token: seal("refresh_token", fresh.refresh_token)?,
            access_token: seal("access_token", fresh.access_token.map(|token| token.0))?,
            api_key: seal("api_key", fresh.api_key)?,
        })
    }

    /// Lets a locked source be read with an access, and offers what that reaches.
    pub(super) async fn stand_under(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: SourceId,
        credential: CredentialId,
        reachable: &Reachable,
    ) -> Result<(), ServiceError> {
        let tenant = caller.tenant;
        // A run under the old access would end by saying that it was withdrawn.
        self.cancel_runs(tx, tenant, id).await?;
        let source = sources::find(tx, tenant, id).await?.ok_or(ServiceError::NotFound)?;
        let mut config = source.config.0;
        config.properties = reachable
            .accounts
            .iter()
            .map(|one| Account { id: one.id.clone(), name: one.name.clone(), account: one.group.clone() })
            .collect();
        // An account that the new access does not show is to be chosen anew; its figures stay until then.
        config.property = config.property.filter(|kept| config.properties.iter().any(|one| one.id == kept.id));
        sources::set_credential(tx, tenant, id, Some(credential)).await?;
        sources::set_config(tx, tenant, id, &config, None).await?;
        // A pause is a person's and stays.
        if source.status.as_str() != SourceStatus::Paused.as_str() {
            sources::set_status(tx, tenant, id, SourceStatus::Connected, None, None).await?;
        }
        streams::unblock(tx, tenant, id).await?;
        sources::touch(tx, tenant, id, self.now()).await?;
        Ok(())
    }
}

/// Whether a new access takes the place of the present one: it is the same person's, or, where one of the two persons is
/// not known, they show an account in common. What takes no place leaves the old one to be given back.
fn is_of_same_consent(present: &CredentialRow, holder: Option<&str>, shown: &[String]) -> bool {
    if let (Some(one), Some(other)) = (present.holder.as_deref(), holder) {
        return one == other;
    }
    let before = &present.shown_accounts.0;
    before.is_empty() || shown.is_empty() || shown.iter().any(|account| before.contains(account))
}

/// The OAuth client and the scopes of a connector.
fn consent_of(connector: &dyn Connector) -> Result<(&OAuthClient, &'static [&'static str]), ServiceError> {
    match (connector.oauth(), connector.provider().access) {
        (Some(oauth), Access::OAuth { scopes }) => Ok((oauth, scopes)),
        _ => Err(not_an_oauth_source()),
    }
}

/// What is missing, if a key may read nothing at all.
fn nothing_allowed(reachable: &Reachable) -> Option<String> {
    let missing: Vec<&str> = reachable.permissions.iter().filter_map(|one| one.missing.as_deref()).collect();
    (!missing.is_empty() && missing.len() == reachable.permissions.len()).then(|| missing.join(", "))
}

fn stored(reachable: &Reachable) -> Vec<StoredPermission> {
    reachable
        .permissions
        .iter()
        .map(|one| StoredPermission { stream: one.stream.to_owned(), missing: one.missing.clone() })
        .collect()
}

fn not_an_oauth_source() -> ServiceError {
    ServiceError::conflict(
        "not_an_oauth_source",
        "Esta fuente no se conecta con una cuenta.",
        "This source is not connected with an account.",
    )
}

/// The stable code of a provider's refusal (RFC 6749, section 4.1.2.1, and Google's own).
fn refusal_code(error: &str) -> &'static str {
    match error {
        "admin_policy_enforced" | "org_internal" => codes::OAUTH_ADMIN_POLICY,
        "server_error" | "temporarily_unavailable" => codes::OAUTH_SERVER_ERROR,
        _ => codes::OAUTH_UNEXPECTED,
    }
}

fn bad_state() -> ServiceError {
    ServiceError::BadRequest {
        code: "bad_state",
        text: Text::new(
            "Este enlace de conexión ya no vale; vuelva a la página de fuentes y conecte de nuevo.",
            "This connection link is no longer valid; go back to the sources page and connect again.",
        ),
    }
}

pub(crate) fn not_connected() -> ServiceError {
    ServiceError::conflict(
        "not_connected",
        "La fuente no está conectada; conéctela primero.",
        "The source is not connected; connect it first.",
    )
}
