//! The year of an invented shop: what the week, the month and the campaign make of an ordinary day. Both upstreams share it,
//! so visits and payments rise and fall together.

use chrono::{Datelike, NaiveDate};

/// Length of the yearly campaign, in days.
const CAMPAIGN_DAYS: u32 = 9;
/// Monday first: per mille of an average day.
const WEEK: [u64; 7] = [1_100, 1_080, 1_060, 1_030, 960, 820, 950];
/// January first: the August and December dips of a Spanish shop.
const MONTHS: [u64; 12] = [1_010, 980, 1_000, 1_010, 1_020, 990, 900, 610, 970, 1_050, 1_140, 760];

/// What weekday and month make of a thousand.
pub fn of(date: NaiveDate) -> (u64, u64) {
    (WEEK[date.weekday().num_days_from_monday() as usize], MONTHS[date.month0() as usize])
}

/// One campaign a year, nine days in the first half of October, on a day that depends on whose it is.
pub fn in_campaign(seed: u64, owner: u64, date: NaiveDate) -> bool {
    let start = 1 + (mix(seed ^ owner) % 7) as u32;
    date.month() == 10 && (start..start + CAMPAIGN_DAYS).contains(&date.day())
}

/// The splitmix64 finaliser: a good scatter of 64 bits, by Sebastiano Vigna, in the public domain.
pub const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
