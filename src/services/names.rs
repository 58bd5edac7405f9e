//! Names that people give: to themselves, their company, their sources.

use super::error::{FieldError, ServiceError};

/// Longest name.
const MOST: usize = 120;

/// A name as it is kept; what is wrong with it otherwise.
pub(crate) fn checked(name: &str) -> Result<&str, FieldError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MOST || name.chars().any(char::is_control) {
        return Err(FieldError::new(
            "name",
            "bad_name",
            format!("El nombre debe tener entre 1 y {MOST} caracteres."),
            format!("The name must have between 1 and {MOST} characters."),
        ));
    }
    Ok(name)
}

/// The same where nothing else can be wrong.
pub(crate) fn required(name: &str) -> Result<&str, ServiceError> {
    checked(name).map_err(|problem| ServiceError::Invalid(vec![problem]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_has_one_to_120_printable_characters() {
        assert_eq!(checked("  Ñandú ").unwrap(), "Ñandú");
        assert!(checked(&"ñ".repeat(120)).is_ok());
        for bad in ["", "   ", "a\nb", &"ñ".repeat(121)] {
            assert!(checked(bad).is_err(), "{bad:?}");
        }
    }
}
