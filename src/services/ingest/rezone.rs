//! Moving a source into the zone that a person chose: its records to their new days, its facts made anew, in one
//! transaction, so that nobody sees half of it.

use serde_json::json;

use super::run::{Attempt, Stop, still_wanted};
use super::write::Writer;
use crate::connectors::contract::{Batch, Write};
use crate::domain::metric::Additivity;
use crate::domain::tenant::Zone;
use crate::services::Services;
use crate::store::syncs::{Level, Line};
use crate::store::{StoreError, datapoints, records, sources, streams, syncs, tenants};

impl Services {
    /// Moves the source of an attempt into the wanted zone, if it is to be moved. `true`: it was; the attempt begins anew.
    pub(super) async fn rezone(&self, attempt: &mut Attempt<'_>) -> Result<bool, Stop> {
        let run = attempt.run;
        let (tenant, id, sync) = (run.tenant, run.payload.source_id, run.payload.sync_id);
        let mut tx = self.database.tenant(tenant).await?;
        let source = still_wanted(&mut tx, run, true).await?;
        let mut config = source.config.0;
        let Some(wanted) = config.zone_wanted.take() else { return Ok(false) };
        let zone = Zone::try_from(wanted).map_err(|_| StoreError::Inconsistent("data_sources.config"))?;
        let before = attempt.zone;
        attempt.zone = zone;
        attempt.today = zone.date_of(self.now());
        sources::set_config(&mut tx, tenant, id, &config, Some((zone.name(), None))).await?;
        if let Some((from, to)) = records::move_to_zone(&mut tx, tenant, id, zone.name()).await? {
            let kept = records::metrics(&mut tx, tenant, id).await?;
            let provider = attempt.provider();
            // A snapshot is of a moment, not of its records' days.
            let made = provider.metrics.iter().filter(|metric| metric.additivity != Additivity::Last);
            let metrics = made.map(|metric| metric.key).filter(|key| kept.iter().any(|known| known == key)).collect();
            let stream = provider.streams.first().map_or("", |stream| stream.key);
            let batch = Batch {
                writes: vec![Write::Derive { metrics, from, to }],
                ..Batch::of(stream, serde_json::Value::Null, serde_json::Value::Null)
            };
            // Days that hold something else because they begin elsewhere are no restatements.
            Writer { services: self, attempt, covered_from: None }.write(&mut tx, &batch).await?;
        }
        datapoints::move_to_zone(&mut tx, tenant, id, zone.name()).await?;
        tenants::recount_stored(&mut tx, tenant, id).await?;
        // The last complete day may have lost its evening.
        streams::step_back(&mut tx, tenant, id, &super::run::counted(attempt.provider())).await?;
        let figures = json!({ "zone": zone.name(), "zone_before": before.name() });
        syncs::log(&mut tx, tenant, sync, &[Line::new(Level::Info, "zone_moved").figures(figures)], self.now()).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(true)
    }
}
