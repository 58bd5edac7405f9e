//! An authorization server that is as strict as RFC 9700 wants it: a refresh token serves once, and one that comes
//! again takes back everything that came of the same consent.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::google::{SCOPE, Seen};

/// What it has given out.
#[derive(Default)]
pub struct Grants {
    /// Seconds that an access token says it serves.
    lifetime: u32,
    /// Requests that an access token serves.
    uses: usize,
    issued: u32,
    /// Refresh tokens: their consent, and whether they were used.
    refresh: HashMap<String, (u32, bool)>,
    /// Access tokens: their consent, and how often they still serve.
    access: HashMap<String, (u32, usize)>,
    withdrawn: HashSet<u32>,
}

impl Grants {
    pub fn new(lifetime: u32, uses: usize) -> Self {
        Self { lifetime, uses, ..Self::default() }
    }

    /// Takes back all that was given so far.
    pub fn withdraw(&mut self) {
        self.withdrawn.extend(self.refresh.values().map(|known| known.0));
    }

    /// The access tokens of now no longer serve.
    pub fn expire(&mut self) {
        self.access.clear();
    }

    /// Whether an API takes the token of this request.
    pub fn admits(&mut self, token: &str) -> bool {
        let Some((consent, left)) = self.access.get_mut(token) else { return false };
        if *left == 0 || self.withdrawn.contains(consent) {
            return false;
        }
        *left -= 1;
        true
    }

    /// The token endpoint: an answer, or the refusal.
    pub fn token(&mut self, seen: &Seen) -> Result<Value, Value> {
        if seen.form("grant_type").as_deref() == Some("authorization_code") {
            self.issued += 1;
            return Ok(self.issue(self.issued));
        }
        let refused = json!({"error": "invalid_grant", "error_description": "grant request is invalid"});
        let sent = seen.form("refresh_token").unwrap_or_default();
        let Some((consent, used)) = self.refresh.get_mut(&sent) else { return Err(refused) };
        let consent = *consent;
        if std::mem::replace(used, true) {
            self.withdrawn.insert(consent);
        }
        if self.withdrawn.contains(&consent) { Err(refused) } else { Ok(self.issue(consent)) }
    }

    fn issue(&mut self, consent: u32) -> Value {
        self.issued += 1;
        let (access, refresh) = (format!("canary-access-{}", self.issued), format!("canary-refresh-{}", self.issued));
        self.access.insert(access.clone(), (consent, self.uses));
        self.refresh.insert(refresh.clone(), (consent, false));
        json!({
            "access_token": access, "refresh_token": refresh, "expires_in": self.lifetime, "scope": SCOPE,
            "token_type": "Bearer"
        })
    }
}
