//! Access to providers: the key, or an access token that one process at a time renews ahead of its end.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Services;
use super::connect::not_connected;
use super::error::ServiceError;
use crate::connectors::contract::Bearer;
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::oauth::AccessToken;
use crate::domain::ids::{CredentialId, TenantId};
use crate::domain::sealed::Sealed;
use crate::domain::secret::Secret;
use crate::store::credentials::{self, CredentialRow, RENEWAL_AT, Secrets, sealing_place};
use crate::store::{StoreError, Tx};

/// How long to wait for another process that renews the same token.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two looks whether it has done so.
const LOOK: Duration = Duration::from_millis(150);
/// How long a token is used on that is due and could not be renewed.
const LATER: Duration = Duration::from_secs(30);
/// How long a key is used without another look.
const KEY_SERVES: Duration = Duration::from_mins(1);

/// A secret, and for how long it may be used without another look.
struct Standing {
    secret: Secret,
    serves: Duration,
}

impl Services {
    /// What a provider is asked with, or its refusal. However many ask at once, in however many processes, one of them
    /// renews. A rotated refresh token is committed before the new access token is used; killed between the provider's
    /// answer and that commit, a provider that rotates has taken our token back and a person must connect again. No
    /// order of steps on our side can avoid that.
    pub async fn access(
        &self,
        tenant: TenantId,
        id: CredentialId,
    ) -> Result<Result<Secret, ConnectorError>, ServiceError> {
        Ok(self.standing_access(tenant, id).await?.map(|standing| standing.secret))
    }

    async fn standing_access(
        &self,
        tenant: TenantId,
        id: CredentialId,
    ) -> Result<Result<Standing, ConnectorError>, ServiceError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row = self.credential(tenant, id).await?;
            if let Some(key) = &row.secrets.0.api_key {
                return Ok(Ok(Standing { secret: self.unseal(tenant, id, "api_key", key)?, serves: KEY_SERVES }));
            }
            let due_in = Duration::try_from_secs_f64(row.due_in).unwrap_or_default();
            let token = match &row.secrets.0.access_token {
                Some(token) if row.is_fresh => Some(self.unseal(tenant, id, "access_token", token)?),
                _ => None,
            };
            let standing = |serves| token.clone().map(|secret| Standing { secret, serves });
            if let Some(standing) = standing(due_in).filter(|standing| !standing.serves.is_zero()) {
                return Ok(Ok(standing));
            }
            match self.renew_whole(tenant, id, row).await? {
                Renewal::Done(token, serves) => return Ok(Ok(Standing { secret: token, serves })),
                Renewal::Refused(error) if error.kind == FailureKind::AuthRevoked => return Ok(Err(error)),
                // The token of before still serves; a while later this is tried again.
                Renewal::Refused(error) => return Ok(standing(LATER).ok_or(error)),
                Renewal::Others if token.is_some() => return Ok(standing(LOOK).ok_or_else(busy)),
                Renewal::Others if Instant::now() >= deadline => return Ok(Err(busy())),
                Renewal::Others => tokio::time::sleep(LOOK).await,
                Renewal::Again => {}
            }
        }
    }

    /// The provider refused this access token before its time: the next one is made anew, unless that has happened.
    pub(crate) async fn forget_access(
        &self,
        tenant: TenantId,
        id: CredentialId,
        refused: &Secret,
    ) -> Result<(), ServiceError> {
        let row = self.credential(tenant, id).await?;
        let Some(kept) = &row.secrets.0.access_token else { return Ok(()) };
        if self.unseal(tenant, id, "access_token", kept)?.expose() != refused.expose() {
            return Ok(());
        }
        let mut tx = self.database.tenant(tenant).await?;
        credentials::forget_access(&mut tx, tenant, id, &row.secrets.0).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn credential(&self, tenant: TenantId, id: CredentialId) -> Result<CredentialRow, ServiceError> {
        let mut tx = self.database.tenant(tenant).await?;
        credentials::find(&mut tx, tenant, id).await?.ok_or_else(not_connected)
    }

    fn unseal(&self, tenant: TenantId, id: CredentialId, field: &str, sealed: &Sealed) -> Result<Secret, ServiceError> {
        Ok(self.keys.open(&sealing_place(tenant, id, field), sealed)?)
    }

    /// Seals a secret for its access.
    pub(crate) fn seal_for(
        &self,
        tenant: TenantId,
        id: CredentialId,
        field: &str,
        secret: &Secret,
    ) -> Result<Sealed, ServiceError> {
        Ok(self.keys.seal(&sealing_place(tenant, id, field), secret, self.random.as_ref())?)
    }

    /// In a task of its own: whoever waits for it may go away in the middle, and a rotated refresh token with them.
    async fn renew_whole(
        &self,
        tenant: TenantId,
        id: CredentialId,
        row: CredentialRow,
    ) -> Result<Renewal, ServiceError> {
        let services = self.clone();
        let renewal = tokio::spawn(async move { services.renew_access(tenant, id, &row).await });
        renewal.await.map_err(|error| ServiceError::Internal(Box::new(error)))?
    }

    async fn renew_access(
        &self,
        tenant: TenantId,
        id: CredentialId,
        row: &CredentialRow,
    ) -> Result<Renewal, ServiceError> {
        let Some(sealed) = &row.secrets.0.refresh_token else { return Err(not_connected()) };
        let Some(connector) = self.connectors.get(&row.provider) else { return Err(not_connected()) };
        let Some(oauth) = connector.oauth() else { return Err(not_connected()) };
        let turn = self.new_id();
        let mut tx = self.database.tenant(tenant).await?;
        let ours = credentials::begin_renewal(&mut tx, tenant, id, turn).await?;
        // As it stands now that it is our turn: another process may have renewed it a moment ago.
        let now = credentials::find(&mut tx, tenant, id).await?.ok_or_else(not_connected)?;
        tx.commit().await.map_err(StoreError::from)?;
        if !ours {
            return Ok(Renewal::Others);
        }
        if now.secrets.0 != row.secrets.0 {
            self.give_up_turn(tenant, id, turn).await?;
            return Ok(Renewal::Again);
        }
        let refresh_token = self.unseal(tenant, id, "refresh_token", sealed)?;
        match oauth.refresh(&refresh_token).await {
            Ok(access) => self.keep_renewed(tenant, id, turn, &row.secrets.0, &access).await,
            Err(error) => {
                self.give_up_turn(tenant, id, turn).await?;
                // A person may have connected anew while the old token was being refused.
                let replaced =
                    self.credential(tenant, id).await?.secrets.0.refresh_token != row.secrets.0.refresh_token;
                Ok(if replaced { Renewal::Again } else { Renewal::Refused(error) })
            }
        }
    }

    async fn keep_renewed(
        &self,
        tenant: TenantId,
        id: CredentialId,
        turn: uuid::Uuid,
        old: &Secrets,
        access: &AccessToken,
    ) -> Result<Renewal, ServiceError> {
        let mut secrets = old.clone();
        secrets.access_token = Some(self.seal_for(tenant, id, "access_token", &access.token)?);
        if let Some(rotated) = &access.refresh_token {
            secrets.refresh_token = Some(self.seal_for(tenant, id, "refresh_token", rotated)?);
        }
        let mut tx = self.database.tenant(tenant).await?;
        let serves = access.expires_in.as_secs_f64();
        let kept = credentials::end_renewal(&mut tx, tenant, id, turn, &secrets, serves).await?;
        tx.commit().await.map_err(StoreError::from)?;
        // Not kept: a person has connected anew meanwhile, and that counts.
        Ok(if kept {
            Renewal::Done(access.token.clone(), access.expires_in.mul_f64(RENEWAL_AT))
        } else {
            Renewal::Again
        })
    }

    async fn give_up_turn(&self, tenant: TenantId, id: CredentialId, turn: uuid::Uuid) -> Result<(), ServiceError> {
        let mut tx: Tx = self.database.tenant(tenant).await?;
        credentials::give_up_renewal(&mut tx, tenant, id, turn).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

/// What became of an attempt to renew.
enum Renewal {
    /// This token serves, for as long as it need not be renewed, and is committed.
    Done(Secret, Duration),
    /// The provider did not give one.
    Refused(ConnectorError),
    /// Another process is at it.
    Others,
    /// The access is another by now: look again.
    Again,
}

/// The access of a run, from request to request. Asked of the database only when the token at hand is to be renewed, or
/// was refused.
pub(super) struct RunAccess<'a> {
    services: &'a Services,
    tenant: TenantId,
    id: CredentialId,
    kept: Mutex<Option<(Secret, Instant)>>,
}

impl<'a> RunAccess<'a> {
    /// Of this access.
    pub fn new(services: &'a Services, tenant: TenantId, id: CredentialId) -> Self {
        Self { services, tenant, id, kept: Mutex::new(None) }
    }

    fn unavailable(&self, error: &ServiceError) -> ConnectorError {
        tracing::error!(tenant = %self.tenant, access = %self.id, error = ?error, "An access could not be looked up");
        ConnectorError::transient("platform_error", "see the log")
    }
}

#[async_trait]
impl Bearer for RunAccess<'_> {
    async fn current(&self) -> Result<Secret, ConnectorError> {
        let mut kept = self.kept.lock().await;
        if let Some((secret, _)) = kept.as_ref().filter(|(_, until)| Instant::now() < *until) {
            return Ok(secret.clone());
        }
        let asked = Instant::now();
        let found = self.services.standing_access(self.tenant, self.id).await;
        let standing = found.map_err(|error| self.unavailable(&error))??;
        *kept = Some((standing.secret.clone(), asked + standing.serves));
        Ok(standing.secret)
    }

    async fn refused(&self, secret: &Secret) -> Result<bool, ConnectorError> {
        let mut kept = self.kept.lock().await;
        *kept = None;
        let forgotten = self.services.forget_access(self.tenant, self.id, secret).await;
        forgotten.map_err(|error| self.unavailable(&error))?;
        Ok(true)
    }
}

fn busy() -> ConnectorError {
    // Not the provider's failure: it does not count against it.
    ConnectorError::transient("platform_error", "another process did not finish renewing the access token")
}

#[cfg(test)]
mod tests {
    use crate::connectors::http::TOTAL_TIMEOUT;
    use crate::store::credentials::RENEWAL_SECONDS;

    #[test]
    fn a_turn_to_renew_ends_after_the_request_does() {
        assert!(TOTAL_TIMEOUT.as_secs_f64() + 10.0 < RENEWAL_SECONDS);
    }
}
