//! The event feed: what happened on a day, with the object as it was then. Stripe keeps it for 30 days.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ids::{Flow, Item, Source};
use super::kinds::Kind;
use super::payments::{Buyer, Fate, Pay, Verdict};
use super::rows::Thing;
use super::world::{World, day_of};
use super::{VERSION, billing::Why};

/// Events are found by their id through the day, which stands at its end in so many digits.
const DAY_DIGITS: usize = 5;

/// An event. `kind` is an index into [`TYPES`], `nth` counts events of one kind about one object.
#[derive(Debug, Clone, Copy)]
pub struct Happening {
    /// When.
    pub at: i64,
    kind: u8,
    item: Item,
    nth: u8,
}

const TYPES: [&str; 28] = [
    "charge.succeeded",
    "charge.failed",
    "charge.captured",
    "charge.refunded",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.closed",
    "charge.dispute.funds_reinstated",
    "payment_intent.created",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "customer.created",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "payout.created",
    "payout.paid",
    "payout.failed",
    "payment_intent.amount_capturable_updated",
];

impl Happening {
    fn new(at: i64, kind: &str, item: Item) -> Self {
        let kind = TYPES.iter().position(|known| *known == kind).and_then(|index| u8::try_from(index).ok());
        Self { at, kind: kind.unwrap_or(u8::MAX), item, nth: 0 }
    }

    /// A number of its own among the events of its day.
    pub fn key(&self) -> u64 {
        // The kind takes the place of the kind of object, which follows from it.
        let plain = self.item.key() & ((1 << 59) - 1);
        u64::from(self.kind) << 59 | plain ^ u64::from(self.nth) << 54
    }

    fn id(&self, world: &World) -> String {
        format!("{}{:0DAY_DIGITS$}", world.ids.write("evt", self.key()), day_of(self.at))
    }

    /// The event of an id.
    pub fn read(world: &World, id: &str) -> Option<Self> {
        let (code, day) = id.split_at_checked(id.len().checked_sub(DAY_DIGITS)?)?;
        let key = world.ids.key("evt", code)?;
        let rows = world.rows(Kind::Events, day.parse().ok()?);
        rows.iter().find_map(|row| match row.thing {
            Thing::Event(happening) if row.key == key => Some(happening),
            _ => None,
        })
    }
}

/// Collects the events of one day.
struct Collector {
    day: u32,
    found: Vec<Happening>,
}

impl Collector {
    fn add(&mut self, at: i64, kind: &str, item: Item) {
        self.nth(at, kind, item, 0);
    }

    fn nth(&mut self, at: i64, kind: &str, item: Item, nth: u8) {
        if day_of(at) == self.day {
            self.found.push(Happening { nth, ..Happening::new(at, kind, item) });
        }
    }
}

impl World {
    /// All events of a day, in no order.
    pub fn happenings(&self, day: u32) -> Vec<Happening> {
        let mut all = Collector { day, found: Vec::new() };
        if day < self.first_day {
            return all.found;
        }
        for item in self.items(Kind::Intents, day) {
            all.add(self.created(item).unwrap_or(0), "payment_intent.created", item);
        }
        for item in self.items(Kind::Charges, day) {
            self.about_charge(&mut all, item);
        }
        self.about_captures(&mut all);
        self.about_refunds(&mut all);
        self.about_disputes(&mut all);
        self.about_customers(&mut all);
        self.about_subscriptions(&mut all);
        self.about_invoices(&mut all);
        self.about_payouts(&mut all);
        all.found
    }

    fn about_charge(&self, all: &mut Collector, item: Item) {
        let Item::Charge(pay, attempt) = item else {
            return;
        };
        let Some((payment, at)) = self.payment(pay).zip(self.created(item)) else {
            return;
        };
        let paid = payment.success().is_some_and(|(last, _)| last == attempt);
        all.add(at, if paid { "charge.succeeded" } else { "charge.failed" }, item);
        match (paid, payment.fate) {
            (true, Fate::Captured(_)) => all.add(at, "payment_intent.amount_capturable_updated", Item::Intent(pay)),
            (true, _) => all.add(at, "payment_intent.succeeded", Item::Intent(pay)),
            (false, _) => all.nth(at, "payment_intent.payment_failed", Item::Intent(pay), attempt),
        }
    }

    fn about_captures(&self, all: &mut Collector) {
        for movement in self.flows(all.day).iter().filter(|movement| movement.flow == Flow::Charge) {
            let Source::Payment(pay, _) = movement.source else {
                continue;
            };
            let Some((payment, (last, paid))) =
                self.payment(pay).and_then(|paid| Some((paid.clone(), paid.success()?)))
            else {
                continue;
            };
            if paid < movement.created && matches!(payment.fate, Fate::Captured(_)) {
                all.add(movement.created, "charge.captured", Item::Charge(pay, last));
                all.add(movement.created, "payment_intent.succeeded", Item::Intent(pay));
            }
        }
    }

    fn charge_of(&self, pay: Pay) -> Option<Item> {
        Some(Item::Charge(pay, self.payment(pay)?.success()?.0))
    }

    fn about_refunds(&self, all: &mut Collector) {
        for (pay, nth) in self.refunds_on(all.day) {
            let refund = Item::Refund(pay, nth);
            let (Some(at), Some(charge)) = (self.created(refund), self.charge_of(pay)) else {
                continue;
            };
            all.add(at, "refund.created", refund);
            all.nth(at, "charge.refunded", charge, nth);
        }
        for (pay, nth) in self.refund_failures_on(all.day) {
            let Some(at) = self.payment(pay).and_then(|payment| payment.refund_failure(nth)) else {
                continue;
            };
            for kind in ["refund.failed", "refund.updated", "charge.refund.updated"] {
                all.add(at, kind, Item::Refund(pay, nth));
            }
        }
    }

    fn about_disputes(&self, all: &mut Collector) {
        let opened = self.disputes_on(all.day, 0).into_iter();
        for paid in opened.chain(self.disputes_on(all.day, super::payments::VERDICT_DELAY)) {
            let Some((began, ended, verdict)) = self.payment(paid).and_then(|payment| payment.dispute()) else {
                continue;
            };
            let dispute = Item::Dispute(paid);
            all.add(began, "charge.dispute.created", dispute);
            if verdict != Verdict::Inquiry {
                all.add(began, "charge.dispute.funds_withdrawn", dispute);
            }
            all.add(ended, "charge.dispute.closed", dispute);
            if verdict == Verdict::Won {
                all.add(ended, "charge.dispute.funds_reinstated", dispute);
            }
        }
    }

    fn about_customers(&self, all: &mut Collector) {
        for item in self.items(Kind::Customers, all.day) {
            all.add(self.created(item).unwrap_or(0), "customer.created", item);
        }
        let then = all.day.saturating_sub(45);
        for slot in (0..self.count(then)).filter(|slot| self.is_new_shopper(then, *slot)) {
            let buyer = Buyer::Shopper(then, slot);
            if let Some(at) = self.deleted(buyer) {
                all.add(at, "customer.deleted", Item::Customer(buyer));
            }
        }
    }

    fn about_subscriptions(&self, all: &mut Collector) {
        for (sub, subscription) in (0..).zip(&self.billing.subscriptions) {
            let item = Item::Subscription(sub);
            all.add(subscription.start, "customer.subscription.created", item);
            if day_of(subscription.start) > all.day || subscription.end.is_some_and(|end| day_of(end.at) < all.day) {
                continue;
            }
            for (nth, at) in (0_u8..).zip(subscription.changes_on(all.day)) {
                all.nth(at, "customer.subscription.updated", item, nth);
            }
            if let Some(end) = subscription.end {
                let kind = if end.why == Why::NeverBegan { "updated" } else { "deleted" };
                all.nth(end.at, &format!("customer.subscription.{kind}"), item, 31);
            }
        }
    }

    fn about_invoices(&self, all: &mut Collector) {
        let billing = &self.billing;
        let tried = billing.tried(all.day).iter().map(|(sub, n, _)| (*sub, *n));
        let made = billing.invoiced(all.day).iter().chain(billing.finalized(all.day)).copied();
        let touched: BTreeSet<(u32, u32)> = tried.chain(made).collect();
        for (sub, n) in touched {
            let Some(invoice) = billing.invoice(sub, n) else {
                continue;
            };
            let item = Item::Invoice(sub, n);
            all.add(invoice.created, "invoice.created", item);
            all.add(invoice.finalized, "invoice.finalized", item);
            for (nth, at) in (0_u8..).zip(&invoice.tries).filter(|(_, at)| invoice.paid_at != Some(**at)) {
                all.nth(*at, "invoice.payment_failed", item, nth);
            }
            if let Some(at) = invoice.paid_at {
                all.add(at, "invoice.paid", item);
            }
        }
    }

    fn about_payouts(&self, all: &mut Collector) {
        for day in [all.day, all.day.saturating_sub(1)] {
            let item = Item::Payout(day);
            let Some(created) = self.created(item) else {
                continue;
            };
            all.add(created, "payout.created", item);
            all.add(Self::payout_times(day).1, "payout.paid", item);
            if let Some(at) = self.payout_failure(day) {
                all.add(at, "payout.failed", item);
            }
        }
    }

    /// An event as an object; it holds its object as it was then.
    pub fn event(&self, happening: &Happening) -> Option<Value> {
        let kind = *TYPES.get(usize::from(happening.kind))?;
        let object = if kind == "customer.deleted" {
            self.object(happening.item, happening.at - 1)?
        } else {
            self.object(happening.item, happening.at)?
        };
        let mut data = json!({"object": object});
        if kind.ends_with(".updated") {
            let before = self.object(happening.item, happening.at - 1)?;
            data["previous_attributes"] = changes(&before, &data["object"]);
        }
        Some(json!({
            "id": happening.id(self), "object": "event", "api_version": VERSION, "created": happening.at, "data": data,
            "livemode": self.live, "pending_webhooks": 0, "request": {"id": null, "idempotency_key": null}, "type": kind
        }))
    }
}

/// The fields that differ, with their values before.
fn changes(before: &Value, after: &Value) -> Value {
    let fields = before.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| after[name.as_str()] != **value)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
