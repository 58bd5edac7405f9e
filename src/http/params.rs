//! Query parameters: all of them known, none of them twice (but for `dims`), with every problem named.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uuid::Uuid;

use crate::domain::comparison::Compare;
use crate::domain::dims::{DimFilter, DimSyntaxError, split_list};
use crate::domain::period::Grain;
use crate::services::error::{FieldError, ServiceError};
use crate::services::figures::Scope;

/// How dates are written.
pub const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// Longest value of a parameter.
pub const MAX_VALUE: usize = 4_096;

/// The decoded query of a request.
#[derive(Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    problems: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Params {
    /// Decodes a query.
    pub fn parse(query: &str) -> Self {
        Self { pairs: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(), problems: Vec::new() }
    }

    /// Refuses parameters that are not in `known`, then everything that was wrong.
    pub fn finish(mut self, known: &[&str]) -> Result<(), ServiceError> {
        for (name, value) in &self.pairs {
            if !known.contains(&name.as_str()) {
                self.problems.push(FieldError::new(
                    name.chars().take(64).collect::<String>(),
                    "unknown_parameter",
                    format!("Este parámetro no existe; los que hay: {}.", known.join(", ")),
                    format!("There is no such parameter; there are: {}.", known.join(", ")),
                ));
            } else if value.len() > MAX_VALUE || value.contains('\0') {
                self.problems.push(FieldError::new(
                    name,
                    "bad_value",
                    "El valor no es válido.",
                    "The value is not valid.",
                ));
            }
        }
        if self.problems.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(self.problems)) }
    }

    /// The value of a parameter that may stand once; an empty one counts as absent.
    pub fn one(&mut self, name: &str) -> Option<String> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
        let first = values.next();
        if values.next().is_some() {
            self.problems.push(FieldError::new(
                name,
                "repeated_parameter",
                "Este parámetro solo puede aparecer una vez.",
                "This parameter may appear only once.",
            ));
        }
        first.filter(|value| !value.is_empty())
    }

    fn parsed<T>(&mut self, name: &str, es: &str, en: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.one(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.problems.push(FieldError::new(name, "bad_value", es, en));
        }
        value
    }

    /// A day.
    pub fn date(&mut self, name: &str) -> Option<Date> {
        self.parsed(name, "La fecha debe ser AAAA-MM-DD.", "The date must be YYYY-MM-DD.", |text| {
            Date::parse(text, DATE).ok().filter(|date| (1..=9998).contains(&date.year()))
        })
    }

    /// A whole number of a range.
    pub fn number(&mut self, name: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let (least, most) = (range.start(), range.end());
        let es = format!("Debe ser un número de {least} a {most}.");
        let en = format!("It must be a number from {least} to {most}.");
        self.parsed(name, &es, &en, |text| text.parse().ok().filter(|number| range.contains(number)))
    }

    /// A number from 1 to `most`.
    pub fn limit(&mut self, default: u32, most: u32) -> u32 {
        let es = format!("Debe ser un número de 1 a {most}.");
        let en = format!("It must be a number from 1 to {most}.");
        self.parsed("limit", &es, &en, |text| text.parse().ok().filter(|limit| (1..=most).contains(limit)))
            .unwrap_or(default)
    }

    /// A UUID, as cursors of lists are.
    pub fn uuid(&mut self, name: &str) -> Option<Uuid> {
        self.parsed(name, "El cursor no es válido.", "The cursor is not valid.", |text| Uuid::parse_str(text).ok())
    }

    /// The id of something.
    pub fn id<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.parsed(name, "Debe ser un identificador.", "It must be an id.", |text| text.parse().ok())
    }

    /// `true` or `false`; `false` without it.
    pub fn flag(&mut self, name: &str) -> bool {
        let read = |text: &str| text.parse().ok();
        self.parsed(name, "Debe ser true o false.", "It must be true or false.", read).unwrap_or(false)
    }

    /// One of these words.
    pub fn choice<T>(&mut self, name: &str, words: &[&str], parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let words = words.join(", ");
        self.parsed(name, &format!("Debe ser uno de: {words}."), &format!("It must be one of: {words}."), parse)
    }

    /// `grain`.
    pub fn grain(&mut self) -> Option<Grain> {
        self.choice("grain", &["day", "week", "month", "quarter", "year"], Grain::parse)
    }

    /// A comma-separated list of names, escaped as in `dims`.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        self.one(name).map(|text| split_list(&text)).unwrap_or_default()
    }

    /// `from`, `to`, `dims` and `compare`.
    pub fn scope(&mut self) -> Scope {
        let (from, to) = (self.date("from"), self.date("to"));
        let given = |name: &str| self.pairs.iter().any(|(key, value)| key == name && !value.is_empty());
        if given("from") != given("to") {
            let missing = if given("from") { "to" } else { "from" };
            self.problems.push(FieldError::new(
                missing,
                "required",
                "Indique las dos fechas, o ninguna.",
                "Give both dates, or neither.",
            ));
        }
        let compare =
            self.parsed("compare", "Debe ser none, previous o year.", "It must be none, previous or year.", |text| {
                match text {
                    "none" => Some(Compare::None),
                    "previous" => Some(Compare::Previous),
                    "year" => Some(Compare::Year),
                    _ => None,
                }
            });
        Scope { range: from.zip(to), filter: self.dims(), compare: compare.unwrap_or_default() }
    }

    fn dims(&mut self) -> DimFilter {
        let texts: Vec<&str> =
            self.pairs.iter().filter(|(name, _)| name == "dims").map(|(_, value)| value.as_str()).collect();
        DimFilter::parse(texts).unwrap_or_else(|error| {
            self.problems.push(dims_problem(&error));
            DimFilter::default()
        })
    }
}

fn dims_problem(error: &DimSyntaxError) -> FieldError {
    let (code, es, en) = match error {
        DimSyntaxError::NoColon(part) => {
            ("bad_filter", format!("«{part}» no es nombre:valor."), format!("“{part}” is not name:value."))
        }
        DimSyntaxError::BadEscape(part) => (
            "bad_filter",
            format!(
                "En «{part}» falta una barra \\ delante de la coma, los dos puntos o la barra que son parte del valor."
            ),
            format!(
                "In “{part}” a backslash is missing before the comma, colon or backslash that belongs to the value."
            ),
        ),
        DimSyntaxError::TooMany => {
            ("too_many", "El filtro tiene demasiados valores.".to_owned(), "The filter has too many values.".to_owned())
        }
    };
    FieldError::new("dims", code, es, en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn fields(query: &str, known: &[&str]) -> Vec<String> {
        let mut params = Params::parse(query);
        params.scope();
        params.grain();
        params.limit(50, 500);
        match params.finish(known) {
            Err(ServiceError::Invalid(fields)) => fields.into_iter().map(|field| field.field).collect(),
            Ok(()) => Vec::new(),
            Err(other) => panic!("{other:?}"),
        }
    }

    const KNOWN: [&str; 6] = ["from", "to", "dims", "compare", "grain", "limit"];

    #[test]
    fn a_good_query_becomes_a_scope() {
        let mut params = Params::parse("from=2026-11-01&to=2026-11-23&dims=country:ES&dims=channel:A%2CB&compare=year");
        let scope = params.scope();
        assert_eq!(scope.range, Some((date!(2026 - 11 - 01), date!(2026 - 11 - 23))));
        assert_eq!(scope.compare, Compare::Year);
    }

    #[test]
    fn every_bad_parameter_is_named_at_once() {
        let query = "from=2026-13-01&to=2026-11-01&compare=last&grain=hour&limit=0&tenant_id=x&dims=country";
        let mut found = fields(query, &KNOWN);
        found.sort();
        assert_eq!(found, ["compare", "dims", "from", "grain", "limit", "tenant_id"]);
    }

    #[test]
    fn half_a_range_and_a_repeated_parameter_are_refused() {
        assert_eq!(fields("from=2026-11-01", &KNOWN), ["to"]);
        assert_eq!(fields("grain=day&grain=week", &KNOWN), ["grain"]);
    }
}
