//! Signing in.

use super::super::audit_trail::{Act, Actor};
use super::super::error::ServiceError;
use super::super::{RequestInfo, Services};
use super::token_hash;
use crate::domain::audit::{ActorKind, Outcome};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::random;
use crate::domain::secret::Secret;
use crate::store::sessions::{self, NewSession};
use crate::store::{StoreError, people};

/// Longest password that is looked at; a longer one is wrong whatever it is, after the same work.
const MAX_PASSWORD: usize = 4096;

impl Services {
    /// Signs in: gives the new session's token. Every cause of failure answers the same after the same work.
    pub async fn login(&self, email: &str, password: Secret, request: &RequestInfo) -> Result<Secret, ServiceError> {
        let email = email.trim().to_lowercase();
        let credentials = if email.contains('\0') {
            // The database takes no such text; an unknown user then, at the same cost.
            None
        } else {
            let mut router = self.database.router_connection().await?;
            people::credentials(&mut router, &email).await?
        };
        let usable = credentials.filter(|user| user.is_active && password.expose().len() <= MAX_PASSWORD);
        let stored = usable.as_ref().map(|user| user.password_hash.clone());
        let matches = self.passwords.verify(password, stored).await?;
        let Some(user) = usable.filter(|_| matches) else {
            self.audit_failed_login(request).await?;
            return Err(ServiceError::BadCredentials);
        };
        let user_id = UserId(user.id);
        let memberships = self.memberships(user_id).await?;
        if memberships.is_empty() && !user.is_operator {
            self.audit_failed_login(request).await?;
            return Err(ServiceError::BadCredentials);
        }
        let kind = if user.is_operator { ActorKind::Operator } else { ActorKind::Member };
        let actor = Actor::person(user_id, email, kind);
        self.open_session(user_id, actor, memberships.first().map(|membership| membership.tenant), request).await
    }

    async fn open_session(
        &self,
        user: UserId,
        actor: Actor,
        tenant: Option<TenantId>,
        request: &RequestInfo,
    ) -> Result<Secret, ServiceError> {
        let token = Secret::new(random::token(self.random.as_ref()));
        let session = NewSession {
            token_hash: &token_hash(&token),
            id: self.new_id(),
            user,
            tenant,
            mfa: false,
            ip: request.ip.as_deref(),
            user_agent: request.user_agent.as_deref(),
        };
        let mut tx = self.database.router().await?;
        sessions::insert(&mut tx, &session).await?;
        people::touch_last_login(&mut tx, user).await?;
        let act = Act::new("auth.login", format!("session/{}", session.id));
        self.record(&mut tx, Self::trail_of(tenant), &actor, request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(token)
    }

    async fn audit_failed_login(&self, request: &RequestInfo) -> Result<(), ServiceError> {
        let mut tx = self.database.router().await?;
        let act = Act::new("auth.login_failed", "session").outcome(Outcome::Failed);
        self.record(&mut tx, Self::trail_of(None), &Actor::NOBODY, request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}
