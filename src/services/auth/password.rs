//! Choosing a password.

use crate::domain::password::{self, Weakness};
use crate::domain::secret::Secret;
use crate::services::error::ServiceError;

/// A new password as it will be hashed, or what is wrong with it, said of `field`.
///
/// `context` holds the words that must not make it up: names of person, tenant and portal, the address.
pub fn checked(field: &str, password: &Secret, has_mfa: bool, context: &[&str]) -> Result<Secret, ServiceError> {
    let normal = password::normal(password).ok_or(Weakness::TooLong);
    let found = normal.and_then(|normal| match password::weakness(normal.expose(), has_mfa, context) {
        None => Ok(normal),
        Some(weakness) => Err(weakness),
    });
    found.map_err(|weakness| refusal(field, weakness, has_mfa))
}

fn refusal(field: &str, weakness: Weakness, has_mfa: bool) -> ServiceError {
    let least = if has_mfa { password::MIN_WITH_MFA } else { password::MIN };
    match weakness {
        Weakness::TooShort => ServiceError::field(
            field,
            "too_short",
            format!("Use al menos {least} caracteres; una frase sirve."),
            format!("Use at least {least} characters; a sentence will do."),
        ),
        Weakness::TooLong => ServiceError::field(
            field,
            "too_long",
            format!("Use como mucho {} caracteres.", password::MAX),
            format!("Use at most {} characters.", password::MAX),
        ),
        Weakness::Common => ServiceError::field(
            field,
            "common",
            "Esta contraseña está en las listas de contraseñas conocidas; elija otra.",
            "This password is on the lists of known passwords; choose another one.",
        ),
        Weakness::Context => ServiceError::field(
            field,
            "context",
            "La contraseña es poco más que su nombre, su correo o el de la empresa; añada palabras suyas.",
            "The password is little more than your name, your e-mail or the company's; add words of your own.",
        ),
    }
}
