//! Black-box tests: the real router, a real database per test, and stand-ins for the clock, the queue and Google.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod auth;
mod connections;
mod door;
mod envelopes;
mod figures;
mod files;
mod guards;
mod harness;
mod invitations;
mod isolation;
mod mail;
mod matrix;
mod noisy;
mod oauth;
mod operator;
mod pool;
mod reseal;
mod runs;
mod sources;
mod team;
mod tenant;
mod tokens;
mod versions;
mod withdrawals;
