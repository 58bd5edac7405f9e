//! Consents, codes and tokens: what the sandbox's Google remembers, kept in a file across restarts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalogue::{self, Person};
use super::clock::write_atomically;

/// Scope names.
pub type Scopes = BTreeSet<String>;

/// Live refresh tokens per account and client; one more kills the oldest without a word.
pub const MAX_REFRESH_TOKENS: usize = 100;
/// Seconds for which an access token is valid, as Google's answers say.
const ACCESS_SECONDS: i64 = 3_599;
/// `email` as Google writes it in its answers, whatever the client wrote.
pub const EMAIL_SCOPE: &str = "https://www.googleapis.com/auth/userinfo.email";
const CODE_SECONDS: i64 = 60;

/// What a code was given for.
#[derive(Debug, Clone)]
pub struct Code {
    /// Who consented.
    pub email: String,
    /// What the token may do.
    pub scopes: Scopes,
    /// The exact address that the code was sent to.
    pub redirect_uri: String,
    /// PKCE challenge (S256), if the request had one.
    pub challenge: Option<String>,
    /// Whether the exchange yields a refresh token.
    pub refreshable: bool,
    /// Last moment to use it.
    expires: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Token {
    /// SHA-256 of the token; the token itself is not kept.
    hash: String,
    email: String,
    scopes: Scopes,
    /// Unix seconds; only for access tokens.
    expires: Option<i64>,
}

/// The part that survives a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// Scopes that each account has granted to the client.
    consents: BTreeMap<String, Scopes>,
    /// Oldest first.
    refresh: Vec<Token>,
    access: Vec<Token>,
}

/// What the control API may change, for clients of stricter vendors; not kept across restarts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Habits {
    /// Each refresh replaces the refresh token; the old one is dead.
    pub rotate: bool,
    /// Seconds for which an access token is valid.
    pub access_seconds: i64,
}

impl Default for Habits {
    fn default() -> Self {
        Self { rotate: false, access_seconds: ACCESS_SECONDS }
    }
}

/// All grants to the one client.
#[derive(Debug)]
pub struct Grants {
    file: PathBuf,
    kept: Kept,
    codes: HashMap<String, Code>,
    /// How tokens are given.
    pub habits: Habits,
}

impl Grants {
    /// Reads the file; an absent one is an empty state, an unreadable one an error.
    pub fn load(file: PathBuf) -> std::io::Result<Self> {
        let kept = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, kept, codes: HashMap::new(), habits: Habits::default() })
    }

    fn save(&self) -> std::io::Result<()> {
        write_atomically(&self.file, &serde_json::to_vec(&self.kept)?)
    }

    /// Records a consent and returns its code. `ticked` are the scopes left ticked, `add_granted` adds those granted
    /// before, `offline` asks for a refresh token, which comes on the first consent only unless `forced`.
    pub fn consent(&mut self, consent: Consent, now: DateTime<Utc>) -> std::io::Result<(String, Scopes)> {
        let before = self.kept.consents.get(&consent.email);
        let first = before.is_none();
        let mut scopes: Scopes = consent.ticked.into_iter().map(long_name).collect();
        let granted: Scopes = before.into_iter().flatten().chain(&scopes).cloned().collect();
        if consent.add_granted {
            scopes.clone_from(&granted);
        }
        let code = Code {
            email: consent.email.clone(),
            scopes: scopes.clone(),
            redirect_uri: consent.redirect_uri,
            challenge: consent.challenge,
            refreshable: consent.offline && (first || consent.forced),
            expires: now + Duration::seconds(CODE_SECONDS),
        };
        self.kept.consents.insert(consent.email, granted);
        self.save()?;
        let name = secret("4/0A")?;
        self.codes.insert(name.clone(), code);
        Ok((name, scopes))
    }

    /// Takes a code out: whatever comes of the exchange, it cannot be used again.
    pub fn redeem(&mut self, code: &str, now: DateTime<Utc>) -> Option<Code> {
        self.codes.retain(|name, held| name == code || held.expires >= now);
        self.codes.remove(code).filter(|held| held.expires >= now)
    }

    /// Makes an access token.
    pub fn access_token(&mut self, email: &str, scopes: &Scopes, now: DateTime<Utc>) -> std::io::Result<String> {
        let token = secret("ya29.a0")?;
        // Once expired it never comes back, even if the clock is set back.
        self.kept.access.retain(|held| held.expires > Some(now.timestamp()));
        let expires = Some(now.timestamp() + self.habits.access_seconds);
        self.kept.access.push(Token { hash: hash(&token), email: email.into(), scopes: scopes.clone(), expires });
        self.save()?;
        Ok(token)
    }

    /// Makes a refresh token and lets the oldest one beyond the limit die.
    pub fn refresh_token(&mut self, email: &str, scopes: &Scopes) -> std::io::Result<String> {
        let token = secret("1//0")?;
        self.kept.refresh.push(Token {
            hash: hash(&token),
            email: email.into(),
            scopes: scopes.clone(),
            expires: None,
        });
        let live = self.kept.refresh.iter().filter(|held| held.email == email).count();
        if live > MAX_REFRESH_TOKENS
            && let Some(oldest) = self.kept.refresh.iter().position(|held| held.email == email)
        {
            self.kept.refresh.remove(oldest);
        }
        self.save()?;
        Ok(token)
    }

    /// Puts a new refresh token in the place of a live one.
    pub fn rotate(&mut self, token: &str) -> std::io::Result<String> {
        let (old, new) = (hash(token), secret("1//0")?);
        for held in self.kept.refresh.iter_mut().filter(|held| held.hash == old) {
            held.hash = hash(&new);
        }
        self.save()?;
        Ok(new)
    }

    /// Account and scopes of a live refresh token.
    pub fn refreshable(&self, token: &str) -> Option<(String, Scopes)> {
        let wanted = hash(token);
        let held = self.kept.refresh.iter().find(|held| held.hash == wanted)?;
        Some((held.email.clone(), held.scopes.clone()))
    }

    /// Person and scopes of a live access token.
    pub fn who(&self, token: &str, now: DateTime<Utc>) -> Option<(&'static Person, &Scopes)> {
        let wanted = hash(token);
        let held = self.kept.access.iter().find(|held| held.hash == wanted)?;
        if held.expires <= Some(now.timestamp()) {
            return None;
        }
        Some((catalogue::person(&held.email)?, &held.scopes))
    }

    /// Ends the grant that a token belongs to: the account's consent and every token under it, as if the person had
    /// removed the application in their Google account. `false` for a token that is not alive.
    pub fn revoke(&mut self, token: &str) -> std::io::Result<bool> {
        let wanted = hash(token);
        let tokens = self.kept.refresh.iter().chain(&self.kept.access);
        let Some(email) = tokens.filter(|held| held.hash == wanted).map(|held| held.email.clone()).next() else {
            return Ok(false);
        };
        self.kept.consents.remove(&email);
        self.kept.refresh.retain(|held| held.email != email);
        self.kept.access.retain(|held| held.email != email);
        self.codes.retain(|_, held| held.email != email);
        self.save()?;
        Ok(true)
    }
}

/// The answer of a person to the consent page.
#[derive(Debug)]
pub struct Consent {
    /// Who.
    pub email: String,
    /// Scopes they left ticked.
    pub ticked: Scopes,
    /// `include_granted_scopes=true`.
    pub add_granted: bool,
    /// `access_type=offline`.
    pub offline: bool,
    /// `prompt=consent`.
    pub forced: bool,
    /// Where the code goes.
    pub redirect_uri: String,
    /// PKCE challenge.
    pub challenge: Option<String>,
}

fn long_name(scope: String) -> String {
    if scope == "email" { EMAIL_SCOPE.to_owned() } else { scope }
}

fn secret(prefix: &str) -> std::io::Result<String> {
    let mut bytes = [0_u8; 48];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}
