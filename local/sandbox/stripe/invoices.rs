//! Invoices as JSON. After *basil* the subscription of an invoice stands under its parent, and its payment is a list of its
//! own.

use serde_json::{Value, json};

use super::billing::{Invoice, Plan, Subscription, Why};
use super::contracts::payment_settings;
use super::ids::Item;
use super::paper::merge;
use super::payments::{Buyer, Pay};
use super::world::World;

/// An invoice at a moment.
struct State {
    name: &'static str,
    finalized: Option<i64>,
    paid: Option<i64>,
    voided: Option<i64>,
    tried: usize,
    /// When it is tried next.
    next: Option<i64>,
}

fn state(subscription: &Subscription, invoice: &Invoice, now: i64) -> State {
    let paid = invoice.paid_at.filter(|at| *at <= now);
    let finalized = (invoice.finalized <= now).then_some(invoice.finalized);
    let voided = subscription.end.filter(|end| end.why == Why::NeverBegan && end.at <= now).map(|end| end.at);
    let name = match (finalized, paid, voided) {
        (None, ..) => "draft",
        (_, Some(_), _) => "paid",
        (_, _, Some(_)) => "void",
        _ => "open",
    };
    let tried = invoice.tries.iter().filter(|at| **at <= now).count();
    let next = invoice.tries.get(tried).copied().filter(|_| name == "open");
    State { name, finalized, paid, voided, tried, next }
}

impl World {
    /// The lines of an invoice.
    fn lines(&self, sub: u32, n: u32, subscription: &Subscription, invoice: &Invoice) -> Vec<Value> {
        let sums = [(subscription.plan, invoice.plan), (Plan::Usage, invoice.usage)];
        let lines = (0_u8..).zip(sums).filter(|(line, (_, sum))| *line == 0 || *sum > 0);
        let line = |(line, (plan, sum)): (u8, (Plan, i64))| {
            let price = plan.cents() * self.account.scale;
            let item = u32::from(line);
            json!({
                "id": self.ids.of(Item::Line(sub, n, line)), "object": "line_item", "amount": sum,
                "currency": self.billing_currency(), "description": plan.name(), "discount_amounts": [], "discountable": true,
                "discounts": [], "invoice": self.ids.of(Item::Invoice(sub, n)), "livemode": self.live, "metadata": {},
                "parent": {
                    "invoice_item_details": null,
                    "subscription_item_details": {
                        "invoice_item": null, "proration": false, "proration_details": null,
                        "subscription": self.ids.of(Item::Subscription(sub)),
                        "subscription_item": self.ids.of(Item::Position(sub, item))
                    },
                    "type": "subscription_item_details"
                },
                "period": {"end": invoice.period.1, "start": invoice.period.0}, "pretax_credit_amounts": [],
                "pricing": {
                    "price_details": {
                        "price": self.ids.of(Item::Price(plan)), "product": self.ids.of(Item::Product(plan))
                    },
                    "type": "price_details", "unit_amount_decimal": price.to_string()
                },
                "quantity": if price > 0 { sum / price } else { 0 }, "subtotal": sum, "taxes": []
            })
        };
        lines.map(line).collect()
    }

    /// An invoice.
    pub fn invoice(&self, sub: u32, n: u32, now: i64) -> Option<Value> {
        let subscription = self.billing.get(sub)?;
        let invoice = self.billing.invoice(sub, n)?;
        let state = state(subscription, invoice, now);
        let mut object = self.invoice_head(sub, n, &state);
        merge(&mut object, invoice_sums(invoice, &state));
        let id = self.ids.of(Item::Invoice(sub, n));
        let discount = (invoice.discount > 0).then(|| self.ids.of(Item::Discount(sub)));
        let discounts = discount.iter().map(|discount| json!({"amount": invoice.discount, "discount": discount}));
        merge(
            &mut object,
            json!({
                "auto_advance": state.name == "draft" || state.next.is_some(),
                "automatically_finalizes_at": (state.name == "draft").then_some(invoice.finalized),
                "billing_reason": if invoice.first { "subscription_create" } else { "subscription_cycle" },
                "created": invoice.created, "discounts": discount.iter().collect::<Vec<_>>(),
                "lines": {
                    "object": "list", "data": self.lines(sub, n, subscription, invoice), "has_more": false,
                    "url": format!("/v1/invoices/{id}/lines")
                },
                "parent": {
                    "quote_details": null,
                    "subscription_details": {"metadata": {}, "subscription": self.ids.of(Item::Subscription(sub))},
                    "type": "subscription_details"
                },
                "period_end": invoice.created,
                "period_start": if n == 0 { invoice.created } else { subscription.current(invoice.created - 1).0 },
                "total_discount_amounts": discounts.collect::<Vec<_>>()
            }),
        );
        Some(object)
    }

    /// What does not depend on the sums.
    fn invoice_head(&self, sub: u32, n: u32, state: &State) -> Value {
        let person = self.person(Buyer::Subscriber(sub));
        let mut object = json!({
            "id": self.ids.of(Item::Invoice(sub, n)), "object": "invoice", "account_country": self.account.country,
            "account_name": self.account.name, "account_tax_ids": null, "application": null,
            "automatic_tax": {
                "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null
            },
            "collection_method": "charge_automatically", "currency": self.billing_currency(), "custom_fields": null,
            "customer": self.ids.of(Item::Customer(Buyer::Subscriber(sub))), "customer_account": null,
            "customer_address": null, "customer_email": person["email"], "customer_name": person["name"],
            "customer_phone": null, "customer_shipping": null, "customer_tax_exempt": "none", "customer_tax_ids": [],
            "default_payment_method": null, "default_source": null, "default_tax_rates": [], "description": null,
            "due_date": null
        });
        merge(
            &mut object,
            json!({
                "effective_at": state.finalized, "footer": null, "from_invoice": null, "issuer": {"type": "self"},
                "last_finalization_error": null, "latest_revision": null, "livemode": self.live, "metadata": {},
                "next_payment_attempt": state.next,
                "number": state.finalized.map(|_| format!("DEMO-{sub:05}-{:04}", n + 1)), "on_behalf_of": null,
                "payment_settings": payment_settings(), "receipt_number": null, "rendering": null,
                "shipping_cost": null, "shipping_details": null, "statement_descriptor": null, "status": state.name,
                "status_transitions": {
                    "finalized_at": state.finalized, "marked_uncollectible_at": null, "paid_at": state.paid,
                    "voided_at": state.voided
                },
                "test_clock": null, "webhooks_delivered_at": state.finalized
            }),
        );
        object
    }

    /// The payment of an invoice, as `expand[]=payments` shows it.
    pub fn invoice_payment_object(&self, sub: u32, n: u32, now: i64) -> Option<Value> {
        let invoice = self.billing.invoice(sub, n).filter(|invoice| !invoice.tries.is_empty())?;
        let paid = invoice.paid_at.filter(|at| *at <= now);
        (invoice.finalized <= now).then(|| {
            json!({
                "id": self.ids.of(Item::InvoicePayment(sub, n)), "object": "invoice_payment",
                "amount_paid": paid.map(|_| invoice.total()), "amount_requested": invoice.total(),
                "created": invoice.finalized, "currency": self.billing_currency(),
                "invoice": self.ids.of(Item::Invoice(sub, n)), "is_default": true, "livemode": self.live,
                "payment": {"payment_intent": self.ids.of(Item::Intent(Pay::Invoice(sub, n))), "type": "payment_intent"},
                "status": if paid.is_some() { "paid" } else { "open" },
                "status_transitions": {"canceled_at": null, "paid_at": paid}
            })
        })
    }
}

fn invoice_sums(invoice: &Invoice, state: &State) -> Value {
    let total = invoice.total();
    let subtotal = invoice.plan + invoice.usage;
    json!({
        "amount_due": total, "amount_overpaid": 0, "amount_paid": state.paid.map_or(0, |_| total),
        "amount_remaining": if state.paid.is_some() { 0 } else { total }, "amount_shipping": 0,
        "attempt_count": state.tried, "attempted": state.tried > 0 || (total == 0 && state.finalized.is_some()),
        "ending_balance": state.finalized.map(|_| 0), "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0, "starting_balance": 0, "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal, "total": total, "total_excluding_tax": total,
        "total_pretax_credit_amounts": [], "total_taxes": []
    })
}
