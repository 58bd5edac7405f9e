//! What can go wrong before the first query.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no `PostgreSQL` to talk to. Every text says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be read, written or locked.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb with its object.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A program of `PostgreSQL`, or npm, could not be run or reported a failure.
    #[error("{program} failed: {output}")]
    Program {
        /// The program.
        program: String,
        /// The end of what it wrote, or why it could not be run.
        output: String,
    },
    /// Nothing usable is installed and the pinned package could not be had either.
    #[error("no PostgreSQL 15 or newer was found, and {why}.\n{}", crate::binaries::INSTALL_HELP)]
    NotInstalled {
        /// Why the pinned package was no way out.
        why: String,
    },
    /// `PG_BIN_DIR` does not hold a usable `PostgreSQL`.
    #[error("PG_BIN_DIR is {}, which does not hold `initdb`, `postgres` and `pg_ctl` of PostgreSQL 15 or newer", .0.display())]
    BinDir(PathBuf),
    /// The data was made by another major version than any that is available.
    #[error(
        "the data in {} was made by PostgreSQL {data}, and that version is not available here; \
         set PG_BIN_DIR to its programs, or start over with --fresh", dir.display()
    )]
    OtherVersion {
        /// The cluster's directory.
        dir: PathBuf,
        /// The major version that made the data.
        data: u32,
    },
    /// The pinned package is not byte for byte the one whose digest stands in the source.
    #[error("{} is not the pinned {package}: its sha512 is {found}", path.display())]
    Digest {
        /// Name and version of the package.
        package: String,
        /// The file that was checked.
        path: PathBuf,
        /// Its digest, base64.
        found: String,
    },
    /// Running as root, and the account that `PostgreSQL` would run as cannot reach the directory.
    #[error(
        "PostgreSQL refuses to run as root, and the account {account} cannot reach {}: {} is closed to it",
        dir.display(), closed.display()
    )]
    OutOfReach {
        /// The account's name.
        account: String,
        /// The cluster's directory.
        dir: PathBuf,
        /// The directory on the way that lets nobody else through.
        closed: PathBuf,
    },
    /// Running as root on a system without any of the accounts that could run the server.
    #[error("PostgreSQL refuses to run as root, and there is neither an account `postgres` nor `nobody` to run it as")]
    NoAccount,
    /// Another process uses this cluster.
    #[error("the database in {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The server did not become ready.
    #[error("PostgreSQL did not start: {0}")]
    NotReady(String),
    /// `DATABASE_URL` or `TEST_DATABASE_URL` cannot be used.
    #[error("{variable} (postgres://user:password@host:5432/database) cannot be used: {why}")]
    Url {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A database or role name that is not a plain lower-case identifier.
    #[error("`{0}` is not a plain database name")]
    Name(String),
    /// A statement failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The migrations failed.
    #[error("migrations: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Error {
    /// An [`Error::Io`] for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// An [`Error::Program`] from what a program wrote; only the end of a long text.
    pub(crate) fn program(program: &Path, output: &str) -> Self {
        Self::Program { program: program.display().to_string(), output: tail(output) }
    }
}

/// The last lines of a text: what a person needs of a log.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
