//! Money as JSON: balance transactions, payouts, the balance and the account.

use serde_json::{Value, json};

use super::ids::{Flow, Item, Source};
use super::ledger::Movement;
use super::payments::Payment;
use super::world::World;

impl World {
    /// A balance transaction.
    pub fn balance_transaction(&self, movement: &Movement, now: i64) -> Value {
        let (kind, category, description) = match movement.flow {
            Flow::Charge => ("charge", "charge", "Pedido"),
            Flow::PartialCapture => ("refund", "partial_capture_reversal", "REFUND FOR PARTIAL CAPTURE"),
            Flow::Refund => ("refund", "refund", "REFUND FOR CHARGE"),
            Flow::RefundFailure => ("refund_failure", "refund_failure", "REFUND FAILURE"),
            Flow::Dispute => ("adjustment", "dispute", "Chargeback withdrawal"),
            Flow::DisputeReversal => ("adjustment", "dispute_reversal", "Chargeback reversal"),
            Flow::Payout => ("payout", "payout", "STRIPE PAYOUT"),
            Flow::PayoutFailure => ("payout_failure", "payout_reversal", "PAYOUT FAILURE"),
            Flow::Fee => ("stripe_fee", "fee", "Billing - Usage Fee"),
        };
        let detail = |amount: i64, kind: &str, description: &str| {
            json!({
                "amount": amount, "application": null, "currency": self.account.currency, "description": description,
                "type": kind
            })
        };
        let mut details = Vec::new();
        if movement.fee != 0 {
            let text = if movement.flow == Flow::Dispute { "Dispute fee" } else { "Stripe processing fees" };
            details.push(detail(movement.fee, "stripe_fee", text));
        }
        if movement.tax != 0 {
            details.push(detail(movement.tax, "tax", "IVA"));
        }
        json!({
            "id": self.ids.of(movement.item()), "object": "balance_transaction", "amount": movement.amount,
            "available_on": movement.available_on, "balance_type": "payments", "created": movement.created,
            "currency": self.account.currency, "description": description, "exchange_rate": movement.rate.map(rate),
            "fee": movement.fee + movement.tax, "fee_details": details, "net": movement.net(),
            "reporting_category": category, "source": self.source_of(movement),
            "status": if movement.available_on <= now { "available" } else { "pending" }, "type": kind
        })
    }

    fn source_of(&self, movement: &Movement) -> Option<String> {
        let charge = |payment: &Payment| Some(Item::Charge(payment.pay, payment.success()?.0));
        let item = match (movement.flow, movement.source) {
            (Flow::Charge | Flow::PartialCapture, Source::Payment(pay, _)) => charge(&self.payment(pay)?)?,
            (Flow::Refund | Flow::RefundFailure, Source::Payment(pay, nth)) => Item::Refund(pay, nth),
            (_, Source::Payment(pay, _)) => Item::Dispute(pay),
            (Flow::Fee, Source::Day(_)) => return None,
            (_, Source::Day(day)) => Item::Payout(day),
        };
        Some(self.ids.of(item))
    }

    /// A day's payout.
    pub fn payout_object(&self, day: u32, now: i64) -> Option<Value> {
        let amount = self.payout(day)?;
        let (created, arrives) = Self::payout_times(day);
        let failed = self.payout_failure(day).is_some_and(|at| at <= now);
        let status = match (failed, now < arrives) {
            (true, _) => "failed",
            (false, true) => "in_transit",
            (false, false) => "paid",
        };
        let failure = |text: &str| failed.then(|| text.to_owned());
        let returned = Item::Movement(Flow::PayoutFailure, Source::Day(day));
        Some(json!({
            "id": self.ids.of(Item::Payout(day)), "object": "payout", "amount": amount, "application_fee": null,
            "application_fee_amount": null, "arrival_date": arrives, "automatic": true,
            "balance_transaction": self.ids.of(Item::Movement(Flow::Payout, Source::Day(day))), "created": created,
            "currency": self.account.currency, "description": "STRIPE PAYOUT", "destination": "ba_1SandboxBankAccount",
            "failure_balance_transaction": failed.then(|| self.ids.of(returned)),
            "failure_code": failure("account_closed"),
            "failure_message": failure("The bank account has been closed."), "livemode": self.live, "metadata": {},
            "method": "standard", "original_payout": null, "payout_method": null,
            "reconciliation_status": if status == "in_transit" { "in_progress" } else { "completed" },
            "reversed_by": null, "source_type": "card", "statement_descriptor": null, "status": status,
            "trace_id": {
                "status": if status == "in_transit" { "pending" } else { "supported" },
                "value": (status == "paid").then(|| format!("{day:016}"))
            },
            "type": "bank_account"
        }))
    }

    /// The balance.
    pub fn balance_object(&self, now: i64) -> Value {
        let (available, pending) = self.balance(now);
        let part = |amount: i64| json!([{"amount": amount, "currency": self.account.currency, "source_types": {"card": amount}}]);
        json!({"object": "balance", "available": part(available), "livemode": self.live, "pending": part(pending)})
    }

    /// The account itself.
    pub fn account_object(&self) -> Value {
        let account = self.account;
        json!({
            "id": account.id, "object": "account", "business_profile": {"name": account.name, "url": null},
            "business_type": "company", "capabilities": {"card_payments": "active", "transfers": "active"},
            "charges_enabled": true, "country": account.country, "created": super::world::start_of(self.first_day),
            "default_currency": account.currency, "details_submitted": true, "email": null, "metadata": {},
            "payouts_enabled": true, "settings": {"dashboard": {"display_name": account.name, "timezone": "Etc/UTC"}},
            "type": "standard"
        })
    }
}

/// A rate as a number with six decimals.
fn rate(millionths: i64) -> f64 {
    f64::from(i32::try_from(millionths).unwrap_or(i32::MAX)) / 1_000_000.0
}
