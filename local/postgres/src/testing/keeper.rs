//! One thread per test process that makes and removes the databases, over one connection. Every test has an async
//! runtime of its own, so a connection that outlives a test needs a runtime that does too.

use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::shared_cluster;
use crate::roles::{LOCK, ROLES_SQL};
use crate::{Cluster, Error};

/// So many templates are kept: several branches of work may use one cluster, and each migration makes a new one.
const TEMPLATES: i64 = 12;

type Created = Result<(String, Arc<Cluster>), String>;

enum Request {
    Create { migrator: &'static Migrator, reply: oneshot::Sender<Created> },
    Remove { name: String, reply: mpsc::Sender<()> },
}

/// Makes a database; the error is a text, since one failure to start answers every test.
pub(super) async fn create(migrator: &'static Migrator) -> Created {
    let (reply, answer) = oneshot::channel();
    requests().send(Request::Create { migrator, reply }).map_err(|error| error.to_string())?;
    answer.await.map_err(|error| error.to_string())?
}

/// Removes a database and waits for that, for a while.
pub(super) fn remove(name: &str) {
    let (reply, answer) = mpsc::channel();
    if requests().send(Request::Remove { name: name.to_owned(), reply }).is_ok() {
        // If it takes longer, the next run sweeps it up.
        let _ = answer.recv_timeout(Duration::from_secs(10));
    }
}

fn requests() -> &'static UnboundedSender<Request> {
    static REQUESTS: OnceLock<UnboundedSender<Request>> = OnceLock::new();
    REQUESTS.get_or_init(|| {
        let (sender, receiver) = unbounded_channel();
        // Without the thread the receiver is dropped, and every send fails with a word about that.
        let _ = std::thread::Builder::new().name("test databases".to_owned()).spawn(move || serve(receiver));
        sender
    })
}

fn serve(mut receiver: UnboundedReceiver<Request>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    runtime.block_on(async {
        let mut keeper = Keeper::open().await.map_err(|error| error.to_string());
        while let Some(request) = receiver.recv().await {
            match (request, &mut keeper) {
                (Request::Create { migrator, reply }, Ok(keeper)) => {
                    let made = keeper.create(migrator).await.map_err(|error| error.to_string());
                    // A test that was cancelled meanwhile never gets its database.
                    if let Err(Ok((name, _))) = reply.send(made) {
                        keeper.remove(&name).await;
                    }
                }
                (Request::Create { reply, .. }, Err(why)) => drop(reply.send(Err(why.clone()))),
                (Request::Remove { name, reply }, Ok(keeper)) => {
                    keeper.remove(&name).await;
                    let _ = reply.send(());
                }
                (Request::Remove { .. }, Err(_)) => {}
            }
        }
    });
}

struct Keeper {
    cluster: Arc<Cluster>,
    admin: PgConnection,
    /// The server's process for `admin`. It is part of the names of our databases, and as long as it lives they are in
    /// use; so whoever finds a database whose process is gone may remove it, on whatever machine that process was.
    session: i32,
    made: u32,
}

impl Keeper {
    async fn open() -> Result<Self, Error> {
        let cluster = Arc::new(shared_cluster().await?);
        let mut admin = PgConnection::connect(cluster.admin_url()).await?;
        let session = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut admin).await?;
        let mut keeper = Self { cluster, admin, session, made: 0 };
        keeper.sweep().await?;
        Ok(keeper)
    }

    /// Removes the databases of test processes that are gone.
    async fn sweep(&mut self) -> Result<(), Error> {
        let orphans = "SELECT datname::text FROM pg_database \
             WHERE datname ~ '^t_[0-9]{1,9}_[0-9]+$' AND (split_part(datname, '_', 2)::int = pg_backend_pid() \
                OR split_part(datname, '_', 2)::int NOT IN (SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL))";
        let orphans: Vec<String> = sqlx::query_scalar(orphans).fetch_all(&mut self.admin).await?;
        for name in orphans {
            self.remove(&name).await;
        }
        Ok(())
    }

    async fn create(&mut self, migrator: &'static Migrator) -> Result<(String, Arc<Cluster>), Error> {
        let template = template_name(migrator);
        if !self.exists(&template).await? {
            self.locked_build(&template, migrator).await?;
        }
        self.made += 1;
        let name = format!("t_{}_{}", self.session, self.made);
        // Copying files is faster than logging every page for databases of this size.
        let copy = format!("CREATE DATABASE {name} OWNER portal_owner TEMPLATE {template} STRATEGY FILE_COPY");
        sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut self.admin).await?;
        Ok((name, Arc::clone(&self.cluster)))
    }

    async fn exists(&mut self, name: &str) -> Result<bool, Error> {
        let find = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
        Ok(sqlx::query_scalar(find).bind(name).fetch_one(&mut self.admin).await?)
    }

    /// Builds the template unless another process does so first.
    async fn locked_build(&mut self, template: &str, migrator: &'static Migrator) -> Result<(), Error> {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut self.admin).await?;
        let built = self.build(template, migrator).await;
        sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(&mut self.admin).await?;
        built
    }

    async fn build(&mut self, template: &str, migrator: &'static Migrator) -> Result<(), Error> {
        if self.exists(template).await? {
            return Ok(());
        }
        // Under another name until it is complete: a build that was killed is never taken for a template.
        let unfinished = format!("{template}_build");
        self.drop_database(&unfinished).await?;
        self.cluster.prepare_roles(&mut self.admin).await?;
        self.cluster.create_database(&mut self.admin, &unfinished).await?;
        let mut owner = PgConnection::connect(&self.cluster.url("portal_owner", &unfinished)).await?;
        let migrated = migrator.run(&mut owner).await;
        owner.close().await?;
        migrated?;
        self.forget_old_templates().await?;
        let rename = format!("ALTER DATABASE {unfinished} RENAME TO {template}");
        sqlx::raw_sql(AssertSqlSafe(rename)).execute(&mut self.admin).await?;
        Ok(())
    }

    async fn forget_old_templates(&mut self) -> Result<(), Error> {
        let old = "SELECT datname::text FROM pg_database WHERE datname ~ '^tpl_[0-9a-f]+$' ORDER BY oid DESC OFFSET $1";
        let old: Vec<String> = sqlx::query_scalar(old).bind(TEMPLATES - 1).fetch_all(&mut self.admin).await?;
        for name in old {
            self.remove(&name).await;
        }
        Ok(())
    }

    async fn drop_database(&mut self, name: &str) -> Result<(), Error> {
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.admin).await?;
        Ok(())
    }

    async fn remove(&mut self, name: &str) {
        if let Err(error) = self.drop_database(name).await {
            tracing::warn!(%error, name, "a test's database stays until the next run");
        }
    }
}

/// The template's name: a digest of all that goes into it.
fn template_name(migrator: &Migrator) -> String {
    let mut digest = Sha256::new();
    digest.update(ROLES_SQL);
    for migration in migrator.iter() {
        digest.update(migration.version.to_le_bytes());
        digest.update(&migration.checksum);
    }
    format!("tpl_{}", &crate::hex(&digest.finalize())[..40])
}
