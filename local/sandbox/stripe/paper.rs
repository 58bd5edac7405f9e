//! Payments as JSON: charges, payment intents, refunds and disputes, in the shapes of the pinned version.

use serde_json::{Value, json};

use super::ids::{Flow, Item, Source};
use super::payments::{Buyer, Fate, Pay, Payment, Verdict};
use super::world::{DAY, World, chosen, pick};
use crate::sandbox::season::mix;

/// Brand, and its share per cent.
const BRANDS: [(&str, u64); 4] = [("visa", 58), ("mastercard", 34), ("amex", 5), ("discover", 3)];
const HOME: [&str; 6] = ["ES", "ES", "ES", "PT", "FR", "IT"];
const ABROAD: [&str; 5] = ["US", "GB", "MX", "CO", "US"];
const DECLINES: [(&str, &str, &str); 4] = [
    ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    ("card_declined", "generic_decline", "Your card was declined."),
    ("expired_card", "expired_card", "Your card has expired."),
    (
        "authentication_required",
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
];
const REASONS: [&str; 4] = ["fraudulent", "product_not_received", "unrecognized", "duplicate"];

impl World {
    fn card(&self, payment: &Payment) -> Value {
        let random = mix(payment.random ^ 0xCA4D);
        let share = random % 100;
        let mut sum = 0;
        let brand = BRANDS.iter().find(|(_, part)| {
            sum += part;
            share < sum
        });
        let country = match (self.is_home_card(payment), self.account.country) {
            (true, "ES") => *chosen(&HOME, random >> 8),
            (true, other) => other,
            (false, _) => *chosen(&ABROAD, random >> 8),
        };
        let brand = brand.map_or("visa", |(brand, _)| brand);
        json!({
            "amount_authorized": payment.amount, "authorization_code": null, "brand": brand,
            "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
            "country": country, "exp_month": 1 + random % 12, "exp_year": 2028 + random % 4,
            "fingerprint": format!("{:016x}", mix(random)), "funding": if random & 64 == 0 { "credit" } else { "debit" },
            "installments": null, "last4": format!("{:04}", random >> 20 & 0xFFF), "mandate": null, "network": brand,
            "three_d_secure": null, "wallet": null
        })
    }

    fn customer_id(&self, buyer: Option<Buyer>) -> Option<String> {
        buyer.map(|buyer| self.ids.of(Item::Customer(buyer)))
    }

    /// A charge: one attempt of a payment.
    pub fn charge(&self, payment: &Payment, attempt: u8, now: i64) -> Option<Value> {
        let created = *payment.attempts().get(usize::from(attempt))?;
        let paid = payment.success().is_some_and(|(last, _)| last == attempt);
        let captured = payment.capture().filter(|(at, _)| paid && *at <= now);
        let refunded = if paid { payment.refunded(now) } else { 0 };
        let (code, decline, message) = *chosen(&DECLINES, mix(payment.random ^ u64::from(attempt)));
        let failure = (!paid).then_some((code, message));
        let id = self.ids.of(Item::Charge(payment.pay, attempt));
        let movement = captured.map(|_| self.ids.of(Item::Movement(Flow::Charge, Source::Payment(payment.pay, 0))));
        let disputed = paid && payment.dispute().is_some_and(|(began, _, _)| began <= now);
        let mut charge = json!({
            "id": id, "object": "charge", "amount": payment.amount,
            "amount_captured": captured.map_or(0, |(_, amount)| amount), "amount_refunded": refunded, "application": null,
            "application_fee": null, "application_fee_amount": null, "balance_transaction": movement,
            "billing_details": self.billing_details(payment.buyer), "calculated_statement_descriptor": "PORTAL DEMO",
            "captured": captured.is_some(), "created": created, "currency": payment.money.currency,
            "customer": self.customer_id(payment.buyer), "description": description(payment.pay), "disputed": disputed,
            "failure_balance_transaction": null, "failure_code": failure.map(|(code, _)| code),
            "failure_message": failure.map(|(_, message)| message), "fraud_details": {}, "livemode": self.live,
            "metadata": {}, "on_behalf_of": null, "outcome": outcome(paid, decline), "paid": paid,
            "payment_intent": self.ids.of(Item::Intent(payment.pay)),
            "payment_method": self.ids.of(Item::PaymentMethod(payment.pay))
        });
        let rest = json!({
            "payment_method_details": {"card": self.card(payment), "type": "card"}, "receipt_email": null,
            "receipt_number": null,
            "receipt_url": paid.then(|| format!("https://pay.stripe.com/receipts/{id}")),
            "refunded": refunded > 0 && refunded == captured.map_or(0, |(_, amount)| amount), "review": null,
            "shipping": null, "source": null, "source_transfer": null, "statement_descriptor": null,
            "statement_descriptor_suffix": null, "status": if paid { "succeeded" } else { "failed" },
            "transfer_data": null, "transfer_group": null
        });
        merge(&mut charge, rest);
        Some(charge)
    }

    /// The refunds of a charge, as the list that `expand[]=refunds` brings.
    pub fn refunds_of(&self, pay: Pay, now: i64) -> Vec<Value> {
        let Some(payment) = self.payment(pay) else {
            return Vec::new();
        };
        let mut all: Vec<Value> = payment.refunds(now).filter_map(|nth| self.refund(&payment, nth, now)).collect();
        all.reverse();
        all
    }

    /// A payment intent.
    pub fn intent(&self, payment: &Payment, now: i64) -> Option<Value> {
        let made = u8::try_from(payment.attempts().iter().filter(|at| **at <= now).count()).ok()?;
        let latest = made.checked_sub(1).map(|attempt| Item::Charge(payment.pay, attempt));
        let paid = payment.success().is_some_and(|(_, at)| at <= now);
        let captured = payment.capture().filter(|(at, _)| *at <= now);
        let status = match (paid, captured) {
            (true, Some(_)) => "succeeded",
            (true, None) => "requires_capture",
            (false, _) => "requires_payment_method",
        };
        let id = self.ids.of(Item::Intent(payment.pay));
        let error = latest.filter(|_| !paid).map(|charge| {
            let attempt = u64::from(made.saturating_sub(1));
            let (code, decline, message) = *chosen(&DECLINES, mix(payment.random ^ attempt));
            json!({
                "charge": self.ids.of(charge), "code": code, "decline_code": decline, "message": message,
                "type": "card_error"
            })
        });
        let by_hand = matches!(payment.fate, Fate::Captured(_));
        Some(json!({
            "id": id, "object": "payment_intent", "amount": payment.amount,
            "amount_capturable": if status == "requires_capture" { payment.amount } else { 0 },
            "amount_received": captured.map_or(0, |(_, amount)| amount), "application": null,
            "application_fee_amount": null, "automatic_payment_methods": null, "canceled_at": null,
            "cancellation_reason": null, "capture_method": if by_hand { "manual" } else { "automatic_async" },
            "client_secret": null, "confirmation_method": "automatic", "created": payment.created,
            "currency": payment.money.currency, "customer": self.customer_id(payment.buyer), "customer_account": null,
            "description": description(payment.pay), "excluded_payment_method_types": null, "last_payment_error": error,
            "latest_charge": latest.map(|charge| self.ids.of(charge)), "livemode": self.live, "managed_payments": null,
            "metadata": {}, "next_action": null, "on_behalf_of": null,
            "payment_method": paid.then(|| self.ids.of(Item::PaymentMethod(payment.pay))),
            "payment_method_configuration_details": null, "payment_method_options": {}, "payment_method_types": ["card"],
            "processing": null, "receipt_email": null, "review": null, "setup_future_usage": null, "shipping": null,
            "source": null, "statement_descriptor": null, "statement_descriptor_suffix": null, "status": status,
            "transfer_data": null, "transfer_group": null
        }))
    }

    /// A refund.
    pub fn refund(&self, payment: &Payment, nth: u8, now: i64) -> Option<Value> {
        let (created, amount, _) = payment.refund(nth)?;
        let (attempt, _) = payment.success()?;
        let source = Source::Payment(payment.pay, nth);
        let failed = payment.refund_failure(nth).is_some_and(|at| at <= now);
        let mut refund = json!({
            "id": self.ids.of(Item::Refund(payment.pay, nth)), "object": "refund", "amount": amount,
            "balance_transaction": self.ids.of(Item::Movement(Flow::Refund, source)),
            "charge": self.ids.of(Item::Charge(payment.pay, attempt)), "created": created,
            "currency": payment.money.currency, "customer": self.customer_id(payment.buyer), "customer_account": null,
            "destination_details": {"card": {"type": "refund"}, "type": "card"}, "metadata": {},
            "payment_intent": self.ids.of(Item::Intent(payment.pay)),
            "payment_method": self.ids.of(Item::PaymentMethod(payment.pay)), "reason": "requested_by_customer",
            "receipt_number": null, "source_transfer_reversal": null,
            "status": if failed { "failed" } else { "succeeded" }, "transfer_reversal": null
        });
        if failed {
            let movement = Item::Movement(Flow::RefundFailure, source);
            refund["failure_balance_transaction"] = self.ids.of(movement).into();
            refund["failure_reason"] = "expired_or_canceled_card".into();
        }
        Some(refund)
    }

    /// A dispute.
    pub fn dispute(&self, payment: &Payment, now: i64) -> Option<Value> {
        let (began, ended, verdict) = payment.dispute()?;
        let (attempt, _) = payment.success()?;
        let status = match (verdict, now < began + 5 * DAY, now < ended) {
            (Verdict::Inquiry, true, _) => "warning_needs_response",
            (Verdict::Inquiry, _, true) => "warning_under_review",
            (Verdict::Inquiry, ..) => "warning_closed",
            (_, true, _) => "needs_response",
            (_, _, true) => "under_review",
            (Verdict::Won, ..) => "won",
            (Verdict::Lost, ..) => "lost",
        };
        let source = Source::Payment(payment.pay, 0);
        let flows = [Flow::Dispute, Flow::DisputeReversal].into_iter();
        let movements = flows.filter_map(|flow| self.movement(flow, source)).filter(|movement| movement.created <= now);
        let movements: Vec<Value> = movements.map(|movement| self.balance_transaction(&movement, now)).collect();
        let reason = chosen(&REASONS, mix(payment.random ^ 0xD1));
        let answered = now >= began + 5 * DAY;
        Some(json!({
            "id": self.ids.of(Item::Dispute(payment.pay)), "object": "dispute", "amount": payment.amount,
            "balance_transactions": movements, "charge": self.ids.of(Item::Charge(payment.pay, attempt)),
            "created": began, "currency": payment.money.currency, "enhanced_eligibility_types": [], "evidence": {},
            "evidence_details": {
                "due_by": began + 9 * DAY, "enhanced_eligibility": {}, "has_evidence": answered, "past_due": false,
                "submission_count": u8::from(answered)
            },
            "is_charge_refundable": verdict == Verdict::Inquiry && now < ended, "livemode": self.live, "metadata": {},
            "network_reason_code": format!("10.{}", 1 + pick(payment.random >> 5, 5)),
            "payment_intent": self.ids.of(Item::Intent(payment.pay)),
            "payment_method_details": {
                "card": {
                    "brand": self.card(payment)["brand"], "case_type": if verdict == Verdict::Inquiry { "inquiry" } else { "chargeback" },
                    "network_reason_code": null
                },
                "type": "card"
            },
            "reason": reason, "status": status
        }))
    }

    fn billing_details(&self, buyer: Option<Buyer>) -> Value {
        let person = buyer.map(|buyer| self.person(buyer));
        let field = |name: &str| person.as_ref().map_or(Value::Null, |person| person[name].clone());
        json!({
            "address": {
                "city": null, "country": field("country"), "line1": null, "line2": null, "postal_code": null,
                "state": null
            },
            "email": field("email"), "name": field("name"), "phone": null, "tax_id": null
        })
    }
}

fn outcome(paid: bool, decline: &str) -> Value {
    if paid {
        return json!({
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
            "seller_message": "Payment complete.", "type": "authorized"
        });
    }
    json!({
        "advice_code": "try_again_later", "network_advice_code": null, "network_decline_code": null,
        "network_status": "declined_by_network", "reason": decline, "risk_level": "normal",
        "seller_message": "The bank declined the payment.", "type": "issuer_declined"
    })
}

const fn description(pay: Pay) -> &'static str {
    match pay {
        Pay::OneOff(..) => "Pedido",
        Pay::Invoice(_, 0) => "Subscription creation",
        Pay::Invoice(..) => "Subscription update",
    }
}

/// Adds the fields of an object to another. (A single literal would be too long for the macro's recursion.)
pub fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}
