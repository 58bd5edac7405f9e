//! The `dims` parameter: which dimension values a figure is restricted to.

use std::collections::{BTreeMap, BTreeSet};

/// Most dimensions one filter may name.
const MAX_DIMENSIONS: usize = 8;
/// Most values in one filter.
const MAX_VALUES: usize = 100;

/// A filter over dimensions: every named dimension must have one of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DimFilter(BTreeMap<String, BTreeSet<String>>);

/// Why a `dims` text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DimSyntaxError {
    /// A part without `name:value`.
    #[error("{0:?} is not name:value")]
    NoColon(String),
    /// An unescaped second colon, or a backslash before something else than a comma, colon or backslash.
    #[error("{0:?} needs a backslash before the comma, colon or backslash that belongs to the value")]
    BadEscape(String),
    /// Too many dimensions or values.
    #[error("a filter takes at most {MAX_DIMENSIONS} dimensions and {MAX_VALUES} values")]
    TooMany,
}

impl DimFilter {
    /// Parses `country:ES,channel:Email`. A repeated dimension means "or"; `\` escapes comma, colon and itself.
    ///
    /// Several parameters mean the same as one text joined by commas, because the Functions host may join them.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, DimSyntaxError> {
        let mut filter = Self::default();
        let mut values = 0;
        for part in texts.into_iter().flat_map(split_unescaped) {
            if part.is_empty() {
                continue;
            }
            let (name, value) = name_and_value(part)?;
            values += 1;
            filter.0.entry(name).or_default().insert(value);
            if filter.0.len() > MAX_DIMENSIONS || values > MAX_VALUES {
                return Err(DimSyntaxError::TooMany);
            }
        }
        Ok(filter)
    }

    /// No restriction at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the dimensions that are restricted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Each dimension with its admitted values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.iter().cloned().collect()))
    }
}

/// The parts of a comma-separated list of names, in which `\\` escapes comma, colon and itself; empty parts are dropped.
pub fn split_list(text: &str) -> Vec<String> {
    let unescape = |part: &str| {
        let mut name = String::new();
        let mut characters = part.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => name.extend(characters.next()),
                other => name.push(other),
            }
        }
        name
    };
    split_unescaped(text).into_iter().filter(|part| !part.is_empty()).map(unescape).collect()
}

/// Cuts at commas that no backslash precedes; escapes stay in.
fn split_unescaped(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn name_and_value(part: &str) -> Result<(String, String), DimSyntaxError> {
    let mut name: Option<String> = None;
    let mut current = String::new();
    let mut characters = part.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(next @ (',' | ':' | '\\')) => current.push(next),
                _ => return Err(DimSyntaxError::BadEscape(part.to_owned())),
            },
            ':' if name.is_none() => name = Some(std::mem::take(&mut current)),
            ':' => return Err(DimSyntaxError::BadEscape(part.to_owned())),
            other => current.push(other),
        }
    }
    match name {
        Some(name) if !name.is_empty() => Ok((name, current)),
        _ => Err(DimSyntaxError::NoColon(part.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(texts: &[&str]) -> Vec<(String, Vec<String>)> {
        let filter = DimFilter::parse(texts.iter().copied()).unwrap();
        filter.iter().map(|(name, values)| (name.to_owned(), values)).collect()
    }

    #[test]
    fn a_repeated_dimension_means_or_and_repeated_parameters_mean_the_same() {
        let expected = vec![
            ("channel".to_owned(), vec!["Email".to_owned()]),
            ("country".to_owned(), vec!["ES".to_owned(), "FR".to_owned()]),
        ];
        assert_eq!(pairs(&["country:ES,channel:Email,country:FR"]), expected);
        assert_eq!(pairs(&["country:ES", "channel:Email", "country:FR"]), expected);
    }

    #[test]
    fn a_backslash_keeps_commas_colons_and_backslashes_in_a_value() {
        assert_eq!(pairs(&[r"city:A\, B\:C\\D"]), vec![("city".to_owned(), vec![r"A, B:C\D".to_owned()])]);
    }

    #[test]
    fn what_is_not_name_and_value_is_refused() {
        assert!(matches!(DimFilter::parse(["country"]), Err(DimSyntaxError::NoColon(_))));
        assert!(matches!(DimFilter::parse([":x"]), Err(DimSyntaxError::NoColon(_))));
        assert!(matches!(DimFilter::parse(["a:b:c"]), Err(DimSyntaxError::BadEscape(_))));
        assert!(matches!(DimFilter::parse([r"a:b\x"]), Err(DimSyntaxError::BadEscape(_))));
        let many = (0..200).map(|n| format!("a:{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(DimFilter::parse([many.as_str()]), Err(DimSyntaxError::TooMany));
    }

    #[test]
    fn a_list_of_names_keeps_escaped_commas() {
        assert_eq!(split_list(r"date,Country\, region,,a"), ["date", "Country, region", "a"]);
    }

    #[test]
    fn an_empty_value_is_a_value() {
        assert_eq!(pairs(&["city:"]), vec![("city".to_owned(), vec![String::new()])]);
    }
}
