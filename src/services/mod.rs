//! Use cases. They open and commit transactions, call the outside world between them, and never hold one across a
//! network call.

pub mod auth;
pub mod catalog;
pub mod connect;
pub mod csv_import;
pub mod error;
pub mod figures;
pub mod health;
pub mod housekeeping;
pub mod ingest;
pub mod jobs;
pub mod provisioning;
pub mod schedule;
pub mod sources;

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::connectors::ga4::Ga4Client;
use crate::connectors::oauth::OAuthClient;
use crate::domain::clock::Clock;
use crate::domain::ids::{TenantId, UserId, new_id};
use crate::domain::lang::Lang;
use crate::domain::random::Random;
use crate::domain::role::Role;
use crate::domain::tenant::TenantSettings;
use crate::platform::passwords::Passwords;
use crate::platform::queue::Queue;
use crate::platform::sealing::KeyRing;
use crate::store::audit::Entry;
use crate::store::{Database, Tx, audit};

use error::ServiceError;

/// What all use cases share; made once in `app.rs`.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub database: Database,
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
    /// Turns to import a file.
    pub imports: Arc<Semaphore>,
    /// Google's OAuth client.
    pub google: OAuthClient,
    /// Google Analytics 4.
    pub ga4: Ga4Client,
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
    /// Their role.
    pub role: Role,
    /// The request.
    pub request: RequestInfo,
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

    /// Records an act of the caller in the transaction of the act.
    pub(crate) async fn audit(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        action: &str,
        resource: &str,
        detail: serde_json::Value,
    ) -> Result<(), ServiceError> {
        let entry = Entry {
            id: self.new_id(),
            actor: Some(caller.user),
            action,
            resource,
            at: self.now(),
            detail,
            ip: caller.request.ip.as_deref(),
            request_id: Some(&caller.request.id),
        };
        audit::record(tx, caller.tenant, &entry).await?;
        Ok(())
    }
}
