//! Changing a source: its name, account and rhythm; pausing and resuming it.

use time::{Duration, OffsetDateTime};

use super::audit_trail::Act;
use super::error::ServiceError;
use super::names;
use super::source_views::SourceView;
use super::sources::load;
use super::version::refuse_stale;
use super::{Caller, Services, limits};
use crate::domain::ids::SourceId;
use crate::domain::source::{SourceStatus, SyncTrigger};
use crate::domain::tenant::Zone;
use crate::store::sources::SourceRow;
use crate::store::{StoreError, Tx, sources};

/// Longest reason of a pause.
const MAX_REASON: usize = 300;
/// The longest time between two runs that may be asked for, in minutes.
const MAX_CADENCE: i32 = 10_080;

/// What to change in a source.
#[derive(Debug, Default)]
pub struct SourceChange {
    /// New name.
    pub name: Option<String>,
    /// The account to read.
    pub property_id: Option<String>,
    /// IANA zone in which its days begin, where the client chooses.
    pub zone: Option<String>,
    /// Minutes between two scheduled runs.
    pub cadence_minutes: Option<i32>,
    /// Stop or resume.
    pub paused: Option<bool>,
    /// Why it is stopped.
    pub pause_reason: Option<String>,
}

/// The reason of a pause as it is kept; an empty one is none.
fn checked_reason(change: &SourceChange) -> Result<Option<&str>, ServiceError> {
    let reason = change.pause_reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let Some(reason) = reason else { return Ok(None) };
    if change.paused != Some(true) {
        return Err(ServiceError::field(
            "pause_reason",
            "not_pausing",
            "El motivo se indica al poner la fuente en pausa.",
            "The reason is given when the source is paused.",
        ));
    }
    if reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(ServiceError::field(
            "pause_reason",
            "bad_reason",
            format!("El motivo debe tener como mucho {MAX_REASON} caracteres, en una línea."),
            format!("The reason must have at most {MAX_REASON} characters, on one line."),
        ));
    }
    Ok(Some(reason))
}

impl Services {
    /// Changes a source; each given part on its own, all or (on an error) none of the database's.
    pub async fn change_source(
        &self,
        caller: &Caller,
        id: SourceId,
        change: SourceChange,
        tag: Option<&str>,
    ) -> Result<SourceView, ServiceError> {
        let name = change.name.as_deref().map(names::required).transpose()?;
        let reason = checked_reason(&change)?;
        refuse_stale(&self.source(caller, id).await?.tag(), tag)?;
        if let Some(property) = &change.property_id {
            self.choose_account(caller, id, property).await?;
        }
        let mut tx = self.database.tenant(caller.tenant).await?;
        let source = sources::find_for_update(&mut tx, caller.tenant, id).await?.ok_or(ServiceError::NotFound)?;
        let is_read = source.next_due.is_some();
        // Again, now that nobody else can change it.
        refuse_stale(&source.tag(), tag)?;
        if let Some(name) = name {
            sources::rename(&mut tx, caller.tenant, id, name).await?;
            let act = Act::new("source.renamed", format!("source/{id}"))
                .change(serde_json::json!({ "name": source.name }), serde_json::json!({ "name": name }));
            self.audit(&mut tx, caller, act).await?;
        }
        let moves = match &change.zone {
            Some(zone) => self.change_zone(&mut tx, caller, &source, zone).await?,
            None => false,
        };
        if let Some(minutes) = change.cadence_minutes {
            self.change_rhythm(&mut tx, caller, &source, minutes).await?;
        }
        if let Some(paused) = change.paused {
            self.pause_or_resume(&mut tx, caller, &source, paused, reason).await?;
        }
        sources::touch(&mut tx, caller.tenant, id, self.now()).await?;
        let row = load(&mut tx, caller.tenant, id).await?;
        let view = self.view(&mut tx, caller.tenant, row).await?;
        tx.commit().await.map_err(StoreError::from)?;
        if moves && is_read && change.paused != Some(true) {
            // Should this fail, the next run by the timer does it.
            if let Err(error) = self.start_sync(caller.tenant, id, SyncTrigger::Schedule, None).await {
                tracing::warn!(source = %id, error = %error, "The run that moves a source into another zone was not started");
            }
        }
        Ok(view)
    }

    /// Orders the zone in which a source's days begin. `true`: the next run moves what is stored, all of it at once.
    async fn change_zone(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        zone: &str,
    ) -> Result<bool, ServiceError> {
        if !self.connectors.get(&source.provider).is_some_and(|one| one.provider().zone_is_chosen) {
            return Err(ServiceError::field(
                "zone",
                "not_chosen",
                "Las cuentas de este proveedor tienen su propia zona horaria; cámbiela allí.",
                "Accounts of this provider have a time zone of their own; change it there.",
            ));
        }
        let Ok(zone) = Zone::try_from(zone.to_owned()) else {
            return Err(ServiceError::field(
                "zone",
                "unknown_zone",
                "No conocemos esa zona horaria; use un nombre IANA, por ejemplo Europe/Madrid.",
                "There is no such time zone; use an IANA name, for example Europe/Madrid.",
            ));
        };
        let (id, mut config) = (SourceId(source.id), source.config.0.clone());
        let moves = source.zone.as_deref().is_some_and(|present| present != zone.name());
        config.zone_wanted = moves.then(|| zone.name().to_owned());
        // Without a calendar yet nothing has to be moved.
        let first = source.zone.is_none().then(|| (zone.name(), None));
        sources::set_config(tx, caller.tenant, id, &config, first).await?;
        let act = Act::new("source.zone_changed", format!("source/{id}"))
            .change(serde_json::json!({ "zone": source.zone }), serde_json::json!({ "zone": zone.name() }));
        self.audit(tx, caller, act).await?;
        Ok(moves)
    }

    async fn change_rhythm(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        minutes: i32,
    ) -> Result<(), ServiceError> {
        if source.r#type == "file" {
            return Err(ServiceError::conflict(
                "file_source",
                "Una fuente de archivo no se lee según un horario.",
                "A file source is not read on a schedule.",
            ));
        }
        let least = limits::of(tx, caller.tenant).await?.min_cadence_minutes;
        if !(least..=MAX_CADENCE).contains(&minutes) {
            return Err(ServiceError::field(
                "cadence_minutes",
                "out_of_range",
                format!("Su plan admite de {least} a {MAX_CADENCE} minutos entre dos lecturas."),
                format!("Your plan allows from {least} to {MAX_CADENCE} minutes between two runs."),
            ));
        }
        let id = SourceId(source.id);
        sources::set_cadence(tx, caller.tenant, id, minutes).await?;
        if let Some(due) = source.next_due {
            let next = due.min(self.now() + Duration::minutes(i64::from(minutes)));
            sources::set_next_due(tx, caller.tenant, id, Some(next)).await?;
        }
        let (before, after) = (source.cadence_minutes, minutes);
        let act = Act::new("source.rhythm_changed", format!("source/{id}"))
            .change(serde_json::json!({ "cadence_minutes": before }), serde_json::json!({ "cadence_minutes": after }));
        self.audit(tx, caller, act).await
    }

    async fn pause_or_resume(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        pause: bool,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        let id = SourceId(source.id);
        let is_paused = source.status()? == SourceStatus::Paused;
        let (status, next_due, action): (SourceStatus, Option<OffsetDateTime>, &'static str) = match (pause, is_paused)
        {
            (true, false) => (SourceStatus::Paused, None, "source.paused"),
            // A file source is connected by its first file, and no timer reads it.
            (false, true) if source.r#type == "file" && source.last_sync_at.is_some() => {
                (SourceStatus::Connected, None, "source.resumed")
            }
            (false, true) if source.credential_id.is_some() => {
                (SourceStatus::Connected, Some(self.now()), "source.resumed")
            }
            (false, true) => (SourceStatus::NotConnected, None, "source.resumed"),
            // Paused once more: for another reason.
            (true, true) if reason.is_some() => {
                return Ok(sources::set_pause_reason(tx, caller.tenant, id, reason).await?);
            }
            _ => return Ok(()),
        };
        if pause {
            self.cancel_runs(tx, caller.tenant, id).await?;
        }
        sources::set_status(tx, caller.tenant, id, status, None, None).await?;
        sources::set_next_due(tx, caller.tenant, id, next_due).await?;
        sources::set_pause_reason(tx, caller.tenant, id, reason).await?;
        let detail = serde_json::json!({ "reason": reason });
        self.audit(tx, caller, Act::new(action, format!("source/{id}")).detail(detail)).await
    }
}
