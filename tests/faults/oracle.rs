//! What the portal must show, computed from the bodies that the sandbox served and from nothing else.
//!
//! The last answer about a report and a range of days counts. Figures are whole numbers in units of 10^-18, so nothing is
//! lost before the last division; the portal's own code takes no part.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use time::macros::format_description;
use time::{Date, Duration};

/// 1, in the units of all figures here.
const ONE: i128 = 1_000_000_000_000_000_000;

/// The metrics of a source that add up or divide, with the fields above and below the line.
pub const METRICS: [(&str, &str, Option<&str>); 9] = [
    ("ga4.sessions", "sessions", None),
    ("ga4.new_users", "newUsers", None),
    ("ga4.views", "screenPageViews", None),
    ("ga4.key_events", "keyEvents", None),
    ("ga4.purchases", "ecommercePurchases", None),
    ("ga4.revenue", "totalRevenue", None),
    ("ga4.bounce_rate", "bounced", Some("sessions")),
    ("ga4.avg_session_duration", "seconds", Some("sessions")),
    ("ga4.conversion_rate", "ecommercePurchases", Some("sessions")),
];
/// Our names of the dimensions and Google's.
pub const DIMENSIONS: [(&str, &str); 3] =
    [("channel", "sessionDefaultChannelGroup"), ("country", "country"), ("device", "deviceCategory")];

/// A cell: Google's dimension (empty for totals), day, dimension value (empty for totals), field.
type Cell = (String, Date, String, String);

/// All cells that a property's reports have brought.
#[derive(Default)]
pub struct Log {
    cells: BTreeMap<Cell, i128>,
    /// Distinct users of whole periods, by first and last day.
    periods: BTreeMap<(Date, Date), i128>,
}

/// A number as Google writes it, exactly.
fn number(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= 18 && !text.contains(['e', 'E', '-']), "{text}");
    let digits = format!("{whole}{part:0<18}");
    digits.parse().unwrap()
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

fn day(text: &str, dashes: bool) -> Date {
    let plain = format_description!("[year][month][day]");
    if dashes { date(text) } else { Date::parse(text, plain).unwrap() }
}

/// A day as the API writes it.
pub fn date(text: &str) -> Date {
    Date::parse(text, format_description!("[year]-[month]-[day]")).unwrap()
}

impl Log {
    /// Reads the requests of one property, oldest first. Answers that did not arrive whole do not count.
    pub fn read(requests: &[Value]) -> Self {
        let mut log = Self::default();
        for request in requests.iter().filter(|one| one["status"] == 200 && one["fault"] != "truncated_body") {
            let path = request["path"].as_str().unwrap();
            let json = |field: &str| serde_json::from_str::<Value>(request[field].as_str().unwrap()).unwrap();
            if path.ends_with(":batchRunReports") {
                log.take_periods(&json("request_body"), &json("response_body"));
            } else if path.ends_with(":runReport") {
                log.take(&json("request_body"), &json("response_body"));
            }
        }
        log
    }

    fn take(&mut self, asked: &Value, served: &Value) {
        let dimensions = names(&asked["dimensions"]);
        let dimension = dimensions.get(1).cloned().unwrap_or_default();
        assert_eq!(dimensions[0], "date");
        let fields = names(&asked["metrics"]);
        let range = &asked["dateRanges"][0];
        let (from, to) =
            (day(range["startDate"].as_str().unwrap(), true), day(range["endDate"].as_str().unwrap(), true));
        if asked["offset"] == "0" {
            let has_seconds = fields.iter().any(|field| field == "sessions");
            self.cells.retain(|(of, date, _, field), _| {
                let derived = has_seconds && (field == "seconds" || field == "bounced");
                *of != dimension || !(from..=to).contains(date) || !(fields.contains(field) || derived)
            });
        }
        for row in served["rows"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let labels = &row["dimensionValues"];
            let date = day(labels[0]["value"].as_str().unwrap(), false);
            let label = labels[1]["value"].as_str().unwrap_or_default();
            let values: BTreeMap<&str, i128> = fields
                .iter()
                .enumerate()
                .map(|(at, field)| (field.as_str(), number(row["metricValues"][at]["value"].as_str().unwrap())))
                .collect();
            let mut put = |field: &str, value: i128| {
                self.cells.insert((dimension.clone(), date, label.to_owned(), field.to_owned()), value);
            };
            for (field, value) in &values {
                put(field, *value);
            }
            if let Some(sessions) = values.get("sessions") {
                put("bounced", sessions - values["engagedSessions"]);
                put("seconds", values["averageSessionDuration"] * (sessions / ONE));
            }
        }
    }

    fn take_periods(&mut self, asked: &Value, served: &Value) {
        for (asked, served) in asked["requests"].as_array().unwrap().iter().zip(served["reports"].as_array().unwrap()) {
            let range = &asked["dateRanges"][0];
            let day = |name: &str| date(range[name].as_str().unwrap());
            let users = served["rows"][0]["metricValues"][0]["value"].as_str().map_or(0, number);
            self.periods.insert((day("startDate"), day("endDate")), users);
        }
    }

    /// The distinct users of a whole period, if they were asked for.
    pub fn users(&self, from: Date, to: Date) -> Option<f64> {
        self.periods.get(&(from, to)).map(|users| units(*users))
    }

    /// The weeks from Monday in a range whose users were asked for.
    pub fn weeks(&self, from: Date, to: Date) -> BTreeMap<Date, f64> {
        self.periods
            .iter()
            .filter(|((first, last), _)| *first >= from && *last <= to && *last - *first == Duration::days(6))
            .filter(|((first, _), _)| first.weekday() == time::Weekday::Monday)
            .map(|((first, _), users)| (*first, units(*users)))
            .collect()
    }

    /// First and last day with data.
    pub fn span(&self) -> (Date, Date) {
        let days: BTreeSet<Date> = self.cells.keys().map(|cell| cell.1).collect();
        (*days.first().unwrap(), *days.last().unwrap())
    }

    /// The values of a dimension in a range.
    pub fn labels(&self, dimension: &str, from: Date, to: Date) -> BTreeSet<String> {
        self.within(dimension, from, to)
            .filter(|(cell, _)| cell.3 == "sessions")
            .map(|(cell, _)| cell.2.clone())
            .collect()
    }

    /// A day's value of a field that does not add up.
    pub fn single(&self, field: &str, day: Date) -> Option<f64> {
        self.cells.get(&(String::new(), day, String::new(), field.to_owned())).map(|value| units(*value))
    }

    /// A metric of [`METRICS`] over a range, for one value of a dimension or (both empty) the total.
    pub fn value(&self, metric: &str, split: (&str, &str), from: Date, to: Date) -> Option<f64> {
        let (_, above, below) = METRICS.iter().find(|known| known.0 == metric).unwrap();
        let sum = |wanted: &str| -> Option<i128> {
            let inside = self.within(split.0, from, to).filter(|(cell, _)| cell.2 == split.1 && cell.3 == wanted);
            let found: Vec<i128> = inside.map(|(_, value)| *value).collect();
            (!found.is_empty()).then(|| found.iter().sum())
        };
        let value = units(sum(above)?);
        match below {
            None => Some(value),
            Some(below) => sum(below).filter(|sum| *sum != 0).map(|sum| value / units(sum)),
        }
    }

    /// Cells of one dimension value on one day.
    pub fn count(&self, dimension: &str, label: &str, day: Date) -> usize {
        self.within(dimension, day, day).filter(|(cell, _)| cell.2 == label).count()
    }

    /// The cells of one dimension in a range.
    fn within(&self, dimension: &str, from: Date, to: Date) -> impl Iterator<Item = (&Cell, &i128)> {
        let first = (dimension.to_owned(), from, String::new(), String::new());
        let beyond = (dimension.to_owned(), to + Duration::DAY, String::new(), String::new());
        self.cells.range(first..beyond)
    }
}

#[expect(clippy::cast_precision_loss, reason = "the comparison is to 9 digits")]
fn units(value: i128) -> f64 {
    value as f64 / ONE as f64
}

/// Whether two figures agree to 9 digits.
pub fn agree(left: Option<f64>, right: Option<f64>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1e-9),
        (left, right) => left.is_none() && right.is_none(),
    }
}
