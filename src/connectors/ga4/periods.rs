//! The periods whose distinct users are asked for as a whole, because the users of several days cannot be added up.

use time::{Date, Duration, Weekday};

use crate::domain::period::Grain;

/// Lengths that trail the newest days; each with as many days before it, to compare with.
const TRAILING: [i64; 2] = [7, 28];

/// A period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// `Week` (from the client's first day of it), `Month`, or `Span` for days that are no calendar's.
    pub grain: Grain,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// The periods to fetch: all spans of `today`, then the weeks and months that end on or after `dirty`, newest first.
/// None begins before `goal`, where the history that is wanted begins. Weeks begin on `weeks`.
pub fn wanted(today: Date, goal: Date, dirty: Date, weeks: Weekday) -> Vec<Period> {
    let mut periods = spans(today, weeks);
    let mut calendar: Vec<Period> =
        [Grain::Week, Grain::Month].into_iter().flat_map(|grain| whole(grain, today, goal, dirty, weeks)).collect();
    calendar.sort_by_key(|period| std::cmp::Reverse(period.to));
    periods.extend(calendar);
    periods.retain(|period| period.from >= goal);
    periods
}

/// Seven and twenty-eight days, and the week and month so far, each through yesterday and through today. What is a day, a
/// whole week or a whole month is stored as that.
fn spans(today: Date, weeks: Weekday) -> Vec<Period> {
    let mut spans: Vec<Period> = Vec::new();
    let mut add = |from: Date, to: Date| {
        let span = Period { grain: Grain::Span, from, to };
        if from < to && !is_whole(from, to, weeks) && !spans.contains(&span) {
            spans.push(span);
        }
    };
    for end in [today - Duration::DAY, today] {
        for days in TRAILING {
            let from = end - Duration::days(days - 1);
            add(from, end);
            add(from - Duration::days(days), end - Duration::days(days));
        }
        add(Grain::Week.start(end, weeks), end);
        add(Grain::Month.start(end, weeks), end);
    }
    spans
}

fn is_whole(from: Date, to: Date, weeks: Weekday) -> bool {
    let whole = |grain: Grain| grain.start(from, weeks) == from && grain.end(from) == to;
    whole(Grain::Week) || whole(Grain::Month)
}

/// Whole periods that have ended, or end today, newest first.
fn whole(grain: Grain, today: Date, goal: Date, dirty: Date, weeks: Weekday) -> impl Iterator<Item = Period> {
    let newest = grain.start(today, weeks);
    let earlier = move |start: &Date| Some(grain.start(*start - Duration::DAY, weeks));
    std::iter::successors(Some(newest), earlier)
        .map(move |from| Period { grain, from, to: grain.end(from) })
        .skip_while(move |period| period.to > today)
        .take_while(move |period| period.from >= goal && period.to >= dirty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    const TODAY: Date = date!(2026 - 11 - 23);
    const GOAL: Date = date!(2025 - 10 - 01);

    fn span(from: Date, to: Date) -> Period {
        Period { grain: Grain::Span, from, to }
    }

    #[test]
    fn trailing_days_are_asked_for_through_yesterday_and_through_today_with_the_days_before() {
        let all = wanted(TODAY, GOAL, TODAY, Weekday::Monday);
        for expected in [
            span(date!(2026 - 11 - 17), TODAY),
            span(date!(2026 - 10 - 26), date!(2026 - 11 - 22)),
            span(date!(2026 - 09 - 28), date!(2026 - 10 - 25)),
            span(date!(2026 - 11 - 01), TODAY),
            span(date!(2026 - 11 - 01), date!(2026 - 11 - 22)),
        ] {
            assert!(all.contains(&expected), "{expected:?}");
        }
    }

    #[test]
    fn no_days_are_asked_for_twice() {
        for back in 0..400 {
            let all =
                wanted(TODAY - Duration::days(back), date!(2024 - 01 - 01), date!(2024 - 01 - 01), Weekday::Monday);
            let mut days: Vec<(Date, Date)> = all.iter().map(|period| (period.from, period.to)).collect();
            days.sort_unstable();
            days.dedup();
            assert_eq!(days.len(), all.len());
            assert!(all.iter().all(|period| period.from < period.to));
            assert!(all.iter().filter(|period| period.grain == Grain::Span).count() <= 12);
        }
    }

    #[test]
    fn whole_periods_reach_from_the_newest_that_has_ended_to_where_history_begins() {
        let all = wanted(TODAY, GOAL, GOAL, Weekday::Monday);
        let of = |grain| all.iter().filter(|period| period.grain == grain).copied().collect::<Vec<_>>();
        let (weeks, months) = (of(Grain::Week), of(Grain::Month));
        assert_eq!((weeks[0].from, weeks.last().unwrap().from), (date!(2026 - 11 - 16), date!(2025 - 10 - 06)));
        assert_eq!((months[0].from, months.last().unwrap().from), (date!(2026 - 10 - 01), GOAL));
        assert_eq!((weeks.len(), months.len()), (59, 13));
    }

    #[test]
    fn later_only_what_touches_the_days_that_were_read_again_is_asked_for() {
        let all = wanted(TODAY, GOAL, date!(2026 - 10 - 31), Weekday::Monday);
        let months: Vec<Date> = all.iter().filter(|p| p.grain == Grain::Month).map(|p| p.from).collect();
        assert_eq!(months, [date!(2026 - 10 - 01)]);
        assert_eq!(all.iter().filter(|p| p.grain == Grain::Week).count(), 4);
    }

    #[test]
    fn a_week_that_ends_today_is_a_whole_week() {
        let sunday = date!(2026 - 11 - 22);
        let all = wanted(sunday, GOAL, sunday, Weekday::Monday);
        assert!(all.contains(&Period { grain: Grain::Week, from: date!(2026 - 11 - 16), to: sunday }));
    }

    #[test]
    fn a_client_whose_week_begins_on_sunday_gets_such_weeks() {
        let all = wanted(TODAY, GOAL, GOAL, Weekday::Sunday);
        let weeks: Vec<&Period> = all.iter().filter(|period| period.grain == Grain::Week).collect();
        assert_eq!((weeks[0].from, weeks[0].to), (date!(2026 - 11 - 15), date!(2026 - 11 - 21)));
        assert!(weeks.iter().all(|week| week.from.weekday() == Weekday::Sunday));
        assert!(all.contains(&span(date!(2026 - 11 - 22), TODAY)), "the week so far");
    }
}
