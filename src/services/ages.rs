//! How old figures are: as old as the oldest of the streams that they are made of.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use time::{Duration, OffsetDateTime};

use super::error::ServiceError;
use crate::domain::freshness::{Clocks, Freshness, Schedule};
use crate::domain::ids::{SourceId, TenantId};
use crate::domain::tenant::Zone;
use crate::store::Tx;
use crate::store::ages::{self, AgeRow};
use crate::store::metrics::Metric;

/// A source with the clocks of its parts.
#[derive(Debug)]
struct SourceAges {
    schedule: Schedule,
    whole: Clocks,
    streams: HashMap<String, Clocks>,
}

/// How old the data of each source and stream are.
#[derive(Debug)]
pub struct Ages {
    sources: BTreeMap<SourceId, SourceAges>,
    now: OffsetDateTime,
}

impl SourceAges {
    fn of(row: &AgeRow) -> Result<Self, ServiceError> {
        let rhythm = (row.r#type != "file").then(|| Duration::minutes(i64::from(row.cadence_minutes())));
        let zone = row.zone.clone().and_then(|name| Zone::try_from(name).ok());
        let whole = Clocks {
            data_through: row.data_through,
            fetched_at: row.last_sync_at,
            provisional_from: row.provisional_from,
        };
        let schedule = Schedule { status: row.status()?, next_due: row.next_due, rhythm, zone };
        Ok(Self { schedule, whole, streams: HashMap::new() })
    }

    /// The clocks of what is made of these streams; of the source as a whole where none are named. One that was never
    /// read makes the age unknown.
    fn clocks(&self, streams: &[String]) -> Clocks {
        if streams.is_empty() {
            return self.whole;
        }
        Clocks::oldest(streams.iter().map(|stream| self.streams.get(stream).copied().unwrap_or_default()))
    }
}

impl Ages {
    /// Of all sources of a tenant.
    pub(super) async fn read(tx: &mut Tx, tenant: TenantId, now: OffsetDateTime) -> Result<Self, ServiceError> {
        let mut sources: BTreeMap<SourceId, SourceAges> = BTreeMap::new();
        for row in ages::list(tx, tenant).await? {
            let id = SourceId(row.source_id);
            let clocks = Clocks {
                data_through: row.stream_through,
                fetched_at: row.stream_fetched_at,
                provisional_from: row.stream_provisional_from,
            };
            let source = match sources.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(SourceAges::of(&row)?),
            };
            if let Some(stream) = row.stream {
                source.streams.insert(stream, clocks);
            }
        }
        Ok(Self { sources, now })
    }

    /// Of a source as a whole.
    pub(super) fn of_source(&self, id: SourceId) -> Freshness {
        let source = self.sources.get(&id);
        source.map_or_else(Freshness::unknown, |source| source.schedule.age(source.whole, self.now))
    }

    /// Of what a metric's sources delivered.
    pub(super) fn of_metric(&self, metric: &Metric) -> Freshness {
        Freshness::oldest(metric.stored.iter().filter_map(|stored| {
            let source = self.sources.get(&stored.source)?;
            let streams = metric.streams.get(&stored.source).map_or(&[][..], Vec::as_slice);
            Some(source.schedule.age(source.clocks(streams), self.now))
        }))
    }
}
