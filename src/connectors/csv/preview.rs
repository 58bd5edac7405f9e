//! What a file looks like, as a proposal of how to read it.

use serde::Serialize;
use time::Date;

use super::guess::{self, Trial};
use super::mapping::Delimiter;
use super::numbers::{self, DecimalMark};
use super::sniff::{self, Evidence};
use super::table::Table;
use super::{CsvError, shorten, text};
use crate::domain::period::Grain;

/// What a file looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Preview {
    /// What stands between cells.
    pub delimiter: Delimiter,
    /// The decimal mark.
    pub decimal: DecimalMark,
    /// The encoding, as the WHATWG Encoding Standard names it, in lower case.
    pub encoding: String,
    /// The columns in the order of the file.
    pub columns: Vec<Column>,
    /// Data rows.
    pub rows: u32,
}

/// What a column looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PreviewColumn)]
pub struct Column {
    /// Its name: unique, not empty, as mappings use it.
    pub name: String,
    /// What most of its cells are.
    pub kind: Kind,
    /// Up to five different values that are not gaps, cut to forty characters.
    pub sample: Vec<String>,
    /// The strftime format of a date column.
    pub date_format: Option<String>,
    /// The length of the periods of a date column, by its format and its dates.
    pub grain: Option<Grain>,
}

/// What the cells of a column are: at least four in five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ColumnKind)]
pub enum Kind {
    /// Dates.
    Date,
    /// Numbers.
    Number,
    /// Anything else.
    Text,
}

/// Different values shown of a column.
const SAMPLES: usize = 5;

/// What the first pass collects of a column.
#[derive(Default)]
struct Survey {
    evidence: Evidence,
    samples: Vec<String>,
    trials: Vec<Trial>,
}

/// Looks at a file: encoding, delimiter, decimal mark, columns and number of rows. `today` helps to tell day from month
/// in dates like 03/11/2026, which a file of facts has no reason to have in the future.
pub fn preview(bytes: &[u8], today: Date) -> Result<Preview, CsvError> {
    let text = text::decode(bytes, None)?;
    let delimiter = sniff::delimiter(&text.text);
    let mut table = Table::open(&text.text, delimiter.as_byte())?;
    let header = table.header().to_vec();
    let mut columns: Vec<Survey> = header.iter().map(|_| Survey::default()).collect();
    let mut rows = 0;
    while let Some(row) = table.next_row()? {
        rows += 1;
        for (column, cell) in columns.iter_mut().zip(row.cells) {
            column.observe(cell);
        }
    }
    try_dates(&text.text, delimiter, &mut columns, today)?;
    let evidence: Vec<Evidence> = columns.iter().map(|column| column.evidence).collect();
    let decimal = sniff::decimal(&evidence, delimiter);
    let mut columns: Vec<Column> =
        columns.iter().zip(header).map(|(survey, name)| survey.column(name, decimal)).collect();
    years_without_a_name(&mut columns);
    Ok(Preview { delimiter, decimal, encoding: text::name(text.encoding), columns, rows })
}

/// The second pass: every cell of the columns that may hold dates.
fn try_dates(text: &str, delimiter: Delimiter, columns: &mut [Survey], today: Date) -> Result<(), CsvError> {
    for column in columns.iter_mut() {
        column.trials = guess::trials(&column.samples);
    }
    let mut table = Table::open(text, delimiter.as_byte())?;
    while let Some(row) = table.next_row()? {
        for (column, cell) in columns.iter_mut().zip(row.cells) {
            if !column.trials.is_empty() && !numbers::is_gap(cell) {
                for trial in &mut column.trials {
                    trial.observe(cell, today);
                }
            }
        }
    }
    Ok(())
}

/// A first column of years is the date when nothing else is, whatever its name.
fn years_without_a_name(columns: &mut [Column]) {
    if columns.iter().any(|column| column.kind == Kind::Date) {
        return;
    }
    let is_year = |cell: &String| cell.len() == 4 && ("1700"..="2100").contains(&cell.as_str());
    if let Some(first) = columns.first_mut()
        && first.kind == Kind::Number
        && first.sample.len() > 1
        && first.sample.iter().all(is_year)
    {
        first.kind = Kind::Date;
        first.date_format = Some("%Y".into());
        first.grain = Some(Grain::Year);
    }
}

impl Survey {
    fn observe(&mut self, cell: &str) {
        if numbers::is_gap(cell) {
            return;
        }
        self.evidence.observe(cell);
        let cell = cell.trim();
        if self.samples.len() < SAMPLES && !self.samples.iter().any(|sample| sample == cell) {
            self.samples.push(cell.to_owned());
        }
    }

    fn column(&self, name: String, decimal: DecimalMark) -> Column {
        let most = |count: u32| count > 0 && u64::from(count) * 5 >= u64::from(self.evidence.filled) * 4;
        let numbers = match decimal {
            DecimalMark::Dot => self.evidence.dot,
            DecimalMark::Comma => self.evidence.comma,
        };
        let date = self.date(&name).filter(|trial| most(trial.matched));
        let kind = match date {
            Some(_) => Kind::Date,
            None if most(numbers) => Kind::Number,
            None => Kind::Text,
        };
        Column {
            kind,
            sample: self.samples.iter().map(|sample| shorten(sample)).collect(),
            date_format: date.map(|trial| trial.candidate.format.clone()),
            grain: date.map(Trial::grain),
            name,
        }
    }

    /// The best date format. Digits alone are dates only where the name of the column says so and every cell fits.
    fn date(&self, name: &str) -> Option<&Trial> {
        let best = guess::best(&self.trials)?;
        let sure = !best.candidate.digits || (names_a_time(name) && best.matched == self.evidence.filled);
        sure.then_some(best)
    }
}

/// Whether a column name has a word for a date, in Spanish or English.
fn names_a_time(name: &str) -> bool {
    const WORDS: [&str; 20] = [
        "date",
        "fecha",
        "year",
        "years",
        "yr",
        "año",
        "años",
        "ano",
        "anio",
        "ejercicio",
        "month",
        "mes",
        "day",
        "día",
        "dia",
        "period",
        "periodo",
        "período",
        "time",
        "tiempo",
    ];
    name.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|word| WORDS.contains(&word))
}
