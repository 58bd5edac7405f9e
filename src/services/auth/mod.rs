//! Sessions: finding, moving, ending. `login.rs` opens them.

pub mod account;
mod change;
mod codes;
mod confirm;
mod device;
mod login;
pub mod password;
mod totp;

pub use confirm::Person;
pub use device::DAYS as DEVICE_DAYS;
pub use login::{Login, Opened, SignIn};
pub use totp::{Enrollment, RecoveryCodes};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::audit_trail::{Act, Actor, Trail};
use super::error::ServiceError;
use super::{RequestInfo, Services, throttle};
use crate::domain::audit::{ActorKind, Outcome};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::random;
use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::domain::tenant::TenantSettings;
use crate::domain::throttle::{Policy, Verdict};
use crate::store::people::{self, Membership};
use crate::store::sessions::{self, SessionRow};
use crate::store::{StoreError, Tx};

/// Refused requests of one person that are recorded in an hour.
const DENIED_PER_HOUR: i32 = 60;

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
    /// A second factor was given at sign-in.
    pub mfa: bool,
    /// They must set up a second factor before anything else.
    pub must_enroll: bool,
    /// The password was given within the last minutes.
    pub fresh: bool,
}

impl Session {
    /// As the audit trail names its person.
    pub fn actor(&self) -> Actor {
        let kind = if self.role == Some(Role::Operator) { ActorKind::Operator } else { ActorKind::Member };
        Actor::person(self.user.id, self.user.email.clone(), kind)
    }

    /// The tenant's id.
    pub fn tenant_id(&self) -> Option<TenantId> {
        self.tenant.as_ref().map(|tenant| tenant.id)
    }
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
    /// They have a second factor.
    pub mfa: bool,
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
    /// The live session of a token.
    ///
    /// `counts_as_use` is false for requests that a page makes while nobody is there: they do not keep it alive.
    pub async fn session(&self, token: &Secret, counts_as_use: bool) -> Result<Session, ServiceError> {
        let hash = token_hash(token);
        let mut router = self.database.router_connection().await?;
        let row = sessions::find(&mut router, &hash).await?.ok_or(ServiceError::Unauthenticated)?;
        if row.stale && counts_as_use {
            sessions::touch(&mut router, &hash).await?;
        }
        Ok(session_from(row, self.identity.lenient_operators)?)
    }

    /// The live session of a token with the person's tenants.
    pub async fn session_view(&self, token: &Secret) -> Result<SessionView, ServiceError> {
        let session = self.session(token, true).await?;
        let tenants = self.memberships(session.user.id).await?;
        Ok(SessionView { session, tenants })
    }

    /// Ends a session.
    pub async fn logout(&self, token: &Secret, session: &Session, request: &RequestInfo) -> Result<(), ServiceError> {
        let mut tx = self.database.router().await?;
        sessions::delete(&mut tx, &token_hash(token)).await?;
        let act = Act::new("auth.logout", format!("session/{}", session.id));
        self.record(&mut tx, Self::trail_of(session.tenant_id()), &session.actor(), request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Moves a session to another tenant of the same person, under a new token: its privileges change.
    pub async fn switch_tenant(
        &self,
        token: &Secret,
        session: &Session,
        tenant: TenantId,
        request: &RequestInfo,
    ) -> Result<Secret, ServiceError> {
        let member = self.memberships(session.user.id).await?.into_iter().any(|membership| membership.tenant == tenant);
        if !member {
            return Err(ServiceError::NotFound);
        }
        let mut tx = self.database.router().await?;
        let fresh = self.rotate(&mut tx, token).await?;
        sessions::set_tenant(&mut tx, &token_hash(&fresh), tenant).await?;
        let act = Act::new("auth.tenant_switched", format!("session/{}", session.id));
        self.record(&mut tx, Trail::Tenant(tenant), &session.actor(), request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(fresh)
    }

    /// Gives a session a new token; the old one is nobody's from the commit on.
    pub(crate) async fn rotate(&self, tx: &mut Tx, token: &Secret) -> Result<Secret, ServiceError> {
        let fresh = Secret::new(random::token(self.random.as_ref()));
        if !sessions::rotate(tx, &token_hash(token), &token_hash(&fresh)).await? {
            return Err(ServiceError::Unauthenticated);
        }
        Ok(fresh)
    }

    /// Records that somebody asked for what their role does not allow; not every one of a flood.
    pub async fn note_denied(
        &self,
        session: &Session,
        request: &RequestInfo,
        method: &str,
        path: &str,
    ) -> Result<(), ServiceError> {
        let key = throttle::key("denied", &[&session.user.id.to_string()]);
        let policy = Policy::Window { most: DENIED_PER_HOUR, per: 3_600 };
        if let Verdict::Wait(_) = self.counters.hit(&key, policy).await? {
            return Ok(());
        }
        let mut tx = self.database.router().await?;
        let act = Act::new("access.denied", path).outcome(Outcome::Refused);
        let act = act.detail(serde_json::json!({ "method": method }));
        self.record(&mut tx, Self::trail_of(session.tenant_id()), &session.actor(), request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, ServiceError> {
        let mut router = self.database.router_connection().await?;
        Ok(people::memberships(&mut router, user).await?)
    }
}

fn session_from(row: SessionRow, lenient_operators: bool) -> Result<Session, StoreError> {
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
    let enforced = match &tenant {
        Some(tenant) => tenant.settings.require_mfa,
        None => row.is_operator && !lenient_operators,
    };
    let id = UserId(row.user_id);
    Ok(Session {
        id: row.id,
        user: User { id, email: row.email, name: row.user_name, locale: row.locale, mfa: row.has_mfa },
        tenant,
        role,
        mfa: row.mfa,
        must_enroll: enforced && !row.has_mfa,
        fresh: row.fresh,
    })
}
