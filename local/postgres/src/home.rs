//! One cluster on disk: its files, its locks, its data made once. Everything here blocks.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::time::Duration;

use crate::Error;
use crate::account::{Account, create_passable};
use crate::binaries::Binaries;

/// The files of a cluster, all in one directory that only the server's account may enter.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    /// The directory.
    pub dir: PathBuf,
}

impl Home {
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(crate) fn password(&self) -> PathBuf {
        self.dir.join("password")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// Everything that can be in the directory, what must not be lost last.
    pub(crate) fn contents(&self) -> Vec<PathBuf> {
        let names =
            ["data.unfinished", "data", "server.log", "password.unfinished", "password", "users.lock", "start.lock"];
        names.iter().map(|name| self.dir.join(name)).collect()
    }

    /// The major version that made the data; `None` without data.
    pub(crate) fn data_major(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Makes the directory, for the account only.
    pub(crate) fn create(&self, account: &Account) -> Result<(), Error> {
        create_passable(&self.dir)?;
        if let Some(closed) = account.closed_above(&self.dir) {
            let account = account.other_name().unwrap_or_default().to_owned();
            return Err(Error::OutOfReach { account, dir: self.dir.clone(), closed });
        }
        account.own(&self.dir, 0o700)
    }

    /// Waits for the right to start or stop this cluster; held while the file is.
    pub(crate) fn lock(&self) -> Result<File, Error> {
        let path = self.dir.join("start.lock");
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(file)
    }

    /// Marks this process as a user of the running server, as long as the file is held. Take it under [`Home::lock`].
    pub(crate) fn join_users(&self) -> Result<File, Error> {
        let path = self.dir.join("users.lock");
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        file.lock_shared().map_err(Error::io("lock", &path))?;
        Ok(file)
    }

    /// Whether nobody uses the server. Ask under [`Home::lock`].
    pub(crate) fn unused(&self) -> Result<bool, Error> {
        let path = self.dir.join("users.lock");
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }

    /// What the running, or crashed, server says of itself.
    pub(crate) fn postmaster(&self) -> Option<Postmaster> {
        Postmaster::parse(&fs::read_to_string(self.data().join("postmaster.pid")).ok()?)
    }

    /// Makes the data with `initdb`, under another name first: a killed `initdb` never looks complete.
    pub(crate) fn init(&self, account: &Account, binaries: &Binaries, fast: bool) -> Result<(), Error> {
        if self.data_major().is_some() {
            return Ok(());
        }
        let unfinished = self.dir.join("data.unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
        }
        let program = binaries.program("initdb");
        let mut command = account.command(&program, &self.dir);
        command.arg("-D").arg(&unfinished).args(["-U", crate::SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8"]);
        command.arg("--pwfile").arg(self.password());
        command.arg(if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--locale=C" });
        command.args(fast.then_some("--no-sync"));
        let run = command.output().map_err(|error| Error::program(&program, &error.to_string()))?;
        if !run.status.success() {
            return Err(Error::program(&program, &String::from_utf8_lossy(&run.stderr)));
        }
        fs::rename(&unfinished, self.data()).map_err(Error::io("create", &self.data()))
    }

    /// Stops the server, if one runs, and waits until it is gone. Connections are closed, nothing is lost.
    pub(crate) fn stop(&self, account: &Account, binaries: &Binaries) -> Result<(), Error> {
        if self.postmaster().is_none() {
            return Ok(());
        }
        let program = binaries.program("pg_ctl");
        let mut command = account.command(&program, &self.dir);
        command.arg("stop").arg("-D").arg(self.data()).args(["-m", "fast", "-w", "-t", "60"]);
        let run = command.output().map_err(|error| Error::program(&program, &error.to_string()))?;
        // A crashed server leaves its pid file, and then there is nothing to stop.
        if run.status.success() || !answers(self.postmaster().map_or(0, |server| server.port)) {
            return Ok(());
        }
        Err(Error::program(&program, &String::from_utf8_lossy(&run.stderr)))
    }
}

fn answers(port: u16) -> bool {
    port != 0 && std::net::TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_secs(1)).is_ok()
}

/// The part of `postmaster.pid` that we need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Postmaster {
    /// Process id of the server.
    pub pid: u32,
    /// Its TCP port on 127.0.0.1.
    pub port: u16,
    /// Whether it accepts connections.
    pub ready: bool,
}

impl Postmaster {
    /// Lines: 1 pid, 4 port, 8 status (padded with blanks). A file that is still being written lacks the later ones.
    fn parse(text: &str) -> Option<Self> {
        let line = |number: usize| text.lines().nth(number - 1).map(str::trim);
        Some(Self { pid: line(1)?.parse().ok()?, port: line(4)?.parse().ok()?, ready: line(8) == Some("ready") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_of_a_running_server_is_read() {
        let text = "4711\n/var/lib/x/data\n1763932000\n40123\n\n127.0.0.1\n   123 456\nready   \n";
        assert_eq!(Postmaster::parse(text), Some(Postmaster { pid: 4711, port: 40123, ready: true }));
    }

    #[test]
    fn a_pid_file_that_is_still_being_written_is_not_ready() {
        assert_eq!(Postmaster::parse("4711\n/data\n1763932000\n"), None);
        let starting = "4711\n/data\n1763932000\n40123\n\n127.0.0.1\n   1 2\nstarting\n";
        assert!(!Postmaster::parse(starting).unwrap().ready);
    }
}
