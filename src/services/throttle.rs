//! Counting attempts: which keys, how fast.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::Services;
use super::error::ServiceError;
use crate::domain::throttle::{Key, Policy, Verdict};

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

impl Services {
    /// Counts an attempt under each key, or says how long to wait; then none of them has counted it.
    pub async fn throttle(&self, counted: &[(Key, Policy)]) -> Result<(), ServiceError> {
        for (at, (key, policy)) in counted.iter().enumerate() {
            if let Verdict::Wait(wait) = self.counters.hit(key, *policy).await? {
                for (earlier, _) in &counted[..at] {
                    self.counters.take_back(earlier).await?;
                }
                return Err(ServiceError::Throttled(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)));
            }
        }
        Ok(())
    }
}
