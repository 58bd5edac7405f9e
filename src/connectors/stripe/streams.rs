//! The lists that are read, and what each is for. A list that no figure needs is not read.

use super::keys;
use super::measures::{Mapped, balance_transaction, charge, customer, dispute, payment_intent};
use super::wire::Object;
use crate::connectors::contract::StreamInfo;
use crate::connectors::error::ConnectorError;
use crate::domain::metric::Bilingual;

/// The ledger.
pub const BALANCE_TRANSACTIONS: &str = "balance_transactions";
/// Payments.
pub const CHARGES: &str = "charges";
/// Disputes.
pub const DISPUTES: &str = "disputes";
/// Attempts to pay.
pub const PAYMENT_INTENTS: &str = "payment_intents";
/// Customers.
pub const CUSTOMERS: &str = "customers";
/// Subscriptions, which are listed whole every night.
pub const SUBSCRIPTIONS: &str = "subscriptions";
/// What changed: hints only, never figures.
pub const EVENTS: &str = "events";

/// A list that is read by time of creation.
#[derive(Debug)]
pub struct Listed {
    /// The stream.
    pub key: &'static str,
    /// Its address.
    pub path: &'static str,
    /// Its objects change after their creation.
    pub mutable: bool,
    /// The metrics whose days are made of it.
    pub metrics: &'static [&'static str],
    /// What an object adds.
    pub map: fn(&Object<'_>) -> Result<Mapped, ConnectorError>,
}

/// These lists, in the order in which they are read.
pub static LISTED: [Listed; 5] = [
    Listed {
        key: BALANCE_TRANSACTIONS,
        path: "/v1/balance_transactions",
        mutable: false,
        metrics: &[keys::GROSS_VOLUME, keys::NET_VOLUME, keys::REFUNDS, keys::FEES, keys::AVG_PAYMENT],
        map: balance_transaction,
    },
    Listed {
        key: CHARGES,
        path: "/v1/charges",
        mutable: true,
        metrics: &[keys::PAYMENTS, keys::DISPUTE_RATE],
        map: charge,
    },
    Listed { key: DISPUTES, path: "/v1/disputes", mutable: true, metrics: &[keys::DISPUTE_RATE], map: dispute },
    Listed {
        key: PAYMENT_INTENTS,
        path: "/v1/payment_intents",
        mutable: true,
        metrics: &[keys::PAYMENT_SUCCESS_RATE],
        map: payment_intent,
    },
    Listed { key: CUSTOMERS, path: "/v1/customers", mutable: true, metrics: &[keys::NEW_CUSTOMERS], map: customer },
];

/// A list by its stream.
pub fn listed(key: &str) -> Option<&'static Listed> {
    LISTED.iter().find(|listed| listed.key == key)
}

/// The other list without which a metric has no meaning: disputes without payments, or the reverse.
pub fn partner(stream: &str, metric: &str) -> Option<&'static Listed> {
    LISTED.iter().find(|other| other.key != stream && other.metrics.contains(&metric))
}

/// The metrics of the snapshot.
pub const SNAPSHOT: [&str; 2] = [keys::ACTIVE_SUBSCRIPTIONS, keys::MRR];

/// Everything that is read, as the portal shows it; with the permission by Stripe's name.
pub static STREAMS: [StreamInfo; 7] = [
    StreamInfo {
        key: BALANCE_TRANSACTIONS,
        name: Bilingual { es: "Movimientos del saldo", en: "Balance transactions" },
        permission: Some("rak_balance_transaction_source_read"),
        metrics: LISTED[0].metrics,
    },
    StreamInfo {
        key: CHARGES,
        name: Bilingual { es: "Cobros", en: "Charges" },
        permission: Some("rak_charge_read"),
        metrics: LISTED[1].metrics,
    },
    StreamInfo {
        key: DISPUTES,
        name: Bilingual { es: "Disputas", en: "Disputes" },
        permission: Some("rak_dispute_read"),
        metrics: LISTED[2].metrics,
    },
    StreamInfo {
        key: PAYMENT_INTENTS,
        name: Bilingual { es: "Intentos de pago", en: "Payment intents" },
        permission: Some("rak_payment_intent_read"),
        metrics: LISTED[3].metrics,
    },
    StreamInfo {
        key: CUSTOMERS,
        name: Bilingual { es: "Clientes", en: "Customers" },
        permission: Some("rak_customer_read"),
        metrics: LISTED[4].metrics,
    },
    StreamInfo {
        key: SUBSCRIPTIONS,
        name: Bilingual { es: "Suscripciones", en: "Subscriptions" },
        permission: Some("rak_subscription_read"),
        metrics: &SNAPSHOT,
    },
    StreamInfo {
        key: EVENTS,
        name: Bilingual { es: "Cambios", en: "Changes" },
        permission: Some("rak_event_read"),
        metrics: &[],
    },
];

/// The address of each stream's list, for the check of permissions.
pub fn path(stream: &str) -> &'static str {
    match stream {
        SUBSCRIPTIONS => "/v1/subscriptions",
        EVENTS => "/v1/events",
        other => listed(other).map_or("/v1/balance", |listed| listed.path),
    }
}

/// The stream of an event's object, by the object's kind.
pub fn of_object(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "charge" => CHARGES,
        "dispute" => DISPUTES,
        "payment_intent" => PAYMENT_INTENTS,
        "customer" => CUSTOMERS,
        "subscription" => SUBSCRIPTIONS,
        _ => return None,
    })
}

/// The events that can change a figure; Stripe takes up to twenty. Refunds change none: their money is in the ledger,
/// which does not change.
pub const EVENT_TYPES: [&str; 18] = [
    "charge.captured",
    "charge.expired",
    "charge.failed",
    "charge.succeeded",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
];
