//! Comparing a range with an earlier one, and what the difference is called.

use rust_decimal::Decimal;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use time::{Date, Duration};

use super::number::Number;
use super::period::{add_months, days_between};

/// Which earlier range to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// No comparison.
    #[default]
    None,
    /// As many days, directly before.
    Previous,
    /// The same dates a year earlier.
    Year,
}

impl Compare {
    /// The earlier range, both ends included.
    pub fn base(self, from: Date, to: Date) -> Option<(Date, Date)> {
        match self {
            Self::None => None,
            Self::Previous => {
                let length = Duration::days(days_between(from, to));
                Some((from.checked_sub(length)?, to.checked_sub(length)?))
            }
            Self::Year => Some((add_months(from, -12), add_months(to, -12))),
        }
    }
}

/// How a value differs from its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delta {
    /// Relative change in percent: 8.2 means +8.2 %.
    Percent(Number),
    /// Change of a percentage in percentage points.
    Points(Number),
    /// The base is 0 and the value is not.
    New,
    /// There is no base, or no value.
    None,
}

impl utoipa::PartialSchema for Delta {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let kinds =
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["percent", "points", "new", "none"]));
        ObjectBuilder::new().property("kind", kinds).property("value", Option::<f64>::schema()).into()
    }
}

impl utoipa::ToSchema for Delta {}

impl Serialize for Delta {
    /// `{"kind","value"}`; the value is null where there is none.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, value) = match self {
            Self::Percent(value) => ("percent", Some(value)),
            Self::Points(value) => ("points", Some(value)),
            Self::New => ("new", None),
            Self::None => ("none", None),
        };
        let mut delta = serializer.serialize_struct("Delta", 2)?;
        delta.serialize_field("kind", kind)?;
        delta.serialize_field("value", &value)?;
        delta.end()
    }
}

/// The delta of `value` against `base`; `unit` decides between percent and points.
pub fn delta(value: Option<Decimal>, base: Option<Decimal>, unit: &str) -> Delta {
    let (Some(value), Some(base)) = (value, base) else { return Delta::None };
    let hundred = Decimal::ONE_HUNDRED;
    match unit {
        "percent" => points(value.checked_sub(base).and_then(|change| change.checked_mul(hundred))),
        "%" => points(value.checked_sub(base)),
        _ if base.is_zero() && value.is_zero() => Delta::Percent(Number(Decimal::ZERO)),
        _ if base.is_zero() => Delta::New,
        _ => value
            .checked_sub(base)
            .and_then(|change| change.checked_div(base.abs()))
            .and_then(|change| change.checked_mul(hundred))
            .map_or(Delta::None, |percent| Delta::Percent(Number(percent))),
    }
}

fn points(change: Option<Decimal>) -> Delta {
    change.map_or(Delta::None, |change| Delta::Points(Number(change)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn the_previous_range_is_as_long_and_ends_the_day_before() {
        assert_eq!(
            Compare::Previous.base(date!(2026 - 11 - 01), date!(2026 - 11 - 23)),
            Some((date!(2026 - 10 - 09), date!(2026 - 10 - 31)))
        );
    }

    #[test]
    fn a_year_earlier_keeps_the_dates_and_survives_the_leap_day() {
        assert_eq!(
            Compare::Year.base(date!(2024 - 02 - 01), date!(2024 - 02 - 29)),
            Some((date!(2023 - 02 - 01), date!(2023 - 02 - 28)))
        );
    }

    #[test]
    fn a_delta_is_named_for_its_base() {
        let d = |text: &str| Some(text.parse::<Decimal>().unwrap());
        assert_eq!(delta(d("110"), d("100"), "count"), Delta::Percent(Number(Decimal::from(10))));
        assert_eq!(delta(d("-5"), d("-10"), "count"), Delta::Percent(Number(Decimal::from(50))));
        assert_eq!(delta(d("5"), d("0"), "count"), Delta::New);
        assert_eq!(delta(d("0"), d("0"), "count"), Delta::Percent(Number(Decimal::ZERO)));
        assert_eq!(delta(d("5"), None, "count"), Delta::None);
        assert_eq!(delta(d("0.30"), d("0.25"), "percent"), Delta::Points(Number(Decimal::from(5))));
        assert_eq!(delta(d("0.30"), d("0"), "percent"), Delta::Points(Number(Decimal::from(30))));
    }
}
