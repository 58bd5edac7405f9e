//! Which passwords are good enough: length, not being known, and not being about oneself; nothing about composition.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::secret::Secret;

/// Fewest characters of a password that stands alone.
pub const MIN: usize = 15;
/// Fewest characters beside a second factor.
pub const MIN_WITH_MFA: usize = 12;
/// Most characters.
pub const MAX: usize = 1_000;

/// Characters that must be left when names, digits and punctuation are taken out.
const OF_ITS_OWN: usize = 4;
/// Shorter words of a name are parts of too many others.
const SHORTEST_WORD: usize = 3;

/// How the list was made stands in `passwords/README.md`.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("passwords/common.txt").lines().collect());

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer characters than are asked for.
    TooShort,
    /// More than [`MAX`] characters.
    TooLong,
    /// On the list of common passwords, or two of its entries one after the other.
    Common,
    /// Little more than names that everybody knows.
    Context,
}

/// The one spelling in which a password is hashed and compared: Unicode NFC, so that it does not matter how a keyboard
/// writes an accent. `None`: longer than any password may be.
pub fn normal(password: &Secret) -> Option<Secret> {
    let text = password.expose();
    // No character takes more than four bytes, and none is left out by composing more than a few: not worth the work.
    if text.len() > 16 * MAX {
        return None;
    }
    let normal: String = text.nfc().collect();
    (normal.chars().count() <= MAX).then(|| Secret::new(normal))
}

/// What is wrong with a password in its normal spelling. `context` holds names of person, company and portal, and the
/// address.
pub fn weakness(password: &str, has_mfa: bool, context: &[&str]) -> Option<Weakness> {
    let least = if has_mfa { MIN_WITH_MFA } else { MIN };
    match password.chars().count() {
        length if length < least => Some(Weakness::TooShort),
        length if length > MAX => Some(Weakness::TooLong),
        _ if is_common(password) => Some(Weakness::Common),
        _ if is_about(password, context) => Some(Weakness::Context),
        _ => None,
    }
}

fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let known = |part: &str| COMMON.contains(part);
    known(&folded) || folded.char_indices().skip(1).any(|(at, _)| known(&folded[..at]) && known(&folded[at..]))
}

/// Whether a password holds one of the names and hardly anything else.
fn is_about(password: &str, context: &[&str]) -> bool {
    let mut words: Vec<String> = context
        .iter()
        .flat_map(|text| plain(text).split(|char: char| !char.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>())
        .filter(|word| word.chars().count() >= SHORTEST_WORD)
        .collect();
    // The longest first: a short word must not tear a long one apart.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let whole = plain(password);
    let rest = words.iter().fold(whole.clone(), |rest, word| rest.replace(word.as_str(), " "));
    let own = rest.chars().filter(|char| !(char.is_numeric() || char.is_whitespace() || char.is_ascii_punctuation()));
    rest != whole && own.count() < OF_ITS_OWN
}

/// Without case and accents.
fn plain(text: &str) -> String {
    text.nfd().filter(|char| !is_combining_mark(*char)).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: [&str; 4] = ["Víctor Acero", "Acme", "Portal de clientes", "victor.acero@acme-group.example"];

    fn alone(password: &str) -> Option<Weakness> {
        weakness(password, false, &CONTEXT)
    }

    #[test]
    fn length_is_counted_in_characters_and_less_is_asked_for_beside_a_second_factor() {
        assert_eq!(alone("mar-azul-faro-"), Some(Weakness::TooShort));
        assert_eq!(alone("mar-azul-faro-9"), None);
        assert_eq!(weakness("mar-azul-fa", true, &CONTEXT), Some(Weakness::TooShort));
        assert_eq!(weakness("mar-azul-far", true, &CONTEXT), None);
        assert_eq!(alone(&"ñandú y ".repeat(125)), None);
        assert_eq!(alone(&("ñandú y ".repeat(125) + "x")), Some(Weakness::TooLong));
    }

    #[test]
    fn no_character_is_asked_for_and_none_is_forbidden() {
        for good in [
            &"a ".repeat(15),
            &"🦀".repeat(15),
            "sin mayúsculas ni cifras",
            "840183918402743",
            "\0\u{1}\t y quince más",
        ] {
            assert_eq!(alone(good), None, "{good:?}");
        }
    }

    #[test]
    fn what_is_on_the_list_is_common_whatever_its_case() {
        for common in
            ["123456789987654321", "1QAZ2wsx3EDC4rfv", "PasswordPassword", "dragon123456789", "1q2w3e4r5t6y7u8i9o0p"]
        {
            assert_eq!(alone(common), Some(Weakness::Common), "{common}");
        }
    }

    #[test]
    fn names_alone_do_not_make_a_password() {
        for about in [
            "AcmePortal2026!!",
            "Víctor-Acero-2026",
            "victor.acero@acme-group",
            "acmeacmeacmeacme",
            "acme 1234567890 abc",
        ] {
            assert_eq!(alone(about), Some(Weakness::Context), "{about}");
        }
        assert_eq!(alone("Acme vende faros azules"), None);
    }

    #[test]
    fn two_spellings_of_one_password_are_the_same() {
        let spelled = |text: &str| normal(&Secret::new(text)).unwrap().expose().to_owned();
        assert_eq!(spelled("cami\u{f3}n"), spelled("camio\u{301}n"));
        assert!(normal(&Secret::new("x".repeat(1_000))).is_some());
        assert!(normal(&Secret::new("x".repeat(1_001))).is_none());
        assert!(normal(&Secret::new("x".repeat(100_000))).is_none());
    }

    #[test]
    fn the_list_is_in_the_spelling_in_which_it_is_compared() {
        assert!(COMMON.len() > 50_000);
        assert!(COMMON.iter().all(|entry| entry.to_lowercase() == *entry && entry.nfc().eq(entry.chars())));
    }
}
