//! The handler as a child process: how it is started, found ready, and started again.
//!
//! As the real host does it: a free port, five environment variables, `GET /` every 25 ms until any answer (30 s at
//! most), SIGKILL to stop. Exit code 0 = nothing happens (the app looks up but is dead), 200 = restart that does not
//! count, anything else = an error and an immediate restart; the third error ends the host.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};

use super::{HttpClient, logs};
use crate::clock::{Clock, random_uuid};

const POLL: Duration = Duration::from_millis(25);
const INITIALIZATION: Duration = Duration::from_secs(30);
/// Invocations wait for a starting handler this long: four times the initialisation limit.
const HOLD: Duration = Duration::from_mins(2);
/// A dead handler is noticed this long after its connections broke, at the latest.
const NOTICE: Duration = Duration::from_secs(1);
/// An error older than this no longer counts.
const FORGET_ERRORS: time::Duration = time::Duration::minutes(30);

/// How to start the handler.
#[derive(Debug, Clone)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// The app root: the directory of `host.json`.
    pub directory: PathBuf,
    /// Application settings, on top of the inherited environment.
    pub settings: Vec<(String, String)>,
}

/// Where the handler stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Starting,
    Ready {
        address: SocketAddr,
        pid: u32,
    },
    /// Exited with 0: nobody starts it again.
    Gone,
    /// The host has ended after too many errors.
    Ended,
}

/// Why an invocation cannot reach the handler.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unavailable {
    #[error("the handler ended by itself with exit code 0 and is not started again")]
    Gone,
    #[error("the Functions host is not running")]
    Ended,
    #[error("the handler was not ready in time")]
    Slow,
}

/// A cheap way to ask for the handler, and to have it killed.
#[derive(Debug, Clone)]
pub struct Handle {
    state: watch::Receiver<State>,
    orders: mpsc::Sender<Order>,
}

impl Handle {
    /// The handler's address; waits while it starts.
    pub async fn address(&self) -> Result<SocketAddr, Unavailable> {
        let mut state = self.state.clone();
        let settled = tokio::time::timeout(HOLD, state.wait_for(|state| *state != State::Starting)).await;
        match settled.map(|state| state.map(|state| *state)) {
            Ok(Ok(State::Ready { address, .. })) => Ok(address),
            Ok(Ok(State::Gone)) => Err(Unavailable::Gone),
            Ok(Ok(State::Ended) | Err(_)) => Err(Unavailable::Ended),
            Ok(Ok(State::Starting)) | Err(_) => Err(Unavailable::Slow),
        }
    }

    /// The state, and its changes.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits until the handler is seen to have left `address`, after an invocation broke there. If it died, that is noticed
    /// moments after its connections broke, and whatever is sent to the old address meanwhile fails for nothing.
    pub async fn left(&self, address: SocketAddr) {
        let mut state = self.state.clone();
        let left = state.wait_for(|state| !matches!(state, State::Ready { address: now, .. } if *now == address));
        tokio::time::timeout(NOTICE, left).await.ok();
    }

    /// Kills the handler (an invocation timed out) and lets it start again; this does not count as an error.
    pub async fn restart(&self, why: &str) {
        self.orders.send(Order::Restart(why.to_owned())).await.ok();
    }

    /// Kills the handler for good and waits until it is gone (two seconds at most).
    pub async fn stop(&self) {
        self.orders.send(Order::Stop).await.ok();
        let mut state = self.state.clone();
        let gone = state.wait_for(|state| matches!(state, State::Gone | State::Ended));
        tokio::time::timeout(Duration::from_secs(2), gone).await.ok();
    }

    #[cfg(test)]
    pub fn fixed(state: State) -> Self {
        Self::steered(state).1
    }

    #[cfg(test)]
    pub fn steered(state: State) -> (watch::Sender<State>, Self) {
        let (steer, state) = watch::channel(state);
        (steer, Self { state, orders: mpsc::channel(1).0 })
    }
}

/// What a handle may ask for.
#[derive(Debug)]
enum Order {
    Restart(String),
    Stop,
}

/// What follows an exit.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Restart,
    Nothing,
    End,
}

/// Counts handler errors over one life of the host.
#[derive(Debug, Default)]
pub struct Restarts {
    errors: u32,
    last: Option<OffsetDateTime>,
}

impl Restarts {
    /// Decides from the exit code; `None` = killed by a signal, or never ready.
    pub fn after_exit(&mut self, code: Option<i32>, now: OffsetDateTime) -> Next {
        match code {
            Some(0) => Next::Nothing,
            Some(200) => Next::Restart,
            _ => {
                if self.last.is_some_and(|last| now - last > FORGET_ERRORS) {
                    self.errors = 0;
                }
                self.last = Some(now);
                self.errors += 1;
                if self.errors < 3 {
                    return Next::Restart;
                }
                tracing::error!("third handler error: the host ends");
                Next::End
            }
        }
    }
}

/// The owner of the child process.
pub struct Worker {
    launch: Launch,
    clock: Arc<dyn Clock>,
    client: HttpClient,
    state: watch::Sender<State>,
    orders: mpsc::Receiver<Order>,
}

impl Worker {
    /// A worker that has not started yet, and the handle to it.
    pub fn new(launch: Launch, clock: Arc<dyn Clock>, client: HttpClient) -> (Self, Handle) {
        let (state, state_out) = watch::channel(State::Starting);
        let (orders_in, orders) = mpsc::channel(16);
        (Self { launch, clock, client, state, orders }, Handle { state: state_out, orders: orders_in })
    }

    /// One life of the host: keeps the handler running until the third error. Never returns while the handler
    /// works, or after it ended with 0.
    pub async fn live(&mut self) {
        let mut restarts = Restarts::default();
        loop {
            self.state.send_replace(State::Starting);
            let exit = self.run_once().await;
            let next = match exit {
                Exit::Restart => Next::Restart,
                Exit::Stop => Next::End,
                Exit::Code(code) => restarts.after_exit(code, self.clock.now()),
            };
            match next {
                Next::Restart => {}
                Next::Nothing => {
                    tracing::error!("the handler ended with code 0: the host does not start it again, calls will fail");
                    self.state.send_replace(State::Gone);
                    std::future::pending::<()>().await;
                }
                Next::End => {
                    self.state.send_replace(State::Ended);
                    return;
                }
            }
        }
    }

    async fn run_once(&mut self) -> Exit {
        let (mut child, address) = match self.spawn() {
            Ok(started) => started,
            Err(error) => {
                tracing::error!("the handler could not be started: {error}");
                return Exit::Code(None);
            }
        };
        let Some(pid) = child.id() else { return Exit::Code(None) };
        let mut ready = std::pin::pin!(tokio::time::timeout(INITIALIZATION, answers(&self.client, address)));
        let mut up = false;
        loop {
            tokio::select! {
                status = child.wait() => return exited(&status),
                ready = &mut ready, if !up => {
                    if ready.is_err() {
                        tracing::error!("the handler did not answer on its port within {} s", INITIALIZATION.as_secs());
                        child.kill().await.ok();
                        return Exit::Code(None);
                    }
                    up = true;
                    tracing::info!("handler ready (process {pid})");
                    self.state.send_replace(State::Ready { address, pid });
                }
                Some(order) = self.orders.recv() => match order {
                    Order::Restart(_) if !up => {} // meant for its predecessor
                    Order::Restart(why) => {
                        tracing::error!("killing the handler: {why}");
                        child.kill().await.ok();
                        return Exit::Restart;
                    }
                    Order::Stop => {
                        child.kill().await.ok();
                        return Exit::Stop;
                    }
                },
            }
        }
    }

    fn spawn(&self) -> std::io::Result<(Child, SocketAddr)> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let id = random_uuid().to_string();
        let mut child = Command::new(&self.launch.program)
            .args(&self.launch.arguments)
            .current_dir(&self.launch.directory)
            .envs(self.launch.settings.iter().map(|(name, value)| (name, value)))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &id)
            .env("FUNCTIONS_HTTPWORKER_PORT", port.to_string())
            .env("FUNCTIONS_HTTPWORKER_ID", &id)
            .env("FUNCTIONS_APP_ROOT_PATH", &self.launch.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group: Ctrl-C at the terminal is for the supervisor, which kills the child itself.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        logs::pipe(child.stdout.take(), child.stderr.take());
        Ok((child, SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
    }
}

enum Exit {
    Restart,
    Stop,
    Code(Option<i32>),
}

fn exited(status: &std::io::Result<std::process::ExitStatus>) -> Exit {
    match status {
        Ok(status) => {
            tracing::warn!("the handler ended: {status}");
            Exit::Code(status.code())
        }
        Err(_) => Exit::Code(None),
    }
}

/// Polls until any HTTP answer; only a refused connection means "wait".
async fn answers(client: &HttpClient, address: SocketAddr) {
    loop {
        let request = Request::get(format!("http://{address}/")).body(Body::empty());
        let Ok(request) = request else { return };
        match client.request(request).await {
            Err(error) if error.is_connect() => tokio::time::sleep(POLL).await,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    #[test]
    fn the_third_error_ends_the_host() {
        let mut restarts = Restarts::default();
        assert_eq!(restarts.after_exit(Some(1), NOON), Next::Restart);
        assert_eq!(restarts.after_exit(None, NOON + time::Duration::minutes(29)), Next::Restart);
        assert_eq!(restarts.after_exit(Some(101), NOON + time::Duration::minutes(58)), Next::End);
    }

    #[test]
    fn an_error_after_a_quiet_half_hour_counts_from_one() {
        let mut restarts = Restarts::default();
        restarts.after_exit(Some(1), NOON);
        restarts.after_exit(Some(1), NOON);
        assert_eq!(restarts.after_exit(Some(1), NOON + time::Duration::minutes(31)), Next::Restart);
        assert_eq!(restarts.after_exit(Some(1), NOON + time::Duration::minutes(32)), Next::Restart);
        assert_eq!(restarts.after_exit(Some(1), NOON + time::Duration::minutes(33)), Next::End);
    }

    #[test]
    fn zero_means_nothing_and_200_is_never_counted() {
        let mut restarts = Restarts::default();
        for _ in 0..5 {
            assert_eq!(restarts.after_exit(Some(200), NOON), Next::Restart);
        }
        assert_eq!(restarts.after_exit(Some(0), NOON), Next::Nothing);
        assert_eq!(restarts.after_exit(Some(1), NOON), Next::Restart);
    }

    fn shell(script: &str) -> (Worker, Handle) {
        let launch = Launch {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            directory: std::env::temp_dir(),
            settings: Vec::new(),
        };
        Worker::new(launch, Arc::new(crate::clock::fake::Still(NOON)), super::super::http_client())
    }

    #[tokio::test]
    async fn a_handler_that_always_fails_ends_the_host() {
        let (mut worker, handle) = shell("exit 3");
        worker.live().await;
        assert_eq!(handle.address().await, Err(Unavailable::Ended));
    }

    #[tokio::test]
    async fn a_stopped_handler_is_dead_before_stop_returns() {
        let (mut worker, handle) = shell("sleep 1000");
        let live = tokio::spawn(async move { worker.live().await });
        handle.stop().await;
        assert_eq!(*handle.state().borrow(), State::Ended);
        live.await.unwrap();
    }

    #[tokio::test]
    async fn a_handler_that_ends_with_zero_stays_dead() {
        let (mut worker, handle) = shell("exit 0");
        let live = tokio::spawn(async move { worker.live().await });
        assert_eq!(handle.address().await, Err(Unavailable::Gone));
        live.abort();
    }

    #[tokio::test]
    async fn the_five_variables_reach_the_handler() {
        let script = "test \"$FUNCTIONS_CUSTOMHANDLER_PORT\" = \"$FUNCTIONS_HTTPWORKER_PORT\" \
            && test -n \"$FUNCTIONS_CUSTOMHANDLER_PORT\" \
            && test \"$FUNCTIONS_CUSTOMHANDLER_WORKER_ID\" = \"$FUNCTIONS_HTTPWORKER_ID\" \
            && test -n \"$FUNCTIONS_HTTPWORKER_ID\" && test -d \"$FUNCTIONS_APP_ROOT_PATH\" && exit 0; exit 1";
        let (mut worker, handle) = shell(script);
        let live = tokio::spawn(async move { worker.live().await });
        assert_eq!(handle.address().await, Err(Unavailable::Gone), "exit 0 says that all five were there");
        live.abort();
    }
}
