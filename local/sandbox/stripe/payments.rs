//! One-off payments, and what becomes of any payment: captures, refunds, disputes. Everything is decided by the payment's
//! own number, with dates; what has not happened yet at the moment of asking is not shown.

use super::accounts::Presentment;
use super::world::{DAY, World, chosen, day_of, pick, start_of};
use crate::sandbox::season::mix;

/// A payment: the `slot`th of a day, or the `n`th invoice of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pay {
    OneOff(u32, u32),
    Invoice(u32, u32),
}

/// A customer: the shopper who first bought with this payment, or a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buyer {
    Shopper(u32, u32),
    Subscriber(u32),
}

/// A refund to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundPlan {
    /// Days after the payment.
    pub delay: u32,
    /// Per mille of the payment.
    pub share: i64,
    /// The bank sends the money back.
    pub fails: bool,
}

/// How a dispute ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Won,
    Lost,
    /// An inquiry that never took money.
    Inquiry,
}

/// What becomes of a payment that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Plain,
    /// Captured by hand a day later, this many thousandths of it.
    Captured(i64),
    Refunded([Option<RefundPlan>; 2]),
    /// Days until the dispute, and its end.
    Disputed(u32, Verdict),
}

/// The delays in days, so few that the source of a day's events is found by looking at a few days.
pub const REFUND_DELAYS: [u32; 3] = [1, 3, 9];
/// A refund that fails does so this long after it was made.
pub const FAILURE_DELAY: u32 = 4;
/// Days from a payment to its dispute.
pub const DISPUTE_DELAYS: [u32; 2] = [12, 25];
/// From a dispute to its verdict.
pub const VERDICT_DELAY: u32 = 20;
/// From a payment to a capture by hand.
pub const CAPTURE_DELAY: u32 = 1;
/// From a declined attempt to the next.
const RETRY_SECONDS: i64 = 75;

/// The price list of the shop, in cents.
const PRICES: [i64; 12] = [990, 1_490, 1_990, 2_450, 2_990, 3_490, 3_990, 4_950, 5_900, 7_990, 12_900, 24_900];
const SHIPPING: i64 = 490;

/// A payment with the times of its attempts.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Which one.
    pub pay: Pay,
    /// When the shopper's intent was made.
    pub created: i64,
    /// In minor units of its currency.
    pub amount: i64,
    /// Its currency.
    pub money: &'static Presentment,
    /// Nobody for a guest.
    pub buyer: Option<Buyer>,
    tries: [i64; 4],
    tried: u8,
    succeeded: bool,
    /// What becomes of it.
    pub fate: Fate,
    /// Decides all the rest.
    pub random: u64,
}

impl Payment {
    /// The payment with its attempts; the last one succeeded or none.
    pub fn tried(mut self, tries: &[i64], succeeded: bool) -> Self {
        for (held, at) in self.tries.iter_mut().zip(tries) {
            *held = *at;
            self.tried += 1;
        }
        Self { succeeded, ..self }
    }

    /// A payment nobody has tried to make yet.
    pub fn bare(pay: Pay, created: i64, amount: i64, money: &'static Presentment, random: u64) -> Self {
        Self {
            pay,
            created,
            amount,
            money,
            buyer: None,
            tries: [0; 4],
            tried: 0,
            succeeded: false,
            fate: Fate::Plain,
            random,
        }
    }

    /// The payment of this customer with this fate.
    pub fn of(self, buyer: Option<Buyer>, fate: Fate) -> Self {
        Self { buyer, fate, ..self }
    }

    /// The times of all attempts.
    pub fn attempts(&self) -> &[i64] {
        &self.tries[..usize::from(self.tried)]
    }

    /// Number and time of the attempt that succeeded.
    pub fn success(&self) -> Option<(u8, i64)> {
        let last = self.tried.checked_sub(1)?;
        self.succeeded.then_some((last, self.tries[usize::from(last)]))
    }

    /// Time of a later event of this payment.
    fn later(&self, days: u32, salt: u64) -> Option<i64> {
        let (_, paid) = self.success()?;
        Some(start_of(day_of(paid) + days) + 9 * 3_600 + pick(mix(self.random ^ salt), 10 * 3_600))
    }

    /// When the money was captured, and how much of it.
    pub fn capture(&self) -> Option<(i64, i64)> {
        let (_, paid) = self.success()?;
        match self.fate {
            Fate::Captured(share) => Some((self.later(CAPTURE_DELAY, 1)?, self.amount * share / 1_000)),
            _ => Some((paid, self.amount)),
        }
    }

    /// Time, amount and plan of a refund.
    pub fn refund(&self, nth: u8) -> Option<(i64, i64, RefundPlan)> {
        let Fate::Refunded(plans) = self.fate else {
            return None;
        };
        let plan = (*plans.get(usize::from(nth))?)?;
        Some((self.later(plan.delay, 2 + u64::from(nth))?, (self.amount * plan.share / 1_000).max(1), plan))
    }

    /// When a refund came back.
    pub fn refund_failure(&self, nth: u8) -> Option<i64> {
        let (_, _, plan) = self.refund(nth)?;
        if plan.fails { self.later(plan.delay + FAILURE_DELAY, 6) } else { None }
    }

    /// All refunds made and not come back by `now`: their numbers.
    pub fn refunds(&self, now: i64) -> impl Iterator<Item = u8> {
        (0..2).filter(move |nth| self.refund(*nth).is_some_and(|(at, _, _)| at <= now))
    }

    /// What has been given back for good by `now`.
    pub fn refunded(&self, now: i64) -> i64 {
        let kept = |nth: &u8| self.refund_failure(*nth).is_none_or(|at| at > now);
        self.refunds(now).filter(kept).filter_map(|nth| self.refund(nth)).map(|(_, amount, _)| amount).sum()
    }

    /// Beginning, end and outcome of a dispute.
    pub fn dispute(&self) -> Option<(i64, i64, Verdict)> {
        let Fate::Disputed(delay, verdict) = self.fate else {
            return None;
        };
        Some((self.later(delay, 7)?, self.later(delay + VERDICT_DELAY, 8)?, verdict))
    }
}

/// What becomes of a payment, by its number. Out of 10,000: 300 refunds, 45 disputes, 130 captures by hand.
pub fn fate(random: u64, by_hand: bool) -> Fate {
    let refund = |delay, share, fails| Some(RefundPlan { delay, share, fails });
    let dice = mix(random ^ 0xFA7E);
    let delay = *chosen(&REFUND_DELAYS, dice >> 20);
    let dispute = *chosen(&DISPUTE_DELAYS, dice >> 24);
    match dice % 10_000 {
        0..170 => Fate::Refunded([refund(delay, 1_000, false), None]),
        170..255 => Fate::Refunded([refund(delay, 250 + pick(dice >> 30, 500), false), None]),
        255..285 => Fate::Refunded([refund(1, 400, false), refund(9, 600, false)]),
        285..300 => Fate::Refunded([refund(3, 1_000, true), None]),
        300..322 => Fate::Disputed(dispute, Verdict::Lost),
        322..338 => Fate::Disputed(dispute, Verdict::Won),
        338..345 => Fate::Disputed(dispute, Verdict::Inquiry),
        345..395 if by_hand => Fate::Captured(1_000),
        395..475 if by_hand => Fate::Captured(500 + pick(dice >> 30, 400)),
        _ => Fate::Plain,
    }
}

/// How the attempts of a payment end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempts {
    Declined,
    DeclinedThenPaid,
    Paid,
}

const fn attempts(random: u64) -> Attempts {
    match random >> 17 & 1_023 {
        0..46 => Attempts::Declined,
        46..72 => Attempts::DeclinedThenPaid,
        _ => Attempts::Paid,
    }
}

impl World {
    fn random(&self, day: u32, slot: u32) -> u64 {
        mix(self.seed ^ mix(u64::from(day) << 32 | u64::from(slot)))
    }

    /// The fate and success of a one-off payment without all the rest.
    pub fn outcome(&self, day: u32, slot: u32) -> Option<Fate> {
        let random = self.random(day, slot);
        (attempts(random) != Attempts::Declined).then(|| fate(random, true))
    }

    /// Whether a payment is the first one of somebody who leaves a name.
    pub fn is_new_shopper(&self, day: u32, slot: u32) -> bool {
        self.random(day, slot) >> 40 & 7 < 3
    }

    fn buyer(&self, day: u32, slot: u32, random: u64) -> Option<Buyer> {
        if self.is_new_shopper(day, slot) {
            return Some(Buyer::Shopper(day, slot));
        }
        // Half of the others come back, if they left their name the other time; the rest are guests.
        let back = u32::try_from(2 + (random >> 50) % 180).unwrap_or(2);
        let then = day.checked_sub(back).filter(|then| *then >= self.first_day)?;
        let count = self.count(then);
        let slot = u32::try_from(mix(random) % u64::from(count.max(1))).unwrap_or(0);
        (count > 0 && self.is_new_shopper(then, slot)).then_some(Buyer::Shopper(then, slot))
    }

    /// A one-off payment.
    pub fn one_off(&self, day: u32, slot: u32) -> Option<Payment> {
        let count = self.count(day);
        if slot >= count {
            return None;
        }
        let random = self.random(day, slot);
        let gap = DAY / i64::from(count);
        let second = i64::from(slot) * DAY / i64::from(count) + pick(random, gap.max(1));
        let created = start_of(day) + second.min(DAY - RETRY_SECONDS - 1);
        let share = mix(random ^ 3) % 100;
        let mut sum = 0;
        let money = self.account.presentment.iter().find(|money| {
            sum += money.share;
            share < sum
        })?;
        let price = *chosen(&PRICES, mix(random ^ 4)) * (1 + pick(random >> 9, 5) / 4);
        let price = if price < 5_000 { price + SHIPPING } else { price };
        let attempts = attempts(random);
        let bare = Payment::bare(Pay::OneOff(day, slot), created, price * self.account.scale, money, random);
        let payment = bare.of(self.buyer(day, slot, random), fate(random, true));
        Some(match attempts {
            Attempts::DeclinedThenPaid => payment.tried(&[created + 2, created + RETRY_SECONDS], true),
            Attempts::Declined => payment.tried(&[created + 2], false),
            Attempts::Paid => payment.tried(&[created + 2], true),
        })
    }

    /// Any payment.
    pub fn payment(&self, pay: Pay) -> Option<Payment> {
        match pay {
            Pay::OneOff(day, slot) => self.one_off(day, slot),
            Pay::Invoice(sub, n) => self.invoice_payment(sub, n),
        }
    }

    /// The payments that succeeded on a day, with their fates.
    pub fn successes(&self, day: u32) -> Vec<(Pay, Fate)> {
        let one_off = |slot| self.outcome(day, slot).map(|fate| (Pay::OneOff(day, slot), fate));
        let mut found: Vec<_> = (0..self.count(day)).filter_map(one_off).collect();
        found.extend(self.billing.successes(day));
        found
    }
}
