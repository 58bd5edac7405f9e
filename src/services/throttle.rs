//! Counting attempts: which keys, how fast.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::audit_trail::{Act, Actor, Trail};
use super::error::ServiceError;
use super::{RequestInfo, Services};
use crate::domain::audit::Outcome;
use crate::domain::throttle::{Key, Policy, Verdict};
use crate::store::StoreError;

// What these add up to for an attacker and for a victim stands in docs/security.md.

/// Passwords tried for one account from one place.
pub(crate) const ACCOUNT_AT_PLACE: Policy = Policy::Backoff { free: 5, first: 2, most: 900, forget: 3_600 };
/// Passwords tried for one account, wherever from.
pub(crate) const ACCOUNT: Policy = Policy::Backoff { free: 20, first: 1, most: 60, forget: 3_600 };
/// Passwords tried from one place, whatever the account.
pub(crate) const PLACE: Policy = Policy::Backoff { free: 50, first: 1, most: 60, forget: 3_600 };
/// Passwords tried with the cookie of a device where this person has signed in before.
pub(crate) const DEVICE: Policy = Policy::Backoff { free: 5, first: 2, most: 900, forget: 3_600 };
/// Passwords given again by somebody who is signed in.
pub(crate) const CONFIRMATION: Policy = Policy::Backoff { free: 5, first: 2, most: 900, forget: 3_600 };
/// Codes of a second factor.
pub(crate) const CODE: Policy = Policy::Backoff { free: 5, first: 30, most: 900, forget: 3_600 };
/// Links asked for by one address; more are not sent, and nobody is told.
pub(crate) const FORGOT_ADDRESS: Policy = Policy::Window { most: 5, per: 3_600 };
/// Links asked for from one place.
pub(crate) const FORGOT_PLACE: Policy = Policy::Window { most: 20, per: 3_600 };
/// Links tried from one place.
pub(crate) const LINK_PLACE: Policy = Policy::Window { most: 60, per: 3_600 };

/// The key under which attempts are counted: a digest of what they have in common.
pub fn key(what: &str, parts: &[&str]) -> Key {
    let mut digest = Sha256::new();
    digest.update(what.as_bytes());
    for part in parts {
        digest.update([0]);
        digest.update(part.as_bytes());
    }
    digest.finalize().into()
}

/// What counts as one place: an address, of IPv6 the network that one customer gets.
pub fn place(ip: Option<&str>) -> String {
    match ip.map(str::parse) {
        Some(Ok(IpAddr::V6(address))) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => format!("{:x?}", &address.segments()[..4]),
        },
        Some(Ok(IpAddr::V4(address))) => address.to_string(),
        _ => "unknown".to_owned(),
    }
}

/// Who is told to wait, for the audit trail.
pub(crate) struct Waiting<'a> {
    /// Where it is recorded.
    pub trail: Trail,
    /// Who tries, or whom they try to be.
    pub actor: &'a Actor,
    /// The request.
    pub request: &'a RequestInfo,
}

impl Services {
    /// Counts an attempt under each key, or says how long to wait; then none of them has counted it.
    pub async fn throttle(&self, counted: &[(Key, Policy)]) -> Result<(), ServiceError> {
        self.count(counted).await?.map_or(Ok(()), |(_, seconds)| Err(throttled(seconds)))
    }

    /// The same; that somebody has to wait is recorded once for each wait, not for each attempt in it.
    pub(crate) async fn throttle_noted(
        &self,
        what: &str,
        counted: &[(Key, Policy)],
        who: Waiting<'_>,
    ) -> Result<(), ServiceError> {
        let Some((blocked, seconds)) = self.count(counted).await? else { return Ok(()) };
        let noted = Sha256::digest([b"noted\0".as_slice(), &blocked].concat()).into();
        if self.counters.hit(&noted, Policy::Window { most: 1, per: seconds }).await? == Verdict::Go {
            let mut tx = self.database.router().await?;
            let act = Act::new("auth.throttled", what).outcome(Outcome::Refused);
            self.record(&mut tx, who.trail, who.actor, who.request, act).await?;
            tx.commit().await.map_err(StoreError::from)?;
        }
        Err(throttled(seconds))
    }

    /// The key that makes an attempt wait and for how many seconds; none: it was counted under all of them.
    async fn count(&self, counted: &[(Key, Policy)]) -> Result<Option<(Key, i32)>, ServiceError> {
        for (at, (key, policy)) in counted.iter().enumerate() {
            if let Verdict::Wait(wait) = self.counters.hit(key, *policy).await? {
                for (earlier, _) in &counted[..at] {
                    self.counters.take_back(earlier).await?;
                }
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                return Ok(Some((*key, i32::try_from(seconds).unwrap_or(i32::MAX))));
            }
        }
        Ok(None)
    }

    /// After a success: forgets the first key, takes the attempt back from the others.
    pub(crate) async fn forgive(&self, counted: &[(Key, Policy)]) -> Result<(), ServiceError> {
        let Some(((own, _), shared)) = counted.split_first() else { return Ok(()) };
        self.counters.forget(own).await?;
        for (key, _) in shared {
            self.counters.take_back(key).await?;
        }
        Ok(())
    }
}

fn throttled(seconds: i32) -> ServiceError {
    ServiceError::Throttled(u64::from(seconds.unsigned_abs()))
}
