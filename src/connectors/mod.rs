//! The external sources: one folder per provider, and what they share.
//!
//! A connector turns a provider's answers into facts. It knows neither the database nor the clock: the access token, the
//! dates and `now` are arguments, and base URLs come from the server's configuration, never from a tenant.

pub mod contract;
pub mod csv;
pub mod error;
pub mod explanations;
pub mod ga4;
pub mod http;
pub mod oauth;
pub mod registry;
pub mod sentences;
pub mod stripe;
#[cfg(test)]
mod testing;
