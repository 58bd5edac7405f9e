//! What was created on a day, for every resource, and the way back from an id.

use std::sync::Arc;

use serde_json::Value;

use super::events::Happening;
use super::ids::{Flow, Item, Source};
use super::kinds::Kind;
use super::lists::EVENT_SECONDS;
use super::payments::{Buyer, Pay};
use super::plans::{Coupon, Plan};
use super::world::{DAY, World, pick, start_of};
use crate::sandbox::lock;
use crate::sandbox::season::mix;

/// Entries that are kept in memory, days counted as one.
const MAX_KEPT: usize = 100_000;

/// Something with a place in a list.
#[derive(Debug, Clone, Copy)]
pub enum Thing {
    Item(Item),
    Coupon(Coupon),
    Event(Happening),
}

/// An entry of a list. The key orders what was created in the same second.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// `created`.
    pub at: i64,
    /// Order within a second.
    pub key: u64,
    /// What it is.
    pub thing: Thing,
}

impl Row {
    /// What lists are sorted by.
    pub const fn stamp(&self) -> (i64, u64) {
        (self.at, self.key)
    }

    fn item(at: i64, item: Item) -> Self {
        Self { at, key: item.key(), thing: Thing::Item(item) }
    }

    fn event(happening: Happening) -> Self {
        Self { at: happening.at, key: happening.key(), thing: Thing::Event(happening) }
    }
}

impl World {
    /// All that was created on a day, oldest first. It is kept, because a page is followed by the next.
    pub fn rows(&self, kind: Kind, day: u32) -> Arc<[Row]> {
        if day < self.first_day {
            return Arc::default();
        }
        if let Some(found) = lock(&self.kept_rows).get(&(kind, day)) {
            return Arc::clone(found);
        }
        let mut rows = self.compute_rows(kind, day);
        rows.sort_unstable_by_key(Row::stamp);
        let rows: Arc<[Row]> = rows.into();
        let mut kept = lock(&self.kept_rows);
        if kept.values().map(|rows| rows.len() + 1).sum::<usize>() > MAX_KEPT {
            kept.clear();
        }
        kept.insert((kind, day), Arc::clone(&rows));
        rows
    }

    fn compute_rows(&self, kind: Kind, day: u32) -> Vec<Row> {
        match kind {
            Kind::BalanceTransactions => {
                let payout = self.movement(Flow::Payout, Source::Day(day));
                let flows = self.flows(day);
                flows.iter().chain(&payout).map(|movement| Row::item(movement.created, movement.item())).collect()
            }
            Kind::Events => self.happenings(day).into_iter().map(Row::event).collect(),
            Kind::Coupons if day == self.first_day => (0..)
                .zip(Coupon::ALL)
                .map(|(key, coupon)| Row { at: start_of(day), key, thing: Thing::Coupon(coupon) })
                .collect(),
            _ => {
                let items = self.items(kind, day).into_iter();
                items.filter_map(|item| Some(Row::item(self.created(item)?, item))).collect()
            }
        }
    }

    /// The items of a resource that were created on a day.
    pub fn items(&self, kind: Kind, day: u32) -> Vec<Item> {
        let slots = || (0..self.count(day)).map(move |slot| Pay::OneOff(day, slot));
        match kind {
            Kind::Charges => {
                let attempts = |pay| {
                    let count = self.payment(pay).map_or(0, |payment| payment.attempts().len());
                    (0_u8..).take(count).map(move |attempt| Item::Charge(pay, attempt))
                };
                let billed = self.billing.tried(day).iter();
                let billed = billed.map(|(sub, n, attempt)| Item::Charge(Pay::Invoice(*sub, *n), *attempt));
                slots().flat_map(attempts).chain(billed).collect()
            }
            Kind::Intents => {
                let billed = self.billing.finalized(day).iter().map(|(sub, n)| Pay::Invoice(*sub, *n));
                slots().chain(billed).map(Item::Intent).collect()
            }
            Kind::Refunds => self.refunds_on(day).into_iter().map(|(pay, nth)| Item::Refund(pay, nth)).collect(),
            Kind::Disputes => self.disputes_on(day, 0).into_iter().map(Item::Dispute).collect(),
            Kind::Customers => {
                let new = (0..self.count(day)).filter(|slot| self.is_new_shopper(day, *slot));
                let new = new.map(|slot| Buyer::Shopper(day, slot));
                let subscribers = self.billing.begun(day).iter().map(|sub| Buyer::Subscriber(*sub));
                new.chain(subscribers).map(Item::Customer).collect()
            }
            Kind::Subscriptions => self.billing.begun(day).iter().map(|sub| Item::Subscription(*sub)).collect(),
            Kind::Invoices => self.billing.invoiced(day).iter().map(|(sub, n)| Item::Invoice(*sub, *n)).collect(),
            Kind::Payouts => vec![Item::Payout(day)],
            Kind::Prices if day == self.first_day => Plan::ALL.into_iter().map(Item::Price).collect(),
            Kind::Products if day == self.first_day => Plan::ALL.into_iter().map(Item::Product).collect(),
            _ => Vec::new(),
        }
    }

    /// When an item was or will be created; `None` if it never is.
    pub fn created(&self, item: Item) -> Option<i64> {
        match item {
            Item::Charge(pay, attempt) => self.payment(pay)?.attempts().get(usize::from(attempt)).copied(),
            Item::Intent(pay) | Item::PaymentMethod(pay) => Some(self.payment(pay)?.created),
            Item::Refund(pay, nth) => Some(self.payment(pay)?.refund(nth)?.0),
            Item::Dispute(pay) => Some(self.payment(pay)?.dispute()?.0),
            Item::Movement(flow, source) => Some(self.movement(flow, source)?.created),
            Item::Customer(Buyer::Shopper(day, slot)) => {
                self.is_new_shopper(day, slot).then(|| self.one_off(day, slot))?.map(|payment| payment.created)
            }
            Item::Customer(Buyer::Subscriber(sub)) | Item::Subscription(sub) | Item::Position(sub, _) => {
                Some(self.billing.get(sub)?.start)
            }
            Item::Discount(sub) => Some(self.billing.get(sub)?.discount()?.1),
            Item::Invoice(sub, n) | Item::Line(sub, n, _) => Some(self.billing.invoice(sub, n)?.created),
            Item::InvoicePayment(sub, n) => Some(self.billing.invoice(sub, n)?.finalized),
            Item::Payout(day) => self.payout(day).map(|_| Self::payout_times(day).0),
            Item::Price(_) | Item::Product(_) => Some(start_of(self.first_day)),
        }
    }

    /// When a customer was deleted, if so.
    pub fn deleted(&self, buyer: Buyer) -> Option<i64> {
        let Buyer::Shopper(day, slot) = buyer else {
            return None;
        };
        let random = mix(self.seed ^ Item::Customer(buyer).key());
        let at = start_of(day + 45) + pick(random >> 8, DAY);
        (random.is_multiple_of(211) && self.is_new_shopper(day, slot)).then_some(at)
    }

    /// The entry of an id, if a list could show it now.
    pub fn find(&self, kind: Kind, id: &str, now: i64) -> Option<Row> {
        let row = match kind {
            Kind::Events => {
                let happening = Happening::read(self, id)?;
                (happening.at > now - EVENT_SECONDS).then(|| Row::event(happening))?
            }
            Kind::Coupons => {
                let found = (0..).zip(Coupon::ALL).find(|(_, coupon)| coupon.id() == id);
                let (key, coupon) = found?;
                Row { at: start_of(self.first_day), key, thing: Thing::Coupon(coupon) }
            }
            _ => {
                let item = self.ids.read(id).filter(|item| kind_of(*item) == Some(kind))?;
                Row::item(self.created(item)?, item)
            }
        };
        let gone = match row.thing {
            Thing::Item(Item::Customer(buyer)) => self.deleted(buyer).is_some_and(|at| at <= now),
            _ => false,
        };
        (row.at <= now && !gone).then_some(row)
    }

    /// An entry as it looks now; a deleted customer is in no list.
    pub fn show(&self, row: &Row, now: i64) -> Option<Value> {
        match row.thing {
            Thing::Item(Item::Customer(buyer)) if self.deleted(buyer).is_some_and(|at| at <= now) => None,
            Thing::Item(item) => self.object(item, now),
            Thing::Coupon(coupon) => Some(self.coupon(coupon)),
            Thing::Event(happening) => self.event(&happening),
        }
    }
}

/// The resource that an item belongs to.
pub const fn kind_of(item: Item) -> Option<Kind> {
    Some(match item {
        Item::Charge(..) => Kind::Charges,
        Item::Intent(_) => Kind::Intents,
        Item::Refund(..) => Kind::Refunds,
        Item::Dispute(_) => Kind::Disputes,
        Item::Movement(..) => Kind::BalanceTransactions,
        Item::Customer(_) => Kind::Customers,
        Item::Subscription(_) => Kind::Subscriptions,
        Item::Invoice(..) => Kind::Invoices,
        Item::Payout(_) => Kind::Payouts,
        Item::Price(_) => Kind::Prices,
        Item::Product(_) => Kind::Products,
        _ => return None,
    })
}
