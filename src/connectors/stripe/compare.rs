//! Holds the stored ledger against the balance that Stripe states.
//!
//! Every movement of an account's money is a balance transaction, so that what is stored, what came after it, and what
//! the account held before the first one must add up to the balance. Payments go on while this is asked: the newest
//! transactions are listed before and after the balance, and unless both lists are the same nothing is concluded. A
//! transaction may also be listed late, so that a difference counts only when a later look finds the same one.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::BALANCE;
use super::PAGES;
use super::cursor::LOOK_BACK;
use super::errors::Refusal;
use super::measures::balance_transaction;
use super::money::amount;
use super::streams::{BALANCE_TRANSACTIONS, path};
use super::turn::Turn;
use super::wire::Object;
use crate::connectors::contract::{Batch, Note, Record};
use crate::connectors::sentences::codes;

/// Money by currency; no currency with nothing.
pub type Sums = BTreeMap<String, Decimal>;

impl Turn<'_> {
    /// Compares, and says what does not add up.
    pub async fn compare(&mut self) -> Result<Batch, Refusal> {
        self.state.run.compared = true;
        let note = match self.remainder().await {
            Ok(Some(remainder)) => {
                let whole = self.state.ledger().opening.is_none() && !self.has_older().await?;
                let now = self.state.run.started;
                let day = self.state.day();
                let ledger = self.state.ledger();
                if whole {
                    ledger.opening = Some(Sums::new());
                }
                let gap = conclude(ledger, remainder, now);
                if ledger.suspect.is_none() {
                    ledger.checked = Some(day);
                }
                gap.map(|gap| Note { code: codes::STRIPE_LEDGER_GAP, detail: told(&gap) })
            }
            Ok(None) => None,
            Err(refusal) if refusal.error.code == codes::STRIPE_PERMISSION => {
                let day = self.state.day();
                self.state.ledger().checked = Some(day);
                Some(Note { code: codes::STRIPE_BALANCE_UNREADABLE, detail: refusal.error.cause })
            }
            Err(refusal) => return Err(refusal),
        };
        if note.as_ref().is_some_and(|note| note.code == codes::STRIPE_LEDGER_GAP) {
            // What is missing may have been listed later than anything was before.
            self.state.lists.entry(BALANCE_TRANSACTIONS).or_default().progress.swept = None;
        }
        let mut batch = self.batch(BALANCE_TRANSACTIONS);
        batch.notes.extend(note);
        Ok(batch)
    }

    /// The balance less all transactions since the first one that is read; `None` if the account was too busy to tell.
    async fn remainder(&self) -> Result<Option<Sums>, Refusal> {
        let stored = self.reading.stored.sums(BALANCE_TRANSACTIONS, BALANCE).await?;
        let Some(newest) = self.newest().await? else { return Ok(None) };
        let balance = self.balance().await?;
        if self.newest().await?.as_ref() != Some(&newest) {
            return Ok(None);
        }
        let mut remainder = balance;
        for (currency, sum) in stored {
            *remainder.entry(currency).or_default() -= sum;
        }
        for measure in newest.into_iter().flat_map(|record| record.measures).filter(|one| one.metric == BALANCE) {
            *remainder.entry(measure.currency.unwrap_or_default()).or_default() -= measure.value;
        }
        remainder.retain(|_, sum| !sum.is_zero());
        Ok(Some(remainder.into_iter().map(|(currency, sum)| (currency, sum.normalize())).collect()))
    }

    /// The transactions that came after those that are stored; `None`: more than a batch.
    async fn newest(&self) -> Result<Option<Vec<Record>>, Refusal> {
        let mut records: Vec<Record> = Vec::new();
        for _ in 0..PAGES {
            let mut query = vec![("created[gte]", self.state.run.started.to_string())];
            query.extend(records.last().map(|last| ("starting_after", last.id.clone())));
            let page = self.calls.page(BALANCE_TRANSACTIONS, path(BALANCE_TRANSACTIONS), &query).await?;
            for value in &page.data {
                records.push(balance_transaction(&Object::of(BALANCE_TRANSACTIONS, value)?)?.record);
            }
            if !page.has_more || page.data.is_empty() {
                return Ok(Some(records));
            }
        }
        Ok(None)
    }

    async fn balance(&self) -> Result<Sums, Refusal> {
        let value = self.calls.object("balance", "/v1/balance", &[]).await?;
        let balance = Object::of("balance", &value)?;
        let mut sums = Sums::new();
        for one in balance.entries("available")?.iter().chain(balance.entries("pending")?) {
            let one = Object::of("balance", one)?;
            let currency = one.currency("currency")?;
            let held = amount(one.integer("amount")?, &currency);
            *sums.entry(currency).or_default() += held;
        }
        Ok(sums)
    }

    /// Whether the account has transactions from before those that are read.
    async fn has_older(&self) -> Result<bool, Refusal> {
        let floor = self.state.lists.get(BALANCE_TRANSACTIONS).and_then(|list| list.progress.floor).unwrap_or(0);
        let query = [("created[lt]", floor.to_string())];
        let page = self.calls.page(BALANCE_TRANSACTIONS, path(BALANCE_TRANSACTIONS), &query).await?;
        Ok(!page.data.is_empty())
    }
}

/// The difference that is certain now, if there is one. What the account held before the first transaction is learnt in
/// the same way, from two looks that agree.
pub fn conclude(ledger: &mut super::state::Ledger, remainder: Sums, now: i64) -> Option<Sums> {
    if ledger.opening.as_ref() == Some(&remainder) {
        ledger.suspect = None;
        return None;
    }
    let seen = ledger.suspect.as_ref().filter(|(_, before)| *before == remainder).map(|(at, _)| *at);
    if seen.is_none_or(|at| now - at < LOOK_BACK) {
        ledger.suspect = Some((seen.unwrap_or(now), remainder));
        return None;
    }
    ledger.suspect = None;
    let Some(opening) = &ledger.opening else {
        ledger.opening = Some(remainder);
        return None;
    };
    let mut gap = remainder;
    for (currency, held) in opening {
        *gap.entry(currency.clone()).or_default() -= *held;
    }
    gap.retain(|_, sum| !sum.is_zero());
    Some(gap)
}

fn told(gap: &Sums) -> String {
    let parts: Vec<String> = gap.iter().map(|(currency, sum)| format!("{sum} {currency}")).collect();
    format!("the balance exceeds the transactions by {}", parts.join(", "))
}
