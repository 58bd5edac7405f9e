//! The external sources: one folder per provider.

pub mod csv;
