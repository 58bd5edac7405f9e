//! What an object adds to metrics. Of an object nothing else is kept: no name, no address, no description.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::money::amount;
use super::wire::Object;
use super::{BALANCE, keys};
use crate::connectors::contract::{Measure, Note, Record};
use crate::connectors::error::ConnectorError;
use crate::connectors::sentences::codes;
use crate::domain::fact::Dims;

/// An object as the portal keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Its record; without measures it is not kept.
    pub record: Record,
    /// What the log should say of it.
    pub note: Option<Note>,
}

fn mapped(object: &Object<'_>, measures: Vec<Measure>) -> Result<Mapped, ConnectorError> {
    let record = Record { id: object.id()?.to_owned(), at: object.instant("created")?, measures };
    Ok(Mapped { record, note: None })
}

/// A number of things with these dimensions.
pub fn count<const N: usize>(metric: &'static str, value: i64, dims: [(&str, String); N]) -> Measure {
    let dims: Dims = dims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Measure { metric, value: value.into(), denominator: None, currency: None, dims }
}

/// A part of a ratio.
fn ratio<const N: usize>(metric: &'static str, value: i64, of: i64, dims: [(&str, String); N]) -> Measure {
    Measure { denominator: Some(of.into()), ..count(metric, value, dims) }
}

fn money(metric: &'static str, value: Decimal, currency: &str) -> Measure {
    Measure { metric, value, denominator: None, currency: Some(currency.to_owned()), dims: Dims::new() }
}

/// How a reporting category counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Category {
    /// Customers' money that came in, or corrects it. `true`: a payment of its own.
    Payment(bool),
    Refund,
    Dispute,
    /// A fee that is a transaction of its own.
    Fee,
    Tax,
    /// Moves money without earning or costing any.
    Neutral,
    Unknown,
}

/// Stripe adds categories without notice.
fn category(name: &str) -> Category {
    match name {
        "charge" => Category::Payment(true),
        "charge_failure" | "partial_capture_reversal" => Category::Payment(false),
        "refund" | "refund_failure" => Category::Refund,
        "dispute" | "dispute_reversal" => Category::Dispute,
        "fee" => Category::Fee,
        "tax" => Category::Tax,
        "advance"
        | "advance_funding"
        | "connect_collection_transfer"
        | "connect_reserved_funds"
        | "issuing_authorization_hold"
        | "issuing_authorization_release"
        | "issuing_transaction"
        | "other_adjustment"
        | "payout"
        | "payout_reversal"
        | "platform_earning"
        | "platform_earning_refund"
        | "risk_reserved_funds"
        | "topup"
        | "topup_reversal"
        | "transfer"
        | "transfer_reversal" => Category::Neutral,
        _ => Category::Unknown,
    }
}

/// A balance transaction: the account's ledger, in the currency that is paid out.
pub fn balance_transaction(object: &Object<'_>) -> Result<Mapped, ConnectorError> {
    let currency = object.currency("currency")?;
    let (gross, fee, net) = (object.integer("amount")?, object.integer("fee")?, object.integer("net")?);
    if gross.checked_sub(fee) != Some(net) {
        return Err(object.unfit("net", "amount minus fee"));
    }
    let name = object.text("reporting_category")?;
    let kind = category(name);
    let [gross, fee, net] = [gross, fee, net].map(|minor| amount(minor, &currency));
    let mut measures = Vec::new();
    if let Category::Payment(own) = kind {
        measures.push(money(keys::GROSS_VOLUME, gross, &currency));
        let average = money(keys::AVG_PAYMENT, gross, &currency);
        measures.push(Measure { denominator: Some(i64::from(own).into()), ..average });
    }
    if kind == Category::Refund {
        measures.push(money(keys::REFUNDS, -gross, &currency));
    }
    let fees = if kind == Category::Fee { fee - gross } else { fee };
    if !fees.is_zero() {
        measures.push(money(keys::FEES, fees, &currency));
    }
    if !matches!(kind, Category::Neutral | Category::Unknown) {
        measures.push(money(keys::NET_VOLUME, net, &currency));
    }
    // Other balances of an account (cards issued, prefunding) have transactions in the same list.
    if object.optional_text("balance_type")?.is_none_or(|balance| balance == "payments") {
        measures.push(money(BALANCE, net, &currency));
    }
    let mut mapped = mapped(object, measures)?;
    mapped.note = (kind == Category::Unknown).then(|| Note {
        code: codes::STRIPE_CATEGORY_UNKNOWN,
        detail: format!("reporting_category {:?}", crate::connectors::error::quote(name)),
    });
    Ok(mapped)
}

/// A charge: a payment, once the money was taken.
pub fn charge(object: &Object<'_>) -> Result<Mapped, ConnectorError> {
    if object.text("status")? != "succeeded" || !object.flag("captured")? {
        return mapped(object, Vec::new());
    }
    let currency = object.currency("currency")?;
    let method = object.optional_object("payment_method_details")?;
    let card = method.map(|method| method.optional_object("card")).transpose()?.flatten();
    let mut dims = vec![("currency", currency.clone())];
    if let Some(card) = card {
        dims.extend(card.optional_text("brand")?.map(|brand| ("card_brand", brand.to_owned())));
        dims.extend(card.optional_text("country")?.map(|country| ("country", country.to_ascii_uppercase())));
    }
    let mut payment = count(keys::PAYMENTS, 1, []);
    payment.dims = dims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    mapped(object, vec![payment, ratio(keys::DISPUTE_RATE, 0, 1, [("currency", currency)])])
}

/// A dispute. An inquiry (`warning_…`) takes no money and is none yet.
pub fn dispute(object: &Object<'_>) -> Result<Mapped, ConnectorError> {
    if object.text("status")?.starts_with("warning_") {
        return mapped(object, Vec::new());
    }
    let currency = object.currency("currency")?;
    mapped(object, vec![ratio(keys::DISPUTE_RATE, 1, 0, [("currency", currency)])])
}

/// A payment intent: a customer's attempt to pay, of which only a finished one says anything.
pub fn payment_intent(object: &Object<'_>) -> Result<Mapped, ConnectorError> {
    let succeeded = object.text("status")? == "succeeded";
    if !succeeded && !object.has("last_payment_error") {
        return mapped(object, Vec::new());
    }
    let dims = [("currency", object.currency("currency")?)];
    mapped(object, vec![ratio(keys::PAYMENT_SUCCESS_RATE, i64::from(succeeded), 1, dims)])
}

/// A customer.
pub fn customer(object: &Object<'_>) -> Result<Mapped, ConnectorError> {
    let address = object.optional_object("address")?;
    let country = address.map(|address| address.optional_text("country")).transpose()?.flatten();
    let mut customer = count(keys::NEW_CUSTOMERS, 1, []);
    customer.dims.extend(country.map(|country| ("country".to_owned(), country.to_ascii_uppercase())));
    mapped(object, vec![customer])
}

/// When an object was created, if it says so: a deleted one does not.
pub fn created(object: &Object<'_>) -> Option<OffsetDateTime> {
    object.instant("created").ok()
}
