//! Starting the handler: settings, safety checks, listening.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::app::{self, BuildError};
use crate::config::Config;
use crate::http::state::AppState;
use crate::store::StoreError;

/// How often and how long the start waits for a database that does not answer yet.
const DATABASE_ATTEMPTS: u32 = 5;
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// The handler's whole life. Never ends with code 0: the host would not start it again.
pub fn handler_main() -> ExitCode {
    // The host takes stdout lines as information and stderr as errors, one entry a line.
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn")))
        .with_writer(std::io::stdout)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error),
    };
    match runtime.block_on(run()) {
        Ok(()) => ExitCode::from(200),
        Err(error) => refuse(error.as_ref()),
    }
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    tracing::error!(cause = %text, "The handler does not start");
    ExitCode::FAILURE
}

async fn run() -> Result<(), BuildError> {
    let config = Config::from_env()?;
    let state = app::state(&config)?;
    check_roles(&state).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
    tracing::info!(port = config.port, version = env!("CARGO_PKG_VERSION"), "Listening");
    let services = state.services.clone();
    tokio::spawn(async move { services.report_missing_keys().await });
    axum::serve(listener, app::router(state)).await?;
    Ok(())
}

/// Refuses to serve as a role that row level security does not bind. A database that does not answer is waited for a
/// little; then the start fails and the host tries again.
async fn check_roles(state: &AppState) -> Result<(), StoreError> {
    for attempt in 1..=DATABASE_ATTEMPTS {
        match state.services.database.refuse_unsafe_roles().await {
            Err(StoreError::Unavailable(error)) if attempt < DATABASE_ATTEMPTS => {
                tracing::warn!(attempt, error = %error, "The database does not answer yet");
                tokio::time::sleep(DATABASE_PAUSE).await;
            }
            done => return done,
        }
    }
    Ok(())
}
