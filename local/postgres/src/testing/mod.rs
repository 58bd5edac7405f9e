//! A database of its own for every test, in tens of milliseconds.
//!
//! All test processes of a machine's user share one cluster. The first one starts it, the next ones adopt it, and it
//! stays until `cargo run -p local-postgres -- stop` (as `scripts/test` does at its end). The migrations run once per
//! version of them, into a template; every test gets a copy. `TEST_DATABASE_URL`, or else `DATABASE_URL`, names
//! another server to do all that on; its user must be able to create databases and roles.

mod keeper;

use std::fs;
use std::sync::Arc;

use sqlx::migrate::Migrator;

use crate::account::{Account, state_dir};
use crate::binaries::{Surroundings, choose};
use crate::cluster::{blocking, halt};
use crate::home::Home;
use crate::server::Tie;
use crate::{Cluster, Error, Options};

/// A database for one test, removed with this value.
pub struct TestDatabase {
    name: String,
    cluster: Arc<Cluster>,
}

impl TestDatabase {
    /// The database's address for a role: one of [`crate::ROLES`], or [`crate::SUPERUSER`].
    pub fn url(&self, role: &str) -> String {
        self.cluster.url(role, &self.name)
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    /// Waits until the database is gone, connections to it included. If that fails, a later run sweeps it up.
    fn drop(&mut self) {
        keeper::remove(&self.name);
    }
}

/// A fresh copy of the database that `migrator` makes, with the portal's roles.
///
/// # Panics
/// When there is no `PostgreSQL` or the migrations fail, with a text that says why: a test cannot go on without.
pub async fn database(migrator: &'static Migrator) -> TestDatabase {
    match keeper::create(migrator).await {
        Ok((name, cluster)) => TestDatabase { name, cluster },
        Err(why) => panic!("no database for this test: {why}"),
    }
}

/// Finds, adopts or starts the cluster that tests share. One per major version, since they cannot read each other's.
async fn shared_cluster() -> Result<Cluster, Error> {
    let account = Account::choose()?;
    let around = Surroundings::of_process(&account, &["TEST_DATABASE_URL", "DATABASE_URL"]);
    let parent = state_dir(&account);
    let dir = if around.database_url.is_some() {
        parent.join("tests")
    } else {
        let (around, parent) = (around.clone(), parent.clone());
        blocking(move || Ok(parent.join(format!("tests-{}", choose(&around, &parent, None)?.major)))).await?
    };
    Cluster::start_in(&Options { dir, fast: true }, around, Tie::Detached).await
}

/// What [`stop_shared`] did, in words.
pub type Report = Vec<String>;

/// Stops the clusters that tests share, except those that a test is using right now. Their data stay. Blocks.
pub fn stop_shared() -> Result<Report, Error> {
    let parent = state_dir(&Account::choose()?);
    let mut report = Report::new();
    for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
        let home = Home { dir: entry.path() };
        let shared = entry.file_name().to_string_lossy().starts_with("tests-");
        if shared && home.postmaster().is_some() {
            let what = if halt(&home)?.is_some() { "stopped" } else { "in use, left running" };
            report.push(format!("{}: {what}", home.dir.display()));
        }
    }
    Ok(report)
}

/// A directory for one test, removed with this value.
#[cfg(test)]
pub(crate) struct Scratch(std::path::PathBuf);

#[cfg(test)]
impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portal-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        crate::account::create_passable(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }
}

#[cfg(test)]
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests;
