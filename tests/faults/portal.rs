//! A portal of our own: started as `cargo run` starts it, on its own data and ports, gone when the tests end.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::browser::Browser;
use crate::processes::{self, Process};
use crate::sandbox::Sandbox;
use crate::wait::eventually;

/// Seconds for everything from an empty folder to the loaded demo data, on a busy machine.
const START: u64 = 240;

/// Reads the ids of portals; at the end of its input, which comes with the end of the tests however they end, it ends the
/// last one (if that is still a portal of this folder) and removes the folder.
const WATCH: &str = r#"while read -r pid; do last=$pid; done
alive() { grep -qs "$1" "/proc/$last/cmdline"; }
if alive "$1"; then kill -TERM "$last"; fi
for _ in $(seq 100); do if alive "$1"; then sleep 0.1; else break; fi; done
if alive "$1"; then kill -KILL "$last"; sleep 1; fi
rm -rf "$1""#;

/// The program with its working directory and without what the surroundings would decide.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()).env_remove("DATABASE_URL");
    command.stdin(Stdio::null());
    command
}

/// A folder for portals, one after the other. Its watch removes it.
pub struct Place {
    folder: PathBuf,
    program: PathBuf,
    watch: ChildStdin,
}

impl Place {
    /// An empty folder with the program in it: a build during the tests must not change what a restart starts.
    pub fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let name = format!("portal-faults-{}-{}", std::process::id(), LAST.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        // As root the database's account must be able to pass, whatever our umask is.
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o711)).unwrap();
        let program = folder.join("portal-local");
        fs::copy(env!("CARGO_BIN_EXE_portal-local"), &program).unwrap();
        let watch = watch(&folder);
        Self { folder, program, watch }
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// All that portals in this folder wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Starts a portal and waits until it is ready.
    pub async fn start(&self) -> Portal {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let ready_file = self.data().join("ready.json");
        // A killed portal has left its own.
        let _ = fs::remove_file(&ready_file);
        let mut command = command(&self.program);
        command.args(["--port", "0", "--data"]).arg(self.data()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        writeln!(&self.watch, "{}", child.id()).unwrap();
        eventually("the portal is ready", START, async || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the portal ended with {ended:?}\n{}", self.log());
            ready_file.exists().then_some(())
        })
        .await;
        let mut portal = Portal { child, ready_file, ready: Value::Null, program: self.program.clone() };
        portal.read_ready();
        portal
    }
}

/// Starts the watch over a folder.
fn watch(folder: &Path) -> ChildStdin {
    let mut command = Command::new("sh");
    command.args(["-c", WATCH, "watch"]).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap().stdin.take().unwrap()
}

/// A running portal.
pub struct Portal {
    child: Child,
    ready_file: PathBuf,
    ready: Value,
    program: PathBuf,
}

impl Portal {
    fn read_ready(&mut self) {
        self.ready = serde_json::from_slice(&fs::read(&self.ready_file).unwrap()).unwrap();
    }

    /// The program that this portal is, to be started in other ways.
    pub fn command(&self) -> Command {
        command(&self.program)
    }

    /// A text of `ready.json`.
    pub fn at(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    /// The process of the supervisor.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The handler's process as `ready.json` tells it now.
    pub fn handler_pid(&self) -> u32 {
        let ready: Value = serde_json::from_slice(&fs::read(&self.ready_file).unwrap()).unwrap();
        ready["handler_pid"].as_u64().unwrap().try_into().unwrap()
    }

    /// Kills the handler and waits until `ready.json` names another one; gives how long that took.
    pub async fn kill_handler(&self) -> Duration {
        let (old, begun) = (self.handler_pid(), std::time::Instant::now());
        processes::signal(old, Signal::SIGKILL);
        eventually("ready.json names a new handler", 60, async || {
            let now = self.handler_pid();
            (now != old && processes::find(now).is_some()).then_some(())
        })
        .await;
        begun.elapsed()
    }

    /// Ends the supervisor with a signal and gives what it was made of; its exit code is `None` if the signal killed it.
    pub async fn end(&mut self, with: Signal) -> (Option<i32>, Vec<Process>) {
        let family = processes::family(self.pid());
        processes::signal(self.pid(), with);
        let status = eventually("the supervisor has ended", 60, async || self.child.try_wait().unwrap()).await;
        (status.code(), family)
    }

    /// A signed-in browser.
    pub async fn sign_in(&self, email: &str) -> Browser {
        Browser::sign_in(self.at("url"), email).await
    }

    /// The sandbox's control API.
    pub fn sandbox(&self) -> Sandbox {
        Sandbox::new(self.at("sandbox_url"))
    }

    /// A connection as the database's administrator.
    pub async fn sql(&self) -> PgConnection {
        PgConnection::connect(self.at("admin_database_url")).await.unwrap()
    }

    /// Asks for a run and waits for its success; gives the run. An earlier one of a person counts as long ago.
    pub async fn sync(&self, browser: &Browser, source: &str) -> serde_json::Value {
        let earlier = "update syncs set finished_at = finished_at - interval '1 minute' where source_id = $1::uuid";
        sqlx::query(earlier).bind(source).execute(&mut self.sql().await).await.unwrap();
        browser.sync(source).await
    }

    /// Fires a timer function by hand and waits for nothing.
    pub async fn fire(&self, function: &str) {
        let url = format!("{}/admin/functions/{function}", self.at("host_url"));
        let answer = crate::browser::client().post(url).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{function}");
    }
}

/// The portal that most tests share.
static SHARED: OnceCell<(Place, Portal)> = OnceCell::const_new();
/// Held for writing by tests that change what the others stand on: the clock, a person's Google grant.
static EXCLUSIVE: RwLock<()> = RwLock::const_new(());

/// The shared portal, beside other tests.
pub async fn shared() -> (&'static Portal, RwLockReadGuard<'static, ()>) {
    let (_, portal) = SHARED.get_or_init(start_shared).await;
    (portal, EXCLUSIVE.read().await)
}

/// The shared portal, alone.
pub async fn alone() -> (&'static Portal, RwLockWriteGuard<'static, ()>) {
    let (_, portal) = SHARED.get_or_init(start_shared).await;
    (portal, EXCLUSIVE.write().await)
}

/// Starts it, far from midnight: no day begins in any property's zone while the tests run.
async fn start_shared() -> (Place, Portal) {
    let place = Place::new();
    let portal = place.start().await;
    let sandbox = portal.sandbox();
    let today = sandbox.now().await.date();
    sandbox.set_now(today.next_day().unwrap().with_hms(12, 0, 0).unwrap().assume_utc()).await;
    let browser = portal.sign_in("admin@acme.example").await;
    let source = browser.source_named("Tienda Lumbre (web)").await;
    browser.sync(&source).await;
    (place, portal)
}
