//! All SQL. Plain async functions on a connection; the tenant is the argument after it.
//!
//! Services open transactions with [`Database::tenant`] (as `portal_app`, one tenant set) or [`Database::router`]
//! (as `portal_router`, for the few things that must look across tenants) and commit them.

pub mod ages;
pub mod audit;
pub mod audit_reading;
pub mod breakers;
pub mod credentials;
pub mod datapoints;
pub mod figures;
pub mod idempotency;
pub mod invitations;
pub mod jobs;
pub mod keys;
pub mod metrics;
pub mod mfa;
pub mod operator;
pub mod people;
pub mod provisioning;
pub mod rate_counters;
pub mod recipients;
pub mod records;
pub mod request_buckets;
pub mod restatements;
pub mod sessions;
pub mod sources;
pub mod streams;
pub mod syncs;
pub mod team;
pub mod tenants;
pub mod tokens;

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

use crate::domain::ids::TenantId;
use crate::domain::secret::Secret;

/// The schema's migrations, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Longest wait for a free connection; then the request answers 503.
const ACQUIRE: Duration = Duration::from_secs(3);

/// A transaction; everything in it is lost unless `commit` is called.
pub type Tx = Transaction<'static, Postgres>;

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A named unique constraint was hit.
    #[error("already exists: {0}")]
    Taken(String),
    /// The database cannot be reached or has no connection free.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A stored value is not what the program writes.
    #[error("unexpected value in {0}")]
    Inconsistent(&'static str),
    /// The role could see other tenants' rows.
    #[error("role {0} could bypass row level security; use a role that is neither superuser, owner nor BYPASSRLS")]
    UnsafeRole(String),
    /// Anything else.
    #[error("database error")]
    Driver(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(error)
            }
            sqlx::Error::Database(database) if database.is_unique_violation() => {
                Self::Taken(database.constraint().unwrap_or("unique").to_owned())
            }
            // 57P: shut-down, 53: insufficient resources, 08: connection, 25006: read-only, 40: deadlock or
            // serialisation, 55P03: lock time-out, 57014: statement time-out. Trying again helps.
            sqlx::Error::Database(database)
                if database.code().is_some_and(|code| {
                    ["57P", "53", "08", "25006", "40P01", "40001", "55P03", "57014"]
                        .iter()
                        .any(|class| code.starts_with(class))
                }) =>
            {
                Self::Unavailable(error)
            }
            _ => Self::Driver(error),
        }
    }
}

/// The two pools of a handler.
#[derive(Debug, Clone)]
pub struct Database {
    app: PgPool,
    router: PgPool,
}

impl Database {
    /// Prepares the pools; connections are opened when first needed.
    pub fn new(app_url: &Secret, router_url: &Secret) -> Result<Self, StoreError> {
        Self::with_sizes(app_url, router_url, (8, 4))
    }

    /// The same with so many connections as `portal_app` and as `portal_router`.
    pub fn with_sizes(app_url: &Secret, router_url: &Secret, (app, router): (u32, u32)) -> Result<Self, StoreError> {
        Ok(Self { app: pool(app_url, app)?, router: pool(router_url, router)? })
    }

    /// Opens a transaction as `portal_app` in which only `tenant`'s rows exist. One round trip.
    pub async fn tenant(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        // SET takes no parameters, and set_config() would not reach the nodes of a cluster; the text of a UUID is safe.
        let begin = format!("BEGIN; SET LOCAL app.tenant_id = '{}'", tenant.0);
        Ok(self.app.begin_with(AssertSqlSafe(begin)).await?)
    }

    /// A connection as `portal_router` for a single statement.
    pub async fn router_connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        Ok(self.router.acquire().await?)
    }

    /// Opens a transaction as `portal_router`.
    pub async fn router(&self) -> Result<Tx, StoreError> {
        Ok(self.router.begin().await?)
    }

    /// Answers when both pools reach the database.
    pub async fn check(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.app).await?;
        sqlx::query("select 1").execute(&self.router).await?;
        Ok(())
    }

    /// Fails when one of the roles could see what row level security hides.
    pub async fn refuse_unsafe_roles(&self) -> Result<(), StoreError> {
        for pool in [&self.app, &self.router] {
            let mut connection = pool.acquire().await?;
            refuse_unsafe_role(&mut connection).await?;
        }
        Ok(())
    }
}

/// The database as `portal_operator`, which makes tenants and people and never sees their figures.
#[derive(Debug, Clone)]
pub struct OperatorDatabase(PgPool);

impl OperatorDatabase {
    /// Prepares the pool.
    pub fn new(url: &Secret) -> Result<Self, StoreError> {
        Ok(Self(pool(url, 2)?))
    }

    /// Opens a transaction.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.0.begin().await?)
    }
}

async fn refuse_unsafe_role(connection: &mut PgConnection) -> Result<(), StoreError> {
    let unsafe_role: Option<String> = sqlx::query_scalar(
        "select r.rolname::text from pg_roles r
          where r.rolname = current_user
            and (r.rolsuper or r.rolbypassrls
                 or exists (select from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p'))
                 or exists (select from pg_roles o where (o.rolsuper or o.rolbypassrls) and pg_has_role(r.oid, o.oid, 'member'))
                 or exists (select from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
                              and pg_has_role(r.oid, c.relowner, 'member')))",
    )
    .fetch_optional(connection)
    .await?;
    unsafe_role.map_or(Ok(()), |role| Err(StoreError::UnsafeRole(role)))
}

fn pool(url: &Secret, size: u32) -> Result<PgPool, StoreError> {
    let options: PgConnectOptions = url.expose().parse::<PgConnectOptions>()?;
    let options = options.application_name("portal").options([
        ("statement_timeout", "20s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "60s"),
    ]);
    Ok(PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(Duration::from_mins(2))
        .connect_lazy_with(options))
}

/// Brings a database to the newest schema. Needs the owner's role; safe to run twice and at once.
pub async fn migrate(owner_url: &Secret) -> Result<(), MigrateError> {
    let pool =
        PgPoolOptions::new().max_connections(1).connect(owner_url.expose()).await.map_err(MigrateError::Connect)?;
    MIGRATOR.run(&pool).await.map_err(MigrateError::Run)?;
    pool.close().await;
    Ok(())
}

/// A migration did not run.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection as the owner.
    #[error("cannot connect as the owner of the schema")]
    Connect(#[source] sqlx::Error),
    /// A migration failed; nothing of it was kept.
    #[error("a migration failed")]
    Run(#[source] sqlx::migrate::MigrateError),
}
