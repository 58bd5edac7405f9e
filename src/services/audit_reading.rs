//! Reading the audit trail: lists, files, and whether it is whole. Writing it is `audit_trail.rs`.

use serde_json::json;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::audit_trail::Act;
use super::error::ServiceError;
use super::paging::{page, with_one_more};
use super::tenant::exports_today;
use super::{Caller, Services, limits};
use crate::domain::audit::{ACTIONS, ActorKind, Entry, Outcome, canonical};
use crate::domain::cell::{file_stem, inert};
use crate::domain::ids::{TenantId, UserId};
use crate::platform::sealing::KeyRing;
use crate::store::audit_reading::{self as trail, Filter};
use crate::store::tenants::{self, Counted};
use crate::store::{StoreError, Tx};

pub use crate::store::audit_reading::{EntryRow, PlatformRow};

/// What is recorded of an exported file.
pub(crate) const EXPORTED: &str = "audit.exported";
/// Most rows of a file.
const MAX_ROWS: usize = 100_000;
/// Rows of a file read at a time; the store says why no more.
const PAGE: i64 = 1_000;
/// Entries of the chain read at a time.
const BATCH: i64 = 5_000;

/// What is asked for.
#[derive(Debug, Default)]
pub struct Question {
    /// First day, of the tenant or of UTC.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
    /// A person.
    pub actor: Option<UserId>,
    /// An action, or a group of them by the word before the dot.
    pub action: Option<String>,
}

impl Question {
    /// The filter of a tenant's trail.
    fn filter(&self, caller: &Caller) -> Result<Filter, ServiceError> {
        let zone = caller.settings.zone;
        // All actions of a group by name, so that the index on actions gives them.
        let actions = self.action.as_deref().map(|asked| {
            let belongs = |action: &&&str| {
                **action == asked || action.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'))
            };
            ACTIONS.iter().filter(belongs).map(|action| (*action).to_owned()).collect()
        });
        Ok(Filter { actions, ..self.days(|day| zone.start_of(day))? })
    }

    /// The filter of the platform's trail, whose days are those of UTC.
    fn platform_filter(&self) -> Result<Filter, ServiceError> {
        Ok(Filter { group: self.action.clone(), ..self.days(|day| day.midnight().assume_utc())? })
    }

    /// The filter without actions, given when a day begins.
    fn days(&self, start_of: impl Fn(Date) -> OffsetDateTime) -> Result<Filter, ServiceError> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(ServiceError::field(
                "to",
                "range_reversed",
                "La fecha final es anterior a la inicial.",
                "The last day is before the first.",
            ));
        }
        Ok(Filter {
            from: self.from.map(&start_of),
            until: self.to.map(|day| day.next_day().map_or(far_future(), &start_of)),
            actor: self.actor,
            ..Filter::default()
        })
    }
}

/// Later than every entry.
fn far_future() -> OffsetDateTime {
    Date::MAX.midnight().assume_utc()
}

/// A file to be kept.
#[derive(Debug)]
pub struct AuditFile {
    /// Its name: plain ASCII.
    pub name: String,
    /// CSV in UTF-8 with a byte order mark.
    pub bytes: Vec<u8>,
}

/// Whether a trail is whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Verification {
    /// Entries looked at.
    pub checked: i64,
    /// The first one that does not fit; where the newest are missing, the last one that is there.
    pub first_broken: Option<Uuid>,
    /// All of it fits.
    pub intact: bool,
}

impl Services {
    /// A page of the trail, newest first, and where the next one begins.
    pub async fn audit_entries(
        &self,
        caller: &Caller,
        question: &Question,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<EntryRow>, Option<Uuid>), ServiceError> {
        let filter = question.filter(caller)?;
        let mut tx = self.database.tenant(caller.tenant).await?;
        let rows = trail::list(&mut tx, caller.tenant, &filter, before, with_one_more(limit)).await?;
        Ok(page(rows, limit, |row| row.id))
    }

    /// A page of the platform's trail, newest first, and where the next one begins.
    pub async fn platform_audit(
        &self,
        question: &Question,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<PlatformRow>, Option<Uuid>), ServiceError> {
        let filter = question.platform_filter()?;
        let mut tx = self.operator_database.begin().await?;
        let rows = trail::list_platform(&mut tx, &filter, before, with_one_more(limit)).await?;
        Ok(page(rows, limit, |row| row.entry.id))
    }

    /// The trail as a file. Is itself recorded, in the transaction that reads, and counts as an export.
    pub async fn audit_file(&self, caller: &Caller, question: &Question) -> Result<AuditFile, ServiceError> {
        let filter = question.filter(caller)?;
        let tenant = caller.tenant;
        let mut tx = self.database.tenant(tenant).await?;
        tenants::lock(&mut tx, tenant, Counted::Exports).await?;
        let row = tenants::find(&mut tx, tenant).await?;
        let most = row.limits().exports_per_day;
        if exports_today(&mut tx, caller, &row.settings.0, self.now()).await? >= most {
            return Err(limits::exports_reached(most));
        }
        let (bytes, rows) = write_csv(&mut tx, tenant, &filter).await?;
        let detail = json!({
            "rows": rows, "from": question.from, "to": question.to, "actor": question.actor, "action": question.action
        });
        self.audit(&mut tx, caller, Act::new(EXPORTED, "audit").detail(detail)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let day = caller.settings.zone.date_of(self.now());
        Ok(AuditFile { name: format!("audit-{}-{day}.csv", file_stem(&row.name)).replace("--", "-"), bytes })
    }

    /// Recomputes the chain of digests.
    pub async fn verify_audit(&self, caller: &Caller) -> Result<Verification, ServiceError> {
        let tenant = caller.tenant;
        let mut tx = self.database.tenant(tenant).await?;
        trail::freeze(&mut tx).await?;
        let head = trail::head(&mut tx, tenant).await?;
        let mut checked = trail::count_unchained(&mut tx, tenant).await?;
        let mut last = trail::removed_through(&mut tx, tenant).await?;
        // Of the oldest entry there is, nothing tells the digest before it, unless it is the first of all.
        let mut digest = (last == 0).then(String::new);
        let mut newest = None;
        loop {
            let rows = trail::chain_after(&mut tx, tenant, last, BATCH).await?;
            let Some(end) = rows.last().map(|row| row.id) else { break };
            for row in rows {
                if !follows(&self.keys, tenant, last, digest.as_deref(), &row) {
                    return Ok(Verification { checked, first_broken: Some(row.id), intact: false });
                }
                checked += 1;
                last += 1;
                digest = row.digest;
            }
            newest = Some(end);
        }
        let intact = match head {
            None => newest.is_none(),
            Some((seq, end)) => seq == last && digest.is_none_or(|digest| digest == end),
        };
        Ok(Verification { checked, first_broken: if intact { None } else { newest }, intact })
    }
}

/// Whether an entry is the one after number `last`, whose digest was `digest` if that is known, and is unaltered.
fn follows(keys: &KeyRing, tenant: TenantId, last: i64, digest: Option<&str>, row: &EntryRow) -> bool {
    let (Some(seq), Some(previous), Some(own)) = (row.seq, row.previous.as_deref(), row.digest.as_deref()) else {
        return false;
    };
    let Some(entry) = entry(row) else { return false };
    seq == last + 1
        && digest.is_none_or(|digest| digest == previous)
        && keys.has_digest(&canonical(tenant.0, seq, previous, &entry), own).unwrap_or(false)
}

/// The entry as it was when its digest was made; `None`: no such entry was ever written.
fn entry(row: &EntryRow) -> Option<Entry<'_>> {
    Some(Entry {
        id: row.id,
        actor: row.actor_id.map(UserId),
        actor_kind: ActorKind::parse(&row.actor_kind)?,
        actor_email: row.actor_email.as_deref(),
        action: &row.action,
        resource: &row.resource,
        outcome: Outcome::parse(&row.outcome)?,
        at: row.ts,
        before: row.before.as_ref().map(|value| value.0.clone()),
        after: row.after.as_ref().map(|value| value.0.clone()),
        detail: row.detail.0.clone(),
        ip: row.ip.as_deref(),
        user_agent: row.user_agent.as_deref(),
        request_id: row.request_id.as_deref(),
    })
}

const HEADER: [&str; 14] = [
    "id",
    "ts",
    "actor_id",
    "actor_email",
    "actor_kind",
    "action",
    "resource",
    "outcome",
    "ip",
    "user_agent",
    "request_id",
    "before",
    "after",
    "detail",
];

/// The entries as CSV (RFC 4180), newest first, and how many there are.
async fn write_csv(tx: &mut Tx, tenant: TenantId, filter: &Filter) -> Result<(Vec<u8>, usize), ServiceError> {
    // Without the mark, spreadsheets guess another encoding.
    let mut csv =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
    csv.write_record(HEADER).map_err(internal)?;
    let (mut before, mut written) = (None, 0);
    while written < MAX_ROWS {
        let limit = PAGE.min(i64::try_from(MAX_ROWS - written).unwrap_or(PAGE));
        let rows = trail::list(tx, tenant, filter, before, limit).await?;
        let Some(end) = rows.last().map(|row| row.id) else { break };
        for row in &rows {
            csv.write_record(record(row)?).map_err(internal)?;
        }
        written += rows.len();
        before = Some(end);
    }
    Ok((csv.into_inner().map_err(internal)?, written))
}

fn record(row: &EntryRow) -> Result<[String; 14], ServiceError> {
    let text = |text: Option<&str>| inert(text.unwrap_or_default()).into_owned();
    let value = |value: Option<&serde_json::Value>| value.map_or_else(String::new, ToString::to_string);
    Ok([
        row.id.to_string(),
        row.ts.format(&time::format_description::well_known::Rfc3339).map_err(internal)?,
        row.actor_id.map(|id| id.to_string()).unwrap_or_default(),
        text(row.actor_email.as_deref()),
        text(Some(&row.actor_kind)),
        text(Some(&row.action)),
        text(Some(&row.resource)),
        text(Some(&row.outcome)),
        text(row.ip.as_deref()),
        text(row.user_agent.as_deref()),
        text(row.request_id.as_deref()),
        value(row.before.as_deref()),
        value(row.after.as_deref()),
        value(Some(&row.detail.0)),
    ])
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> ServiceError {
    ServiceError::Internal(Box::new(error))
}
