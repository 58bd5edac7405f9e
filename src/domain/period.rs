//! Calendar periods: grains, buckets and date arithmetic. Dates are calendar dates of a source, never instants.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month, Weekday};

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    /// One calendar day.
    Day,
    /// Seven days from the tenant's first day of the week.
    Week,
    /// One calendar month.
    Month,
    /// January, April, July or October and the two months after it.
    Quarter,
    /// One calendar year.
    Year,
    /// Days that are no calendar's, from the first to the last of them; stored, never asked for.
    #[serde(skip)]
    Span,
}

impl Grain {
    /// The name used in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::Span => "span",
        }
    }

    /// Parses the API name; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year].into_iter().find(|grain| grain.as_str() == text)
    }

    /// The first day of the period of this grain that holds `day`. `week_start` matters for weeks only.
    pub fn start(self, day: Date, week_start: Weekday) -> Date {
        match self {
            Self::Day | Self::Span => day,
            Self::Week => {
                let past = i64::from(day.weekday().number_days_from_monday())
                    - i64::from(week_start.number_days_from_monday());
                day.saturating_sub(Duration::days(past.rem_euclid(7)))
            }
            Self::Month => first_of(day.year(), day.month()),
            Self::Quarter => {
                let month = match day.month() {
                    Month::January | Month::February | Month::March => Month::January,
                    Month::April | Month::May | Month::June => Month::April,
                    Month::July | Month::August | Month::September => Month::July,
                    Month::October | Month::November | Month::December => Month::October,
                };
                first_of(day.year(), month)
            }
            Self::Year => first_of(day.year(), Month::January),
        }
    }

    /// Whether at least one whole period lies between `from` and `to`, both included.
    pub fn fits_between(self, from: Date, to: Date, week_start: Weekday) -> bool {
        let current = self.start(from, week_start);
        let first = if current == from { from } else { self.end(current).saturating_add(Duration::DAY) };
        self.end(first) <= to
    }

    /// The last day of the period of this grain that starts on `start`.
    pub fn end(self, start: Date) -> Date {
        match self {
            Self::Day | Self::Span => start,
            Self::Week => start.saturating_add(Duration::days(6)),
            Self::Month => month_end(start),
            Self::Quarter => month_end(add_months(start, 2)),
            Self::Year => Date::from_calendar_date(start.year(), Month::December, 31).unwrap_or(start),
        }
    }
}

/// The same day `months` later, or the last day of that month where it has fewer days.
pub fn add_months(day: Date, months: i32) -> Date {
    let index = day.year() * 12 + i32::from(u8::from(day.month())) - 1 + months;
    let year = index.div_euclid(12);
    let month = Month::December.nth_next(u8::try_from(index.rem_euclid(12) + 1).unwrap_or(1));
    let last = month.length(year);
    Date::from_calendar_date(year, month, day.day().min(last)).unwrap_or(day)
}

fn first_of(year: i32, month: Month) -> Date {
    Date::from_calendar_date(year, month, 1).unwrap_or(Date::MIN)
}

fn month_end(day: Date) -> Date {
    Date::from_calendar_date(day.year(), day.month(), day.month().length(day.year())).unwrap_or(day)
}

/// Days from `from` to `to`, both counted.
pub fn days_between(from: Date, to: Date) -> i64 {
    (to - from).whole_days() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn a_period_starts_and_ends_where_the_calendar_says() {
        let day = date!(2024 - 02 - 29);
        let cases = [
            (Grain::Day, date!(2024 - 02 - 29), date!(2024 - 02 - 29)),
            (Grain::Week, date!(2024 - 02 - 26), date!(2024 - 03 - 03)),
            (Grain::Month, date!(2024 - 02 - 01), date!(2024 - 02 - 29)),
            (Grain::Quarter, date!(2024 - 01 - 01), date!(2024 - 03 - 31)),
            (Grain::Year, date!(2024 - 01 - 01), date!(2024 - 12 - 31)),
        ];
        for (grain, start, end) in cases {
            assert_eq!(grain.start(day, Weekday::Monday), start, "{grain:?}");
            assert_eq!(grain.end(start), end, "{grain:?}");
        }
    }

    #[test]
    fn a_week_may_start_on_sunday() {
        assert_eq!(Grain::Week.start(date!(2026 - 11 - 22), Weekday::Sunday), date!(2026 - 11 - 22));
        assert_eq!(Grain::Week.start(date!(2026 - 11 - 21), Weekday::Sunday), date!(2026 - 11 - 15));
    }

    #[test]
    fn a_range_may_hold_no_whole_period() {
        let fits = |grain: Grain, from, to| grain.fits_between(from, to, Weekday::Monday);
        assert!(fits(Grain::Month, date!(2026 - 02 - 01), date!(2026 - 02 - 28)));
        assert!(!fits(Grain::Month, date!(2026 - 02 - 02), date!(2026 - 02 - 28)));
        assert!(!fits(Grain::Month, date!(2026 - 02 - 02), date!(2026 - 03 - 30)));
        assert!(fits(Grain::Month, date!(2026 - 02 - 02), date!(2026 - 03 - 31)));
        assert!(fits(Grain::Day, date!(2026 - 02 - 02), date!(2026 - 02 - 02)));
        assert!(!fits(Grain::Year, date!(2026 - 01 - 01), date!(2026 - 12 - 30)));
    }

    #[test]
    fn adding_months_keeps_to_the_end_of_a_short_month() {
        assert_eq!(add_months(date!(2026 - 01 - 31), 1), date!(2026 - 02 - 28));
        assert_eq!(add_months(date!(2026 - 11 - 23), -13), date!(2025 - 10 - 23));
        assert_eq!(add_months(date!(2024 - 02 - 29), -12), date!(2023 - 02 - 28));
    }
}
