//! From Google's positional strings to facts.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use time::macros::format_description;
use time::{Date, Duration};

use super::PROVISIONAL_DAYS;
use super::reports::Report;
use super::slice::{FetchPlan, Note};
use super::wire::{Header, Metadata, RunReportResponse};
use crate::connectors::contract::Partition;
use crate::connectors::error::{ConnectorError, quote};
use crate::connectors::sentences::codes;
use crate::domain::fact::{Dims, Fact};
use crate::domain::period::Grain;

/// Decimal places of `averageSessionDuration` x `sessions`, in seconds.
const DURATION_PLACES: u32 = 6;
/// The literal that stands for a date once the report has hit a row limit.
const OTHER: &str = "(other)";

/// The rows of one report, collected page by page.
pub struct Table<'a> {
    report: &'a Report,
    plan: &'a FetchPlan,
    cells: BTreeMap<(Date, String), BTreeMap<&'static str, String>>,
    rows: u64,
    /// Rows of the whole report, as Google says.
    pub announced: u64,
    repeated: u64,
    dated_other: u64,
    metadata: Metadata,
}

impl<'a> Table<'a> {
    /// An empty table.
    pub fn new(report: &'a Report, plan: &'a FetchPlan) -> Self {
        Self {
            report,
            plan,
            cells: BTreeMap::new(),
            rows: 0,
            announced: 0,
            repeated: 0,
            dated_other: 0,
            metadata: Metadata::default(),
        }
    }

    /// Rows read so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The figures are an estimate from a sample.
    pub const fn is_sampled(&self) -> bool {
        !self.metadata.sampling_metadatas.is_empty()
    }

    /// True if two rows had the same date and dimension: the data moved between two pages.
    pub const fn has_repeats(&self) -> bool {
        self.repeated > 0
    }

    /// The currency and the zone that the report names.
    pub fn currency_and_zone(&self) -> (Option<&str>, Option<&str>) {
        (self.metadata.currency_code.as_deref(), self.metadata.time_zone.as_deref())
    }

    /// Takes the rows of one page, by the names in its headers.
    pub fn add(&mut self, page: RunReportResponse) -> Result<(), ConnectorError> {
        if !page.rows.is_empty() {
            let date_at = self.column(&page.dimension_headers, "date")?;
            let dimension_at = match self.report.dimension {
                Some((api, _)) => Some(self.column(&page.dimension_headers, api)?),
                None => None,
            };
            let mut columns = Vec::with_capacity(self.report.fields.len());
            for field in self.report.fields {
                columns.push((*field, self.column(&page.metric_headers, field)?));
            }
            let dimensions = 1 + usize::from(dimension_at.is_some());
            if page.dimension_headers.len() != dimensions || page.metric_headers.len() != columns.len() {
                return Err(self.shape("columns that nobody asked for"));
            }
            for mut row in page.rows {
                if row.dimension_values.len() != dimensions || row.metric_values.len() != columns.len() {
                    return Err(self.shape("a row that does not match its headers"));
                }
                self.rows += 1;
                let Some(date) = self.date(&row.dimension_values[date_at].value)? else {
                    self.dated_other += 1;
                    continue;
                };
                let dimension = dimension_at.map(|at| std::mem::take(&mut row.dimension_values[at].value));
                let values = columns
                    .iter()
                    .map(|(field, at)| (*field, std::mem::take(&mut row.metric_values[*at].value)))
                    .collect();
                let replaced = self.cells.insert((date, dimension.unwrap_or_default()), values);
                self.repeated += u64::from(replaced.is_some());
            }
        }
        self.metadata = page.metadata;
        Ok(())
    }

    /// What the operator should know about this report.
    pub fn notes(&self) -> Vec<Note> {
        let report = self.report.name;
        let mut notes = Vec::new();
        if self.dated_other > 0 {
            notes.push(Note::OtherDate { report, rows: self.dated_other });
        }
        if self.metadata.data_loss_from_other_row {
            notes.push(Note::DataLoss { report });
        }
        if self.metadata.subject_to_thresholding {
            notes.push(Note::Thresholded { report });
        }
        if self.is_sampled() {
            notes.push(Note::Sampled { report });
        }
        notes.extend(self.restricted().map(|metric| Note::Restricted { report, metric: metric.to_owned() }));
        notes
    }

    /// The partition of this report. `currency` is the property's.
    pub fn partition(&self, currency: Option<&str>) -> Result<Partition, ConnectorError> {
        let mut facts = Vec::new();
        for ((date, dimension), values) in &self.cells {
            let dims = match self.report.dimension {
                Some((_, ours)) => Dims::from([(ours.to_owned(), dimension.clone())]),
                None => Dims::new(),
            };
            for measure in self.measures(values)? {
                facts.extend(self.fact(measure, *date, &dims, currency)?);
            }
        }
        for date in self.silent_days() {
            for key in self.report.keys.iter().filter(|key| has_zero(key)) {
                // Without a currency there is no row to say the zero of; a value without one would be an error.
                if *key != "ga4.revenue" || currency.is_some() {
                    facts.extend(self.fact((key, Decimal::ZERO, None), date, &Dims::new(), currency)?);
                }
            }
        }
        Ok(Partition {
            dimensions: self.report.dimension.map(|(_, ours)| ours).into_iter().collect(),
            metric_keys: self.report.keys.to_vec(),
            grain: Grain::Day,
            from: self.plan.from,
            to: self.plan.to,
            facts,
        })
    }

    fn column(&self, headers: &[Header], name: &str) -> Result<usize, ConnectorError> {
        headers.iter().position(|header| header.name == name).ok_or_else(|| self.shape(&format!("no column {name}")))
    }

    /// The date of a row; `None` for `(other)`.
    fn date(&self, text: &str) -> Result<Option<Date>, ConnectorError> {
        if text == OTHER {
            return Ok(None);
        }
        match Date::parse(text, format_description!("[year][month][day]")) {
            Ok(date) if (self.plan.from..=self.plan.to).contains(&date) => Ok(Some(date)),
            _ => Err(self.shape(&format!("the date {:?}", quote(text)))),
        }
    }

    fn measures(&self, values: &BTreeMap<&'static str, String>) -> Result<Vec<Measure>, ConnectorError> {
        let number = |field: &str| {
            let text = values.get(field).map_or("", String::as_str);
            decimal(text).ok_or_else(|| self.shape(&format!("{field} is {:?}", quote(text))))
        };
        if let Some(field @ &"totalUsers") = self.report.fields.first() {
            return Ok(vec![("ga4.users", number(field)?, None)]);
        }
        let sessions = number("sessions")?;
        let purchases = number("ecommercePurchases")?;
        let mut measures = vec![
            ("ga4.sessions", sessions, None),
            ("ga4.new_users", number("newUsers")?, None),
            ("ga4.views", number("screenPageViews")?, None),
            ("ga4.key_events", number("keyEvents")?, None),
            ("ga4.purchases", purchases, None),
            ("ga4.revenue", number("totalRevenue")?, None),
        ];
        let overflow = || self.shape("a number that is too large");
        if !sessions.is_zero() {
            let bounced = sessions.checked_sub(number("engagedSessions")?).ok_or_else(overflow)?;
            let seconds = number("averageSessionDuration")?.checked_mul(sessions).ok_or_else(overflow)?;
            measures.push(("ga4.bounce_rate", bounced, Some(sessions)));
            measures.push(("ga4.avg_session_duration", seconds.round_dp(DURATION_PLACES), Some(sessions)));
        }
        // Purchases on a day without sessions still belong to the numerator of a longer period.
        if !sessions.is_zero() || !purchases.is_zero() {
            measures.push(("ga4.conversion_rate", purchases, Some(sessions)));
        }
        Ok(measures)
    }

    /// The fact of a measure; `None` for what the account may not see, because Google sends zeros for it.
    fn fact(
        &self,
        (key, value, denominator): Measure,
        date: Date,
        dims: &Dims,
        currency: Option<&str>,
    ) -> Result<Option<Fact>, ConnectorError> {
        if self.restricted().any(|field| fields_of(key).contains(&field)) {
            return Ok(None);
        }
        let currency = match (key, currency) {
            ("ga4.revenue", Some(code)) => Some(code.to_ascii_uppercase()),
            ("ga4.revenue", None) => return Err(self.shape("revenue without a currency")),
            _ => None,
        };
        Ok(Some(Fact {
            metric_key: key.to_owned(),
            grain: Grain::Day,
            period_start: date,
            period_end: date,
            dims: dims.clone(),
            currency,
            value: value.normalize(),
            denominator: denominator.map(|value| value.normalize()),
            provisional: date > self.plan.today.saturating_sub(Duration::days(PROVISIONAL_DAYS)),
        }))
    }

    /// Complete days that a total covers and that have no row: nothing happened, which is 0 and not a gap. Only where
    /// Google withheld nothing.
    fn silent_days(&self) -> Vec<Date> {
        let withheld =
            self.dated_other > 0 || self.metadata.data_loss_from_other_row || self.metadata.subject_to_thresholding;
        if self.report.dimension.is_some() || withheld {
            return Vec::new();
        }
        let seen: BTreeSet<Date> = self.cells.keys().map(|(date, _)| *date).collect();
        let first = self.plan.created.map_or(self.plan.from, |created| created.max(self.plan.from));
        std::iter::successors(Some(first), |date| date.next_day())
            .take_while(|date| *date <= self.plan.to && *date < self.plan.today)
            .filter(|date| !seen.contains(date))
            .collect()
    }

    fn restricted(&self) -> impl Iterator<Item = &str> {
        let restrictions = &self.metadata.schema_restriction_response.active_metric_restrictions;
        restrictions.iter().map(|restriction| restriction.metric_name.as_str())
    }

    fn shape(&self, what: &str) -> ConnectorError {
        ConnectorError::contract(codes::GA4_REPORT_SHAPE, format!("report {}: {what}", self.report.name))
    }
}

/// Key, value or numerator, and the denominator of a ratio.
type Measure = (&'static str, Decimal, Option<Decimal>);

/// A ratio of nothing is no 0.
fn has_zero(key: &str) -> bool {
    !matches!(key, "ga4.bounce_rate" | "ga4.avg_session_duration" | "ga4.conversion_rate")
}

/// The API's metrics that a key is made of.
fn fields_of(key: &str) -> &'static [&'static str] {
    match key {
        "ga4.sessions" => &["sessions"],
        "ga4.users" => &["totalUsers"],
        "ga4.new_users" => &["newUsers"],
        "ga4.views" => &["screenPageViews"],
        "ga4.key_events" => &["keyEvents"],
        "ga4.purchases" => &["ecommercePurchases"],
        "ga4.revenue" => &["totalRevenue"],
        "ga4.bounce_rate" => &["sessions", "engagedSessions"],
        "ga4.avg_session_duration" => &["averageSessionDuration", "sessions"],
        "ga4.conversion_rate" => &["ecommercePurchases", "sessions"],
        _ => &[],
    }
}

/// A number as Google writes it, exactly; an exponent and more digits than fit are rounded to what fits.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    text.parse().or_else(|_| Decimal::from_scientific(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly_as_google_writes_them() {
        let cases = [
            ("412", "412"),
            ("498.3", "498.3"),
            ("143.21844660194176", "143.21844660194176"),
            ("-12.50", "-12.50"),
            ("1.5E-4", "0.00015"),
            ("2e3", "2000"),
            ("0.34951456310679611650485436893203883", "0.3495145631067961165048543689"),
        ];
        for (text, expected) in cases {
            assert_eq!(decimal(text), expected.parse().ok(), "{text}");
        }
        for text in ["", "NaN", "Infinity", "1,5", "(other)"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }
}
