//! A Stripe that holds objects, and a reader in the engine's place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::{Date, OffsetDateTime};
use url::Url;

use crate::connectors::contract::{
    Allowance, Batch, Connector, Gate, Note, Reach, Reading, Record, Stored, StreamState, Write,
};
use crate::connectors::error::ConnectorError;
use crate::connectors::stripe::{Pauses, Stripe, StripeClient};
use crate::connectors::testing::{Received, Reply, Stub, client};
use crate::domain::random::Random;
use crate::domain::secret::Secret;
use crate::domain::tenant::{WeekStart, Zone};

pub const KEY: &str = "rk_test_51Habcdefghijklmnop";

pub fn key() -> Secret {
    Secret::new(KEY)
}

pub fn madrid() -> Zone {
    Zone::try_from("Europe/Madrid".to_owned()).unwrap()
}

struct Sixes;

impl Random for Sixes {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(255);
    }
}

/// The waits that were asked for; nothing waits.
pub type Waits = Arc<Mutex<Vec<Duration>>>;

pub fn stripe(url: &Url) -> (Stripe, Waits) {
    let waits = Waits::default();
    let noted = Arc::clone(&waits);
    let pauses = Pauses::new(Arc::new(Sixes), move |wait| {
        noted.lock().unwrap().push(wait);
        std::future::ready(())
    });
    (Stripe::new(StripeClient::new(client(Duration::from_secs(5)), url.clone(), pauses)), waits)
}

/// The objects of an account, by the list's name.
#[derive(Default)]
pub struct World {
    pub lists: BTreeMap<&'static str, Vec<Value>>,
    /// Lists that the key may not read.
    pub forbidden: BTreeSet<&'static str>,
    /// `available` of the balance, by currency.
    pub balance: BTreeMap<&'static str, i64>,
    /// Done when the balance is read.
    pub on_balance: Option<(&'static str, Value)>,
}

pub type Shared = Arc<Mutex<World>>;

impl World {
    pub fn add(&mut self, list: &'static str, object: Value) {
        self.lists.entry(list).or_default().push(object);
    }

    fn page(&self, list: &str, request: &Received) -> Reply {
        let query: Vec<(String, String)> = url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
        let one = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let bound = |name: &str, other: i64| one(name).map_or(other, |text| text.parse().unwrap());
        let (from, to) = (bound("created[gte]", i64::MIN), bound("created[lt]", i64::MAX));
        let types: Vec<&String> = query.iter().filter(|(key, _)| key == "types[]").map(|(_, value)| value).collect();
        let mut found: Vec<&Value> = self.lists.get(list).into_iter().flatten().collect();
        found.retain(|one| (from..to).contains(&one["created"].as_i64().unwrap()));
        found.retain(|one| types.is_empty() || types.iter().any(|kind| one["type"] == kind.as_str()));
        found.sort_by_key(|one| std::cmp::Reverse((one["created"].as_i64(), one["id"].as_str())));
        let start = match one("starting_after") {
            None => 0,
            Some(after) => match found.iter().position(|one| one["id"] == after.as_str()) {
                Some(at) => at + 1,
                None => return refused(400, "resource_missing", "starting_after"),
            },
        };
        let limit: usize = one("limit").unwrap_or_else(|| "10".to_owned()).parse().unwrap();
        let rest = found.get(start..).unwrap_or_default();
        let data: Vec<&&Value> = rest.iter().take(limit).collect();
        Reply::Json(200, json!({"object": "list", "data": data, "has_more": rest.len() > limit}))
    }

    fn answer(&mut self, request: &Received) -> Reply {
        let mut path = request.path.trim_start_matches("/v1/").split('/');
        let (list, id) = (path.next().unwrap_or_default(), path.next());
        if list == "account" || self.forbidden.contains(list) {
            return forbidden("rak_wanted_read");
        }
        match (list, id) {
            ("balance", None) => {
                if let Some((list, object)) = self.on_balance.take() {
                    self.add(list, object);
                }
                let held = |(currency, amount)| json!({"currency": currency, "amount": amount});
                let available: Vec<Value> = self.balance.iter().map(held).collect();
                Reply::Json(200, json!({"object": "balance", "available": available, "pending": []}))
            }
            (list, None) => self.page(list, request),
            (list, Some(id)) => match self.lists.get(list).into_iter().flatten().find(|one| one["id"] == id) {
                Some(object) => Reply::Json(200, object.clone()),
                None => refused(404, "resource_missing", "id"),
            },
        }
    }
}

pub fn refused(status: u16, code: &str, param: &str) -> Reply {
    Reply::Json(status, json!({"error": {"code": code, "param": param, "message": "No such object: 'x'"}}))
}

pub fn forbidden(permission: &str) -> Reply {
    let message = format!(
        "The provided key 'rk_test_****' does not have the required permissions for this endpoint on account 'acct_1Demo'. \
         Having the '{permission}' permission would allow this request to continue."
    );
    Reply::Json(403, json!({"error": {"message": message, "type": "invalid_request_error"}}))
}

/// Serves a world.
pub async fn serve(world: World) -> (Stub, Shared) {
    let world = Arc::new(Mutex::new(world));
    let served = Arc::clone(&world);
    (Stub::start(move |_, request| served.lock().unwrap().answer(request)).await, world)
}

/// A gate that lets everything pass and notes what it was told.
#[derive(Debug, Default)]
pub struct Open {
    pub passed: Mutex<Vec<(&'static str, Allowance)>>,
    pub slowed: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl Gate for Open {
    async fn pass(&self, endpoint: &'static str, allowance: Allowance) -> Result<(), ConnectorError> {
        self.passed.lock().unwrap().push((endpoint, allowance));
        Ok(())
    }

    async fn slow_down(&self, endpoint: &'static str) {
        self.slowed.lock().unwrap().push(endpoint);
    }
}

/// Does what batches say.
#[derive(Debug, Default)]
pub struct Reader {
    pub streams: BTreeMap<String, StreamState>,
    pub run: Value,
    /// Records with the instant of their observation and their day.
    pub records: BTreeMap<(String, String), (Record, OffsetDateTime, Date)>,
    /// Value and denominator by metric and day, as they were last derived; no day with nothing.
    pub figures: BTreeMap<(&'static str, Date), (Decimal, Decimal)>,
    /// How often each day of a metric was derived.
    pub derived: BTreeMap<(&'static str, Date), u32>,
    pub blocked: BTreeMap<&'static str, String>,
    pub up_to_date: BTreeSet<&'static str>,
    pub notes: Vec<Note>,
    pub gate: Open,
}

struct Kept<'a>(&'a Reader);

#[async_trait]
impl Stored for Kept<'_> {
    async fn sums(&self, stream: &str, measure: &str) -> Result<BTreeMap<String, Decimal>, ConnectorError> {
        let mut sums = BTreeMap::new();
        let records = self.0.records.iter().filter(|((of, _), _)| of == stream).map(|(_, (record, ..))| record);
        for one in records.flat_map(|record| &record.measures).filter(|one| one.metric == measure) {
            *sums.entry(one.currency.clone().unwrap()).or_default() += one.value;
        }
        Ok(sums)
    }
}

impl Reader {
    /// What the connector would say next.
    pub async fn next(&self, stripe: &Stripe, now: OffsetDateTime) -> Result<Option<Batch>, ConnectorError> {
        let reading = Reading {
            account: "acct_1Demo:test",
            zone: madrid(),
            currency: None,
            created: None,
            week_start: WeekStart::Monday,
            now,
            streams: &self.streams,
            run: &self.run,
            gate: &self.gate,
            stored: &Kept(self),
        };
        stripe.read(&key(), &reading).await
    }

    /// A whole run; gives its batches' rows.
    pub async fn run(&mut self, stripe: &Stripe, now: OffsetDateTime) -> Vec<u64> {
        self.run = Value::Null;
        let mut rows = Vec::new();
        while let Some(batch) = self.next(stripe, now).await.unwrap() {
            rows.push(batch.rows_read);
            self.commit(batch);
            assert!(rows.len() < 10_000, "the run does not end: {}", self.run);
        }
        rows
    }

    pub fn commit(&mut self, batch: Batch) {
        let stream = batch.stream;
        let state = self.streams.entry(stream.to_owned()).or_default();
        state.cursor = batch.cursor;
        state.reach = Reach {
            data_through: batch.reach.data_through.or(state.reach.data_through),
            provisional_from: batch.reach.provisional_from.or(state.reach.provisional_from),
            backfilled_from: batch.reach.backfilled_from.or(state.reach.backfilled_from),
            backfill_until: batch.reach.backfill_until.or(state.reach.backfill_until),
        };
        self.run = batch.run;
        self.notes.extend(batch.notes);
        if batch.up_to_date {
            self.up_to_date.insert(stream);
        }
        match batch.blocked {
            Some(blocked) => self.blocked.insert(stream, blocked.permission.unwrap_or_default()),
            None => self.blocked.remove(stream),
        };
        for write in batch.writes {
            self.write(stream, write);
        }
    }

    fn write(&mut self, stream: &'static str, write: Write) {
        let place = |id: &str| (stream.to_owned(), id.to_owned());
        match write {
            Write::Partition(_) => unreachable!("Stripe has records only"),
            Write::Records { records, observed_at } => {
                assert!(records.len() <= 1000, "{} records in a batch", records.len());
                for record in records {
                    let known = self.records.get(&place(&record.id));
                    if known.is_none_or(|(_, seen, _)| *seen <= observed_at) {
                        let day = madrid().date_of(record.at);
                        self.records.insert(place(&record.id), (record, observed_at, day));
                    }
                }
            }
            Write::Remove { ids } => {
                for id in ids {
                    self.records.remove(&place(&id));
                }
            }
            Write::Prune { before } => self.records.retain(|(of, _), (_, seen, _)| of != stream || *seen >= before),
            Write::Derive { metrics, from, to } => {
                self.figures.retain(|(of, day), _| !metrics.contains(of) || !(from..=to).contains(day));
                let mut day = from;
                while day <= to {
                    for metric in &metrics {
                        *self.derived.entry((metric, day)).or_default() += 1;
                    }
                    day = day.next_day().unwrap();
                }
                let found = self.records.values().filter(|(_, _, day)| (from..=to).contains(day));
                Self::add(&mut self.figures, &metrics, found.map(|(record, _, day)| (*day, record)));
            }
            Write::Snapshot { metrics, day } => {
                self.figures.retain(|(of, made), _| !metrics.contains(of) || *made != day);
                let found = self.records.iter().filter(|((of, _), _)| of == stream);
                Self::add(&mut self.figures, &metrics, found.map(|(_, (record, ..))| (day, record)));
            }
        }
    }

    fn add<'a>(
        figures: &mut BTreeMap<(&'static str, Date), (Decimal, Decimal)>,
        metrics: &[&'static str],
        records: impl Iterator<Item = (Date, &'a Record)>,
    ) {
        for (day, record) in records {
            for one in record.measures.iter().filter(|one| metrics.contains(&one.metric)) {
                let (value, denominator) = figures.entry((one.metric, day)).or_default();
                *value += one.value;
                *denominator += one.denominator.unwrap_or_default();
            }
        }
    }

    pub fn value(&self, metric: &'static str, day: Date) -> Option<String> {
        self.figures.get(&(metric, day)).map(|(value, _)| value.normalize().to_string())
    }
}

/// A balance transaction of a charge.
pub fn transaction(id: &str, created: i64, amount: i64, category: &str) -> Value {
    json!({"id": id, "object": "balance_transaction", "created": created, "currency": "eur", "amount": amount,
        "fee": 30, "net": amount - 30, "reporting_category": category, "balance_type": "payments"})
}

/// A charge that went well.
pub fn charge(id: &str, created: i64) -> Value {
    json!({"id": id, "object": "charge", "livemode": false, "created": created, "currency": "eur", "status": "succeeded",
        "captured": true, "payment_method_details": {"card": {"brand": "visa", "country": "ES"}}})
}

/// A customer.
pub fn customer(id: &str, created: i64) -> Value {
    json!({"id": id, "object": "customer", "livemode": false, "created": created, "address": {"country": "ES"}})
}

/// A dispute.
pub fn dispute(id: &str, created: i64, status: &str) -> Value {
    json!({"id": id, "object": "dispute", "livemode": false, "created": created, "currency": "eur", "status": status})
}

/// A payment intent.
pub fn intent(id: &str, created: i64, status: &str, error: &Value) -> Value {
    json!({"id": id, "object": "payment_intent", "livemode": false, "created": created, "currency": "eur",
        "status": status, "last_payment_error": error})
}

/// A subscription of one monthly item.
pub fn subscription(id: &str, created: i64, status: &str, unit_amount: i64) -> Value {
    let price = json!({"id": "price_a", "nickname": "Basic", "currency": "eur", "billing_scheme": "per_unit",
        "unit_amount": unit_amount, "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}});
    json!({"id": id, "object": "subscription", "livemode": false, "created": created, "currency": "eur",
        "status": status, "discounts": [], "items": {"has_more": false, "data": [{"id": "si_a", "quantity": 1, "price": price}]}})
}

/// An event about an object as it was.
pub fn event(id: &str, created: i64, kind: &str, object: &Value) -> Value {
    json!({"id": id, "object": "event", "livemode": false, "created": created, "type": kind, "data": {"object": object}})
}
