//! The composition root: the only place that builds clients and state.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::IntoResponse;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::{Config, Profile};
use crate::connectors::ga4::{Ga4, Ga4Client, RETRY_WAITS};
use crate::connectors::http::{Backoff, UpstreamClient};
use crate::connectors::oauth::{GOOGLE_PARAMS, OAuthClient, OAuthConfig};
use crate::connectors::registry::Connectors;
use crate::connectors::stripe::{Pauses, Stripe, StripeClient};
use crate::domain::secret::Secret;
use crate::functions;
use crate::http::access;
use crate::http::body::MAX_FORM;
use crate::http::error::Problem;
use crate::http::guard::{guard, on_panic};
use crate::http::invocation;
use crate::http::state::{AppState, Door};
use crate::http::turns::Turns;
use crate::platform::clock::SystemClock;
use crate::platform::mail::Smtp;
use crate::platform::passwords::Passwords;
use crate::platform::queue::ServiceBus;
use crate::platform::random::SystemRandom;
use crate::platform::sealing::KeyRing;
use crate::services::{PortalIdentity, Services};
use crate::store::rate_counters::PgCounters;
use crate::store::{Database, OperatorDatabase};

/// Passwords hashed at the same time: each takes a core and 19 MiB.
const HASHES_AT_ONCE: usize = 2;

/// The handler could not be built.
pub type BuildError = Box<dyn std::error::Error + Send + Sync>;

/// Builds everything from the settings. Connects to nothing yet.
pub fn state(config: &Config) -> Result<AppState, BuildError> {
    let random = Arc::new(SystemRandom);
    let clock_file = config.clock_file.clone().filter(|_| config.profile == Profile::Local);
    let upstream = UpstreamClient::standard()?;
    let queue_client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(2))
        .build()?;
    let database = Database::new(&config.database_url, &config.router_database_url)?;
    let services = Services {
        database: database.clone(),
        operator_database: OperatorDatabase::new(&config.operator_database_url)?,
        clock: Arc::new(SystemClock::new(clock_file)),
        random: random.clone(),
        keys: Arc::new(KeyRing::parse(&config.key_ring)?),
        queue: Arc::new(ServiceBus::new(queue_client, config.service_bus_url.clone(), queue_token(config.profile))),
        passwords: Passwords::new(HASHES_AT_ONCE, random.as_ref())?,
        counters: Arc::new(PgCounters(database)),
        mailer: Arc::new(smtp(config)?),
        identity: Arc::new(PortalIdentity {
            origin: config.public_origin.clone(),
            name: config.portal_name.clone(),
            lenient_operators: config.profile == Profile::Local,
        }),
        imports: Arc::new(Semaphore::new(1)),
        connectors: connectors(config, &upstream, tokio::time::sleep)?,
    };
    let origin = config.public_origin.origin().ascii_serialization();
    let origins = std::iter::once(origin).chain(config.extra_origins.iter().cloned()).collect();
    let door = Arc::new(Door { origins, front_door_id: config.front_door_id });
    Ok(AppState { services, door, turns: Turns::default() })
}

/// The providers, one line each. `sleep` waits between the attempts of a call.
pub fn connectors<F, S>(config: &Config, upstream: &UpstreamClient, sleep: S) -> Result<Connectors, BuildError>
where
    S: Fn(Duration) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let pauses = Pauses::new(Arc::new(SystemRandom), sleep.clone());
    let stripe = Stripe::new(StripeClient::new(upstream.clone(), config.stripe_url.clone(), pauses));
    Ok(Connectors::new(vec![Arc::new(ga4(config, upstream, sleep)?), Arc::new(stripe)]))
}

fn ga4<F, S>(config: &Config, upstream: &UpstreamClient, sleep: S) -> Result<Ga4, BuildError>
where
    S: Fn(Duration) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let google = &config.google;
    let oauth = OAuthConfig {
        client_id: google.client_id.clone(),
        client_secret: google.client_secret.clone(),
        auth_url: google.auth_url.clone(),
        token_url: google.token_url.clone(),
        revoke_url: google.revoke_url.clone(),
        redirect_uri: config.public_origin.join("/api/oauth/callback")?,
        extra_params: GOOGLE_PARAMS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let backoff = Backoff::new(RETRY_WAITS, sleep);
    let client = Ga4Client::new(upstream.clone(), google.data_url.clone(), google.admin_url.clone(), backoff);
    Ok(Ga4::new(client, OAuthClient::new(upstream.clone(), oauth)))
}

fn smtp(config: &Config) -> Result<Smtp, BuildError> {
    let settings = &config.smtp;
    let login = settings.user.clone().zip(settings.password.clone());
    // Only a sink on the same machine is spoken to in clear.
    Ok(Smtp::new(&settings.url, login, &settings.from, config.profile == Profile::Local)?)
}

/// The local broker takes any token. Managed identity comes with the Azure adapters; until then production has none.
fn queue_token(profile: Profile) -> Option<Secret> {
    match profile {
        Profile::Local => Some(Secret::new("local")),
        Profile::Production => {
            tracing::warn!("No credential for Service Bus yet: messages will be refused");
            None
        }
    }
}

/// The router: the API behind its guard, and the job functions, which only the Functions host reaches.
pub fn router(state: AppState) -> Router {
    let panics = CatchPanicLayer::custom(on_panic);
    let api = functions::api()
        .into_router()
        .route_layer(middleware::from_fn_with_state(state.clone(), access::check))
        .fallback(|| async { Problem::not_found() })
        .layer(panics)
        .layer(middleware::from_fn_with_state(state.clone(), guard))
        .layer(DefaultBodyLimit::max(MAX_FORM));
    let triggers = functions::triggers().into_router().layer(CatchPanicLayer::custom(invocation::on_panic));
    Router::new()
        // The host's readiness and latency probe.
        .route("/", axum::routing::get(|| async { StatusCode::OK.into_response() }))
        .merge(triggers)
        .merge(api)
        .with_state(state)
}
