//! Mappings as people send them.

use serde_json::{Value, json};

use super::{decimal, mapping, mapping_of, metric};
use crate::connectors::csv::{CsvError, Delimiter, FieldError, Mapping, OnError, read};
use crate::domain::metric::Additivity;

fn problems(mapping: &Mapping, header: &[&str]) -> Vec<(String, &'static str)> {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let errors = mapping.validate(&header);
    for error in &errors {
        assert!(error.es().ends_with('.') && error.en().ends_with('.'));
    }
    errors.into_iter().map(|error| (error.field.clone(), error.code())).collect()
}

/// The problems of a sound mapping in which one value was replaced.
fn with(pointer: &str, value: Value) -> Vec<(String, &'static str)> {
    let mut json = json!({
        "encoding": "utf-8", "date": {"column": "date", "format": "%Y-%m-%d"}, "grain": "day",
        "metrics": [metric("v", "sum"), metric("w", "mean")], "dimensions": ["k", "l"]
    });
    *json.pointer_mut(pointer).unwrap() = value;
    problems(&mapping_of(&json), &["date", "v", "w", "k", "l"])
}

#[test]
fn what_is_left_out_has_a_default() {
    let mapping = mapping(&[metric("v", "sum")], &[]);
    assert_eq!((mapping.delimiter, mapping.decimal, mapping.encoding.clone()), (None, None, None));
    assert_eq!((mapping.on_error, mapping.replace), (OnError::Skip, false));
    assert_eq!(mapping.metrics[0].additivity.additivity(), Additivity::Sum);
    assert_eq!(problems(&mapping, &["date", "v"]), []);
}

#[test]
fn json_that_is_no_mapping_says_what_is_wrong() {
    let error = |json: &str| Mapping::from_json(json.as_bytes()).unwrap_err();
    let cases = [
        ("{", "EOF"),
        (r#"{"date":{"column":"a","format":"%Y"},"grain":"year"}"#, "metrics"),
        (r#"{"date":{"column":"a","format":"%Y"},"grain":"decade","metrics":[]}"#, "decade"),
        (r#"{"date":{"column":"a","format":"%Y","zone":"x"},"grain":"year","metrics":[]}"#, "zone"),
        (r#"{"date":{"column":"a","format":"%Y"},"grain":"year","metrics":[],"delimiter":"x"}"#, "unknown variant"),
    ];
    for (json, word) in cases {
        let FieldError { field, .. } = error(json);
        assert_eq!((field.as_str(), error(json).code()), ("mapping", "malformed"));
        assert!(error(json).en().contains(word), "{}", error(json).en());
    }
}

#[test]
fn every_delimiter_has_its_sign() {
    for (sign, delimiter) in
        [(",", Delimiter::Comma), (";", Delimiter::Semicolon), ("\t", Delimiter::Tab), ("|", Delimiter::Pipe)]
    {
        assert_eq!(serde_json::to_value(delimiter).unwrap(), json!(sign));
        let text = format!("date{sign}v\n2020-01-01{sign}1\n2020-01-02{sign}2\n");
        let mut told = mapping(&[metric("v", "sum")], &[]);
        assert_eq!(read(text.as_bytes(), &told).unwrap().len(), 2);
        told.delimiter = Some(delimiter);
        assert_eq!(read(text.as_bytes(), &told).unwrap().len(), 2);
    }
}

#[test]
fn one_problem_is_named_by_its_field() {
    let key = |key: &str| with("/metrics/1/key", json!(key));
    let one = |field: &str, code: &'static str| vec![(field.to_owned(), code)];
    assert_eq!(with("/date/column", json!("x")), one("date.column", "unknown_column"));
    assert_eq!(with("/date/format", json!("%m-%d")), one("date.format", "bad_format"));
    assert_eq!(with("/date/format", json!("%Y-%m")), one("date.format", "format_too_coarse"));
    assert_eq!(with("/grain", json!("week")), one("grain", "unsupported_grain"));
    assert_eq!(with("/encoding", json!("klingon")), one("encoding", "unknown_encoding"));
    assert_eq!(with("/metrics", json!([])), one("metrics", "required"));
    assert_eq!(with("/metrics/0/column", json!("x")), one("metrics[0].column", "unknown_column"));
    assert_eq!(with("/metrics/0/column", json!("date")), one("metrics[0].column", "column_reused"));
    assert_eq!(with("/metrics/0/name", json!(" ")), one("metrics[0].name", "required"));
    assert_eq!(with("/metrics/0/name", json!("a\nb")), one("metrics[0].name", "control_character"));
    assert_eq!(with("/metrics/0/unit", json!("12345678901234567")), one("metrics[0].unit", "too_long"));
    assert_eq!(with("/metrics/0/unit", json!("ññññññññññññññññ°")), one("metrics[0].unit", "too_long"));
    assert_eq!(with("/metrics/0/unit", json!("°C °C °C °C °C °")), []);
    assert_eq!(key("v"), one("metrics[1].key", "duplicate"));
    assert_eq!(key("GA4.sessions"), one("metrics[1].key", "reserved"));
    assert_eq!(key("stripe.mrr"), one("metrics[1].key", "reserved"));
    for bad in ["", "1a", "_a", "año", "a b", &"a".repeat(65)] {
        assert_eq!(key(bad), one("metrics[1].key", "bad_key"), "{bad}");
    }
    assert_eq!(key(&"a".repeat(64)), []);
    assert_eq!(key("Ventas_2.netas-b"), []);
    assert_eq!(with("/dimensions/0", json!("x")), one("dimensions[0]", "unknown_column"));
    assert_eq!(with("/dimensions/0", json!("date")), one("dimensions[0]", "column_reused"));
    assert_eq!(with("/dimensions/1", json!("k")), one("dimensions[1]", "duplicate"));
    assert_eq!(
        with("/metrics", json!(vec![metric("v", "sum"); 21])).first(),
        Some(&("metrics".to_owned(), "too_many"))
    );
    assert_eq!(
        with("/dimensions", json!(["k", "l", "k", "k", "k", "k"])).first(),
        Some(&("dimensions".to_owned(), "too_many"))
    );
}

#[test]
fn every_problem_is_found_at_once() {
    let mapping = mapping_of(&json!({
        "encoding": "x", "date": {"column": "nope", "format": "zz"}, "grain": "quarter", "dimensions": ["gone", "date"],
        "metrics": [{"column": "?", "key": "ga4.x", "name": "", "unit": "", "additivity": "last"}]
    }));
    let expected = [
        ("encoding", "unknown_encoding"),
        ("date.column", "unknown_column"),
        ("grain", "unsupported_grain"),
        ("date.format", "bad_format"),
        ("metrics[0].column", "unknown_column"),
        ("metrics[0].key", "reserved"),
        ("metrics[0].name", "required"),
        ("dimensions[0]", "unknown_column"),
        ("dimensions[1]", "reserved"),
    ];
    assert_eq!(problems(&mapping, &["date", "v"]), expected.map(|(field, code)| (field.to_owned(), code)));
    let Err(CsvError::Mapping(errors)) = read(b"date,v\n2020-01-01,1\n", &mapping) else {
        panic!("a mapping with problems must not be read");
    };
    assert_eq!(errors.len(), expected.len());
}

#[test]
fn columns_go_by_the_names_of_the_preview() {
    let text = "date,v,v,\n2020-01-01,1,2,4\n";
    let names = ["v", "v (2)", "column 4", " v  (2) "];
    for (column, value) in names.into_iter().zip(["1", "2", "4", "2"]) {
        let mapping = mapping_of(&json!({
            "date": {"column": "date", "format": "%Y-%m-%d"}, "grain": "day",
            "metrics": [{"column": column, "key": "v", "name": "V", "unit": "", "additivity": "sum"}]
        }));
        assert_eq!(read(text.as_bytes(), &mapping).unwrap().facts().next().unwrap().value, decimal(value), "{column}");
    }
}

#[test]
fn one_column_may_feed_several_metrics() {
    let mut twice = mapping(&[metric("v", "sum"), metric("v", "mean")], &[]);
    twice.metrics[1].key = "v.mean".into();
    let reading = read(b"date,v\n2020-01-01,1\n2020-01-01,3\n", &twice).unwrap();
    let values: Vec<_> = reading.facts().map(|fact| (fact.value, fact.denominator)).collect();
    assert_eq!(values, [(decimal("4"), None), (decimal("4"), Some(decimal("2")))]);
}
