//! Asking somebody who is signed in for the password again.

use super::codes::{Given, WRONG_CODE, code_key};
use super::{Session, token_hash};
use crate::domain::audit::Outcome;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::password;
use crate::domain::secret::Secret;
use crate::services::audit_trail::Act;
use crate::services::error::ServiceError;
use crate::services::throttle::{CONFIRMATION, Waiting, key};
use crate::services::{RequestInfo, Services};
use crate::store::people::{self, Credentials};
use crate::store::{StoreError, Tx, sessions};

/// Somebody who is signed in, in one request.
#[derive(Debug, Clone)]
pub struct Person {
    /// The session's token.
    pub token: Secret,
    /// The session.
    pub session: Session,
    /// The request.
    pub request: RequestInfo,
}

impl Person {
    /// Their id.
    pub fn id(&self) -> UserId {
        self.session.user.id
    }

    pub(super) fn waiting<'a>(&'a self, actor: &'a crate::services::audit_trail::Actor) -> Waiting<'a> {
        Waiting { trail: Services::trail_of(self.session.tenant_id()), actor, request: &self.request }
    }
}

pub(super) fn bad_code() -> ServiceError {
    ServiceError::field("code", "bad_code", WRONG_CODE.0, WRONG_CODE.1)
}

impl Services {
    /// Records an act of somebody who is signed in, where they work; the last thing before a commit.
    pub(super) async fn note(&self, tx: &mut Tx, person: &Person, act: Act) -> Result<(), ServiceError> {
        let session = &person.session;
        self.record(tx, Self::trail_of(session.tenant_id()), &session.actor(), &person.request, act).await
    }

    /// Checks the password of somebody who is signed in; tries are counted. `field` is what a wrong one is said of.
    pub(super) async fn prove_password(
        &self,
        person: &Person,
        given: &Secret,
        field: &str,
    ) -> Result<Credentials, ServiceError> {
        let actor = person.session.actor();
        let counted = [(key("confirmation", &[&person.id().to_string()]), CONFIRMATION)];
        self.throttle_noted("session", &counted, person.waiting(&actor)).await?;
        let user = {
            let mut router = self.database.router_connection().await?;
            people::credentials_of(&mut router, person.id()).await?.ok_or(ServiceError::Unauthenticated)?
        };
        let matches = match password::normal(given) {
            Some(normal) => self.passwords.verify(normal, Some(user.password_hash.clone())).await?,
            None => false,
        };
        if !matches {
            let act = Act::new("auth.reauthenticated", format!("session/{}", person.session.id));
            let trail = Self::trail_of(person.session.tenant_id());
            self.note_alone(trail, &actor, &person.request, act.outcome(Outcome::Failed)).await?;
            return Err(ServiceError::field(
                field,
                "wrong_password",
                "La contraseña no es correcta.",
                "The password is wrong.",
            ));
        }
        self.forgive(&counted).await?;
        Ok(user)
    }

    /// Uses up a code of somebody who is signed in, in the transaction of the act; tries are counted.
    pub(super) async fn prove_code(
        &self,
        mut tx: Tx,
        person: &Person,
        code: &str,
    ) -> Result<(Tx, Given), ServiceError> {
        let Some(given) = self.take_code(&mut tx, person.id(), code).await? else {
            drop(tx);
            let trail = Self::trail_of(person.session.tenant_id());
            self.note_wrong_code(trail, &person.session.actor(), &person.request).await?;
            return Err(bad_code());
        };
        Ok((tx, given))
    }

    /// Counts a try of a code; a success takes it back.
    pub(super) async fn count_code(&self, person: &Person) -> Result<(), ServiceError> {
        let actor = person.session.actor();
        self.throttle_noted("session", &[code_key(person.id())], person.waiting(&actor)).await
    }

    /// Gives a session a new token under which sensitive acts are open for some minutes.
    pub async fn reauthenticate(
        &self,
        person: &Person,
        given: &Secret,
        code: Option<&str>,
    ) -> Result<Secret, ServiceError> {
        let user = self.prove_password(person, given, "password").await?;
        let mut jobs = Vec::new();
        let mut tx = if user.has_mfa {
            let code = code.ok_or_else(|| {
                ServiceError::field("code", "required", "Falta el código de verificación.", "The code is missing.")
            })?;
            self.count_code(person).await?;
            let (mut tx, given) = self.prove_code(self.database.router().await?, person, code).await?;
            jobs = self.tell_of_recovery(&mut tx, person.id(), given).await?;
            tx
        } else {
            self.database.router().await?
        };
        let fresh = self.rotate(&mut tx, &person.token).await?;
        sessions::confirm(&mut tx, &token_hash(&fresh), user.has_mfa).await?;
        self.note(&mut tx, person, Act::new("auth.reauthenticated", format!("session/{}", person.session.id))).await?;
        tx.commit().await.map_err(StoreError::from)?;
        if user.has_mfa {
            self.forgive(&[code_key(person.id())]).await?;
        }
        for job in jobs {
            self.announce_mail(TenantId::PLATFORM, job).await;
        }
        Ok(fresh)
    }
}
