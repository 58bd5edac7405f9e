//! The runs of a source as people read them: counts, and sentences instead of codes.

use serde_json::Value;
use uuid::Uuid;

use super::error::ServiceError;
use super::paging::{page, with_one_more};
use super::sources::{failure_sentence, load};
use super::{Caller, Services};
use crate::connectors::contract::Provider;
use crate::domain::ids::{SourceId, SyncId};
use crate::domain::lang::{Lang, Text};
use crate::domain::source::SyncStatus;
use crate::store::syncs::{self, LineRow};

pub use crate::store::syncs::SyncRow;

/// A line of a run's log.
#[derive(Debug)]
pub struct LogLine {
    /// The line.
    pub row: LineRow,
    /// What it says.
    pub text: Text,
}

/// A run with its log.
#[derive(Debug)]
pub struct RunDetail {
    /// The run.
    pub row: SyncRow,
    /// Its log, in order.
    pub log: Vec<LogLine>,
}

impl Services {
    /// A page of a source's runs, newest first, and where the next page begins.
    pub async fn source_syncs(
        &self,
        caller: &Caller,
        id: SourceId,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<SyncRow>, Option<Uuid>), ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        load(&mut tx, caller.tenant, id).await?;
        let rows = syncs::list(&mut tx, caller.tenant, id, before, with_one_more(limit)).await?;
        Ok(page(rows, limit, |row| row.id))
    }

    /// One run of a source with its log.
    pub async fn source_sync(&self, caller: &Caller, id: SourceId, sync: SyncId) -> Result<RunDetail, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let source = load(&mut tx, caller.tenant, id).await?;
        let row = syncs::find(&mut tx, caller.tenant, id, sync).await?.ok_or(ServiceError::NotFound)?;
        let lines = syncs::lines(&mut tx, caller.tenant, sync).await?;
        let provider = self.connectors.get(&source.provider).map(|connector| connector.provider());
        let line = |row: LineRow| LogLine { text: line_text(&row, provider), row };
        Ok(RunDetail { row, log: lines.into_iter().map(line).collect() })
    }
}

/// What a run did or waits for, in one sentence.
pub fn run_sentence(run: &SyncRow) -> Text {
    let failure = || run.failure_code.as_deref().map(failure_sentence);
    let counts = || {
        let (read, changed, removed) = (run.rows_read, run.rows_changed, run.rows_removed);
        Text::new(
            format!("Filas leídas: {read}; datos nuevos o cambiados: {changed}; retirados: {removed}."),
            format!("Rows read: {read}; new or changed figures: {changed}; removed: {removed}."),
        )
    };
    match SyncStatus::parse(&run.status) {
        Some(SyncStatus::Queued) => Text::new("Espera su turno.", "It waits for its turn."),
        Some(SyncStatus::Running) if run.next_attempt_at.is_some() => failure().unwrap_or_else(counts),
        Some(SyncStatus::Running | SyncStatus::Succeeded) | None => counts(),
        Some(SyncStatus::Incomplete | SyncStatus::Failed) => failure().unwrap_or_else(|| failure_sentence("")),
        Some(SyncStatus::Cancelled) => Text::new(
            "Se detuvo antes de terminar porque la fuente se pausó, se cambió o se desconectó.",
            "It was stopped before its end because the source was paused, changed or disconnected.",
        ),
    }
}

/// A line of a log in words.
pub(super) fn line_text(line: &LineRow, provider: Option<&Provider>) -> Text {
    let figures = &line.figures.0;
    match line.code.as_str() {
        "batch" => batch_text(figures),
        "succeeded" => Text::new("La actualización ha terminado bien.", "The run ended well."),
        "incomplete" => {
            Text::new("La actualización ha terminado, pero falta una parte.", "The run ended, but a part is missing.")
        }
        "zone_moved" => {
            let zone = figures["zone"].as_str().unwrap_or_default();
            Text::new(
                format!("Los días de la fuente empiezan ahora a medianoche de {zone}; sus cifras se han rehecho."),
                format!("The source's days begin at midnight of {zone} now; its figures were made anew."),
            )
        }
        "failed" => Text::new("La actualización no ha podido leer nada.", "The run could not read anything."),
        code => {
            let stream = line.stream.as_deref().and_then(|key| {
                let streams = provider.map_or(&[][..], |provider| provider.streams);
                streams.iter().find(|stream| stream.key == key)
            });
            let mut text = failure_sentence(code);
            if let (Some(stream), Some(permission)) = (stream, figures["permission"].as_str()) {
                let name = stream.name;
                text = followed(
                    &text,
                    &format!("Falta para «{}»: {permission}.", name.es),
                    &format!("Missing for \"{}\": {permission}.", name.en),
                );
            }
            if let Some(seconds) = figures["seconds"].as_u64() {
                let minutes = seconds.div_ceil(60);
                text = followed(&text, &format!("Pausa: {minutes} min."), &format!("Pause: {minutes} min."));
            }
            text
        }
    }
}

fn batch_text(figures: &Value) -> Text {
    let count = |name: &str| figures[name].as_i64().unwrap_or(0);
    let (rows, changed, removed, restated) = (count("rows"), count("changed"), count("removed"), count("restated"));
    let days = match (figures["from"].as_str(), figures["to"].as_str()) {
        (Some(from), Some(to)) => format!("{from} – {to}: "),
        _ => String::new(),
    };
    let text = Text::new(
        format!("{days}filas leídas: {rows}; datos nuevos o cambiados: {changed}; retirados: {removed}."),
        format!("{days}rows read: {rows}; new or changed figures: {changed}; removed: {removed}."),
    );
    if restated == 0 {
        return text;
    }
    followed(
        &text,
        &format!("Cifras ya definitivas que han cambiado: {restated}."),
        &format!("Final figures that changed all the same: {restated}."),
    )
}

fn followed(text: &Text, es: &str, en: &str) -> Text {
    Text::new(format!("{} {es}", text.get(Lang::Es)), format!("{} {en}", text.get(Lang::En)))
}
