//! Pure types and decisions: no I/O, no clock, no randomness of its own.

pub mod aggregate;
pub mod audit;
pub mod cell;
pub mod clock;
pub mod comparison;
pub mod currency;
pub mod dims;
pub mod email;
pub mod fact;
pub mod freshness;
pub mod ids;
pub mod lang;
pub mod limits;
pub mod metric;
pub mod number;
pub mod password;
pub mod period;
pub mod random;
pub mod restatement;
pub mod retry;
pub mod role;
pub mod sealed;
pub mod secret;
pub mod source;
pub mod tenant;
pub mod throttle;
