//! The ledger: every movement of money has one balance transaction, and nothing else changes the balance.
//!
//! Money becomes available two days after it came in, at midnight UTC, and is paid out three hours later. So a payout is the
//! sum of one day's movements, and the balance is what the last days have brought.

use std::sync::Arc;

use chrono::Datelike as _;

use super::ids::{Flow, Item, Source};
use super::payments::{
    CAPTURE_DELAY, DISPUTE_DELAYS, FAILURE_DELAY, Fate, Pay, Payment, REFUND_DELAYS, VERDICT_DELAY, Verdict,
};
use super::world::{World, date_of, day_of, start_of};
use crate::sandbox::lock;
use crate::sandbox::season::mix;

/// Days until money is available.
pub const AVAILABLE_DELAY: u32 = 2;
/// When on a day the payout leaves.
const PAYOUT_SECOND: i64 = 3 * 3_600;
/// Days until a payout arrives.
const ARRIVAL_DELAY: u32 = 1;
/// Movements that are kept in memory.
const MAX_KEPT: usize = 200_000;

/// A balance transaction.
#[derive(Debug, Clone)]
pub struct Movement {
    /// What moves.
    pub flow: Flow,
    /// Where it comes from.
    pub source: Source,
    /// When it moves.
    pub created: i64,
    /// Gross, in minor units of the settlement currency; in is positive.
    pub amount: i64,
    /// What Stripe takes, without tax.
    pub fee: i64,
    /// Tax on the fee.
    pub tax: i64,
    /// Millionths of the settlement currency for a unit of the payment's.
    pub rate: Option<i64>,
    /// From when on it can be paid out.
    pub available_on: i64,
}

impl Movement {
    /// What it does to the balance.
    pub const fn net(&self) -> i64 {
        self.amount - self.fee - self.tax
    }

    fn new(flow: Flow, source: Source, created: i64, amount: i64) -> Self {
        let available_on = start_of(day_of(created) + AVAILABLE_DELAY);
        Self { flow, source, created, amount, fee: 0, tax: 0, rate: None, available_on }
    }

    /// Its id's object.
    pub const fn item(&self) -> Item {
        Item::Movement(self.flow, self.source)
    }
}

impl World {
    /// The movement of a flow, if it takes place.
    pub fn movement(&self, flow: Flow, source: Source) -> Option<Movement> {
        match source {
            Source::Payment(pay, nth) => self.payment_movement(flow, &self.payment(pay)?, nth),
            Source::Day(day) => self.day_movement(flow, day),
        }
    }

    fn payment_movement(&self, flow: Flow, payment: &Payment, nth: u8) -> Option<Movement> {
        let (captured_at, captured) = payment.capture()?;
        if nth > 0 && !matches!(flow, Flow::Refund | Flow::RefundFailure) {
            return None;
        }
        let (created, amount) = match flow {
            Flow::Charge => (captured_at, payment.amount),
            Flow::PartialCapture if captured < payment.amount => (captured_at, captured - payment.amount),
            Flow::Refund => payment.refund(nth).map(|(at, amount, _)| (at, -amount))?,
            Flow::RefundFailure => (payment.refund_failure(nth)?, payment.refund(nth)?.1),
            Flow::Dispute => match payment.dispute()? {
                (_, _, Verdict::Inquiry) => return None,
                (began, _, _) => (began, -payment.amount),
            },
            Flow::DisputeReversal => match payment.dispute()? {
                (_, ended, Verdict::Won) => (ended, payment.amount),
                _ => return None,
            },
            _ => return None,
        };
        // What comes back later comes back at the rate at which it went.
        let rated_at = match flow {
            Flow::RefundFailure => payment.refund(nth)?.0,
            Flow::DisputeReversal => payment.dispute()?.0,
            _ => created,
        };
        let rate = self.rate(payment.money.rate, day_of(rated_at));
        let settled = |amount: i64| (amount.abs() * rate + 500_000) / 1_000_000 * amount.signum();
        let foreign = payment.money.currency != self.account.currency;
        let movement = Movement::new(flow, Source::Payment(payment.pay, nth), created, settled(amount));
        let movement = Movement { rate: foreign.then_some(rate), ..movement };
        Some(self.with_fee(&movement, payment, settled(captured)))
    }

    fn with_fee(&self, movement: &Movement, payment: &Payment, captured: i64) -> Movement {
        let fees = self.account.fees;
        let fee = match movement.flow {
            Flow::Charge => {
                let share = if self.is_home_card(payment) { fees.home } else { fees.abroad };
                (captured * share + 5_000) / 10_000 + fees.fixed
            }
            Flow::Dispute => fees.dispute,
            _ => 0,
        };
        Movement { fee, tax: (fee * fees.tax + 5_000) / 10_000, ..movement.clone() }
    }

    /// Whether the card is one of the account's own region.
    pub fn is_home_card(&self, payment: &Payment) -> bool {
        payment.money.currency == self.account.currency && payment.random >> 33 & 15 < 13
    }

    fn day_movement(&self, flow: Flow, day: u32) -> Option<Movement> {
        let source = Source::Day(day);
        match flow {
            Flow::Payout => {
                let amount = self.payout(day)?;
                let created = start_of(day) + PAYOUT_SECOND;
                let payout = Movement::new(flow, source, created, -amount);
                Some(Movement { available_on: start_of(day), ..payout })
            }
            Flow::PayoutFailure => {
                // Asked first: else each day would lead to the payout before it, back to the first.
                let returned = self.payout_failure(day)?;
                Some(Movement::new(flow, source, returned, self.payout(day)?))
            }
            Flow::Fee if date_of(day).day() == 1 && day > self.first_day + 27 => {
                let amount = -(900 + i64::from(day % 700)) * self.account.scale;
                Some(Movement::new(flow, source, start_of(day) + 4 * 3_600, amount))
            }
            _ => None,
        }
    }

    /// What a day's payout pays: all that came in two days before. A day that lost money is collected.
    pub fn payout(&self, day: u32) -> Option<i64> {
        let source = day.checked_sub(AVAILABLE_DELAY).filter(|source| *source >= self.first_day)?;
        let amount = self.flows(source).iter().map(Movement::net).sum();
        (amount != 0).then_some(amount)
    }

    /// When the bank sent a day's payout back, if it did.
    pub fn payout_failure(&self, day: u32) -> Option<i64> {
        mix(self.seed ^ u64::from(day) ^ 0xBA).is_multiple_of(173).then(|| start_of(day + ARRIVAL_DELAY) + 11 * 3_600)
    }

    /// Creation and arrival of a day's payout.
    pub fn payout_times(day: u32) -> (i64, i64) {
        (start_of(day) + PAYOUT_SECOND, start_of(day + ARRIVAL_DELAY))
    }

    /// All movements of a day but its payout.
    pub fn flows(&self, day: u32) -> Arc<Vec<Movement>> {
        if let Some(found) = lock(&self.kept).get(&day) {
            return Arc::clone(found);
        }
        let flows = Arc::new(self.compute_flows(day));
        let mut kept = lock(&self.kept);
        if kept.values().map(|flows| flows.len()).sum::<usize>() > MAX_KEPT {
            kept.clear();
        }
        kept.insert(day, Arc::clone(&flows));
        flows
    }

    fn compute_flows(&self, day: u32) -> Vec<Movement> {
        if day < self.first_day {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut add = |flow, pay, nth| found.extend(self.movement(flow, Source::Payment(pay, nth)));
        for (pay, fate) in self.successes(day) {
            if !matches!(fate, Fate::Captured(_)) {
                add(Flow::Charge, pay, 0);
            }
        }
        for (pay, fate) in self.before(day, CAPTURE_DELAY) {
            if let Fate::Captured(share) = fate {
                add(Flow::Charge, pay, 0);
                if share < 1_000 {
                    add(Flow::PartialCapture, pay, 0);
                }
            }
        }
        for (pay, nth) in self.refunds_on(day) {
            add(Flow::Refund, pay, nth);
        }
        for (pay, nth) in self.refund_failures_on(day) {
            add(Flow::RefundFailure, pay, nth);
        }
        for pay in self.disputes_on(day, 0) {
            add(Flow::Dispute, pay, 0);
        }
        for pay in self.disputes_on(day, VERDICT_DELAY) {
            add(Flow::DisputeReversal, pay, 0);
        }
        found.extend(self.day_movement(Flow::Fee, day));
        if let Some(before) = day.checked_sub(ARRIVAL_DELAY) {
            found.extend(self.day_movement(Flow::PayoutFailure, before));
        }
        found
    }

    fn before(&self, day: u32, delay: u32) -> Vec<(Pay, Fate)> {
        day.checked_sub(delay).map(|day| self.successes(day)).unwrap_or_default()
    }

    /// The refunds made on a day.
    pub fn refunds_on(&self, day: u32) -> Vec<(Pay, u8)> {
        let mut found = Vec::new();
        for delay in REFUND_DELAYS {
            for (pay, fate) in self.before(day, delay) {
                let Fate::Refunded(plans) = fate else {
                    continue;
                };
                for (nth, plan) in (0_u8..).zip(plans) {
                    if plan.is_some_and(|plan| plan.delay == delay) {
                        found.push((pay, nth));
                    }
                }
            }
        }
        found
    }

    /// The refunds that came back on a day.
    pub fn refund_failures_on(&self, day: u32) -> Vec<(Pay, u8)> {
        let made = day.checked_sub(FAILURE_DELAY).map(|day| self.refunds_on(day)).unwrap_or_default();
        let failed =
            |(pay, nth): &(Pay, u8)| self.payment(*pay).is_some_and(|paid| paid.refund_failure(*nth).is_some());
        made.into_iter().filter(failed).collect()
    }

    /// The payments whose dispute began `ago` days before a day.
    pub fn disputes_on(&self, day: u32, ago: u32) -> Vec<Pay> {
        let mut found = Vec::new();
        for delay in DISPUTE_DELAYS {
            let disputed = |fate| matches!(fate, Fate::Disputed(after, _) if after == delay);
            let paid = self.before(day, delay + ago);
            found.extend(paid.into_iter().filter(|(_, fate)| disputed(*fate)).map(|(pay, _)| pay));
        }
        found
    }

    /// The balance at a moment: what is available, and what is still pending.
    pub fn balance(&self, now: i64) -> (i64, i64) {
        let today = day_of(now);
        let (mut available, mut pending) = (0, 0);
        // Before these days everything has been paid out.
        for day in today.saturating_sub(AVAILABLE_DELAY + 1)..=today {
            let paid_out = self.movement(Flow::Payout, Source::Day(day + AVAILABLE_DELAY));
            if paid_out.is_some_and(|payout| payout.created <= now) {
                continue;
            }
            for movement in self.flows(day).iter().filter(|movement| movement.created <= now) {
                let sum = if movement.available_on <= now { &mut available } else { &mut pending };
                *sum += movement.net();
            }
        }
        (available, pending)
    }
}
