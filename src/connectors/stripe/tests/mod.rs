//! The connector against a small Stripe on loopback, with a reader in the engine's place that does what batches say.

mod failures;
mod fixtures;
mod harness;
mod ledger;
mod measures;
mod mrr;
mod planning;
mod syncs;
