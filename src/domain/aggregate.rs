//! Putting datapoints together without breaking what they mean, and choosing which stored ones to read.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use time::Date;

use super::metric::Additivity;
use super::number::divide;
use super::period::Grain;

/// The sums of the datapoints of one period (and split), as the database gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// First day of the period; the last one of the range where the query did not group by period.
    pub period_start: Date,
    /// How many datapoints were added up.
    pub rows: i64,
    /// Sum of values, or of numerators.
    pub value: Decimal,
    /// Sum of denominators of a ratio.
    pub denominator: Option<Decimal>,
    /// At least one of them may still change.
    pub provisional: bool,
}

/// Adds groups up according to a metric's additivity.
#[derive(Debug, Clone, Default)]
pub struct Accumulator {
    value: Decimal,
    denominator: Decimal,
    groups: usize,
    rows: i64,
    last: Option<(Date, i64, Decimal)>,
    provisional: bool,
    overflow: bool,
}

impl Accumulator {
    /// Takes one group in.
    pub fn add(&mut self, group: &Group) {
        self.groups += 1;
        self.rows += group.rows;
        self.provisional |= group.provisional;
        self.value = self.checked(self.value.checked_add(group.value));
        if let Some(denominator) = group.denominator {
            self.denominator = self.checked(self.denominator.checked_add(denominator));
        }
        self.last = match self.last {
            Some((date, rows, value)) if date == group.period_start => Some((date, rows + group.rows, value)),
            Some(kept) if kept.0 > group.period_start => Some(kept),
            _ => Some((group.period_start, group.rows, group.value)),
        };
    }

    fn checked(&mut self, sum: Option<Decimal>) -> Decimal {
        sum.unwrap_or_else(|| {
            self.overflow = true;
            Decimal::ZERO
        })
    }

    /// Nothing was added.
    pub fn is_empty(&self) -> bool {
        self.groups == 0
    }

    /// Something added may still change.
    pub fn provisional(&self) -> bool {
        self.provisional
    }

    /// The value, or `None` where this additivity has none: an empty sum, a ratio over 0, a snapshot that several
    /// dimension values share, distinct counts of more than one stored period.
    pub fn value(&self, additivity: Additivity) -> Option<Decimal> {
        if self.overflow || self.is_empty() {
            return None;
        }
        match additivity {
            Additivity::Sum => Some(self.value),
            Additivity::Ratio => divide(self.value, self.denominator),
            Additivity::Last => self.last.and_then(|(_, rows, value)| (rows == 1).then_some(value)),
            Additivity::Unique => (self.rows == 1).then_some(self.value),
        }
    }
}

/// What one source stores of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<S> {
    /// The source.
    pub source: S,
    /// The grain of its datapoints.
    pub grain: Grain,
    /// The sets of dimensions they come in.
    pub dim_sets: Vec<BTreeSet<String>>,
}

/// Why no stored datapoints answer a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotStored {
    /// No source has this dimension.
    UnknownDimension(String),
    /// The dimensions exist but not together (or, for distinct counts, not exactly these).
    NotCombined,
}

/// A source with the set of dimensions to read from it.
pub type Choice<'a, S> = (&'a Stored<S>, &'a BTreeSet<String>);

/// For each source the smallest stored set of dimensions that answers for `wanted`; distinct counts need exactly it.
pub fn choose<'a, S>(
    stored: &'a [Stored<S>],
    wanted: &BTreeSet<String>,
    additivity: Additivity,
) -> Result<Vec<Choice<'a, S>>, NotStored> {
    let chosen: Vec<_> = stored
        .iter()
        .filter_map(|source| {
            let set = match additivity {
                Additivity::Unique => source.dim_sets.iter().find(|set| *set == wanted),
                _ => source.dim_sets.iter().filter(|set| set.is_superset(wanted)).min_by_key(|set| set.len()),
            };
            set.map(|set| (source, set))
        })
        .collect();
    if !chosen.is_empty() || stored.is_empty() {
        return Ok(chosen);
    }
    let known = |name: &String| stored.iter().any(|source| source.dim_sets.iter().any(|set| set.contains(name)));
    match wanted.iter().find(|name| !known(name)) {
        Some(name) => Err(NotStored::UnknownDimension(name.clone())),
        None => Err(NotStored::NotCombined),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn group(day: u8, rows: i64, value: i64, denominator: Option<i64>) -> Group {
        Group {
            period_start: date!(2026 - 11 - 01).replace_day(day).unwrap(),
            rows,
            value: Decimal::from(value),
            denominator: denominator.map(Decimal::from),
            provisional: day == 3,
        }
    }

    fn total(groups: &[Group], additivity: Additivity) -> Option<Decimal> {
        let mut sum = Accumulator::default();
        for group in groups {
            sum.add(group);
        }
        sum.value(additivity)
    }

    #[test]
    fn a_ratio_divides_last() {
        let groups = [group(1, 1, 1, Some(2)), group(2, 1, 1, Some(8))];
        assert_eq!(total(&groups, Additivity::Ratio), Some(Decimal::new(2, 1)));
        assert_eq!(total(&[group(1, 1, 0, Some(0))], Additivity::Ratio), None);
    }

    #[test]
    fn a_snapshot_takes_the_last_day_whatever_the_order() {
        let groups = [group(3, 1, 30, None), group(1, 1, 10, None)];
        assert_eq!(total(&groups, Additivity::Last), Some(Decimal::from(30)));
    }

    #[test]
    fn a_snapshot_is_never_summed_over_dimension_values() {
        assert_eq!(total(&[group(3, 2, 30, None)], Additivity::Last), None);
        assert_eq!(total(&[group(1, 2, 30, None), group(2, 1, 4, None)], Additivity::Last), Some(Decimal::from(4)));
    }

    #[test]
    fn distinct_counts_do_not_add_up() {
        assert_eq!(total(&[group(1, 1, 10, None)], Additivity::Unique), Some(Decimal::from(10)));
        assert_eq!(total(&[group(1, 1, 10, None), group(2, 1, 4, None)], Additivity::Unique), None);
    }

    #[test]
    fn nothing_is_not_zero() {
        assert_eq!(total(&[], Additivity::Sum), None);
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_smallest_set_that_has_the_dimensions_is_read() {
        let stored = [Stored { source: 1, grain: Grain::Day, dim_sets: vec![set(&["a", "b"]), set(&["a"]), set(&[])] }];
        let pick = |names: &[&str]| choose(&stored, &set(names), Additivity::Sum).map(|found| found[0].1.clone());
        assert_eq!(pick(&[]), Ok(set(&[])));
        assert_eq!(pick(&["a"]), Ok(set(&["a"])));
        assert_eq!(pick(&["b"]), Ok(set(&["a", "b"])));
    }

    #[test]
    fn distinct_counts_need_exactly_the_stored_dimensions() {
        let stored = [Stored { source: 1, grain: Grain::Day, dim_sets: vec![set(&["a"])] }];
        assert_eq!(choose(&stored, &set(&[]), Additivity::Unique).unwrap_err(), NotStored::NotCombined);
        assert!(choose(&stored, &set(&["a"]), Additivity::Unique).is_ok());
    }

    #[test]
    fn an_unknown_dimension_is_told_from_one_that_is_not_combined() {
        let stored = [Stored { source: 1, grain: Grain::Day, dim_sets: vec![set(&["a"]), set(&["b"])] }];
        let ask = |names: &[&str]| choose(&stored, &set(names), Additivity::Sum).unwrap_err();
        assert_eq!(ask(&["x"]), NotStored::UnknownDimension("x".into()));
        assert_eq!(ask(&["a", "b"]), NotStored::NotCombined);
    }
}
