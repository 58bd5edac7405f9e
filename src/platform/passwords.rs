//! Password hashing: Argon2id, off the async threads and a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;

use crate::domain::random::Random;
use crate::domain::secret::Secret;

/// OWASP Password Storage Cheat Sheet: Argon2id with m = 19 MiB, t = 2, p = 1.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and checks passwords. Clones share the same bound.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    argon2: Argon2<'static>,
    /// A hash of nothing anyone knows, checked for unknown users so that they cost the same time.
    decoy: Arc<str>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").field("free_turns", &self.turns.available_permits()).finish_non_exhaustive()
    }
}

/// Longest wait for a turn; then the request is told to come back.
const PATIENCE: Duration = Duration::from_secs(3);

/// Hashing did not take place.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many want to hash at once.
    #[error("no turn to hash a password within {PATIENCE:?}")]
    Busy,
    /// A fault of ours, or a stored hash that cannot be read.
    #[error("password hashing failed: {0}")]
    Failed(String),
}

impl PasswordError {
    fn from_display(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Passwords {
    /// At most `at_once` hashes run at the same time (each needs 19 MiB and a core).
    pub fn new(at_once: usize, random: &dyn Random) -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(PasswordError::from_display)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut noise = [0_u8; 32];
        random.fill(&mut noise);
        let decoy = hash(&argon2, &noise, random)?;
        Ok(Self { turns: Arc::new(Semaphore::new(at_once)), argon2, decoy: decoy.into() })
    }

    /// The PHC string of `password` with a fresh salt.
    pub async fn hash(&self, password: Secret, random: Arc<dyn Random>) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.run(move || hash(&argon2, password.expose().as_bytes(), random.as_ref())).await
    }

    /// Whether `password` belongs to `stored`. Without a stored hash the same work is done and the answer is no.
    pub async fn verify(&self, password: Secret, stored: Option<String>) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let decoy = Arc::clone(&self.decoy);
        self.run(move || {
            // What cannot be read is no password that anyone could give.
            let stored = stored.and_then(|text| PasswordHash::new(&text).ok());
            let known = stored.is_some();
            let hash = stored.map_or_else(|| PasswordHash::new(&decoy), Ok).map_err(PasswordError::from_display)?;
            Ok(argon2.verify_password(password.expose().as_bytes(), &hash).is_ok() && known)
        })
        .await
    }

    /// Whether a stored hash was made with less work than today's are.
    pub fn is_outdated(&self, stored: &str) -> bool {
        let Ok(hash) = PasswordHash::new(stored) else { return false };
        let today = self.argon2.params();
        Params::try_from(&hash).is_ok_and(|made| {
            hash.algorithm != Algorithm::Argon2id.ident()
                || made.m_cost() < today.m_cost()
                || made.t_cost() < today.t_cost()
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await.map_err(|_| PasswordError::Busy)?;
        let _turn = turn.map_err(PasswordError::from_display)?;
        tokio::task::spawn_blocking(work).await.map_err(PasswordError::from_display)?
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8], random: &dyn Random) -> Result<String, PasswordError> {
    let mut salt = [0_u8; 16];
    random.fill(&mut salt);
    let hash: PasswordHash = argon2.hash_password_with_salt(password, &salt).map_err(PasswordError::from_display)?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::random::SystemRandom;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new(1, &SystemRandom).unwrap();
        let hash = passwords.hash(Secret::new("mar azul"), Arc::new(SystemRandom)).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(Secret::new("mar azul"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(Secret::new("mar rojo"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_with_less_work_is_outdated_and_still_matches() {
        let passwords = Passwords::new(1, &SystemRandom).unwrap();
        // echo -n 'mar azul' | argon2 somesalt12345678 -id -m 12 -t 1 -p 1 -e
        let old = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$kiwDCEaXGBy+b8FQ2ATIvDbNmroJ+OO12wxqS3HSl80";
        assert!(passwords.verify(Secret::new("mar azul"), Some(old.into())).await.unwrap());
        assert!(passwords.is_outdated(old));
        let new = passwords.hash(Secret::new("mar azul"), Arc::new(SystemRandom)).await.unwrap();
        assert!(!passwords.is_outdated(&new));
        assert!(!passwords.is_outdated("no hash"));
    }

    #[tokio::test]
    async fn what_cannot_be_read_matches_nothing() {
        let passwords = Passwords::new(1, &SystemRandom).unwrap();
        for stored in ["", "!", "plain"] {
            assert!(!passwords.verify(Secret::new(stored), Some(stored.into())).await.unwrap());
        }
    }

    #[tokio::test]
    async fn an_unknown_user_never_matches() {
        let passwords = Passwords::new(1, &SystemRandom).unwrap();
        assert!(!passwords.verify(Secret::new(""), None).await.unwrap());
    }
}
