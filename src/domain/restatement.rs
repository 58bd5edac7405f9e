//! When a figure that was final has changed enough to be told.

use rust_decimal::Decimal;

/// A change of at least this part of the old value is told: one in a hundred.
const SHARE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// A value, or numerator and denominator of a ratio.
pub type Figure = (Decimal, Option<Decimal>);

/// Whether people should know that `old` has become `new`; `None`: the source no longer has it.
pub fn is_material(old: Figure, new: Option<Figure>) -> bool {
    let (before, after) = (shown(old), new.and_then(shown));
    match (before, after) {
        (Some(before), Some(after)) => {
            let change = (after - before).abs();
            !change.is_zero() && change >= before.abs() * SHARE
        }
        (Some(before), None) => !before.is_zero(),
        (None, Some(after)) => !after.is_zero(),
        (None, None) => false,
    }
}

fn shown((value, denominator): Figure) -> Option<Decimal> {
    match denominator {
        None => Some(value),
        Some(denominator) => value.checked_div(denominator),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: i64, denominator: Option<i64>) -> Figure {
        (Decimal::from(value), denominator.map(Decimal::from))
    }

    #[test]
    fn one_per_cent_is_told_and_less_is_not() {
        assert!(is_material(figure(1000, None), Some(figure(1010, None))));
        assert!(is_material(figure(1000, None), Some(figure(990, None))));
        assert!(!is_material(figure(1000, None), Some(figure(1009, None))));
        assert!(!is_material(figure(1000, None), Some(figure(1000, None))));
    }

    #[test]
    fn what_goes_away_or_comes_out_of_nothing_is_told() {
        assert!(is_material(figure(5, None), None));
        assert!(!is_material(figure(0, None), None));
        assert!(is_material(figure(0, None), Some(figure(1, None))));
        assert!(!is_material(figure(0, None), Some(figure(0, None))));
    }

    #[test]
    fn a_ratio_is_compared_by_what_it_shows() {
        assert!(!is_material(figure(10, Some(100)), Some(figure(20, Some(200)))));
        assert!(is_material(figure(10, Some(100)), Some(figure(11, Some(100)))));
        assert!(!is_material(figure(0, Some(0)), None));
    }
}
