//! One value of one metric for one period: what connectors produce and the store keeps as a datapoint.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use time::Date;

use super::period::Grain;

/// Dimension names and values of a fact, sorted by name; empty for a total.
pub type Dims = BTreeMap<String, String>;

/// A value of a metric for one period of its source's calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Key of the metric.
    pub metric_key: String,
    /// Length of the period.
    pub grain: Grain,
    /// First day of the period.
    pub period_start: Date,
    /// Last day of the period, inclusive.
    pub period_end: Date,
    /// Dimension values; empty for the un-dimensioned total.
    pub dims: Dims,
    /// ISO 4217 code in upper case for money, else `None`.
    pub currency: Option<String>,
    /// The value, or the numerator of a ratio.
    pub value: Decimal,
    /// The denominator of a ratio, else `None`.
    pub denominator: Option<Decimal>,
    /// The source may still change it.
    pub provisional: bool,
}

impl Fact {
    /// The natural key of the fact within its source: stable across syncs, independent of values and fetch time.
    ///
    /// `source` is the provider (`ga4`), `account` the provider's own id (`properties/123`). The version prefix is part
    /// of the key because any change of this function would double every stored fact.
    pub fn external_id(&self, source: &str, account: &str) -> String {
        let dims: Vec<(&String, &String)> = self.dims.iter().collect();
        let mut canonical = serde_json::json!([
            source,
            account,
            self.metric_key,
            self.grain.as_str(),
            self.period_start.to_string(),
            self.currency,
            dims
        ]);
        // The end of any other period follows from its start.
        if let (Grain::Span, Some(parts)) = (self.grain, canonical.as_array_mut()) {
            parts.push(self.period_end.to_string().into());
        }
        let digest = Sha256::digest(canonical.to_string().as_bytes());
        let mut id = String::with_capacity(67);
        id.push_str("v1:");
        for byte in digest {
            use std::fmt::Write as _;
            let _ = write!(id, "{byte:02x}");
        }
        id
    }
}

/// The name of a set of dimensions as stored with each datapoint: the sorted names as a JSON array, `[]` for totals.
pub fn dim_set<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    serde_json::Value::from(names).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn fact() -> Fact {
        Fact {
            metric_key: "ga4.sessions".into(),
            grain: Grain::Day,
            period_start: date!(2026 - 11 - 01),
            period_end: date!(2026 - 11 - 01),
            dims: Dims::from([("country".into(), "ES".into())]),
            currency: None,
            value: Decimal::from(7),
            denominator: None,
            provisional: false,
        }
    }

    #[test]
    fn the_external_id_does_not_depend_on_the_value_or_on_being_provisional() {
        let changed = Fact { value: Decimal::from(8), provisional: true, ..fact() };
        assert_eq!(fact().external_id("ga4", "properties/1"), changed.external_id("ga4", "properties/1"));
    }

    #[test]
    fn the_external_id_differs_by_account_date_and_dimension() {
        let base = fact().external_id("ga4", "properties/1");
        assert_ne!(base, fact().external_id("ga4", "properties/2"));
        let day = Fact { period_start: date!(2026 - 11 - 02), ..fact() };
        assert_ne!(base, day.external_id("ga4", "properties/1"));
        let dims = Fact { dims: Dims::from([("country".into(), "FR".into())]), ..fact() };
        assert_ne!(base, dims.external_id("ga4", "properties/1"));
        assert_eq!(base.len(), 67);
        let span = |end| Fact { grain: Grain::Span, period_end: end, ..fact() }.external_id("ga4", "properties/1");
        assert_ne!(span(date!(2026 - 11 - 07)), span(date!(2026 - 11 - 28)));
    }

    #[test]
    fn a_dimension_set_is_named_by_its_sorted_names() {
        assert_eq!(dim_set([]), "[]");
        assert_eq!(dim_set(["weather", "city"]), r#"["city","weather"]"#);
    }
}
