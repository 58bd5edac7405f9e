//! Reads the lists, window by window.

use std::collections::BTreeSet;

use time::Date;

use super::PAGES;
use super::client::Calls;
use super::cursor::{Horizon, Kind, LOOK_BACK, Window};
use super::errors::Refusal;
use super::measures::Mapped;
use super::streams::Listed;
use super::turn::{Found, Turn};
use super::wire::{Object, Page};
use crate::connectors::contract::{Batch, Write};
use crate::connectors::error::ConnectorError;
use crate::connectors::sentences::codes;
use crate::domain::tenant::Zone;

impl Turn<'_> {
    /// Reads on in a list, as far as a batch goes.
    pub async fn read_list(&mut self, one: &'static Listed, kind: Kind) -> Result<Batch, Refusal> {
        let horizon = self.state.horizon(one);
        let read_before = self.state.list(one).progress.head.unwrap_or(i64::MIN);
        let Some(window) = self.state.list(one).progress.next(horizon, kind) else { return Ok(self.batch(one.key)) };
        let mut window = window.clone();
        let Part { objects, done, gone } = read_window(&self.calls, one, &mut window).await?;
        if one.key == super::streams::BALANCE_TRANSACTIONS {
            self.count(&objects, kind, read_before);
        }
        let mut found = Found::default();
        found.extend(objects);
        let days = window.close_days(self.reading.zone, done);
        let renewed = self.settle(one, window, done, horizon);
        let mut batch = self.batch(one.key);
        found.write(self.reading, &mut batch);
        batch.writes.extend(gone.map(|id| Write::Remove { ids: vec![id] }));
        if let Some((first, last)) = days {
            batch.writes.extend(self.derive(one, first, last));
        }
        if let Some(began) = renewed {
            self.prune(one, began, &mut batch);
        }
        if done {
            batch.reach = self.reach(one, kind);
            batch.up_to_date = kind == Kind::Head && self.is_current(one);
        }
        Ok(batch)
    }

    /// Puts the window back, or ends it; gives when the re-reading of everything began if that is over with it.
    fn settle(&mut self, one: &'static Listed, window: Window, done: bool, horizon: Horizon) -> Option<i64> {
        let progress = &mut self.state.list(one).progress;
        let (kind, from, to) = (window.kind, window.from, window.to);
        if let Some(open) = progress.open.iter_mut().find(|open| open.kind == kind) {
            *open = window;
        }
        if !done {
            return None;
        }
        let renewed = progress.close(kind, horizon);
        // Opened in this run and read in full: what events say of its objects is known already.
        if to == horizon.started {
            self.state
                .run
                .fresh
                .entry(one.key.to_owned())
                .and_modify(|since| *since = from.min(*since))
                .or_insert(from);
        }
        renewed
    }

    /// What was not seen again while everything was read anew no longer exists.
    fn prune(&self, one: &Listed, began: i64, batch: &mut Batch) {
        let Ok(before) = time::OffsetDateTime::from_unix_timestamp(began) else { return };
        batch.writes.push(Write::Prune { before });
        batch.writes.extend(self.derive(one, self.state.horizon(one).goal, self.state.day()));
    }

    fn is_current(&self, one: &Listed) -> bool {
        self.state.lists.get(one.key).is_some_and(|list| list.progress.head == Some(self.state.run.started))
    }

    /// Counts transactions for the read allocation, and remembers one by which the account is known again.
    fn count(&mut self, objects: &[Mapped], kind: Kind, read_before: i64) {
        let (zone, today): (Zone, Date) = (self.reading.zone, self.reading.today());
        let ledger = self.state.ledger();
        for record in objects.iter().map(|one| &one.record).filter(|_| kind == Kind::Head) {
            if record.at.unix_timestamp() >= read_before {
                ledger.count(zone.date_of(record.at), today);
            }
        }
        if let Some(newest) = objects.first().filter(|_| kind == Kind::Head || ledger.known.is_none()) {
            ledger.known = Some(newest.record.id.clone());
        }
    }
}

/// What was read of a window.
#[derive(Default)]
struct Part {
    objects: Vec<Mapped>,
    /// The window is read in full.
    done: bool,
    /// An object that was deleted in the meantime.
    gone: Option<String>,
}

/// Up to a batch's pages of a window. What came before a failure is kept: the failure comes again with the next batch.
async fn read_window(calls: &Calls<'_>, one: &Listed, window: &mut Window) -> Result<Part, Refusal> {
    let mut part = Part::default();
    let mut seen = BTreeSet::from_iter(window.after.clone());
    for _ in 0..PAGES {
        let after = window.after.clone();
        let page = match calls.page(one.key, one.path, &query(window)).await {
            Err(refusal) if refusal.cursor_gone && window.restart() => {
                part.gone = after;
                seen.clear();
                continue;
            }
            page => page,
        };
        let read = match page {
            Ok(page) => map(one, window, &page).map(|mapped| (mapped, page.has_more)).map_err(Refusal::from),
            Err(refusal) => Err(refusal),
        };
        let (mapped, has_more) = match read {
            Ok(read) => read,
            Err(_) if !part.objects.is_empty() => return Ok(part),
            Err(refusal) => return Err(refusal),
        };
        let last = mapped.last().map(|one| &one.record);
        if let Some(last) = last {
            window.after = Some(last.id.clone());
            window.at = Some(last.at.unix_timestamp());
        }
        let is_new = last.is_some_and(|last| seen.insert(last.id.clone()));
        part.objects.extend(mapped);
        part.done = !has_more;
        if part.done {
            break;
        }
        if !is_new {
            return Err(circles(one).into());
        }
    }
    Ok(part)
}

fn query(window: &Window) -> Vec<(&'static str, String)> {
    let mut query = vec![("created[gte]", window.from.to_string()), ("created[lt]", window.to.to_string())];
    query.extend(window.after.clone().map(|after| ("starting_after", after)));
    query
}

/// The objects of a page, which must go on from where the window stands.
fn map(one: &Listed, window: &Window, page: &Page) -> Result<Vec<Mapped>, ConnectorError> {
    let mut mapped = Vec::with_capacity(page.data.len());
    for value in &page.data {
        let object = Object::of(one.key, value)?;
        let at = object.integer("created")?;
        if !(window.from..window.to).contains(&at) {
            return Err(object.unfit("created", "within the time that was asked for"));
        }
        if window.at.is_some_and(|last| at > last + LOOK_BACK) {
            return Err(circles(one));
        }
        mapped.push((one.map)(&object)?);
    }
    Ok(mapped)
}

fn circles(one: &Listed) -> ConnectorError {
    ConnectorError::contract(codes::STRIPE_PAGES, format!("{}: the pages do not go on", one.key))
}
