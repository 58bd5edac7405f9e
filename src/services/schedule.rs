//! Starting runs: on a schedule, by hand, after a connection.

use time::Duration;
use tokio::time::Instant;

use super::audit_trail::Act;
use super::connect::not_connected;
use super::error::ServiceError;
use super::ingest::SyncPayload;
use super::sources::sync_key;
use super::{Caller, Services};
use crate::domain::ids::{JobId, SourceId, SyncId, TenantId};
use crate::domain::lang::Text;
use crate::domain::source::{SourceStatus, SyncTrigger};
use crate::store::jobs::{self, Inserted, NewJob};
use crate::store::sources::SourceRow;
use crate::store::{StoreError, Tx, sources, syncs, tenants};

/// The queue of runs.
pub const QUEUE: &str = "syncs";
/// How long a person waits until the next run after one of theirs.
const COOL_DOWN: Duration = Duration::seconds(60);
/// Sources that one beat of the timer starts.
const AT_ONCE: i64 = 200;
/// How long one beat starts runs, well within the host's time-out and the next beat.
const BUDGET: std::time::Duration = std::time::Duration::from_secs(40);

/// What one beat of the timer did.
#[derive(Debug, Default, Clone, Copy)]
pub struct Scheduled {
    /// Runs started.
    pub started: usize,
    /// Messages sent again.
    pub resent: usize,
}

impl Services {
    /// Starts the runs that are due and sends lost messages again. One source's failure does not stop the others.
    pub async fn schedule_syncs(&self) -> Result<Scheduled, ServiceError> {
        let due = {
            let mut router = self.database.router_connection().await?;
            sources::due(&mut router, self.now(), AT_ONCE).await?
        };
        let mut done = Scheduled::default();
        let deadline = Instant::now() + BUDGET;
        for (tenant, source) in due {
            // What is left is due at the next beat.
            if Instant::now() > deadline {
                break;
            }
            match self.start_sync(tenant, source, SyncTrigger::Schedule, None).await {
                Ok(_) => done.started += 1,
                Err(error) => {
                    tracing::error!(tenant = %tenant, source = %source, error = %error, "A due source was not started");
                }
            }
        }
        done.resent = self.sweep_lost_jobs().await?;
        Ok(done)
    }

    /// Starts a run because a person asked; a run that waits for its next attempt goes on at once.
    pub async fn sync_now(&self, caller: &Caller, id: SourceId) -> Result<SyncId, ServiceError> {
        let source = self.source(caller, id).await?;
        refuse_unready(&source)?;
        self.start_sync(caller.tenant, id, SyncTrigger::Manual, Some(caller)).await
    }

    /// Writes run and job in one transaction and then tells the queue. Gives the live run's id if there is one.
    pub(crate) async fn start_sync(
        &self,
        tenant: TenantId,
        id: SourceId,
        trigger: SyncTrigger,
        caller: Option<&Caller>,
    ) -> Result<SyncId, ServiceError> {
        let job = JobId(self.new_id());
        let sync = SyncId(self.new_id());
        let mut tx = self.database.tenant(tenant).await?;
        let source = sources::find_for_update(&mut tx, tenant, id).await?.ok_or(ServiceError::NotFound)?;
        if !tenants::is_active(&mut tx, tenant).await? {
            return Err(ServiceError::Forbidden);
        }
        let payload = serde_json::json!(SyncPayload::new(id, sync));
        let exclusive = source.credential_id.map(|credential| format!("credential:{credential}"));
        let new = NewJob {
            id: job,
            kind: "sync",
            queue: QUEUE,
            dedup_key: &sync_key(id),
            exclusive_key: exclusive.as_deref(),
            payload,
        };
        let (job, sync, announce) = match jobs::insert(&mut tx, tenant, &new).await? {
            Inserted::New => {
                if trigger == SyncTrigger::Manual {
                    self.refuse_so_soon(&mut tx, tenant, id).await?;
                }
                syncs::insert(&mut tx, tenant, sync, id, trigger, self.now()).await?;
                (job, sync, true)
            }
            Inserted::Existing { id: live, payload } => {
                let live_sync = SyncPayload::read(&payload)?.sync_id;
                let may_hasten = trigger == SyncTrigger::Manual && source.status()? != SourceStatus::RateLimited;
                let hastened = may_hasten && jobs::hasten(&mut tx, tenant, live).await?;
                (live, live_sync, hastened)
            }
            // It ended between two statements; the source's next beat is soon enough.
            Inserted::JustEnded => {
                return Err(ServiceError::conflict(
                    "just_finished",
                    "Una actualización acaba de terminar; inténtelo de nuevo.",
                    "A run has just ended; try again.",
                ));
            }
        };
        let next = self.now() + self.cadence(&mut tx, tenant, id).await?;
        sources::set_next_due(&mut tx, tenant, id, Some(next)).await?;
        if let Some(caller) = caller {
            let detail = serde_json::json!({ "sync": sync });
            self.audit(&mut tx, caller, Act::new("source.sync_requested", format!("source/{id}")).detail(detail))
                .await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        if announce {
            self.announce(tenant, job, QUEUE, None).await;
        }
        Ok(sync)
    }

    /// Refuses a person's run right after another one of theirs: it would read the same. One that failed may be tried
    /// again at once, because a person may have mended what was wrong.
    async fn refuse_so_soon(&self, tx: &mut Tx, tenant: TenantId, id: SourceId) -> Result<(), ServiceError> {
        let Some(last) = syncs::last_manual_success(tx, tenant, id).await? else { return Ok(()) };
        let wait = (last + COOL_DOWN - self.now()).whole_seconds();
        match u64::try_from(wait) {
            Ok(seconds) if seconds > 0 => Err(ServiceError::TooSoon {
                seconds,
                code: "just_synced",
                text: Text::new(
                    format!("La fuente se acaba de actualizar; podrá actualizarla de nuevo dentro de {seconds} s."),
                    format!("The source was updated a moment ago; you can update it again in {seconds} s."),
                ),
            }),
            _ => Ok(()),
        }
    }
}

fn refuse_unready(source: &SourceRow) -> Result<(), ServiceError> {
    if source.r#type == "file" {
        return Err(ServiceError::conflict(
            "file_source",
            "Una fuente de archivo se actualiza subiendo un archivo.",
            "A file source is updated by uploading a file.",
        ));
    }
    match source.status()? {
        SourceStatus::NotConnected | SourceStatus::NeedsReauth => Err(not_connected()),
        SourceStatus::Paused => Err(ServiceError::conflict(
            "paused",
            "La fuente está en pausa; reanúdela primero.",
            "The source is paused; resume it first.",
        )),
        _ if source.config.0.property.is_none() => Err(ServiceError::conflict(
            "no_property",
            "Elija primero qué propiedad leer.",
            "Choose first which property to read.",
        )),
        _ => Ok(()),
    }
}
