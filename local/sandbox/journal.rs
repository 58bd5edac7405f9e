//! The log of every upstream request with the body that was served.

use std::collections::VecDeque;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use url::form_urlencoded;

const MAX_ENTRIES: usize = 5_000;
/// Bodies are kept whole, so the log is bounded by size as well.
const MAX_BYTES: usize = 64 << 20;
const MASK: &str = "***";
/// Parameters and fields that hold a secret.
const SECRETS: [&str; 8] =
    ["client_secret", "code", "code_verifier", "refresh_token", "access_token", "id_token", "token", "assertion"];

#[derive(Debug)]
struct Entry {
    n: u64,
    at: DateTime<Utc>,
    method: String,
    path: String,
    query: String,
    status: Option<u16>,
    request_body: String,
    response_body: Option<String>,
    fault: Option<&'static str>,
}

impl Entry {
    fn size(&self) -> usize {
        self.request_body.len() + self.response_body.as_ref().map_or(0, String::len)
    }

    fn show(&self) -> Value {
        json!({
            "n": self.n, "at": self.at.to_rfc3339_opts(SecondsFormat::Millis, true), "method": self.method,
            "path": self.path, "query": self.query, "status": self.status, "request_body": self.request_body,
            "response_body": self.response_body, "fault": self.fault
        })
    }
}

/// The newest requests, oldest first.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: u64,
}

impl Journal {
    /// Notes a request when it comes in, without an answer yet. Returns its number.
    pub fn open(&mut self, at: DateTime<Utc>, method: &str, uri: &axum::http::Uri, body: &[u8]) -> u64 {
        self.last += 1;
        let path = uri.path();
        let entry = Entry {
            n: self.last,
            at,
            method: method.to_owned(),
            path: path.to_owned(),
            query: mask_form(uri.query().unwrap_or_default()),
            status: None,
            request_body: mask(path, body),
            response_body: None,
            fault: None,
        };
        self.bytes += entry.size();
        self.entries.push_back(entry);
        self.trim();
        self.last
    }

    /// Notes which fault hits a request.
    pub fn fault(&mut self, n: u64, name: &'static str) {
        if let Some(entry) = self.entry(n) {
            entry.fault = Some(name);
        }
    }

    /// Notes the answer: the bytes that were sent, half of them for a truncated body.
    pub fn close(&mut self, n: u64, status: u16, body: &[u8]) {
        let Some(entry) = self.entry(n) else {
            return;
        };
        let text = mask(&entry.path, body);
        entry.status = Some(status);
        let size = text.len();
        entry.response_body = Some(text);
        self.bytes += size;
        self.trim();
    }

    fn entry(&mut self, n: u64) -> Option<&mut Entry> {
        let first = self.entries.front()?.n;
        self.entries.get_mut(usize::try_from(n.checked_sub(first)?).ok()?)
    }

    fn trim(&mut self) {
        while self.entries.len() > MAX_ENTRIES || (self.bytes > MAX_BYTES && self.entries.len() > 1) {
            if let Some(entry) = self.entries.pop_front() {
                self.bytes -= entry.size();
            }
        }
    }

    /// Requests after number `since` whose path begins with `prefix`, and the number to ask from next time.
    pub fn list(&self, since: u64, prefix: &str) -> Value {
        let items = self.entries.iter().filter(|entry| entry.n > since && entry.path.starts_with(prefix));
        json!({"items": items.map(Entry::show).collect::<Vec<_>>(), "next": self.last.max(since)})
    }

    /// Forgets all requests; numbers go on.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

/// A body as text, without secrets where the OAuth endpoints carry them; elsewhere exactly as sent.
fn mask(path: &str, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if path != "/token" && path != "/revoke" {
        return text.into_owned();
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut fields)) => {
            for (name, value) in &mut fields {
                if SECRETS.contains(&name.as_str()) {
                    *value = MASK.into();
                }
            }
            Value::Object(fields).to_string()
        }
        _ => mask_form(&text),
    }
}

/// A query or form without secrets; unchanged if it has none.
fn mask_form(text: &str) -> String {
    let secret = |name: &str| SECRETS.contains(&name);
    if !form_urlencoded::parse(text.as_bytes()).any(|(name, _)| secret(&name)) {
        return text.to_owned();
    }
    let pairs = form_urlencoded::parse(text.as_bytes());
    let masked = pairs.map(|(name, value)| if secret(&name) { (name, MASK.into()) } else { (name, value) });
    form_urlencoded::Serializer::new(String::new()).extend_pairs(masked).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(journal: &mut Journal, body: &[u8]) -> u64 {
        let uri = "/v1beta/accountSummaries?pageSize=1".parse().unwrap();
        let n = journal.open(DateTime::UNIX_EPOCH, "GET", &uri, b"");
        journal.close(n, 200, body);
        n
    }

    #[test]
    fn the_log_keeps_the_newest_five_thousand_requests() {
        let mut journal = Journal::default();
        for _ in 0..5_003 {
            log(&mut journal, b"{}");
        }
        let all = journal.list(0, "/");
        assert_eq!(all["items"].as_array().unwrap().len(), 5_000);
        assert_eq!(all["items"][0]["n"], 4);
        assert_eq!(all["next"], 5_003);
    }

    #[test]
    fn the_log_is_bounded_by_size_as_well() {
        let mut journal = Journal::default();
        let body = vec![b'x'; MAX_BYTES / 2 - 10];
        let last = (0..3).map(|_| log(&mut journal, &body)).last().unwrap();
        let items = journal.list(0, "/")["items"].as_array().unwrap().len();
        assert_eq!(items, 2);
        journal.clear();
        assert_eq!(journal.bytes, 0);
        assert_eq!(log(&mut journal, b"{}"), last + 1);
    }

    #[test]
    fn secrets_are_masked_and_nothing_else() {
        assert_eq!(
            mask("/token", b"grant_type=refresh_token&refresh_token=abc"),
            "grant_type=refresh_token&refresh_token=***"
        );
        assert_eq!(
            mask("/token", br#"{"access_token":"abc","expires_in":3599}"#),
            r#"{"access_token":"***","expires_in":3599}"#
        );
        assert_eq!(mask("/v1beta/x", b"token=abc"), "token=abc");
        assert_eq!(mask_form("token=abc"), "token=***");
        assert_eq!(mask_form("a=%20b"), "a=%20b");
    }
}
