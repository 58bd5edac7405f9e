//! The second factor: codes of an authenticator app (RFC 6238) and recovery codes; and the login's second half.

use sha2::{Digest as _, Sha256};
use totp_rs::{Builder, Totp};

use super::login::{Opened, named};
use super::token_hash;
use crate::domain::audit::Outcome;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::secret::Secret;
use crate::domain::throttle::{Key, Policy};
use crate::services::audit_trail::{Act, Actor, Trail};
use crate::services::error::ServiceError;
use crate::services::mail::{Notice, Order};
use crate::services::throttle::{CODE, Waiting, key};
use crate::services::{RequestInfo, Services};
use crate::store::mfa;
use crate::store::people;
use crate::store::tokens::{self, Purpose};
use crate::store::{StoreError, Tx};

/// Length of a step.
pub(super) const STEP_SECONDS: u64 = 30;
/// Bits of a recovery code, a multiple of five and of eight.
const RECOVERY_BYTES: usize = 15;
/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What a right code was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// Of the app.
    App,
    /// A recovery code, which is used up now.
    Recovery,
}

/// Under what tries of codes are counted.
pub(super) fn code_key(user: UserId) -> (Key, Policy) {
    (key("code", &[&user.to_string()]), CODE)
}

/// The generator of a secret: SHA-1, six digits, one step of tolerance, as every app understands it.
pub(super) fn generator(secret: &Secret, issuer: &str, account: &str) -> Result<Totp, ServiceError> {
    let internal = |error: Box<dyn std::error::Error + Send + Sync>| ServiceError::Internal(error);
    let bytes = from_base32(secret.expose()).ok_or_else(|| internal("a stored secret is not base32".into()))?;
    Builder::new()
        .with_secret(bytes)
        .with_skew(1)
        .with_step_duration(STEP_SECONDS)
        .with_issuer(Some(issuer.replace(':', " ")))
        .with_account_name(account.replace(':', " "))
        .build()
        .map_err(|error| internal(error.to_string().into()))
}

/// Base32 without padding, of a length that needs none.
pub(super) fn base32(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.chunks(5).map(|five| char::from(BASE32[usize::from(five.iter().fold(0, |sum, bit| sum << 1 | bit))])).collect()
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let digit = |char: u8| BASE32.iter().position(|known| *known == char).and_then(|at| u8::try_from(at).ok());
    let digits: Vec<u8> = text.bytes().map(digit).collect::<Option<_>>()?;
    let bits: Vec<u8> = digits.iter().flat_map(|digit| (0..5).rev().map(move |bit| digit >> bit & 1)).collect();
    Some(bits.chunks_exact(8).map(|eight| eight.iter().fold(0, |sum, bit| sum << 1 | bit)).collect())
}

/// A recovery code as it is shown: `ABCD-EFGH-…`, six groups.
pub(super) fn recovery_code(random: &dyn crate::domain::random::Random) -> String {
    let mut bytes = [0_u8; RECOVERY_BYTES];
    random.fill(&mut bytes);
    let text = base32(&bytes);
    let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..at + 4]).collect();
    groups.join("-")
}

/// The hash of a recovery code, however it was typed. Plain, because nobody guesses 120 bits (decision 0007).
pub(super) fn recovery_hash(code: &str) -> Vec<u8> {
    let letters: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_uppercase()).collect();
    Sha256::digest(letters.as_bytes()).to_vec()
}

impl Services {
    /// Uses up a code of a proven second factor in the transaction of the act. `None`: it is wrong or was used before.
    pub(super) async fn take_code(&self, tx: &mut Tx, user: UserId, code: &str) -> Result<Option<Given>, ServiceError> {
        let Some(factor) = mfa::find_for_update(tx, user).await?.filter(|factor| factor.confirmed_at.is_some()) else {
            return Ok(None);
        };
        let digits: String = code.chars().filter(|char| !char.is_whitespace()).collect();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let secret = self.keys.open(&mfa::sealing_place(user), &factor.secret.0)?;
            return Ok(self.take_step(tx, user, &secret, &digits).await?.then_some(Given::App));
        }
        let taken = mfa::take_recovery_code(tx, user, &recovery_hash(code)).await?;
        Ok(taken.then_some(Given::Recovery))
    }

    /// Uses up the step that six digits belong to; each counts once, for all processes.
    pub(super) async fn take_step(
        &self,
        tx: &mut Tx,
        user: UserId,
        secret: &Secret,
        digits: &str,
    ) -> Result<bool, ServiceError> {
        let now = u64::try_from(self.now().unix_timestamp()).unwrap_or(0);
        let step = generator(secret, &self.identity.name, "account")?.check(digits, now);
        match step.and_then(|step| i64::try_from(step).ok()) {
            Some(step) => Ok(mfa::use_step(tx, user, step).await?),
            None => Ok(false),
        }
    }

    /// The mail that tells of a used recovery code, ordered in the same transaction; the job to announce.
    pub(super) async fn tell_of_recovery(
        &self,
        tx: &mut Tx,
        user: UserId,
        given: Given,
    ) -> Result<Vec<crate::domain::ids::JobId>, ServiceError> {
        if given == Given::App {
            return Ok(Vec::new());
        }
        let order = Order::Notice { user, notice: Notice::RecoveryCodeUsed };
        Ok(vec![self.order_mail(tx, TenantId::PLATFORM, &order).await?])
    }

    /// The second half of a login. A wrong code leaves the ticket as it is; tries are counted.
    pub async fn login_with_code(
        &self,
        ticket: &Secret,
        code: &str,
        request: &RequestInfo,
    ) -> Result<Opened, ServiceError> {
        let hash = token_hash(ticket);
        let (owner, user) = {
            let mut router = self.database.router_connection().await?;
            let owner = tokens::owner(&mut router, &hash, Purpose::Mfa).await?.ok_or_else(bad_ticket)?;
            let user = people::credentials_of(&mut router, owner.1).await?;
            (owner, user.filter(|user| user.may_sign_in() && user.has_mfa).ok_or_else(bad_ticket)?)
        };
        let (trail, actor) = named(Some(&user));
        let counted = [code_key(owner.1)];
        self.throttle_noted("session", &counted, Waiting { trail, actor: &actor, request }).await?;
        let mut tx = self.database.router().await?;
        let Some(given) = self.take_code(&mut tx, owner.1, code).await? else {
            drop(tx);
            self.note_wrong_code(trail, &actor, request).await?;
            return Err(ServiceError::unauthorised("bad_code", WRONG_CODE.0, WRONG_CODE.1));
        };
        let taken: Option<serde_json::Value> = tokens::take(&mut tx, &hash, Purpose::Mfa, owner).await?;
        taken.ok_or_else(bad_ticket)?;
        let jobs = self.tell_of_recovery(&mut tx, owner.1, given).await?;
        let opened = self.open_session(&mut tx, &user, true, &actor, request).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.forgive(&counted).await?;
        for job in jobs {
            self.announce_mail(TenantId::PLATFORM, job).await;
        }
        Ok(opened)
    }

    pub(super) async fn note_wrong_code(
        &self,
        trail: Trail,
        actor: &Actor,
        request: &RequestInfo,
    ) -> Result<(), ServiceError> {
        self.note_alone(trail, actor, request, Act::new("auth.mfa_failed", "session").outcome(Outcome::Failed)).await
    }
}

/// The sentence for a code that is wrong or was used before.
pub(super) const WRONG_CODE: (&str, &str) = (
    "El código no es correcto o ya se usó; espere al siguiente.",
    "The code is wrong or was used already; wait for the next one.",
);

fn bad_ticket() -> ServiceError {
    ServiceError::unauthorised(
        "bad_ticket",
        "Ha pasado demasiado tiempo; inicie sesión otra vez.",
        "It took too long; sign in again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(base32(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap(), b"12345678901234567890");
        assert!(from_base32("gez1").is_none());
    }

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        let totp = generator(&Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "Portal", "a@b.example").unwrap();
        // The RFC's vectors have eight digits; six are their last.
        for (time, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(totp.check(code, time), Some(time / 30), "{time}");
            assert_eq!(totp.check(code, time + 30), Some(time / 30));
            assert_eq!(totp.check(code, time - 30), Some(time / 30));
            assert_eq!(totp.check(code, time + 60), None);
            assert_eq!(time.checked_sub(60).and_then(|before| totp.check(code, before)), None);
        }
    }

    #[test]
    fn a_recovery_code_has_120_bits_and_is_known_however_it_is_typed() {
        let code = recovery_code(&crate::platform::random::SystemRandom);
        assert_eq!(code.len(), 29, "{code}");
        assert_eq!(recovery_hash(&code), recovery_hash(&code.replace('-', " ").to_lowercase()));
        assert_ne!(code, recovery_code(&crate::platform::random::SystemRandom));
    }
}
