//! Why a row was not imported, in words.

use super::dates::DateFault;
use super::numbers::{DecimalMark, NumberFault};
use super::{MAX_DIMENSION_VALUE, shorten};

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Line of the file where the row begins; the header is on line 1.
    pub line: u32,
    /// The column at fault; `None` when the row as a whole is.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a row. Texts are cut to forty characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Another number of cells than the header has.
    FieldCount {
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        found: usize,
        /// Lines that the row covers; many point to a quote that closes late.
        lines: u32,
    },
    /// A quote that never closes; these many lines up to the end of the file were not read.
    UnclosedQuote(u32),
    /// No date in a row that has values.
    DateMissing,
    /// The date does not follow the format.
    DateMismatch {
        /// The cell.
        text: String,
        /// The format of the mapping.
        format: String,
    },
    /// No such day in the calendar.
    DateImpossible(String),
    /// Before 1600 or after 2200.
    DateOutOfRange(String),
    /// Not a number.
    NotANumber(String),
    /// A number, but with the other decimal mark than the mapping says.
    WrongDecimalMark {
        /// The cell.
        text: String,
        /// The mark of the mapping.
        mark: DecimalMark,
    },
    /// A number with a currency or percent sign.
    Symbol {
        /// The cell.
        text: String,
        /// The sign.
        symbol: char,
    },
    /// Infinity.
    Infinite(String),
    /// 10^18 or more in absolute value.
    TooLarge(String),
    /// More than 28 significant digits.
    TooManyDigits(String),
    /// Bytes that the encoding does not have.
    InvalidText(String),
    /// A dimension value that is too long.
    DimensionTooLong(String),
    /// A second value where there may be one.
    Repeated {
        /// The line that stands.
        first: u32,
    },
}

impl Reason {
    pub(super) fn of_date(fault: DateFault, cell: &str, format: &str) -> Self {
        let text = shorten(cell);
        match fault {
            DateFault::Mismatch if text.is_empty() => Self::DateMissing,
            DateFault::Mismatch => Self::DateMismatch { text, format: shorten(format) },
            DateFault::Impossible => Self::DateImpossible(text),
            DateFault::OutOfRange => Self::DateOutOfRange(text),
        }
    }

    pub(super) fn of_number(fault: NumberFault, cell: &str, mark: DecimalMark) -> Self {
        let text = shorten(cell);
        match fault {
            NumberFault::NotANumber => Self::NotANumber(text),
            NumberFault::WrongMark => Self::WrongDecimalMark { text, mark },
            NumberFault::Symbol(symbol) => Self::Symbol { text, symbol },
            NumberFault::Infinite => Self::Infinite(text),
            NumberFault::TooLarge => Self::TooLarge(text),
            NumberFault::TooManyDigits => Self::TooManyDigits(text),
        }
    }

    /// A stable name for the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FieldCount { .. } => "field_count",
            Self::UnclosedQuote(_) => "unclosed_quote",
            Self::DateMissing => "date_missing",
            Self::DateMismatch { .. } => "date_mismatch",
            Self::DateImpossible(_) => "date_impossible",
            Self::DateOutOfRange(_) => "date_out_of_range",
            Self::NotANumber(_) => "not_a_number",
            Self::WrongDecimalMark { .. } => "wrong_decimal_mark",
            Self::Symbol { .. } => "symbol",
            Self::Infinite(_) => "infinite",
            Self::TooLarge(_) => "too_large",
            Self::TooManyDigits(_) => "too_many_digits",
            Self::InvalidText(_) => "invalid_text",
            Self::DimensionTooLong(_) => "dimension_too_long",
            Self::Repeated { .. } => "repeated",
        }
    }

    fn es(&self) -> String {
        match self {
            Self::FieldCount { expected, found, lines } => {
                let quote = if *lines > 1 {
                    format!(" La fila ocupa {lines} líneas: quizá falta cerrar unas comillas.")
                } else {
                    String::new()
                };
                format!("La fila tiene {found} celdas; la cabecera, {expected}.{quote}")
            }
            Self::UnclosedQuote(lines) => format!("Unas comillas no se cierran: no se han leído {lines} líneas."),
            Self::DateMissing => "Falta la fecha.".into(),
            Self::DateMismatch { text, format } => format!("La fecha «{text}» no sigue el formato {format}."),
            Self::DateImpossible(text) => format!("La fecha «{text}» no existe."),
            Self::DateOutOfRange(text) => format!("La fecha «{text}» no está entre los años 1600 y 2200."),
            Self::NotANumber(text) => format!("«{text}» no es un número."),
            Self::WrongDecimalMark { text, mark } => {
                format!("«{text}» no es un número con «{}» como signo decimal.", mark.as_char())
            }
            Self::Symbol { text, symbol } => format!("Quite «{symbol}» de «{text}»: la celda debe ser solo un número."),
            Self::Infinite(text) => format!("«{text}» no es un número finito."),
            Self::TooLarge(text) => format!("«{text}» es demasiado grande: el máximo son 18 cifras enteras."),
            Self::TooManyDigits(text) => format!("«{text}» tiene más de 28 cifras."),
            Self::InvalidText(encoding) => format!("El texto no es válido en la codificación {encoding}."),
            Self::DimensionTooLong(text) => format!("«{text}» pasa de {MAX_DIMENSION_VALUE} caracteres."),
            Self::Repeated { first } => {
                format!("Ya hay un valor para esta fecha y estas dimensiones en la línea {first}.")
            }
        }
    }

    fn en(&self) -> String {
        match self {
            Self::FieldCount { expected, found, lines } => {
                let quote = if *lines > 1 {
                    format!(" The row covers {lines} lines: a quote may not be closed.")
                } else {
                    String::new()
                };
                format!("The row has {found} cells, the header {expected}.{quote}")
            }
            Self::UnclosedQuote(lines) => format!("A quote is never closed: {lines} lines were not read."),
            Self::DateMissing => "The date is missing.".into(),
            Self::DateMismatch { text, format } => format!("The date “{text}” does not follow the format {format}."),
            Self::DateImpossible(text) => format!("The date “{text}” does not exist."),
            Self::DateOutOfRange(text) => format!("The date “{text}” is not between the years 1600 and 2200."),
            Self::NotANumber(text) => format!("“{text}” is not a number."),
            Self::WrongDecimalMark { text, mark } => {
                format!("“{text}” is not a number with “{}” as decimal mark.", mark.as_char())
            }
            Self::Symbol { text, symbol } => {
                format!("Remove “{symbol}” from “{text}”: the cell must be a plain number.")
            }
            Self::Infinite(text) => format!("“{text}” is not a finite number."),
            Self::TooLarge(text) => format!("“{text}” is too large: at most 18 digits before the decimal mark."),
            Self::TooManyDigits(text) => format!("“{text}” has more than 28 digits."),
            Self::InvalidText(encoding) => format!("The text is not valid in the encoding {encoding}."),
            Self::DimensionTooLong(text) => format!("“{text}” has more than {MAX_DIMENSION_VALUE} characters."),
            Self::Repeated { first } => format!("Line {first} already has a value for this date and these dimensions."),
        }
    }
}

impl Rejected {
    /// The sentence for a person, in Spanish.
    pub fn es(&self) -> String {
        match &self.column {
            Some(column) => format!("Columna «{}»: {}", shorten(column), self.reason.es()),
            None => self.reason.es(),
        }
    }

    /// The sentence for a person, in English.
    pub fn en(&self) -> String {
        match &self.column {
            Some(column) => format!("Column “{}”: {}", shorten(column), self.reason.en()),
            None => self.reason.en(),
        }
    }
}
