//! Signing in.
//!
//! Every cause of failure costs the same: the same statements in the same order and one hash.

use std::sync::Arc;

use super::token_hash;
use crate::domain::audit::{ActorKind, Outcome};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::password;
use crate::domain::random;
use crate::domain::secret::Secret;
use crate::domain::throttle::{Key, Policy};
use crate::services::audit_trail::{Act, Actor, Trail};
use crate::services::error::ServiceError;
use crate::services::throttle::{ACCOUNT, ACCOUNT_AT_PLACE, DEVICE, PLACE, Waiting, key, place};
use crate::services::{RequestInfo, Services};
use crate::store::people::{self, Credentials};
use crate::store::sessions::{self, NewSession};
use crate::store::tokens::{self, Purpose};
use crate::store::{StoreError, Tx};

/// How long a person may take to type the code.
const TICKET_MINUTES: i32 = 5;

/// How a right password is answered.
#[derive(Debug)]
pub enum SignIn {
    /// The person is signed in.
    Done(Opened),
    /// The second factor is missing; with this ticket it can be given.
    CodeNeeded(Secret),
}

/// What a browser keeps of a login.
#[derive(Debug)]
pub struct Opened {
    /// The new session's token.
    pub token: Secret,
    /// The device's cookie.
    pub device: Secret,
}

/// What a person gives to sign in.
#[derive(Debug)]
pub struct Login<'a> {
    /// Address, in whatever case.
    pub email: &'a str,
    /// Password.
    pub password: Secret,
    /// The device's cookie, if there is one.
    pub device: Option<Secret>,
}

/// The person as the audit trail names them, and where.
pub(super) fn named(user: Option<&Credentials>) -> (Trail, Actor) {
    let Some(user) = user else { return (Trail::Platform(None), Actor::NOBODY) };
    let kind = if user.is_operator { ActorKind::Operator } else { ActorKind::Member };
    let actor = Actor::person(UserId(user.id), user.email.clone(), kind);
    (Services::trail_of(user.tenant_id.map(TenantId)), actor)
}

impl Services {
    /// Checks a password and opens a session, or asks for the second factor.
    pub async fn login(&self, login: Login<'_>, request: &RequestInfo) -> Result<SignIn, ServiceError> {
        let email = login.email.trim().to_lowercase();
        let user = if email.contains('\0') {
            // The database takes no such text; an unknown user then, at the same cost.
            None
        } else {
            let mut router = self.database.router_connection().await?;
            people::credentials(&mut router, &email).await?
        };
        let counted = self.login_keys(&email, user.as_ref(), login.device.as_ref(), request);
        let (trail, actor) = named(user.as_ref());
        self.throttle_noted("session", &counted, Waiting { trail, actor: &actor, request }).await?;
        // A password that is too long is a wrong one, after the same work.
        let normal = password::normal(&login.password);
        let fits = normal.is_some();
        let password = normal.unwrap_or_else(|| Secret::new(String::new()));
        let usable = user.filter(|user| user.may_sign_in() && fits);
        let stored = usable.as_ref().map(|user| user.password_hash.clone());
        let matches = self.passwords.verify(password.clone(), stored).await?;
        let Some(user) = usable.filter(|_| matches) else {
            let act = Act::new("auth.login_failed", "session").outcome(Outcome::Failed);
            self.note_alone(trail, &actor, request, act).await?;
            return Err(ServiceError::BadCredentials);
        };
        let answer = self.right_password(&user, password, &actor, request).await?;
        self.forgive(&counted).await?;
        Ok(answer)
    }

    /// Under what an attempt is counted: a known device of the person stands alone.
    fn login_keys(
        &self,
        email: &str,
        user: Option<&Credentials>,
        device: Option<&Secret>,
        request: &RequestInfo,
    ) -> Vec<(Key, Policy)> {
        if let Some(device) = user.and_then(|user| self.device_of(device, UserId(user.id))) {
            return vec![(key("login/device", &[&device.to_string()]), DEVICE)];
        }
        let place = place(request.ip.as_deref());
        vec![
            (key("login/account/place", &[email, &place]), ACCOUNT_AT_PLACE),
            (key("login/account", &[email]), ACCOUNT),
            (key("login/place", &[&place]), PLACE),
        ]
    }

    async fn right_password(
        &self,
        user: &Credentials,
        password: Secret,
        actor: &Actor,
        request: &RequestInfo,
    ) -> Result<SignIn, ServiceError> {
        let id = UserId(user.id);
        // Before the transaction: it is slow.
        let newer = if self.passwords.is_outdated(&user.password_hash) {
            Some(self.passwords.hash(password, Arc::clone(&self.random)).await?)
        } else {
            None
        };
        let mut tx = self.database.router().await?;
        if let Some(newer) = newer {
            people::rehash(&mut tx, id, (&user.password_hash, &newer)).await?;
        }
        let answer = if user.has_mfa {
            let ticket = Secret::new(random::token(self.random.as_ref()));
            let owner = (user.tenant_id.map_or(TenantId::PLATFORM, TenantId), id);
            let payload = serde_json::json!({});
            tokens::insert(&mut tx, &token_hash(&ticket), Purpose::Mfa, owner, &payload, TICKET_MINUTES).await?;
            SignIn::CodeNeeded(ticket)
        } else {
            SignIn::Done(self.open_session(&mut tx, user, false, actor, request).await?)
        };
        tx.commit().await.map_err(StoreError::from)?;
        Ok(answer)
    }

    /// Opens a session in the person's first tenant; the last thing a transaction does.
    pub(super) async fn open_session(
        &self,
        tx: &mut Tx,
        user: &Credentials,
        mfa: bool,
        actor: &Actor,
        request: &RequestInfo,
    ) -> Result<Opened, ServiceError> {
        let token = Secret::new(random::token(self.random.as_ref()));
        let id = UserId(user.id);
        let session = NewSession {
            token_hash: &token_hash(&token),
            id: self.new_id(),
            user: id,
            tenant: user.tenant_id.map(TenantId),
            mfa,
            ip: request.ip.as_deref(),
            user_agent: request.user_agent.as_deref(),
        };
        sessions::insert(tx, &session).await?;
        people::touch_last_login(tx, id).await?;
        let act = Act::new("auth.login", format!("session/{}", session.id)).detail(serde_json::json!({ "mfa": mfa }));
        self.record(tx, Self::trail_of(session.tenant), actor, request, act).await?;
        Ok(Opened { token, device: self.new_device(id)? })
    }

    /// Records an act that changed nothing else.
    pub(super) async fn note_alone(
        &self,
        trail: Trail,
        actor: &Actor,
        request: &RequestInfo,
        act: Act,
    ) -> Result<(), ServiceError> {
        let mut tx = self.database.router().await?;
        self.record(&mut tx, trail, actor, request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}
