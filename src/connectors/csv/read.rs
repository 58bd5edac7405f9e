//! A file under a mapping: every row is judged as a whole, then handed on.

use rust_decimal::Decimal;
use time::{Date, Weekday};

use super::mapping::{Mapping, Plan};
use super::numbers::{self, DecimalMark};
use super::reading::{Reading, ReadingBuilder};
use super::reject::{Reason, Rejected};
use super::table::{Row, Table};
use super::text::{self, Decoded};
use super::{CsvError, EMPTY_DIMENSION, MAX_DIMENSION_VALUE, shorten, sniff};

/// Reads a file under a mapping. Rows that are wrong are in the reading with their reason; an error means that nothing
/// could be read. [`super::OnError`] and `replace` are left to the caller.
pub fn read(bytes: &[u8], mapping: &Mapping) -> Result<Reading, CsvError> {
    let wanted = mapping.encoding.as_deref().and_then(text::encoding);
    let text = text::decode(bytes, wanted)?;
    let delimiter = mapping.delimiter.unwrap_or_else(|| sniff::delimiter(&text.text));
    let mut table = Table::open(&text.text, delimiter.as_byte())?;
    let header = table.header().to_vec();
    let plan = mapping.plan(&header).map_err(CsvError::Mapping)?;
    let mark = match mapping.decimal {
        Some(mark) => mark,
        None => sniff::decimal_of(&text.text, delimiter)?,
    };
    let judge = Judge { text: &text, header: &header, plan: &plan, format: &mapping.date.format, mark };
    let mut builder = ReadingBuilder::new(mapping, &plan, &header);
    while let Some(row) = table.next_row()? {
        match judge.row(&row) {
            Ok(Some(values)) => builder.add(row.line, &values),
            Ok(None) => builder.add_empty(),
            Err(rejected) => builder.reject(rejected),
        }
    }
    Ok(builder.finish())
}

/// What a sound row says.
pub(super) struct Values<'r> {
    /// First day of its period.
    pub start: Date,
    /// Dimension values in the order of the mapping.
    pub dimensions: Vec<&'r str>,
    /// One per metric of the mapping; `None` is a gap. At least one is a value.
    pub metrics: Vec<Option<Decimal>>,
}

/// What a row is judged by.
struct Judge<'a> {
    text: &'a Decoded<'a>,
    header: &'a [String],
    plan: &'a Plan,
    format: &'a str,
    mark: DecimalMark,
}

impl Judge<'_> {
    /// `Ok(None)` for an empty row.
    fn row<'r>(&self, row: &'r Row<'_>) -> Result<Option<Values<'r>>, Rejected> {
        if row.is_blank() {
            return Ok(None);
        }
        self.shape(row)?;
        let start = self.date(row)?;
        let dimensions =
            self.plan.dimensions.iter().map(|column| self.dimension(row, *column)).collect::<Result<Vec<_>, _>>()?;
        let metrics =
            self.plan.metrics.iter().map(|(column, _)| self.number(row, *column)).collect::<Result<Vec<_>, _>>()?;
        if metrics.iter().all(Option::is_none) {
            return Ok(None);
        }
        Ok(Some(Values { start, dimensions, metrics }))
    }

    fn shape(&self, row: &Row<'_>) -> Result<(), Rejected> {
        let (expected, found) = (self.header.len(), row.cells.len());
        let reason = if row.unclosed {
            Reason::UnclosedQuote(row.lines - 1)
        } else if expected != found {
            let lines = row.lines;
            Reason::FieldCount { expected, found, lines }
        } else {
            return Ok(());
        };
        Err(Rejected { line: row.line, column: None, reason })
    }

    fn date(&self, row: &Row<'_>) -> Result<Date, Rejected> {
        let column = self.plan.date;
        let cell = self.cell(row, column)?;
        let date = self
            .plan
            .format
            .parse(cell)
            .map_err(|fault| self.reject(row, column, Reason::of_date(fault, cell, self.format)))?;
        // Files have no weeks, so the first day of the week does not matter.
        Ok(self.plan.grain.start(date, Weekday::Monday))
    }

    fn dimension<'r>(&self, row: &'r Row<'_>, column: usize) -> Result<&'r str, Rejected> {
        let cell = self.cell(row, column)?;
        if cell.is_empty() {
            return Ok(EMPTY_DIMENSION);
        }
        // The database cannot hold U+0000.
        if cell.contains('\0') {
            return Err(self.reject(row, column, self.invalid()));
        }
        if cell.chars().count() > MAX_DIMENSION_VALUE {
            return Err(self.reject(row, column, Reason::DimensionTooLong(shorten(cell))));
        }
        Ok(cell)
    }

    fn number(&self, row: &Row<'_>, column: usize) -> Result<Option<Decimal>, Rejected> {
        let cell = self.cell(row, column)?;
        if numbers::is_gap(cell) {
            return Ok(None);
        }
        numbers::parse(cell, self.mark)
            .map(Some)
            .map_err(|fault| self.reject(row, column, Reason::of_number(fault, cell, self.mark)))
    }

    /// The trimmed cell, if all of its bytes could be decoded.
    fn cell<'r>(&self, row: &'r Row<'_>, column: usize) -> Result<&'r str, Rejected> {
        let cell = row.cells.get(column).unwrap_or_default().trim();
        if self.text.spoilt(cell) {
            return Err(self.reject(row, column, self.invalid()));
        }
        Ok(cell)
    }

    fn invalid(&self) -> Reason {
        Reason::InvalidText(text::name(self.text.encoding))
    }

    fn reject(&self, row: &Row<'_>, column: usize, reason: Reason) -> Rejected {
        Rejected { line: row.line, column: self.header.get(column).cloned(), reason }
    }
}
