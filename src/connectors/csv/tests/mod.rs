//! The file source as a whole.

mod files;
