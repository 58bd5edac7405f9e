//! Whole files.

use time::macros::date;

use crate::connectors::csv::{Kind, preview};

const SEATTLE: &[u8] = include_bytes!("../../../../tests/fixtures/csv/seattle-weather.csv");

#[test]
fn the_preview_of_the_weather_file_needs_no_correction() {
    let preview = preview(SEATTLE, date!(2026 - 11 - 23)).unwrap();
    let kinds: Vec<Kind> = preview.columns.iter().map(|column| column.kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::Date,
            Kind::Number,
            Kind::Number,
            Kind::Number,
            Kind::Number,
            Kind::Text
        ]
    );
    assert_eq!(preview.rows, 1461);
}
