//! Signing in and out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::ServiceError;
use super::{RequestInfo, Services};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::random;
use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::domain::tenant::TenantSettings;
use crate::store::StoreError;
use crate::store::audit::{self, Entry};
use crate::store::people::{self, Membership};
use crate::store::sessions::{self, NewSession, SessionRow};

/// Longest password that is looked at; a longer one is wrong whatever it is, after the same work.
const MAX_PASSWORD: usize = 1024;

/// A signed-in person.
#[derive(Debug, Clone)]
pub struct Session {
    /// Public id of the session.
    pub id: Uuid,
    /// The person.
    pub user: User,
    /// Where they work now; none for operators.
    pub tenant: Option<CurrentTenant>,
    /// Their role there.
    pub role: Option<Role>,
}

/// A person as the site shows them.
#[derive(Debug, Clone)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// Language.
    pub locale: String,
}

/// The tenant a session works in.
#[derive(Debug, Clone)]
pub struct CurrentTenant {
    /// Id.
    pub id: TenantId,
    /// Name.
    pub name: String,
    /// Settings.
    pub settings: TenantSettings,
}

/// A session with the tenants its person can switch to.
#[derive(Debug)]
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// All tenants of the person.
    pub tenants: Vec<Membership>,
}

/// The hash under which a session token is stored.
pub fn token_hash(token: &Secret) -> Vec<u8> {
    Sha256::digest(token.expose().as_bytes()).to_vec()
}

/// The CSRF token of a session: made from the session's token, so nothing more needs storing, and useless without it.
pub fn csrf_token(token: &Secret) -> String {
    let mut digest = Sha256::new();
    digest.update(b"csrf\0");
    digest.update(token.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

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
            self.audit_login(None, "auth.login_failed", request).await?;
            return Err(ServiceError::BadCredentials);
        };
        let user_id = UserId(user.id);
        let memberships = self.memberships(user_id).await?;
        if memberships.is_empty() && !user.is_operator {
            self.audit_login(Some(user_id), "auth.login_failed", request).await?;
            return Err(ServiceError::BadCredentials);
        }
        self.open_session(user_id, memberships.first().map(|membership| membership.tenant), request).await
    }

    async fn open_session(
        &self,
        user: UserId,
        tenant: Option<TenantId>,
        request: &RequestInfo,
    ) -> Result<Secret, ServiceError> {
        let token = Secret::new(random::token(self.random.as_ref()));
        let session = NewSession {
            token_hash: &token_hash(&token),
            id: self.new_id(),
            user,
            tenant,
            ip: request.ip.as_deref(),
            user_agent: request.user_agent.as_deref(),
        };
        let mut tx = self.database.router().await?;
        sessions::insert(&mut tx, &session).await?;
        people::touch_last_login(&mut tx, user).await?;
        audit::record_platform(&mut tx, &self.login_entry(Some(user), "auth.login", request)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(token)
    }

    async fn audit_login(&self, user: Option<UserId>, action: &str, request: &RequestInfo) -> Result<(), ServiceError> {
        let mut router = self.database.router_connection().await?;
        audit::record_platform(&mut router, &self.login_entry(user, action, request)).await?;
        Ok(())
    }

    fn login_entry<'a>(&self, actor: Option<UserId>, action: &'a str, request: &'a RequestInfo) -> Entry<'a> {
        Entry {
            id: self.new_id(),
            actor,
            action,
            resource: "session",
            at: self.now(),
            detail: serde_json::json!({}),
            ip: request.ip.as_deref(),
            request_id: Some(&request.id),
        }
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, ServiceError> {
        let mut router = self.database.router_connection().await?;
        Ok(people::memberships(&mut router, user).await?)
    }

    /// The live session of a token.
    pub async fn session(&self, token: &Secret) -> Result<Session, ServiceError> {
        let hash = token_hash(token);
        let mut router = self.database.router_connection().await?;
        let row = sessions::find(&mut router, &hash).await?.ok_or(ServiceError::Unauthenticated)?;
        if row.stale {
            sessions::touch(&mut router, &hash).await?;
        }
        Ok(session_from(row)?)
    }

    /// The live session of a token with the person's tenants.
    pub async fn session_view(&self, token: &Secret) -> Result<SessionView, ServiceError> {
        let session = self.session(token).await?;
        let tenants = self.memberships(session.user.id).await?;
        Ok(SessionView { session, tenants })
    }

    /// Ends the session of a token.
    pub async fn logout(&self, token: &Secret, request: &RequestInfo) -> Result<(), ServiceError> {
        let session = self.session(token).await?;
        let mut tx = self.database.router().await?;
        sessions::delete(&mut tx, &token_hash(token)).await?;
        audit::record_platform(&mut tx, &self.login_entry(Some(session.user.id), "auth.logout", request)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Moves a session to another tenant of the same person.
    pub async fn switch_tenant(&self, token: &Secret, tenant: TenantId) -> Result<(), ServiceError> {
        let session = self.session(token).await?;
        let member = self.memberships(session.user.id).await?.into_iter().any(|membership| membership.tenant == tenant);
        if !member {
            return Err(ServiceError::NotFound);
        }
        let mut router = self.database.router_connection().await?;
        sessions::set_tenant(&mut router, &token_hash(token), tenant).await?;
        Ok(())
    }
}

fn session_from(row: SessionRow) -> Result<Session, StoreError> {
    let tenant = match (row.tenant_id, row.tenant_name, row.settings) {
        (Some(id), Some(name), Some(settings)) => Some(CurrentTenant { id: TenantId(id), name, settings: settings.0 }),
        _ => None,
    };
    let role = match (&tenant, row.role, row.is_operator) {
        (Some(_), Some(role), _) => {
            Some(Role::parse_member(&role).ok_or(StoreError::Inconsistent("memberships.role"))?)
        }
        (None, _, true) => Some(Role::Operator),
        _ => None,
    };
    Ok(Session {
        id: row.id,
        user: User { id: UserId(row.user_id), email: row.email, name: row.user_name, locale: row.locale },
        tenant,
        role,
    })
}
