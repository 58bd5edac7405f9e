//! Route templates of HTTP functions: literals, `{name}`, `{name?}` and a last `{*rest}`.
//!
//! ASP.NET's inline constraints (`{id:guid}`) are refused: this portal leaves such decisions to the handler's router.

use thiserror::Error;

/// A template this host cannot honour.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    #[error("route `{0}` begins with `{1}`, which the Functions host keeps for itself; it would refuse to start")]
    Reserved(String, String),
    #[error("route `{0}`: only literals, {{name}}, {{name?}} and a last {{*rest}} are understood")]
    Template(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    One,
    Optional,
    Rest,
}

/// A parsed template, prefix included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    segments: Vec<Segment>,
}

impl Route {
    /// Parses `route` (without prefix) under `prefix` (may be empty).
    pub fn parse(prefix: &str, route: &str) -> Result<Self, RouteError> {
        let first = route.trim_start_matches('/').split('/').next().unwrap_or_default();
        if ["admin", "runtime"].iter().any(|word| first.to_ascii_lowercase().starts_with(word)) {
            return Err(RouteError::Reserved(route.to_owned(), first.to_owned()));
        }
        let mut segments = Vec::new();
        for text in prefix.split('/').chain(route.split('/')).filter(|text| !text.is_empty()) {
            let segment = segment(text).ok_or_else(|| RouteError::Template(route.to_owned()))?;
            let before_ok = match segments.last() {
                Some(Segment::Rest) => false,
                Some(Segment::Optional) => segment == Segment::Optional,
                _ => true,
            };
            if !before_ok {
                return Err(RouteError::Template(route.to_owned()));
            }
            segments.push(segment);
        }
        Ok(Self { segments })
    }

    /// Whether the path (as sent, still escaped) matches; literals ignore case, as in ASP.NET.
    pub fn matches(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        let mut rest = path.split('/').filter(|_| !path.is_empty());
        for segment in &self.segments {
            match (segment, rest.next()) {
                (Segment::Rest, _) => return true,
                (Segment::Literal(want), Some(got)) if want.eq_ignore_ascii_case(got) => {}
                (Segment::One | Segment::Optional, Some(got)) if !got.is_empty() => {}
                (Segment::Optional, None) => {}
                _ => return false,
            }
        }
        rest.next().is_none()
    }
}

fn segment(text: &str) -> Option<Segment> {
    let Some(inner) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
        return (!text.contains(['{', '}', '*', '?'])).then(|| Segment::Literal(text.to_owned()));
    };
    let (kind, name) = if let Some(name) = inner.strip_prefix('*') {
        (Segment::Rest, name)
    } else if let Some(name) = inner.strip_suffix('?') {
        (Segment::Optional, name)
    } else {
        (Segment::One, inner)
    };
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catch_all_matches_its_root_and_everything_below() {
        let route = Route::parse("api", "auth/{*rest}").unwrap();
        for path in ["/api/auth", "/api/auth/", "/api/auth/a/b", "/API/Auth/x"] {
            assert!(route.matches(path), "{path}");
        }
        for path in ["/api", "/auth", "/api/authx", "/api/other/auth"] {
            assert!(!route.matches(path), "{path}");
        }
    }

    #[test]
    fn parameters_take_one_segment() {
        let route = Route::parse("", "items/{id}/{part?}").unwrap();
        assert!(route.matches("/items/1"));
        assert!(route.matches("/items/1/2"));
        assert!(!route.matches("/items"));
        assert!(!route.matches("/items/1/2/3"));
    }

    #[test]
    fn reserved_beginnings_are_refused() {
        for route in ["admin", "admin/x", "Runtime/{*rest}", "/administrators"] {
            assert!(matches!(Route::parse("api", route), Err(RouteError::Reserved(..))), "{route}");
        }
        assert!(Route::parse("api", "operator/{*rest}").is_ok());
    }

    #[test]
    fn constraints_are_refused() {
        assert!(Route::parse("api", "x/{id:guid}").is_err());
        assert!(Route::parse("api", "{*rest}/x").is_err());
    }
}
