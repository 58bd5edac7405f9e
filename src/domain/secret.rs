//! A text that must not be printed, logged or serialised.

use std::fmt;

/// A token, password or key. `Debug` hides it, and it has neither `Display` nor `Serialize` on purpose.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the request or the sealing function that needs it, and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of this secret replaced, for causes that quote what an upstream said.
    pub fn redact(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        text.replace(&self.0, "[redacted]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_in_its_debug_output() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some([redacted])");
    }

    #[test]
    fn a_secret_is_cut_out_of_what_an_upstream_says() {
        assert_eq!(Secret::new("abc").redact("token abc is bad: abc"), "token [redacted] is bad: [redacted]");
        assert_eq!(Secret::new("").redact("as it was"), "as it was");
    }
}
