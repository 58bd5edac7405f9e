//! A sandbox of Google and Stripe on loopback: OAuth, the Analytics Admin and Data APIs, Stripe for reading, and a control
//! API for tests and demos.
//!
//! A client cannot tell it from the vendors but by its base URLs; its people, properties and figures are invented. Everything
//! is served on one port, `/__control` included. Where a behaviour follows a vendor's documentation, the module that has it
//! says so.

mod authorize;
mod bodies;
mod catalogue;
mod clock;
mod consent;
mod control;
mod edge;
mod faults;
mod ga4;
mod grants;
mod journal;
mod season;
mod stripe;
mod token;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::clock::Clock;
use self::faults::Faults;
use self::ga4::quota::Quotas;
use self::ga4::reply::ApiError;
use self::grants::Grants;
use self::journal::Journal;
use self::stripe::Stripe;

/// What a sandbox needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// File with the clock's offset in seconds, shared with the handler; need not exist.
    pub clock_file: PathBuf,
    /// The one OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its one redirect URI, compared exactly.
    pub redirect_uri: String,
    /// File for consents and tokens, so that connections outlive a restart; need not exist.
    pub state_file: PathBuf,
    /// Picks the figures: the same seed gives the same ones.
    pub seed: u64,
}

/// A running sandbox; it ends when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// State of all handlers. The locks are held for moments only, never across an await.
struct Shared {
    client_id: String,
    client_secret: String,
    redirect_uri: String,
    seed: u64,
    clock: Clock,
    grants: Mutex<Grants>,
    quotas: Mutex<Quotas>,
    faults: Mutex<Faults>,
    journal: Mutex<Journal>,
    stripe: Stripe,
}

/// Locks, also after a panic of another holder: each holder leaves whole values behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stripe's keys and what each shows, for people who want to connect.
pub fn stripe_keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    stripe::accounts::KEYS.iter().map(|key| (key.secret, key.about))
}

/// Starts a sandbox on a free port of 127.0.0.1. Fails if the state file cannot be read or no port can be opened.
pub async fn start(config: Config) -> std::io::Result<Sandbox> {
    let shared = Arc::new(Shared {
        client_id: config.client_id,
        client_secret: config.client_secret,
        redirect_uri: config.redirect_uri,
        seed: config.seed,
        clock: Clock::new(config.clock_file),
        grants: Mutex::new(Grants::load(config.state_file)?),
        quotas: Mutex::default(),
        faults: Mutex::default(),
        journal: Mutex::default(),
        stripe: Stripe::default(),
    });
    let upstreams = Router::new()
        .merge(authorize::routes())
        .merge(token::routes())
        .merge(ga4::routes())
        .merge(stripe::routes())
        .fallback(async || ApiError::not_found())
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), edge::pass));
    let app = upstreams.merge(control::routes()).with_state(shared);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the sandbox has stopped");
        }
    });
    Ok(Sandbox { address, server })
}
