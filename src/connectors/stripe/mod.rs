//! Stripe: the ledger, payments, disputes, customers and subscriptions of an account, read with a restricted key.
//!
//! What never changes (balance transactions) is read by time of creation. What changes is read in the same way, and then
//! once more wherever an event says so; every week the last five weeks are read again, because not every change has an
//! event. Subscriptions are listed whole once a day, for a snapshot. `state.rs` says in which order.

mod catalog;
mod changes;
mod client;
mod compare;
mod connector;
mod cursor;
mod errors;
mod key;
mod measures;
mod money;
mod mrr;
mod pages;
mod retry;
mod scan;
mod state;
mod streams;
#[cfg(test)]
mod tests;
mod turn;
mod wire;

pub use catalog::keys;
pub use client::StripeClient;
pub use connector::Stripe;
pub use retry::Pauses;

/// The provider's name in sources and external ids.
pub const PROVIDER: &str = "stripe";
/// The version of the API whose shapes this code knows; without it an account's own would apply.
pub const VERSION: &str = "2026-07-29.dahlia";
/// The measure of the ledger: what a transaction adds to the balance. No metric, but what the figures are checked with.
pub const BALANCE: &str = "stripe.balance";
/// Days, today included, whose figures are still expected to change.
pub const PROVISIONAL_DAYS: i64 = 1;
/// Objects of a page, Stripe's maximum.
const PAGE: usize = 100;
/// Pages of a batch: what is written at once, and what is lost at most.
const PAGES: usize = 10;
/// Objects of a batch that are asked for one by one.
const OBJECTS: usize = 100;
