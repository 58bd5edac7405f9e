//! Monthly recurring revenue, case by case.

use serde_json::{Value, json};
use time::macros::datetime;

use super::harness::subscription;
use crate::connectors::stripe::{keys, mrr};

fn price(interval: &str, count: i64, unit_amount: i64) -> Value {
    json!({"id": "price_x", "nickname": null, "lookup_key": "x", "billing_scheme": "per_unit", "unit_amount": unit_amount,
        "recurring": {"interval": interval, "interval_count": count, "usage_type": "licensed"}})
}

fn with(items: Value, discounts: Value) -> Value {
    let mut value = subscription("sub_1", 1, "active", 0);
    value["items"]["data"] = items;
    value["discounts"] = discounts;
    value
}

fn monthly(subscription: &Value) -> String {
    let mapped = mrr::subscription(subscription, None, datetime!(2026-11-24 12:00 UTC)).unwrap();
    let measures = mapped.record.measures.iter().filter(|one| one.metric == keys::MRR);
    measures.map(|one| one.value).sum::<rust_decimal::Decimal>().to_string()
}

fn of(price: &Value, quantity: i64) -> String {
    monthly(&with(json!([{"id": "si_1", "price": price, "quantity": quantity}]), json!([])))
}

fn coupon(coupon: &Value, end: &Value) -> Value {
    json!([{"id": "di_1", "end": end, "source": {"type": "coupon", "coupon": coupon}}])
}

#[test]
fn a_price_becomes_its_share_of_a_month() {
    let cases = [
        (price("month", 1, 1000), 1, "10"),
        (price("month", 1, 1000), 3, "30"),
        (price("month", 3, 3000), 1, "10"),
        (price("year", 1, 12000), 1, "10"),
        (price("year", 1, 1000), 1, "0.833333"),
        (price("year", 2, 24000), 1, "10"),
        (price("week", 1, 1200), 1, "52"),
        (price("week", 2, 1200), 1, "26"),
        (price("day", 1, 12), 1, "3.65"),
        (price("month", 1, 0), 1, "0"),
        (price("month", 1, 1000), 0, "0"),
    ];
    for (price, quantity, expected) in cases {
        assert_eq!(of(&price, quantity), expected, "{quantity} of {price}");
    }
}

#[test]
fn metered_use_and_what_does_not_recur_are_no_part() {
    let mut metered = price("month", 1, 1000);
    metered["recurring"]["usage_type"] = "metered".into();
    let mut once = price("month", 1, 1000);
    once["recurring"] = Value::Null;
    assert_eq!((of(&metered, 1), of(&once, 1)), ("0".to_owned(), "0".to_owned()));
}

#[test]
fn only_active_and_past_due_subscriptions_count() {
    for (status, measures) in [("active", 2), ("past_due", 2), ("trialing", 0), ("canceled", 0), ("unpaid", 0)] {
        let value = subscription("sub_1", 1, status, 1000);
        let mapped = mrr::subscription(&value, None, datetime!(2026-11-24 12:00 UTC)).unwrap();
        assert_eq!(mapped.record.measures.len(), measures, "{status}");
    }
    for status in ["incomplete", "incomplete_expired", "paused"] {
        assert_eq!(monthly(&subscription("sub_1", 1, status, 1000)), "0", "{status}");
    }
}

#[test]
fn only_discounts_that_never_end_are_taken_off() {
    let items = json!([{"id": "si_1", "price": price("month", 1, 1000), "quantity": 2}]);
    let off = |fields: Value, end: Value| monthly(&with(items.clone(), coupon(&fields, &end)));
    let percent = |duration: &str| json!({"duration": duration, "percent_off": 25.5});
    assert_eq!(off(percent("forever"), Value::Null), "14.9");
    assert_eq!(off(percent("repeating"), Value::Null), "20");
    assert_eq!(off(percent("once"), Value::Null), "20");
    assert_eq!(off(percent("forever"), json!(1_700_000_000)), "20", "it has ended");
    let amount = |currency: &str| json!({"duration": "forever", "amount_off": 500, "currency": currency});
    assert_eq!(off(amount("eur"), Value::Null), "15");
    assert_eq!(off(amount("usd"), Value::Null), "20", "another currency's does not apply");
    let all = json!({"duration": "forever", "amount_off": 5000, "currency": "eur"});
    assert_eq!(off(all, Value::Null), "0", "never less than nothing");
}

#[test]
fn an_amount_off_a_yearly_invoice_is_a_twelfth_of_it_a_month() {
    let items = json!([{"id": "si_1", "price": price("year", 1, 12000), "quantity": 1}]);
    let off = json!({"duration": "forever", "amount_off": 1200, "currency": "eur"});
    assert_eq!(monthly(&with(items, coupon(&off, &Value::Null))), "9");
}

#[test]
fn a_discount_of_an_item_leaves_the_others_alone() {
    let half = coupon(&json!({"duration": "forever", "percent_off": 50}), &Value::Null);
    let items = json!([
        {"id": "si_1", "price": price("month", 1, 1000), "quantity": 1, "discounts": half},
        {"id": "si_2", "price": price("month", 1, 1000), "quantity": 1},
    ]);
    assert_eq!(monthly(&with(items, json!([]))), "15");
}

#[test]
fn tiers_cost_what_the_price_says_for_its_mode() {
    let tiered = |mode: &str| {
        let tiers = json!([
            {"up_to": 10, "unit_amount": 500, "flat_amount": null},
            {"up_to": 20, "unit_amount": 300, "flat_amount": 1000},
            {"up_to": null, "unit_amount": 100, "flat_amount": 0},
        ]);
        json!({"id": "price_t", "billing_scheme": "tiered", "tiers_mode": mode, "tiers": tiers,
            "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}})
    };
    let cases = [
        ("graduated", 10, "50"),
        ("graduated", 15, "75"),
        ("graduated", 25, "95"),
        ("volume", 15, "55"),
        ("volume", 25, "25"),
    ];
    for (mode, quantity, expected) in cases {
        assert_eq!(of(&tiered(mode), quantity), expected, "{quantity}, {mode}");
    }
}

#[test]
fn packages_are_paid_whole() {
    let package = |round: &str| {
        let mut price = price("month", 1, 1000);
        price["transform_quantity"] = json!({"divide_by": 5, "round": round});
        price
    };
    assert_eq!(
        (of(&package("up"), 6), of(&package("down"), 6), of(&package("up"), 5)),
        ("20".into(), "10".into(), "10".into())
    );
}

#[test]
fn a_price_may_have_fractions_of_a_cent_and_zero_decimals() {
    let mut price = price("month", 1, 0);
    price["unit_amount_decimal"] = "0.5".into();
    assert_eq!(of(&price, 1000), "5");
    let mut yen = with(json!([{"id": "si_1", "price": super::mrr::price("month", 1, 1000), "quantity": 1}]), json!([]));
    yen["currency"] = "jpy".into();
    assert_eq!(monthly(&yen), "1000");
}

#[test]
fn each_item_counts_for_its_plan_and_the_subscription_once_for_its_dearest() {
    let mut cheap = price("month", 1, 500);
    cheap["nickname"] = "Cheap".into();
    let items = json!([
        {"id": "si_1", "price": cheap, "quantity": 1},
        {"id": "si_2", "price": price("month", 1, 1000), "quantity": 1},
    ]);
    let mapped = mrr::subscription(&with(items, json!([])), None, datetime!(2026-11-24 12:00 UTC)).unwrap();
    let told: Vec<(&str, String, &str)> = mapped
        .record
        .measures
        .iter()
        .map(|one| (one.metric, one.value.to_string(), one.dims["plan"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (keys::ACTIVE_SUBSCRIPTIONS, "1".to_owned(), "x"),
            (keys::MRR, "10".to_owned(), "x"),
            (keys::MRR, "5".to_owned(), "Cheap"),
        ]
    );
}

#[test]
fn what_cannot_be_a_price_is_an_error_and_no_panic() {
    let now = datetime!(2026-11-24 12:00 UTC);
    let mut broken = Vec::new();
    for (field, value) in [
        ("unit_amount", json!(i64::MAX)),
        ("unit_amount_decimal", json!("79228162514264337593543950335")),
        ("unit_amount_decimal", json!("many")),
        ("recurring", json!({"interval": "moon"})),
        ("recurring", json!({"interval": "month", "interval_count": 0})),
        ("transform_quantity", json!({"divide_by": 0, "round": "up"})),
    ] {
        let mut price = price("day", 1, 1);
        price[field] = value;
        broken.push((price, json!(1)));
    }
    broken.push((price("month", 1, 1), json!(i64::MAX)));
    broken.push((price("month", 1, 1), json!(-1)));
    for (price, quantity) in broken {
        let value = with(json!([{"id": "si_1", "price": price, "quantity": quantity}]), json!([]));
        let error = mrr::subscription(&value, None, now).unwrap_err();
        assert!(error.cause.starts_with("subscriptions: "), "{price}: {}", error.cause);
    }
    let largest = with(
        json!([{"id": "si_1", "price": price("day", 1, 1_000_000_000_000_000), "quantity": 1_000_000_000}]),
        json!([]),
    );
    assert!(mrr::subscription(&largest, None, now).is_ok());
}

#[test]
fn items_are_listed_on_their_own_where_the_subscription_does_not_hold_what_counts() {
    let plain = subscription("sub_1", 1, "active", 1000);
    assert!(!mrr::needs_items(&plain).unwrap());
    let mut more = plain.clone();
    more["items"]["has_more"] = true.into();
    let mut tiered = plain.clone();
    tiered["items"]["data"][0]["price"]["billing_scheme"] = "tiered".into();
    let mut discounted = plain;
    discounted["items"]["data"][0]["discounts"] = json!(["di_1"]);
    for value in [&more, &tiered, &discounted] {
        assert!(mrr::needs_items(value).unwrap());
    }
    more["status"] = "canceled".into();
    assert!(!mrr::needs_items(&more).unwrap(), "it counts for nothing");
}
