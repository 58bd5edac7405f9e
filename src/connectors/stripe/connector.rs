//! Stripe as the engine sees it.

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::catalog::{METRICS, dim_sets};
use super::client::{Calls, StripeClient};
use super::errors::Refusal;
use super::key::Key;
use super::scan::DISCOUNTS;
use super::state::State;
use super::streams::{BALANCE_TRANSACTIONS, STREAMS, SUBSCRIPTIONS, path};
use super::turn::Turn;
use super::wire::{Object, is_id};
use super::{PROVIDER, PROVISIONAL_DAYS};
use crate::connectors::contract::{
    Access, Account, AccountDetails, Batch, Bearer, Connector, Note, Permission, Provider, Reachable, Reading,
};
use crate::connectors::error::ConnectorError;
use crate::connectors::sentences::codes;
use crate::domain::secret::Secret;

static STRIPE: Provider = Provider {
    key: PROVIDER,
    name: "Stripe",
    access: Access::ApiKey,
    streams: &STREAMS,
    metrics: &METRICS,
    dim_sets,
    provisional_days: PROVISIONAL_DAYS,
    zone_is_chosen: true,
};

/// Ends the id of an account's test data, which are other data than its real ones.
const TEST: &str = ":test";

/// The connector.
#[derive(Debug, Clone)]
pub struct Stripe {
    client: StripeClient,
}

impl Stripe {
    /// From its client.
    pub const fn new(client: StripeClient) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Connector for Stripe {
    fn provider(&self) -> &'static Provider {
        &STRIPE
    }

    fn key_label(&self, key: &Secret) -> Result<String, ConnectorError> {
        Key::label(key)
    }

    async fn check(&self, access: &Secret, _now: OffsetDateTime) -> Result<Reachable, ConnectorError> {
        let calls = self.client.with(access)?;
        let found = who(&calls).await?;
        let mut permissions = Vec::with_capacity(STREAMS.len());
        for stream in &STREAMS {
            let missing = match calls.probe(stream.key, path(stream.key)).await {
                Ok(()) => None,
                Err(refusal) if refusal.error.code == codes::STRIPE_PERMISSION => {
                    refusal.permission.map(String::from).or_else(|| stream.permission.map(str::to_owned))
                }
                Err(refusal) => return Err(refusal.error),
            };
            permissions.push(Permission { stream: stream.key, missing });
        }
        let id = found.id.unwrap_or_else(|| unnamed(access));
        let name = found.name.unwrap_or_else(|| id.clone());
        let account = Account { id: account_id(&id, calls.key), name, group: String::new() };
        Ok(Reachable { accounts: vec![account], permissions, test_mode: !calls.key.live })
    }

    async fn account(&self, access: &Secret, id: &str, _now: OffsetDateTime) -> Result<AccountDetails, ConnectorError> {
        let calls = self.client.with(access)?;
        let found = who(&calls).await?;
        if found.id.is_some_and(|found| account_id(&found, calls.key) != id) || id.ends_with(TEST) == calls.key.live {
            let cause = "the key's account is not the source's";
            return Err(ConnectorError::config(codes::STRIPE_OTHER_ACCOUNT, cause));
        }
        // The zone is not known yet; nowhere does a day begin a whole day before it does in UTC.
        let created = found.created.and_then(|at| at.date().previous_day());
        Ok(AccountDetails { zone: None, currency: found.currency, created })
    }

    async fn read(&self, access: &dyn Bearer, reading: &Reading<'_>) -> Result<Option<Batch>, ConnectorError> {
        let mut state = State::of(reading);
        let begins = reading.run.is_null();
        let key = access.current().await?;
        let calls = self.client.with(&key)?.through(reading.gate, state.ledger().allocation());
        if begins {
            known_again(&calls, reading.account, state.ledger().known.as_deref()).await?;
        }
        let mut batch = Turn { calls, reading, state }.take().await?;
        if let Some(batch) = batch.as_mut().filter(|_| begins && !calls.key.restricted) {
            batch.notes.push(Note { code: codes::STRIPE_FULL_KEY, detail: "the key is a secret key (sk_)".to_owned() });
        }
        Ok(batch)
    }
}

/// A key that was replaced must be of the same account and mode, or two accounts' money would be added up.
async fn known_again(calls: &Calls<'_>, account: &str, known: Option<&str>) -> Result<(), ConnectorError> {
    let other = |cause: String| Err(ConnectorError::config(codes::STRIPE_OTHER_ACCOUNT, cause));
    if account.ends_with(TEST) == calls.key.live {
        return other("the key is of the other mode than the source".to_owned());
    }
    let Some(known) = known.filter(|id| is_id(id)) else { return Ok(()) };
    let address = format!("{}/{known}", path(BALANCE_TRANSACTIONS));
    match calls.object(BALANCE_TRANSACTIONS, &address, &[]).await {
        Err(refusal) if refusal.gone => {
            other(format!("a transaction that was read is unknown: {}", refusal.error.cause))
        }
        // The list itself will say that it may not be read.
        Err(refusal) => refusal.blocks().map(|_| ()),
        Ok(_) => Ok(()),
    }
}

/// What a key tells of its account.
#[derive(Debug, Default)]
struct Who {
    id: Option<String>,
    name: Option<String>,
    currency: Option<String>,
    created: Option<OffsetDateTime>,
}

/// Asks for the account. A key with the least permissions may not read it, but the refusal names it.
async fn who(calls: &Calls<'_>) -> Result<Who, ConnectorError> {
    match calls.object("account", "/v1/account", &[]).await {
        Ok(value) => described(&value),
        Err(refusal) if refusal.error.code == codes::STRIPE_PERMISSION => {
            Ok(Who { id: refusal.account.map(String::from), ..Who::default() })
        }
        Err(refusal) => Err(refusal.error),
    }
}

fn described(value: &Value) -> Result<Who, ConnectorError> {
    let account = Object::of("account", value)?;
    let profile = account.optional_object("business_profile")?;
    let settings = account.optional_object("settings")?;
    let dashboard = settings.map(|settings| settings.optional_object("dashboard")).transpose()?.flatten();
    let names = [
        dashboard.map(|one| one.optional_text("display_name")).transpose()?.flatten(),
        profile.map(|one| one.optional_text("name")).transpose()?.flatten(),
    ];
    Ok(Who {
        id: Some(account.id()?.to_owned()),
        name: names.into_iter().flatten().find(|name| !name.trim().is_empty()).map(str::to_owned),
        currency: account.has("default_currency").then(|| account.currency("default_currency")).transpose()?,
        created: account.has("created").then(|| account.instant("created")).transpose()?,
    })
}

fn account_id(id: &str, key: Key) -> String {
    format!("{id}{}", if key.live { "" } else { TEST })
}

/// An id for an account that Stripe does not name: always the same for the same key.
fn unnamed(access: &Secret) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(format!("stripe account of {}", access.expose()));
    digest.iter().take(8).fold("key_".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Calls<'_> {
    /// Whether a list may be read.
    async fn probe(&self, stream: &'static str, path: &str) -> Result<(), Refusal> {
        let mut query = vec![("limit", "1".to_owned())];
        if stream == SUBSCRIPTIONS {
            // What is asked for with them needs permissions of its own.
            query.push(("expand[]", DISCOUNTS.to_owned()));
        }
        self.object(stream, path, &query).await.map(|_| ())
    }
}
