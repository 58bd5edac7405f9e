//! How a person says a file is to be read, and the check of that against the file's header.

use serde::{Deserialize, Serialize};

use super::dates::DateFormat;
use super::mapping_error::{FieldError, MappingProblem};
use super::{DecimalMark, MAX_DIMENSIONS, MAX_METRICS, table, text};
use crate::domain::metric::Additivity;
use crate::domain::period::Grain;

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Delimiter {
    /// `,`
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// A tabulator.
    #[serde(rename = "\t", alias = "tab")]
    Tab,
    /// `|`
    #[serde(rename = "|")]
    Pipe,
}

impl Delimiter {
    pub(super) const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    pub(super) const fn as_byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }

    pub(super) const fn from_byte(byte: u8) -> Self {
        match byte {
            b';' => Self::Semicolon,
            b'\t' => Self::Tab,
            b'|' => Self::Pipe,
            _ => Self::Comma,
        }
    }
}

/// How rows of the same period and dimensions combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// They add up.
    Sum,
    /// Their average; stored as sum and number of rows.
    Mean,
    /// The last row of the file wins.
    Last,
    /// There may be one; later ones are rejected.
    Unique,
}

impl Combine {
    /// What the metric is in the catalogue.
    pub const fn additivity(self) -> Additivity {
        match self {
            Self::Sum => Additivity::Sum,
            Self::Mean => Additivity::Ratio,
            Self::Last => Additivity::Last,
            Self::Unique => Additivity::Unique,
        }
    }
}

/// What to do when a row is rejected. The service acts on it; [`super::read`] reports in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Import the valid rows.
    #[default]
    Skip,
    /// Import nothing.
    Abort,
}

/// Where the date stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateMapping {
    /// Column name, as the preview shows it.
    pub column: String,
    /// strftime format, for example `%d/%m/%Y`.
    pub format: String,
}

/// A column that becomes a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricMapping {
    /// Column name, as the preview shows it.
    pub column: String,
    /// Key of the metric: a letter, then up to 63 letters, digits, `_`, `.` or `-`.
    pub key: String,
    /// Display name, up to 100 characters.
    pub name: String,
    /// Unit, up to 16 characters; may be empty.
    pub unit: String,
    /// How equal rows combine.
    pub additivity: Combine,
}

/// How a file is to be read. Delimiter, decimal mark and encoding may be left out and are then what [`super::preview`]
/// finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What stands between cells.
    #[serde(default)]
    pub delimiter: Option<Delimiter>,
    /// The decimal mark.
    #[serde(default)]
    pub decimal: Option<DecimalMark>,
    /// A label of the WHATWG Encoding Standard. A byte order mark in the file wins over it.
    #[serde(default)]
    pub encoding: Option<String>,
    /// The date column.
    pub date: DateMapping,
    /// Length of the periods: day, month or year.
    pub grain: Grain,
    /// The metrics, at least one.
    pub metrics: Vec<MetricMapping>,
    /// Columns that become dimensions, by name.
    #[serde(default)]
    pub dimensions: Vec<String>,
    /// What to do when a row is rejected.
    #[serde(default)]
    pub on_error: OnError,
    /// Whether what the source had before and this file lacks is to be deleted. The service acts on it.
    #[serde(default)]
    pub replace: bool,
}

/// A mapping resolved to column numbers.
pub(super) struct Plan {
    pub date: usize,
    pub format: DateFormat,
    pub grain: Grain,
    pub metrics: Vec<(usize, Combine)>,
    pub dimensions: Vec<usize>,
}

/// Longest display name of a metric and longest dimension name, in characters.
const MAX_NAME: usize = 100;
/// Longest unit, in characters.
const MAX_UNIT: usize = 16;
/// Longest key, in bytes.
const MAX_KEY: usize = 64;
/// Beginnings of keys that belong to the other connectors.
const RESERVED: [&str; 2] = ["ga4.", "stripe."];

impl Mapping {
    /// Reads the JSON of a request. The error names what the JSON lacks or has too much.
    pub fn from_json(json: &[u8]) -> Result<Self, FieldError> {
        serde_json::from_slice(json).map_err(|error| FieldError {
            field: "mapping".into(),
            problem: MappingProblem::Malformed(error.to_string()),
        })
    }

    /// Every problem of the mapping with a file of these columns; empty when it can be read.
    pub fn validate(&self, header: &[String]) -> Vec<FieldError> {
        self.plan(header).err().unwrap_or_default()
    }

    pub(super) fn plan(&self, header: &[String]) -> Result<Plan, Vec<FieldError>> {
        let mut check = Check { header, errors: Vec::new() };
        if let Some(label) = &self.encoding
            && text::encoding(label).is_none()
        {
            check.fail("encoding", MappingProblem::UnknownEncoding(label.clone()));
        }
        let date = check.column("date.column", &self.date.column);
        let format = self.date_format(&mut check);
        let metrics = self.metrics(&mut check, date);
        let dimensions = self.dimensions(&mut check, date);
        match (date, format) {
            (Some(date), Some(format)) if check.errors.is_empty() => {
                Ok(Plan { date, format, grain: self.grain, metrics, dimensions })
            }
            _ => Err(check.errors),
        }
    }

    fn date_format(&self, check: &mut Check<'_>) -> Option<DateFormat> {
        let supported = matches!(self.grain, Grain::Day | Grain::Month | Grain::Year);
        if !supported {
            check.fail("grain", MappingProblem::UnsupportedGrain);
        }
        let Some(format) = DateFormat::compile(&self.date.format) else {
            check.fail("date.format", MappingProblem::BadFormat(self.date.format.clone()));
            return None;
        };
        if supported && format.precision > self.grain {
            let format = self.date.format.clone();
            let grain = self.grain;
            check.fail("date.format", MappingProblem::FormatTooCoarse { format, grain });
        }
        Some(format)
    }

    fn metrics(&self, check: &mut Check<'_>, date: Option<usize>) -> Vec<(usize, Combine)> {
        if self.metrics.is_empty() {
            check.fail("metrics", MappingProblem::NoMetric);
        }
        if self.metrics.len() > MAX_METRICS {
            check.fail("metrics", MappingProblem::TooMany(MAX_METRICS));
        }
        let mut found = Vec::new();
        for (index, metric) in self.metrics.iter().enumerate().take(MAX_METRICS) {
            let field = |name: &str| format!("metrics[{index}].{name}");
            let column = check.column(&field("column"), &metric.column);
            if column.is_some() && column == date {
                check.fail(&field("column"), MappingProblem::IsTheDate);
            }
            check.key(&field("key"), &metric.key);
            if self.metrics[..index].iter().any(|earlier| earlier.key == metric.key) {
                check.fail(&field("key"), MappingProblem::Duplicate(metric.key.clone()));
            }
            if metric.name.trim().is_empty() {
                check.fail(&field("name"), MappingProblem::Blank);
            }
            check.text(&field("name"), &metric.name, MAX_NAME);
            check.text(&field("unit"), &metric.unit, MAX_UNIT);
            found.extend(column.map(|column| (column, metric.additivity)));
        }
        found
    }

    fn dimensions(&self, check: &mut Check<'_>, date: Option<usize>) -> Vec<usize> {
        if self.dimensions.len() > MAX_DIMENSIONS {
            check.fail("dimensions", MappingProblem::TooMany(MAX_DIMENSIONS));
        }
        let mut found = Vec::new();
        for (index, name) in self.dimensions.iter().enumerate().take(MAX_DIMENSIONS) {
            let field = format!("dimensions[{index}]");
            let Some(column) = check.column(&field, name) else {
                continue;
            };
            if Some(column) == date {
                check.fail(&field, MappingProblem::IsTheDate);
            } else if found.contains(&column) {
                check.fail(&field, MappingProblem::Duplicate(name.clone()));
            } else if check.header[column] == "date" {
                // Tables name the period of a row `date`.
                check.fail(&field, MappingProblem::Reserved(name.clone()));
            }
            check.text(&field, name, MAX_NAME);
            found.push(column);
        }
        found
    }
}

/// Collects problems.
struct Check<'h> {
    header: &'h [String],
    errors: Vec<FieldError>,
}

impl Check<'_> {
    fn fail(&mut self, field: &str, problem: MappingProblem) {
        let field = field.to_owned();
        self.errors.push(FieldError { field, problem });
    }

    fn column(&mut self, field: &str, name: &str) -> Option<usize> {
        let wanted = table::clean(name);
        let found = self.header.iter().position(|column| *column == wanted);
        if found.is_none() {
            self.fail(field, MappingProblem::UnknownColumn(name.to_owned()));
        }
        found
    }

    fn key(&mut self, field: &str, key: &str) {
        let mut bytes = key.bytes();
        let begins = bytes.next().is_some_and(|first| first.is_ascii_alphabetic());
        let goes_on = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if !begins || !goes_on || key.len() > MAX_KEY {
            self.fail(field, MappingProblem::BadKey(key.to_owned()));
        }
        let lower = key.to_ascii_lowercase();
        if RESERVED.iter().any(|prefix| lower.starts_with(prefix)) {
            self.fail(field, MappingProblem::Reserved(key.to_owned()));
        }
    }

    fn text(&mut self, field: &str, text: &str, longest: usize) {
        if text.chars().count() > longest {
            self.fail(field, MappingProblem::TooLong(longest));
        } else if text.chars().any(char::is_control) && !field.starts_with("dimensions") {
            self.fail(field, MappingProblem::ControlCharacter);
        }
    }
}
