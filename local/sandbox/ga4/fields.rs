//! The dimensions and metrics the sandbox knows, with GA4's API names, types and values.

use serde_json::{Value, json};

/// Where sessions come from; the last entry is [`LATE`].
pub const CHANNELS: [&str; 9] = [
    "Organic Search",
    "Direct",
    "Paid Search",
    "Paid Social",
    "Organic Social",
    "Email",
    "Referral",
    "Cross-network",
    "Unassigned",
];
/// The channel whose sessions Google cannot place at first.
pub const LATE: usize = 8;
/// Where the sessions of [`LATE`] end up two days later.
pub const PAID_SOCIAL: usize = 3;

/// Values of `country` and `countryId`; the last entry is [`OTHER`].
pub const COUNTRIES: [(&str, &str); 11] = [
    ("Spain", "ES"),
    ("Mexico", "MX"),
    ("Colombia", "CO"),
    ("Argentina", "AR"),
    ("Chile", "CL"),
    ("Peru", "PE"),
    ("France", "FR"),
    ("Portugal", "PT"),
    ("United States", "US"),
    ("(not set)", "(not set)"),
    ("(other)", "(other)"),
];
/// The row into which Google folds rare values once a table is full.
pub const OTHER: usize = 10;

/// Values of `deviceCategory`.
pub const DEVICES: [&str; 3] = ["mobile", "desktop", "tablet"];

/// A dimension of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// `YYYYMMDD` in the property's zone.
    Date,
    /// `sessionDefaultChannelGroup`.
    Channel,
    /// English country name.
    Country,
    /// ISO 3166-1 alpha-2 code.
    CountryId,
    /// `deviceCategory`.
    Device,
    /// Name of the date range; Google adds it by itself when a request has several ranges.
    DateRange,
}

impl Dimension {
    /// All of them, in the order of the metadata answer.
    pub const ALL: [Self; 6] =
        [Self::Date, Self::Channel, Self::Country, Self::CountryId, Self::Device, Self::DateRange];

    /// Name in requests and answers.
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Channel => "sessionDefaultChannelGroup",
            Self::Country => "country",
            Self::CountryId => "countryId",
            Self::Device => "deviceCategory",
            Self::DateRange => "dateRange",
        }
    }

    /// The dimension of this name; `sessionDefaultChannelGrouping` is the old alias.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "sessionDefaultChannelGrouping" {
            return Some(Self::Channel);
        }
        Self::ALL.into_iter().find(|dimension| dimension.api_name() == name)
    }

    /// Its entry in the metadata answer.
    pub fn metadata(self) -> Value {
        let (ui, description, category) = match self {
            Self::Date => ("Date", "The date of the event, formatted as YYYYMMDD.", "Time"),
            Self::Channel => {
                ("Session default channel group", "The session's default channel group.", "Traffic source")
            }
            Self::Country => ("Country", "The country from which the user activity originated.", "Geography"),
            Self::CountryId => ("Country ID", "The ISO 3166-1 alpha-2 code of the country.", "Geography"),
            Self::Device => ("Device category", "The type of device: desktop, tablet or mobile.", "Platform / device"),
            Self::DateRange => ("Date range", "The name of the date range.", "Time"),
        };
        json!({"apiName": self.api_name(), "uiName": ui, "description": description, "category": category})
    }
}

/// A metric of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Sessions that began.
    Sessions,
    /// Sessions over 10 s, with a key event or two views.
    EngagedSessions,
    /// Distinct users: not additive.
    TotalUsers,
    /// First visits.
    NewUsers,
    /// Page and screen views.
    Views,
    /// Key events; fractional under data-driven attribution.
    KeyEvents,
    /// Purchases.
    Purchases,
    /// Revenue in the property's currency.
    Revenue,
    /// Seconds per session.
    AverageDuration,
    /// (sessions - engaged sessions) / sessions, a fraction.
    BounceRate,
}

impl Metric {
    /// All of them, in the order of the metadata answer.
    pub const ALL: [Self; 10] = [
        Self::Sessions,
        Self::EngagedSessions,
        Self::TotalUsers,
        Self::NewUsers,
        Self::Views,
        Self::KeyEvents,
        Self::Purchases,
        Self::Revenue,
        Self::AverageDuration,
        Self::BounceRate,
    ];

    /// Name in requests and answers.
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::EngagedSessions => "engagedSessions",
            Self::TotalUsers => "totalUsers",
            Self::NewUsers => "newUsers",
            Self::Views => "screenPageViews",
            Self::KeyEvents => "keyEvents",
            Self::Purchases => "ecommercePurchases",
            Self::Revenue => "totalRevenue",
            Self::AverageDuration => "averageSessionDuration",
            Self::BounceRate => "bounceRate",
        }
    }

    /// The metric of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.api_name() == name)
    }

    /// `MetricType` in the headers of a report.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::KeyEvents | Self::BounceRate => "TYPE_FLOAT",
            Self::Revenue => "TYPE_CURRENCY",
            Self::AverageDuration => "TYPE_SECONDS",
            _ => "TYPE_INTEGER",
        }
    }

    /// Its entry in the metadata answer.
    pub fn metadata(self) -> Value {
        let (ui, description, category) = match self {
            Self::Sessions => ("Sessions", "The number of sessions that began.", "Session"),
            Self::EngagedSessions => {
                ("Engaged sessions", "Sessions of 10 seconds or more, with a key event or with two views.", "Session")
            }
            Self::TotalUsers => ("Total users", "The number of distinct users who logged an event.", "User"),
            Self::NewUsers => ("New users", "The number of users on their first visit.", "User"),
            Self::Views => ("Views", "The number of pages and screens viewed, repetitions counted.", "Page / screen"),
            Self::KeyEvents => ("Key events", "The count of key events, shared out by attribution.", "Event"),
            Self::Purchases => ("Ecommerce purchases", "The number of times users completed a purchase.", "Ecommerce"),
            Self::Revenue => ("Total revenue", "Revenue in the currency of the property.", "Revenue"),
            Self::AverageDuration => ("Average session duration", "The average duration in seconds.", "Session"),
            Self::BounceRate => ("Bounce rate", "Sessions that were not engaged, divided by sessions.", "Session"),
        };
        json!({
            "apiName": self.api_name(), "uiName": ui, "description": description,
            "type": self.type_name(), "category": category
        })
    }
}
