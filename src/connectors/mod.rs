//! The external sources: one folder per provider.
