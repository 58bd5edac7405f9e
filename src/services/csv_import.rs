//! Files: looking at one, and importing one. Parsing is `connectors::csv`; here are the checks against what is stored,
//! and the one transaction that writes everything or nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::audit_trail::Act;
use super::error::{FieldError, ServiceError};
use super::sources::CSV;
use super::{Caller, Services, limits};
use crate::connectors::csv::{self, Combine, CsvError, Mapping, MetricMapping, OnError, Preview, Reading};
use crate::domain::aggregate::Stored;
use crate::domain::fact::Fact;
use crate::domain::ids::{MetricId, SourceId, SyncId, TenantId};
use crate::domain::lang::Text;
use crate::domain::metric::GoodDirection;
use crate::domain::source::{SourceStatus, SyncStatus, SyncTrigger};
use crate::store::datapoints::Target;
use crate::store::metrics::{Declared, Metric};
use crate::store::sources::SourceRow;
use crate::store::syncs::Progress;
use crate::store::{StoreError, Tx, datapoints, metrics, sources, syncs};

pub use csv::{MAX_BYTES, Preview as FilePreview, Rejected};

/// The codes of what is wrong with a whole file.
pub const FILE_FAILURES: &[&str] = CsvError::FILE_CODES;

/// Facts written at a time.
const BATCH: usize = 5_000;
/// Most values of one file: rows times metrics.
const MAX_VALUES: usize = 1_000_000;

/// The account part of the natural key: a file has none of its own, the source stands for it.
fn account(source: SourceId) -> String {
    source.to_string()
}

/// What an import did.
#[derive(Debug)]
pub struct ImportReport {
    /// Data rows in the file.
    pub rows_read: u32,
    /// Rows that brought something new.
    pub imported: u32,
    /// Rows whose values were there already.
    pub unchanged: u32,
    /// Rows without any value.
    pub empty: u32,
    /// The first rejected rows.
    pub rejected: Vec<Rejected>,
    /// All rejected rows.
    pub rejected_total: u32,
    /// Whether the file was imported; `false` when rows were rejected and the person chose all or nothing.
    pub applied: bool,
}

impl From<CsvError> for ServiceError {
    fn from(error: CsvError) -> Self {
        match error {
            CsvError::Mapping(fields) => Self::Invalid(
                fields
                    .iter()
                    .map(|field| FieldError::new(&field.field, field.code(), field.es(), field.en()))
                    .collect(),
            ),
            other => Self::Unprocessable { code: other.code(), text: Text::new(other.es(), other.en()) },
        }
    }
}

impl Services {
    /// Looks at a file without keeping it.
    pub async fn preview_file(&self, caller: &Caller, id: SourceId, bytes: Vec<u8>) -> Result<Preview, ServiceError> {
        self.file_source(caller, id).await?;
        let today = caller.settings.zone.date_of(self.now());
        Ok(off_thread(move || csv::preview(&bytes, today)).await??)
    }

    /// Imports a file: all valid rows, or nothing.
    pub async fn import_file(
        &self,
        caller: &Caller,
        id: SourceId,
        bytes: Vec<u8>,
        mapping: &[u8],
        replace: bool,
    ) -> Result<ImportReport, ServiceError> {
        self.file_source(caller, id).await?;
        let mut mapping = Mapping::from_json(mapping).map_err(|field| {
            ServiceError::Invalid(vec![FieldError::new(&field.field, field.code(), field.es(), field.en())])
        })?;
        mapping.replace |= replace;
        // One at a time: a file takes a core and memory of its own.
        let _turn = self.imports.acquire().await.map_err(|error| ServiceError::Internal(Box::new(error)))?;
        let (reading, mapping) =
            off_thread(move || csv::read(&bytes, &mapping).map(|reading| (reading, mapping))).await??;
        if reading.len() > MAX_VALUES {
            return Err(ServiceError::unprocessable(
                "too_many_values",
                format!("El archivo tiene más de {MAX_VALUES} valores; divídalo o elija menos métricas."),
                format!("The file has more than {MAX_VALUES} values; split it or choose fewer metrics."),
            ));
        }
        let refused = mapping.on_error == OnError::Abort && reading.rejected_total > 0;
        if refused {
            return Ok(report(reading, csv::Tally::default(), false));
        }
        let tally = self.write_file(caller, id, &mapping, &reading).await?;
        Ok(report(reading, tally, true))
    }

    async fn file_source(&self, caller: &Caller, id: SourceId) -> Result<SourceRow, ServiceError> {
        let source = self.source(caller, id).await?;
        if source.provider != CSV {
            return Err(ServiceError::conflict(
                "not_a_file_source",
                "Esta fuente no admite archivos.",
                "This source takes no files.",
            ));
        }
        Ok(source)
    }

    async fn write_file(
        &self,
        caller: &Caller,
        id: SourceId,
        mapping: &Mapping,
        reading: &Reading,
    ) -> Result<csv::Tally, ServiceError> {
        let tenant = caller.tenant;
        let sync = SyncId(self.new_id());
        let now = self.now();
        let mut tx = self.database.tenant(tenant).await?;
        // Locks the source, so that two uploads come one after the other.
        let source = sources::find_for_update(&mut tx, tenant, id).await?.ok_or(ServiceError::NotFound)?;
        metrics::lock(&mut tx, tenant).await?;
        let mut removed = 0;
        let mut fed_before = Vec::new();
        if mapping.replace {
            removed = datapoints::delete_all(&mut tx, tenant, id).await?;
            fed_before = metrics::clear_stored(&mut tx, tenant, id).await?;
        }
        let ids = self.declare_metrics(&mut tx, caller, id, mapping).await?;
        metrics::delete_unfed(&mut tx, tenant, &fed_before).await?;
        syncs::insert(&mut tx, tenant, sync, id, SyncTrigger::Upload, now).await?;
        syncs::start(&mut tx, tenant, sync, now).await?;
        let account = account(id);
        let target =
            Target { source: id, provider: CSV, account: &account, zone: caller.settings.zone, sync, metrics: &ids };
        let changed =
            write_facts(&mut tx, tenant, &target, reading, &money_keys(mapping, &caller.settings.currency)).await?;
        let changed_count = changed.iter().filter(|changed| **changed).count();
        let progress = Progress {
            read: i64::from(reading.rows_read),
            changed: i64::try_from(changed_count).unwrap_or(i64::MAX),
            removed: i64::try_from(removed).unwrap_or(i64::MAX),
            days: reading.span(),
        };
        syncs::add_progress(&mut tx, tenant, sync, progress).await?;
        syncs::finish(&mut tx, tenant, sync, SyncStatus::Succeeded, now).await?;
        // A person who paused a source resumes it; a file alone does not.
        if source.status()? != SourceStatus::Paused {
            sources::set_status(&mut tx, tenant, id, SourceStatus::Connected, None, None).await?;
        }
        sources::set_synced(&mut tx, tenant, id, now).await?;
        sources::set_data_through_from_datapoints(&mut tx, tenant, id, caller.settings.zone.date_of(now)).await?;
        limits::refuse_import(&mut tx, tenant, id).await?;
        let detail = serde_json::json!({
            "rows": reading.rows_read, "rejected": reading.rejected_total, "changed": changed_count, "replace": mapping.replace
        });
        self.audit(&mut tx, caller, Act::new("source.file_imported", format!("source/{id}")).detail(detail)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(reading.tally(|position| changed[position]))
    }

    /// Makes the file's metrics, or checks that the ones with its keys are the same.
    async fn declare_metrics(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: SourceId,
        mapping: &Mapping,
    ) -> Result<HashMap<String, MetricId>, ServiceError> {
        let keys: Vec<String> = mapping.metrics.iter().map(|metric| metric.key.clone()).collect();
        let known: HashMap<String, Metric> = metrics::list(tx, caller.tenant, Some(&keys))
            .await?
            .into_iter()
            .map(|metric| (metric.row.key.clone(), metric))
            .collect();
        let shape = Stored {
            source: id,
            grain: mapping.grain,
            dim_sets: vec![mapping.dimensions.iter().cloned().collect::<BTreeSet<String>>()],
        };
        let mut ids = HashMap::new();
        for metric in &mapping.metrics {
            if let Some(existing) = known.get(&metric.key) {
                let differs = refuse_another_metric(existing, metric);
                if differs.is_err() && existing.stored.is_empty() {
                    // The file that replaces it was the only one that fed it: nothing contradicts a new meaning.
                    metrics::delete_unfed(tx, caller.tenant, &[MetricId(existing.row.id)]).await?;
                } else {
                    differs?;
                }
                refuse_another_shape(existing, metric, &shape)?;
            }
            let declared = declared(MetricId(self.new_id()), metric);
            let metric_id = metrics::ensure(tx, caller.tenant, &declared, self.now()).await?;
            metrics::set_stored(tx, caller.tenant, metric_id, &shape).await?;
            ids.insert(metric.key.clone(), metric_id);
        }
        Ok(ids)
    }
}

/// Writes a file's facts a batch at a time, so that a large file does not fill the memory; tells for each whether it
/// was new or different.
async fn write_facts(
    tx: &mut Tx,
    tenant: TenantId,
    target: &Target<'_>,
    reading: &Reading,
    money: &HashMap<&str, &str>,
) -> Result<Vec<bool>, ServiceError> {
    let mut changed = Vec::with_capacity(reading.len());
    let mut facts = reading.facts();
    loop {
        let batch: Vec<Fact> = facts.by_ref().take(BATCH).map(|fact| with_currency(fact, money)).collect();
        if batch.is_empty() {
            return Ok(changed);
        }
        let keyed: Vec<(String, &Fact)> =
            batch.iter().map(|fact| (fact.external_id(CSV, target.account), fact)).collect();
        let written = datapoints::upsert(tx, tenant, target, &keyed).await?;
        let new: HashSet<String> = written.changed.into_iter().collect();
        changed.extend(keyed.iter().map(|(id, _)| new.contains(id)));
    }
}

fn declared(id: MetricId, metric: &MetricMapping) -> Declared<'_> {
    Declared {
        id,
        key: &metric.key,
        name: &metric.name,
        definition: "",
        translations: BTreeMap::new(),
        provider: CSV,
        unit: &metric.unit,
        additivity: metric.additivity.additivity(),
        good_direction: GoodDirection::None.as_str(),
        formula: match metric.additivity {
            Combine::Sum => "sum",
            Combine::Mean => "mean",
            Combine::Last => "last",
            Combine::Unique => "",
        },
        endpoint: "CSV",
        field: &metric.column,
    }
}

fn refuse_another_metric(existing: &Metric, wanted: &MetricMapping) -> Result<(), ServiceError> {
    let row = &existing.row;
    if row.unit == wanted.unit && row.additivity()? == wanted.additivity.additivity() && row.provider == CSV {
        return Ok(());
    }
    let key = &wanted.key;
    Err(ServiceError::conflict(
        "metric_differs",
        format!(
            "La métrica «{key}» ya existe con otra unidad o forma de sumar ({}, {}); use otra clave.",
            row.unit, row.additivity
        ),
        format!(
            "The metric “{key}” exists with another unit or additivity ({}, {}); use another key.",
            row.unit, row.additivity
        ),
    ))
}

/// A source stores a metric in one shape; two of them would be counted twice.
fn refuse_another_shape(
    existing: &Metric,
    wanted: &MetricMapping,
    shape: &Stored<SourceId>,
) -> Result<(), ServiceError> {
    let stored = existing.stored.iter().find(|stored| stored.source == shape.source);
    if stored.is_none_or(|stored| stored == shape) {
        return Ok(());
    }
    let key = &wanted.key;
    Err(ServiceError::conflict(
        "shape_differs",
        format!(
            "Esta fuente ya guarda «{key}» con otras dimensiones u otro periodo; marque «reemplazar» o use otra fuente."
        ),
        format!(
            "This source already stores “{key}” with other dimensions or another grain; choose “replace” or another source."
        ),
    ))
}

/// Metrics in the unit `currency` are money in the tenant's currency.
fn money_keys<'a>(mapping: &'a Mapping, currency: &'a str) -> HashMap<&'a str, &'a str> {
    let money = mapping.metrics.iter().filter(|metric| metric.unit == "currency");
    money.map(|metric| (metric.key.as_str(), currency)).collect()
}

fn with_currency(mut fact: Fact, money: &HashMap<&str, &str>) -> Fact {
    fact.currency = money.get(fact.metric_key.as_str()).map(|currency| (*currency).to_owned());
    fact
}

fn report(reading: Reading, tally: csv::Tally, applied: bool) -> ImportReport {
    ImportReport {
        rows_read: reading.rows_read,
        imported: tally.imported,
        unchanged: tally.unchanged,
        empty: reading.empty,
        rejected_total: reading.rejected_total,
        rejected: reading.rejected,
        applied,
    }
}

/// Parsing a large file takes a while: not on the threads that answer requests.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::Internal(Box::new(error)))
}
