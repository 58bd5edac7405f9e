//! What can be wrong with a mapping, in words.

use super::shorten;
use crate::domain::period::Grain;

/// A problem of one field of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field, for example `metrics[0].key`.
    pub field: String,
    /// What is wrong with it.
    pub problem: MappingProblem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappingProblem {
    /// Not the JSON of a mapping; holds the parser's words.
    Malformed(String),
    /// The file has no such column.
    UnknownColumn(String),
    /// No metric at all.
    NoMetric,
    /// More entries than this.
    TooMany(usize),
    /// A key or a dimension twice.
    Duplicate(String),
    /// A key with other characters than allowed, or too long.
    BadKey(String),
    /// A key of another connector, or the dimension name `date`.
    Reserved(String),
    /// Blank where a text is needed.
    Blank,
    /// More characters than this.
    TooLong(usize),
    /// A control character in a text.
    ControlCharacter,
    /// The date column as a metric or a dimension.
    IsTheDate,
    /// Not a date format.
    BadFormat(String),
    /// A format without the day or month that the grain needs.
    FormatTooCoarse {
        /// The format.
        format: String,
        /// The grain.
        grain: Grain,
    },
    /// A grain that files cannot have.
    UnsupportedGrain,
    /// Not an encoding.
    UnknownEncoding(String),
}

impl FieldError {
    /// A stable name for the API.
    pub const fn code(&self) -> &'static str {
        match self.problem {
            MappingProblem::Malformed(_) => "malformed",
            MappingProblem::UnknownColumn(_) => "unknown_column",
            MappingProblem::NoMetric | MappingProblem::Blank => "required",
            MappingProblem::TooMany(_) => "too_many",
            MappingProblem::Duplicate(_) => "duplicate",
            MappingProblem::BadKey(_) => "bad_key",
            MappingProblem::Reserved(_) => "reserved",
            MappingProblem::TooLong(_) => "too_long",
            MappingProblem::ControlCharacter => "control_character",
            MappingProblem::IsTheDate => "column_reused",
            MappingProblem::BadFormat(_) => "bad_format",
            MappingProblem::FormatTooCoarse { .. } => "format_too_coarse",
            MappingProblem::UnsupportedGrain => "unsupported_grain",
            MappingProblem::UnknownEncoding(_) => "unknown_encoding",
        }
    }

    /// The sentence for a person, in Spanish.
    pub fn es(&self) -> String {
        match &self.problem {
            MappingProblem::Malformed(words) => format!("La asignación no es válida: {words}."),
            MappingProblem::UnknownColumn(name) => format!("El archivo no tiene la columna «{}».", shorten(name)),
            MappingProblem::NoMetric => "Elija al menos una métrica.".into(),
            MappingProblem::TooMany(most) => format!("Como máximo {most}."),
            MappingProblem::Duplicate(name) => format!("«{}» está repetido.", shorten(name)),
            MappingProblem::BadKey(key) => format!(
                "«{}» no sirve como clave: una letra y hasta 63 letras sin acento, cifras, «_», «.» o «-».",
                shorten(key)
            ),
            MappingProblem::Reserved(name) => format!("«{}» está reservado.", shorten(name)),
            MappingProblem::Blank => "Falta el texto.".into(),
            MappingProblem::TooLong(longest) => format!("Como máximo {longest} caracteres."),
            MappingProblem::ControlCharacter => "El texto tiene caracteres de control.".into(),
            MappingProblem::IsTheDate => "Esta columna ya es la fecha.".into(),
            MappingProblem::BadFormat(format) => format!("«{}» no es un formato de fecha.", shorten(format)),
            MappingProblem::FormatTooCoarse { format, grain } => format!(
                "El formato «{}» no dice {}.",
                shorten(format),
                if *grain == Grain::Day { "el día" } else { "el mes" }
            ),
            MappingProblem::UnsupportedGrain => "El periodo puede ser día, mes o año.".into(),
            MappingProblem::UnknownEncoding(label) => format!("No se conoce la codificación «{}».", shorten(label)),
        }
    }

    /// The sentence for a person, in English.
    pub fn en(&self) -> String {
        match &self.problem {
            MappingProblem::Malformed(words) => format!("The mapping is not valid: {words}."),
            MappingProblem::UnknownColumn(name) => format!("The file has no column “{}”.", shorten(name)),
            MappingProblem::NoMetric => "Choose at least one metric.".into(),
            MappingProblem::TooMany(most) => format!("At most {most}."),
            MappingProblem::Duplicate(name) => format!("“{}” is there twice.", shorten(name)),
            MappingProblem::BadKey(key) => format!(
                "“{}” cannot be a key: a letter, then up to 63 plain letters, digits, “_”, “.” or “-”.",
                shorten(key)
            ),
            MappingProblem::Reserved(name) => format!("“{}” is reserved.", shorten(name)),
            MappingProblem::Blank => "The text is missing.".into(),
            MappingProblem::TooLong(longest) => format!("At most {longest} characters."),
            MappingProblem::ControlCharacter => "The text has control characters.".into(),
            MappingProblem::IsTheDate => "This column is the date already.".into(),
            MappingProblem::BadFormat(format) => format!("“{}” is not a date format.", shorten(format)),
            MappingProblem::FormatTooCoarse { format, grain } => format!(
                "The format “{}” does not say the {}.",
                shorten(format),
                if *grain == Grain::Day { "day" } else { "month" }
            ),
            MappingProblem::UnsupportedGrain => "The period may be day, month or year.".into(),
            MappingProblem::UnknownEncoding(label) => format!("The encoding “{}” is not known.", shorten(label)),
        }
    }
}
