//! One cell as a date, under a strftime format.
//!
//! Formats are those of the `chrono` crate's `strftime` module, which has the directives of C and Python. Month names
//! may be English or Spanish. A time of day or an offset in the format is checked but does not move the date: a
//! period belongs to the calendar of the source.

use chrono::Datelike;
use chrono::format::{Fixed, Item, ParseErrorKind, Parsed, StrftimeItems};
use time::{Date, Month};

use crate::domain::period::Grain;

/// The earliest and the latest year of a date.
const YEARS: std::ops::RangeInclusive<i32> = 1600..=2200;
/// The longest format that is accepted.
const MAX_FORMAT: usize = 64;

/// A format that names at least a year.
pub(super) struct DateFormat {
    items: Vec<Item<'static>>,
    /// What the format says: day, month or year.
    pub precision: Grain,
    /// The format has month names, which may be Spanish.
    named: bool,
}

/// Why a cell is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateFault {
    /// The text does not follow the format.
    Mismatch,
    /// No such day in the calendar.
    Impossible,
    /// Before 1600 or after 2200.
    OutOfRange,
}

impl DateFormat {
    /// Compiles a format; `None` when it has unknown directives or does not determine at least a year.
    pub fn compile(format: &str) -> Option<Self> {
        if format.len() > MAX_FORMAT {
            return None;
        }
        let items = StrftimeItems::new(format).parse_to_owned().ok()?;
        let named = items.iter().any(|item| matches!(item, Item::Fixed(Fixed::ShortMonthName | Fixed::LongMonthName)));
        let precision = precision(&items)?;
        Some(Self { items, precision, named })
    }

    /// Reads a cell. A format without day or month gives the first day of the period.
    pub fn parse(&self, cell: &str) -> Result<Date, DateFault> {
        let cell = cell.trim();
        let outcome = self.parse_exactly(cell);
        if !self.named || outcome != Err(DateFault::Mismatch) {
            return outcome;
        }
        in_english(cell)
            .into_iter()
            .flatten()
            .map(|english| self.parse_exactly(&english))
            .find(|outcome| *outcome != Err(DateFault::Mismatch))
            .unwrap_or(outcome)
    }

    fn parse_exactly(&self, cell: &str) -> Result<Date, DateFault> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, cell, self.items.iter())
            .and_then(|()| complete(&mut parsed, self.precision))
            .and_then(|()| parsed.to_naive_date())
            .map_err(|error| match error.kind() {
                ParseErrorKind::OutOfRange | ParseErrorKind::Impossible => DateFault::Impossible,
                _ => DateFault::Mismatch,
            })
            .and_then(|date| {
                if !YEARS.contains(&date.year()) {
                    return Err(DateFault::OutOfRange);
                }
                let month =
                    u8::try_from(date.month()).map_or(Month::January, |number| Month::January.nth_next(number - 1));
                let day = u8::try_from(date.day()).unwrap_or(1);
                Date::from_calendar_date(date.year(), month, day).map_err(|_error| DateFault::Impossible)
            })
    }
}

/// Adds the month and the day that a coarse format leaves open.
fn complete(parsed: &mut Parsed, precision: Grain) -> Result<(), chrono::ParseError> {
    if precision == Grain::Year {
        parsed.set_month(1)?;
    }
    if precision != Grain::Day {
        parsed.set_day(1)?;
    }
    Ok(())
}

/// Writes a known instant with the format and looks how much of it can be read back.
fn precision(items: &[Item<'static>]) -> Option<Grain> {
    let instant = chrono::DateTime::from_timestamp(1_070_025_255, 123_000_000)?.fixed_offset();
    let text = instant.format_with_items(items.iter()).to_string();
    [Grain::Day, Grain::Month, Grain::Year].into_iter().find(|grain| {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, &text, items.iter())
            .and_then(|()| complete(&mut parsed, *grain))
            .and_then(|()| parsed.to_naive_date())
            .is_ok_and(|date| date.year() == instant.year())
    })
}

/// The text with its Spanish month name in English, with and without the dot of an abbreviation; `None` when it has no
/// such name.
fn in_english(cell: &str) -> Option<[String; 2]> {
    const ENGLISH: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const SPANISH: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    let start = cell.char_indices().find_map(|(at, _)| {
        let word: String = cell[at..].chars().take_while(|c| c.is_alphabetic()).collect();
        let first = !cell[..at].ends_with(char::is_alphabetic);
        let lower = word.to_lowercase();
        let month = SPANISH.iter().position(|name| {
            *name == lower || name[..3] == *lower || (*name == "septiembre" && ["sept", "setiembre"].contains(&&*lower))
        })?;
        first.then_some((at, word.len(), month))
    });
    let (at, length, month) = start?;
    let rest = &cell[at + length..];
    let bare = rest.strip_prefix('.').unwrap_or(rest);
    Some([rest, bare].map(|rest| format!("{}{}{rest}", &cell[..at], ENGLISH[month])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn read(format: &str, cell: &str) -> Result<Date, DateFault> {
        DateFormat::compile(format).unwrap().parse(cell)
    }

    #[test]
    fn dates_are_read_as_their_format_says() {
        let cases = [
            ("%Y-%m-%d", "2012-01-31", date!(2012 - 01 - 31)),
            ("%Y-%m-%d", " 2012-1-5 ", date!(2012 - 01 - 05)),
            ("%d/%m/%Y", "03/04/2020", date!(2020 - 04 - 03)),
            ("%m/%d/%Y", "03/04/2020", date!(2020 - 03 - 04)),
            ("%d.%m.%y", "29.02.00", date!(2000 - 02 - 29)),
            ("%m/%d/%y", "1/8/90", date!(1990 - 01 - 08)),
            ("%Y%m%d", "20240229", date!(2024 - 02 - 29)),
            ("%Y", "1880", date!(1880 - 01 - 01)),
            ("%Y-%m", "2020-11", date!(2020 - 11 - 01)),
            ("%b %d %Y", "Jan 1 2000", date!(2000 - 01 - 01)),
            ("%b %e %Y", "Jan 1 2000", date!(2000 - 01 - 01)),
            ("%B %d, %Y", "February 29, 2024", date!(2024 - 02 - 29)),
            ("%b %Y", "ene 2020", date!(2020 - 01 - 01)),
            ("%b-%y", "Dic-21", date!(2021 - 12 - 01)),
            ("%d %b %Y", "5 sept. 2021", date!(2021 - 09 - 05)),
            ("%d %b. %Y", "5 sept. 2021", date!(2021 - 09 - 05)),
            ("%d de %B de %Y", "5 de septiembre de 2021", date!(2021 - 09 - 05)),
            ("%d de %B de %Y", "1 de marzo de 2021", date!(2021 - 03 - 01)),
            ("%Y-%m-%dT%H:%M:%S", "2010-01-01T23:59:59", date!(2010 - 01 - 01)),
            ("%Y/%m/%d %H:%M", "2010/01/01 00:00", date!(2010 - 01 - 01)),
            ("%Y-%m-%dT%H:%M:%S%.f%z", "2010-12-31T23:30:00.250-05:00", date!(2010 - 12 - 31)),
            ("%Y-%m-%dT%H:%M:%SZ", "2010-12-31T23:30:00Z", date!(2010 - 12 - 31)),
            ("%Y-%j", "2024-366", date!(2024 - 12 - 31)),
            ("%G-W%V-%u", "2020-W53-5", date!(2021 - 01 - 01)),
            ("%a, %d %b %Y %H:%M:%S %Z", "Mon, 01 Jun 2009 04:00:00 GMT", date!(2009 - 06 - 01)),
            ("%Y-%m-%d", "1600-01-01", date!(1600 - 01 - 01)),
            ("%Y-%m-%d", "2200-12-31", date!(2200 - 12 - 31)),
        ];
        for (format, cell, expected) in cases {
            assert_eq!(read(format, cell), Ok(expected), "{cell} as {format}");
        }
    }

    #[test]
    fn what_is_no_date_says_why() {
        use DateFault::{Impossible, Mismatch, OutOfRange};
        let cases = [
            ("%Y-%m-%d", "", Mismatch),
            ("%Y-%m-%d", "hello", Mismatch),
            ("%Y-%m-%d", "31/12/2020", Mismatch),
            ("%Y-%m-%d", "2020-01-01 00:00", Mismatch),
            ("%Y-%m-%d", "2020-01", Mismatch),
            ("%Y-%m-%d", "20200-01-01", Mismatch),
            ("%Y-%m-%d", "2021-02-29", Impossible),
            ("%Y-%m-%d", "2021-13-01", Impossible),
            ("%d/%m/%Y", "31/04/2020", Impossible),
            ("%d/%m/%Y", "00/04/2020", Impossible),
            ("%Y-%m-%d", "1599-12-31", OutOfRange),
            ("%Y-%m-%d", "2201-01-01", OutOfRange),
            ("%d/%m/%Y", "01/02/20", OutOfRange),
            ("%b %Y", "foo 2020", Mismatch),
            ("%b %Y", "ene", Mismatch),
            ("%a %Y-%m-%d", "Mon 2020-01-01", Impossible),
        ];
        for (format, cell, expected) in cases {
            assert_eq!(read(format, cell), Err(expected), "{cell} as {format}");
        }
    }

    #[test]
    fn a_format_must_determine_a_year() {
        for format in ["", "%m-%d", "%H:%M", "date", "%Q", "%Y-%", "%Y-Q%q", "%y%", &"%Y ".repeat(30)] {
            assert!(DateFormat::compile(format).is_none(), "{format}");
        }
        let precision = |format| DateFormat::compile(format).map(|format| format.precision);
        assert_eq!(precision("%Y"), Some(Grain::Year));
        assert_eq!(precision("%y"), Some(Grain::Year));
        assert_eq!(precision("%Y %H:%M"), Some(Grain::Year));
        assert_eq!(precision("%b %Y"), Some(Grain::Month));
        assert_eq!(precision("%Y-%m-%d"), Some(Grain::Day));
        assert_eq!(precision("%D"), Some(Grain::Day));
    }
}
