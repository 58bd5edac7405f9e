//! Sealing of what tenants entrust to us: AES-256-GCM under a ring of keys, bound to its tenant and row.

use std::collections::BTreeSet;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::random::Random;
use crate::domain::sealed::Sealed;
use crate::domain::secret::Secret;

/// The keys: the first one seals, all of them open.
pub struct KeyRing {
    keys: Vec<Key>,
}

struct Key {
    kid: String,
    sealing: LessSafeKey,
    /// Derived from the same bytes, so that one key is never used for two things.
    digesting: hmac::Key,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids: Vec<&str> = self.keys.iter().map(|key| key.kid.as_str()).collect();
        f.debug_struct("KeyRing").field("kids", &kids).finish_non_exhaustive()
    }
}

/// Why sealing or opening failed. Says nothing about the value.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The ring's text is not `kid:base64of32bytes[,…]`.
    #[error("PORTAL_KEY_RING must be kid:base64 of 32 bytes, comma separated; entry {0} is not")]
    BadRing(usize),
    /// Two keys of the ring have one id: what is sealed under it would open by luck.
    #[error("PORTAL_KEY_RING has the key {0:?} twice")]
    RepeatedKey(String),
    /// The value was sealed under a key that the ring no longer has.
    #[error("no key {0:?} in the ring")]
    UnknownKey(String),
    /// The value, its nonce or its place was changed.
    #[error("a sealed value does not open")]
    Tampered,
}

impl KeyRing {
    /// Parses `kid:base64[,kid:base64]`.
    pub fn parse(text: &Secret) -> Result<Self, SealError> {
        let entry = |(index, part): (usize, &str)| {
            let bad = || SealError::BadRing(index + 1);
            let (kid, key) = part.trim().split_once(':').ok_or_else(bad)?;
            let bytes = STANDARD.decode(key).map_err(|_| bad())?;
            let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| bad())?);
            let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), b"portal digest");
            let digesting = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
            Ok(Key { kid: kid.to_owned(), sealing, digesting })
        };
        let keys = text.expose().split(',').enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let mut kids = BTreeSet::new();
        if let Some(twice) = keys.iter().find(|key| !kids.insert(key.kid.as_str())) {
            return Err(SealError::RepeatedKey(twice.kid.clone()));
        }
        Ok(Self { keys })
    }

    /// The id of the key that seals.
    pub fn sealing_kid(&self) -> &str {
        self.keys.first().map_or("", |key| key.kid.as_str())
    }

    /// Whether the ring has this key.
    pub fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }

    /// The same secret for the same place under the key that seals now; `None`: it is sealed under it already.
    pub fn reseal(&self, place: &str, sealed: &Sealed, random: &dyn Random) -> Result<Option<Sealed>, SealError> {
        if sealed.kid == self.sealing_kid() {
            return Ok(None);
        }
        let secret = self.open(place, sealed)?;
        self.seal(place, &secret, random).map(Some)
    }

    /// Seals `secret`. `place` names tenant, row and field; the value opens nowhere else.
    pub fn seal(&self, place: &str, secret: &Secret, random: &dyn Random) -> Result<Sealed, SealError> {
        let key = self.keys.first().ok_or(SealError::BadRing(1))?;
        let mut nonce = [0_u8; NONCE_LEN];
        random.fill(&mut nonce);
        let mut buffer = secret.expose().as_bytes().to_vec();
        key.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut buffer)
            .map_err(|_| SealError::Tampered)?;
        Ok(Sealed { kid: key.kid.clone(), nonce: STANDARD.encode(nonce), ct: STANDARD.encode(buffer) })
    }

    /// Opens a value that was sealed for the same `place`.
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<Secret, SealError> {
        let key = self.key(&sealed.kid)?;
        let nonce = STANDARD.decode(&sealed.nonce).map_err(|_| SealError::Tampered)?;
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| SealError::Tampered)?;
        let mut buffer = STANDARD.decode(&sealed.ct).map_err(|_| SealError::Tampered)?;
        let plain = key
            .sealing
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut buffer)
            .map_err(|_| SealError::Tampered)?;
        String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_| SealError::Tampered)
    }

    /// A keyed digest of `bytes`, `kid:base64`: nobody without the ring can make one.
    pub fn digest(&self, bytes: &[u8]) -> Result<String, SealError> {
        let key = self.keys.first().ok_or(SealError::BadRing(1))?;
        Ok(format!("{}:{}", key.kid, STANDARD.encode(hmac::sign(&key.digesting, bytes))))
    }

    /// Whether `digest` is that of `bytes`, under any key of the ring.
    pub fn has_digest(&self, bytes: &[u8], digest: &str) -> Result<bool, SealError> {
        let (kid, tag) = digest.split_once(':').ok_or(SealError::Tampered)?;
        let tag = STANDARD.decode(tag).map_err(|_| SealError::Tampered)?;
        Ok(hmac::verify(&self.key(kid)?.digesting, bytes, &tag).is_ok())
    }

    fn key(&self, kid: &str) -> Result<&Key, SealError> {
        self.keys.iter().find(|key| key.kid == kid).ok_or_else(|| SealError::UnknownKey(kid.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::random::SystemRandom;

    fn ring(kids: &[(&str, u8)]) -> KeyRing {
        let text: Vec<String> =
            kids.iter().map(|(kid, byte)| format!("{kid}:{}", STANDARD.encode([*byte; 32]))).collect();
        KeyRing::parse(&Secret::new(text.join(","))).unwrap()
    }

    #[test]
    fn a_value_opens_at_its_own_place_only() {
        let ring = ring(&[("k1", 1)]);
        let sealed = ring.seal("t1/source/refresh_token", &Secret::new("canary"), &SystemRandom).unwrap();
        assert!(!serde_json::to_string(&sealed).unwrap().contains("canary"));
        assert_eq!(ring.open("t1/source/refresh_token", &sealed).unwrap().expose(), "canary");
        assert!(matches!(ring.open("t2/source/refresh_token", &sealed), Err(SealError::Tampered)));
    }

    #[test]
    fn an_old_key_still_opens_after_a_new_one_has_come_first() {
        let sealed = ring(&[("k1", 1)]).seal("p", &Secret::new("canary"), &SystemRandom).unwrap();
        let rotated = ring(&[("k2", 2), ("k1", 1)]);
        assert_eq!(rotated.open("p", &sealed).unwrap().expose(), "canary");
        assert_eq!(rotated.seal("p", &Secret::new("x"), &SystemRandom).unwrap().kid, "k2");
        assert!(matches!(ring(&[("k2", 2)]).open("p", &sealed), Err(SealError::UnknownKey(_))));
    }

    #[test]
    fn two_sealings_of_one_value_differ() {
        let ring = ring(&[("k1", 1)]);
        let seal = || ring.seal("p", &Secret::new("canary"), &SystemRandom).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_digest_belongs_to_its_bytes_and_to_a_key_of_the_ring() {
        let digest = ring(&[("k1", 1)]).digest(b"entry").unwrap();
        let rotated = ring(&[("k2", 2), ("k1", 1)]);
        assert!(rotated.has_digest(b"entry", &digest).unwrap());
        assert!(!rotated.has_digest(b"other", &digest).unwrap());
        assert!(ring(&[("k2", 2)]).has_digest(b"entry", &digest).is_err());
        assert_ne!(ring(&[("k1", 3)]).digest(b"entry").unwrap(), digest);
    }

    #[test]
    fn a_value_is_sealed_anew_once_for_its_own_place_only() {
        let old = ring(&[("k1", 1)]).seal("p", &Secret::new("canary"), &SystemRandom).unwrap();
        let rotated = ring(&[("k2", 2), ("k1", 1)]);
        let new = rotated.reseal("p", &old, &SystemRandom).unwrap().unwrap();
        assert_eq!(ring(&[("k2", 2)]).open("p", &new).unwrap().expose(), "canary");
        assert_eq!(rotated.reseal("p", &new, &SystemRandom).unwrap(), None);
        assert!(matches!(rotated.reseal("q", &old, &SystemRandom), Err(SealError::Tampered)));
    }

    #[test]
    fn two_keys_of_one_id_are_refused() {
        let text = format!("k1:{0},k1:{0}", STANDARD.encode([1; 32]));
        assert!(matches!(KeyRing::parse(&Secret::new(text)), Err(SealError::RepeatedKey(kid)) if kid == "k1"));
    }

    #[test]
    fn a_short_key_is_refused_and_not_printed() {
        let error = KeyRing::parse(&Secret::new("k1:c2hvcnQ=")).unwrap_err();
        assert!(!error.to_string().contains("c2hvcnQ"));
    }
}
