//! What objects add to metrics.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::{charge, dispute, intent};
use crate::connectors::error::ConnectorError;
use crate::connectors::stripe::BALANCE;
use crate::connectors::stripe::keys::{AVG_PAYMENT, FEES, GROSS_VOLUME, NET_VOLUME, REFUNDS};
use crate::connectors::stripe::measures::{self, Mapped};
use crate::connectors::stripe::wire::Object;

fn ledger(category: &str, amount: i64, fee: i64) -> Result<Mapped, ConnectorError> {
    let value = json!({"id": "txn_1", "created": 1_700_000_000, "currency": "eur", "amount": amount, "fee": fee,
        "net": amount - fee, "reporting_category": category});
    measures::balance_transaction(&Object::of("balance_transactions", &value)?)
}

/// What a transaction adds, as `value` or `value/denominator` in euros.
fn adds(category: &str, amount: i64, fee: i64) -> BTreeMap<&'static str, String> {
    let mapped = ledger(category, amount, fee).unwrap();
    let told = |one: &crate::connectors::contract::Measure| {
        assert_eq!(one.currency.as_deref(), Some("EUR"));
        one.denominator.map_or_else(|| one.value.to_string(), |of| format!("{}/{of}", one.value))
    };
    mapped.record.measures.iter().map(|one| (one.metric, told(one))).collect()
}

#[test]
fn each_reporting_category_counts_where_it_belongs() {
    let expect = |pairs: &[(&'static str, &str)]| -> BTreeMap<&'static str, String> {
        pairs.iter().map(|(metric, value)| (*metric, (*value).to_owned())).collect()
    };
    let net = |value| [(NET_VOLUME, value), (BALANCE, value)];
    let gross = |value, average| [(GROSS_VOLUME, value), (AVG_PAYMENT, average)];
    let cases = [
        ("charge", 1000, 45, [&gross("10.00", "10.00/1")[..], &net("9.55"), &[(FEES, "0.45")]].concat()),
        ("charge_failure", -1000, -45, [&gross("-10.00", "-10.00/0")[..], &net("-9.55"), &[(FEES, "-0.45")]].concat()),
        ("partial_capture_reversal", -400, 0, [&gross("-4.00", "-4.00/0")[..], &net("-4.00")].concat()),
        ("refund", -300, 0, [&[(REFUNDS, "3.00")][..], &net("-3.00")].concat()),
        ("refund_failure", 300, 0, [&[(REFUNDS, "-3.00")][..], &net("3.00")].concat()),
        ("dispute", -1000, 1500, [&[(FEES, "15.00")][..], &net("-25.00")].concat()),
        ("dispute_reversal", 1000, 0, net("10.00").to_vec()),
        ("fee", -200, 0, [&[(FEES, "2.00")][..], &net("-2.00")].concat()),
        ("tax", -42, 0, net("-0.42").to_vec()),
        ("payout", -5000, 0, vec![(BALANCE, "-50.00")]),
        ("topup", 5000, 0, vec![(BALANCE, "50.00")]),
        ("transfer", -100, 0, vec![(BALANCE, "-1.00")]),
    ];
    for (category, amount, fee, expected) in cases {
        assert_eq!(adds(category, amount, fee), expect(&expected), "{category}");
    }
}

#[test]
fn an_unknown_category_stays_in_the_ledger_and_is_told() {
    let mapped = ledger("moon_dust", 100, 0).unwrap();
    assert_eq!(adds("moon_dust", 100, 0), BTreeMap::from([(BALANCE, "1.00".to_owned())]));
    let note = mapped.note.unwrap();
    assert_eq!((note.code, note.detail.as_str()), ("stripe_category_unknown", "reporting_category \"moon_dust\""));
}

#[test]
fn another_balance_of_the_account_is_not_part_of_the_ledger() {
    let mut value = super::harness::transaction("txn_1", 1, 100, "issuing_transaction");
    value["balance_type"] = "issuing".into();
    let mapped = measures::balance_transaction(&Object::of("balance_transactions", &value).unwrap()).unwrap();
    assert!(mapped.record.measures.iter().all(|one| one.metric != BALANCE));
}

#[test]
fn a_transaction_that_does_not_add_up_is_not_believed() {
    let mut value = super::harness::transaction("txn_1", 1, 100, "charge");
    value["net"] = 100.into();
    let error = measures::balance_transaction(&Object::of("balance_transactions", &value).unwrap()).unwrap_err();
    assert_eq!(error.cause, "balance_transactions: net is not amount minus fee");
    let (most, least) = (i64::MAX, i64::MIN);
    value["amount"] = least.into();
    value["fee"] = most.into();
    assert!(measures::balance_transaction(&Object::of("balance_transactions", &value).unwrap()).is_err());
}

#[test]
fn a_charge_is_a_payment_once_the_money_was_taken() {
    let counted = |status: &str, captured: bool| {
        let mut value = charge("ch_1", 1);
        value["status"] = status.into();
        value["captured"] = captured.into();
        !measures::charge(&Object::of("charges", &value).unwrap()).unwrap().record.measures.is_empty()
    };
    assert!(counted("succeeded", true));
    assert!(!counted("succeeded", false) && !counted("failed", true) && !counted("pending", true));
}

#[test]
fn a_payment_without_a_card_has_no_brand_and_no_country() {
    for details in [json!({"type": "sepa_debit", "sepa_debit": {"country": "ES"}}), Value::Null] {
        let mut value = charge("py_1", 1);
        value["payment_method_details"] = details;
        let mapped = measures::charge(&Object::of("charges", &value).unwrap()).unwrap();
        assert_eq!(mapped.record.measures[0].dims.keys().collect::<Vec<_>>(), ["currency"]);
    }
}

#[test]
fn an_inquiry_is_no_dispute_until_it_becomes_one() {
    let counted = |status: &str| {
        let value = dispute("dp_1", 1, status);
        measures::dispute(&Object::of("disputes", &value).unwrap()).unwrap().record.measures.len()
    };
    for status in ["warning_needs_response", "warning_under_review", "warning_closed"] {
        assert_eq!(counted(status), 0, "{status}");
    }
    for status in ["needs_response", "under_review", "won", "lost"] {
        assert_eq!(counted(status), 1, "{status}");
    }
}

#[test]
fn an_attempt_counts_when_it_was_made() {
    let ratio = |status: &str, error: Value| {
        let value = intent("pi_1", 1, status, &error);
        let mapped = measures::payment_intent(&Object::of("payment_intents", &value).unwrap()).unwrap();
        mapped.record.measures.first().map(|one| (one.value.to_string(), one.denominator.unwrap().to_string()))
    };
    let of = |value: &str| Some((value.to_owned(), "1".to_owned()));
    assert_eq!(ratio("succeeded", Value::Null), of("1"));
    assert_eq!(ratio("requires_payment_method", json!({"code": "card_declined"})), of("0"));
    assert_eq!(ratio("canceled", json!({"code": "card_declined"})), of("0"));
    assert_eq!(ratio("requires_payment_method", Value::Null), None);
    assert_eq!(ratio("canceled", Value::Null), None);
    assert_eq!(ratio("processing", Value::Null), None);
}
