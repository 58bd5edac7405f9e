//! Subscriptions and their invoices: trials, renewals, retries, churn. There are few enough of them to be computed at once.

use std::collections::HashMap;

use chrono::{DateTime, Days, Months};

use super::accounts::Account;
use super::payments::{Buyer, Fate, Pay, Payment, fate};
pub use super::plans::{Coupon, Plan};
use super::world::{DAY, World, day_of, pick, start_of};
use crate::sandbox::season::mix;

const TRIAL_DAYS: i64 = 14;
/// From a renewal's draft to its final form, when it is charged.
const DRAFT_SECONDS: i64 = 3_600;
/// When a failed invoice is tried again.
const RETRIES: [i64; 2] = [3 * DAY, 5 * DAY];
/// A subscription whose first payment fails waits this long.
const INCOMPLETE_SECONDS: i64 = 23 * 3_600;
/// New subscriptions of an ordinary day of 2025, in thousandths per 24 payments.
const PER_DAY: u64 = 950;

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// At the end of the period, as asked.
    AtPeriodEnd,
    /// At once, as asked.
    AtOnce,
    /// Nobody paid.
    Unpaid,
    /// The first payment failed.
    NeverBegan,
}

/// The end of a subscription.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// When somebody asked for it, or the last retry failed.
    pub asked: i64,
    /// When it takes effect.
    pub at: i64,
    /// Its reason.
    pub why: Why,
}

/// An invoice.
#[derive(Debug, Clone)]
pub struct Invoice {
    /// When it was made, as a draft.
    pub created: i64,
    /// When it got its number and was charged for the first time.
    pub finalized: i64,
    /// What it is for.
    pub period: (i64, i64),
    /// Sum of the plan's line, in minor units.
    pub plan: i64,
    /// Sum of the usage of the period before.
    pub usage: i64,
    /// What the coupon takes off.
    pub discount: i64,
    /// Attempts to collect; none if there is nothing to pay.
    pub tries: Vec<i64>,
    /// The attempt that succeeded.
    pub paid_at: Option<i64>,
    /// The first one of its subscription.
    pub first: bool,
}

impl Invoice {
    /// What is to be paid.
    pub const fn total(&self) -> i64 {
        self.plan + self.usage - self.discount
    }
}

/// A subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// When it began.
    pub start: i64,
    /// When the first period begins that is paid.
    pub anchor: i64,
    /// What is subscribed to.
    pub plan: Plan,
    /// Seats or boxes.
    pub quantity: i64,
    /// End of the trial, if there was one.
    pub trial_end: Option<i64>,
    /// What makes it cheaper.
    pub coupon: Option<Coupon>,
    /// Its end, which may lie ahead.
    pub end: Option<End>,
    /// Oldest first.
    pub invoices: Vec<Invoice>,
    /// Decides all the rest.
    pub random: u64,
}

impl Subscription {
    /// When period `k` begins.
    fn period(&self, k: u32) -> i64 {
        let anchor = DateTime::from_timestamp(self.anchor, 0).unwrap_or_default();
        let begins = match self.plan.interval() {
            "week" => anchor.checked_add_days(Days::new(u64::from(k) * 7)),
            "year" => anchor.checked_add_months(Months::new(k * 12)),
            _ => anchor.checked_add_months(Months::new(k)),
        };
        begins.unwrap_or_default().timestamp()
    }

    /// The period at a moment.
    pub fn current(&self, now: i64) -> (i64, i64) {
        if now < self.anchor {
            return (self.start, self.anchor);
        }
        let end = self.end.map_or(i64::MAX, |end| end.at);
        let now = now.min(end.saturating_sub(1)).max(self.anchor);
        let mut k = 0;
        while self.period(k + 1) <= now {
            k += 1;
        }
        (self.period(k), self.period(k + 1))
    }

    /// Stripe's status at a moment.
    pub fn status(&self, now: i64) -> &'static str {
        let never_began = self.end.is_some_and(|end| end.why == Why::NeverBegan);
        if self.end.is_some_and(|end| end.at <= now) {
            return if never_began { "incomplete_expired" } else { "canceled" };
        }
        if never_began {
            return "incomplete";
        }
        if self.trial_end.is_some_and(|end| end > now) {
            return "trialing";
        }
        if self.invoices.iter().any(|invoice| past_due(invoice).is_some_and(|(from, to)| from <= now && now < to)) {
            return "past_due";
        }
        "active"
    }

    /// Beginning and end of its discount.
    pub fn discount(&self) -> Option<(Coupon, i64, Option<i64>)> {
        let coupon = self.coupon?;
        let start = DateTime::from_timestamp(self.start, 0).unwrap_or_default();
        let end = match coupon {
            Coupon::Welcome => start.checked_add_months(Months::new(Coupon::MONTHS)).map(|end| end.timestamp()),
            Coupon::Start => Some(self.anchor + DRAFT_SECONDS + 1),
            Coupon::Friends | Coupon::Partner => None,
        };
        Some((coupon, self.start, end))
    }

    /// Whether the discount stands at a moment.
    pub fn discounted(&self, at: i64) -> bool {
        self.discount().is_some_and(|(_, start, end)| start <= at && end.is_none_or(|end| at < end))
    }

    /// The moments of a day at which the object changes, besides beginning and end.
    pub fn changes_on(&self, day: u32) -> Vec<i64> {
        let renewals = self.invoices.iter().filter(|invoice| !invoice.first).map(|invoice| invoice.created);
        let trouble = self.invoices.iter().filter_map(past_due).flat_map(|(from, to)| [from, to]);
        let asked = self.end.filter(|end| end.why == Why::AtPeriodEnd).map(|end| end.asked);
        let end = self.end.map_or(i64::MAX, |end| end.at);
        let mut all: Vec<i64> =
            renewals.chain(trouble).chain(asked).filter(|at| *at < end && day_of(*at) == day).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// From the first failure until the payment, or for good.
fn past_due(invoice: &Invoice) -> Option<(i64, i64)> {
    let first = *invoice.tries.first()?;
    (invoice.paid_at != Some(first)).then(|| (first, invoice.paid_at.unwrap_or(i64::MAX)))
}

/// All subscriptions of an account, oldest first, with what happens on which day.
#[derive(Debug, Default)]
pub struct Billing {
    /// By number.
    pub subscriptions: Vec<Subscription>,
    begun: HashMap<u32, Vec<u32>>,
    invoiced: HashMap<u32, Vec<(u32, u32)>>,
    finalized: HashMap<u32, Vec<(u32, u32)>>,
    tried: HashMap<u32, Vec<(u32, u32, u8)>>,
    paid: HashMap<u32, Vec<(u32, u32)>>,
}

fn on<T: Copy>(days: &HashMap<u32, Vec<T>>, day: u32) -> &[T] {
    days.get(&day).map(Vec::as_slice).unwrap_or_default()
}

impl Billing {
    /// The subscriptions that begin before `horizon`, with the invoices made before it.
    pub fn new(account: &Account, seed: u64, first_day: u32, horizon: i64) -> Self {
        let mut billing = Self::default();
        for day in first_day..=day_of(horizon) {
            let random = mix(seed ^ 0x5B5 ^ mix(u64::from(day)));
            let growth = 1_000 + u64::from(day - first_day) / 2;
            let count = (PER_DAY * account.per_day / 24 * growth / 1_000 + random % 1_000) / 1_000;
            for slot in 0..count {
                billing.add(subscription(account, mix(random ^ slot), day, horizon));
            }
        }
        billing
    }

    fn add(&mut self, subscription: Subscription) {
        let sub = u32::try_from(self.subscriptions.len()).unwrap_or(u32::MAX);
        self.begun.entry(day_of(subscription.start)).or_default().push(sub);
        for (n, invoice) in (0..).zip(&subscription.invoices) {
            self.invoiced.entry(day_of(invoice.created)).or_default().push((sub, n));
            if invoice.tries.is_empty() {
                continue;
            }
            self.finalized.entry(day_of(invoice.finalized)).or_default().push((sub, n));
            for (attempt, at) in (0..).zip(&invoice.tries) {
                self.tried.entry(day_of(*at)).or_default().push((sub, n, attempt));
            }
            if let Some(at) = invoice.paid_at {
                self.paid.entry(day_of(at)).or_default().push((sub, n));
            }
        }
        self.subscriptions.push(subscription);
    }

    /// A subscription by its number.
    pub fn get(&self, sub: u32) -> Option<&Subscription> {
        self.subscriptions.get(usize::try_from(sub).ok()?)
    }

    /// An invoice by its number.
    pub fn invoice(&self, sub: u32, n: u32) -> Option<&Invoice> {
        self.get(sub)?.invoices.get(usize::try_from(n).ok()?)
    }

    /// Subscriptions that began on a day.
    pub fn begun(&self, day: u32) -> &[u32] {
        on(&self.begun, day)
    }

    /// Invoices made on a day.
    pub fn invoiced(&self, day: u32) -> &[(u32, u32)] {
        on(&self.invoiced, day)
    }

    /// Invoices of which a payment was begun on a day.
    pub fn finalized(&self, day: u32) -> &[(u32, u32)] {
        on(&self.finalized, day)
    }

    /// Attempts to collect made on a day.
    pub fn tried(&self, day: u32) -> &[(u32, u32, u8)] {
        on(&self.tried, day)
    }

    /// The payments that succeeded on a day, with their fates.
    pub fn successes(&self, day: u32) -> impl Iterator<Item = (Pay, Fate)> + '_ {
        on(&self.paid, day).iter().filter_map(|(sub, n)| {
            let random = self.get(*sub)?.invoice_random(*n);
            Some((Pay::Invoice(*sub, *n), fate(random, false)))
        })
    }
}

impl Subscription {
    fn invoice_random(&self, n: u32) -> u64 {
        mix(self.random ^ 0x1470 ^ u64::from(n))
    }

    /// Makes the invoice of period `k`; `None` as end says that the subscription goes on.
    fn bill(&self, k: u32, scale: i64) -> (Invoice, Option<End>) {
        let (from, to) = (self.period(k), self.period(k + 1));
        let first = k == 0 && self.trial_end.is_none();
        let finalized = if first { from } else { from + DRAFT_SECONDS };
        let random = mix(self.random ^ mix(u64::from(k)));
        let plan = self.plan.cents() * scale * self.quantity;
        let used = if self.plan == Plan::Metered && k > 0 { pick(random >> 20, 1_600) } else { 0 };
        let usage = used * Plan::Usage.cents() * scale;
        let discount =
            self.coupon.filter(|_| self.discounted(from)).map_or(0, |coupon| coupon.off(plan + usage, scale));
        let failures = match random % 1_000 {
            0..930 => 0,
            930..968 if !first => 1,
            968..988 if !first => 2,
            _ => 3,
        };
        let failures = if first && failures == 3 && random % 1_000 < 985 { 0 } else { failures };
        let at = |offset: &i64| finalized + offset;
        let mut tries = vec![finalized];
        let (paid_at, end) = match failures {
            0..=2 => {
                tries.extend(RETRIES.iter().take(failures).map(at));
                (tries.last().copied(), self.leaves(from, to, random))
            }
            _ if first => (None, Some(End { asked: from, at: from + INCOMPLETE_SECONDS, why: Why::NeverBegan })),
            _ => {
                tries.extend(RETRIES.iter().map(at));
                let at = finalized + RETRIES[1] + 60;
                (None, Some(End { asked: at, at, why: Why::Unpaid }))
            }
        };
        (Invoice { created: from, finalized, period: (from, to), plan, usage, discount, tries, paid_at, first }, end)
    }

    fn leaves(&self, from: i64, to: i64, random: u64) -> Option<End> {
        let dice = mix(random ^ 0xC4) % 1_000;
        // Nobody leaves before the last retry of an invoice.
        let asked = from + RETRIES[1] + DAY + pick(random >> 13, (to - from - RETRIES[1] - DAY).max(1));
        match dice {
            dice if dice < self.plan.churn() * 8 => {
                Some(End { asked: asked.min(to - 60), at: to, why: Why::AtPeriodEnd })
            }
            dice if dice < self.plan.churn() * 10 => {
                let asked = asked.min(to - 60);
                Some(End { asked, at: asked, why: Why::AtOnce })
            }
            _ => None,
        }
    }
}

fn subscription(account: &Account, random: u64, day: u32, horizon: i64) -> Subscription {
    let start = start_of(day) + 7 * 3_600 + pick(random, 14 * 3_600);
    let plan = Plan::of_share(mix(random ^ 1) % 100);
    let trial = matches!(plan, Plan::Basic | Plan::Pro | Plan::Metered) && mix(random ^ 2) % 100 < 35;
    let anchor = if trial { start + TRIAL_DAYS * DAY } else { start };
    let quantity = if plan == Plan::Pro { 1 + pick(random >> 8, 10) / 6 * (1 + pick(random >> 12, 4)) } else { 1 };
    let mut subscription = Subscription {
        start,
        anchor,
        plan,
        quantity,
        trial_end: trial.then_some(anchor),
        coupon: Coupon::of_share(mix(random ^ 3) % 100),
        end: None,
        invoices: Vec::new(),
        random,
    };
    if trial {
        subscription.invoices.push(Invoice {
            created: start,
            finalized: start,
            period: (start, anchor),
            plan: 0,
            usage: 0,
            discount: 0,
            tries: Vec::new(),
            paid_at: Some(start),
            first: true,
        });
    }
    for k in 0.. {
        if subscription.period(k) > horizon || subscription.end.is_some() {
            break;
        }
        let (invoice, end) = subscription.bill(k, account.scale);
        subscription.invoices.push(invoice);
        subscription.end = end;
    }
    subscription
}

impl World {
    /// The payment of an invoice.
    pub fn invoice_payment(&self, sub: u32, n: u32) -> Option<Payment> {
        let subscription = self.billing.get(sub)?;
        let invoice = self.billing.invoice(sub, n).filter(|invoice| !invoice.tries.is_empty())?;
        let random = subscription.invoice_random(n);
        let money = self.account.presentment.first()?;
        let bare = Payment::bare(Pay::Invoice(sub, n), invoice.finalized, invoice.total(), money, random);
        let payment = bare.of(Some(Buyer::Subscriber(sub)), fate(random, false));
        Some(payment.tried(&invoice.tries, invoice.paid_at.is_some()))
    }
}
