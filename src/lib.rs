//! The client portal: one Rust binary behind Azure Functions.
//!
//! `docs/architecture.md` shows the layers; `tests/layers.rs` holds them.

pub mod app;
pub mod command;
pub mod config;
pub mod connectors;
pub mod domain;
#[path = "../functions/mod.rs"]
pub mod functions;
pub mod http;
pub mod platform;
pub mod serve;
pub mod services;
pub mod setup;
pub mod store;

pub use command::command_main;
pub use serve::handler_main;
