//! Whole files. The constants of the weather file were computed from the same bytes with Python's `csv` and `decimal`
//! modules, which share nothing with this code.

use std::time::Instant;

use rust_decimal::prelude::ToPrimitive;
use serde_json::json;
use time::macros::date;

use super::{SALES, SEATTLE, decimal, faults, mapping, mapping_of, metric, read_v, total};
use crate::connectors::csv::{Mapping, Reading, Tally, read};
use crate::domain::fact::{Dims, Fact};
use crate::domain::period::Grain;

fn weather(grain: &str, dimensions: &[&str]) -> Mapping {
    mapping_of(&json!({
        "delimiter": ",", "decimal": ".", "encoding": "utf-8", "date": {"column": "date", "format": "%Y-%m-%d"},
        "grain": grain,
        "metrics": [metric("precipitation", "sum"), metric("temp_max", "mean"), metric("temp_min", "mean"), metric("wind", "last")],
        "dimensions": dimensions, "on_error": "abort", "replace": false
    }))
}

fn is(key: &str) -> impl Fn(&Fact) -> bool + '_ {
    move |fact| fact.metric_key == key
}

/// Sum divided by count, as the last step.
fn mean(reading: &Reading, pick: impl Fn(&Fact) -> bool) -> f64 {
    let (sum, rows) = total(reading, pick);
    (sum / rows).to_f64().unwrap()
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= right.abs() * 1e-11
}

#[test]
fn the_weather_file_is_read_whole() {
    let reading = read(SEATTLE, &weather("day", &["weather"])).unwrap();
    assert_eq!((reading.rows_read, reading.empty, reading.rejected_total), (1461, 0, 0));
    assert_eq!(reading.len(), 4 * 1461);
    assert_eq!(reading.span(), Some((date!(2012 - 01 - 01), date!(2015 - 12 - 31))));
    let first = reading.facts().next().unwrap();
    assert_eq!(
        first,
        Fact {
            metric_key: "precipitation".into(),
            grain: Grain::Day,
            period_start: date!(2012 - 01 - 01),
            period_end: date!(2012 - 01 - 01),
            dims: Dims::from([("weather".into(), "drizzle".into())]),
            currency: None,
            value: decimal("0"),
            denominator: None,
            provisional: false,
        }
    );
}

#[test]
fn totals_means_and_splits_of_the_weather_file_are_those_of_an_independent_computation() {
    let reading = read(SEATTLE, &weather("day", &["weather"])).unwrap();
    assert_eq!(total(&reading, is("precipitation")).0, decimal("4426.0"));
    assert_eq!(total(&reading, is("temp_max")), (decimal("24017.5"), decimal("1461")));
    assert_eq!(total(&reading, is("temp_min")), (decimal("12031.0"), decimal("1461")));
    assert!(close(mean(&reading, is("temp_max")), 16.439_082_820_0));
    assert!(close(mean(&reading, is("temp_min")), 8.234_770_705_00));
    let splits = [
        ("drizzle", "0", 15.926_415_094_3, "53"),
        ("fog", "0", 16.757_425_742_6, "101"),
        ("rain", "4203.6", 13.454_602_184_1, "641"),
        ("snow", "222.4", 5.573_076_923_08, "26"),
        ("sun", "0", 19.861_875, "640"),
    ];
    for (weather, precipitation, warmest, days) in splits {
        let of = |key: &'static str| move |fact: &Fact| is(key)(fact) && fact.dims["weather"] == weather;
        assert_eq!(total(&reading, of("precipitation")).0, decimal(precipitation), "{weather}");
        assert_eq!(total(&reading, of("temp_max")).1, decimal(days), "{weather}");
        assert!(close(mean(&reading, of("temp_max")), warmest), "{weather}");
    }
}

#[test]
fn days_of_the_weather_file_become_months_and_years() {
    let months = read(SEATTLE, &weather("month", &[])).unwrap();
    assert_eq!(months.len(), 48 * 4);
    let february: Vec<Fact> = months.facts().filter(|fact| fact.period_start == date!(2012 - 02 - 01)).collect();
    let values: Vec<_> = february.iter().map(|fact| (fact.value, fact.denominator)).collect();
    assert_eq!(february[0].period_end, date!(2012 - 02 - 29));
    assert_eq!(values[0], (decimal("92.3"), None));
    assert_eq!(values[1], (decimal("269.0"), Some(decimal("29"))));
    assert_eq!(values[3], (decimal("7.0"), None), "the wind of the last day");

    let years = read(SEATTLE, &weather("year", &[])).unwrap();
    let rain: Vec<_> = years
        .facts()
        .filter(is("precipitation"))
        .map(|fact| (fact.period_start.year(), fact.period_end, fact.value))
        .collect();
    assert_eq!(
        rain,
        [
            (2012, date!(2012 - 12 - 31), decimal("1226.0")),
            (2013, date!(2013 - 12 - 31), decimal("828.0")),
            (2014, date!(2014 - 12 - 31), decimal("1232.8")),
            (2015, date!(2015 - 12 - 31), decimal("1139.2")),
        ]
    );
    let counted = |year| {
        let by_weather = read(SEATTLE, &weather("year", &["weather"])).unwrap();
        total(&by_weather, |fact| {
            is("temp_max")(fact) && fact.period_start.year() == year && fact.dims["weather"] == "rain"
        })
        .1
    };
    assert_eq!([2012, 2013, 2014, 2015].map(counted), ["191", "158", "148", "144"].map(decimal));
}

#[test]
fn semicolons_decimal_commas_and_windows_1252_are_found_without_being_told() {
    let mapping = mapping_of(&json!({
        "date": {"column": "Fecha", "format": "%d/%m/%Y"}, "grain": "day",
        "metrics": [
            {"column": "Ventas (€)", "key": "ventas", "name": "Ventas", "unit": "€", "additivity": "sum"},
            {"column": "Temperatura", "key": "temperatura", "name": "Temperatura", "unit": "°C", "additivity": "mean"}
        ],
        "dimensions": ["Ciudad"]
    }));
    let reading = read(SALES, &mapping).unwrap();
    assert_eq!((reading.rows_read, reading.empty, reading.rejected_total), (13, 1, 4));
    assert_eq!(
        faults(&reading),
        [
            (8, Some("Fecha"), "date_impossible"),
            (9, Some("Ventas (€)"), "wrong_decimal_mark"),
            (12, None, "field_count"),
            (13, Some("Ventas (€)"), "symbol"),
        ]
    );
    assert_eq!(total(&reading, is("ventas")).0, decimal("4318.60"));
    assert_eq!(total(&reading, is("temperatura")), (decimal("96.75"), decimal("7")));
    let malaga = |fact: &Fact| is("ventas")(fact) && fact.dims["Ciudad"] == "Málaga";
    assert_eq!(total(&reading, malaga).0, decimal("3218.75"));
    let nowhere = |fact: &Fact| is("ventas")(fact) && fact.dims["Ciudad"] == "(empty)";
    assert_eq!(total(&reading, nowhere).0, decimal("100.10"));
    assert_eq!(reading.tally(|_| true), Tally { imported: 8, unchanged: 0 });
}

#[test]
fn the_same_file_reads_the_same_in_every_encoding() {
    let text = "date,k,v\r\n2020-01-01,Málaga,1\r\n2020-01-02,Cádiz,2\r\n";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| {
        "\u{FEFF}".chars().chain(text.chars()).collect::<String>().encode_utf16().flat_map(bytes).collect()
    };
    let files: [(&str, Vec<u8>); 5] = [
        ("plain", text.into()),
        ("marked", format!("\u{FEFF}{text}").into_bytes()),
        ("windows-1252", encoding_rs::WINDOWS_1252.encode(text).0.into_owned()),
        ("little endian", utf16(u16::to_le_bytes)),
        ("big endian", utf16(u16::to_be_bytes)),
    ];
    let expected: Vec<Fact> = read_v(text, "sum").facts().collect();
    assert_eq!(expected[0].dims["k"], "Málaga");
    for (name, bytes) in files {
        let reading = read(&bytes, &mapping(&[metric("v", "sum")], &["k"])).unwrap();
        assert_eq!(reading.facts().collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn months_by_name_and_years_by_number_are_periods() {
    let stocks = "symbol,date,price\nA,Jan 1 2000,39.81\nA,Feb 1 2000,36.35\nB,Jan 1 2000,64.56\n";
    let mapping = |format: &str, grain: &str| {
        mapping_of(&json!({"date": {"column": "date", "format": format}, "grain": grain, "dimensions": ["symbol"],
            "metrics": [metric("price", "last")]}))
    };
    for format in ["%b %d %Y", "%b %e %Y"] {
        let reading = read(stocks.as_bytes(), &mapping(format, "month")).unwrap();
        let ends: Vec<_> = reading.facts().map(|fact| (fact.period_start, fact.period_end, fact.value)).collect();
        assert_eq!(
            ends,
            [
                (date!(2000 - 01 - 01), date!(2000 - 01 - 31), decimal("39.81")),
                (date!(2000 - 02 - 01), date!(2000 - 02 - 29), decimal("36.35")),
                (date!(2000 - 01 - 01), date!(2000 - 01 - 31), decimal("64.56")),
            ]
        );
    }
    let yearly = "symbol,date,price\nA,1900,1267360\nB,1900,200018\nA,1901,200018\n";
    let reading = read(yearly.as_bytes(), &mapping("%Y", "year")).unwrap();
    assert_eq!(reading.span(), Some((date!(1900 - 01 - 01), date!(1901 - 12 - 31))));
    assert_eq!(reading.facts().next().unwrap().grain, Grain::Year);
}

#[test]
fn a_hundred_thousand_rows_take_seconds_at_most() {
    use std::fmt::Write as _;
    let mut text = String::from("date,k,v,w\n");
    for row in 0..100_000_u32 {
        let (year, month, day) = (2000 + row / 12 / 28 / 20 % 20, row % 12 + 1, row / 12 % 28 + 1);
        writeln!(text, "{year}-{month:02}-{day:02},place {},{}.{},{row}", row / 336 % 20, row % 1000, row % 10)
            .unwrap();
    }
    let start = Instant::now();
    let reading = read(text.as_bytes(), &mapping(&[metric("v", "sum"), metric("w", "mean")], &["k"])).unwrap();
    let taken = start.elapsed();
    assert_eq!((reading.rows_read, reading.rejected_total), (100_000, 0));
    assert_eq!(total(&reading, is("w")), (decimal("4999950000"), decimal("100000")));
    // Sum of row % 1000 and of (row % 10) / 10 over all rows.
    assert_eq!(total(&reading, is("v")).0, decimal("49995000"));
    assert!(taken.as_secs() < 20, "{taken:?}");
}
