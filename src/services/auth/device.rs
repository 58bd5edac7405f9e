//! The cookie of a device where somebody has signed in before: guesses of strangers do not slow down its person.
//!
//! OWASP, "Slow Down Online Guessing Attacks with Device Cookies". It signs nobody in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::ids::UserId;
use crate::domain::secret::Secret;
use crate::services::Services;
use crate::services::error::ServiceError;

/// How long a device is known, in days.
pub const DAYS: i64 = 180;
const PLACE: &str = "device";

#[derive(Serialize, Deserialize)]
struct Known {
    user: UserId,
    device: Uuid,
    /// Seconds since 1970.
    since: i64,
}

impl Services {
    /// A device on which this person has just proven who they are.
    pub(super) fn new_device(&self, user: UserId) -> Result<Secret, ServiceError> {
        let internal = |error: serde_json::Error| ServiceError::Internal(Box::new(error));
        let known = Known { user, device: self.new_id(), since: self.now().unix_timestamp() };
        let text = Secret::new(serde_json::to_string(&known).map_err(internal)?);
        let sealed = self.keys.seal(PLACE, &text, self.random.as_ref())?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sealed).map_err(internal)?)))
    }

    /// The device of a cookie, if this very person has signed in there.
    pub(super) fn device_of(&self, cookie: Option<&Secret>, user: UserId) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie?.expose()).ok()?;
        let text = self.keys.open(PLACE, &serde_json::from_slice(&bytes).ok()?).ok()?;
        let known: Known = serde_json::from_str(text.expose()).ok()?;
        let age = self.now().unix_timestamp() - known.since;
        (known.user == user && age < DAYS * 86_400).then_some(known.device)
    }
}
