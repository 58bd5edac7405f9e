//! Starts everything in order, keeps it going, stops it. It also plays the platform: when the host has ended after too
//! many handler errors, it starts it anew.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use http::HeaderValue;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::broker::{self, Broker};
use crate::clock::{Clock, SystemClock};
use crate::edge::Edge;
use crate::host::bindings::{self, BindingError, Function, HostConfig, Trigger};
use crate::host::http_client;
use crate::host::invoke::Invoker;
use crate::host::jobs::Jobs;
use crate::host::listener::{BODY_LIMIT, Listener};
use crate::host::worker::{Handle, Launch, State, Unavailable, Worker};
use crate::mailbox::{self, Mailbox};
use crate::parts::{self, Database, PartError};
use crate::sandbox::Sandbox;
use crate::settings::{self, ACCOUNTS, Parts, Ready, Secrets};

/// Pause before an ended host is started anew.
const PLATFORM_PAUSE: Duration = Duration::from_secs(1);
/// What `--fresh` forgets, besides the database. Nothing else in the folder is touched.
const KEPT: [&str; 7] =
    ["timers", "messages.jsonl", "key_ring", "secrets.json", "clock_offset", "sandbox.json", "ready.json"];

/// The command line.
#[derive(Debug, Clone)]
pub struct Options {
    pub port: u16,
    pub data: PathBuf,
    pub fresh: bool,
    /// The directory of `host.json`.
    pub root: PathBuf,
}

/// Why the portal did not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("another portal is running on {} (it holds {}); stop it, or choose another --data", data.display(), lock.display())]
    Locked { data: PathBuf, lock: PathBuf },
    #[error("port {port} is taken; stop what listens there, or choose another: cargo run -- --port 0")]
    Port { port: u16 },
    #[error("port {port} cannot be opened: {source}")]
    Listen { port: u16, source: io::Error },
    #[error("system: {0}")]
    System(#[from] io::Error),
    #[error(transparent)]
    Bindings(#[from] BindingError),
    #[error(transparent)]
    Part(#[from] PartError),
    #[error("the handler did not start: {0}; its own words stand above")]
    Handler(Unavailable),
}

/// Runs until Ctrl-C or SIGTERM.
pub async fn run(options: &Options) -> Result<(), StartError> {
    let stop = interrupted()?;
    let (data, _lock) = data_folder(&options.data)?;
    let ready_file = data.join("ready.json");
    if options.fresh {
        forget(&data)?;
    }
    remove(&ready_file)?;
    let config = bindings::host_config(&options.root)?;
    let functions = bindings::functions(&options.root, &config, &|name| std::env::var(name).ok())?;
    let front = listen(options.port).await?;
    let mut database = None;
    let handler = OnceLock::new();
    let mut serving = Box::pin(serve(options, &data, config, functions, front, &mut database, &handler));
    let outcome = tokio::select! {
        outcome = &mut serving => outcome,
        () = stop => Ok(()),
    };
    tracing::info!("stopping");
    if let Some(handler) = handler.get() {
        Handle::stop(handler).await;
    }
    drop(serving);
    remove(&ready_file)?;
    if let Some(database) = database {
        database.stop().await?;
    }
    outcome
}

/// Completes at the first Ctrl-C or SIGTERM.
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// What the handler talks to besides the database.
struct Peers {
    sandbox: Sandbox,
    clock_file: PathBuf,
    broker: Arc<Broker>,
    service_bus_url: String,
    mailbox_url: String,
    smtp_url: String,
}

impl Peers {
    async fn start(
        data: &Path,
        public_url: &str,
        secrets: &Secrets,
        queues: &[String],
        clock: Arc<dyn Clock>,
        servers: &mut JoinSet<()>,
    ) -> Result<Self, StartError> {
        let clock_file = data.join("clock_offset");
        let sandbox = parts::sandbox(data, &clock_file, public_url, &secrets.google_client_secret).await?;
        let broker = Broker::open(queues, &data.join("messages.jsonl"), clock.clone()).map_err(at(data))?;
        let service_bus_url = open(servers, broker::rest::router(broker.clone())).await?;
        let mailbox = Mailbox::default();
        let mailbox_url = open(servers, mailbox.router()).await?;
        let smtp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let smtp_url = format!("smtp://{}", smtp.local_addr()?);
        servers.spawn(mailbox::smtp::serve(smtp, mailbox, clock));
        Ok(Self { sandbox, clock_file, broker, service_bus_url, mailbox_url, smtp_url })
    }
}

/// Everything between the open port and the end. Dropping it stops all but the database.
async fn serve(
    options: &Options,
    data: &Path,
    config: HostConfig,
    functions: Vec<Function>,
    front: TcpListener,
    database: &mut Option<Database>,
    handler: &OnceLock<Handle>,
) -> Result<(), StartError> {
    let front_address = front.local_addr()?;
    let url = format!("http://{front_address}");
    let database: &Database = database.insert(Database::start(data).await?);
    database.prepare().await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = Secrets::load(data).map_err(at(data))?;
    let mut servers = JoinSet::new();
    let queues: Vec<String> = functions.iter().filter_map(queue).collect();
    let peers = Peers::start(data, &url, &secrets, &queues, clock.clone(), &mut servers).await?;

    let client = http_client();
    let launch = launch(options, data, front_address, &secrets, database, &peers)?;
    let (worker, handle) = Worker::new(launch, clock.clone(), client.clone());
    let handle = handler.get_or_init(|| handle);
    let jobs = Jobs {
        functions: functions.into(),
        invoker: Invoker { client: client.clone(), worker: handle.clone(), timeout: config.function_timeout },
        broker: peers.broker.clone(),
        clock,
        timers: data.join("timers"),
        max_concurrent_calls: config.max_concurrent_calls,
    };
    let front_door_id = HeaderValue::try_from(&secrets.front_door_id).map_err(io::Error::other)?;
    let headers = config.custom_headers.clone();
    let host = Listener { config, jobs: jobs.clone(), key: secrets.host_key.clone(), body_limit: BODY_LIMIT };
    let host_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let host_address = host_listener.local_addr()?;
    spawn(&mut servers, host_listener, host.router());
    let edge = Edge::new(client, host_address, front_door_id, options.root.join("static-site"), headers);
    spawn(&mut servers, front, edge.router());
    servers.spawn(supervise(worker, jobs));

    handle.address().await.map_err(StartError::Handler)?;
    announce(&url)?;
    load_demo(&url, &peers.sandbox.url(), &options.root).await;
    let ready = ready(url, format!("http://{host_address}"), database, &peers);
    publish(ready, handle.clone(), &data.join("ready.json")).await
}

/// How the handler is started: this executable again, with the settings as its environment.
fn launch(
    options: &Options,
    data: &Path,
    front: SocketAddr,
    secrets: &Secrets,
    database: &Database,
    peers: &Peers,
) -> Result<Launch, StartError> {
    let settings = Parts {
        public_url: &format!("http://{front}"),
        port: front.port(),
        secrets,
        key_ring: &settings::key_ring(data).map_err(at(data))?,
        app_url: database.url("portal_app"),
        router_url: database.url("portal_router"),
        operator_url: database.url("portal_operator"),
        service_bus_url: peers.service_bus_url.clone(),
        smtp_url: peers.smtp_url.clone(),
        sandbox_url: &peers.sandbox.url(),
        clock_file: &peers.clock_file,
    };
    Ok(Launch {
        program: std::env::current_exe()?,
        arguments: vec![crate::HANDLER.to_owned(), std::process::id().to_string()],
        directory: options.root.clone(),
        settings: settings.settings(),
    })
}

fn ready(url: String, host_url: String, database: &Database, peers: &Peers) -> Ready {
    Ready {
        url,
        handler_pid: None,
        database_url: database.url("portal_app"),
        admin_database_url: database.url("postgres"),
        sandbox_url: peers.sandbox.url(),
        mailbox_url: peers.mailbox_url.clone(),
        host_url,
        service_bus_url: peers.service_bus_url.clone(),
        accounts: ACCOUNTS,
    }
}

/// Runs the host, and the next one when it has ended.
async fn supervise(mut worker: Worker, jobs: Jobs) {
    loop {
        let running = jobs.start();
        worker.live().await;
        drop(running);
        // Also when it was stopped: then this task ends before the pause does.
        tokio::time::sleep(PLATFORM_PAUSE).await;
        tracing::warn!("the platform starts the host anew");
    }
}

fn announce(url: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "ready {url}")?;
    for account in ACCOUNTS {
        writeln!(out, "  {} / {} ({})", account.email, account.password, account.role)?;
    }
    out.flush()
}

/// Loads the demo data, with two more tries: it only does what is missing.
async fn load_demo(url: &str, sandbox_url: &str, root: &Path) {
    for pause in [5, 15, 0] {
        match parts::demo(url, sandbox_url, root).await {
            Ok(()) => return,
            Err(error) => tracing::error!("{error}"),
        }
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
    tracing::error!("the portal runs without (all of) its demo data, ready.json is not written");
    std::future::pending::<()>().await;
}

/// Keeps `ready.json` at the handler's present process id. Never ends by itself.
async fn publish(mut ready: Ready, handle: Handle, file: &Path) -> Result<(), StartError> {
    let mut state = handle.state();
    loop {
        let now = *state.borrow_and_update();
        if let State::Ready { pid, .. } = now
            && ready.handler_pid != Some(pid)
        {
            ready.handler_pid = Some(pid);
            let text = serde_json::to_vec_pretty(&ready).map_err(io::Error::from)?;
            settings::write_atomically(file, &text).map_err(at(file))?;
        }
        if state.changed().await.is_err() {
            return Ok(());
        }
    }
}

fn queue(function: &Function) -> Option<String> {
    match &function.trigger {
        Trigger::Queue { queue, .. } => Some(queue.clone()),
        _ => None,
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> StartError + '_ {
    move |source| StartError::Io { path: path.to_owned(), source }
}

/// The data folder, made if need be, and the lock that says that it is ours.
fn data_folder(data: &Path) -> Result<(PathBuf, File), StartError> {
    fs::create_dir_all(data).map_err(at(data))?;
    let data = data.canonicalize().map_err(at(data))?;
    let path = data.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(at(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok((data, lock)),
        Err(TryLockError::WouldBlock) => Err(StartError::Locked { data, lock: path }),
        Err(TryLockError::Error(source)) => Err(StartError::Io { path, source }),
    }
}

fn forget(data: &Path) -> Result<(), StartError> {
    Database::remove(data)?;
    KEPT.iter().try_for_each(|name| remove(&data.join(name)))
}

/// Removes a file or folder that may not be there.
fn remove(path: &Path) -> Result<(), StartError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::Port { port },
        _ => StartError::Listen { port, source },
    })
}

/// Serves on a free port of 127.0.0.1; gives the base URL.
async fn open(servers: &mut JoinSet<()>, router: Router) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    spawn(servers, listener, router);
    Ok(url)
}

fn spawn(servers: &mut JoinSet<()>, listener: TcpListener, router: Router) {
    servers.spawn(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!("a listener ended: {error}");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::TempDir;

    #[test]
    fn a_second_start_on_the_same_data_is_refused_with_words() {
        let dir = TempDir::new();
        let first = data_folder(dir.path()).unwrap();
        let error = data_folder(dir.path()).unwrap_err().to_string();
        assert!(error.contains("another portal is running") && error.contains("--data"), "{error}");
        drop(first);
        assert!(data_folder(dir.path()).is_ok());
    }

    #[tokio::test]
    async fn a_taken_port_says_what_to_do() {
        let holder = listen(0).await.unwrap();
        let error = listen(holder.local_addr().unwrap().port()).await.unwrap_err();
        assert!(error.to_string().contains("--port 0"), "{error}");
    }

    #[test]
    fn fresh_forgets_what_it_made_and_nothing_else() {
        let dir = TempDir::new();
        fs::create_dir_all(dir.path().join("timers")).unwrap();
        for name in ["key_ring", "messages.jsonl", "my-notes.txt"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        forget(dir.path()).unwrap();
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["my-notes.txt"]);
    }

    #[tokio::test]
    async fn ready_json_follows_the_handler_s_process() {
        let dir = TempDir::new();
        let file = dir.path().join("ready.json");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let handle = Handle::fixed(State::Ready { address, pid: 42 });
        let text = || "x".to_owned();
        let ready = Ready {
            url: text(),
            handler_pid: None,
            database_url: text(),
            admin_database_url: text(),
            sandbox_url: text(),
            mailbox_url: text(),
            host_url: text(),
            service_bus_url: text(),
            accounts: ACCOUNTS,
        };
        publish(ready, handle, &file).await.unwrap();
        let written: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(written["handler_pid"], 42);
        assert_eq!(written["accounts"][3]["tenant"], serde_json::Value::Null);
    }
}
