//! Access to providers: the key, or an access token that one process at a time renews ahead of its end.

use std::time::Duration;

use tokio::time::Instant;

use super::Services;
use super::connect::not_connected;
use super::error::ServiceError;
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::oauth::AccessToken;
use crate::domain::ids::{CredentialId, TenantId};
use crate::domain::sealed::Sealed;
use crate::domain::secret::Secret;
use crate::store::credentials::{self, CredentialRow, Secrets, sealing_place};
use crate::store::{StoreError, Tx};

/// How long to wait for another process that renews the same token.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two looks whether it has done so.
const LOOK: Duration = Duration::from_millis(150);

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
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row = self.credential(tenant, id).await?;
            if let Some(key) = &row.secrets.0.api_key {
                return Ok(Ok(self.unseal(tenant, id, "api_key", key)?));
            }
            let standing = match &row.secrets.0.access_token {
                Some(token) if row.is_fresh => Some(self.unseal(tenant, id, "access_token", token)?),
                _ => None,
            };
            if let Some(token) = &standing
                && !row.is_due
            {
                return Ok(Ok(token.clone()));
            }
            match self.renew_access(tenant, id, &row).await? {
                Renewal::Done(token) => return Ok(Ok(token)),
                Renewal::Refused(error) if error.kind == FailureKind::AuthRevoked => return Ok(Err(error)),
                // The token of before still serves; the next run tries again.
                Renewal::Refused(error) => return Ok(standing.ok_or(error)),
                Renewal::Others if standing.is_some() => return Ok(standing.ok_or_else(busy)),
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
        Ok(if kept { Renewal::Done(access.token.clone()) } else { Renewal::Again })
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
    /// This token serves, and is committed.
    Done(Secret),
    /// The provider did not give one.
    Refused(ConnectorError),
    /// Another process is at it.
    Others,
    /// The access is another by now: look again.
    Again,
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
