//! Amounts: integers in a currency's smallest unit, by Stripe's own table, which is not ISO 4217's.

use rust_decimal::Decimal;

/// Currencies whose amounts are whole units. Stripe sends ISK and UGX, which have no smaller unit either, times 100.
const WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Currencies whose amounts are thousandths.
const THOUSANDTHS: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// Digits after the decimal mark that an amount in `currency` (ISO 4217, upper case) has.
pub fn exponent(currency: &str) -> u32 {
    if WHOLE.contains(&currency) {
        0
    } else if THOUSANDTHS.contains(&currency) {
        3
    } else {
        2
    }
}

/// The amount of money that `minor` smallest units of `currency` are.
pub fn amount(minor: i64, currency: &str) -> Decimal {
    Decimal::new(minor, exponent(currency))
}

/// The same for a number of smallest units that may have decimals, as unit prices do.
pub fn fraction(minor: Decimal, currency: &str) -> Decimal {
    minor / Decimal::from(10_u32.pow(exponent(currency)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_the_decimals_that_stripe_gives_its_currency() {
        let cases = [
            (1234, "EUR", "12.34"),
            (-5, "USD", "-0.05"),
            (1234, "COP", "12.34"),
            (1234, "CLP", "1234"),
            (1234, "JPY", "1234"),
            (1234, "MGA", "1234"),
            (1230, "KWD", "1.230"),
            // No smaller unit, and yet sent times 100.
            (500, "ISK", "5.00"),
            (500, "UGX", "5.00"),
            // Whole units in payouts only, which no figure reads.
            (500, "HUF", "5.00"),
            (500, "TWD", "5.00"),
        ];
        for (minor, currency, expected) in cases {
            assert_eq!(amount(minor, currency).to_string(), expected, "{currency}");
        }
    }

    #[test]
    fn the_largest_amounts_fit() {
        assert_eq!(amount(i64::MAX, "EUR").to_string(), "92233720368547758.07");
        assert_eq!(amount(i64::MIN, "CLP").to_string(), "-9223372036854775808");
    }

    #[test]
    fn a_unit_price_may_be_less_than_the_smallest_unit() {
        assert_eq!(fraction(Decimal::new(5, 1), "EUR").to_string(), "0.005");
        assert_eq!(fraction(Decimal::new(5, 1), "CLP").to_string(), "0.5");
    }
}
