//! The server's process: started and waited for, as our child or on its own. Everything here blocks.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::Error;
use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::tail;
use crate::home::Home;

/// How long a server may take to become ready; a crash may have left it a log to replay.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(10);

/// Whether the server ends with us or outlives us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tie {
    /// The server is our child and, on Linux, ends when we end in whatever way.
    Attached,
    /// The server stays; the next process adopts it.
    Detached,
}

/// Why one attempt to start failed.
pub(crate) enum Failure {
    /// A short wait or another port will help.
    Again(String),
    /// Nothing will help.
    Final(Error),
}

/// Starts the server on a free port and waits until it is ready. Hold [`Home::lock`].
pub(crate) fn start(home: &Home, account: &Account, binaries: &Binaries, fast: bool, tie: Tie) -> Result<u16, Failure> {
    let port = free_port().map_err(Failure::Final)?;
    let settings = settings(port, fast);
    let log = File::create(home.log()).map_err(Error::io("create", &home.log())).map_err(Failure::Final)?;
    account.own(&home.log(), 0o600).map_err(Failure::Final)?;
    // `pg_ctl` gives up administrator's rights on Windows, which `postgres` alone would refuse.
    let ended = if tie == Tie::Detached || cfg!(windows) {
        start_detached(home, account, binaries, &settings).map_err(|error| explain(home, error))?;
        None
    } else {
        Some(start_attached(home, account, binaries, &settings, log).map_err(Failure::Final)?)
    };
    let begun = Instant::now();
    loop {
        if home.postmaster().is_some_and(|server| server.ready && server.port == port) {
            return Ok(port);
        }
        if let Some(status) = ended.as_ref().and_then(Ended::status) {
            return Err(explain(home, Error::NotReady(format!("it ended with {status}"))));
        }
        if begun.elapsed() > PATIENCE {
            return Err(explain(home, Error::NotReady(format!("not ready after {} s", PATIENCE.as_secs()))));
        }
        std::thread::sleep(POLL);
    }
}

/// Adds the server's own log to a failure, and tells the two that pass by themselves from the others.
fn explain(home: &Home, error: Error) -> Failure {
    let log = fs::read_to_string(home.log()).unwrap_or_default();
    let passing = ["lock file \"postmaster.pid\" already exists", "could not bind", "pre-existing shared memory block"];
    if passing.iter().any(|text| log.contains(text)) {
        return Failure::Again(tail(&log));
    }
    Failure::Final(if log.trim().is_empty() { error } else { Error::NotReady(format!("{error}\n{}", tail(&log))) })
}

fn free_port() -> Result<u16, Error> {
    let place = Path::new("127.0.0.1");
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::io("listen on", place))?;
    Ok(listener.local_addr().map_err(Error::io("listen on", place))?.port())
}

/// Loopback TCP only: a socket file would be one more way in, and its path may be too long (107 bytes).
fn settings(port: u16, fast: bool) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "synchronous_commit=off".to_owned(),
    ];
    let plain = ["log_checkpoints=off"];
    // Only for tests: a crash of the machine may destroy such a cluster.
    let tests = ["fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=300", "max_wal_size=4GB"];
    settings.extend(plain.iter().chain(tests.iter().filter(|_| fast)).map(|&setting| setting.to_owned()));
    settings
}

/// Set when the server's process has ended.
#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Option<ExitStatus>>>);

impl Ended {
    fn status(&self) -> Option<ExitStatus> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Spawns the server from a thread of its own that then waits for it. The kernel ties the child to the *thread* that
/// made it, and a thread of an async runtime may end before its process does.
fn start_attached(
    home: &Home,
    account: &Account,
    binaries: &Binaries,
    settings: &[String],
    log: File,
) -> Result<Ended, Error> {
    let program = binaries.program("postgres");
    let mut command = account.command(&program, &home.dir);
    command.arg("-D").arg(home.data());
    for setting in settings {
        command.arg("-c").arg(setting);
    }
    let errors = log.try_clone().map_err(Error::io("open", &home.log()))?;
    command.stdout(log).stderr(errors);
    #[cfg(unix)]
    // Out of the terminal's group: Ctrl-C is for us, and we stop the server when its users are done.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(target_os = "linux")]
    end_with_us(&mut command);

    let ended = Ended::default();
    let (report, reported) = mpsc::channel();
    let seen = ended.clone();
    let waiter = std::thread::Builder::new().name("postgres".to_owned()).spawn(move || match command.spawn() {
        Ok(mut child) => {
            // Nobody listens any more only if the starter is gone, and then there is nobody to tell.
            let _ = report.send(Ok(()));
            *seen.0.lock().unwrap_or_else(PoisonError::into_inner) = child.wait().ok();
        }
        Err(error) => {
            let _ = report.send(Err(error));
        }
    });
    let failed = |error: std::io::Error| Error::program(&program, &error.to_string());
    waiter.map_err(failed)?;
    reported.recv().map_err(std::io::Error::other).and_then(|spawned| spawned).map_err(failed)?;
    Ok(ended)
}

/// Asks the kernel for SIGINT (a fast, clean shutdown) to the server when our spawning thread ends, even by SIGKILL.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has no other way to run code between fork and exec")]
fn end_with_us(command: &mut std::process::Command) {
    use nix::sys::{prctl::set_pdeathsig, signal::Signal};
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure makes one system call, which is async-signal-safe, and touches no memory of ours.
    unsafe {
        command.pre_exec(|| set_pdeathsig(Signal::SIGINT).map_err(std::io::Error::from));
    }
}

fn start_detached(home: &Home, account: &Account, binaries: &Binaries, settings: &[String]) -> Result<(), Error> {
    let program = binaries.program("pg_ctl");
    let mut command = account.command(&program, &home.dir);
    let options: Vec<String> = settings.iter().map(|setting| format!("-c {setting}")).collect();
    command.arg("start").arg("-D").arg(home.data()).arg("-l").arg(home.log()).arg("-o").arg(options.join(" "));
    command.args(["-w", "-t", &PATIENCE.as_secs().to_string()]);
    // Not a pipe: the server would hold it open and we would wait for its end.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let status = command.status().map_err(|error| Error::program(&program, &error.to_string()))?;
    if status.success() { Ok(()) } else { Err(Error::program(&program, &status.to_string())) }
}
