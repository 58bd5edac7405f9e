//! Monthly recurring revenue of a subscription, as Stripe's glossary defines it: what its paid items bring in a month at
//! their present price and quantity, less discounts that never end. Not trials, not taxes, not metered use.

use rust_decimal::Decimal;
use serde_json::Value;
use time::OffsetDateTime;

use super::keys;
use super::measures::{Mapped, count};
use super::money::{amount, fraction};
use super::wire::Object;
use crate::connectors::contract::{Measure, Record};
use crate::connectors::error::ConnectorError;
use crate::domain::fact::Dims;

/// Decimals of a month's share; a twelfth of a year seldom ends.
const DECIMALS: u32 = 6;
/// Most characters of a plan's name.
const MAX_PLAN: usize = 100;
/// Largest price and quantity; their product, and what it becomes in a month, must fit into a decimal.
const MAX_UNIT: Decimal = Decimal::from_parts(1_000_000_000, 1_000_000, 0, false, 0);
const MAX_QUANTITY: i64 = 1_000_000_000;

/// Whether the items must be listed on their own: a subscription holds ten of them, and neither tiers nor what a
/// discount of an item is.
pub fn needs_items(subscription: &Value) -> Result<bool, ConnectorError> {
    let subscription = Object::of("subscriptions", subscription)?;
    let items = subscription.object("items")?;
    if !counts(&subscription)? {
        return Ok(false);
    }
    let mut deep = items.flag("has_more")?;
    for item in items.entries("data")? {
        let item = Object::of("subscriptions", item)?;
        let tiered = item.object("price")?.optional_text("billing_scheme")? == Some("tiered");
        deep |= tiered || !item.entries("discounts")?.is_empty();
    }
    Ok(deep)
}

fn counts(subscription: &Object<'_>) -> Result<bool, ConnectorError> {
    Ok(matches!(subscription.text("status")?, "active" | "past_due"))
}

/// What a subscription adds; `items` are its items where they were listed on their own.
pub fn subscription(value: &Value, items: Option<&[Value]>, now: OffsetDateTime) -> Result<Mapped, ConnectorError> {
    let object = Object::of("subscriptions", value)?;
    let record = |measures| {
        let record = Record { id: object.id()?.to_owned(), at: object.instant("created")?, measures };
        Ok(Mapped { record, note: None })
    };
    if !counts(&object)? {
        return record(Vec::new());
    }
    let currency = object.currency("currency")?;
    let items = items.map_or_else(|| object.object("items")?.entries("data"), Ok)?;
    let mut lines = items.iter().map(|item| line(item, &currency, now)).collect::<Result<Vec<_>, _>>()?;
    discount(&object, &currency, &mut lines, now)?;
    lines.sort_by_key(|line| std::cmp::Reverse(line.monthly));
    let plan = lines.first().map_or_else(String::new, |line| line.plan.clone());
    let mut measures = vec![count(keys::ACTIVE_SUBSCRIPTIONS, 1, [("plan", plan), ("currency", currency.clone())])];
    measures.extend(lines.into_iter().filter(|line| !line.monthly.is_zero()).map(|line| Measure {
        metric: keys::MRR,
        value: line.monthly.round_dp(DECIMALS).normalize(),
        denominator: None,
        currency: Some(currency.clone()),
        dims: Dims::from([("plan".to_owned(), line.plan)]),
    }));
    record(measures)
}

struct Line {
    plan: String,
    monthly: Decimal,
    /// Months between two invoices.
    months: Decimal,
}

fn line(item: &Value, currency: &str, now: OffsetDateTime) -> Result<Line, ConnectorError> {
    let item = Object::of("subscriptions", item)?;
    let price = item.object("price")?;
    let names = [price.optional_text("nickname")?, price.optional_text("lookup_key")?, Some(price.id()?)];
    let plan = names.into_iter().flatten().find(|name| !name.trim().is_empty()).unwrap_or_default();
    let recurring = price.optional_object("recurring")?;
    let Some(recurring) =
        recurring.filter(|r| r.optional_text("usage_type").is_ok_and(|usage| usage != Some("metered")))
    else {
        return Ok(Line { plan: named(plan), monthly: Decimal::ZERO, months: Decimal::ONE });
    };
    let months = months(&recurring)?;
    let quantity = item.optional_integer("quantity")?.unwrap_or(1);
    if !(0..=MAX_QUANTITY).contains(&quantity) {
        return Err(item.unfit("quantity", "a quantity"));
    }
    let cost = cost(&price, quantity)?;
    let mut lines = [Line { plan: named(plan), monthly: fraction(cost, currency) / months, months }];
    discount(&item, currency, &mut lines, now)?;
    let [line] = lines;
    Ok(line)
}

fn named(plan: &str) -> String {
    plan.trim().chars().take(MAX_PLAN).collect()
}

/// Months of one period of a price: a year has twelve months, 52 weeks and 365 days.
fn months(recurring: &Object<'_>) -> Result<Decimal, ConnectorError> {
    let count = recurring.optional_integer("interval_count")?.unwrap_or(1);
    if count < 1 {
        return Err(recurring.unfit("interval_count", "at least 1"));
    }
    let count = Decimal::from(count);
    Ok(match recurring.text("interval")? {
        "month" => count,
        "year" => count * Decimal::from(12),
        "week" => count * Decimal::from(12) / Decimal::from(52),
        "day" => count * Decimal::from(12) / Decimal::from(365),
        _ => return Err(recurring.unfit("interval", "day, week, month or year")),
    })
}

/// What `quantity` of a price costs for one period, in the currency's smallest unit.
fn cost(price: &Object<'_>, quantity: i64) -> Result<Decimal, ConnectorError> {
    if price.optional_text("billing_scheme")? == Some("tiered") {
        return tiered(price, Decimal::from(quantity));
    }
    Ok(unit(price, "unit_amount")? * packages(price, quantity)?)
}

/// `unit_amount_decimal` where it is there, else `unit_amount`; a price that the customer chooses has neither.
fn unit(price: &Object<'_>, field: &str) -> Result<Decimal, ConnectorError> {
    let exact = format!("{field}_decimal");
    let number = match price.optional_text(&exact)? {
        Some(text) => text.parse().map_err(|_| price.unfit(&exact, "a number"))?,
        None => Decimal::from(price.optional_integer(field)?.unwrap_or(0)),
    };
    if number.abs() > MAX_UNIT { Err(price.unfit(&exact, "a price")) } else { Ok(number) }
}

/// The quantity that is paid: whole packages where the price is per package.
fn packages(price: &Object<'_>, quantity: i64) -> Result<Decimal, ConnectorError> {
    let Some(transform) = price.optional_object("transform_quantity")? else { return Ok(quantity.into()) };
    let size = transform.integer("divide_by")?;
    if size < 1 {
        return Err(transform.unfit("divide_by", "at least 1"));
    }
    let started = i64::from(transform.text("round")? == "up" && quantity % size != 0);
    Ok((quantity / size + started).into())
}

fn tiered(price: &Object<'_>, quantity: Decimal) -> Result<Decimal, ConnectorError> {
    let graduated = price.text("tiers_mode")? == "graduated";
    let (mut below, mut total) = (Decimal::ZERO, Decimal::ZERO);
    for tier in price.entries("tiers")? {
        let tier = Object::of("subscriptions", tier)?;
        let end = tier.optional_integer("up_to")?.map(Decimal::from);
        let last = end.is_none_or(|end| quantity <= end);
        let inside = end.map_or(quantity, |end| end.min(quantity)) - below;
        let price_of = |units: Decimal| Ok(unit(&tier, "unit_amount")? * units + unit(&tier, "flat_amount")?);
        if graduated {
            total += price_of(inside)?;
        } else if last {
            return price_of(quantity);
        }
        if last {
            return Ok(total);
        }
        below += inside;
    }
    Err(price.unfit("tiers", "a list that reaches the quantity"))
}

/// Takes off the discounts of a subscription or an item that never end.
fn discount(of: &Object<'_>, currency: &str, lines: &mut [Line], now: OffsetDateTime) -> Result<(), ConnectorError> {
    for discount in of.entries("discounts")? {
        let discount = Object::of("subscriptions", discount)?;
        let ended = discount.optional_integer("end")?.is_some_and(|end| end <= now.unix_timestamp());
        let coupon = discount.object("source")?.optional_object("coupon")?;
        let Some(coupon) = coupon.filter(|_| !ended) else { continue };
        if coupon.text("duration")? == "forever" {
            take_off(&coupon, currency, lines)?;
        }
    }
    Ok(())
}

fn take_off(coupon: &Object<'_>, currency: &str, lines: &mut [Line]) -> Result<(), ConnectorError> {
    let total: Decimal = lines.iter().map(|line| line.monthly).sum();
    let Some(months) = lines.iter().find(|line| !line.monthly.is_zero()).map(|line| line.months) else { return Ok(()) };
    let rest = if let Some(percent) = coupon.number("percent_off")? {
        Decimal::ONE - percent / Decimal::ONE_HUNDRED
    } else if coupon.optional_text("currency")?.is_some_and(|of| of.eq_ignore_ascii_case(currency)) {
        let off = amount(coupon.optional_integer("amount_off")?.unwrap_or(0), currency) / months;
        (total - off) / total
    } else {
        return Ok(());
    };
    for line in lines {
        line.monthly *= rest.clamp(Decimal::ZERO, Decimal::ONE);
    }
    Ok(())
}
