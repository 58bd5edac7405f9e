//! The client portal: one Rust binary behind Azure Functions.
//!
//! `docs/architecture.md` shows the layers; `tests/layers.rs` holds them.

pub mod connectors;
pub mod domain;
