//! Cells of exported files, and the files' names.

use std::borrow::Cow;

/// A text that a spreadsheet shows and does not run: what could begin a formula gets an apostrophe in front. Numbers are
/// written as they are and do not come here.
pub fn inert(text: &str) -> Cow<'_, str> {
    // Space before the sign does not stop a spreadsheet.
    let first = text.trim_start_matches(' ').chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠') => {
            Cow::Owned(format!("'{text}"))
        }
        _ => Cow::Borrowed(text),
    }
}

/// A name as a part of a file's name: lower case letters and digits of ASCII with dashes between, at most 40.
pub fn file_stem(name: &str) -> String {
    let mut stem = String::new();
    for c in name.chars() {
        if stem.len() >= 40 {
            break;
        }
        if c.is_ascii_alphanumeric() {
            stem.push(c.to_ascii_lowercase());
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    stem.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_formula_is_only_text() {
        for cell in ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\0", "＝1"] {
            assert_eq!(inert(cell), format!("'{cell}"));
        }
        for cell in ["", "a=b", "{\"a\":-1}", "ana@acme.example", "1-2"] {
            assert_eq!(inert(cell), cell);
        }
    }

    #[test]
    fn a_files_name_is_plain_whatever_the_name() {
        assert_eq!(file_stem("Acme, S.L."), "acme-s-l");
        assert_eq!(file_stem("\"; x.html"), "x-html");
        assert_eq!(file_stem("../../a"), "a");
        assert_eq!(file_stem("🦀"), "");
        assert_eq!(file_stem(&"a".repeat(100)).len(), 40);
    }
}
