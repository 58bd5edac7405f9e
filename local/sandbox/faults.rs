//! The fault switch: rules that make matching requests fail in one of the ways an upstream can fail.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// Message of Google's hourly 429, from the vendor facts "Errors".
pub const TOO_MANY: &str =
    "Exhausted property tokens for a project per hour. These quota tokens will return in under an hour.";
const MAX_RULES: usize = 100;
/// Values of `Stripe-Rate-Limited-Reason`.
const REASONS: [&str; 5] =
    ["global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific"];

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 429 with the vendor's body, and `Retry-After` if the rule has one.
    TooMany,
    /// 500 with the vendor's envelope; with Google it counts towards the property's server errors.
    ServerError,
    /// Never answers.
    Timeout,
    /// The right `Content-Length`, but the connection ends half way.
    TruncatedBody,
    /// The right body in small pieces.
    Slow,
    /// The grant or key behind the request is revoked, and the request refused because of it.
    RevokedToken,
    /// 403 with the vendor's permission body.
    Forbidden,
    /// 502 with the page of a gateway.
    BadGateway,
    /// 503 with the vendor's envelope; with Google it counts as a server error.
    Unavailable,
    /// Stripe's other 429, without `Stripe-Rate-Limited-Reason`.
    LockTimeout,
    /// The right body, one byte a second.
    Drip,
    /// The right body, followed by whitespace without end.
    Endless,
    /// Two gigabytes.
    Huge,
    /// Seven megabytes of gzip that become one gigabyte.
    GzipBomb,
    /// The right answer with lists that are no lists.
    WrongType,
    /// The first page, whatever page was asked for, and always another one to come.
    RepeatedCursor,
    /// 200 with a page in HTML.
    Html,
    /// 200 without a body.
    Empty,
}

impl Kind {
    const ALL: [(Self, &'static str); 18] = [
        (Self::TooMany, "429"),
        (Self::ServerError, "500"),
        (Self::Timeout, "timeout"),
        (Self::TruncatedBody, "truncated_body"),
        (Self::Slow, "slow"),
        (Self::RevokedToken, "revoked_token"),
        (Self::Forbidden, "403"),
        (Self::BadGateway, "502"),
        (Self::Unavailable, "503"),
        (Self::LockTimeout, "lock_timeout"),
        (Self::Drip, "drip"),
        (Self::Endless, "endless"),
        (Self::Huge, "huge"),
        (Self::GzipBomb, "gzip_bomb"),
        (Self::WrongType, "wrong_type"),
        (Self::RepeatedCursor, "repeated_cursor"),
        (Self::Html, "html"),
        (Self::Empty, "empty"),
    ];

    /// Name in the control API.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    fn parse(value: &Value) -> Option<Self> {
        let name = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// What a rule does to a request.
#[derive(Debug, Clone)]
pub struct Fault {
    /// How it fails.
    pub kind: Kind,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// Instead of the usual sentence in the error body.
    pub message: Option<String>,
    /// Stripe's `Stripe-Rate-Limited-Reason` of a 429.
    pub reason: Option<String>,
    /// How long a slow body takes.
    pub seconds: u64,
}

#[derive(Debug)]
struct Rule {
    id: u64,
    method: Option<Method>,
    path_prefix: String,
    after: u64,
    count: Option<u64>,
    /// Matching requests so far, and those among them that were hit.
    seen: u64,
    hits: u64,
    fault: Fault,
}

impl Rule {
    fn done(&self) -> bool {
        self.count.is_some_and(|count| self.hits >= count)
    }

    fn show(&self) -> Value {
        json!({
            "id": self.id,
            "match": {"method": self.method.as_ref().map(Method::as_str), "path_prefix": self.path_prefix},
            "kind": self.fault.kind.name(), "count": self.count, "after": self.after,
            "retry_after": self.fault.retry_after, "message": self.fault.message, "seconds": self.fault.seconds,
            "seen": self.seen, "hits": self.hits, "done": self.done()
        })
    }
}

/// All rules, oldest first.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    last: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default, rename = "match")]
    matches: MatchBody,
    kind: Value,
    count: Option<u64>,
    after: Option<u64>,
    retry_after: Option<u64>,
    message: Option<String>,
    reason: Option<String>,
    seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchBody {
    method: Option<String>,
    path_prefix: Option<String>,
}

impl Faults {
    /// Adds a rule from the control API's JSON and returns it; the error says what to change.
    pub fn add(&mut self, body: Value) -> Result<Value, String> {
        let body: Body = serde_json::from_value(body).map_err(|error| format!("{error}."))?;
        let kind = Kind::parse(&body.kind).ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.iter().map(|(_, name)| *name).collect();
            format!("kind is {}: send one of {}.", body.kind, names.join(", "))
        })?;
        let method = match body.matches.method {
            None => None,
            Some(name) if ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&name.as_str()) => {
                Method::from_bytes(name.as_bytes()).ok()
            }
            Some(name) => {
                return Err(format!("match.method is {name:?}: send an HTTP method in capitals, or leave it out."));
            }
        };
        let path_prefix = body.matches.path_prefix.unwrap_or_else(|| "/".into());
        if !path_prefix.starts_with('/') || path_prefix.starts_with("/__control") {
            return Err(format!(
                "match.path_prefix is {path_prefix:?}: send a path of the upstreams that begins with a slash."
            ));
        }
        if body.count == Some(0) {
            return Err("count is 0: send 1 or more, or leave it out to fail until the faults are cleared.".into());
        }
        if body.reason.as_deref().is_some_and(|reason| !REASONS.contains(&reason)) {
            return Err(format!("reason: send one of {}, or leave it out.", REASONS.join(", ")));
        }
        let seconds = body.seconds.unwrap_or(10);
        if seconds > 600 {
            return Err(format!("seconds is {seconds}: send at most 600."));
        }
        if self.rules.len() >= MAX_RULES {
            return Err(format!("There are {MAX_RULES} faults already: DELETE /__control/faults clears them."));
        }
        self.last += 1;
        let fault = Fault { kind, retry_after: body.retry_after, message: body.message, reason: body.reason, seconds };
        let after = body.after.unwrap_or(0);
        let rule = Rule { id: self.last, method, path_prefix, after, count: body.count, seen: 0, hits: 0, fault };
        let shown = rule.show();
        self.rules.push(rule);
        Ok(shown)
    }

    /// The fault for a request. Rules are asked in the order in which they came; the first one that is due hits, and the
    /// later ones do not see the request.
    pub fn strike(&mut self, method: &Method, path: &str) -> Option<Fault> {
        for rule in &mut self.rules {
            let matches = rule.method.as_ref().is_none_or(|wanted| wanted == method);
            if rule.done() || !matches || !path.starts_with(&rule.path_prefix) {
                continue;
            }
            rule.seen += 1;
            if rule.seen > rule.after {
                rule.hits += 1;
                return Some(rule.fault.clone());
            }
        }
        None
    }

    /// All rules, used-up ones too.
    pub fn list(&self) -> Vec<Value> {
        self.rules.iter().map(Rule::show).collect()
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }
}
