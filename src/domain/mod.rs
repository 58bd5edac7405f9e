//! Pure types and decisions: no I/O, no clock, no randomness of its own.

pub mod fact;
pub mod metric;
pub mod period;
pub mod secret;
