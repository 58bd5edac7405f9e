//! What an audit entry says, and how entries are chained.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::ids::UserId;

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A person of a tenant, or somebody who is not known.
    Member,
    /// A person of the platform.
    Operator,
    /// The program itself.
    System,
}

impl ActorKind {
    /// The name used in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }

    /// By its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Member, Self::Operator, Self::System].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// It was done.
    #[default]
    Ok,
    /// It was not allowed.
    Refused,
    /// It was tried and did not work.
    Failed,
}

impl Outcome {
    /// The name used in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// By its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Refused, Self::Failed].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Every action that a tenant's trail can hold, in order; a test compares it with what the program records.
pub const ACTIONS: [&str; 47] = [
    "access.denied",
    "account.changed",
    "account.mfa_disabled",
    "account.mfa_enabled",
    "account.recovery_codes_renewed",
    "account.session_ended",
    "account.sessions_ended",
    "audit.expired",
    "audit.exported",
    "auth.login",
    "auth.login_failed",
    "auth.logout",
    "auth.mfa_failed",
    "auth.reauthenticated",
    "auth.tenant_switched",
    "auth.throttled",
    "password.changed",
    "password.reset",
    "password.reset_requested",
    "source.access_kept",
    "source.access_withdrawn",
    "source.account_chosen",
    "source.connected",
    "source.created",
    "source.deleted",
    "source.file_imported",
    "source.paused",
    "source.renamed",
    "source.resumed",
    "source.rhythm_changed",
    "source.sync_requested",
    "source.zone_changed",
    "team.invitation_resent",
    "team.invitation_revoked",
    "team.invited",
    "team.joined",
    "team.removed",
    "team.role_changed",
    "team.sessions_ended",
    "tenant.changed",
    "tenant.created",
    "tenant.deletion_cancelled",
    "tenant.deletion_scheduled",
    "tenant.limits_changed",
    "tenant.purged",
    "tenant.resumed",
    "tenant.suspended",
];

/// Every action that the platform's trail can hold, in order; the same test looks at both lists.
pub const PLATFORM_ACTIONS: [&str; 29] = [
    "access.denied",
    "account.changed",
    "account.mfa_disabled",
    "account.mfa_enabled",
    "account.recovery_codes_renewed",
    "account.session_ended",
    "account.sessions_ended",
    "auth.login",
    "auth.login_failed",
    "auth.logout",
    "auth.mfa_failed",
    "auth.reauthenticated",
    "auth.throttled",
    "job.replayed",
    "password.changed",
    "password.reset",
    "password.reset_requested",
    "tenant.changed",
    "tenant.created",
    "tenant.deletion_cancelled",
    "tenant.deletion_scheduled",
    "tenant.limits_changed",
    "tenant.purged",
    "tenant.resumed",
    "tenant.suspended",
    "user.activated",
    "user.deactivated",
    "user.mfa_reset",
    "user.operator_created",
];

/// An act to be recorded. Nothing in it is a secret.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Id of the entry.
    pub id: Uuid,
    /// Who did it, when known.
    pub actor: Option<UserId>,
    /// What they are.
    pub actor_kind: ActorKind,
    /// Their address at that time.
    pub actor_email: Option<&'a str>,
    /// What was done, for example `source.created`.
    pub action: &'a str,
    /// To what, for example `source/0193…`.
    pub resource: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// When; kept in microseconds.
    pub at: OffsetDateTime,
    /// What was before, of the fields that changed.
    pub before: Option<Value>,
    /// What is now.
    pub after: Option<Value>,
    /// Further facts.
    pub detail: Value,
    /// Client address, when known from the trusted hop.
    pub ip: Option<&'a str>,
    /// The browser's own name, shortened.
    pub user_agent: Option<&'a str>,
    /// The request's id.
    pub request_id: Option<&'a str>,
}

/// An entry's place in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Number, from 1 on.
    pub seq: i64,
    /// Digest of the entry before; empty at the beginning.
    pub previous: String,
    /// Keyed digest of this entry, its place and the digest before it: `kid:base64`.
    pub digest: String,
}

/// What a digest is made of: the same bytes whether the entry is about to be written or was read back.
pub fn canonical(chain: Uuid, seq: i64, previous: &str, entry: &Entry<'_>) -> Vec<u8> {
    let micros = entry.at.unix_timestamp_nanos() / 1_000;
    let fields = json!([
        chain,
        seq,
        previous,
        entry.id,
        entry.actor,
        entry.actor_kind.as_str(),
        entry.actor_email,
        entry.action,
        entry.resource,
        entry.outcome.as_str(),
        micros.to_string(),
        entry.before,
        entry.after,
        entry.detail,
        entry.ip,
        entry.user_agent,
        entry.request_id,
    ]);
    fields.to_string().into_bytes()
}
