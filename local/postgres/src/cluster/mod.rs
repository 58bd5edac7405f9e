//! The cluster as its users see it: one value that knows the way in.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::account::{Account, identity, state_dir};
use crate::binaries::{Binaries, FLOOR, Surroundings, choose};
use crate::home::Home;
use crate::server::{Failure, Tie, start};
use crate::{Error, SUPERUSER, hex_digest};

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster's own directory; made if absent. See [`Cluster::home_for`].
    pub dir: PathBuf,
    /// Without any care for a crash of the machine: for tests only.
    pub fast: bool,
}

/// A `PostgreSQL` that answers: a private server, or the one that `DATABASE_URL` names.
///
/// A private server is stopped by [`Cluster::stop`] or on drop, unless another process uses it too; on Linux it also
/// ends with this process however that ends.
pub struct Cluster {
    choice: String,
    /// The superuser's way in; other roles and databases are variations of it.
    base: Url,
    /// What the passwords of the portal's roles are derived from.
    secret: String,
    server: Option<Server>,
}

/// What it takes to stop a private server.
struct Server {
    home: Home,
    account: Account,
    binaries: Binaries,
    /// Our entry in the list of users.
    user: Option<File>,
    tie: Tie,
}

impl Cluster {
    /// Finds or starts `PostgreSQL`, in this order: `DATABASE_URL`; the programs of `PG_BIN_DIR`, `pg_config`, `PATH` or
    /// the usual installers, version 15 or newer; the pinned package; else an error that says what to install.
    ///
    /// A server that an earlier process left running on `dir` is adopted. Two callers at once share one server.
    pub async fn start(options: &Options) -> Result<Self, Error> {
        let around = Surroundings::of_process(&Account::choose()?, &["DATABASE_URL"]);
        Self::start_in(options, around, Tie::Attached).await
    }

    /// Where the cluster for a program's data directory may live: inside it, except as root when the account that the
    /// server runs as cannot get there; then a directory of the system, named after this very data directory.
    pub fn home_for(data: &Path) -> PathBuf {
        let data = std::path::absolute(data).unwrap_or_else(|_| data.to_path_buf());
        let home = data.join("postgres");
        match Account::choose() {
            Ok(account) if account.closed_above(&home).is_some() => {
                // Made now if need be: its name is its identity on disk. If that fails, starting will say why.
                let _ = fs::create_dir_all(&data);
                state_dir(&account).join(identity(&data))
            }
            _ => home,
        }
    }

    /// Which `PostgreSQL` this is and why, in one line for a person.
    pub fn choice(&self) -> &str {
        &self.choice
    }

    /// The address of a database for a role: `postgres` (the administrator) or one of the portal's four roles.
    pub fn url(&self, role: &str, database: &str) -> String {
        let mut url = self.base.clone();
        url.set_path(database);
        if role != SUPERUSER {
            // Both can only fail for addresses without a host, which `external` refuses.
            let _ = url.set_username(role);
            let _ = url.set_password(Some(&self.role_password(role)));
        }
        url.into()
    }

    /// The password of one of the portal's roles on this cluster.
    pub(crate) fn role_password(&self, role: &str) -> String {
        hex_digest(&format!("portal role\n{role}\n{}", self.secret))[..40].to_owned()
    }

    /// The administrator's address, with the database that surely exists.
    pub(crate) fn admin_url(&self) -> &str {
        self.base.as_str()
    }

    /// Stops a private server, waiting until it is gone; not if another process uses it too. An external one stays.
    pub async fn stop(mut self) -> Result<(), Error> {
        let server = self.server.take();
        blocking(move || server.map_or(Ok(()), Server::leave)).await
    }

    pub(crate) async fn start_in(options: &Options, around: Surroundings, tie: Tie) -> Result<Self, Error> {
        if let Some((variable, url)) = &around.database_url {
            return Self::external(variable, url, &options.dir).await;
        }
        let dir = std::path::absolute(&options.dir).map_err(Error::io("find", &options.dir))?;
        let fast = options.fast;
        let (server, secret, lock) = blocking(move || Server::prepare(&dir, &around, fast, tie)).await?;
        let port = server.bring_up(&secret, fast).await?;
        drop(lock);
        let (found, home) = (&server.binaries, &server.home);
        let mut choice = format!(
            "PostgreSQL {} from {} ({}), data in {}",
            found.version,
            found.dir.display(),
            found.why,
            home.dir.display()
        );
        if let Some(name) = server.account.other_name() {
            choice = format!("{choice}, running as {name} because it refuses to run as root");
        }
        Ok(Self { choice, base: local_url(&secret, port)?, secret, server: Some(server) })
    }

    /// An existing server. Its roles' passwords follow from its own password, so that all who know that agree on them.
    async fn external(variable: &'static str, text: &str, dir: &Path) -> Result<Self, Error> {
        let refuse = |why: &str| Error::Url { variable, why: why.to_owned() };
        let base = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(base.scheme(), "postgres" | "postgresql") || base.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it needs the scheme postgres and a host"));
        }
        let version = server_version(&base).await.map_err(|error| refuse(&error.to_string()))?;
        if version.split('.').next().and_then(|major| major.parse().ok()).is_some_and(|major: u32| major < FLOOR) {
            return Err(refuse(&format!(
                "that server is PostgreSQL {version}, and {FLOOR} is the oldest that will do"
            )));
        }
        let secret = if let Some(password) = base.password().filter(|password| !password.is_empty()) {
            password.to_owned()
        } else {
            let home = Home { dir: dir.to_path_buf() };
            blocking(move || {
                fs::create_dir_all(&home.dir).map_err(Error::io("create", &home.dir))?;
                read_or_make_secret(&home, &Account::choose()?)
            })
            .await?
        };
        let place = format!("{}:{}", base.host_str().unwrap_or_default(), base.port().unwrap_or(5432));
        let choice = format!("PostgreSQL {version} at {place}, because {variable} is set");
        Ok(Self { choice, base, secret, server: None })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(server) = self.server.take()
            && let Err(error) = server.leave()
        {
            tracing::warn!(%error, "PostgreSQL was not stopped");
        }
    }
}

impl Server {
    /// Everything before the process: directory, lock, programs, data. Gives the superuser's password and the lock.
    fn prepare(dir: &Path, around: &Surroundings, fast: bool, tie: Tie) -> Result<(Self, String, File), Error> {
        let account = Account::choose()?;
        let home = Home { dir: dir.to_path_buf() };
        home.create(&account)?;
        let lock = home.lock()?;
        let binaries = choose(around, dir, home.data_major())?;
        let secret = read_or_make_secret(&home, &account)?;
        home.init(&account, &binaries, fast)?;
        let user = Some(home.join_users()?);
        Ok((Self { home, account, binaries, user, tie }, secret, lock))
    }

    /// Adopts the server that runs, or starts one; gives its port.
    async fn bring_up(&self, secret: &str, fast: bool) -> Result<u16, Error> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(port) = self.adopt(secret).await? {
                return Ok(port);
            }
            let (home, account, binaries, tie) =
                (self.home.clone(), self.account.clone(), self.binaries.clone(), self.tie);
            let started = tokio::task::spawn_blocking(move || start(&home, &account, &binaries, fast, tie)).await;
            match started.map_err(|error| Error::NotReady(error.to_string()))? {
                Ok(port) => return Ok(port),
                Err(Failure::Final(error)) => return Err(error),
                // Another port, or a server that is still going down.
                Err(Failure::Again(why)) if Instant::now() > deadline => return Err(Error::NotReady(why)),
                Err(Failure::Again(_)) => sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// The port of a server that runs on our data: it answers to our password, which no other server knows.
    async fn adopt(&self, secret: &str) -> Result<Option<u16>, Error> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Some(server) = self.home.postmaster() {
            let url = local_url(secret, server.port)?;
            match timeout(Duration::from_secs(5), PgConnection::connect(url.as_str())).await {
                Ok(Ok(connection)) => {
                    connection.close().await?;
                    tracing::debug!(pid = server.pid, port = server.port, "adopted the running PostgreSQL");
                    return Ok(Some(server.port));
                }
                // 57P03: it is starting up, replaying its log, or shutting down.
                Ok(Err(sqlx::Error::Database(error))) if error.code().as_deref() == Some("57P03") => {}
                // A stale file: a crashed server's port may be anybody's by now.
                _ => return Ok(None),
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(None)
    }

    /// Gives up our use of the server and stops it if it was the last one.
    fn leave(mut self) -> Result<(), Error> {
        if self.tie == Tie::Detached {
            return Ok(());
        }
        let _lock = self.home.lock()?;
        self.user = None;
        if self.home.unused()? { self.home.stop(&self.account, &self.binaries) } else { Ok(()) }
    }
}

async fn server_version(base: &Url) -> Result<String, sqlx::Error> {
    let mut connection = PgConnection::connect(base.as_str()).await?;
    let version = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(version)
}

/// Removes a cluster and all its data; stops a server that was left running on it. No error if there is none, and
/// nothing is removed that is not a cluster's own.
pub fn remove(dir: &Path) -> Result<(), Error> {
    if !dir.exists() {
        return Ok(());
    }
    let home = Home { dir: std::path::absolute(dir).map_err(Error::io("find", dir))? };
    halt(&home)?.ok_or_else(|| Error::InUse(home.dir.clone()))?;
    for path in home.contents() {
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("remove", &path)(error));
            }
            _ => {}
        }
    }
    // Stays if somebody else put something in it.
    let _ = fs::remove_dir(&home.dir);
    Ok(())
}

/// Stops a server that nobody uses; `None` if somebody does.
pub(crate) fn halt(home: &Home) -> Result<Option<()>, Error> {
    let account = Account::choose()?;
    let _lock = home.lock()?;
    if !home.unused()? {
        return Ok(None);
    }
    if home.postmaster().is_some() {
        let around = Surroundings::of_process(&account, &[]);
        home.stop(&account, &choose(&around, &home.dir, home.data_major())?)?;
    }
    Ok(Some(()))
}

fn local_url(secret: &str, port: u16) -> Result<Url, Error> {
    let text = format!("postgres://{SUPERUSER}:{secret}@127.0.0.1:{port}/postgres");
    Url::parse(&text).map_err(|error| Error::NotReady(error.to_string()))
}

/// The cluster's own random password, 32 bytes in hexadecimal, in a file that only the server's account may read.
fn read_or_make_secret(home: &Home, account: &Account) -> Result<String, Error> {
    let path = home.password();
    if let Ok(secret) = fs::read_to_string(&path) {
        return Ok(secret.trim().to_owned());
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::NotReady(format!("no random numbers: {error}")))?;
    let secret = crate::hex(&bytes);
    // Closed before the secret is in it, and complete before it has its name.
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, "").map_err(Error::io("create", &unfinished))?;
    account.own(&unfinished, 0o600)?;
    fs::write(&unfinished, &secret).map_err(Error::io("write", &unfinished))?;
    fs::rename(&unfinished, &path).map_err(Error::io("create", &path))?;
    Ok(secret)
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::NotReady(error.to_string())))
}

#[cfg(test)]
mod tests;
