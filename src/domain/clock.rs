//! Time as an argument.

use time::OffsetDateTime;

/// Where business code gets the present instant from. Leases and `run_at` use the database's clock instead.
pub trait Clock: Send + Sync {
    /// The present instant in UTC.
    fn now(&self) -> OffsetDateTime;
}
