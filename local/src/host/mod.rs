//! A small Functions host: what `func` or the platform does around a custom handler, for one machine.
//!
//! It reads the same `host.json` and `function.json` files, starts the handler as a child, forwards HTTP, fires timers
//! and delivers queue messages in the JSON envelope of custom handlers.

pub mod bindings;
pub mod cron;
pub mod envelope;
pub mod invoke;
pub mod jobs;
pub mod listener;
pub mod logs;
pub mod raw_http;
pub mod route;
pub mod timers;
pub mod worker;

use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The version this host claims in its headers; the form is the real one's.
pub const HOST_VERSION: &str = "4.24.4.4";

/// A plain HTTP/1.1 client for loopback: no redirects, no proxies, no cookies, no compression.
pub type HttpClient = Client<HttpConnector, Body>;

/// Builds the client. A connection serves one request: the other side may close an idle one at the moment it is used
/// again, which would be a 502 that production does not have.
pub fn http_client() -> HttpClient {
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).set_host(true).build_http()
}
