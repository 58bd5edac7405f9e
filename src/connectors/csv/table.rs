//! Text to records: header names, line numbers, rows that do not fit.

use std::collections::HashSet;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::numbers::{self, DecimalMark};
use super::{CsvError, MAX_COLUMNS, MAX_ROWS, guess};

/// A cursor over the data rows of a text.
pub(super) struct Table<'a> {
    /// The text from the header on.
    text: &'a str,
    reader: Reader<&'a [u8]>,
    record: StringRecord,
    /// Column names, unique.
    header: Vec<String>,
    /// Everything before this byte of `text` has been counted in `line`.
    counted: usize,
    line: u32,
    rows: u32,
}

/// One data row.
pub(super) struct Row<'t> {
    /// Line of the file where the row begins.
    pub line: u32,
    /// How many lines it covers, more than one with newlines inside quotes.
    pub lines: u32,
    /// The cells as written.
    pub cells: &'t StringRecord,
    /// A quote opens in this row and never closes; the row swallowed the rest of the file.
    pub unclosed: bool,
}

impl Row<'_> {
    /// No cell holds any text.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

impl<'a> Table<'a> {
    /// Reads the header of `text`.
    pub fn open(text: &'a str, delimiter: u8) -> Result<Self, CsvError> {
        let (_, start) = directive(text);
        let mut table = Self {
            reader: reader(&text[start..], delimiter),
            text: &text[start..],
            record: StringRecord::new(),
            header: Vec::new(),
            counted: 0,
            line: 1 + newlines(&text[..start]),
            rows: 0,
        };
        if !table.advance()? || table.record.iter().all(|name| clean(name).is_empty()) {
            return Err(CsvError::Empty);
        }
        if table.record.len() > MAX_COLUMNS {
            let columns = table.record.len();
            return Err(CsvError::TooManyColumns { columns });
        }
        if holds_values(&table.record) {
            return Err(CsvError::NoHeader);
        }
        table.header = names(&table.record);
        Ok(table)
    }

    /// The column names.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next data row; `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, CsvError> {
        let before = self.position();
        if !self.advance()? {
            return Ok(None);
        }
        if self.rows == MAX_ROWS {
            return Err(CsvError::TooManyRows);
        }
        self.rows += 1;
        // The reader's position still stands on the line breaks that end the row before.
        let gap = self.text[before..].len() - self.text[before..].trim_start_matches(['\r', '\n']).len();
        let (start, end) = (before + gap, self.position());
        self.line += newlines(&self.text[self.counted..start]);
        self.counted = start;
        let raw = self.text[start..end].trim_end_matches(['\r', '\n']);
        let inner = newlines(raw);
        let at_end = self.text[end..].trim_start_matches(['\r', '\n']).is_empty();
        Ok(Some(Row {
            line: self.line,
            lines: inner + 1,
            cells: &self.record,
            unclosed: at_end && inner > 0 && raw.bytes().filter(|byte| *byte == b'"').count() % 2 == 1,
        }))
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.position().byte()).map_or(self.text.len(), |byte| byte.min(self.text.len()))
    }

    /// Reading from memory cannot fail and the text is valid UTF-8; a delimiter is one byte, so cells are valid too.
    fn advance(&mut self) -> Result<bool, CsvError> {
        self.reader.read_record(&mut self.record).map_err(|_error| CsvError::NotText)
    }
}

/// A reader of raw records.
pub(super) fn reader(text: &str, delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(text.as_bytes())
}

/// The delimiter that a first line `sep=;` names, and where the text goes on after that line.
pub(super) fn directive(text: &str) -> (Option<u8>, usize) {
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let named = match line.trim_end_matches(' ').as_bytes() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter @ (b',' | b';' | b'\t' | b'|')] => Some(*delimiter),
        _ => None,
    };
    if named.is_none() {
        return (None, 0);
    }
    let rest = &text[line.len()..];
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or(rest);
    (named, text.len() - rest.len())
}

/// A column name without outer blanks, line breaks and control characters.
pub(super) fn clean(name: &str) -> String {
    let words: Vec<&str> = name.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Line breaks in `text`: `\n`, `\r\n` or a lone `\r`.
fn newlines(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let breaks = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    u32::try_from(breaks.count()).unwrap_or(u32::MAX)
}

/// Every named cell of a header row reads as a number or a date.
fn holds_values(record: &StringRecord) -> bool {
    record.iter().filter(|cell| !cell.trim().is_empty()).all(|cell| {
        numbers::value(cell, DecimalMark::Dot).is_some()
            || numbers::value(cell, DecimalMark::Comma).is_some()
            || guess::is_date(cell)
    })
}

/// Unique names: the first of a kind keeps its name, the others get the next free number.
fn names(record: &StringRecord) -> Vec<String> {
    let mut taken: HashSet<String> = record.iter().map(clean).collect();
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(record.len());
    for (index, cell) in record.iter().enumerate() {
        let name = clean(cell);
        if !name.is_empty() && seen.insert(name.clone()) {
            names.push(name);
            continue;
        }
        let base = if name.is_empty() { format!("column {}", index + 1) } else { name };
        let mut free = base.clone();
        let mut number = 2;
        while !taken.insert(free.clone()) {
            free = format!("{base} ({number})");
            number += 1;
        }
        names.push(free);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, delimiter: u8) -> Vec<(u32, Vec<String>)> {
        let mut table = Table::open(text, delimiter).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = table.next_row().unwrap() {
            rows.push((row.line, row.cells.iter().map(str::to_owned).collect()));
        }
        rows
    }

    fn lines(text: &str) -> Vec<u32> {
        rows(text, b',').into_iter().map(|row| row.0).collect()
    }

    fn header(text: &str) -> Vec<String> {
        Table::open(text, b',').unwrap().header().to_vec()
    }

    #[test]
    fn line_numbers_are_those_of_the_file() {
        assert_eq!(lines("a,b\n1,2\n3,4\n"), [2, 3]);
        assert_eq!(lines("a,b\r\n1,2\r\n3,4"), [2, 3]);
        assert_eq!(lines("a,b\r1,2\r3,4\r"), [2, 3]);
        assert_eq!(lines("a,b\n\n1,2\n\n\n3,4\n"), [3, 6]);
        assert_eq!(lines("a,b\n1,\"x\ny\"\n3,4\n"), [2, 4]);
        assert_eq!(lines("a,b\r\n1,\"x\r\n\r\ny\"\r\n\r\n3,4\r\n"), [2, 6]);
        assert_eq!(lines("\n\na,b\n1,2\n"), [4]);
        assert_eq!(lines("\"a\nx\",b\n1,2\n"), [3]);
    }

    #[test]
    fn a_first_line_that_names_the_delimiter_is_not_the_header() {
        assert_eq!(directive("sep=;\r\na;b"), (Some(b';'), 7));
        assert_eq!(directive("separator;b"), (None, 0));
        assert_eq!(rows("sep=;\r\na;b\r\n1;2\r\n", b';'), [(3, vec!["1".into(), "2".into()])]);
    }

    #[test]
    fn names_are_trimmed_unique_and_never_empty() {
        assert_eq!(header(" a ,b\n"), ["a", "b"]);
        assert_eq!(header("a,a,a (2),a\n"), ["a", "a (3)", "a (2)", "a (4)"]);
        assert_eq!(header("a,,b,\n"), ["a", "column 2", "b", "column 4"]);
        assert_eq!(header("column 2,\n"), ["column 2", "column 2 (2)"]);
        assert_eq!(header("\"two\nlines\",b\n"), ["two lines", "b"]);
    }

    #[test]
    fn a_file_without_header_is_refused() {
        let refused = |text: &str| Table::open(text, b',').err();
        assert_eq!(refused(""), Some(CsvError::Empty));
        assert_eq!(refused("\n\n"), Some(CsvError::Empty));
        assert_eq!(refused(",,\n1,2,3\n"), Some(CsvError::Empty));
        assert_eq!(refused("2020-01-01,5\n2020-01-02,6\n"), Some(CsvError::NoHeader));
        assert_eq!(refused("Country,2020,2021\n"), None);
        assert_eq!(refused(&"a,".repeat(MAX_COLUMNS)), Some(CsvError::TooManyColumns { columns: MAX_COLUMNS + 1 }));
    }

    #[test]
    fn a_quote_that_never_closes_is_told_from_a_quoted_newline() {
        let unclosed = |text: &str| {
            let mut table = Table::open(text, b',').unwrap();
            let mut found = Vec::new();
            while let Some(row) = table.next_row().unwrap() {
                found.push((row.line, row.lines, row.unclosed));
            }
            found
        };
        assert_eq!(unclosed("a,b\n1,\"x\n2,y\n3,z\n"), [(2, 3, true)]);
        assert_eq!(unclosed("a,b\n1,\"x\ny\"\n"), [(2, 2, false)]);
        assert_eq!(unclosed("a,b\n1,5\" pipe\n2,y\n"), [(2, 1, false), (3, 1, false)]);
    }

    #[test]
    fn rows_are_counted_up_to_the_limit() {
        let mut text = String::from("a\n");
        text.push_str(&"x\n".repeat(MAX_ROWS as usize + 1));
        let mut table = Table::open(&text, b',').unwrap();
        for _ in 0..MAX_ROWS {
            assert!(table.next_row().unwrap().is_some());
        }
        assert_eq!(table.next_row().err(), Some(CsvError::TooManyRows));
    }
}
