//! Numbers as the API shows them: JSON numbers with at most 15 significant digits.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Serialize, Serializer};

/// Most significant digits that survive the way through a double.
const DIGITS: u32 = 15;

/// A decimal that serialises as a JSON number of at most 15 significant digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = f64)]
pub struct Number(pub Decimal);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rounded =
            self.0.round_sf_with_strategy(DIGITS, RoundingStrategy::MidpointNearestEven).unwrap_or(self.0).normalize();
        if rounded.scale() == 0 {
            // Integers must not turn into 1204.0; both i64 and i128 are plain JSON integers here.
            if let Ok(integer) = i64::try_from(rounded) {
                return serializer.serialize_i64(integer);
            }
        }
        // The shortest text of the nearest double has the same 15 digits.
        let double: f64 = rounded.to_string().parse().map_err(serde::ser::Error::custom)?;
        serializer.serialize_f64(double)
    }
}

/// `numerator / denominator`, or `None` where the denominator is 0 or the result does not fit.
pub fn divide(numerator: Decimal, denominator: Decimal) -> Option<Decimal> {
    numerator.checked_div(denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_fifteen_significant_digits_and_integers_stay_integers() {
        let cases = [
            ("1204", "1204"),
            ("1204.00", "1204"),
            ("0.1", "0.1"),
            ("0.3333333333333333333333333333", "0.333333333333333"),
            ("12345678901234.5678", "12345678901234.6"),
            ("-0.05", "-0.05"),
            ("9007199254740993", "9007199254740990"),
        ];
        for (decimal, json) in cases {
            let number = Number(decimal.parse().unwrap());
            assert_eq!(serde_json::to_string(&number).unwrap(), json, "{decimal}");
        }
    }

    #[test]
    fn a_division_by_zero_has_no_value() {
        assert_eq!(divide(Decimal::ONE, Decimal::ZERO), None);
        assert_eq!(divide(Decimal::ONE, Decimal::from(8)), Some(Decimal::new(125, 3)));
    }
}
