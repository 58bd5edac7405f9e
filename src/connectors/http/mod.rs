//! Calls to an upstream: allowed addresses, a cap on the body, and failures told apart.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode, header};
use reqwest::{Request, RequestBuilder};
use serde::de::DeserializeOwned;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::{Host, Url};

use super::error::ConnectorError;
use super::sentences::codes;

/// Most bytes of a body, after decompression.
pub const MAX_BODY: usize = 16 * 1024 * 1024;
/// Time to open a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a whole exchange.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// A `Retry-After` beyond this is taken as this.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// What broke an exchange before there was a complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The address is neither https nor http to this machine.
    Address,
    /// The request could not be put together.
    Request,
    /// No connection.
    Connect,
    /// No complete answer in time.
    Timeout,
    /// The connection broke before the answer was complete, or its compression is broken.
    Truncated,
    /// More bytes than the cap.
    TooLarge,
}

/// A failed exchange. It names the host only: paths and queries may hold what is nobody's business.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} ({host})", describe(*.fault))]
pub struct UpstreamError {
    /// What broke.
    pub fault: Fault,
    /// The upstream's host name.
    pub host: String,
}

const fn describe(fault: Fault) -> &'static str {
    match fault {
        Fault::Address => "the address is neither https nor http to this machine",
        Fault::Request => "the request could not be built",
        Fault::Connect => "no connection",
        Fault::Timeout => "no complete answer in time",
        Fault::Truncated => "the connection broke before the answer was complete",
        Fault::TooLarge => "the answer is larger than allowed",
    }
}

impl From<UpstreamError> for ConnectorError {
    fn from(error: UpstreamError) -> Self {
        let cause = error.to_string();
        match error.fault {
            Fault::Address | Fault::Request => Self::config(codes::UPSTREAM_REQUEST, cause),
            Fault::Connect => Self::transient(codes::UPSTREAM_CONNECT, cause),
            Fault::Timeout => Self::transient(codes::UPSTREAM_TIMEOUT, cause),
            Fault::Truncated => Self::transient(codes::UPSTREAM_TRUNCATED, cause),
            Fault::TooLarge => Self::contract(codes::UPSTREAM_TOO_LARGE, cause),
        }
    }
}

/// A complete answer of any status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Bytes,
}

impl Answer {
    /// Reads the body as JSON. HTML (a proxy's or a captive portal's page) and broken JSON have their own codes; the
    /// cause holds the position only, never the text.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ConnectorError> {
        if self.is_html() {
            let cause = format!("HTTP {} with an HTML page instead of JSON", self.status.as_u16());
            return Err(ConnectorError::contract(codes::UPSTREAM_HTML, cause));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let cause = format!(
                "HTTP {} with JSON that does not fit ({:?} error at line {} column {})",
                self.status.as_u16(),
                error.classify(),
                error.line(),
                error.column()
            );
            ConnectorError::contract(codes::UPSTREAM_JSON, cause)
        })
    }

    /// True for a body that is a web page.
    pub fn is_html(&self) -> bool {
        let typed = self
            .text_header(header::CONTENT_TYPE.as_str())
            .is_some_and(|value| value.to_ascii_lowercase().contains("text/html"));
        typed || self.body.trim_ascii_start().starts_with(b"<")
    }

    /// The wait that `Retry-After` asks for, within 0 to 24 hours.
    ///
    /// A date is counted from the answer's own `Date`, so that a wrong clock on either side does not matter; without
    /// `Date` it says nothing.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.text_header(header::RETRY_AFTER.as_str())?.trim();
        let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            if value.starts_with('-') {
                return Some(Duration::ZERO);
            }
            let seconds = digits.parse().unwrap_or(u64::MAX);
            return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
        }
        let until = OffsetDateTime::parse(value, &Rfc2822).ok()?;
        let sent = OffsetDateTime::parse(self.text_header(header::DATE.as_str())?.trim(), &Rfc2822).ok()?;
        // A date in the past has a negative distance, which does not convert: no wait.
        Some(Duration::try_from(until - sent).unwrap_or(Duration::ZERO).min(MAX_RETRY_AFTER))
    }

    fn text_header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The client for all upstreams.
#[derive(Debug, Clone)]
pub struct UpstreamClient {
    http: reqwest::Client,
    max_body: usize,
}

impl UpstreamClient {
    /// Around a client that follows no redirects and has time-outs.
    pub fn new(http: reqwest::Client) -> Self {
        Self { http, max_body: MAX_BODY }
    }

    /// The client for production and for the local profile: no redirects, the time-outs above, and no proxy from the
    /// environment, which would see the tokens.
    pub fn standard() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .gzip(true)
            .no_proxy()
            .user_agent(concat!("client-portal/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self::new(http))
    }

    /// The same client with another cap on the body, in bytes.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Starts a request; finish it with [`Self::send`].
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends what [`Self::request`] started.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, UpstreamError> {
        let request = request.build().map_err(|_| UpstreamError { fault: Fault::Request, host: String::new() })?;
        self.execute(request).await
    }

    /// Sends a finished request and reads the whole answer, whatever its status.
    pub async fn execute(&self, request: Request) -> Result<Answer, UpstreamError> {
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let fail = |fault| UpstreamError { fault, host: host.clone() };
        if !is_allowed(request.url()) {
            return Err(fail(Fault::Address));
        }
        let mut response = self.http.execute(request).await.map_err(|e| fail(fault_of(&e)))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| fail(fault_of(&e)))? {
            if body.len() + chunk.len() > self.max_body {
                return Err(fail(Fault::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body: body.freeze() })
    }
}

/// https anywhere; http only to this machine (the sandbox). Base URLs are configuration; this is the second lock.
fn is_allowed(url: &Url) -> bool {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => url.has_host(),
        "http" => local,
        _ => false,
    }
}

fn fault_of(error: &reqwest::Error) -> Fault {
    if error.is_connect() {
        Fault::Connect
    } else if error.is_timeout() {
        Fault::Timeout
    } else if error.is_builder() {
        Fault::Request
    } else {
        Fault::Truncated
    }
}

type Sleep = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// The waits between the attempts of one call, and how to wait. Tests pass a wait that only notes the time.
#[derive(Clone)]
pub struct Backoff {
    waits: Vec<Duration>,
    sleep: Sleep,
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff").field("waits", &self.waits).finish_non_exhaustive()
    }
}

impl Backoff {
    /// One attempt more than there are `waits`; `sleep` may stretch a wait at random.
    pub fn new<F, S>(waits: impl Into<Vec<Duration>>, sleep: S) -> Self
    where
        S: Fn(Duration) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let sleep: Sleep = Arc::new(move |wait| Box::pin(sleep(wait)));
        Self { waits: waits.into(), sleep }
    }

    /// Runs `attempt` until it succeeds, fails with something that `retry` refuses, or the waits are used up.
    pub async fn run<T, E, F>(&self, mut attempt: impl FnMut() -> F, retry: impl Fn(&E) -> bool) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        for wait in &self.waits {
            match attempt().await {
                Err(error) if retry(&error) => (self.sleep)(*wait).await,
                done => return done,
            }
        }
        attempt().await
    }
}
