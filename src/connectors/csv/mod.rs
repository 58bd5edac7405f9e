//! The file source: what a CSV file says, as a pure function of its bytes and a mapping. No I/O, no clock.
//!
//! An upload goes through two calls:
//!
//! 1. [`preview`] looks at the bytes alone and proposes how to read them: encoding, delimiter, decimal mark and, per
//!    column, whether it holds dates, numbers or text. A person confirms or corrects that as a [`Mapping`].
//! 2. [`read`] applies the mapping and gives a [`Reading`]: facts ready for the store, the rows that were refused with
//!    line and reason, and the counts that the import answer shows.
//!
//! From bytes to facts: `text` decodes, `table` cuts records and counts lines, `dates` and `numbers` read one cell,
//! `sniff` and `guess` weigh evidence over many cells, `mapping` checks a mapping against a header, `read` judges each
//! row, `reading` adds equal rows up.
//!
//! Rules that hold everywhere:
//!
//! - The first row is the header. Names are trimmed; a column without a name is called `column 3` (its position), a
//!   repeated name gets a number: `price`, `price (2)`. A first line `sep=;`, as Excel writes it, is honoured.
//! - Line numbers are those of the file: the header is on line 1, newlines inside quotes count.
//! - Every data row is exactly one of imported, unchanged, empty or rejected. A row that is wrong anywhere in a mapped
//!   column contributes to no metric. Rows without any text are empty, as are rows whose metrics are all gaps.
//! - A gap is an empty cell or `NA`, `N/A`, `NaN`, `null`, `None`, `-`, whatever the case. In a dimension only a blank
//!   cell is special: it becomes [`EMPTY_DIMENSION`], so no figure disappears; `NA` may be a country there.
//! - Rows equal in period and dimensions combine as [`Combine`] says. Means keep sum and count; the division is last.
//! - Memory is bounded by [`MAX_BYTES`], [`MAX_ROWS`], [`MAX_COLUMNS`] and the number of metrics in a mapping.

mod dates;
mod error;
mod guess;
mod mapping;
mod mapping_error;
mod numbers;
mod preview;
mod read;
mod reading;
mod reject;
mod sniff;
mod table;
mod text;

#[cfg(test)]
mod tests;

pub use error::CsvError;
pub use mapping::{Combine, DateMapping, Delimiter, Mapping, MetricMapping, OnError};
pub use mapping_error::{FieldError, MappingProblem};
pub use numbers::DecimalMark;
pub use preview::{Column, Kind, Preview, preview};
pub use read::read;
pub use reading::{Reading, Tally};
pub use reject::{Reason, Rejected};

/// Largest file, in bytes.
pub const MAX_BYTES: usize = 20 * 1024 * 1024;
/// Most data rows in one file.
pub const MAX_ROWS: u32 = 500_000;
/// Most columns in one file.
pub const MAX_COLUMNS: usize = 200;
/// Most metrics in one mapping.
pub const MAX_METRICS: usize = 20;
/// Most dimensions in one mapping.
pub const MAX_DIMENSIONS: usize = 5;
/// Longest dimension value, in characters.
pub const MAX_DIMENSION_VALUE: usize = 200;
/// How many rejected rows a [`Reading`] keeps with their reason; the others are only counted.
pub const MAX_REJECTED: usize = 1_000;
/// What a blank dimension cell is stored as.
pub const EMPTY_DIMENSION: &str = "(empty)";

/// At most forty characters of `text` for a message, on one line.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = text.trim().chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}
