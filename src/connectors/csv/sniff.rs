//! Which delimiter and which decimal mark a file uses, by evidence from its cells.

use super::mapping::Delimiter;
use super::numbers::{self, DecimalMark};
use super::table::{self, Table};
use super::{CsvError, guess};

/// Records that are looked at to find the delimiter.
const SAMPLE: usize = 100;

/// The delimiter under which most of the first rows have as many cells as the header, and most cells are values.
pub(super) fn delimiter(text: &str) -> Delimiter {
    if let (Some(named), _) = table::directive(text) {
        return Delimiter::from_byte(named);
    }
    let scored = Delimiter::ALL.map(|delimiter| (delimiter, score(text, delimiter.as_byte())));
    // The first of equals wins, so the comma leads.
    let best = scored.iter().rev().max_by_key(|(_, score)| *score);
    best.map_or(Delimiter::Comma, |(delimiter, _)| *delimiter)
}

/// Parts per thousand of rows that fit the header times those of cells that are numbers or dates, then the width.
fn score(text: &str, delimiter: u8) -> (usize, usize) {
    let mut records = table::reader(text, delimiter).into_records().map_while(Result::ok);
    let Some(header) = records.next() else {
        return (0, 0);
    };
    let width = header.len();
    if width < 2 {
        return (0, 0);
    }
    let (mut rows, mut fitting, mut cells, mut values) = (0, 0, 0, 0);
    for record in records.take(SAMPLE) {
        rows += 1;
        fitting += usize::from(record.len() == width);
        for cell in record.iter().map(str::trim).filter(|cell| !cell.is_empty()) {
            cells += 1;
            values += usize::from(is_value(cell));
        }
    }
    if rows == 0 {
        return (1, width);
    }
    let share = |part: usize, whole: usize| part * 1_000 / usize::max(whole, 1);
    (share(fitting, rows) * (500 + share(values, cells)), width)
}

fn is_value(cell: &str) -> bool {
    let number = |mark| numbers::value(cell, mark).is_some();
    cell.bytes().any(|byte| byte.is_ascii_digit())
        && (number(DecimalMark::Dot) || number(DecimalMark::Comma) || guess::is_date(cell))
}

/// What the cells of one column say about the decimal mark.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    /// Cells that hold something.
    pub filled: u32,
    /// Cells that are numbers with a decimal dot.
    pub dot: u32,
    /// Cells that are numbers with a decimal comma.
    pub comma: u32,
    either: u32,
    /// `1.234`: a number under both marks, with different values.
    open_dot: u32,
    open_comma: u32,
    /// Whole numbers without any mark, below and from one thousand on.
    short: u32,
    long: u32,
}

impl Evidence {
    /// Weighs one more cell that is not a gap.
    pub fn observe(&mut self, cell: &str) {
        self.filled += 1;
        let dot = numbers::value(cell, DecimalMark::Dot);
        let comma = numbers::value(cell, DecimalMark::Comma);
        self.dot += u32::from(dot.is_some());
        self.comma += u32::from(comma.is_some());
        self.either += u32::from(dot.is_some() || comma.is_some());
        let (Some(dot), Some(comma)) = (dot, comma) else {
            return;
        };
        if dot != comma {
            self.open_dot += u32::from(cell.contains('.'));
            self.open_comma += u32::from(cell.contains(','));
        } else if cell.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'+') {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            self.short += u32::from(digits <= 3);
            self.long += u32::from(digits > 3);
        }
    }

    /// Cells that only one mark explains: (dot, comma).
    fn clear(&self) -> (u64, u64) {
        (u64::from(self.either - self.comma), u64::from(self.either - self.dot))
    }

    /// What a column of `1.234` suggests: beside 5678 the mark is a decimal mark, beside 56 it groups thousands.
    fn hints(&self) -> (u64, u64) {
        let (dot, comma) = (u64::from(self.open_dot), u64::from(self.open_comma));
        if self.clear() != (0, 0) {
            (0, 0)
        } else if self.long > 0 {
            (dot, comma)
        } else if self.short > 0 {
            (comma, dot)
        } else {
            (0, 0)
        }
    }

    /// Enough of the cells are numbers for the column to have a say.
    fn counts(&self) -> bool {
        u64::from(self.either) * 5 >= u64::from(self.filled) * 4 && self.either > 0
    }
}

/// The decimal mark: clear cells decide, then hints of whole columns, then the custom that goes with the delimiter.
pub(super) fn decimal(columns: &[Evidence], delimiter: Delimiter) -> DecimalMark {
    let total = |of: fn(&Evidence) -> (u64, u64)| {
        let columns = columns.iter().filter(|column| column.counts());
        columns.map(of).fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
    };
    for (dot, comma) in [total(Evidence::clear), total(Evidence::hints)] {
        if dot > comma {
            return DecimalMark::Dot;
        }
        if comma > dot {
            return DecimalMark::Comma;
        }
    }
    match delimiter {
        Delimiter::Semicolon => DecimalMark::Comma,
        Delimiter::Comma | Delimiter::Tab | Delimiter::Pipe => DecimalMark::Dot,
    }
}

/// The decimal mark of a whole file.
pub(super) fn decimal_of(text: &str, delimiter: Delimiter) -> Result<DecimalMark, CsvError> {
    let mut table = Table::open(text, delimiter.as_byte())?;
    let mut columns = vec![Evidence::default(); table.header().len()];
    while let Some(row) = table.next_row()? {
        for (column, cell) in columns.iter_mut().zip(row.cells) {
            if !numbers::is_gap(cell) {
                column.observe(cell);
            }
        }
    }
    Ok(decimal(&columns, delimiter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_makes_rows_fit_the_header() {
        let cases = [
            ("a,b\n1,2\n", Delimiter::Comma),
            ("a;b\n1,5;2,5\n", Delimiter::Semicolon),
            ("a\tb\n1,5\t2,5\n", Delimiter::Tab),
            ("a|b\n1;5|2,5\n", Delimiter::Pipe),
            ("a,b;c\n2020-01-01;1\n2020-01-02;2\n", Delimiter::Semicolon),
            ("when, exactly;v\n2020-01-01;1,5\n2020-01-02;2,5\n", Delimiter::Semicolon),
            ("date,note,v\n2020-01-01,\"a;b\",1\n2020-01-02,\"c;d\",2\n", Delimiter::Comma),
            ("date,note;v\n2020-01-01,a;1\n", Delimiter::Comma),
            ("a;b;c\n1;2;3\n1;2\n1;2;3\n", Delimiter::Semicolon),
            ("a,b\n\"x\ny\",1\n", Delimiter::Comma),
            ("sep=|\na,b|c\n1,2|3\n", Delimiter::Pipe),
            ("a;b", Delimiter::Semicolon),
            ("single\n1\n", Delimiter::Comma),
            ("", Delimiter::Comma),
        ];
        for (text, expected) in cases {
            assert_eq!(delimiter(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_decimal_mark_is_the_one_that_the_numbers_need() {
        let cases = [
            ("a;b\nx;1,5\n", DecimalMark::Comma),
            ("a;b\nx;1.5\n", DecimalMark::Dot),
            ("a;b\nx;1.234,5\n", DecimalMark::Comma),
            ("a;b\nx;1,234.5\n", DecimalMark::Dot),
            ("a;b\nx;1.234.567\n", DecimalMark::Comma),
            ("a;b\nx;1,234,567\n", DecimalMark::Dot),
            ("a;b\nx;0.123\n", DecimalMark::Dot),
            ("a;b\nx;1.234\nx;56\n", DecimalMark::Comma),
            ("a;b\nx;1.234\nx;5678\n", DecimalMark::Dot),
            ("a,b\nx,\"1,234\"\nx,56\n", DecimalMark::Dot),
            ("a,b\nx,\"1,5\"\n", DecimalMark::Comma),
            ("a;b\nx;1.234\n", DecimalMark::Comma),
            ("a,b\nx,1.234\n", DecimalMark::Dot),
            ("a;b\nx;5\n", DecimalMark::Comma),
            ("a,b\nx,5\n", DecimalMark::Dot),
            // A column of notes has no say.
            ("a;b\n1.5;2,5\nx;3,5\ny;4,5\n", DecimalMark::Comma),
            // One typing error does not outvote the rest.
            ("a;b\nx;1,5\nx;2,5\nx;3.5\nx;4,5\nx;5,5\n", DecimalMark::Comma),
        ];
        for (text, expected) in cases {
            assert_eq!(decimal_of(text, delimiter(text)), Ok(expected), "{text:?}");
        }
    }
}
