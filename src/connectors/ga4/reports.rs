//! The five reports of a slice.

/// One report and the partition it becomes.
pub struct Report {
    /// Name in notes and causes.
    pub name: &'static str,
    /// The API's dimension besides `date`, and our name of it.
    pub dimension: Option<(&'static str, &'static str)>,
    /// The API's metrics.
    pub fields: &'static [&'static str],
    /// The metrics that come of it.
    pub keys: &'static [&'static str],
}

/// All but users. `engagedSessions` and `averageSessionDuration` are there for the ratios.
const FIELDS: &[&str] = &[
    "sessions",
    "engagedSessions",
    "newUsers",
    "screenPageViews",
    "keyEvents",
    "ecommercePurchases",
    "totalRevenue",
    "averageSessionDuration",
];

const KEYS: &[&str] = &[
    "ga4.sessions",
    "ga4.new_users",
    "ga4.views",
    "ga4.key_events",
    "ga4.purchases",
    "ga4.revenue",
    "ga4.bounce_rate",
    "ga4.avg_session_duration",
    "ga4.conversion_rate",
];

/// Users have a report of their own because adding `totalUsers` to a report changes its other metrics.
pub const REPORTS: [Report; 5] = [
    Report { name: "totals", dimension: None, fields: FIELDS, keys: KEYS },
    Report { name: "users", dimension: None, fields: &["totalUsers"], keys: &["ga4.users"] },
    Report {
        name: "by channel",
        dimension: Some(("sessionDefaultChannelGroup", "channel")),
        fields: FIELDS,
        keys: KEYS,
    },
    Report { name: "by country", dimension: Some(("country", "country")), fields: FIELDS, keys: KEYS },
    Report { name: "by device", dimension: Some(("deviceCategory", "device")), fields: FIELDS, keys: KEYS },
];

/// The sets of dimensions in which a slice brings a metric; the empty one is the total.
pub fn dim_sets(key: &str) -> Vec<Vec<&'static str>> {
    REPORTS
        .iter()
        .filter(|report| report.keys.contains(&key))
        .map(|report| report.dimension.iter().map(|(_, name)| *name).collect())
        .collect()
}
