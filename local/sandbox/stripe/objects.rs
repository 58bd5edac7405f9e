//! Any object by what it stands for, and `expand`: ids replaced by what they stand for.

use serde_json::{Value, json};

use super::ids::Item;
use super::plans::Coupon;
use super::reply::ApiError;
use super::world::World;

/// Levels below the object that may be expanded.
const MAX_DEPTH: usize = 4;

impl World {
    /// An object as it looks at a moment, whether or not it exists by then.
    pub fn object(&self, item: Item, now: i64) -> Option<Value> {
        match item {
            Item::Charge(pay, attempt) => self.charge(&self.payment(pay)?, attempt, now),
            Item::Intent(pay) => self.intent(&self.payment(pay)?, now),
            Item::Refund(pay, nth) => self.refund(&self.payment(pay)?, nth, now),
            Item::Dispute(pay) => self.dispute(&self.payment(pay)?, now),
            Item::Movement(flow, source) => Some(self.balance_transaction(&self.movement(flow, source)?, now)),
            Item::Customer(buyer) => self.customer(buyer, now),
            Item::Subscription(sub) => self.subscription(sub, now),
            Item::Discount(sub) => self.discount(sub),
            Item::Position(sub, index) => self.subscription_item(sub, index, now),
            Item::Invoice(sub, n) => self.invoice(sub, n, now),
            Item::InvoicePayment(sub, n) => self.invoice_payment_object(sub, n, now),
            Item::Payout(day) => self.payout_object(day, now),
            Item::Price(plan) => Some(self.price(plan)),
            Item::Product(plan) => Some(self.product(plan)),
            Item::Line(..) | Item::PaymentMethod(_) => None,
        }
    }

    /// Replaces the ids at a path, such as `data.balance_transaction`, by their objects.
    pub fn expand(&self, object: &mut Value, path: &str, now: i64) -> Result<(), ApiError> {
        let steps: Vec<&str> = path.split('.').collect();
        if steps.len() > MAX_DEPTH {
            let message = format!("You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}.");
            return Err(ApiError::invalid("expand", message));
        }
        self.walk(object, &steps, path, now)
    }

    fn walk(&self, object: &mut Value, steps: &[&str], path: &str, now: i64) -> Result<(), ApiError> {
        let Some((name, rest)) = steps.split_first() else {
            return Ok(());
        };
        self.include(object, name, now);
        let Some(field) = object.get_mut(*name) else {
            let message = format!("This property cannot be expanded ({path}).");
            return Err(ApiError::invalid("expand", message));
        };
        let of_coupon = *name == "coupon";
        let expand = |place: &mut Value| {
            if let Some(id) = place.as_str()
                && let Some(found) = self.by_id(id, of_coupon, now)
            {
                *place = found;
            }
        };
        match field {
            Value::Array(places) => {
                for place in places {
                    expand(place);
                    self.walk(place, rest, path, now)?;
                }
                Ok(())
            }
            Value::Null => Ok(()),
            place => {
                expand(place);
                if rest.is_empty() && !place.is_object() {
                    let message = format!("This property cannot be expanded ({path}).");
                    return Err(ApiError::invalid("expand", message));
                }
                self.walk(place, rest, path, now)
            }
        }
    }

    fn by_id(&self, id: &str, of_coupon: bool, now: i64) -> Option<Value> {
        if of_coupon {
            return Coupon::ALL.into_iter().find(|coupon| coupon.id() == id).map(|coupon| self.coupon(coupon));
        }
        self.object(self.ids.read(id)?, now)
    }

    /// Adds the lists that only an expansion brings: the refunds of a charge and the payments of an invoice.
    fn include(&self, object: &mut Value, name: &str, now: i64) {
        let item = object["id"].as_str().and_then(|id| self.ids.read(id));
        let (data, path) = match (item, name) {
            (Some(Item::Charge(pay, attempt)), "refunds") => {
                let paid = self.payment(pay).and_then(|payment| payment.success());
                let refunded = paid.is_some_and(|(last, _)| last == attempt);
                (if refunded { self.refunds_of(pay, now) } else { Vec::new() }, "charges")
            }
            (Some(Item::Invoice(sub, n)), "payments") => {
                (self.invoice_payment_object(sub, n, now).into_iter().collect(), "invoices")
            }
            _ => return,
        };
        let url = format!("/v1/{path}/{}/{name}", object["id"].as_str().unwrap_or_default());
        object[name] = json!({"object": "list", "data": data, "has_more": false, "url": url});
    }
}
