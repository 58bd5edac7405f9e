//! The parts that the host starts but does not own: the database, the sandbox upstreams, the demo data, the handler.
//! Everything that crosses to them crosses here.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::settings::{DEMO_PASSWORD, GOOGLE_CLIENT_ID};
use crate::{demo, sandbox};

use local_postgres::Cluster;
use sandbox::Sandbox;

const DATABASE: &str = "portal";
/// The sandbox's figures are a function of this number.
const SANDBOX_SEED: u64 = 20_261_124;

/// A part that failed: which, and its own words.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {why}")]
pub struct PartError {
    part: &'static str,
    why: String,
}

fn failed<E: std::fmt::Display>(part: &'static str) -> impl Fn(E) -> PartError {
    move |error| PartError { part, why: error.to_string() }
}

/// The database server, and its addresses for each role.
pub struct Database {
    cluster: Cluster,
}

impl Database {
    /// Starts `PostgreSQL` for this data directory; says which one it is and why.
    pub async fn start(data: &Path) -> Result<Self, PartError> {
        let options = local_postgres::Options { dir: Cluster::home_for(data), fast: false };
        let cluster = Cluster::start(&options).await.map_err(failed("PostgreSQL"))?;
        tracing::info!("PostgreSQL: {}", cluster.choice());
        Ok(Self { cluster })
    }

    /// Roles, database, migrations and the demo people.
    pub async fn prepare(&self) -> Result<(), PartError> {
        self.cluster.prepare_database(DATABASE).await.map_err(failed("database"))?;
        portal::setup::migrate(&self.url("portal_owner")).await.map_err(failed("migrations"))?;
        portal::setup::seed_demo_people(&self.url("portal_operator")).await.map_err(failed("demo people"))
    }

    /// The address of the portal's database for a role.
    pub fn url(&self, role: &str) -> String {
        self.cluster.url(role, DATABASE)
    }

    /// Stops the server, if we started it.
    pub async fn stop(self) -> Result<(), PartError> {
        self.cluster.stop().await.map_err(failed("PostgreSQL"))
    }

    /// Removes the server's files (`--fresh`).
    pub fn remove(data: &Path) -> Result<(), PartError> {
        local_postgres::remove(&Cluster::home_for(data)).map_err(failed("PostgreSQL"))
    }
}

/// Starts the sandbox upstreams. They end when the value is dropped.
pub async fn sandbox(
    data: &Path,
    clock_file: &Path,
    public_url: &str,
    client_secret: &str,
) -> Result<Sandbox, PartError> {
    let config = sandbox::Config {
        clock_file: clock_file.to_owned(),
        client_id: GOOGLE_CLIENT_ID.to_owned(),
        client_secret: client_secret.to_owned(),
        redirect_uri: format!("{public_url}/api/oauth/callback"),
        state_file: data.join("sandbox.json"),
        seed: SANDBOX_SEED,
    };
    sandbox::start(config).await.map_err(failed("sandbox upstreams"))
}

/// Brings the demo data in through the public API, as people in a browser would. Does only what is still missing.
pub async fn demo(public_url: &str, sandbox_url: &str, root: &Path) -> Result<(), PartError> {
    let target = demo::Target {
        base_url: public_url.to_owned(),
        sandbox_url: sandbox_url.to_owned(),
        csv_path: PathBuf::from(root).join("local/demo/seattle-weather.csv"),
        password: DEMO_PASSWORD.to_owned(),
        progress: Box::new(|line| tracing::info!("demo data: {line}")),
    };
    demo::load(&target).await.map_err(failed("demo data"))
}

/// The handler's own entry point: this executable plays the handler's.
pub fn handler_main() -> ExitCode {
    portal::handler_main()
}
