//! A tenant's settings: the calendar, currency and language that everything it sees is shown in.

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime, Time, UtcOffset, Weekday};

/// What `tenants.settings` holds. Unknown fields are kept out; absent ones take these defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// IANA zone that decides "today" and presets.
    pub zone: Zone,
    /// ISO 4217 code.
    pub currency: String,
    /// BCP 47 tag for numbers and dates, for example `es-ES`.
    pub locale: String,
    /// First day of the week.
    pub week_start: WeekStart,
    /// Members must use a second factor.
    pub require_mfa: bool,
    /// Days that the audit trail is kept.
    pub audit_retention_days: i32,
}

/// Fewest and most days that an audit trail is kept, and how many unless somebody chose.
pub const AUDIT_RETENTION: (i32, i32, i32) = (90, 3_650, 730);

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            zone: Zone::default(),
            currency: "EUR".into(),
            locale: "es-ES".into(),
            week_start: WeekStart::Monday,
            require_mfa: false,
            audit_retention_days: AUDIT_RETENTION.2,
        }
    }
}

/// Whether this is a language of the portal with a region: `es-ES`, `es-419`, `en-GB` (BCP 47, the simple form).
pub fn is_locale(tag: &str) -> bool {
    let Some((language, region)) = tag.split_once('-') else { return false };
    let letters = region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase());
    let digits = region.len() == 3 && region.bytes().all(|byte| byte.is_ascii_digit());
    matches!(language, "es" | "en") && (letters || digits)
}

/// Whether a tenant works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TenantStatus {
    /// It does.
    Active,
    /// Nobody signs in, nothing is read or sent; all is kept.
    Suspended,
    /// As suspended, and removed after a grace.
    Deleting,
}

impl TenantStatus {
    /// The name used in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
        }
    }

    /// The state of a name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Deleting].into_iter().find(|status| status.as_str() == text)
    }
}

/// First day of a tenant's week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WeekStart {
    /// Monday (ISO 8601).
    #[default]
    Monday,
    /// Sunday.
    Sunday,
    /// Saturday.
    Saturday,
}

impl From<WeekStart> for Weekday {
    fn from(start: WeekStart) -> Self {
        match start {
            WeekStart::Monday => Self::Monday,
            WeekStart::Sunday => Self::Sunday,
            WeekStart::Saturday => Self::Saturday,
        }
    }
}

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(chrono_tz::Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(chrono_tz::Europe::Madrid)
    }
}

/// A name that is no IANA zone.
#[derive(Debug, thiserror::Error)]
#[error("unknown time zone {0:?}")]
pub struct UnknownZone(String);

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        name.parse().map(Self).map_err(|_| UnknownZone(name))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.name().to_owned()
    }
}

impl Zone {
    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The calendar date of `instant` in this zone.
    pub fn date_of(self, instant: OffsetDateTime) -> Date {
        use chrono::{Datelike as _, TimeZone as _};
        let utc = chrono::DateTime::from_timestamp(instant.unix_timestamp(), 0).unwrap_or_default();
        let local = self.0.from_utc_datetime(&utc.naive_utc()).date_naive();
        from_chrono(local.year(), local.month(), local.day())
    }

    /// The instant at which `day` begins in this zone; where midnight does not exist (a clock change), the first
    /// instant after it.
    pub fn start_of(self, day: Date) -> OffsetDateTime {
        use chrono::TimeZone as _;
        let midnight =
            chrono::NaiveDate::from_ymd_opt(day.year(), u32::from(u8::from(day.month())), u32::from(day.day()))
                .and_then(|date| date.and_hms_opt(0, 0, 0));
        let fallback = day.with_time(Time::MIDNIGHT).assume_offset(UtcOffset::UTC);
        let Some(midnight) = midnight else { return fallback };
        let first = (0..=8).find_map(|quarters| {
            let shifted = midnight.checked_add_signed(chrono::TimeDelta::minutes(15 * quarters))?;
            self.0.from_local_datetime(&shifted).earliest()
        });
        first.and_then(|instant| OffsetDateTime::from_unix_timestamp(instant.timestamp()).ok()).unwrap_or(fallback)
    }
}

fn from_chrono(year: i32, month: u32, day: u32) -> Date {
    u8::try_from(month)
        .ok()
        .and_then(|month| Month::try_from(month).ok())
        .and_then(|month| Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok())
        .unwrap_or(Date::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    fn zone(name: &str) -> Zone {
        Zone::try_from(name.to_owned()).unwrap()
    }

    #[test]
    fn a_date_belongs_to_the_zone_and_not_to_utc() {
        let instant = datetime!(2026-11-23 23:30 UTC);
        assert_eq!(zone("Europe/Madrid").date_of(instant), date!(2026 - 11 - 24));
        assert_eq!(zone("America/Santiago").date_of(instant), date!(2026 - 11 - 23));
        assert_eq!(zone("Asia/Kathmandu").date_of(datetime!(2026-11-23 18:15 UTC)), date!(2026 - 11 - 24));
    }

    #[test]
    fn a_day_begins_at_its_own_midnight_on_both_sides_of_a_clock_change() {
        let madrid = zone("Europe/Madrid");
        assert_eq!(madrid.start_of(date!(2026 - 03 - 29)), datetime!(2026-03-28 23:00 UTC));
        assert_eq!(madrid.start_of(date!(2026 - 03 - 30)), datetime!(2026-03-29 22:00 UTC));
    }

    #[test]
    fn a_day_without_midnight_begins_at_its_first_instant() {
        // Chile's clocks jump from 00:00 to 01:00 on the first Sunday of September.
        assert_eq!(zone("America/Santiago").start_of(date!(2026 - 09 - 06)), datetime!(2026-09-06 04:00 UTC));
    }

    #[test]
    fn a_locale_is_a_language_of_the_portal_with_a_region() {
        assert!(["es-ES", "es-CL", "es-419", "en-GB"].into_iter().all(is_locale));
        assert!(!["es", "fr-FR", "es-es", "es_ES", "es-ESP", "en-", "", "es-ES-x"].into_iter().any(is_locale));
    }

    #[test]
    fn absent_settings_take_the_defaults_and_an_unknown_zone_is_refused() {
        let settings: TenantSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings.zone.name(), "Europe/Madrid");
        assert!(serde_json::from_str::<TenantSettings>(r#"{"zone":"Mars/Olympus"}"#).is_err());
    }
}
