//! The functions that run without a request: timers, queue functions, and either of them by hand.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::bindings::{Function, Trigger};
use super::envelope::{self, Call};
use super::invoke::Invoker;
use super::timers::Timer;
use crate::broker::{Broker, Message};
use crate::clock::{Clock, random_uuid};

/// All it takes to run jobs.
#[derive(Clone)]
pub struct Jobs {
    pub functions: Arc<[Function]>,
    pub invoker: Invoker,
    pub broker: Arc<Broker>,
    pub clock: Arc<dyn Clock>,
    /// Folder of the timers' status files.
    pub timers: PathBuf,
    pub max_concurrent_calls: usize,
}

impl Jobs {
    /// Starts every timer and queue function; they stop when the set is dropped.
    pub fn start(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for function in self.functions.iter() {
            match &function.trigger {
                Trigger::Http { .. } => {}
                Trigger::Timer { binding, schedule, run_on_startup, use_monitor } => {
                    let timer = Timer {
                        function: function.name.clone(),
                        binding: binding.clone(),
                        schedule: (**schedule).clone(),
                        run_on_startup: *run_on_startup,
                        monitored: *use_monitor,
                        file: self.timers.join(format!("{}.json", function.name)),
                        invoker: self.invoker.clone(),
                        clock: self.clock.clone(),
                    };
                    tasks.spawn(timer.run());
                }
                Trigger::Queue { binding, queue } => {
                    tasks.spawn(self.clone().pump(function.name.clone(), binding.clone(), queue.clone()));
                }
            }
        }
        tasks
    }

    /// Delivers messages, at most `max_concurrent_calls` at a time. Success completes, failure abandons.
    async fn pump(self, function: String, binding: String, queue: String) {
        let slots = Arc::new(Semaphore::new(self.max_concurrent_calls));
        let mut running = JoinSet::new();
        loop {
            // Not before the handler is up: a message taken for nobody would only lose a delivery.
            if self.invoker.worker.address().await.is_err() {
                tracing::error!("queue `{queue}` is not served: the handler is gone");
                return;
            }
            let Ok(slot) = slots.clone().acquire_owned().await else {
                return;
            };
            let delivery = self.broker.receive(&queue).await;
            while running.try_join_next().is_some() {}
            let (jobs, function, binding) = (self.clone(), function.clone(), binding.clone());
            running.spawn(async move {
                let call = jobs.call(&function, &binding);
                let envelope = envelope::message(call, &delivery.message, random_uuid());
                if jobs.invoker.job(&function, envelope).await.is_ok() {
                    delivery.complete();
                }
                drop(slot);
            });
        }
    }

    fn call<'a>(&self, function: &'a str, binding: &'a str) -> Call<'a> {
        Call { function, binding, now: self.clock.now(), random: random_uuid() }
    }

    /// The envelope of a run by hand. `input` is the message's body, or for a timer (as JSON object) the whole timer
    /// object, so that odd ones can be tried. None for HTTP functions and unknown names.
    pub fn by_hand(&self, name: &str, input: Option<&str>) -> Option<(String, Value)> {
        let function = self.functions.iter().find(|function| function.name.eq_ignore_ascii_case(name))?;
        let envelope = match &function.trigger {
            Trigger::Http { .. } => return None,
            Trigger::Timer { binding, .. } => {
                let call = self.call(&function.name, binding);
                match input.and_then(|text| serde_json::from_str(text).ok()) {
                    Some(info @ Value::Object(_)) => envelope::timer_with(call, info),
                    _ => envelope::timer(call, None, false),
                }
            }
            Trigger::Queue { binding, .. } => {
                let now: OffsetDateTime = self.clock.now();
                let mut message =
                    Message::new(random_uuid().simple().to_string(), input.unwrap_or_default().to_owned(), now);
                message.delivery_count = 1;
                envelope::message(self.call(&function.name, binding), &message, random_uuid())
            }
        };
        Some((function.name.clone(), envelope))
    }

    /// What `/admin/functions` lists.
    pub fn listing(&self) -> Value {
        let kind = |trigger: &Trigger| match trigger {
            Trigger::Http { .. } => "httpTrigger",
            Trigger::Timer { .. } => "timerTrigger",
            Trigger::Queue { .. } => "serviceBusTrigger",
        };
        self.functions.iter().map(|f| json!({"name": f.name, "trigger": kind(&f.trigger)})).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use axum::Router;
    use http::StatusCode;

    use super::*;
    use crate::clock::SystemClock;
    use crate::host::worker::{Handle, State};
    use crate::settings::tests::TempDir;

    /// Jobs with one queue function, before a handler that answers `status` once `gate` has room.
    async fn jobs(dir: &TempDir, status: StatusCode, busy: &'static AtomicUsize, gate: &'static Semaphore) -> Jobs {
        let answer = move || async move {
            busy.fetch_add(1, Ordering::SeqCst);
            let _room = gate.acquire().await;
            (status, [("content-type", "application/json")], "{}")
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/run_sync", axum::routing::post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let trigger = Trigger::Queue { binding: "job".to_owned(), queue: "syncs".to_owned() };
        let functions = [Function { name: "run_sync".to_owned(), trigger }];
        let clock = Arc::new(SystemClock);
        let broker = Broker::open(&["syncs".to_owned()], &dir.path().join("journal"), clock.clone()).unwrap();
        let worker = Handle::fixed(State::Ready { address, pid: 1 });
        let invoker = Invoker { client: crate::host::http_client(), worker, timeout: Duration::MAX };
        let timers = dir.path().to_owned();
        Jobs { functions: functions.into(), invoker, broker, clock, timers, max_concurrent_calls: 2 }
    }

    fn send(jobs: &Jobs, count: usize) {
        let now = jobs.clock.now();
        let message = |n: usize| Message::new(n.to_string(), "{}".to_owned(), now);
        jobs.broker.with(|queues, _| queues.send("syncs", (0..count).map(message).collect())).unwrap();
    }

    async fn eventually(what: impl Fn() -> bool) {
        let poll = async {
            while !what() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), poll).await.unwrap();
    }

    #[tokio::test]
    async fn a_message_that_always_fails_is_delivered_ten_times_and_dead_lettered() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        static OPEN: Semaphore = Semaphore::const_new(1);
        let dir = TempDir::new();
        let jobs = jobs(&dir, StatusCode::INTERNAL_SERVER_ERROR, &CALLS, &OPEN).await;
        send(&jobs, 1);
        let _running = jobs.start();
        eventually(|| jobs.broker.with(|queues, _| queues.dead_letters("syncs").unwrap().len()) == 1).await;
        assert_eq!(CALLS.load(Ordering::SeqCst), 10);
    }

    #[tokio::test]
    async fn no_more_messages_are_in_work_than_the_limit() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        static SHUT: Semaphore = Semaphore::const_new(0);
        let dir = TempDir::new();
        let jobs = jobs(&dir, StatusCode::OK, &CALLS, &SHUT).await;
        send(&jobs, 5);
        let _running = jobs.start();
        eventually(|| CALLS.load(Ordering::SeqCst) == 2).await;
        let listing = jobs.broker.with(|queues, _| queues.listing("syncs")).unwrap();
        assert_eq!(listing["locked"].as_array().unwrap().len(), 2);
        SHUT.add_permits(5);
        eventually(|| CALLS.load(Ordering::SeqCst) == 5).await;
        eventually(|| jobs.broker.with(|queues, _| queues.listing("syncs")).unwrap()["locked"] == json!([])).await;
    }
}
