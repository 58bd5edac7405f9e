//! Google Analytics as the engine sees it: one stream of reports, read in slices of days.

use async_trait::async_trait;
use serde_json::{Value, json};
use time::{Date, Duration, OffsetDateTime};

use super::plan::{self, Cursor, PeriodTask, Task};
use super::slice::{FetchPlan, Slice};
use super::{Ga4Client, PROVIDER, PROVISIONAL_DAYS, SCOPES, catalog, reports, users};
use crate::connectors::contract::{
    Access, Account, AccountDetails, Allowance, Batch, Bearer, Connector, Note, Provider, Reach, Reachable, Reading,
    StreamInfo, StreamState, Write,
};
use crate::connectors::error::ConnectorError;
use crate::connectors::oauth::OAuthClient;
use crate::domain::metric::Bilingual;
use crate::domain::secret::Secret;

/// The one stream.
pub const REPORTS: &str = "reports";
/// Requests to one property. Google gives a project 14,000 tokens an hour of a property's 40,000, and a report takes up to
/// ten: 1,400 reports in any hour. Other tools read the same property, so the answers' own counts come on top.
const ALLOWANCE: Allowance = Allowance { per_second: 0.25, burst: 500.0 };
/// How long history waits when a quota is nearly used up; the newest days never do.
const SLOW: std::time::Duration = std::time::Duration::from_mins(30);

static GA4: Provider = Provider {
    key: PROVIDER,
    name: "Google Analytics 4",
    access: Access::OAuth { scopes: &SCOPES },
    streams: &[StreamInfo {
        key: REPORTS,
        name: Bilingual { es: "Informes", en: "Reports" },
        permission: None,
        metrics: &catalog::KEYS,
    }],
    metrics: &catalog::METRICS,
    dim_sets: reports::dim_sets,
    provisional_days: PROVISIONAL_DAYS,
    zone_is_chosen: false,
};

/// The connector.
#[derive(Debug, Clone)]
pub struct Ga4 {
    client: Ga4Client,
    oauth: OAuthClient,
}

impl Ga4 {
    /// From its two clients.
    pub const fn new(client: Ga4Client, oauth: OAuthClient) -> Self {
        Self { client, oauth }
    }
}

impl Ga4 {
    /// The next slice of days, as long as Google answers it in full and in few rows; the cursor remembers how long that is.
    async fn read_slice(
        &self,
        access: &dyn Bearer,
        reading: &Reading<'_>,
        mut state: StreamState,
    ) -> Result<Option<(Task, Value, Slice)>, ConnectorError> {
        while let Some(task) = plan::next(&state, reading.run, reading.today(), reading.week_start) {
            let fetch = fetch_plan(reading, task.window.from, task.window.to);
            for _ in &reports::REPORTS {
                reading.gate.pass(REPORTS, ALLOWANCE).await?;
            }
            let slice = self.client.fetch(access, &fetch).await?;
            match slice.narrower {
                // Fewer days than before, so this ends.
                Some(days) => state.cursor = json!(Cursor { days: Some(days), ..Cursor::read(&state.cursor) }),
                None => return Ok(Some((task, state.cursor, slice))),
            }
        }
        Ok(None)
    }

    /// The users of some whole periods.
    async fn read_users(
        &self,
        access: &dyn Bearer,
        reading: &Reading<'_>,
        task: PeriodTask,
    ) -> Result<Batch, ConnectorError> {
        let fetch = fetch_plan(reading, task.goal, task.after.through);
        let mut batch = Batch::of(REPORTS, json!(task.cursor), json!(task.after));
        let mut facts = Vec::with_capacity(task.periods.len());
        for periods in task.periods.chunks(users::PER_CALL) {
            reading.gate.pass(REPORTS, ALLOWANCE).await?;
            let found = self.client.users(access, &fetch, periods).await?;
            facts.extend(found.facts);
            batch.rows_read += found.rows_read;
            batch.calendar = batch.calendar.or(found.calendar);
            batch.pause = batch.pause.or(found.quota_low.then_some(SLOW));
            batch.notes.extend(found.notes.iter().map(note));
        }
        batch.notes.dedup();
        batch.writes = users::partitions(&fetch, &task.periods, facts).into_iter().map(Write::Partition).collect();
        Ok(batch)
    }
}

fn fetch_plan(reading: &Reading<'_>, from: Date, to: Date) -> FetchPlan {
    FetchPlan {
        property: reading.account.to_owned(),
        from,
        to,
        today: reading.today(),
        created: reading.created,
        now: reading.now,
    }
}

fn note(note: &super::slice::Note) -> Note {
    Note { code: note.code(), detail: note.to_string() }
}

#[async_trait]
impl Connector for Ga4 {
    fn provider(&self) -> &'static Provider {
        &GA4
    }

    fn oauth(&self) -> Option<&OAuthClient> {
        Some(&self.oauth)
    }

    async fn check(&self, access: &Secret, now: OffsetDateTime) -> Result<Reachable, ConnectorError> {
        let properties = self.client.properties(access, now).await?;
        let accounts =
            properties.into_iter().map(|one| Account { id: one.id, name: one.name, group: one.account }).collect();
        Ok(Reachable { accounts, permissions: Vec::new(), test_mode: false })
    }

    async fn account(&self, access: &Secret, id: &str, now: OffsetDateTime) -> Result<AccountDetails, ConnectorError> {
        let found = self.client.property(access, id, now).await?;
        Ok(AccountDetails { zone: Some(found.zone), currency: Some(found.currency), created: found.created })
    }

    async fn read(&self, access: &dyn Bearer, reading: &Reading<'_>) -> Result<Option<Batch>, ConnectorError> {
        let state = reading.stream(REPORTS);
        if let Some(task) = plan::next_periods(&state, reading.run, reading.created) {
            return self.read_users(access, reading, task).await.map(Some);
        }
        let Some((task, cursor, slice)) = self.read_slice(access, reading, state.clone()).await? else {
            return Ok(None);
        };
        let mut batch = Batch::of(REPORTS, cursor.clone(), json!(task.after));
        batch.reach = reach(&task, plan::goal(&state, task.after.through));
        if task.closes_recent {
            let goal = plan::goal(&state, task.after.through);
            batch.cursor = json!(plan::closed(&cursor, task.after, goal));
            batch.up_to_date = true;
        }
        fill(&mut batch, slice);
        if !(task.closes_recent || task.is_history) {
            batch.pause = None;
        }
        Ok(Some(batch))
    }
}

fn reach(task: &Task, goal: Date) -> Reach {
    let through = task.closes_recent.then_some(task.after.through);
    Reach {
        data_through: through.map(|today| today - Duration::DAY),
        provisional_from: through.map(|today| today - Duration::days(PROVISIONAL_DAYS - 1)),
        backfilled_from: (task.is_history || task.closes_recent).then_some(task.window.from),
        backfill_until: through.map(|_| goal),
    }
}

fn fill(batch: &mut Batch, slice: Slice) {
    batch.writes = slice.partitions.into_iter().map(Write::Partition).collect();
    batch.rows_read = slice.rows_read;
    batch.pause = slice.quota_low.then_some(SLOW);
    batch.calendar = slice.zone.zip(slice.currency);
    batch.notes = slice.notes.iter().map(note).collect();
}
