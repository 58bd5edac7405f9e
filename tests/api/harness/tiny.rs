//! A provider of our own: it reads what a test has written down for it, step by step.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portal::connectors::contract::{
    Access, Account, AccountDetails, Allowance, Batch, Bearer, Connector, Measure, Permission, Provider, Reach,
    Reachable, Reading, Record, StreamInfo, Write,
};
use portal::connectors::error::{ConnectorError, FailureKind};
use portal::connectors::sentences::codes;
use portal::domain::metric::{Additivity, Bilingual, GoodDirection, MetricDefinition};
use portal::domain::secret::Secret;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::{Date, OffsetDateTime};
use tokio::sync::oneshot;

use super::TestApp;
use super::client::Client;

const fn metric(key: &'static str, additivity: Additivity) -> MetricDefinition {
    let text = Bilingual { es: "Prueba.", en: "Test." };
    MetricDefinition {
        key,
        name: text,
        definition: text,
        formula: "n",
        endpoint: "list",
        field: "n",
        unit: "count",
        additivity,
        good_direction: GoodDirection::Up,
    }
}

static METRICS: [MetricDefinition; 3] = [
    metric("tiny.orders", Additivity::Sum),
    metric("tiny.refunds", Additivity::Sum),
    metric("tiny.stock", Additivity::Last),
];

const fn stream(key: &'static str, metrics: &'static [&'static str]) -> StreamInfo {
    StreamInfo { key, name: Bilingual { es: "Parte", en: "Part" }, permission: Some("read"), metrics }
}

static TINY: Provider = Provider {
    key: "tiny",
    name: "Tiny",
    access: Access::ApiKey,
    streams: &[
        stream("orders", &["tiny.orders"]),
        stream("refunds", &["tiny.refunds"]),
        stream("stock", &["tiny.stock"]),
    ],
    metrics: &METRICS,
    dim_sets: |key| if key == "tiny.orders" { vec![vec![], vec!["country"]] } else { vec![vec![]] },
    provisional_days: 2,
    zone_is_chosen: true,
};

/// What the next reading of an account comes to.
pub enum Step {
    /// These rows.
    Batch(Batch),
    /// This failure.
    Fail(ConnectorError),
    /// So many requests to an endpoint with this allowance, one after the other.
    Ask(usize, Allowance),
    /// A wait until the test lets it go on; then the next step.
    Hold(oneshot::Sender<()>, oneshot::Receiver<()>),
}

#[derive(Default)]
struct Inner {
    steps: HashMap<String, VecDeque<Step>>,
    read: Vec<String>,
}

/// The provider. A key `tiny_3` reaches three accounts, `a1` to `a3`; `tiny_0` may read nothing; others are refused.
#[derive(Clone, Default)]
pub struct Tiny(Arc<Mutex<Inner>>);

impl Tiny {
    /// Writes down the next step of an account.
    pub fn then(&self, account: &str, step: Step) {
        self.0.lock().unwrap().steps.entry(account.to_owned()).or_default().push_back(step);
    }

    /// The accounts that were read, once for each reading.
    pub fn read(&self) -> Vec<String> {
        self.0.lock().unwrap().read.clone()
    }

    /// Holds the next reading of an account: what tells that it is there, and what lets it go on.
    pub fn hold(&self, account: &str) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let (arrive, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.then(account, Step::Hold(arrive, released));
        (arrived, release)
    }
}

#[async_trait]
impl Connector for Tiny {
    fn provider(&self) -> &'static Provider {
        &TINY
    }

    fn key_label(&self, key: &Secret) -> Result<String, ConnectorError> {
        if key.expose().starts_with("tiny_") {
            return Ok(format!("…{}", key.expose().trim_start_matches("tiny_")));
        }
        Err(ConnectorError::new(FailureKind::AuthRevoked, codes::GA4_UNAUTHENTICATED, "not a key of ours"))
    }

    async fn check(&self, access: &Secret, _: OffsetDateTime) -> Result<Reachable, ConnectorError> {
        let number: usize = access.expose().trim_start_matches("tiny_").parse().unwrap_or_default();
        let account = |n: usize| Account { id: format!("a{n}"), name: format!("Cuenta {n}"), group: String::new() };
        let missing = (number == 0).then(|| "read".to_owned());
        let permission = |stream: &StreamInfo| Permission { stream: stream.key, missing: missing.clone() };
        Ok(Reachable {
            accounts: (1..=number).map(account).collect(),
            permissions: TINY.streams.iter().map(permission).collect(),
            test_mode: true,
        })
    }

    async fn account(&self, _: &Secret, _: &str, _: OffsetDateTime) -> Result<AccountDetails, ConnectorError> {
        Ok(AccountDetails { zone: None, currency: None, created: None })
    }

    async fn read(&self, _: &dyn Bearer, reading: &Reading<'_>) -> Result<Option<Batch>, ConnectorError> {
        loop {
            let step = {
                let mut inner = self.0.lock().unwrap();
                inner.steps.entry(reading.account.to_owned()).or_default().pop_front()
            };
            match step {
                Some(Step::Hold(arrived, released)) => {
                    let _ = arrived.send(());
                    let _ = released.await;
                    continue;
                }
                Some(Step::Ask(times, allowance)) => {
                    for _ in 0..times {
                        reading.gate.pass("list", allowance).await?;
                    }
                    continue;
                }
                _ => self.0.lock().unwrap().read.push(reading.account.to_owned()),
            }
            return match step {
                Some(Step::Batch(batch)) => Ok(Some(batch)),
                Some(Step::Fail(error)) => Err(error),
                _ => Ok(None),
            };
        }
    }
}

/// A batch of a stream that is up to date through a day.
pub fn batch(stream: &'static str, through: Date, writes: Vec<Write>) -> Batch {
    Batch {
        writes,
        reach: Reach {
            data_through: Some(through),
            backfilled_from: Some(through - time::Duration::days(30)),
            backfill_until: Some(through - time::Duration::days(30)),
            provisional_from: None,
        },
        up_to_date: true,
        rows_read: 1,
        ..Batch::of(stream, json!("cursor"), Value::Null)
    }
}

/// A record that adds to one metric.
pub fn record(id: &str, at: OffsetDateTime, metric: &'static str, value: i64) -> Record {
    let dims: BTreeMap<String, String> = [("country".to_owned(), "ES".to_owned())].into();
    let measure = Measure { metric, value: Decimal::from(value), denominator: None, currency: None, dims };
    Record { id: id.to_owned(), at, measures: vec![measure] }
}

/// Records as they were seen at an instant.
pub fn seen(records: Vec<Record>, observed_at: OffsetDateTime) -> Write {
    Write::Records { records, observed_at }
}

/// The orders of a day anew.
pub fn derive(from: Date, to: Date) -> Write {
    Write::Derive { metrics: vec!["tiny.orders"], from, to }
}

impl TestApp {
    /// A portal that knows this provider, too.
    pub async fn with_tiny() -> (Self, Tiny) {
        let tiny = Tiny::default();
        (Self::start_with(Some(Arc::new(tiny.clone()))).await, tiny)
    }

    /// A source that is read with a key to one account.
    pub async fn tiny_source(&self, admin: &Client) -> String {
        let id = admin.add_source("tiny", "Pedidos").await;
        admin.post(&format!("/api/sources/{id}/key"), &json!({"key": "tiny_1"})).await.ok();
        id
    }

    /// So many sources under one key, each with an account of its own.
    pub async fn tiny_sources(&self, admin: &Client, count: usize) -> Vec<String> {
        let first = admin.add_source("tiny", "1").await;
        admin.post(&format!("/api/sources/{first}/key"), &json!({"key": format!("tiny_{count}")})).await.ok();
        let credential = admin.source(&first).await["connection"]["id"].clone();
        let mut all = vec![first];
        for n in 2..=count {
            let body = json!({"provider": "tiny", "name": n.to_string(), "credential_id": credential});
            all.push(admin.post("/api/sources", &body).await.ok()["id"].as_str().unwrap().to_owned());
        }
        for (n, id) in all.iter().enumerate() {
            let account = json!({"property_id": format!("a{}", n + 1)});
            admin.patch(&format!("/api/sources/{id}"), &account).await.ok();
        }
        all
    }
}
