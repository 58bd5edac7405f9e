//! Which passwords are good enough: length and not being known, nothing about their composition.

/// Fewest characters of a password that stands alone.
pub const MIN: usize = 15;
/// Fewest characters beside a second factor.
pub const MIN_WITH_MFA: usize = 12;
/// Most characters.
pub const MAX: usize = 1_000;

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer characters than are asked for.
    TooShort,
    /// More than [`MAX`] characters.
    TooLong,
}

/// What is wrong with a password.
pub fn weakness(password: &str, has_mfa: bool) -> Option<Weakness> {
    let least = if has_mfa { MIN_WITH_MFA } else { MIN };
    match password.chars().count() {
        length if length < least => Some(Weakness::TooShort),
        length if length > MAX => Some(Weakness::TooLong),
        _ => None,
    }
}
