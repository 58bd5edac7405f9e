//! Setting up and removing a second factor.

use qrcodegen::{QrCode, QrCodeEcc};
use totp_rs::Totp;

use super::codes::{base32, generator, recovery_code, recovery_hash};
use super::confirm::{Person, bad_code};
use super::token_hash;
use crate::domain::ids::{JobId, TenantId};
use crate::domain::secret::Secret;
use crate::services::Services;
use crate::services::audit_trail::Act;
use crate::services::error::ServiceError;
use crate::services::mail::{Notice, Order};
use crate::store::{StoreError, Tx, mfa, sessions};

/// 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Recovery codes of one set.
const RECOVERY_CODES: usize = 10;

/// What an app needs to know, to be shown once.
#[derive(Debug)]
pub struct Enrollment {
    /// Base32, to be typed.
    pub secret: Secret,
    /// The same as a link.
    pub otpauth_url: Secret,
    /// Modules of the code on a side.
    pub size: i32,
    /// The dark modules as an SVG path.
    pub path: Secret,
}

/// A set of recovery codes, to be shown once.
#[derive(Debug)]
pub struct RecoveryCodes(pub Vec<Secret>);

fn no_enrollment() -> ServiceError {
    ServiceError::conflict(
        "no_enrollment",
        "Empiece de nuevo: no hay ninguna verificación en dos pasos por confirmar.",
        "Start again: there is no two-step verification to be confirmed.",
    )
}

fn mfa_off() -> ServiceError {
    ServiceError::conflict(
        "mfa_off",
        "La verificación en dos pasos no está activada.",
        "Two-step verification is not turned on.",
    )
}

/// The dark modules of a QR code, each run of a row as one rectangle.
fn qr(totp: &Totp) -> Result<(Secret, i32, Secret), ServiceError> {
    let internal = |error: String| ServiceError::Internal(error.into());
    let url = totp.to_url().map_err(|error| internal(error.to_string()))?;
    let code = QrCode::encode_text(&url, QrCodeEcc::Medium).map_err(|error| internal(error.to_string()))?;
    let size = code.size();
    let mut path = Vec::new();
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let run = (x..size).take_while(|x| code.get_module(*x, y)).count();
            let run = i32::try_from(run).unwrap_or(size);
            if run > 0 {
                path.push(format!("M{x} {y}h{run}v1h-{run}z"));
            }
            x += run.max(1);
        }
    }
    Ok((Secret::new(url), size, Secret::new(path.concat())))
}

impl Services {
    /// Makes a secret that counts only when a code has proven it. The password must have been given just now.
    pub async fn start_totp(&self, person: &Person) -> Result<Enrollment, ServiceError> {
        if !person.session.fresh {
            return Err(ServiceError::ReauthRequired);
        }
        let mut bytes = [0_u8; SECRET_BYTES];
        self.random.fill(&mut bytes);
        let secret = Secret::new(base32(&bytes));
        let sealed = self.keys.seal(&mfa::sealing_place(person.id()), &secret, self.random.as_ref())?;
        let mut router = self.database.router_connection().await?;
        if !mfa::start(&mut router, person.id(), &sealed, self.now()).await? {
            return Err(ServiceError::conflict(
                "mfa_already_on",
                "La verificación en dos pasos ya está activada.",
                "Two-step verification is on already.",
            ));
        }
        let (otpauth_url, size, path) = qr(&generator(&secret, &self.identity.name, &person.session.user.email)?)?;
        Ok(Enrollment { secret, otpauth_url, size, path })
    }

    /// The first code: from now on the factor counts, and other sessions, which did not give it, end.
    pub async fn confirm_totp(&self, person: &Person, code: &str) -> Result<(RecoveryCodes, Secret), ServiceError> {
        let id = person.id();
        self.count_code(person).await?;
        let mut tx = self.database.router().await?;
        let factor = mfa::find_for_update(&mut tx, id).await?.filter(|factor| factor.confirmed_at.is_none());
        let factor = factor.ok_or_else(no_enrollment)?;
        let secret = self.keys.open(&mfa::sealing_place(id), &factor.secret.0)?;
        let digits: String = code.chars().filter(|char| !char.is_whitespace()).collect();
        if !self.take_step(&mut tx, id, &secret, &digits).await? {
            drop(tx);
            let trail = Self::trail_of(person.session.tenant_id());
            self.note_wrong_code(trail, &person.session.actor(), &person.request).await?;
            return Err(bad_code());
        }
        mfa::confirm(&mut tx, id, self.now()).await?;
        let codes = self.new_recovery_codes(&mut tx, person).await?;
        sessions::delete_all(&mut tx, id, Some(person.session.id)).await?;
        let fresh = self.rotate(&mut tx, &person.token).await?;
        sessions::confirm(&mut tx, &token_hash(&fresh), true).await?;
        let job = self.order_notice(&mut tx, person, Notice::MfaEnabled).await?;
        self.note(&mut tx, person, Act::new("account.mfa_enabled", format!("user/{id}"))).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.forgive(&[super::codes::code_key(id)]).await?;
        self.announce_mail(TenantId::PLATFORM, job).await;
        Ok((codes, fresh))
    }

    /// Makes the recovery codes anew; the old ones are void.
    pub async fn renew_recovery_codes(
        &self,
        person: &Person,
        password: &Secret,
        code: &str,
    ) -> Result<RecoveryCodes, ServiceError> {
        let (mut tx, jobs) = self.prove_both(person, password, code).await?;
        let codes = self.new_recovery_codes(&mut tx, person).await?;
        self.note(&mut tx, person, Act::new("account.recovery_codes_renewed", format!("user/{}", person.id()))).await?;
        self.finish(tx, person, jobs).await?;
        Ok(codes)
    }

    /// Removes the second factor, unless somebody demands it.
    pub async fn disable_totp(&self, person: &Person, password: &Secret, code: &str) -> Result<(), ServiceError> {
        if self.account(person).await?.enforced {
            return Err(ServiceError::conflict(
                "mfa_enforced",
                "Su organización pide la verificación en dos pasos; no se puede desactivar.",
                "Your organisation asks for two-step verification; it cannot be turned off.",
            ));
        }
        let (mut tx, mut jobs) = self.prove_both(person, password, code).await?;
        mfa::delete(&mut tx, person.id()).await?;
        jobs.push(self.order_notice(&mut tx, person, Notice::MfaDisabled).await?);
        self.note(&mut tx, person, Act::new("account.mfa_disabled", format!("user/{}", person.id()))).await?;
        self.finish(tx, person, jobs).await
    }

    /// Password and code of somebody who has a second factor; the transaction holds the used code.
    async fn prove_both(
        &self,
        person: &Person,
        password: &Secret,
        code: &str,
    ) -> Result<(Tx, Vec<JobId>), ServiceError> {
        if !self.prove_password(person, password, "password").await?.has_mfa {
            return Err(mfa_off());
        }
        self.count_code(person).await?;
        let (mut tx, given) = self.prove_code(self.database.router().await?, person, code).await?;
        let jobs = self.tell_of_recovery(&mut tx, person.id(), given).await?;
        Ok((tx, jobs))
    }

    async fn finish(&self, tx: Tx, person: &Person, jobs: Vec<JobId>) -> Result<(), ServiceError> {
        tx.commit().await.map_err(StoreError::from)?;
        self.forgive(&[super::codes::code_key(person.id())]).await?;
        for job in jobs {
            self.announce_mail(TenantId::PLATFORM, job).await;
        }
        Ok(())
    }

    async fn new_recovery_codes(&self, tx: &mut Tx, person: &Person) -> Result<RecoveryCodes, ServiceError> {
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code(self.random.as_ref())).collect();
        let hashes: Vec<Vec<u8>> = codes.iter().map(|code| recovery_hash(code)).collect();
        mfa::replace_recovery_codes(tx, person.id(), &hashes).await?;
        Ok(RecoveryCodes(codes.into_iter().map(Secret::new).collect()))
    }

    async fn order_notice(&self, tx: &mut Tx, person: &Person, notice: Notice) -> Result<JobId, ServiceError> {
        self.order_mail(tx, TenantId::PLATFORM, &Order::Notice { user: person.id(), notice }).await
    }
}
