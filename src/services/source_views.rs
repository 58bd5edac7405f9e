//! A source as people see it: with its access, its streams and how far its history has come.

use std::collections::HashMap;

use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::ages::Ages;
use super::error::ServiceError;
use super::{Services, limits};
use crate::connectors::contract::{Provider, StreamInfo};
use crate::domain::freshness::Freshness;
use crate::domain::ids::{SourceId, TenantId};
use crate::store::Tx;
use crate::store::credentials::{self, AccessRow};
use crate::store::sources::SourceRow;
use crate::store::streams::{self, StreamRow};

/// How a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamStatus {
    /// Nothing of it was read yet.
    Waiting,
    /// Its newest data are there, its history is being read.
    Filling,
    /// All of it is there.
    Complete,
    /// It cannot be read while others can.
    Blocked,
}

/// A part of a source.
#[derive(Debug)]
pub struct StreamView {
    /// What it is.
    pub info: &'static StreamInfo,
    /// How it stands.
    pub status: StreamStatus,
    /// The permission that is missing, in the provider's words.
    pub missing_permission: Option<String>,
    /// How far it reaches; `None`: nothing was read yet.
    pub row: Option<StreamRow>,
}

/// How far the history has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backfill {
    /// From this day on all streams are complete; `None`: not all of them have begun.
    pub from: Option<Date>,
    /// The goal, an earlier day.
    pub until: Date,
    /// How much is there, from 0 to 99.
    pub percent: u8,
}

/// The access that a source is read with.
#[derive(Debug)]
pub struct Connection {
    /// Id.
    pub id: Uuid,
    /// How people recognise it.
    pub label: String,
}

/// A source with its parts.
#[derive(Debug)]
pub struct SourceView {
    /// The source.
    pub source: SourceRow,
    /// Its access.
    pub connection: Option<Connection>,
    /// The access is to test data.
    pub test_mode: bool,
    /// Its parts, in the provider's order; none of a file.
    pub streams: Vec<StreamView>,
    /// How far its history has come; `None`: all of it is there, or nothing was begun.
    pub backfill: Option<Backfill>,
    /// How old its data are.
    pub freshness: Freshness,
    /// Minutes between two scheduled runs, as the tenant's limit lets; `None`: no timer reads it.
    pub cadence_minutes: Option<i32>,
    /// The zone of its calendar is the client's to choose.
    pub zone_is_chosen: bool,
}

impl Services {
    /// One source with its parts.
    pub(crate) async fn view(&self, tx: &mut Tx, tenant: TenantId, row: SourceRow) -> Result<SourceView, ServiceError> {
        self.views(tx, tenant, vec![row]).await?.pop().ok_or(ServiceError::NotFound)
    }

    /// Sources with their parts: four statements, however many there are.
    pub(crate) async fn views(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        rows: Vec<SourceRow>,
    ) -> Result<Vec<SourceView>, ServiceError> {
        let least = limits::of(tx, tenant).await?.min_cadence_minutes;
        let ages = Ages::read(tx, tenant, self.now()).await?;
        let accesses = credentials::list_shown(tx, tenant).await?;
        let accesses: HashMap<Uuid, AccessRow> = accesses.into_iter().map(|access| (access.id, access)).collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut streams: HashMap<Uuid, Vec<StreamRow>> = HashMap::new();
        for owned in streams::list_of(tx, tenant, &ids).await? {
            streams.entry(owned.source_id).or_default().push(owned.stream);
        }
        let view = |source: SourceRow| {
            let provider = self.connectors.get(&source.provider).map(|connector| connector.provider());
            let access = source.credential_id.and_then(|id| accesses.get(&id));
            let rows = streams.remove(&source.id).unwrap_or_default();
            let streams = provider.map(|provider| stream_views(provider, access, rows)).unwrap_or_default();
            SourceView {
                connection: access.map(|access| Connection { id: access.id, label: access.label.clone() }),
                test_mode: access.is_some_and(|access| access.test_mode),
                backfill: backfill(&streams),
                freshness: ages.of_source(SourceId(source.id)),
                cadence_minutes: provider.map(|_| source.cadence_minutes.max(least)),
                zone_is_chosen: provider.is_some_and(|provider| provider.zone_is_chosen),
                streams,
                source,
            }
        };
        Ok(rows.into_iter().map(view).collect())
    }
}

fn stream_views(provider: &Provider, access: Option<&AccessRow>, rows: Vec<StreamRow>) -> Vec<StreamView> {
    let mut rows: HashMap<String, StreamRow> = rows.into_iter().map(|row| (row.stream.clone(), row)).collect();
    let view = |info: &'static StreamInfo| {
        let row = rows.remove(info.key);
        let blocked = row.as_ref().filter(|row| row.blocked_code.is_some());
        let checked = access.and_then(|access| {
            access.permissions.0.iter().find(|one| one.stream == info.key).and_then(|one| one.missing.clone())
        });
        StreamView {
            info,
            status: row.as_ref().map_or(StreamStatus::Waiting, stream_status),
            missing_permission: blocked.and_then(|row| row.blocked_permission.clone()).or(checked),
            row,
        }
    };
    provider.streams.iter().map(view).collect()
}

fn stream_status(row: &StreamRow) -> StreamStatus {
    match (row.backfilled_from, row.backfill_until) {
        _ if row.blocked_code.is_some() => StreamStatus::Blocked,
        (Some(from), Some(until)) if from > until => StreamStatus::Filling,
        _ if row.fetched_at.is_none() && row.backfilled_from.is_none() => StreamStatus::Waiting,
        _ => StreamStatus::Complete,
    }
}

/// The history of a source as a whole: the mean of its readable streams.
fn backfill(streams: &[StreamView]) -> Option<Backfill> {
    let readable = || streams.iter().filter(|one| one.status != StreamStatus::Blocked);
    let rows = || readable().filter_map(|one| one.row.as_ref());
    let until = rows().filter_map(|row| row.backfill_until).min()?;
    if readable().all(|one| one.status == StreamStatus::Complete) {
        return None;
    }
    let begun: Vec<Date> = rows().filter_map(|row| row.backfilled_from).collect();
    let count = readable().count();
    let parts: i64 = rows().map(share).sum();
    let percent = parts / i64::try_from(count).unwrap_or(1).max(1);
    Some(Backfill {
        from: begun.iter().max().copied().filter(|_| begun.len() == count),
        until,
        percent: u8::try_from(percent.clamp(0, 99)).unwrap_or(0),
    })
}

/// How much of a stream's history is there, of 100.
fn share(row: &StreamRow) -> i64 {
    let (Some(from), Some(until)) = (row.backfilled_from, row.backfill_until) else { return 0 };
    let newest = row.data_through.unwrap_or(from).max(from);
    let (whole, done) = ((newest - until).whole_days(), (newest - from).whole_days());
    if whole <= 0 { 100 } else { (done * 100 / whole).clamp(0, 100) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metric::Bilingual;
    use time::macros::date;

    static CHARGES: StreamInfo =
        StreamInfo { key: "charges", name: Bilingual { es: "Cobros", en: "Charges" }, permission: None, metrics: &[] };

    fn stream(from: Option<Date>) -> StreamView {
        let row = StreamRow {
            data_through: from.map(|_| date!(2026 - 11 - 20)),
            backfilled_from: from,
            backfill_until: from.map(|_| date!(2026 - 08 - 12)),
            ..StreamRow::default()
        };
        let status = stream_status(&row);
        StreamView { info: &CHARGES, status, missing_permission: None, row: Some(row) }
    }

    #[test]
    fn the_history_of_a_source_is_the_mean_of_its_streams() {
        let quarter = stream(Some(date!(2026 - 10 - 26)));
        assert_eq!(backfill(&[quarter]).unwrap().percent, 25);
        let streams = [stream(Some(date!(2026 - 08 - 12))), stream(None)];
        assert_eq!(backfill(&streams), Some(Backfill { from: None, until: date!(2026 - 08 - 12), percent: 50 }));
        assert_eq!(backfill(&[stream(Some(date!(2026 - 08 - 12)))]), None, "all of it is there");
        assert_eq!(backfill(&[stream(None)]), None, "nothing was begun");
    }
}
