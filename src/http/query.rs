//! Query parameters as the OpenAPI document describes them; `params` reads them.

use serde_json::{Value, json};

use super::params::MAX_VALUE;

/// A query parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its schema.
    pub schema: Value,
    /// Whether it must be there.
    pub required: bool,
}

impl Param {
    fn new(name: &'static str, about: &'static str, schema: Value) -> Self {
        Self { name, about, schema, required: false }
    }

    /// The same, but it must be there.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// Any text.
pub fn text(name: &'static str, about: &'static str) -> Param {
    Param::new(name, about, json!({"type": "string", "maxLength": MAX_VALUE}))
}

/// A day.
pub fn date(name: &'static str, about: &'static str) -> Param {
    Param::new(name, about, json!({"type": "string", "format": "date"}))
}

/// An id.
pub fn id(name: &'static str, about: &'static str) -> Param {
    Param::new(name, about, json!({"type": "string", "format": "uuid"}))
}

/// One of these words.
pub fn choice(name: &'static str, about: &'static str, words: &[&str]) -> Param {
    Param::new(name, about, json!({"type": "string", "enum": words}))
}

/// `true` or `false`.
pub fn flag(name: &'static str, about: &'static str) -> Param {
    Param::new(name, about, json!({"type": "boolean"}))
}

/// A whole number.
pub fn number(name: &'static str, about: &'static str, least: i64, most: i64) -> Param {
    Param::new(name, about, json!({"type": "integer", "minimum": least, "maximum": most}))
}

/// Items of a page: so many unless asked otherwise, and at most.
pub fn limit((default, most): (u32, u32)) -> Param {
    let schema = json!({"type": "integer", "minimum": 1, "maximum": most, "default": default});
    Param::new("limit", "Items of a page.", schema)
}

/// Where a page begins.
pub fn cursor() -> Param {
    text("cursor", "`next_cursor` of the page before.")
}

/// Where a page begins, where that is an id.
pub fn id_cursor() -> Param {
    id("cursor", "`next_cursor` of the page before.")
}

/// The range, filter and comparison of figures.
pub fn scope() -> [Param; 4] {
    [
        date("from", "First day, inclusive; with `to`, or neither: then the last 28 days with data."),
        date("to", "Last day, inclusive."),
        text("dims", "`country:ES,channel:Email`; repeat a dimension for OR; `\\` escapes comma, colon and itself."),
        choice("compare", "What to compare with.", &["none", "previous", "year"]),
    ]
}

/// The width of a bucket.
pub fn grain() -> Param {
    choice("grain", "The width of a bucket.", &["day", "week", "month", "quarter", "year"])
}
