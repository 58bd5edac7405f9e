//! The eleven metrics, in words that a client understands.

use crate::domain::metric::{Additivity, Bilingual, GoodDirection, MetricDefinition};

/// Their keys.
pub mod keys {
    macro_rules! keys {
        ($($(#[doc = $doc:literal])* $name:ident = $key:literal;)*) => { $($(#[doc = $doc])* pub const $name: &str = $key;)* };
    }
    keys! {
        /// Gross volume.
        GROSS_VOLUME = "stripe.gross_volume";
        /// Refunds.
        REFUNDS = "stripe.refunds";
        /// Fees.
        FEES = "stripe.fees";
        /// Net volume.
        NET_VOLUME = "stripe.net_volume";
        /// Payments.
        PAYMENTS = "stripe.payments";
        /// Payment success rate.
        PAYMENT_SUCCESS_RATE = "stripe.payment_success_rate";
        /// Average payment.
        AVG_PAYMENT = "stripe.avg_payment";
        /// New customers.
        NEW_CUSTOMERS = "stripe.new_customers";
        /// Dispute rate.
        DISPUTE_RATE = "stripe.dispute_rate";
        /// Active subscriptions.
        ACTIVE_SUBSCRIPTIONS = "stripe.active_subscriptions";
        /// Monthly recurring revenue.
        MRR = "stripe.mrr";
    }
}

/// The sets of dimensions in which a metric is stored. Money needs none for its currency: it is kept per currency anyway.
pub fn dim_sets(metric: &str) -> Vec<Vec<&'static str>> {
    let dimensions: &[&'static str] = match metric {
        keys::PAYMENTS => &["currency", "card_brand", "country"],
        keys::PAYMENT_SUCCESS_RATE | keys::DISPUTE_RATE => &["currency"],
        keys::NEW_CUSTOMERS => &["country"],
        keys::ACTIVE_SUBSCRIPTIONS => &["plan", "currency"],
        keys::MRR => &["plan"],
        _ => &[],
    };
    std::iter::once(Vec::new()).chain(dimensions.iter().map(|name| vec![*name])).collect()
}

const fn both(es: &'static str, en: &'static str) -> Bilingual {
    Bilingual { es, en }
}

const LEDGER: &str = "Stripe API, GET /v1/balance_transactions";

/// What the money of the ledger shares.
const BASE: MetricDefinition = MetricDefinition {
    key: "",
    name: both("", ""),
    definition: both("", ""),
    formula: "",
    endpoint: LEDGER,
    field: "",
    unit: "currency",
    additivity: Additivity::Sum,
    good_direction: GoodDirection::Up,
};

/// The metrics of this connector, in the order of the catalogue.
pub static METRICS: [MetricDefinition; 11] = [
    MetricDefinition {
        key: keys::GROSS_VOLUME,
        name: both("Volumen bruto", "Gross volume"),
        definition: both(
            "Lo que pagaron sus clientes ese día, antes de comisiones y reembolsos, en la moneda en que Stripe le liquida. Se restan los cobros fallidos y la parte no capturada.",
            "What your customers paid that day, before fees and refunds, in the currency that Stripe settles in. Failed charges and what was not captured are taken off.",
        ),
        formula: "sum(amount) where reporting_category in (charge, charge_failure, partial_capture_reversal)",
        field: "amount, reporting_category",
        ..BASE
    },
    MetricDefinition {
        key: keys::NET_VOLUME,
        name: both("Ingresos netos", "Net revenue"),
        definition: both(
            "Lo que le queda: cobros menos reembolsos, disputas, comisiones e impuestos sobre ellas. No cuentan los pagos a su banco, las recargas ni las transferencias.",
            "What remains to you: payments minus refunds, disputes, fees and taxes on them. Payouts to your bank, top-ups and transfers do not count.",
        ),
        formula: "sum(net) where reporting_category in (charge, charge_failure, partial_capture_reversal, refund, refund_failure, dispute, dispute_reversal, fee, tax)",
        field: "net, reporting_category",
        ..BASE
    },
    MetricDefinition {
        key: keys::REFUNDS,
        name: both("Reembolsos", "Refunds"),
        definition: both(
            "Dinero devuelto a clientes, el día en que se devolvió y no el del pago. Se restan los reembolsos que fallaron.",
            "Money given back to customers, on the day of the refund and not of the payment. Refunds that failed are taken off.",
        ),
        formula: "-sum(amount) where reporting_category in (refund, refund_failure)",
        field: "amount, reporting_category",
        good_direction: GoodDirection::Down,
        ..BASE
    },
    MetricDefinition {
        key: keys::FEES,
        name: both("Comisiones", "Fees"),
        definition: both(
            "Lo que cobra Stripe: la comisión de cada movimiento más las comisiones que factura aparte.",
            "What Stripe charges: the fee of each transaction plus the fees that it bills on their own.",
        ),
        formula: "sum(fee) - sum(amount where reporting_category = fee)",
        field: "fee, amount, reporting_category",
        good_direction: GoodDirection::Down,
        ..BASE
    },
    MetricDefinition {
        key: keys::PAYMENTS,
        name: both("Pagos realizados", "Successful payments"),
        definition: both(
            "Cobros aceptados y capturados, contados el día en que se crearon. Un pago que se reembolsa después sigue contando.",
            "Charges that succeeded and were captured, counted on the day of their creation. A payment that is refunded later still counts.",
        ),
        formula: "count(charges) where status = succeeded and captured",
        endpoint: "Stripe API, GET /v1/charges",
        field: "status, captured",
        unit: "count",
        ..BASE
    },
    MetricDefinition {
        key: keys::PAYMENT_SUCCESS_RATE,
        name: both("Tasa de pagos aceptados", "Payment success rate"),
        definition: both(
            "De los intentos de pago creados ese día, la parte que acabó en pago. No cuentan los que nadie llegó a intentar. Puede subir después, cuando un cliente vuelve a intentarlo.",
            "Of the payment attempts created that day, the share that ended in a payment. Those that nobody tried do not count. It may rise later, when a customer tries again.",
        ),
        formula: "count(status = succeeded) / count(status = succeeded or last_payment_error)",
        endpoint: "Stripe API, GET /v1/payment_intents",
        field: "status, last_payment_error",
        unit: "percent",
        additivity: Additivity::Ratio,
        ..BASE
    },
    MetricDefinition {
        key: keys::AVG_PAYMENT,
        name: both("Pago medio", "Average payment"),
        definition: both(
            "Volumen bruto dividido entre los cobros que entraron en el saldo ese día, los dos en la misma moneda de liquidación. Los cobros en otra moneda cuentan ya convertidos.",
            "Gross volume divided by the charges that entered the balance that day, both in the same settlement currency. Charges in another currency count as converted.",
        ),
        formula: "sum(amount) where reporting_category in (charge, charge_failure, partial_capture_reversal) / count(reporting_category = charge)",
        field: "amount, reporting_category",
        additivity: Additivity::Ratio,
        ..BASE
    },
    MetricDefinition {
        key: keys::NEW_CUSTOMERS,
        name: both("Clientes nuevos", "New customers"),
        definition: both(
            "Clientes que se crearon en Stripe ese día y que siguen existiendo. Quien paga sin que se le registre como cliente no cuenta.",
            "Customers that were created in Stripe that day and still exist. Someone who pays without being saved as a customer does not count.",
        ),
        formula: "count(customers) by created",
        endpoint: "Stripe API, GET /v1/customers",
        field: "created",
        unit: "count",
        ..BASE
    },
    MetricDefinition {
        key: keys::DISPUTE_RATE,
        name: both("Tasa de disputas", "Dispute rate"),
        definition: both(
            "Disputas abiertas ese día divididas entre los pagos de ese mismo día. Las consultas previas del banco, que no retiran dinero, no cuentan.",
            "Disputes opened that day divided by that day's payments. Inquiries by the bank, which take no money, do not count.",
        ),
        formula: "count(disputes where status is not warning_*) / count(charges where status = succeeded and captured)",
        endpoint: "Stripe API, GET /v1/disputes and /v1/charges",
        field: "status, captured",
        unit: "percent",
        additivity: Additivity::Ratio,
        good_direction: GoodDirection::Down,
    },
    MetricDefinition {
        key: keys::ACTIVE_SUBSCRIPTIONS,
        name: both("Suscripciones activas", "Active subscriptions"),
        definition: both(
            "Suscripciones activas o con un pago atrasado al final del día; sin las de prueba. Una con varios planes cuenta en el de mayor importe. Hay datos desde que se conectó la fuente.",
            "Subscriptions that are active or past due at the end of the day, without trials. One with several plans counts in the dearest. There are data since the source was connected.",
        ),
        formula: "count(subscriptions) where status in (active, past_due)",
        endpoint: "Stripe API, GET /v1/subscriptions?status=all",
        field: "status",
        unit: "count",
        additivity: Additivity::Last,
        ..BASE
    },
    MetricDefinition {
        key: keys::MRR,
        name: both("Ingresos recurrentes mensuales (IRM)", "Monthly recurring revenue (MRR)"),
        definition: both(
            "Lo que aportan al mes las suscripciones activas o con pago atrasado, a su precio y cantidad de hoy: un año entre 12. Sin pruebas, impuestos ni consumo medido; solo se restan los descuentos para siempre.",
            "What active and past due subscriptions bring in a month at today's price and quantity: a year is divided by 12. Without trials, taxes and metered use; only discounts that last forever are taken off.",
        ),
        formula: "sum(unit_amount * quantity / months of interval) where status in (active, past_due), less coupons with duration = forever",
        endpoint: "Stripe API, GET /v1/subscriptions?status=all",
        field: "status, unit_amount, quantity, interval, duration",
        additivity: Additivity::Last,
        ..BASE
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::connectors::stripe::streams::{LISTED, SNAPSHOT};

    #[test]
    fn the_catalogue_and_the_streams_name_the_same_metrics() {
        let declared: BTreeSet<&str> = METRICS.iter().map(|metric| metric.key).collect();
        let made: BTreeSet<&str> = LISTED.iter().flat_map(|one| one.metrics).chain(&SNAPSHOT).copied().collect();
        assert_eq!(declared, made);
        assert_eq!(declared.len(), METRICS.len());
    }

    #[test]
    fn every_metric_says_in_both_languages_what_it_is_and_where_it_comes_from() {
        for metric in &METRICS {
            for text in [metric.definition.es, metric.definition.en] {
                assert!(text.ends_with('.') && text.len() > 40, "{}: {text}", metric.key);
            }
            assert!(!metric.name.es.is_empty() && metric.name.es != metric.name.en, "{}", metric.key);
            assert!(metric.endpoint.starts_with("Stripe API, GET /v1/"), "{}", metric.key);
            for field in metric.field.split(", ") {
                assert!(metric.formula.contains(field), "{}: {field}", metric.key);
            }
        }
    }

    #[test]
    fn snapshots_are_never_added_up_over_days_and_every_metric_has_its_total() {
        for metric in &METRICS {
            assert_eq!(metric.additivity == Additivity::Last, SNAPSHOT.contains(&metric.key), "{}", metric.key);
            assert!(dim_sets(metric.key).contains(&Vec::new()), "{}", metric.key);
        }
    }
}
