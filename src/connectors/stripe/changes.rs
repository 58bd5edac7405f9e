//! Follows events. An event is only a hint that an object changed: what it says is in the words of another version and of
//! another moment, so that the object itself is asked for again.

use std::collections::BTreeSet;

use serde_json::Value;
use time::Date;

use super::cursor::{LOOK_BACK, day_of};
use super::errors::Refusal;
use super::measures::{Mapped, created};
use super::streams::{EVENT_TYPES, EVENTS, SUBSCRIPTIONS, listed, of_object, path};
use super::turn::{Found, Turn};
use super::wire::Object;
use super::{OBJECTS, PAGES};
use crate::connectors::contract::{Batch, Write};
use crate::connectors::error::ConnectorError;
use crate::connectors::sentences::codes;

impl Turn<'_> {
    /// Lists more events and remembers the objects that they name; when all are done, remembers that.
    pub async fn list_events(&mut self) -> Result<Batch, Refusal> {
        let rows = if self.state.run.listed { 0 } else { self.event_pages().await? };
        if self.state.run.listed && self.state.run.hints.is_empty() {
            self.state.run.followed = true;
            self.state.events.since = Some(self.state.run.started);
        }
        let mut batch = self.batch(EVENTS);
        batch.rows_read = rows;
        batch.up_to_date = self.state.run.followed;
        Ok(batch)
    }

    async fn event_pages(&mut self) -> Result<u64, Refusal> {
        let mut rows = 0;
        for _ in 0..PAGES {
            let page = match self.calls.page(EVENTS, path(EVENTS), &self.events_query()).await {
                Ok(page) => page,
                Err(_) if rows > 0 => break,
                Err(refusal) => return Err(refusal),
            };
            let mut last = None;
            for value in &page.data {
                let event = Object::of(EVENTS, value)?;
                last = Some(event.id()?.to_owned());
                self.hint(&event)?;
                rows += 1;
            }
            if page.has_more && (last.is_none() || last == self.state.run.after) {
                let cause = "events: the pages do not go on";
                return Err(ConnectorError::contract(codes::STRIPE_PAGES, cause).into());
            }
            self.state.run.after = last;
            self.state.run.listed = !page.has_more;
            if self.state.run.listed {
                break;
            }
        }
        Ok(rows)
    }

    fn events_query(&self) -> Vec<(&'static str, String)> {
        let run = &self.state.run;
        let since = self.state.events.since.unwrap_or(run.started) - LOOK_BACK;
        let mut query = vec![("created[gte]", since.to_string()), ("created[lt]", run.started.to_string())];
        query.extend(EVENT_TYPES.map(|kind| ("types[]", kind.to_owned())));
        query.extend(run.after.clone().map(|after| ("starting_after", after)));
        query
    }

    /// Remembers an event's object, unless it was read after the event, or will be with the history.
    fn hint(&mut self, event: &Object<'_>) -> Result<(), ConnectorError> {
        let object = event.object("data")?.object("object")?;
        let Some(stream) = of_object(object.text("object")?) else { return Ok(()) };
        let created = created(&object).map_or(0, time::OffsetDateTime::unix_timestamp);
        let run = &self.state.run;
        let floor = listed(stream).map_or(Some(i64::MIN), |one| self.state.lists.get(one.key)?.progress.floor);
        let is_read = run.fresh.get(stream).is_some_and(|fresh| created >= *fresh);
        let is_history = floor.is_none_or(|floor| created < floor);
        if !is_read && !is_history && !run.blocked.contains(stream) {
            let id = object.id()?.to_owned();
            self.state.run.hints.entry(stream.to_owned()).or_default().insert(id, created);
        }
        Ok(())
    }

    /// Asks for objects that events named.
    pub async fn follow(&mut self, stream: &'static str) -> Result<Batch, Refusal> {
        let hints = self.state.run.hints.remove(stream).unwrap_or_default();
        let mut rest = hints.clone();
        let (mut found, mut gone) = (Found::default(), Vec::new());
        let mut days = self.state.run.touched.remove(stream).unwrap_or_default();
        for (id, created) in hints.into_iter().take(OBJECTS) {
            match self.object(stream, &id).await {
                Ok(Some(mapped)) => {
                    days.insert(self.reading.zone.date_of(mapped.record.at));
                    found.extend(vec![mapped]);
                }
                Ok(None) => {
                    days.insert(day_of(self.reading.zone, created));
                    gone.push(id.clone());
                }
                Err(_) if found.rows > 0 || !gone.is_empty() => break,
                Err(refusal) => return Err(refusal),
            }
            rest.remove(&id);
        }
        let done = rest.is_empty();
        if !done {
            self.state.run.hints.insert(stream.to_owned(), rest);
            self.state.run.touched.insert(stream.to_owned(), days.clone());
        }
        let mut batch = self.batch(stream);
        found.write(self.reading, &mut batch);
        if !gone.is_empty() {
            batch.writes.push(Write::Remove { ids: gone });
        }
        if done && stream == SUBSCRIPTIONS {
            self.snapshot(&mut batch);
        } else if let Some(one) = listed(stream).filter(|_| done) {
            batch.writes.extend(ranges(&days).into_iter().flat_map(|(first, last)| self.derive(one, first, last)));
        }
        Ok(batch)
    }

    /// An object as it is now; `None`: it is gone.
    async fn object(&self, stream: &'static str, id: &str) -> Result<Option<Mapped>, Refusal> {
        let address = format!("{}/{id}", path(stream));
        let expand = [("expand[]", "discounts.source.coupon".to_owned())];
        let query: &[_] = if stream == SUBSCRIPTIONS { &expand } else { &[] };
        let value: Value = match self.calls.object(stream, &address, query).await {
            Ok(value) => value,
            Err(refusal) if refusal.gone => return Ok(None),
            Err(refusal) => return Err(refusal),
        };
        let object = Object::of(stream, &value)?;
        if object.flag("deleted")? {
            return Ok(None);
        }
        match listed(stream) {
            Some(one) => Ok(Some((one.map)(&object)?)),
            None => self.subscription(&value).await.map(Some),
        }
    }
}

/// Days as ranges without gaps.
fn ranges(days: &BTreeSet<Date>) -> Vec<(Date, Date)> {
    let mut ranges: Vec<(Date, Date)> = Vec::new();
    for day in days {
        match ranges.last_mut() {
            Some((_, last)) if last.next_day() == Some(*day) => *last = *day,
            _ => ranges.push((*day, *day)),
        }
    }
    ranges
}
