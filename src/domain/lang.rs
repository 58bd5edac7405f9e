//! The two languages of the portal and texts in both.

use serde::{Deserialize, Serialize};

/// A language a person can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Spanish, the default.
    #[default]
    Es,
    /// English.
    En,
}

impl Lang {
    /// The language of a stored locale or of one tag such as `en-GB`; Spanish for anything else.
    pub fn from_tag(tag: &str) -> Self {
        if tag.trim().get(..2).is_some_and(|start| start.eq_ignore_ascii_case("en")) { Self::En } else { Self::Es }
    }

    /// The first language of an `Accept-Language` header that the portal speaks; quality values are taken in order.
    pub fn from_accept(header: &str) -> Self {
        header
            .split(',')
            .filter_map(|part| part.split(';').next())
            .map(str::trim)
            .find_map(|tag| match tag.get(..2)?.to_ascii_lowercase().as_str() {
                "en" => Some(Self::En),
                "es" => Some(Self::Es),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// `es` or `en`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }
}

/// A sentence for a person in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    es: String,
    en: String,
}

impl Text {
    /// Both wordings.
    pub fn new(es: impl Into<String>, en: impl Into<String>) -> Self {
        Self { es: es.into(), en: en.into() }
    }

    /// The wording in `lang`.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Es => &self.es,
            Lang::En => &self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_of_the_browser_wins_and_spanish_is_the_default() {
        let cases =
            [("", Lang::Es), ("fr-FR,en;q=0.8", Lang::En), ("es-CL", Lang::Es), ("EN-us", Lang::En), ("de", Lang::Es)];
        for (header, lang) in cases {
            assert_eq!(Lang::from_accept(header), lang, "{header}");
        }
    }
}
