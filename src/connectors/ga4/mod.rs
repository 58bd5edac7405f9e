//! Google Analytics 4: the Data API's reports and the Admin API's properties.

mod catalog;
mod client;
mod connector;
mod errors;
mod normalise;
mod periods;
mod plan;
mod reports;
mod slice;
#[cfg(test)]
mod tests;
mod users;
mod window;
mod wire;

use std::time::Duration;

pub use client::Ga4Client;
pub use connector::Ga4;
pub use slice::{FetchPlan, Note, Property, PropertyDetails, Slice};

/// The provider's name in sources and external ids.
pub const PROVIDER: &str = "ga4";
/// The one scope; it serves the Data API and the Admin API's account summaries.
pub const SCOPES: [&str; 1] = ["https://www.googleapis.com/auth/analytics.readonly"];
/// The waits before the two retries of a call that failed with a server error. There are no more because Google blocks
/// a property for the project after ten server errors in an hour.
pub const RETRY_WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];
/// How long to leave a property alone after a call used up its retries, for the same reason.
pub const SERVER_ERROR_PAUSE: Duration = Duration::from_mins(15);
/// Days, today included, whose figures Google may still change.
pub const PROVISIONAL_DAYS: i64 = 3;
