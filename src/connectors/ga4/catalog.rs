//! The ten metrics, in words that a client understands.

use crate::domain::metric::{Additivity, Bilingual, GoodDirection, MetricDefinition};

const fn both(es: &'static str, en: &'static str) -> Bilingual {
    Bilingual { es, en }
}

/// What all of them share: the endpoint, and that more is better.
const BASE: MetricDefinition = MetricDefinition {
    key: "",
    name: both("", ""),
    definition: both("", ""),
    formula: "",
    endpoint: "Google Analytics Data API v1beta, runReport",
    field: "",
    unit: "count",
    additivity: Additivity::Sum,
    good_direction: GoodDirection::Up,
};

/// The metrics of this connector, in the order of the catalogue.
pub const METRICS: [MetricDefinition; 10] = [
    MetricDefinition {
        key: "ga4.sessions",
        name: both("Sesiones", "Sessions"),
        definition: both(
            "Visitas a su sitio o aplicación. Una sesión termina tras 30 minutos sin actividad, salvo que la propiedad lo tenga configurado de otro modo.",
            "Visits to your site or app. A session ends after 30 minutes without activity, unless the property is set up otherwise.",
        ),
        formula: "sessions",
        field: "sessions",
        ..BASE
    },
    MetricDefinition {
        key: "ga4.users",
        name: both("Usuarios", "Total users"),
        definition: both(
            "Personas distintas que visitaron el sitio en el periodo. Quien vuelve otro día cuenta una sola vez, así que los usuarios de varios días no se pueden sumar: hay cifra de los periodos que Google cuenta enteros (días, semanas, meses, los últimos 7 y 28 días).",
            "Different people who visited in the period. Someone who returns on another day counts once, so the users of several days cannot be added up: there is a figure for periods that Google counts as a whole (days, weeks, months, the last 7 and 28 days).",
        ),
        formula: "totalUsers",
        field: "totalUsers",
        additivity: Additivity::Unique,
        ..BASE
    },
    MetricDefinition {
        key: "ga4.new_users",
        name: both("Usuarios nuevos", "New users"),
        definition: both(
            "Personas que visitaron el sitio por primera vez. La suma de varios días es una buena aproximación, no un recuento exacto.",
            "People who visited for the first time. The sum over several days is a good approximation, not an exact count.",
        ),
        formula: "newUsers",
        field: "newUsers",
        ..BASE
    },
    MetricDefinition {
        key: "ga4.views",
        name: both("Vistas", "Views"),
        definition: both(
            "Páginas web o pantallas de la aplicación que se han visto. Ver la misma página dos veces cuenta dos veces.",
            "Web pages or app screens that were seen. Seeing the same page twice counts twice.",
        ),
        formula: "screenPageViews",
        field: "screenPageViews",
        ..BASE
    },
    MetricDefinition {
        key: "ga4.key_events",
        name: both("Eventos clave", "Key events"),
        definition: both(
            "Acciones marcadas en Google Analytics como importantes para su negocio (antes «conversiones»). Puede tener decimales cuando Google reparte el mérito entre varios canales.",
            "Actions that you have marked in Google Analytics as important to your business (formerly \"conversions\"). It may have decimals where Google shares the credit between channels.",
        ),
        formula: "keyEvents",
        field: "keyEvents",
        ..BASE
    },
    MetricDefinition {
        key: "ga4.purchases",
        name: both("Compras", "Purchases"),
        definition: both(
            "Compras completadas en su sitio o aplicación, según el comercio electrónico de Google Analytics.",
            "Completed purchases on your site or app, as measured by Google Analytics' e-commerce.",
        ),
        formula: "ecommercePurchases",
        field: "ecommercePurchases",
        ..BASE
    },
    MetricDefinition {
        key: "ga4.revenue",
        name: both("Ingresos", "Revenue"),
        definition: both(
            "Ingresos por compras, suscripciones y publicidad menos reembolsos, en la moneda de la propiedad. Es lo que mide Google Analytics, no lo cobrado.",
            "Revenue from purchases, subscriptions and advertising minus refunds, in the property's currency. It is what Google Analytics measures, not what was paid.",
        ),
        formula: "totalRevenue",
        field: "totalRevenue",
        unit: "currency",
        ..BASE
    },
    MetricDefinition {
        key: "ga4.bounce_rate",
        name: both("Tasa de rebote", "Bounce rate"),
        definition: both(
            "Parte de las sesiones sin interacción: menos de 10 segundos, una sola página vista y ningún evento clave.",
            "Share of sessions without engagement: under 10 seconds, a single view and no key event.",
        ),
        formula: "(sessions - engagedSessions) / sessions",
        field: "sessions, engagedSessions",
        unit: "percent",
        additivity: Additivity::Ratio,
        good_direction: GoodDirection::Down,
        ..BASE
    },
    MetricDefinition {
        key: "ga4.avg_session_duration",
        name: both("Duración media de la sesión", "Average session duration"),
        definition: both(
            "Tiempo medio que dura una sesión. La media de un periodo pondera cada día por sus sesiones.",
            "How long a session lasts on average. The average of a period weighs each day by its sessions.",
        ),
        formula: "(averageSessionDuration * sessions) / sessions",
        field: "averageSessionDuration, sessions",
        unit: "seconds",
        additivity: Additivity::Ratio,
        ..BASE
    },
    MetricDefinition {
        key: "ga4.conversion_rate",
        name: both("Tasa de conversión", "Conversion rate"),
        definition: both(
            "Compras divididas entre sesiones. Si en una sesión se compra dos veces, cuentan las dos compras.",
            "Purchases divided by sessions. If someone buys twice in one session, both purchases count.",
        ),
        formula: "ecommercePurchases / sessions",
        field: "ecommercePurchases, sessions",
        unit: "percent",
        additivity: Additivity::Ratio,
        ..BASE
    },
];

/// Their keys.
pub const KEYS: [&str; METRICS.len()] = {
    let mut keys = [""; METRICS.len()];
    let mut at = 0;
    while at < METRICS.len() {
        keys[at] = METRICS[at].key;
        at += 1;
    }
    keys
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::connectors::ga4::reports::REPORTS;

    #[test]
    fn the_catalogue_and_the_reports_name_the_same_metrics() {
        let declared: BTreeSet<&str> = METRICS.iter().map(|metric| metric.key).collect();
        let reported: BTreeSet<&str> = REPORTS.iter().flat_map(|report| report.keys).copied().collect();
        assert_eq!(declared, reported);
        assert_eq!(declared.len(), METRICS.len());
    }

    #[test]
    fn every_field_of_the_catalogue_is_asked_for_and_within_the_api_caps() {
        let asked: BTreeSet<&str> = REPORTS.iter().flat_map(|report| report.fields).copied().collect();
        for metric in &METRICS {
            for field in metric.field.split(", ") {
                assert!(asked.contains(field), "{}: {field}", metric.key);
                assert!(metric.formula.contains(field), "{}: {field}", metric.key);
            }
        }
        for report in &REPORTS {
            assert!(report.fields.len() <= 10, "{}", report.name);
        }
    }

    #[test]
    fn every_metric_has_a_name_and_a_definition_in_both_languages() {
        for metric in &METRICS {
            for text in [metric.name.es, metric.name.en] {
                assert!(!text.is_empty(), "{}", metric.key);
            }
            for text in [metric.definition.es, metric.definition.en] {
                assert!(text.ends_with('.') && text.len() > 40, "{}: {text}", metric.key);
            }
            assert_ne!(metric.definition.es, metric.definition.en, "{}", metric.key);
        }
    }
}
