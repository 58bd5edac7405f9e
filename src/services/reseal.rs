//! Replacing a sealing key: every sealed value is sealed anew under the ring's first key, each in a transaction of its
//! own. A value that changes meanwhile is left as it is; a round that was cut off is taken up by the next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::Services;
use super::error::ServiceError;
use super::withdrawals::Order;
use crate::domain::ids::{CredentialId, JobId, TenantId};
use crate::domain::sealed::Sealed;
use crate::store::credentials::sealing_place;
use crate::store::keys::Place;
use crate::store::{StoreError, audit, keys, mfa};

/// Rows found by one statement.
const BATCH: i64 = 200;
/// How long one round of the housekeeping seals, so that the rest of it has its turn, too.
const BUDGET: Duration = Duration::from_mins(1);
/// How long the command seals.
const PATIENCE: Duration = Duration::from_hours(1);

/// What one round did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// Rows sealed anew.
    pub done: u64,
    /// Rows that changed or went meanwhile.
    pub changed: u64,
    /// Rows that do not open: altered, moved, or of a key that the ring does not have. They stay as they are.
    pub unreadable: u64,
}

/// What hangs on a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// Values sealed under it.
    pub values: i64,
    /// Entries of audit trails whose digest it made; they cannot be renewed, only expire.
    pub entries: i64,
}

/// What became of one row.
enum Step {
    Done,
    Changed,
    Unreadable(String),
}

impl Step {
    fn replaced(done: bool) -> Self {
        if done { Self::Done } else { Self::Changed }
    }
}

impl Resealed {
    fn note(&mut self, step: Step, resource: &dyn std::fmt::Display) {
        match step {
            Step::Done => self.done += 1,
            Step::Changed => self.changed += 1,
            Step::Unreadable(cause) => {
                self.unreadable += 1;
                tracing::error!(resource = %resource, cause = %cause, "A sealed value cannot be sealed anew");
            }
        }
    }
}

impl Services {
    /// One bounded round of the housekeeping.
    pub(crate) async fn reseal_round(&self) -> Result<Resealed, ServiceError> {
        self.reseal(Instant::now() + BUDGET).await
    }

    /// Seals all there is, for the command: rounds until one finds nothing more to do.
    pub async fn reseal_all(&self) -> Result<Resealed, ServiceError> {
        let deadline = Instant::now() + PATIENCE;
        let mut all = Resealed::default();
        loop {
            let round = self.reseal(deadline).await?;
            all = Resealed {
                done: all.done + round.done,
                changed: all.changed + round.changed,
                unreadable: round.unreadable,
            };
            if round.done + round.changed == 0 || Instant::now() >= deadline {
                return Ok(all);
            }
        }
    }

    async fn reseal(&self, deadline: Instant) -> Result<Resealed, ServiceError> {
        let mut done = Resealed::default();
        self.reseal_accesses(Place::Credentials, deadline, &mut done).await?;
        self.reseal_accesses(Place::Sources, deadline, &mut done).await?;
        self.reseal_factors(deadline, &mut done).await?;
        self.reseal_withdrawals(deadline, &mut done).await?;
        Ok(done)
    }

    async fn reseal_accesses(&self, place: Place, deadline: Instant, done: &mut Resealed) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let mut router = self.database.router_connection().await?;
            let found = keys::under_others(&mut router, place, self.keys.sealing_kid(), after, BATCH).await?;
            drop(router);
            let Some(last) = found.last() else { return Ok(()) };
            after = Some(*last);
            for (tenant, id) in found {
                if Instant::now() >= deadline {
                    return Ok(());
                }
                done.note(self.reseal_access(place, tenant, id).await?, &format!("access/{id}"));
            }
        }
    }

    async fn reseal_access(&self, place: Place, tenant: TenantId, id: Uuid) -> Result<Step, ServiceError> {
        let mut tx = self.database.tenant(tenant).await?;
        let Some(old) = keys::secrets(&mut tx, place, tenant, id).await? else { return Ok(Step::Changed) };
        let mut new: BTreeMap<String, Sealed> = match serde_json::from_value(old.clone()) {
            Ok(sealed) => sealed,
            Err(error) => return Ok(Step::Unreadable(error.to_string())),
        };
        let mut any = false;
        for (field, sealed) in &mut new {
            let sealed_to = sealing_place(tenant, CredentialId(id), field);
            match self.keys.reseal(&sealed_to, sealed, self.random.as_ref()) {
                Ok(Some(anew)) => (*sealed, any) = (anew, true),
                Ok(None) => {}
                Err(error) => return Ok(Step::Unreadable(error.to_string())),
            }
        }
        if !any {
            return Ok(Step::Changed);
        }
        let replaced = keys::replace_secrets(&mut tx, place, (tenant, id), &old, &json!(new)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Step::replaced(replaced))
    }

    async fn reseal_factors(&self, deadline: Instant, done: &mut Resealed) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let mut router = self.database.router_connection().await?;
            let found = keys::factors_of_others(&mut router, self.keys.sealing_kid(), after, BATCH).await?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            after = Some(*last);
            for (user, old) in found {
                if Instant::now() >= deadline {
                    return Ok(());
                }
                let step = match self.anew(&mfa::sealing_place(user), &old) {
                    Ok(Some(new)) => Step::replaced(keys::replace_factor(&mut router, user, &old, &new).await?),
                    Ok(None) => Step::Changed,
                    Err(cause) => Step::Unreadable(cause),
                };
                done.note(step, &format!("user/{user}"));
            }
        }
    }

    async fn reseal_withdrawals(&self, deadline: Instant, done: &mut Resealed) -> Result<(), ServiceError> {
        let mut after = None;
        while let Some(found) = self.withdrawals_after(after).await? {
            after = found.last().map(|(_, job)| *job);
            for (tenant, job) in found {
                if Instant::now() >= deadline {
                    return Ok(());
                }
                if let Some(step) = self.reseal_withdrawal(tenant, job).await? {
                    done.note(step, &format!("job/{job}"));
                }
            }
        }
        Ok(())
    }

    /// `None`: it is sealed under the right key.
    async fn reseal_withdrawal(&self, tenant: TenantId, job: JobId) -> Result<Option<Step>, ServiceError> {
        let mut tx = self.database.tenant(tenant).await?;
        let Some(old) = keys::order(&mut tx, tenant, job).await? else { return Ok(None) };
        let Ok(mut order) = serde_json::from_value::<Order>(old.clone()) else { return Ok(None) };
        match self.keys.reseal(&order.place(job), &order.token, self.random.as_ref()) {
            Ok(Some(anew)) => order.token = anew,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(Step::Unreadable(error.to_string()))),
        }
        let replaced = keys::replace_order(&mut tx, tenant, job, &old, &json!(order)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Some(Step::replaced(replaced)))
    }

    fn anew(&self, place: &str, old: &Value) -> Result<Option<Sealed>, String> {
        let sealed: Sealed = serde_json::from_value(old.clone()).map_err(|error| error.to_string())?;
        self.keys.reseal(place, &sealed, self.random.as_ref()).map_err(|error| error.to_string())
    }

    /// The live withdrawals after one of them; `None`: there are no more.
    async fn withdrawals_after(&self, after: Option<JobId>) -> Result<Option<Vec<(TenantId, JobId)>>, ServiceError> {
        let mut router = self.database.router_connection().await?;
        let found = keys::withdrawals(&mut router, after, BATCH).await?;
        Ok(Some(found).filter(|found| !found.is_empty()))
    }

    /// Values under each key.
    async fn sealed_values(&self) -> Result<BTreeMap<String, i64>, ServiceError> {
        let mut router = self.database.router_connection().await?;
        let mut values: BTreeMap<String, i64> = keys::in_use(&mut router).await?.into_iter().collect();
        drop(router);
        let mut after = None;
        while let Some(found) = self.withdrawals_after(after).await? {
            after = found.last().map(|(_, job)| *job);
            for (tenant, job) in found {
                let mut tx = self.database.tenant(tenant).await?;
                let order = keys::order(&mut tx, tenant, job).await?;
                if let Some(order) = order.and_then(|order| serde_json::from_value::<Order>(order).ok()) {
                    *values.entry(order.token.kid).or_default() += 1;
                }
            }
        }
        Ok(values)
    }

    /// What hangs on each key, by its id. Reads all trails, so it is for the command.
    pub async fn key_use(&self) -> Result<BTreeMap<String, KeyUse>, ServiceError> {
        let mut all: BTreeMap<String, KeyUse> = BTreeMap::new();
        for (kid, values) in self.sealed_values().await? {
            all.entry(kid).or_default().values = values;
        }
        let mut operator = self.operator_database.begin().await?;
        let mut entries = keys::of_platform_entries(&mut operator).await?;
        drop(operator);
        let mut after = Uuid::nil();
        loop {
            for (kid, count) in entries.drain(..) {
                all.entry(kid).or_default().entries += count;
            }
            let mut router = self.database.router_connection().await?;
            let Some((tenant, _)) = audit::retentions(&mut router, after, 1).await?.pop() else { return Ok(all) };
            drop(router);
            after = tenant.0;
            let mut tx = self.database.tenant(tenant).await?;
            entries = keys::of_entries(&mut tx, tenant).await?;
        }
    }

    /// Keys that seal something and are not in the ring: what they seal cannot be used until they are back.
    pub async fn missing_keys(&self) -> Result<BTreeSet<String>, ServiceError> {
        let used = self.sealed_values().await?;
        Ok(used.into_keys().filter(|kid| !self.keys.has(kid)).collect())
    }

    /// Writes to the log which keys are missing, for whoever runs the portal. Never fails: the portal serves all the same.
    pub async fn report_missing_keys(&self) {
        match self.missing_keys().await {
            Ok(missing) if missing.is_empty() => {}
            Ok(missing) => {
                tracing::error!(keys = ?missing, "PORTAL_KEY_RING lacks keys under which values are sealed: put them back behind the first one (docs/operations.md)");
            }
            Err(error) => tracing::warn!(error = %error, "Whether keys are missing could not be found out"),
        }
    }
}
