//! Ids: each one spells out what it stands for, so an object is found by its id without a table.
//!
//! They look like Stripe's: prefix, a version digit, ten characters of the account, then what is coded here.

use super::billing::Plan;
use super::payments::{Buyer, Pay};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KEY_DIGITS: usize = 11;
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

/// The number that undoes a multiplication by [`ODD`], by Newton's iteration.
const UNDO: u64 = {
    let mut inverse = ODD;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(ODD.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
};

/// What moves money: the source of a balance transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Charge,
    PartialCapture,
    Refund,
    RefundFailure,
    Dispute,
    DisputeReversal,
    Payout,
    PayoutFailure,
    /// The monthly fee of Stripe's billing product.
    Fee,
}

impl Flow {
    const ALL: [Self; 9] = [
        Self::Charge,
        Self::PartialCapture,
        Self::Refund,
        Self::RefundFailure,
        Self::Dispute,
        Self::DisputeReversal,
        Self::Payout,
        Self::PayoutFailure,
        Self::Fee,
    ];
}

/// Where a flow comes from: a payment (with the number of the refund), or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Payment(Pay, u8),
    Day(u32),
}

/// An object of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Charge(Pay, u8),
    Intent(Pay),
    Refund(Pay, u8),
    Dispute(Pay),
    Movement(Flow, Source),
    Customer(Buyer),
    Subscription(u32),
    /// A subscription and which of its discounts.
    Discount(u32),
    /// A subscription and which of its items.
    Position(u32, u32),
    Invoice(u32, u32),
    /// An invoice and which of its lines.
    Line(u32, u32, u8),
    InvoicePayment(u32, u32),
    Payout(u32),
    Price(Plan),
    Product(Plan),
    PaymentMethod(Pay),
}

const PREFIXES: [&str; 16] =
    ["ch", "pi", "re", "dp", "txn", "cus", "sub", "di", "si", "in", "il", "inpay", "po", "price", "prod", "pm"];
const FROM_INVOICE: u64 = 0x80;

/// Fields of a key: kind of object, variant, and three numbers of 24, 22 and 8 bits.
#[derive(Debug, Clone, Copy, Default)]
struct Fields {
    tag: u64,
    sub: u64,
    a: u64,
    b: u64,
    c: u64,
}

impl Fields {
    const fn pack(self) -> u64 {
        self.tag << 59 | self.sub << 54 | self.a << 30 | self.b << 8 | self.c
    }

    const fn unpack(key: u64) -> Self {
        Self { tag: key >> 59, sub: key >> 54 & 31, a: key >> 30 & 0xFF_FFFF, b: key >> 8 & 0x3F_FFFF, c: key & 0xFF }
    }

    fn of_pay(pay: Pay, c: u8) -> Self {
        let c = u64::from(c);
        match pay {
            Pay::OneOff(day, slot) => Self { a: day.into(), b: slot.into(), c, ..Self::default() },
            Pay::Invoice(sub, n) => Self { a: sub.into(), b: n.into(), c: c | FROM_INVOICE, ..Self::default() },
        }
    }

    fn a(self) -> u32 {
        u32::try_from(self.a).unwrap_or(0)
    }

    fn b(self) -> u32 {
        u32::try_from(self.b).unwrap_or(0)
    }

    fn c(self) -> u8 {
        u8::try_from(self.c & !FROM_INVOICE).unwrap_or(0)
    }

    fn pay(self) -> Pay {
        if self.c & FROM_INVOICE == 0 { Pay::OneOff(self.a(), self.b()) } else { Pay::Invoice(self.a(), self.b()) }
    }
}

impl Item {
    /// A number of its own; within one kind and second it also decides the order.
    pub fn key(self) -> u64 {
        let numbers = |a: u32, b: u32, c: u8| Fields { a: a.into(), b: b.into(), c: c.into(), ..Fields::default() };
        let (tag, fields) = match self {
            Self::Charge(pay, attempt) => (0, Fields::of_pay(pay, attempt)),
            Self::Intent(pay) => (1, Fields::of_pay(pay, 0)),
            Self::Refund(pay, nth) => (2, Fields::of_pay(pay, nth)),
            Self::Dispute(pay) => (3, Fields::of_pay(pay, 0)),
            Self::Movement(flow, source) => {
                let fields = match source {
                    Source::Payment(pay, nth) => Fields::of_pay(pay, nth),
                    Source::Day(day) => numbers(day, 0, 0),
                };
                (4, Fields { sub: flow as u64, ..fields })
            }
            Self::Customer(Buyer::Shopper(day, slot)) => (5, numbers(day, slot, 0)),
            Self::Customer(Buyer::Subscriber(sub)) => (5, Fields { sub: 1, ..numbers(sub, 0, 0) }),
            Self::Subscription(sub) => (6, numbers(sub, 0, 0)),
            Self::Discount(sub) => (7, numbers(sub, 0, 0)),
            Self::Position(sub, item) => (8, numbers(sub, item, 0)),
            Self::Invoice(sub, n) => (9, numbers(sub, n, 0)),
            Self::Line(sub, n, line) => (10, numbers(sub, n, line)),
            Self::InvoicePayment(sub, n) => (11, numbers(sub, n, 0)),
            Self::Payout(day) => (12, numbers(day, 0, 0)),
            Self::Price(plan) => (13, numbers(plan as u32, 0, 0)),
            Self::Product(plan) => (14, numbers(plan as u32, 0, 0)),
            Self::PaymentMethod(pay) => (15, Fields::of_pay(pay, 0)),
        };
        Fields { tag, ..fields }.pack()
    }

    fn from_key(key: u64) -> Option<Self> {
        let fields = Fields::unpack(key);
        let (a, b, c, pay) = (fields.a(), fields.b(), fields.c(), fields.pay());
        Some(match fields.tag {
            0 => Self::Charge(pay, c),
            1 => Self::Intent(pay),
            2 => Self::Refund(pay, c),
            3 => Self::Dispute(pay),
            4 => {
                let flow = *Flow::ALL.get(usize::try_from(fields.sub).ok()?)?;
                let of_day = matches!(flow, Flow::Payout | Flow::PayoutFailure | Flow::Fee);
                Self::Movement(flow, if of_day { Source::Day(a) } else { Source::Payment(pay, c) })
            }
            5 if fields.sub == 0 => Self::Customer(Buyer::Shopper(a, b)),
            5 => Self::Customer(Buyer::Subscriber(a)),
            6 => Self::Subscription(a),
            7 => Self::Discount(a),
            8 => Self::Position(a, b),
            9 => Self::Invoice(a, b),
            10 => Self::Line(a, b, c),
            11 => Self::InvoicePayment(a, b),
            12 => Self::Payout(a),
            13 => Self::Price(*Plan::ALL.get(usize::try_from(a).ok()?)?),
            14 => Self::Product(*Plan::ALL.get(usize::try_from(a).ok()?)?),
            15 => Self::PaymentMethod(pay),
            _ => return None,
        })
    }

    fn prefix(self) -> &'static str {
        usize::try_from(self.key() >> 59).ok().and_then(|tag| PREFIXES.get(tag)).copied().unwrap_or_default()
    }
}

/// Writes and reads the ids of one account in one mode.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    account: &'static str,
    salt: u64,
}

impl Ids {
    /// For the account with this id; the salt keeps test and live mode apart.
    pub fn new(account: &'static str, salt: u64) -> Self {
        let start = account.len().saturating_sub(10);
        Self { account: &account[start..], salt }
    }

    /// The id of an object.
    pub fn of(&self, item: Item) -> String {
        self.write(item.prefix(), item.key())
    }

    /// The object that an id stands for; whether it exists is another question.
    pub fn read(&self, id: &str) -> Option<Item> {
        let (prefix, _) = id.split_once('_')?;
        let item = Item::from_key(self.key(prefix, id)?)?;
        // Bits that the item leaves out must be what it writes.
        (self.of(item) == id).then_some(item)
    }

    /// An id with any prefix and number.
    pub fn write(&self, prefix: &str, key: u64) -> String {
        let mut code = (key ^ self.salt).wrapping_mul(ODD).rotate_left(32).wrapping_mul(ODD);
        let mut digits = [0; KEY_DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(code % 62) as usize];
            code /= 62;
        }
        format!("{prefix}_1{}{}", self.account, String::from_utf8_lossy(&digits))
    }

    /// The number of an id with this prefix.
    pub fn key(&self, prefix: &str, id: &str) -> Option<u64> {
        let digits = id.strip_prefix(prefix)?.strip_prefix("_1")?.strip_prefix(self.account)?;
        if digits.len() != KEY_DIGITS {
            return None;
        }
        let mut code: u64 = 0;
        for digit in digits.bytes() {
            let value = DIGITS.iter().position(|known| *known == digit)?;
            code = code.checked_mul(62)?.checked_add(value as u64)?;
        }
        Some(code.wrapping_mul(UNDO).rotate_left(32).wrapping_mul(UNDO) ^ self.salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_object_and_a_changed_one_does_not() {
        let ids = Ids::new("acct_1LumbreTiendaES", 7);
        let items = [
            Item::Charge(Pay::OneOff(20_781, 37), 1),
            Item::Charge(Pay::Invoice(512, 11), 2),
            Item::Refund(Pay::OneOff(20_781, 2_499), 1),
            Item::Movement(Flow::RefundFailure, Source::Payment(Pay::OneOff(20_000, 3), 1)),
            Item::Movement(Flow::Payout, Source::Day(20_100)),
            Item::Customer(Buyer::Subscriber(9)),
            Item::Price(Plan::Box),
        ];
        for item in items {
            let id = ids.of(item);
            assert_eq!(ids.read(&id), Some(item), "{id}");
            assert_ne!(Ids::new("acct_1LumbreTiendaES", 8).read(&id), Some(item), "test and live mode differ");
            assert_eq!(Ids::new("acct_1MaipoVinosCL0", 7).read(&id), None);
        }
        assert_eq!(ids.read("ch_deleted"), None);
        assert!(ids.of(items[0]).starts_with("ch_1TiendaES") || ids.of(items[0]).starts_with("ch_1reTiendaES"));
    }
}
