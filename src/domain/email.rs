//! Addresses of people: one spelling each, and nothing that a mail server could take for more than one address.

/// Most bytes of an address (RFC 5321, section 4.5.3.1.3, without the brackets).
const MAX: usize = 254;
/// Most bytes of the part before the `@`.
const MAX_LOCAL: usize = 64;
/// Most bytes of one label of the domain.
const MAX_LABEL: usize = 63;

/// The address as it is kept (lower case, without space around it), or `None` if no mail could be sent to it.
///
/// Stricter than RFC 5321 on purpose: no quoted local parts, no address literals, a domain with a dot, ASCII only.
pub fn normalised(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX || !text.is_ascii() {
        return None;
    }
    let (local, domain) = text.split_once('@')?;
    (is_local(local) && is_domain(domain)).then(|| text.to_ascii_lowercase())
}

fn is_local(local: &str) -> bool {
    let atom = |part: &str| !part.is_empty() && part.bytes().all(is_atext);
    local.len() <= MAX_LOCAL && local.split('.').all(atom)
}

/// RFC 5322, section 3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.') && domain.split('.').all(label) && !top.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_spelling() {
        assert_eq!(normalised("  Ana.Acero+Portal@ACME.Example ").as_deref(), Some("ana.acero+portal@acme.example"));
        assert_eq!(normalised("o'neil@sub.acme.example").as_deref(), Some("o'neil@sub.acme.example"));
    }

    #[test]
    fn what_is_taken_is_an_address_for_the_mailer_too() {
        for good in ["a@b.example", "a.b-c_d+e@x-y.example", "!#$%&'*+/=?^_`{|}~@acme.example"] {
            let address = normalised(good).unwrap();
            assert!(address.parse::<lettre::Address>().is_ok(), "{address}");
        }
    }

    #[test]
    fn what_is_no_single_plain_address_is_refused() {
        let long = format!("{}@acme.example", "a".repeat(65));
        let longer = format!("a@{}example", "a.".repeat(130));
        for bad in [
            "",
            "ana",
            "@acme.example",
            "ana@",
            "ana@acme",
            "ana@@acme.example",
            "ana@acme.example,eva@acme.example",
            "ana@acme.example\r\nBcc: eva@evil.example",
            "ana@acme.example\0",
            "ana acero@acme.example",
            "Ana <ana@acme.example>",
            "\"ana acero\"@acme.example",
            "ana@[127.0.0.1]",
            "ana@127.0.0.1",
            ".ana@acme.example",
            "ana.@acme.example",
            "a..b@acme.example",
            "ana@-acme.example",
            "ana@acme-.example",
            "ana@acme..example",
            "ana@acme.example.",
            "ána@acme.example",
            &long,
            &longer,
        ] {
            assert_eq!(normalised(bad), None, "{bad:?}");
        }
    }
}
