//! The visits of the sandbox: a pure integer function of (seed, property, date, channel, country, device).
//!
//! Everything but the users is decided per cell, and every larger figure is a sum of cells, so totals always equal the sum
//! of their parts. Users are a distinct count: see [`day_users`].

use chrono::{Datelike, NaiveDate};

use super::fields::{COUNTRIES, DEVICES, LATE, OTHER, PAID_SOCIAL};
use crate::sandbox::catalogue::Property;
use crate::sandbox::season::{self, mix};

/// The additive figures of a cell or of any sum of cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Sessions.
    pub sessions: u64,
    /// Engaged sessions.
    pub engaged: u64,
    /// Users on their first visit.
    pub new_users: u64,
    /// Visits by users who had been here before: the raw material of the distinct count.
    pub returning: u64,
    /// Views.
    pub views: u64,
    /// Key events, in hundredths.
    pub key_events_hundredths: u64,
    /// Purchases.
    pub purchases: u64,
    /// Revenue, in hundredths of the property's currency.
    pub revenue_hundredths: u64,
    /// Total time of all sessions, in seconds.
    pub seconds: u64,
}

impl Figures {
    /// Adds the figures of another cell.
    pub fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.engaged += other.engaged;
        self.new_users += other.new_users;
        self.returning += other.returning;
        self.views += other.views;
        self.key_events_hundredths += other.key_events_hundredths;
        self.purchases += other.purchases;
        self.revenue_hundredths += other.revenue_hundredths;
        self.seconds += other.seconds;
    }
}

/// A cell of one day with its labels as they stand at the time of asking.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// Index into [`super::fields::CHANNELS`].
    pub channel: usize,
    /// Index into [`COUNTRIES`].
    pub country: usize,
    /// Index into [`DEVICES`].
    pub device: usize,
    /// Its figures, never all zero.
    pub figures: Figures,
}

/// How much of a channel's visits engage, come for the first time and buy, and how long they stay.
struct Habits {
    /// Share of the visits of an ordinary day, per mille.
    weight: u64,
    /// What the campaign makes of the weight, per cent.
    campaign: u64,
    engaged: u64,
    new: u64,
    buyers: u64,
    seconds: u64,
}

const fn habits(weight: u64, campaign: u64, engaged: u64, new: u64, buyers: u64, seconds: u64) -> Habits {
    Habits { weight, campaign, engaged, new, buyers, seconds }
}

/// In the order of [`super::fields::CHANNELS`].
const HABITS: [Habits; 9] = [
    habits(345, 105, 650, 560, 17, 142),
    habits(205, 115, 520, 430, 14, 96),
    habits(140, 170, 560, 720, 30, 78),
    habits(85, 390, 340, 800, 9, 41),
    habits(60, 140, 410, 690, 6, 55),
    habits(65, 240, 720, 90, 44, 178),
    habits(45, 100, 610, 640, 12, 120),
    habits(30, 150, 450, 740, 16, 62),
    habits(25, 300, 200, 760, 3, 18),
];
/// Share of the visits per country, per mille: first the home market, last `(not set)`.
const COUNTRY_WEIGHTS: [u64; 10] = [612, 92, 74, 58, 48, 36, 30, 22, 18, 10];
/// Share per device, and what the device makes of the number of buyers, both per mille.
const DEVICE_WEIGHTS: [(u64, u64); 3] = [(630, 760), (325, 1_480), (45, 900)];
/// How much of the final figure shows at an age of 0, 1 and 2 days, per mille; later it is complete.
const MATURITY: [u64; 3] = [550, 900, 980];
/// Days after which the visits of [`LATE`] have found their channel.
const LATE_DAYS: i64 = 2;

/// The first day with data.
pub fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// The cells of a day as they look on `today` (both in the property's zone); none before the first day and after today.
pub fn day(seed: u64, property: &Property, date: NaiveDate, today: NaiveDate, mut visit: impl FnMut(&Cell)) {
    let age = (today - date).num_days();
    if age < 0 || date < first_day() {
        return;
    }
    let key = mix(seed ^ mix(property.id) ^ mix(u64::try_from(date.num_days_from_ce()).unwrap_or(0)));
    let volume = volume(property, date, key);
    let campaign = season::in_campaign(seed, property.id, date);
    let shown = usize::try_from(age).ok().and_then(|age| MATURITY.get(age)).copied().unwrap_or(1_000);
    let folded = folds(key);
    for (channel, habits) in HABITS.iter().enumerate() {
        let weight = if campaign { habits.weight * habits.campaign / 100 } else { habits.weight };
        for country in 0..COUNTRY_WEIGHTS.len() {
            let share = volume * weight / 1_000 * country_weight(property, country);
            for (device, (device_weight, buyers)) in DEVICE_WEIGHTS.iter().enumerate() {
                let index = (channel * COUNTRIES.len() + country) * DEVICES.len() + device;
                let random = mix(key ^ mix(index as u64));
                let milli = share * device_weight / 1_000_000 * (800 + random % 401) / 1_000;
                let sessions = (milli + (random >> 12) % 1_000) / 1_000;
                if sessions == 0 {
                    continue;
                }
                let figures = figures(property, habits, *buyers, sessions, mix(random), shown);
                if figures.sessions > 0 {
                    let channel = if channel == LATE && age >= LATE_DAYS { PAID_SOCIAL } else { channel };
                    let country = if folded && (7..=8).contains(&country) { OTHER } else { country };
                    visit(&Cell { channel, country, device, figures });
                }
            }
        }
    }
}

/// Whether this day's table was full, so that the rarest countries stand under `(other)`.
pub fn has_other(seed: u64, property: &Property, date: NaiveDate) -> bool {
    folds(mix(seed ^ mix(property.id) ^ mix(u64::try_from(date.num_days_from_ce()).unwrap_or(0))))
}

const fn folds(day_key: u64) -> bool {
    (day_key >> 40).is_multiple_of(23)
}

/// The distinct returning users among the returning visits of one day.
///
/// Visitors come back: of `x` returning visits out of a pool of `p` people, `x * p / (x + p)` are distinct, rounded up. The
/// function is 0 at 0, grows, and is concave, so for any way of cutting a set of visits into parts the whole has no more
/// users than the parts together, and no fewer than the largest of them. One pool per day catches people who come through
/// two channels; a larger one over days ([`period_users`]) catches those who come again another day.
pub fn day_users(property: &Property, visits: u64) -> u64 {
    distinct(visits, property.base_sessions * 3)
}

/// The distinct returning users of a period, from the sum of [`day_users`] over its days.
pub fn period_users(property: &Property, sum_of_days: u64) -> u64 {
    distinct(sum_of_days, property.base_sessions * 12)
}

const fn distinct(visits: u64, pool: u64) -> u64 {
    if visits == 0 { 0 } else { (visits * pool).div_ceil(visits + pool) }
}

/// Expected sessions of a day, in thousandths.
fn volume(property: &Property, date: NaiveDate, key: u64) -> u64 {
    let days = u64::try_from((date - first_day()).num_days()).unwrap_or(0);
    let (week, month) = season::of(date);
    let growth = 1_000_000 + days * 493; // 18 % of the first year, every year
    let noise = 940 + key % 121;
    property.base_sessions * week * month / 1_000 * growth / 1_000_000 * noise / 1_000
}

fn country_weight(property: &Property, country: usize) -> u64 {
    match country {
        home if home == property.home => COUNTRY_WEIGHTS[0],
        0 => COUNTRY_WEIGHTS[property.home],
        other => COUNTRY_WEIGHTS[other],
    }
}

/// The figures of a cell whose final number of sessions is known, of which `shown` per mille are in so far.
fn figures(property: &Property, habits: &Habits, buyers: u64, sessions: u64, random: u64, shown: u64) -> Figures {
    // A share of a count, rounded up or down by chance, so that small cells are not all zero.
    let chance = |position: u32| (random >> (position * 9)) % 1_000;
    let share = |count: u64, per_mille: u64, position: u32| (count * per_mille + chance(position)) / 1_000;
    // The same threshold for each figure of the cell keeps their order (engaged <= sessions) at every age.
    let threshold = chance(6);
    let mature = |count: u64| (count * shown + threshold) / 1_000;
    let now = mature(sessions);
    if now == 0 {
        return Figures::default();
    }
    let users = share(sessions, 880, 0).max(1);
    let new_users = mature(share(users, habits.new, 1));
    let purchases = mature(share(sessions, habits.buyers * buyers / 1_000, 2));
    let leads = mature(share(sessions, 26, 3));
    let price = property.basket_hundredths * (600 + chance(4)) / 1_100;
    let price = price / property.price_step * property.price_step;
    Figures {
        sessions: now,
        engaged: mature(share(sessions, habits.engaged, 5)),
        new_users,
        returning: mature(users).max(1) - new_users,
        views: now + mature(share(sessions, 900 + habits.engaged * 2, 4)),
        // Attribution gives this channel a part of each lead.
        key_events_hundredths: purchases * 100 + leads * (25 + random % 4 * 25),
        purchases,
        revenue_hundredths: purchases * price,
        seconds: now * habits.seconds * (700 + chance(0) * 3 / 5) / 1_000,
    }
}
