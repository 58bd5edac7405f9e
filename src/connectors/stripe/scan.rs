//! The full list of subscriptions, once a day: a snapshot, because the past cannot be listed.

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::PAGES;
use super::errors::Refusal;
use super::measures::Mapped;
use super::mrr;
use super::state::Scan;
use super::streams::{SNAPSHOT, SUBSCRIPTIONS, path};
use super::turn::{Found, Turn};
use super::wire::Object;
use crate::connectors::contract::{Batch, Reach, Write};
use crate::connectors::error::ConnectorError;
use crate::connectors::sentences::codes;

/// What a discount is stands in it only when asked for; four levels are the most that Stripe opens.
pub const DISCOUNTS: &str = "data.discounts.source.coupon";

impl Turn<'_> {
    /// Reads on in the full list, as far as a batch goes.
    pub async fn scan(&mut self) -> Result<Batch, Refusal> {
        let day = self.state.day();
        let new = Scan { day, began: self.reading.now.unix_timestamp(), after: None, restarted: false };
        let mut scan = self.state.subscriptions.scan.take().filter(|scan| scan.day == day).unwrap_or(new);
        let mut found = Found::default();
        let done = self.scan_pages(&mut scan, &mut found).await?;
        if done {
            self.state.subscriptions.scanned = Some(day);
            self.state.subscriptions.first.get_or_insert(day);
            self.state.run.fresh.insert(SUBSCRIPTIONS.to_owned(), i64::MIN);
        } else {
            self.state.subscriptions.scan = Some(scan.clone());
        }
        let mut batch = self.batch(SUBSCRIPTIONS);
        found.write(self.reading, &mut batch);
        if done {
            let before = OffsetDateTime::from_unix_timestamp(scan.began).unwrap_or(self.reading.now);
            batch.writes.push(Write::Prune { before });
            self.snapshot(&mut batch);
        }
        Ok(batch)
    }

    /// Makes the day's snapshot.
    pub fn snapshot(&self, batch: &mut Batch) {
        let day = self.state.day();
        let first = self.state.subscriptions.first.unwrap_or(day);
        batch.writes.push(Write::Snapshot { metrics: SNAPSHOT.to_vec(), day });
        batch.up_to_date = true;
        batch.reach = Reach {
            data_through: Some(day - Duration::DAY),
            provisional_from: Some(day),
            backfilled_from: Some(first),
            backfill_until: Some(first),
        };
    }

    async fn scan_pages(&self, scan: &mut Scan, found: &mut Found) -> Result<bool, Refusal> {
        for _ in 0..PAGES {
            let read = self.scan_page(scan).await;
            match read {
                Err(refusal) if refusal.cursor_gone && !scan.restarted => {
                    (scan.after, scan.restarted) = (None, true);
                }
                Err(_) if found.rows > 0 => return Ok(false),
                Err(refusal) => return Err(refusal),
                Ok((mapped, has_more)) => {
                    let last = mapped.last().map(|one| one.record.id.clone());
                    if has_more && (last.is_none() || last == scan.after) {
                        let cause = "subscriptions: the pages do not go on";
                        return Err(ConnectorError::contract(codes::STRIPE_PAGES, cause).into());
                    }
                    scan.after = last;
                    found.extend(mapped);
                    if !has_more {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    async fn scan_page(&self, scan: &Scan) -> Result<(Vec<Mapped>, bool), Refusal> {
        let mut query = vec![("status", "all".to_owned()), ("expand[]", DISCOUNTS.to_owned())];
        query.extend(scan.after.clone().map(|after| ("starting_after", after)));
        let page = self.calls.page(SUBSCRIPTIONS, path(SUBSCRIPTIONS), &query).await?;
        let mut mapped = Vec::with_capacity(page.data.len());
        for value in &page.data {
            mapped.push(self.subscription(value).await?);
        }
        Ok((mapped, page.has_more))
    }

    /// What a subscription adds, with its items listed on their own where it does not hold them.
    pub async fn subscription(&self, value: &Value) -> Result<Mapped, Refusal> {
        if !mrr::needs_items(value)? {
            return Ok(mrr::subscription(value, None, self.reading.now)?);
        }
        let id = Object::of(SUBSCRIPTIONS, value)?.id()?;
        let mut items = Vec::new();
        for _ in 0..PAGES {
            let mut query = vec![
                ("subscription", id.to_owned()),
                ("expand[]", "data.price.tiers".to_owned()),
                ("expand[]", DISCOUNTS.to_owned()),
            ];
            let last = items.last().map(|item| Object::of(SUBSCRIPTIONS, item)?.id()).transpose()?;
            query.extend(last.map(|last| ("starting_after", last.to_owned())));
            let page = self.calls.page(SUBSCRIPTIONS, "/v1/subscription_items", &query).await?;
            let go_on = page.has_more && !page.data.is_empty();
            items.extend(page.data);
            if !go_on {
                break;
            }
        }
        Ok(mrr::subscription(value, Some(&items), self.reading.now)?)
    }
}
