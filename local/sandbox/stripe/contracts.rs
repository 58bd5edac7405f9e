//! Contracts as JSON: customers, subscriptions, prices, products, coupons. After *basil*: the period of a subscription
//! stands on its items.

use serde_json::{Value, json};

use super::billing::{Coupon, Plan, Why};
use super::ids::Item;
use super::paper::merge;
use super::payments::Buyer;
use super::world::{World, chosen, start_of};
use crate::sandbox::season::mix;

const FIRST: [&str; 10] =
    ["Lucía", "Martín", "Sofía", "Mateo", "Valeria", "Hugo", "Camila", "Diego", "Elena", "Joaquín"];
const LAST: [&str; 9] = ["García", "Rojas", "Fernández", "Muñoz", "Torres", "Silva", "Castro", "Vidal", "Navarro"];
const COUNTRIES: [&str; 8] = ["ES", "ES", "ES", "ES", "MX", "CO", "CL", "FR"];
const PAYMENT_SETTINGS: [&str; 2] = ["card", "link"];

impl World {
    /// Name, address and country of a customer.
    pub fn person(&self, buyer: Buyer) -> Value {
        let key = Item::Customer(buyer).key();
        let random = mix(self.seed ^ key);
        let country =
            if self.account.country == "ES" { *chosen(&COUNTRIES, random >> 40) } else { self.account.country };
        json!({
            "name": format!("{} {}", chosen(&FIRST, random), chosen(&LAST, random >> 20)), "country": country,
            "email": format!("persona{}@clientes.example", random % 1_000_000)
        })
    }

    /// A customer; of a deleted one only the id is left.
    pub fn customer(&self, buyer: Buyer, now: i64) -> Option<Value> {
        let item = Item::Customer(buyer);
        let id = self.ids.of(item);
        if self.deleted(buyer).is_some_and(|at| at <= now) {
            return Some(json!({"id": id, "object": "customer", "deleted": true}));
        }
        let created = self.created(item)?;
        let person = self.person(buyer);
        let delinquent = match buyer {
            Buyer::Subscriber(sub) => self.billing.get(sub)?.status(now) == "past_due",
            Buyer::Shopper(..) => false,
        };
        Some(json!({
            "id": id, "object": "customer",
            "address": {
                "city": null, "country": person["country"], "line1": null, "line2": null, "postal_code": null,
                "state": null
            },
            "balance": 0, "created": created, "currency": self.account.presentment.first().map(|money| money.currency),
            "customer_account": null, "default_source": null, "delinquent": delinquent, "description": null,
            "discount": null, "email": person["email"], "invoice_prefix": format!("{:08X}", item.key() & 0xFFFF_FFFF),
            "invoice_settings": {
                "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null
            },
            "livemode": self.live, "metadata": {}, "name": person["name"], "next_invoice_sequence": 1, "phone": null,
            "preferred_locales": ["es"], "shipping": null, "tax_exempt": "none", "test_clock": null
        }))
    }

    /// Currency of subscriptions and invoices.
    pub fn billing_currency(&self) -> &'static str {
        self.account.presentment.first().map_or("eur", |money| money.currency)
    }

    fn first_second(&self) -> i64 {
        start_of(self.first_day)
    }

    /// A price.
    pub fn price(&self, plan: Plan) -> Value {
        let usage = plan == Plan::Usage;
        let amount = plan.cents() * self.account.scale;
        json!({
            "id": self.ids.of(Item::Price(plan)), "object": "price", "active": true, "billing_scheme": "per_unit",
            "created": self.first_second(), "currency": self.billing_currency(), "custom_unit_amount": null,
            "livemode": self.live, "lookup_key": null, "metadata": {}, "nickname": plan.name(),
            "product": self.ids.of(Item::Product(plan)),
            "recurring": {
                "interval": plan.interval(), "interval_count": 1, "meter": usage.then_some("mtr_1SandboxApiCalls"),
                "trial_period_days": null, "usage_type": if usage { "metered" } else { "licensed" }
            },
            "tax_behavior": "unspecified", "tiers_mode": null, "transform_quantity": null, "type": "recurring",
            "unit_amount": amount, "unit_amount_decimal": amount.to_string()
        })
    }

    /// A product.
    pub fn product(&self, plan: Plan) -> Value {
        json!({
            "id": self.ids.of(Item::Product(plan)), "object": "product", "active": true, "created": self.first_second(),
            "default_price": self.ids.of(Item::Price(plan)), "description": null, "images": [], "livemode": self.live,
            "marketing_features": [], "metadata": {}, "name": plan.name(), "package_dimensions": null,
            "shippable": null, "statement_descriptor": null, "tax_code": null, "type": "service", "unit_label": null,
            "updated": self.first_second(), "url": null
        })
    }

    /// A coupon.
    pub fn coupon(&self, coupon: Coupon) -> Value {
        let amount = coupon.amount(self.account.scale);
        json!({
            "id": coupon.id(), "object": "coupon", "amount_off": amount, "created": self.first_second(),
            "currency": amount.map(|_| self.billing_currency()), "duration": coupon.duration(),
            "duration_in_months": (coupon == Coupon::Welcome).then_some(Coupon::MONTHS), "livemode": self.live,
            "max_redemptions": null, "metadata": {}, "name": coupon.id(), "percent_off": coupon.percent(),
            "redeem_by": null, "times_redeemed": 0, "valid": true
        })
    }

    /// A discount, with the coupon's id; `expand` brings the coupon.
    pub fn discount(&self, sub: u32) -> Option<Value> {
        let (coupon, start, end) = self.billing.get(sub)?.discount()?;
        Some(json!({
            "id": self.ids.of(Item::Discount(sub)), "object": "discount", "checkout_session": null,
            "customer": self.ids.of(Item::Customer(Buyer::Subscriber(sub))), "customer_account": null,
            "end": end.filter(|_| coupon == Coupon::Welcome), "invoice": null, "invoice_item": null,
            "promotion_code": null, "source": {"coupon": coupon.id(), "type": "coupon"}, "start": start,
            "subscription": self.ids.of(Item::Subscription(sub)), "subscription_item": null
        }))
    }

    /// An item of a subscription.
    pub fn subscription_item(&self, sub: u32, index: u32, now: i64) -> Option<Value> {
        let subscription = self.billing.get(sub)?;
        let plan = *subscription.plan.items().get(usize::try_from(index).ok()?)?;
        let (start, end) = subscription.current(now);
        let price = self.price(plan);
        let mut item = json!({
            "id": self.ids.of(Item::Position(sub, index)), "object": "subscription_item",
            "billing_thresholds": null, "created": subscription.start, "current_period_end": end,
            "current_period_start": start, "discounts": [], "metadata": {},
            "plan": {
                "id": price["id"], "object": "plan", "active": true, "amount": price["unit_amount"],
                "amount_decimal": price["unit_amount_decimal"], "billing_scheme": "per_unit",
                "created": price["created"], "currency": price["currency"], "interval": plan.interval(),
                "interval_count": 1, "livemode": self.live, "metadata": {}, "meter": price["recurring"]["meter"],
                "nickname": price["nickname"], "product": price["product"], "tiers_mode": null,
                "transform_usage": null, "trial_period_days": null, "usage_type": price["recurring"]["usage_type"]
            },
            "price": price, "subscription": self.ids.of(Item::Subscription(sub)), "tax_rates": []
        });
        // A metered item has no quantity.
        if plan != Plan::Usage {
            item["quantity"] = subscription.quantity.into();
        }
        Some(item)
    }

    /// A subscription.
    pub fn subscription(&self, sub: u32, now: i64) -> Option<Value> {
        let subscription = self.billing.get(sub)?;
        let ended = subscription.end.filter(|end| end.at <= now);
        let asked = subscription.end.filter(|end| end.asked <= now && end.why != Why::NeverBegan);
        let leaving = asked.filter(|end| end.why == Why::AtPeriodEnd);
        let id = self.ids.of(Item::Subscription(sub));
        let items: Vec<Value> = (0..2).filter_map(|index| self.subscription_item(sub, index, now)).collect();
        let latest = (0..).zip(&subscription.invoices).filter(|(_, invoice)| invoice.created <= now).last();
        let discounted = subscription.discounted(now) && ended.is_none();
        let mut object = json!({
            "id": id, "object": "subscription", "application": null, "application_fee_percent": null,
            "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
            "billing_cycle_anchor": subscription.anchor, "billing_cycle_anchor_config": null,
            "billing_mode": {"flexible": null, "type": "classic"}, "billing_schedules": [], "billing_thresholds": null,
            "cancel_at": leaving.map(|end| end.at), "cancel_at_period_end": leaving.is_some() && ended.is_none(),
            "canceled_at": asked.map(|end| end.asked),
            "cancellation_details": {"comment": null, "feedback": null, "reason": asked.map(|end| reason(end.why))},
            "collection_method": "charge_automatically", "created": subscription.start, "currency": self.billing_currency(),
            "customer": self.ids.of(Item::Customer(Buyer::Subscriber(sub))), "customer_account": null,
            "days_until_due": null, "default_payment_method": null, "default_source": null, "default_tax_rates": [],
            "description": null,
            "discounts": discounted.then(|| self.ids.of(Item::Discount(sub))).into_iter().collect::<Vec<_>>(),
            "ended_at": ended.map(|end| end.at)
        });
        merge(
            &mut object,
            json!({
                "invoice_settings": {"account_tax_ids": null, "issuer": {"type": "self"}},
                "items": {
                    "object": "list", "data": items, "has_more": false,
                    "url": format!("/v1/subscription_items?subscription={id}")
                },
                "latest_invoice": latest.map(|(n, _)| self.ids.of(Item::Invoice(sub, n))), "livemode": self.live,
                "managed_payments": null, "metadata": {}, "next_pending_invoice_item_invoice": null, "on_behalf_of": null,
                "pause_collection": null, "payment_settings": payment_settings(), "pending_invoice_item_interval": null,
                "pending_setup_intent": null, "pending_update": null, "schedule": null, "start_date": subscription.start,
                "status": subscription.status(now), "test_clock": null, "transfer_data": null,
                "trial_end": subscription.trial_end,
                "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
                "trial_start": subscription.trial_end.map(|_| subscription.start)
            }),
        );
        Some(object)
    }
}

/// How subscriptions and invoices are paid.
pub fn payment_settings() -> Value {
    json!({"default_mandate": null, "payment_method_options": null, "payment_method_types": PAYMENT_SETTINGS})
}

const fn reason(why: Why) -> &'static str {
    match why {
        Why::AtPeriodEnd | Why::AtOnce => "cancellation_requested",
        Why::Unpaid | Why::NeverBegan => "payment_failed",
    }
}
