//! Recording what was done: in the transaction of the act, chained, without secrets.

use serde_json::Value;

use super::error::ServiceError;
use super::{Caller, RequestInfo, Services};
use crate::domain::audit::{ActorKind, Entry, Link, Outcome, canonical};
use crate::domain::ids::{TenantId, UserId};
use crate::store::{Tx, audit};

pub use crate::store::audit::Trail;

/// Who acts.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Their id, when known.
    pub id: Option<UserId>,
    /// Their address, when known.
    pub email: Option<String>,
    /// What they are.
    pub kind: ActorKind,
}

impl Actor {
    /// A person who is known.
    pub fn person(id: UserId, email: impl Into<String>, kind: ActorKind) -> Self {
        Self { id: Some(id), email: Some(email.into()), kind }
    }

    /// Somebody who did not say who they are.
    pub const NOBODY: Self = Self { id: None, email: None, kind: ActorKind::Member };
    /// The program itself.
    pub const SYSTEM: Self = Self { id: None, email: None, kind: ActorKind::System };
}

/// What was done.
#[derive(Debug)]
pub struct Act {
    action: &'static str,
    resource: String,
    outcome: Outcome,
    before: Option<Value>,
    after: Option<Value>,
    detail: Value,
}

impl Act {
    /// An act that succeeded: `team.removed` of `user/0193…`.
    pub fn new(action: &'static str, resource: impl Into<String>) -> Self {
        let detail = Value::Object(serde_json::Map::new());
        Self { action, resource: resource.into(), outcome: Outcome::Ok, before: None, after: None, detail }
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The changed fields before and after.
    #[must_use]
    pub fn change(mut self, before: Value, after: Value) -> Self {
        (self.before, self.after) = (Some(before), Some(after));
        self
    }

    /// Further facts.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

impl Services {
    /// Records an act of the caller in their tenant, in the transaction of the act: the last thing before its commit.
    pub(crate) async fn audit(&self, tx: &mut Tx, caller: &Caller, act: Act) -> Result<(), ServiceError> {
        self.record(tx, Trail::Tenant(caller.tenant), &caller.actor(), &caller.request, act).await
    }

    /// Records an act, as whichever role the transaction is.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        trail: Trail,
        actor: &Actor,
        request: &RequestInfo,
        act: Act,
    ) -> Result<(), ServiceError> {
        let entry = Entry {
            id: self.new_id(),
            actor: actor.id,
            actor_kind: actor.kind,
            actor_email: actor.email.as_deref(),
            action: act.action,
            resource: &act.resource,
            outcome: act.outcome,
            at: self.now(),
            before: act.before,
            after: act.after,
            detail: act.detail,
            ip: request.ip.as_deref(),
            user_agent: request.user_agent.as_deref(),
            request_id: Some(request.id.as_str()).filter(|id| !id.is_empty()),
        };
        let (seq, previous) = audit::advance(tx, trail).await?;
        let digest = self.keys.digest(&canonical(trail.chain(), seq, &previous, &entry))?;
        audit::insert(tx, trail, &entry, &Link { seq, previous, digest }).await?;
        Ok(())
    }

    /// Where an act of a person is recorded: in their tenant, or in the platform's trail when they have none.
    pub(crate) fn trail_of(tenant: Option<TenantId>) -> Trail {
        tenant.map_or(Trail::Platform(None), Trail::Tenant)
    }
}
