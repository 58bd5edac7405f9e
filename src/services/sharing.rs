//! One access for several sources: trying it, reading another source with it, listing what there is.

use super::error::ServiceError;
use super::{Caller, Services};
use crate::connectors::contract::{Reachable, StreamInfo};
use crate::domain::ids::{CredentialId, SourceId};
use crate::domain::secret::Secret;
use crate::store::Tx;
use crate::store::credentials::{self, AccessRow};

/// An access that was tried a moment ago.
pub(super) struct Tried {
    /// Which.
    pub id: CredentialId,
    /// What it reaches.
    pub reachable: Reachable,
    /// What the provider is asked with.
    pub token: Secret,
}

/// An access as pages show it.
#[derive(Debug)]
pub struct AccessView {
    /// The access.
    pub row: AccessRow,
    /// Its permissions: each stream and what is missing for it, in the provider's words.
    pub permissions: Vec<(&'static StreamInfo, Option<String>)>,
}

impl Services {
    /// The accesses of the tenant.
    pub async fn accesses(&self, caller: &Caller) -> Result<Vec<AccessView>, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let rows = credentials::list_shown(&mut tx, caller.tenant).await?;
        let view = |row: AccessRow| {
            let streams = self.connectors.get(&row.provider).map_or(&[][..], |one| one.provider().streams);
            let stream = |key: &str| streams.iter().find(|stream| stream.key == key);
            let known = row.permissions.0.iter().filter_map(|one| Some((stream(&one.stream)?, one.missing.clone())));
            AccessView { permissions: known.collect(), row }
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Asks the provider what an access of the tenant reaches.
    pub(super) async fn try_access(
        &self,
        caller: &Caller,
        provider: &str,
        id: CredentialId,
    ) -> Result<Tried, ServiceError> {
        let row = {
            let mut tx = self.database.tenant(caller.tenant).await?;
            credentials::find(&mut tx, caller.tenant, id).await?
        };
        row.filter(|row| row.provider == provider).ok_or_else(unknown_credential)?;
        let connector = self.connectors.get(provider).ok_or_else(unknown_credential)?;
        let token = self.access(caller.tenant, id).await??;
        let reachable = connector.check(&token, self.now()).await?;
        Ok(Tried { id, reachable, token })
    }

    /// Lets a new source be read with an access that was tried.
    pub(super) async fn share_access(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: SourceId,
        tried: &Tried,
    ) -> Result<(), ServiceError> {
        // It may have gone with its last source meanwhile.
        if !credentials::hold(tx, caller.tenant, tried.id).await? {
            return Err(unknown_credential());
        }
        self.stand_under(tx, caller, source, tried.id, &tried.reachable).await
    }

    /// Chooses the account of a source where there is only one. `false`: a person has to choose.
    pub(super) async fn choose_only_account(
        &self,
        caller: &Caller,
        source: SourceId,
        reachable: &Reachable,
        token: &Secret,
    ) -> Result<bool, ServiceError> {
        let [only] = reachable.accounts.as_slice() else { return Ok(false) };
        match self.choose_account_with(caller, source, &only.id, token).await {
            // The person can choose it again by hand; the source says what was the matter.
            Err(ServiceError::Unprocessable { code, .. }) => self.note_refusal(caller, source, code).await?,
            done => done?,
        }
        Ok(true)
    }
}

fn unknown_credential() -> ServiceError {
    ServiceError::field(
        "credential_id",
        "unknown_credential",
        "No hay ninguna conexión así de este proveedor; elija una de la lista o conecte una cuenta nueva.",
        "There is no such connection of this provider; choose one of the list or connect a new account.",
    )
}
