//! Which date format a column has, and how long its periods are.

use std::sync::LazyLock;

use time::{Date, Month};

use super::dates::DateFormat;
use crate::domain::period::Grain;

/// A format that columns are tried against.
pub(super) struct Candidate {
    /// The strftime format.
    pub format: String,
    compiled: DateFormat,
    /// Nothing but digits: also a number, so the column's name has to say that it is a date.
    pub digits: bool,
    shape: Shape,
}

/// What a cell must have to be worth a full parse: without this, every text cell would be parsed hundreds of times.
struct Shape {
    timed: bool,
    named: bool,
    /// The sign between the parts of the date, where it is always there.
    mark: Option<char>,
}

impl Shape {
    fn of(format: &str) -> Self {
        Self {
            timed: format.contains("%H") || format.contains("%I"),
            named: format.contains("%b") || format.contains("%B"),
            mark: format.chars().find(|c| "-/.,".contains(*c)),
        }
    }

    fn admits(&self, cell: &str) -> bool {
        let letters = || cell.chars().any(char::is_alphabetic);
        cell.contains(':') == self.timed
            && self.mark.is_none_or(|mark| cell.contains(mark))
            && (!self.named || letters())
    }
}

impl Candidate {
    fn parse(&self, cell: &str) -> Option<Date> {
        let admitted = self.shape.admits(cell);
        admitted.then(|| self.compiled.parse(cell).ok()).flatten()
    }
}

/// Dates with a day, the usual order of each separator first: where nothing decides, the day comes before the month.
const DAYS: [&str; 13] = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%d/%m/%y",
    "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d.%m.%y",
];
/// Times that may follow, each after a `T` or a blank.
const TIMES: [&str; 9] = [
    "%H:%M:%S",
    "%H:%M",
    "%H:%M:%S%.f",
    "%H:%M:%SZ",
    "%H:%M:%S%.fZ",
    "%H:%M:%S%z",
    "%H:%M:%S%.f%z",
    "%I:%M:%S %p",
    "%I:%M %p",
];
/// Dates with a name in them, and months.
const NAMED: [&str; 24] = [
    "%b %d %Y",
    "%B %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d/%b/%Y",
    "%d de %B de %Y",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%a %b %d %Y",
    "%b %Y",
    "%B %Y",
    "%b-%Y",
    "%b-%y",
    "%b %y",
    "%B de %Y",
    "%Y-%b",
    "%Y %b",
    "%Y-%m",
    "%Y/%m",
    "%m/%Y",
    "%m-%Y",
];
/// Dates that are digits only.
const DIGITS: [&str; 3] = ["%Y%m%d", "%Y%m", "%Y"];

static CANDIDATES: LazyLock<Vec<Candidate>> = LazyLock::new(|| {
    let days = DAYS.iter().flat_map(|day| {
        let timed = ["T", " "].iter().flat_map(move |gap| TIMES.iter().map(move |time| format!("{day}{gap}{time}")));
        std::iter::once((*day).to_owned()).chain(timed)
    });
    let named = NAMED.iter().map(|format| (*format).to_owned());
    let digits = DIGITS.iter().map(|format| (*format).to_owned());
    days.chain(named)
        .chain(digits)
        .filter_map(|format| {
            let compiled = DateFormat::compile(&format)?;
            let digits = DIGITS.contains(&format.as_str());
            Some(Candidate { shape: Shape::of(&format), format, compiled, digits })
        })
        .collect()
});

/// Whether a cell reads as a date in any format that is not digits only.
pub(super) fn is_date(cell: &str) -> bool {
    CANDIDATES.iter().any(|candidate| !candidate.digits && candidate.parse(cell).is_some())
}

/// What a column's cells said about one candidate.
pub(super) struct Trial {
    /// The candidate.
    pub candidate: &'static Candidate,
    /// Cells that matched.
    pub matched: u32,
    future: u32,
    range: Option<(Date, Date)>,
    first_days: bool,
    last_days: bool,
    one_day_of_year: bool,
}

/// The candidates that match any of these cells.
pub(super) fn trials(cells: &[String]) -> Vec<Trial> {
    CANDIDATES
        .iter()
        .filter(|candidate| cells.iter().any(|cell| candidate.parse(cell).is_some()))
        .map(|candidate| Trial {
            candidate,
            matched: 0,
            future: 0,
            range: None,
            first_days: true,
            last_days: true,
            one_day_of_year: true,
        })
        .collect()
}

impl Trial {
    /// Tries one more cell.
    pub fn observe(&mut self, cell: &str, today: Date) {
        let Some(date) = self.candidate.parse(cell) else {
            return;
        };
        let (first, last) = self.range.unwrap_or((date, date));
        self.matched += 1;
        self.future += u32::from(date > today);
        self.first_days &= date.day() == 1;
        self.last_days &= date.day() == date.month().length(date.year());
        self.one_day_of_year &= (date.month(), date.day()) == (first.month(), first.day());
        self.range = Some((first.min(date), last.max(date)));
    }

    /// The first day of every month over more than a year. Under the other order of day and month these would be the
    /// first days of January only, which nobody records.
    fn monthly(&self) -> bool {
        let years = self.range.is_some_and(|(first, last)| first.year() < last.year());
        self.first_days && years && !self.one_day_of_year
    }

    /// The length of the periods that these dates look like.
    pub fn grain(&self) -> Grain {
        let Some((first, last)) = self.range else {
            return Grain::Day;
        };
        let edge = matches!((first.month(), first.day()), (Month::January, 1) | (Month::December, 31));
        let several = first != last;
        match self.candidate.compiled.precision {
            Grain::Day if several && self.one_day_of_year && edge => Grain::Year,
            Grain::Day if several && (self.first_days || self.last_days) => Grain::Month,
            coarse_or_day => coarse_or_day,
        }
    }
}

/// The trial that explains the column best: most cells, then whole months, then fewest dates after today, then the
/// usual order.
pub(super) fn best(trials: &[Trial]) -> Option<&Trial> {
    trials.iter().rev().max_by_key(|trial| (trial.matched, trial.monthly(), std::cmp::Reverse(trial.future)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn guess(cells: &[&str]) -> Option<(String, Grain)> {
        let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        let mut trials = trials(&cells);
        for trial in &mut trials {
            for cell in &cells {
                trial.observe(cell, date!(2026 - 04 - 01));
            }
        }
        best(&trials).map(|trial| (trial.candidate.format.clone(), trial.grain()))
    }

    #[test]
    fn every_candidate_compiles() {
        assert_eq!(CANDIDATES.len(), DAYS.len() * (1 + 2 * TIMES.len()) + NAMED.len() + DIGITS.len());
    }

    #[test]
    fn the_format_is_the_one_that_explains_the_cells() {
        let cases: [(&[&str], &str, Grain); 22] = [
            (&["2012-01-01", "2012-01-02"], "%Y-%m-%d", Grain::Day),
            (&["13/01/2020", "01/02/2020"], "%d/%m/%Y", Grain::Day),
            (&["01/13/2020", "02/01/2020"], "%m/%d/%Y", Grain::Day),
            (&["03/04/2020", "05/04/2020"], "%d/%m/%Y", Grain::Day),
            (&["31.12.2020", "30.12.2020"], "%d.%m.%Y", Grain::Day),
            (&["12-31-2020"], "%m-%d-%Y", Grain::Day),
            (&["1/8/90 0:00", "1/19/90 0:00"], "%m/%d/%y %H:%M", Grain::Day),
            (&["2010/01/01 00:00", "2010/01/01 01:00"], "%Y/%m/%d %H:%M", Grain::Day),
            (&["2010-01-01T00:00:00", "2010-01-05T01:00:00"], "%Y-%m-%dT%H:%M:%S", Grain::Day),
            (&["2010-01-01T00:00:00.000Z", "2010-01-02T00:00:00.000Z"], "%Y-%m-%dT%H:%M:%S%.fZ", Grain::Day),
            (&["2010-01-01 00:00:00+01:00", "2010-02-02 00:00:00+01:00"], "%Y-%m-%d %H:%M:%S%z", Grain::Day),
            (&["1/2/2020 3:04:05 PM", "1/13/2020 3:04:05 AM"], "%m/%d/%Y %I:%M:%S %p", Grain::Day),
            (&["Jan 1 2000", "Feb 1 2000"], "%b %d %Y", Grain::Month),
            (&["May 1 2000", "June 1 2000"], "%B %d %Y", Grain::Month),
            (&["Mon, 01 Jun 2009 04:00:00 GMT"], "%a, %d %b %Y %H:%M:%S %Z", Grain::Day),
            (&["ene 2020", "feb 2020"], "%b %Y", Grain::Month),
            (&["enero 2020", "may 2020"], "%b %Y", Grain::Month),
            (&["2020-01", "2020-02"], "%Y-%m", Grain::Month),
            (&["2020", "2021"], "%Y", Grain::Year),
            (&["202001", "202012"], "%Y%m", Grain::Month),
            (&["2001-01-01", "2002-01-01"], "%Y-%m-%d", Grain::Year),
            (&["31/01/2020", "29/02/2020"], "%d/%m/%Y", Grain::Month),
        ];
        for (cells, format, grain) in cases {
            assert_eq!(guess(cells), Some((format.to_owned(), grain)), "{cells:?}");
        }
        assert_eq!(guess(&["rain", "sun"]), None);
        assert_eq!(guess(&["12.5", "10:30"]), None);
    }

    #[test]
    fn first_days_of_many_months_speak_for_the_month_first() {
        let months: Vec<String> =
            (2019..=2020).flat_map(|year| (1..=12).map(move |m| format!("{m:02}/01/{year}"))).collect();
        let cells: Vec<&str> = months.iter().map(String::as_str).collect();
        assert_eq!(guess(&cells), Some(("%m/%d/%Y".into(), Grain::Month)));
    }

    #[test]
    fn dates_after_today_speak_against_an_order() {
        // Today is 1 April 2026: 3 November would be in the future, 11 March is not.
        assert_eq!(guess(&["03/11/2026", "02/10/2026"]), Some(("%m/%d/%Y".into(), Grain::Day)));
    }
}
