//! What lies between axum and the use cases: the guard in front of the API, extractors (the access policy), errors, and
//! the Functions host's invocation envelope.

pub mod access;
pub mod body;
pub mod error;
pub mod extract;
pub mod guard;
pub mod inputs;
pub mod invocation;
pub mod openapi;
pub mod operation;
pub mod params;
pub mod query;
pub mod routes;
pub mod source_body;
pub mod state;
pub mod turns;
pub mod wire;
