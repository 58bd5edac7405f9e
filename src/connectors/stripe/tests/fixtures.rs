//! Stripe's own example objects through the readers: the shapes are Stripe's, not ours.

use serde_json::Value;
use time::macros::datetime;

use crate::connectors::stripe::streams::{CHARGES, LISTED, SUBSCRIPTIONS};
use crate::connectors::stripe::wire::Object;
use crate::connectors::stripe::{keys, measures, mrr};

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../../../tests/fixtures/stripe/", $name, ".json")))
            .unwrap()
    };
}

fn metrics(mapped: &measures::Mapped) -> Vec<&'static str> {
    mapped.record.measures.iter().map(|one| one.metric).collect()
}

#[test]
fn every_list_reads_stripes_own_example() {
    let examples = [
        fixture!("balance_transaction"),
        fixture!("charge"),
        fixture!("dispute"),
        fixture!("payment_intent"),
        fixture!("customer"),
    ];
    for (one, example) in LISTED.iter().zip(examples) {
        let object = Object::of(one.key, &example).unwrap();
        let mapped = (one.map)(&object).unwrap();
        assert_eq!(mapped.record.id, example["id"].as_str().unwrap());
        assert_eq!(mapped.record.at, datetime!(2009-02-13 23:31:30 UTC));
        assert_eq!(mapped.note, None);
        for metric in metrics(&mapped) {
            assert!(one.metrics.contains(&metric) || metric == super::super::BALANCE, "{}: {metric}", one.key);
        }
    }
}

#[test]
fn the_examples_add_what_their_fields_say() {
    let charge = fixture!("charge");
    let waiting = measures::charge(&Object::of(CHARGES, &charge).unwrap()).unwrap();
    assert_eq!(metrics(&waiting), [""; 0], "it is not captured");
    let mut captured = charge;
    captured["captured"] = true.into();
    let paid = measures::charge(&Object::of(CHARGES, &captured).unwrap()).unwrap();
    assert_eq!(metrics(&paid), [keys::PAYMENTS, keys::DISPUTE_RATE]);
    let dims: Vec<(&str, &str)> =
        paid.record.measures[0].dims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(dims, [("card_brand", "visa"), ("country", "US"), ("currency", "USD")]);

    let intent = fixture!("payment_intent");
    let failed = measures::payment_intent(&Object::of("payment_intents", &intent).unwrap()).unwrap();
    assert_eq!(failed.record.measures[0].value, 0.into());
    assert_eq!(failed.record.measures[0].denominator, Some(1.into()));
}

#[test]
fn nothing_of_a_person_is_in_a_record() {
    let charge = fixture!("charge");
    let mut captured = charge.clone();
    captured["captured"] = true.into();
    captured["billing_details"]["email"] = "ana@acme.example".into();
    let text = format!("{:?}", measures::charge(&Object::of(CHARGES, &captured).unwrap()).unwrap());
    for private in ["Jenny", "ana@acme.example", "4242", "AOB934RVNwzk6xtn"] {
        assert!(captured.to_string().contains(private) && !text.contains(private), "{private}");
    }
}

#[test]
fn the_example_subscription_brings_in_its_price() {
    let subscription = fixture!("subscription");
    assert!(!mrr::needs_items(&subscription).unwrap());
    // The example's price is per 1,592,560,163 units, rounded down, of which it has one.
    let now = datetime!(2026-11-24 12:00 UTC);
    let mapped = mrr::subscription(&subscription, None, now).unwrap();
    assert_eq!(metrics(&mapped), [keys::ACTIVE_SUBSCRIPTIONS]);
    let mut plain = subscription;
    plain["items"]["data"][0]["price"]["transform_quantity"] = Value::Null;
    let mapped = mrr::subscription(&plain, None, now).unwrap();
    assert_eq!(mapped.record.measures[1].value.to_string(), "20");
    assert_eq!(mapped.record.measures[1].currency.as_deref(), Some("USD"));
    assert_eq!(mapped.record.measures[1].dims["plan"], "price_1PgafmB7WZ01zgkW6dKueIc5");
}

#[test]
fn the_example_event_is_about_nothing_that_is_read() {
    let event = fixture!("event");
    assert_eq!(
        crate::connectors::stripe::streams::of_object(event["data"]["object"]["object"].as_str().unwrap()),
        None
    );
    assert_eq!(crate::connectors::stripe::streams::path(SUBSCRIPTIONS), "/v1/subscriptions");
}
