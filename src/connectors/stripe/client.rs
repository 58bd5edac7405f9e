//! The calls. There is one method, and it is GET: a key that could move money is never asked to.

use http::Method;
use serde_json::Value;
use url::Url;

use super::errors::{Refusal, classify, request_id};
use super::key::Key;
use super::retry::{Disturbance, Pauses};
use super::wire::{Object, Page};
use super::{PAGE, VERSION};
use crate::connectors::contract::{Allowance, Gate};
use crate::connectors::error::ConnectorError;
use crate::connectors::http::{Answer, UpstreamClient};
use crate::connectors::sentences::codes;
use crate::domain::secret::Secret;

/// The bucket of an account's requests. Stripe allows 25 a second to one endpoint and more to all together, so that this
/// one bucket keeps within each endpoint's limit, too.
pub const REQUESTS: &str = "stripe";
/// The bucket of the read allocation, which Stripe counts by the month.
pub const ALLOCATION: &str = "stripe_allocation";
const TEST_MODE: Allowance = Allowance { per_second: 25.0, burst: 25.0 };
/// Below what Stripe allows: the account has other readers, too.
const LIVE: Allowance = Allowance { per_second: 20.0, burst: 20.0 };

/// The client of Stripe's API.
#[derive(Debug, Clone)]
pub struct StripeClient {
    upstream: UpstreamClient,
    base: Url,
    pauses: Pauses,
}

/// A query: names as Stripe writes them (`created[gte]`), and values.
pub type Query<'a> = &'a [(&'a str, String)];

impl StripeClient {
    /// A client on this base URL, to which paths like `/v1/…` are added.
    pub const fn new(upstream: UpstreamClient, base: Url, pauses: Pauses) -> Self {
        Self { upstream, base, pauses }
    }

    /// Calls with this key that wait for no bucket: for the few of a check by a person.
    pub fn with<'a>(&'a self, access: &'a Secret) -> Result<Calls<'a>, ConnectorError> {
        Ok(Calls { client: self, access, key: Key::of(access)?, gate: None })
    }

    fn address(&self, path: &str, query: Query<'_>) -> Result<Url, ConnectorError> {
        let text = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let wrong = |_| ConnectorError::config(codes::UPSTREAM_REQUEST, "Stripe's base URL cannot take a path");
        let mut url = Url::parse(&text).map_err(wrong)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

/// Calls with one key.
#[derive(Clone, Copy)]
pub struct Calls<'a> {
    client: &'a StripeClient,
    access: &'a Secret,
    /// The key's kind.
    pub key: Key,
    gate: Option<(&'a dyn Gate, Allowance)>,
}

impl<'a> Calls<'a> {
    /// The same, each taken out of the account's buckets first.
    #[must_use]
    pub fn through(self, gate: &'a dyn Gate, allocation: Allowance) -> Self {
        Self { gate: Some((gate, allocation)), ..self }
    }

    /// An object of `stream`.
    pub async fn object(&self, stream: &'static str, path: &str, query: Query<'_>) -> Result<Value, Refusal> {
        let answer = self.send(path, query).await?;
        let named = |mut error: ConnectorError| {
            error.cause = format!("{stream}: {}{}", error.cause, request_id(&answer));
            error
        };
        let value: Value = answer.json().map_err(named)?;
        self.held_to_mode(stream, &value)?;
        Ok(value)
    }

    /// A page of objects of `stream`; `query` without the length.
    pub async fn page(&self, stream: &'static str, path: &str, query: Query<'_>) -> Result<Page, Refusal> {
        let mut all = vec![("limit", PAGE.to_string())];
        all.extend_from_slice(query);
        let page = Page::of(stream, self.object(stream, path, &all).await?)?;
        for one in &page.data {
            self.held_to_mode(stream, one)?;
        }
        Ok(page)
    }

    /// Test data must not be taken for real, nor the reverse.
    fn held_to_mode(&self, stream: &'static str, value: &Value) -> Result<(), ConnectorError> {
        match Object::of(stream, value)?.livemode()? {
            Some(live) if live != self.key.live => {
                let cause = format!("{stream}: livemode is {live}, the key's is {}", self.key.live);
                Err(ConnectorError::contract(codes::STRIPE_MODE, cause))
            }
            _ => Ok(()),
        }
    }

    /// One call with its retries. The key is cut out of whatever Stripe says.
    async fn send(&self, path: &str, query: Query<'_>) -> Result<Answer, Refusal> {
        let url = self.client.address(path, query)?;
        let mut failed = 0;
        loop {
            let refusal = match self.attempt(&url).await {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            failed += 1;
            if refusal.retry == Some(Disturbance::Rate)
                && let Some((gate, _)) = self.gate
            {
                gate.slow_down(REQUESTS).await;
            }
            let again = match refusal.retry {
                Some(disturbance) => self.client.pauses.after(disturbance, failed).await,
                None => false,
            };
            if !again {
                let error = refusal.error.redacted(|text| self.access.redact(text));
                return Err(Refusal { error, ..refusal });
            }
        }
    }

    async fn attempt(&self, url: &Url) -> Result<Answer, Refusal> {
        if let Some((gate, allocation)) = self.gate {
            gate.pass(ALLOCATION, allocation).await?;
            gate.pass(REQUESTS, if self.key.live { LIVE } else { TEST_MODE }).await?;
        }
        let request = self
            .client
            .upstream
            .request(Method::GET, url.clone())
            .bearer_auth(self.access.expose())
            .header("Stripe-Version", VERSION);
        let answer = self.client.upstream.send(request).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(classify(&answer)) }
    }
}
