//! A source as clients read it.

use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::{Freshness, status_text};
use crate::domain::lang::Lang;
use crate::domain::source::SourceStatus;
use crate::services::error::ServiceError;
use crate::services::source_views::{Backfill, SourceView, StreamStatus, StreamView};
use crate::services::sources::{Account, Who, explain};

/// A source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Source)]
pub struct SourceBody {
    id: Uuid,
    provider: String,
    r#type: String,
    name: String,
    status: SourceStatus,
    status_text: String,
    failure: Option<FailureBody>,
    #[serde(with = "time::serde::rfc3339::option")]
    retry_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_sync_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    next_due: Option<OffsetDateTime>,
    cadence_minutes: Option<i32>,
    pause_reason: Option<String>,
    freshness: Freshness,
    connection: Option<ConnectionBody>,
    test_mode: bool,
    property: Option<AccountBody>,
    properties: Vec<AccountBody>,
    zone: Option<String>,
    zone_is_chosen: bool,
    /// The zone that the next run moves the source's days into.
    zone_wanted: Option<String>,
    currency: Option<String>,
    streams: Vec<StreamBody>,
    backfill: Option<BackfillBody>,
    progress: Option<Progress>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// An account at the provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountBody {
    id: String,
    name: String,
    account: String,
}

impl From<&Account> for AccountBody {
    fn from(account: &Account) -> Self {
        Self { id: account.id.clone(), name: account.name.clone(), account: account.account.clone() }
    }
}

/// The access that a source is read with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceConnection)]
pub struct ConnectionBody {
    id: Uuid,
    label: String,
}

/// What is the matter, in parts: what happened, why, whose turn it is, what to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceFailure)]
pub struct FailureBody {
    code: String,
    what: String,
    why: String,
    who: Who,
    action: String,
}

impl FailureBody {
    /// Of a stored code.
    pub fn new(code: &str, lang: Lang) -> Self {
        let told = explain(code);
        Self {
            code: code.to_owned(),
            what: told.what.get(lang).to_owned(),
            why: told.why.get(lang).to_owned(),
            who: told.who,
            action: told.action.get(lang).to_owned(),
        }
    }
}

/// A part of a source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceStream)]
pub struct StreamBody {
    key: &'static str,
    name: &'static str,
    status: StreamStatus,
    missing_permission: Option<String>,
    data_through: Option<Date>,
    provisional_from: Option<Date>,
    #[serde(with = "time::serde::rfc3339::option")]
    fetched_at: Option<OffsetDateTime>,
    backfilled_from: Option<Date>,
    backfill_until: Option<Date>,
}

impl StreamBody {
    fn new(view: &StreamView, lang: Lang) -> Self {
        let row = view.row.as_ref();
        Self {
            key: view.info.key,
            name: view.info.name.get(lang),
            status: view.status,
            missing_permission: view.missing_permission.clone(),
            data_through: row.and_then(|row| row.data_through),
            provisional_from: row.and_then(|row| row.provisional_from),
            fetched_at: row.and_then(|row| row.fetched_at),
            backfilled_from: row.and_then(|row| row.backfilled_from),
            backfill_until: row.and_then(|row| row.backfill_until),
        }
    }
}

/// How far the history of all streams has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceBackfill)]
pub struct BackfillBody {
    from: Option<Date>,
    until: Date,
    percent: u8,
}

impl From<Backfill> for BackfillBody {
    fn from(backfill: Backfill) -> Self {
        Self { from: backfill.from, until: backfill.until, percent: backfill.percent }
    }
}

/// How far the history has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    done_from: Date,
    until: Date,
}

impl SourceBody {
    /// A source in a language; its access and the accounts to choose from are for admins.
    pub fn new(view: &SourceView, lang: Lang, is_admin: bool) -> Result<Self, ServiceError> {
        let source = &view.source;
        let status = source.status()?;
        let config = &source.config.0;
        let progress = match (source.backfilled_from, source.backfill_until) {
            (Some(done_from), Some(until)) if done_from > until => Some(Progress { done_from, until }),
            _ => None,
        };
        let code = source.status_code.as_deref();
        let waits_for_choice = source.r#type != "file" && config.property.is_none();
        let connection = view.connection.as_ref().filter(|_| is_admin);
        Ok(Self {
            id: source.id,
            provider: source.provider.clone(),
            r#type: source.r#type.clone(),
            name: source.name.clone(),
            status,
            status_text: status_text(&source.r#type, waits_for_choice, status, code, lang),
            failure: code.map(|code| FailureBody::new(code, lang)),
            retry_at: source.status_until,
            last_sync_at: source.last_sync_at,
            next_due: source.next_due,
            cadence_minutes: view.cadence_minutes,
            pause_reason: source.pause_reason.clone(),
            freshness: view.freshness.clone(),
            connection: connection.map(|one| ConnectionBody { id: one.id, label: one.label.clone() }),
            test_mode: view.test_mode,
            property: config.property.as_ref().map(AccountBody::from),
            properties: if is_admin { config.properties.iter().map(AccountBody::from).collect() } else { Vec::new() },
            zone: source.zone.clone(),
            zone_is_chosen: view.zone_is_chosen,
            zone_wanted: config.zone_wanted.clone(),
            currency: source.currency.clone(),
            streams: view.streams.iter().map(|stream| StreamBody::new(stream, lang)).collect(),
            backfill: view.backfill.map(BackfillBody::from),
            progress,
            created_at: source.created_at,
        })
    }
}
