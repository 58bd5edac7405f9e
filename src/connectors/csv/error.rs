//! Why a file as a whole cannot be read.

use super::mapping_error::FieldError;
use super::{MAX_BYTES, MAX_COLUMNS, MAX_ROWS};

/// A problem of the whole file or of the mapping; nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// More than [`MAX_BYTES`].
    #[error("the file has {bytes} bytes, at most {MAX_BYTES} are read")]
    TooLarge {
        /// Size of the file.
        bytes: usize,
    },
    /// More than [`MAX_ROWS`] data rows.
    #[error("the file has more than {MAX_ROWS} rows")]
    TooManyRows,
    /// More than [`MAX_COLUMNS`] columns.
    #[error("the file has {columns} columns, at most {MAX_COLUMNS} are read")]
    TooManyColumns {
        /// Columns of the header.
        columns: usize,
    },
    /// No header and no row.
    #[error("the file is empty")]
    Empty,
    /// The first row holds values instead of column names.
    #[error("the first row holds values, not column names")]
    NoHeader,
    /// A spreadsheet or another zip archive.
    #[error("the file is a workbook or an archive, not a text file")]
    Workbook,
    /// Not a text file.
    #[error("the file is not text")]
    NotText,
    /// The mapping does not fit the file; every problem at once.
    #[error("the mapping has {} problems", .0.len())]
    Mapping(Vec<FieldError>),
}

impl CsvError {
    /// The codes of what is wrong with a whole file.
    pub const FILE_CODES: &[&str] =
        &["too_large", "too_many_rows", "too_many_columns", "empty_file", "no_header", "workbook", "not_text"];

    /// A stable name for the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::TooManyRows => "too_many_rows",
            Self::TooManyColumns { .. } => "too_many_columns",
            Self::Empty => "empty_file",
            Self::NoHeader => "no_header",
            Self::Workbook => "workbook",
            Self::NotText => "not_text",
            Self::Mapping(_) => "invalid",
        }
    }

    /// The sentence for a person, in Spanish.
    pub fn es(&self) -> String {
        match self {
            Self::TooLarge { .. } => format!("El archivo pesa más de {} MB.", MAX_BYTES / 1024 / 1024),
            Self::TooManyRows => format!("El archivo tiene más de {MAX_ROWS} filas."),
            Self::TooManyColumns { columns } => {
                format!("El archivo tiene {columns} columnas; el máximo es {MAX_COLUMNS}.")
            }
            Self::Empty => "El archivo está vacío.".into(),
            Self::NoHeader => "La primera fila tiene valores: debe tener los nombres de las columnas.".into(),
            Self::Workbook => "El archivo es un libro de cálculo o un archivo comprimido: guárdelo como CSV.".into(),
            Self::NotText => "El archivo no es de texto: guárdelo como CSV.".into(),
            Self::Mapping(_) => "La asignación de columnas no encaja con el archivo.".into(),
        }
    }

    /// The sentence for a person, in English.
    pub fn en(&self) -> String {
        match self {
            Self::TooLarge { .. } => format!("The file is larger than {} MB.", MAX_BYTES / 1024 / 1024),
            Self::TooManyRows => format!("The file has more than {MAX_ROWS} rows."),
            Self::TooManyColumns { columns } => {
                format!("The file has {columns} columns; the maximum is {MAX_COLUMNS}.")
            }
            Self::Empty => "The file is empty.".into(),
            Self::NoHeader => "The first row holds values: it must hold the names of the columns.".into(),
            Self::Workbook => "The file is a workbook or an archive: save it as CSV.".into(),
            Self::NotText => "The file is not text: save it as CSV.".into(),
            Self::Mapping(_) => "The column mapping does not fit the file.".into(),
        }
    }
}
