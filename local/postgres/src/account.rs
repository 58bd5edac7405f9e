//! The account that the server runs as. `PostgreSQL` refuses to run as root, as which containers and build machines
//! often run us: there its programs run as `postgres` or `nobody`, in directories that such an account can reach.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;

/// Variables that would change what the server's programs do.
const FOREIGN: [&str; 9] =
    ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGOPTIONS", "PGSERVICE", "PGLOCALEDIR"];

/// Who runs the server: ourselves, or another account when we are root.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    other: Option<Other>,
}

#[derive(Debug, Clone)]
struct Other {
    name: String,
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has these numbers"))]
    uid: u32,
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has these numbers"))]
    gid: u32,
}

impl Account {
    /// Ourselves, or as root the first of `postgres` and `nobody` that exists. A bare number will not do: the server
    /// looks its own user up by name.
    #[cfg(unix)]
    pub(crate) fn choose() -> Result<Self, Error> {
        use nix::unistd::{User, geteuid};
        if !geteuid().is_root() {
            return Ok(Self { other: None });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self { other: Some(Other { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }) })
            .ok_or(Error::NoAccount)
    }

    /// Ourselves: `pg_ctl` gives up an administrator's rights on its own on Windows.
    #[cfg(not(unix))]
    pub(crate) fn choose() -> Result<Self, Error> {
        Ok(Self { other: None })
    }

    /// The other account's name, when the server does not run as ourselves.
    pub(crate) fn other_name(&self) -> Option<&str> {
        self.other.as_ref().map(|other| other.name.as_str())
    }

    /// A command that runs as the account, in `home`, with nothing of our environment that `PostgreSQL` would obey.
    pub(crate) fn command(&self, program: &Path, home: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(home).stdin(Stdio::null());
        command.env("LC_ALL", if cfg!(target_os = "linux") { "C.UTF-8" } else { "C" });
        for name in FOREIGN {
            command.env_remove(name);
        }
        #[cfg(unix)]
        if let Some(other) = &self.other {
            use std::os::unix::process::CommandExt;
            // The standard library also drops root's supplementary groups. HOME, or the server looks into root's own.
            command.uid(other.uid).gid(other.gid).env("HOME", home);
        }
        command
    }

    /// Gives a file or directory to the account and to nobody else (`mode` in octal, 0o700 or 0o600).
    #[cfg(unix)]
    pub(crate) fn own(&self, path: &Path, mode: u32) -> Result<(), Error> {
        use std::os::unix::fs::{PermissionsExt, chown};
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Error::io("set the mode of", path))?;
        match &self.other {
            Some(other) => {
                chown(path, Some(other.uid), Some(other.gid)).map_err(Error::io("change the owner of", path))
            }
            None => Ok(()),
        }
    }

    /// Windows keeps a user's own folders from other users by itself.
    #[cfg(not(unix))]
    pub(crate) fn own(&self, path: &Path, _mode: u32) -> Result<(), Error> {
        fs::metadata(path).map(|_| ()).map_err(Error::io("read", path))
    }

    /// The first directory above `path` that the account may not pass; directories that do not exist yet do not count.
    #[cfg(unix)]
    pub(crate) fn closed_above(&self, path: &Path) -> Option<PathBuf> {
        use std::os::unix::fs::MetadataExt;
        let other = self.other.as_ref()?;
        let closed = |directory: &&Path| {
            fs::metadata(directory).is_ok_and(|facts| {
                let (mine, ours) = (facts.uid() == other.uid, facts.gid() == other.gid);
                let passage = if mine {
                    0o100
                } else if ours {
                    0o010
                } else {
                    0o001
                };
                facts.mode() & passage == 0
            })
        };
        path.ancestors().skip(1).find(closed).map(Path::to_path_buf)
    }

    /// On Windows the server runs as ourselves.
    #[cfg(not(unix))]
    pub(crate) fn closed_above(&self, _path: &Path) -> Option<PathBuf> {
        None
    }
}

/// Makes a directory and those above it, such that other accounts may pass the new ones, whatever our umask is.
pub(crate) fn create_passable(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_passable(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(Error::io("create", path)(error)),
        _ => let_others_read(path),
    }
}

/// Adds what others need to read a file or program, or to pass a directory.
#[cfg(unix)]
pub(crate) fn let_others_read(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(Error::io("read", path))?.permissions().mode();
    let wanted = if mode & 0o100 == 0 { mode | 0o444 } else { mode | 0o555 };
    fs::set_permissions(path, fs::Permissions::from_mode(wanted)).map_err(Error::io("set the mode of", path))
}

/// Windows has no such bits.
#[cfg(not(unix))]
pub(crate) fn let_others_read(path: &Path) -> Result<(), Error> {
    fs::metadata(path).map(|_| ()).map_err(Error::io("read", path))
}

/// Where files of this machine's user are kept between runs, outside of any project: the unpacked package and the
/// cluster that tests share. As root it is a directory that only root can create things in and everybody can pass.
pub(crate) fn state_dir(account: &Account) -> PathBuf {
    if account.other.is_some() {
        return PathBuf::from("/var/lib/portal-local");
    }
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library/Caches"))
    } else {
        from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache")))
    };
    cache.unwrap_or_else(std::env::temp_dir).join("portal-local")
}

/// Names a directory by its identity on disk, so that a directory made anew under the same path has another name.
pub(crate) fn identity(path: &Path) -> String {
    use std::time::UNIX_EPOCH;
    let made = fs::metadata(path).ok().and_then(|facts| {
        let born = facts.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&facts);
        #[cfg(not(unix))]
        let number = 0_u64;
        Some(format!("{number}/{}", born.as_nanos()))
    });
    let text = format!("{}/{}", path.display(), made.unwrap_or_default());
    crate::hex_digest(&text)[..16].to_owned()
}
