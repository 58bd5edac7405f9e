//! Use cases. They open and commit transactions, call the outside world between them, and never hold one across a
//! network call.

pub mod access;
pub mod accounts;
mod ages;
pub mod audit_reading;
pub mod audit_trail;
pub mod auth;
pub mod catalog;
pub mod connect;
pub mod csv_import;
pub mod error;
pub mod figures;
pub mod health;
pub mod housekeeping;
pub mod ingest;
pub mod invitations;
pub mod jobs;
pub mod limits;
pub mod mail;
mod names;
pub mod operator;
mod paging;
pub mod provisioning;
pub mod reseal;
pub mod retention;
pub mod run_history;
pub mod schedule;
pub mod sharing;
pub mod source_changes;
pub mod source_views;
pub mod sources;
pub mod team;
pub mod tenant;
pub mod throttle;
mod version;
pub mod withdrawals;

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::connectors::registry::Connectors;
use crate::domain::audit::ActorKind;
use crate::domain::clock::Clock;
use crate::domain::ids::{TenantId, UserId, new_id};
use crate::domain::lang::Lang;
use crate::domain::random::Random;
use crate::domain::role::Role;
use crate::domain::tenant::TenantSettings;
use crate::domain::throttle::Counters;
use crate::platform::mail::Mailer;
use crate::platform::passwords::Passwords;
use crate::platform::queue::Queue;
use crate::platform::sealing::KeyRing;
use crate::store::{Database, OperatorDatabase};

use audit_trail::Actor;
use error::ServiceError;

/// What all use cases share; made once in `app.rs`.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub database: Database,
    /// The database as operators' acts see it.
    pub operator_database: OperatorDatabase,
    /// The business clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Sealing keys.
    pub keys: Arc<KeyRing>,
    /// Where job messages go.
    pub queue: Arc<dyn Queue>,
    /// Password hashing.
    pub passwords: Passwords,
    /// Counted attempts.
    pub counters: Arc<dyn Counters>,
    /// Where mails go.
    pub mailer: Arc<dyn Mailer>,
    /// What the portal is in its own mails and links.
    pub identity: Arc<PortalIdentity>,
    /// Turns to import a file.
    pub imports: Arc<Semaphore>,
    /// The providers.
    pub connectors: Connectors,
}

/// What the portal is in mails, links and authenticator apps.
#[derive(Debug, Clone)]
pub struct PortalIdentity {
    /// The one origin that browsers see; every link begins with it, whatever a request says.
    pub origin: url::Url,
    /// Name in mails and authenticator apps.
    pub name: String,
    /// Operators may sign in without a second factor (local profile only).
    pub lenient_operators: bool,
}

/// Who asks: a member of a tenant in one request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant, from the session and from nowhere else.
    pub tenant: TenantId,
    /// Its settings.
    pub settings: TenantSettings,
    /// The person.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// Public id of the session.
    pub session: Uuid,
    /// The password was given within the last minutes.
    pub fresh: bool,
    /// A second factor was given at sign-in.
    pub mfa: bool,
    /// The request.
    pub request: RequestInfo,
}

impl Caller {
    /// As the audit trail names them.
    pub fn actor(&self) -> Actor {
        Actor::person(self.user, self.email.clone(), ActorKind::Member)
    }

    /// Refuses a sensitive act when the password was given too long ago.
    pub fn require_fresh(&self) -> Result<(), ServiceError> {
        if self.fresh { Ok(()) } else { Err(ServiceError::ReauthRequired) }
    }
}

/// Who asks: a person of the platform.
#[derive(Debug, Clone)]
pub struct OperatorCaller {
    /// The person.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The password was given within the last minutes.
    pub fresh: bool,
    /// The request.
    pub request: RequestInfo,
}

impl OperatorCaller {
    /// As the audit trail names them.
    pub fn actor(&self) -> Actor {
        Actor::person(self.user, self.email.clone(), ActorKind::Operator)
    }

    /// Refuses a sensitive act when the password was given too long ago.
    pub fn require_fresh(&self) -> Result<(), ServiceError> {
        if self.fresh { Ok(()) } else { Err(ServiceError::ReauthRequired) }
    }
}

/// What is known of a request before anyone has signed in.
#[derive(Debug, Clone, Default)]
pub struct RequestInfo {
    /// Id that is in the answer and in the log.
    pub id: String,
    /// Language to answer in.
    pub lang: Lang,
    /// Client address, when it came through the trusted hop.
    pub ip: Option<String>,
    /// The browser's own name, shortened.
    pub user_agent: Option<String>,
}

impl Services {
    /// A fresh id.
    pub fn new_id(&self) -> Uuid {
        new_id(self.clock.as_ref(), self.random.as_ref())
    }

    /// The present instant of the business clock.
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}
