//! The real router on a database of its own, with a clock, randomness, a queue and a Google that tests hold in hand.

pub mod client;
pub mod contract;
pub mod google;
pub mod grants;
pub mod parts;
pub mod tiny;
pub mod walk;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal::config::Config;
use portal::connectors::contract::Connector;
use portal::connectors::http::UpstreamClient;
use portal::connectors::registry::Connectors;
use portal::domain::secret::Secret;
use portal::http::state::AppState;
use portal::platform::queue::Message;
use portal::platform::sealing::KeyRing;
use serde_json::{Value, json};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};
use time::Duration;
use uuid::Uuid;

use client::{Answer, Call, Client};
use google::Google;
use parts::{FakeClock, MemoryMailer, MemoryQueue, Seeded};

/// The portal's own origin in tests.
pub const ORIGIN: &str = "http://127.0.0.1:7071";
/// Front Door's id in tests.
pub const FRONT_DOOR: &str = "5b0c7a3e-3f5a-4c55-9a36-1f0d3f6d2a11";
/// Everyone's password.
pub const PASSWORD: &str = "mar-azul-faro-2026";

/// A portal for one test.
pub struct TestApp {
    pub router: Router,
    pub state: AppState,
    pub clock: Arc<FakeClock>,
    pub queue: Arc<MemoryQueue>,
    pub mailer: Arc<MemoryMailer>,
    pub google: Google,
    /// As superuser, for what no role of the portal may do.
    pub admin: PgPool,
    /// Last, so that it goes when nobody uses it any more.
    pub database: local_postgres::testing::TestDatabase,
}

impl TestApp {
    /// A portal with two tenants (Acme, Globex) and their people, and a Google with one property.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// The same with one more provider.
    pub async fn start_with(provider: Option<Arc<dyn Connector>>) -> Self {
        let database = local_postgres::testing::database(&portal::store::MIGRATOR).await;
        let google = Google::start().await;
        let clock = Arc::new(FakeClock::default());
        let queue = Arc::new(MemoryQueue::default());
        let mailer = Arc::new(MemoryMailer::default());
        let random = Arc::new(Seeded::default());
        let config = config(&database, &google);
        let mut state = portal::app::state(&config).unwrap();
        state.services.clock = clock.clone();
        state.services.random = random.clone();
        state.services.queue = queue.clone();
        state.services.mailer = mailer.clone();
        // Two retries as in production, but nothing waits.
        let upstream = UpstreamClient::standard().unwrap();
        let connectors = portal::app::connectors(&config, &upstream, |_| std::future::ready(())).unwrap();
        state.services.connectors = Connectors::new(connectors.iter().cloned().chain(provider).collect());
        let superuser = database.url(local_postgres::SUPERUSER);
        let admin = PgPoolOptions::new().max_connections(3).connect_lazy(&superuser).unwrap();
        parts::people(&database, &state.services.passwords, clock.as_ref(), random.as_ref()).await;
        let router = portal::app::router(state.clone());
        Self { router, state, clock, queue, mailer, google, admin, database }
    }

    /// Starts the portal anew with another key ring, on the same database.
    pub fn restart_with(&mut self, ring: &str) {
        self.state.services.keys = Arc::new(KeyRing::parse(&secret(ring)).unwrap());
        self.router = portal::app::router(self.state.clone());
    }

    /// The use cases of another process on the same database.
    pub fn another_process(&self) -> portal::services::Services {
        self.another_process_at(&self.google.at("/token"))
    }

    /// The use cases of another process that renews tokens elsewhere.
    pub fn another_process_at(&self, token_url: &str) -> portal::services::Services {
        let mut settings = settings(&self.database, &self.google);
        settings.insert("PORTAL_GOOGLE_TOKEN_URL", token_url.to_owned());
        let config = Config::read(|key| settings.get(key).cloned()).unwrap();
        let services = portal::app::state(&config).unwrap().services;
        portal::services::Services { clock: self.clock.clone(), queue: self.queue.clone(), ..services }
    }

    /// Nobody's client.
    pub fn stranger(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// A signed-in client.
    pub async fn sign_in(&self, email: &str) -> Client {
        let mut client = self.stranger();
        let answer = client.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{email} cannot sign in: {}", answer.text());
        client
    }

    /// Acme's admin.
    pub async fn acme(&self) -> Client {
        self.sign_in("admin@acme.example").await
    }

    /// Acme's viewer.
    pub async fn viewer(&self) -> Client {
        self.sign_in("viewer@acme.example").await
    }

    /// Globex's admin.
    pub async fn globex(&self) -> Client {
        self.sign_in("admin@globex.example").await
    }

    /// Lets the business clock go on.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Runs SQL as superuser; gives the number of rows.
    pub async fn sql(&self, sql: &str) -> u64 {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&self.admin).await.unwrap().rows_affected()
    }

    /// The rows of a query as superuser, each as JSON.
    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let sql = format!("select to_jsonb(r) from ({sql}) r");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&self.admin).await.unwrap()
    }

    /// The single value of a query as superuser, as JSON.
    pub async fn value(&self, sql: &str) -> Value {
        let rows = self.rows(&format!("select ({sql}) as v")).await;
        rows[0]["v"].clone()
    }

    /// Does something as superuser without committing it: whoever needs what it locks waits for [`Self::release`].
    pub async fn hold(&self, sql: &str) -> Transaction<'static, Postgres> {
        let mut tx = self.admin.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await.unwrap();
        tx
    }

    /// Commits it when so many requests wait.
    pub async fn release(&self, held: Transaction<'static, Postgres>, waiting: usize) {
        self.until_waiting(waiting).await;
        held.commit().await.unwrap();
    }

    /// Goes on when so many requests wait for a lock.
    pub async fn until_waiting(&self, requests: usize) {
        let stuck =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let all_wait = async {
            while self.value(stuck).await != requests {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(30);
        tokio::time::timeout(patience, all_wait).await.unwrap_or_else(|_| panic!("{requests} requests do not wait"));
    }

    /// A connection of its own as one of the roles.
    pub async fn connect(&self, role: &str) -> PgConnection {
        use sqlx::Connection as _;
        PgConnection::connect(&self.database.url(role)).await.unwrap()
    }

    /// The id of a tenant.
    pub async fn tenant(&self, name: &str) -> String {
        self.value(&format!("select id from tenants where name = '{name}'")).await.as_str().unwrap().to_owned()
    }

    /// The database as another process of the portal has it open.
    pub fn another_pool(&self) -> portal::store::Database {
        portal::app::state(&config(&self.database, &self.google)).unwrap().services.database
    }

    /// Hands one message to the function of its queue, as the host does.
    pub async fn deliver(&self, message: &Message) -> Answer {
        let function = match message.queue.as_str() {
            "mail" => "/send_mail",
            "withdrawals" => "/withdraw_access",
            _ => "/run_sync",
        };
        self.invoke(function, &parts::message_envelope(message)).await
    }

    /// Calls a function with an envelope, as the host does: no headers of a browser, no Front Door.
    pub async fn invoke(&self, path: &str, envelope: &Value) -> Answer {
        Call::new("POST", path)
            .header("content-type", "application/json")
            .body(envelope.to_string())
            .bare(&self.router)
            .await
    }

    /// Fires a timer function.
    pub async fn fire(&self, function: &str) -> Answer {
        let timer = json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": null, "IsPastDue": false});
        let answer =
            self.invoke(&format!("/{function}"), &json!({"Data": {"timer": timer}, "Metadata": {"sys": {}}})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    /// Delivers all messages that are not scheduled for later, and those that come of it. Gives how many.
    pub async fn drain(&self) -> usize {
        let mut delivered = 0;
        while let Some(message) = self.queue.next_immediate() {
            let answer = self.deliver(&message).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            delivered += 1;
            assert!(delivered < 100, "the queue does not come to rest");
        }
        delivered
    }

    /// All access tokens are over, as the database knows.
    pub async fn forget_access_tokens(&self) {
        self.sql("update credentials set access_until = now() - interval '1 second', renew_from = now()").await;
    }

    /// Makes scheduled work due: moves `run_at` into the past and delivers the scheduled messages.
    pub async fn let_time_pass(&self) -> usize {
        self.sql("update jobs set run_at = now() - interval '1 second' where state = 'queued'").await;
        for message in self.queue.take_scheduled() {
            self.queue.push(Message { not_before: None, ..message });
        }
        self.drain().await
    }

    /// Adds a Google source and gives consent; its first run is announced but not delivered. Gives the source's id.
    pub async fn connect_ga4(&self, admin: &Client) -> String {
        let id = admin.add_source("ga4", "Web").await;
        let back = self.consent(admin, &id).await;
        assert_eq!(back.status, 303, "{}", back.text());
        id
    }

    /// Goes to Google and comes back with a code.
    pub async fn consent(&self, admin: &Client, id: &str) -> Answer {
        let state = admin.begin_connect(id).await;
        admin.get(&format!("/api/oauth/callback?code=good-code&state={state}")).await
    }

    /// A Google source of acme with its whole history read.
    pub async fn synced(&self, admin: &Client) -> String {
        let id = self.connect_ga4(admin).await;
        assert_eq!(self.drain().await, 1);
        id
    }
}

fn config(database: &local_postgres::testing::TestDatabase, google: &Google) -> Config {
    let settings = settings(database, google);
    Config::read(|key| settings.get(key).cloned()).unwrap()
}

/// What the program is told by its environment.
pub fn settings(database: &local_postgres::testing::TestDatabase, google: &Google) -> HashMap<&'static str, String> {
    let key = STANDARD.encode([7_u8; 32]);
    [
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "1".to_owned()),
        ("PORTAL_PROFILE", "local".to_owned()),
        ("PORTAL_PUBLIC_ORIGIN", ORIGIN.to_owned()),
        ("PORTAL_EXTRA_ORIGINS", "http://localhost:7071".to_owned()),
        ("PORTAL_FRONT_DOOR_ID", FRONT_DOOR.to_owned()),
        ("PORTAL_DATABASE_URL", database.url("portal_app")),
        ("PORTAL_ROUTER_DATABASE_URL", database.url("portal_router")),
        ("PORTAL_OPERATOR_DATABASE_URL", database.url("portal_operator")),
        ("PORTAL_SMTP_URL", "smtp://127.0.0.1:1".to_owned()),
        ("PORTAL_MAIL_FROM", "Portal <portal@portal.example>".to_owned()),
        ("PORTAL_KEY_RING", format!("k1:{key}")),
        ("PORTAL_SERVICE_BUS_URL", "http://127.0.0.1:1".to_owned()),
        ("PORTAL_GOOGLE_CLIENT_ID", "portal.example".to_owned()),
        ("PORTAL_GOOGLE_CLIENT_SECRET", "canary-client-secret".to_owned()),
        ("PORTAL_GOOGLE_AUTH_URL", google.at("/o/oauth2/v2/auth")),
        ("PORTAL_GOOGLE_TOKEN_URL", google.at("/token")),
        ("PORTAL_GOOGLE_REVOKE_URL", google.at("/revoke")),
        ("PORTAL_GOOGLE_DATA_URL", google.at("/")),
        ("PORTAL_GOOGLE_ADMIN_URL", google.at("/")),
    ]
    .into()
}

/// An id that nothing has.
pub fn random_id() -> String {
    Uuid::from_u128(0x0193_5f00_0000_7000_8000_0000_dead_beef).to_string()
}

/// A secret from a text.
pub fn secret(text: &str) -> Secret {
    Secret::new(text)
}
