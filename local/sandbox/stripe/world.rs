//! One account in one mode: its calendar and the volume of its days.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::NaiveDate;

use super::accounts::Account;
use super::billing::Billing;
use super::ids::Ids;
use super::kinds::Kind;
use super::ledger::Movement;
use super::rows::Row;
use crate::sandbox::season::{self, mix};

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// The day of a moment, counted from 1970.
pub fn day_of(at: i64) -> u32 {
    u32::try_from(at.div_euclid(DAY)).unwrap_or(0)
}

/// The first second of a day.
pub fn start_of(day: u32) -> i64 {
    i64::from(day) * DAY
}

/// A number below `n`.
pub fn pick(random: u64, n: i64) -> i64 {
    i64::try_from(random % n.unsigned_abs().max(1)).unwrap_or(0)
}

/// One of a list that is not empty.
pub fn chosen<T>(list: &[T], random: u64) -> &T {
    &list[usize::try_from(random % list.len() as u64).unwrap_or(0)]
}

/// The calendar date of a day.
pub fn date_of(day: u32) -> NaiveDate {
    i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days).unwrap_or(NaiveDate::MIN)
}

/// How many payments an account makes, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// One-off payments of an average day.
    pub per_day: u64,
    /// First day with data.
    pub first_day: u32,
    /// The same number every day, without seasons.
    pub flat: bool,
}

/// The entries of a resource's days.
pub type KeptRows = HashMap<(Kind, u32), Arc<[Row]>>;

/// An account's objects, all of them computed when they are asked for.
#[derive(Debug)]
pub struct World {
    /// Whose objects.
    pub account: &'static Account,
    /// Live or test mode.
    pub live: bool,
    /// Decides everything in it.
    pub seed: u64,
    /// Before it there is nothing.
    pub first_day: u32,
    /// Its ids.
    pub ids: Ids,
    /// Its subscriptions.
    pub billing: Billing,
    size: Size,
    /// The movements of days that were asked for, kept because a page is followed by the next.
    pub(super) kept: Mutex<HashMap<u32, Arc<Vec<Movement>>>>,
    /// Likewise the entries of lists.
    pub(super) kept_rows: Mutex<KeptRows>,
}

impl World {
    /// The world of an account, with subscriptions up to `horizon`, which does not change anything before it.
    pub fn new(account: &'static Account, live: bool, seed: u64, size: Size, horizon: i64) -> Self {
        let salt = account.id.bytes().fold(u64::from(live), |salt, byte| mix(salt ^ u64::from(byte)));
        let seed = mix(seed ^ salt);
        Self {
            account,
            live,
            seed,
            first_day: size.first_day,
            ids: Ids::new(account.id, salt),
            billing: Billing::new(account, seed, size.first_day, horizon),
            size,
            kept: Mutex::default(),
            kept_rows: Mutex::default(),
        }
    }

    /// One-off payments of a day.
    pub fn count(&self, day: u32) -> u32 {
        let Some(age) = day.checked_sub(self.first_day) else {
            return 0;
        };
        if self.size.flat {
            return u32::try_from(self.size.per_day).unwrap_or(0);
        }
        let date = date_of(day);
        let (week, month) = season::of(date);
        let growth = 1_000_000 + u64::from(age) * 300;
        let noise = mix(self.seed ^ mix(u64::from(day)));
        let campaign = if season::in_campaign(self.seed, 1, date) { 17 } else { 10 };
        let milli = self.size.per_day * week * month / 1_000 * growth / 1_000_000 * (900 + noise % 201) / 1_000;
        u32::try_from((milli * campaign / 10 + (noise >> 20) % 1_000) / 1_000).unwrap_or(0)
    }

    /// What a unit of a currency is worth in the settlement currency on a day, in millionths.
    pub fn rate(&self, mean: i64, day: u32) -> i64 {
        if mean == 1_000_000 {
            return mean;
        }
        // A slow wave of three per cent around the mean, and a little noise.
        let phase = i64::from(day % 240);
        let wave = if phase < 120 { phase - 60 } else { 180 - phase };
        mean + mean * wave / 2_000 + pick(mix(self.seed ^ u64::from(day)), mean / 400)
    }
}
