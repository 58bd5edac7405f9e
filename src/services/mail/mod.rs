//! Mails: ordered in the transaction of the act that they tell of, written and sent by a job.
//!
//! A job's row holds ids and a kind, never a link or a token: those are made when the mail is sent. `send.rs` works on a
//! job, `compose.rs` finds out who gets what, `text.rs` says it, `layout.rs` sets it.

mod compose;
mod layout;
mod send;
mod text;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Services;
use super::error::ServiceError;
use crate::domain::ids::{JobId, SourceId, TenantId, UserId};
use crate::store::Tx;
use crate::store::jobs::{self, NewJob};

pub(crate) use compose::WELCOME_MINUTES;

/// The queue of mails.
pub const QUEUE: &str = "mail";

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// A link to choose a new password, if the address belongs to an active person; nothing otherwise.
    PasswordReset {
        /// Address in lower case.
        email: String,
    },
    /// A link to choose the first password, for a new operator.
    OperatorWelcome {
        /// The operator.
        user: UserId,
    },
    /// A link to join a tenant.
    Invitation {
        /// The invitation, in the job's tenant.
        invitation: Uuid,
    },
    /// A provider no longer takes the access under which a source is read: an admin must connect it again.
    AccessLost {
        /// The admin.
        user: UserId,
        /// The source whose run found out, in the job's tenant.
        source: SourceId,
    },
    /// Something happened to the person's account.
    Notice {
        /// The person.
        user: UserId,
        /// What happened.
        notice: Notice,
    },
}

/// What a person is told of their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The password was changed by someone who knew it.
    PasswordChanged,
    /// The password was replaced through a link.
    PasswordReset,
    /// A second factor was set up.
    MfaEnabled,
    /// The second factor was removed.
    MfaDisabled,
    /// An operator removed the second factor.
    MfaReset,
    /// A recovery code was used.
    RecoveryCodeUsed,
}

impl Services {
    /// Orders a mail in the transaction of the act; announce the job after its commit. As any role that may add jobs.
    pub async fn order_mail(&self, tx: &mut Tx, tenant: TenantId, order: &Order) -> Result<JobId, ServiceError> {
        let id = JobId(self.new_id());
        let payload = serde_json::to_value(order).map_err(|error| ServiceError::Internal(Box::new(error)))?;
        let key = format!("mail:{id}");
        let job = NewJob { id, kind: "mail", queue: QUEUE, dedup_key: &key, exclusive_key: None, payload };
        jobs::add(tx, tenant, &job).await?;
        Ok(id)
    }

    /// Tells the queue about an ordered mail, after the commit.
    pub async fn announce_mail(&self, tenant: TenantId, job: JobId) {
        self.announce(tenant, job, QUEUE, None).await;
    }
}

/// What the database keeps of the token in a mail's link.
pub fn mailed_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
