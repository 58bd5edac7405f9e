//! Connecting a source with the client's consent (OAuth2 authorization code, PKCE, state), and choosing the account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::audit_trail::Act;
use super::error::ServiceError;
use super::{Caller, Services};
use crate::connectors::error::ConnectorError;
use crate::connectors::ga4::{self, Property};
use crate::connectors::oauth::{Grant, Verifier};
use crate::connectors::sentences::codes;
use crate::domain::aggregate::Stored;
use crate::domain::ids::{MetricId, SourceId, TenantId};
use crate::domain::lang::Text;
use crate::domain::period::Grain;
use crate::domain::random;
use crate::domain::sealed::Sealed;
use crate::domain::secret::Secret;
use crate::domain::source::{SourceStatus, SyncTrigger};
use crate::store::metrics::{Declared, Translation};
use crate::store::sources::{Account, SourceAuth, SourceConfig, SourceRow, sealing_place};
use crate::store::tokens::{self, Purpose};
use crate::store::{StoreError, Tx, datapoints, metrics, sources};

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

/// The state is bound to the browser's session by being hashed together with its id.
fn state_hash(state: &str, session: Uuid) -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update(state.as_bytes());
    digest.update(session.as_bytes());
    digest.finalize().to_vec()
}

impl Services {
    /// The address at the provider where the person gives consent.
    pub async fn begin_connect(&self, caller: &Caller, session: Uuid, id: SourceId) -> Result<String, ServiceError> {
        let source = self.source(caller, id).await?;
        caller.require_fresh()?;
        if source.provider != ga4::PROVIDER {
            return Err(ServiceError::conflict(
                "not_an_oauth_source",
                "Esta fuente no se conecta con una cuenta: suba un archivo.",
                "This source is not connected with an account: upload a file.",
            ));
        }
        let state = random::token(self.random.as_ref());
        let mut bytes = [0_u8; 32];
        self.random.fill(&mut bytes);
        let verifier = Verifier::from_random(bytes);
        let place = sealing_place(caller.tenant, id, "pkce_verifier");
        let sealed = self.keys.seal(&place, &Secret::new(verifier.expose()), self.random.as_ref())?;
        let pending = Pending { source: id, verifier: sealed };
        let owner = (caller.tenant, caller.user);
        let mut router = self.database.router_connection().await?;
        let hash = state_hash(&state, session);
        tokens::insert(&mut router, &hash, Purpose::OauthState, owner, &pending, STATE_MINUTES).await?;
        Ok(self.google.authorize_url(&ga4::SCOPES, &state, &verifier).to_string())
    }

    /// The way back: checks the state, exchanges the code, keeps the refresh token, looks at the accounts.
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
        self.source(caller, pending.source).await?;
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
        let place = sealing_place(caller.tenant, pending.source, "pkce_verifier");
        let verifier = self.keys.open(&place, &pending.verifier)?;
        let verifier = Verifier::parse(verifier.expose()).ok_or_else(bad_state)?;
        match self.exchange(code, &verifier).await {
            Ok((grant, properties)) => {
                self.keep_grant(caller, pending.source, &grant, properties).await?;
                Ok(Connected::Yes(pending.source))
            }
            Err(error) => {
                tracing::warn!(source = %pending.source, error = %error, "A connection was not completed");
                self.note_refusal(caller, pending.source, error.code).await?;
                Ok(Connected::No(pending.source, error.code))
            }
        }
    }

    async fn exchange(&self, code: &str, verifier: &Verifier) -> Result<(Grant, Vec<Property>), ConnectorError> {
        let grant = self.google.exchange(code, verifier, &ga4::SCOPES).await?;
        let properties = self.ga4.properties(&grant.access_token, self.now()).await?;
        Ok((grant, properties))
    }

    /// The source keeps its state and says why it was not connected.
    async fn note_refusal(&self, caller: &Caller, id: SourceId, code: &str) -> Result<(), ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        sources::set_status_code(&mut tx, caller.tenant, id, code).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn keep_grant(
        &self,
        caller: &Caller,
        id: SourceId,
        grant: &Grant,
        properties: Vec<Property>,
    ) -> Result<(), ServiceError> {
        let place = sealing_place(caller.tenant, id, "refresh_token");
        let sealed = self.keys.seal(&place, &grant.refresh_token, self.random.as_ref())?;
        let properties: Vec<Account> = properties
            .into_iter()
            .map(|property| Account { id: property.id, name: property.name, account: property.account })
            .collect();
        let only = match properties.as_slice() {
            [only] => Some(only.id.clone()),
            _ => None,
        };
        let mut tx = self.database.tenant(caller.tenant).await?;
        let source = sources::find_for_update(&mut tx, caller.tenant, id).await?.ok_or(ServiceError::NotFound)?;
        // A reconnection keeps the account and its history if the new consent still shows it.
        let kept = source.config.0.property.clone().filter(|kept| properties.iter().any(|one| one.id == kept.id));
        let config = SourceConfig { property: kept.clone(), properties, created: source.config.0.created };
        // A run under the old grant would end by saying that access was withdrawn.
        self.cancel_runs(&mut tx, caller.tenant, id).await?;
        // Another person's consent takes the place of the old one, which nobody needs any more. A consent of the same
        // person lives on in the new one.
        let same = |old: &Account| config.properties.iter().any(|new| new.id == old.id);
        let replaced = !source.config.0.properties.iter().any(same);
        let withdrawal = if replaced { self.order_withdrawal(&mut tx, caller.tenant, &source).await? } else { None };
        sources::set_auth(&mut tx, caller.tenant, id, &SourceAuth { refresh_token: Some(sealed) }).await?;
        sources::set_config(&mut tx, caller.tenant, id, &config, None).await?;
        sources::set_status(&mut tx, caller.tenant, id, SourceStatus::Connected, None, None).await?;
        sources::touch(&mut tx, caller.tenant, id, self.now()).await?;
        if kept.is_some() {
            // Should we die before the run is started below, the timer starts it.
            sources::set_next_due(&mut tx, caller.tenant, id, Some(self.now())).await?;
        }
        self.audit(&mut tx, caller, Act::new("source.connected", format!("source/{id}"))).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_withdrawal(caller.tenant, withdrawal).await;
        if kept.is_some() {
            self.start_sync(caller.tenant, id, SyncTrigger::Connect, None).await?;
        } else if let Some(only) = only {
            match self.choose_property_with(caller, id, &only, &grant.access_token).await {
                // The person can choose it again by hand; the source says what was the matter.
                Err(ServiceError::Unprocessable { code, .. }) => self.note_refusal(caller, id, code).await?,
                done => done?,
            }
        }
        Ok(())
    }

    /// Chooses the account a source reads and starts its first run.
    pub(crate) async fn choose_property(
        &self,
        caller: &Caller,
        id: SourceId,
        property: &str,
    ) -> Result<(), ServiceError> {
        let source = self.source(caller, id).await?;
        if !source.config.0.properties.iter().any(|known| known.id == property) {
            return Err(ServiceError::field(
                "property_id",
                "unknown_property",
                "La cuenta conectada no ve esa propiedad; elija una de la lista.",
                "The connected account does not see that property; choose one of the list.",
            ));
        }
        if source.config.0.property.as_ref().is_some_and(|chosen| chosen.id == property) {
            return Ok(());
        }
        let token = self.access_token(caller.tenant, &source).await??;
        self.choose_property_with(caller, id, property, &token).await
    }

    async fn choose_property_with(
        &self,
        caller: &Caller,
        id: SourceId,
        property: &str,
        token: &Secret,
    ) -> Result<(), ServiceError> {
        let details = self.ga4.property(token, property, self.now()).await?;
        let mut tx = self.database.tenant(caller.tenant).await?;
        let source = sources::find_for_update(&mut tx, caller.tenant, id).await?.ok_or(ServiceError::NotFound)?;
        let mut config = source.config.0.clone();
        let chosen = config.properties.iter().find(|known| known.id == property).cloned();
        // Another account's figures, and runs that read it, must not stay under this source.
        self.cancel_runs(&mut tx, caller.tenant, id).await?;
        datapoints::delete_all(&mut tx, caller.tenant, id).await?;
        sources::reset_history(&mut tx, caller.tenant, id).await?;
        config.property = chosen;
        config.created = details.created;
        sources::set_config(&mut tx, caller.tenant, id, &config, Some((&details.zone, &details.currency))).await?;
        self.declare_ga4_metrics(&mut tx, caller.tenant, id).await?;
        // Should we die before the run is started below, the timer starts it.
        sources::set_next_due(&mut tx, caller.tenant, id, Some(self.now())).await?;
        let detail = serde_json::json!({ "property": property });
        self.audit(&mut tx, caller, Act::new("source.account_chosen", format!("source/{id}")).detail(detail)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.start_sync(caller.tenant, id, SyncTrigger::Connect, None).await?;
        Ok(())
    }

    async fn declare_ga4_metrics(&self, tx: &mut Tx, tenant: TenantId, source: SourceId) -> Result<(), ServiceError> {
        metrics::lock(tx, tenant).await?;
        for metric in ga4::metrics() {
            let english = Translation { name: metric.name.en.into(), definition: metric.definition.en.into() };
            let declared = Declared {
                id: MetricId(self.new_id()),
                key: metric.key,
                name: metric.name.es,
                definition: metric.definition.es,
                translations: [("en", english)].into(),
                provider: ga4::PROVIDER,
                unit: metric.unit,
                additivity: metric.additivity,
                good_direction: metric.good_direction.as_str(),
                formula: metric.formula,
                endpoint: metric.endpoint,
                field: metric.field,
            };
            let id = metrics::ensure(tx, tenant, &declared, self.now()).await?;
            let dim_sets: Vec<BTreeSet<String>> = ga4::dim_sets(metric.key)
                .into_iter()
                .map(|set| set.iter().map(|name| (*name).to_owned()).collect())
                .collect();
            metrics::set_stored(tx, tenant, id, &Stored { source, grain: Grain::Day, dim_sets }).await?;
        }
        Ok(())
    }

    /// A fresh access token, or the provider's refusal. A rotated refresh token is committed before the access token is
    /// used.
    pub(crate) async fn access_token(
        &self,
        tenant: TenantId,
        source: &SourceRow,
    ) -> Result<Result<Secret, ConnectorError>, ServiceError> {
        let sealed = source.auth.0.refresh_token.as_ref().ok_or_else(not_connected)?;
        let id = SourceId(source.id);
        let place = sealing_place(tenant, id, "refresh_token");
        let refresh_token = self.keys.open(&place, sealed)?;
        let access = match self.google.refresh(&refresh_token).await {
            Ok(access) => access,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(rotated) = &access.refresh_token {
            let sealed = self.keys.seal(&place, rotated, self.random.as_ref())?;
            self.keep_rotated(tenant, source, &refresh_token, sealed).await?;
        }
        Ok(Ok(access.token))
    }

    /// Keeps a refresh token that took the place of `used`, unless a person has connected anew meanwhile. That `used`
    /// was sealed anew under another key is no such change.
    async fn keep_rotated(
        &self,
        tenant: TenantId,
        source: &SourceRow,
        used: &Secret,
        rotated: Sealed,
    ) -> Result<(), ServiceError> {
        let id = SourceId(source.id);
        let rotated = SourceAuth { refresh_token: Some(rotated) };
        let mut tx = self.database.tenant(tenant).await?;
        if !sources::rotate_auth(&mut tx, tenant, id, &source.auth.0, &rotated).await?
            && let Some(present) = sources::find_for_update(&mut tx, tenant, id).await?
            && let Some(sealed) = &present.auth.0.refresh_token
            && self.keys.open(&sealing_place(tenant, id, "refresh_token"), sealed)?.expose() == used.expose()
        {
            sources::set_auth(&mut tx, tenant, id, &rotated).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
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
