//! What can be told from a key without asking Stripe.

use crate::connectors::error::ConnectorError;
use crate::connectors::sentences::codes;
use crate::domain::secret::Secret;

/// Shortest and longest part after the prefix. Stripe's are 24 to 200 characters; only the sandbox's are short.
const LENGTH: std::ops::RangeInclusive<usize> = 5..=250;
/// Characters by which a person tells keys apart.
const TAIL: usize = 4;

/// A key's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// To real data; otherwise to test data.
    pub live: bool,
    /// It may do only what was ticked; otherwise everything, moving money included.
    pub restricted: bool,
}

impl Key {
    /// Reads a key's kind, or says why Stripe would not take it.
    pub fn of(secret: &Secret) -> Result<Self, ConnectorError> {
        parts(secret.expose()).map(|(key, _, _)| key)
    }

    /// How people recognise the key: `rk_live_…a1b2`.
    pub fn label(secret: &Secret) -> Result<String, ConnectorError> {
        let (_, prefix, rest) = parts(secret.expose())?;
        Ok(format!("{prefix}…{}", rest.get(rest.len() - TAIL..).unwrap_or_default()))
    }
}

fn parts(text: &str) -> Result<(Key, &str, &str), ConnectorError> {
    if text.starts_with("pk_") {
        let cause = "a publishable key reads nothing";
        return Err(ConnectorError::config(codes::STRIPE_KEY_PUBLISHABLE, cause));
    }
    let wrong = || ConnectorError::config(codes::STRIPE_KEY_FORM, "the text has not the form of a Stripe key");
    let kinds =
        [("rk_live_", true, true), ("rk_test_", false, true), ("sk_live_", true, false), ("sk_test_", false, false)];
    let (prefix, live, restricted) =
        kinds.into_iter().find(|(prefix, ..)| text.starts_with(prefix)).ok_or_else(wrong)?;
    let (prefix, rest) = text.split_at(prefix.len());
    let plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || !LENGTH.contains(&rest.len()) {
        return Err(wrong());
    }
    Ok((Key { live, restricted }, prefix, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(key: &str) -> Result<String, &'static str> {
        Key::label(&Secret::new(key)).map_err(|error| error.code)
    }

    #[test]
    fn a_key_is_recognised_by_its_kind_and_its_last_characters() {
        assert_eq!(label("rk_live_51Habcdefghijklmnopqrsta1b2").unwrap(), "rk_live_…a1b2");
        assert_eq!(label("sk_test_51Habcdefghijklmnopqrsta1b2").unwrap(), "sk_test_…a1b2");
        assert_eq!(Key::of(&Secret::new("rk_live_abcdef")).unwrap(), Key { live: true, restricted: true });
        assert_eq!(Key::of(&Secret::new("sk_test_abcdef")).unwrap(), Key { live: false, restricted: false });
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_the_reason() {
        assert_eq!(label("pk_live_51Habcdefghijklmnopqrsta1b2"), Err(codes::STRIPE_KEY_PUBLISHABLE));
        let long = format!("rk_live_{}", "a".repeat(251));
        for key in ["", "rk_live_", "rk_live_abc", "whsec_abcdefgh", "rk_live_abc def", "rk_live_ábcdefgh", &long] {
            assert_eq!(label(key), Err(codes::STRIPE_KEY_FORM), "{key:?}");
        }
        let error = Key::of(&Secret::new("hunter2hunter2")).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
