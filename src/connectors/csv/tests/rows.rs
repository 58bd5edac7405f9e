//! Single rows: what is refused, what is empty, how equal rows combine, what counts as imported.

use serde_json::json;

use super::{decimal, faults, mapping, mapping_of, metric, read_v};
use crate::connectors::csv::{MAX_REJECTED, Tally, read};
use crate::domain::fact::Fact;

#[test]
fn a_bad_row_is_refused_with_its_line_column_and_reason() {
    let long = format!("2020-01-01,{},1", "x".repeat(201));
    let cases = [
        ("2020-01-01,a", None, "field_count"),
        ("2020-01-01,a,1,2", None, "field_count"),
        (",a,1", Some("date"), "date_missing"),
        ("NA,a,1", Some("date"), "date_mismatch"),
        ("01/02/2020,a,1", Some("date"), "date_mismatch"),
        ("2020-02-30,a,1", Some("date"), "date_impossible"),
        ("1599-12-31,a,1", Some("date"), "date_out_of_range"),
        ("2201-01-01,a,1", Some("date"), "date_out_of_range"),
        ("2020-01-01,a,abc", Some("v"), "not_a_number"),
        ("2020-01-01,a,\"1,5\"", Some("v"), "wrong_decimal_mark"),
        ("2020-01-01,a,$5", Some("v"), "symbol"),
        ("2020-01-01,a,inf", Some("v"), "infinite"),
        ("2020-01-01,a,1e18", Some("v"), "too_large"),
        ("2020-01-01,a,0.12345678901234567890123456789", Some("v"), "too_many_digits"),
        ("2020-01-01,a\0,1", Some("k"), "invalid_text"),
        (&long, Some("k"), "dimension_too_long"),
    ];
    for (row, column, code) in cases {
        let mut sound = mapping(&[metric("v", "sum")], &["k"]);
        sound.decimal = Some(crate::connectors::csv::DecimalMark::Dot);
        let text = format!("date,k,v\n2020-01-01,a,1\n{row}\n2020-01-02,a,2\n");
        let reading = read(text.as_bytes(), &sound).unwrap();
        assert_eq!(faults(&reading), [(3, column, code)], "{row}");
        assert_eq!((reading.rows_read, reading.empty, reading.len()), (3, 0, 2), "{row}");
        let rejected = &reading.rejected[0];
        assert!(rejected.es().len() > 20 && rejected.en().len() > 20 && rejected.es() != rejected.en());
        assert_eq!(column.is_some(), rejected.es().starts_with("Columna «"), "{row}");
    }
}

#[test]
fn the_sentence_names_the_column_and_the_text_cut_short() {
    let reading = read_v(&format!("date,v\n2020-01-01,{}\n", "abc ".repeat(20)), "sum");
    let text = "abc abc abc abc abc abc abc abc abc abc …";
    assert_eq!(reading.rejected[0].es(), format!("Columna «v»: «{text}» no es un número."));
    assert_eq!(reading.rejected[0].en(), format!("Column “v”: “{text}” is not a number."));
}

#[test]
fn bytes_outside_the_encoding_refuse_a_row_only_where_they_are_used() {
    let bytes = b"date,k,v,note\n2020-01-01,M\xE1laga,1,x\n2020-01-02,C\xC3\xA1diz,2,\xFF\n2020-01-03,a,\xFF,x\n";
    let mut utf8 = mapping(&[metric("v", "sum")], &["k"]);
    utf8.encoding = Some("utf-8".into());
    let reading = read(bytes, &utf8).unwrap();
    assert_eq!(faults(&reading), [(2, Some("k"), "invalid_text"), (4, Some("v"), "invalid_text")]);
    assert_eq!(reading.facts().next().unwrap().dims["k"], "Cádiz");
}

#[test]
fn a_replacement_character_of_the_author_is_text() {
    let reading = read_v("date,k,v\n2020-01-01,\u{FFFD},1\n", "sum");
    assert_eq!((reading.rejected_total, reading.len()), (0, 1));
}

#[test]
fn a_quote_that_never_closes_is_reported_with_what_it_swallowed() {
    let reading = read_v("date,k,v\n2020-01-01,a,1\n2020-01-02,\"b,2\n2020-01-03,c,3\n2020-01-04,d,4\n", "sum");
    assert_eq!(faults(&reading), [(3, None, "unclosed_quote")]);
    assert!(reading.rejected[0].en().contains("2 lines were not read"));
    assert_eq!(reading.len(), 1);
}

#[test]
fn quoted_newlines_belong_to_their_row() {
    let reading = read_v("date,k,v\r\n2020-01-01,\"two\r\nlines\",1\r\n\r\n2020-01-02,b,x\r\n", "sum");
    assert_eq!(faults(&reading), [(5, Some("v"), "not_a_number")]);
    assert_eq!(reading.facts().next().unwrap().dims["k"], "two\r\nlines");
}

#[test]
fn only_the_first_thousand_bad_rows_are_kept_but_all_are_counted() {
    let text = format!("date,v\n2020-01-01,1\n{}", "2020-01-02,x\n".repeat(MAX_REJECTED + 5));
    let reading = read_v(&text, "sum");
    assert_eq!((reading.rejected.len(), reading.rejected_total), (MAX_REJECTED, 1005));
    assert_eq!(reading.rows_read, 1006);
}

#[test]
fn gaps_are_no_values_and_rows_of_gaps_are_empty() {
    let text = "date,v,w\n2020-01-01,,1\n2020-01-02,NA,-\n2020-01-03,null,NaN\n,,\n  \n2020-01-04,0,N/A\n";
    let reading = read(text.as_bytes(), &mapping(&[metric("v", "sum"), metric("w", "mean")], &[])).unwrap();
    assert_eq!((reading.rows_read, reading.empty, reading.rejected_total), (6, 4, 0));
    let facts: Vec<_> = reading.facts().map(|fact| (fact.metric_key, fact.value, fact.denominator)).collect();
    assert_eq!(facts, [("w".into(), decimal("1"), Some(decimal("1"))), ("v".into(), decimal("0"), None)]);
}

#[test]
fn a_blank_dimension_value_is_kept_under_a_name_of_its_own() {
    let reading = read_v("date,k,v\n2020-01-01, ,1\n2020-01-01,,2\n2020-01-01,NA,4\n2020-01-01, b ,8\n", "sum");
    let values: Vec<_> = reading.facts().map(|fact| (fact.dims["k"].clone(), fact.value)).collect();
    assert_eq!(values, [("(empty)".into(), decimal("3")), ("NA".into(), decimal("4")), ("b".into(), decimal("8"))]);
}

#[test]
fn equal_rows_combine_as_the_metric_says() {
    let text = "date,k,v\n2020-01-01,a,1.5\n2020-01-01,b,10\n2020-01-01,a,2.5\n2020-01-01,a,NA\n2020-01-01,a,0.5\n";
    let combined = |additivity: &str| -> Vec<_> {
        let facts = read_v(text, additivity).facts().collect::<Vec<Fact>>();
        facts.into_iter().map(|fact| (fact.value, fact.denominator)).collect()
    };
    assert_eq!(combined("sum"), [(decimal("4.5"), None), (decimal("10"), None)]);
    assert_eq!(combined("mean"), [(decimal("4.5"), Some(decimal("3"))), (decimal("10"), Some(decimal("1")))]);
    assert_eq!(combined("last"), [(decimal("0.5"), None), (decimal("10"), None)]);
    assert_eq!(combined("unique"), [(decimal("1.5"), None), (decimal("10"), None)]);
    let unique = read_v(text, "unique");
    assert_eq!(faults(&unique), [(4, Some("v"), "repeated"), (6, Some("v"), "repeated")]);
    assert!(unique.rejected[0].en().contains("Line 2 "));
    assert_eq!((unique.rows_read, unique.empty), (5, 1));
}

#[test]
fn a_rejected_row_contributes_to_no_metric() {
    let text = "date,v,w\n2020-01-01,1,10\n2020-01-01,2,20\n2020-01-02,4,x\n2020-01-03,NA,40\n2020-01-03,8,80\n";
    let reading = read(text.as_bytes(), &mapping(&[metric("v", "unique"), metric("w", "sum")], &[])).unwrap();
    assert_eq!(faults(&reading), [(3, Some("v"), "repeated"), (4, Some("w"), "not_a_number")]);
    let values: Vec<_> = reading.facts().map(|fact| (fact.metric_key, fact.value)).collect();
    // On the third the first row had a gap, so the second may give the unique value.
    let expected = [("v", "1"), ("w", "10"), ("v", "8"), ("w", "120")];
    assert_eq!(values, expected.map(|(key, value)| (key.to_owned(), decimal(value))));
}

#[test]
fn sums_are_exact() {
    let text = format!("date,v\n{}", "2020-01-01,0.1\n".repeat(1000));
    assert_eq!(read_v(&text, "sum").facts().next().unwrap().value, decimal("100"));
    let large = "date,v\n2020-01-01,999999999999999999\n2020-01-01,999999999999999999\n2020-01-01,0.000000001\n";
    let value = read_v(large, "sum").facts().next().unwrap().value;
    assert_eq!(value, decimal("1999999999999999998.000000001"));
}

#[test]
fn a_row_is_imported_if_any_of_its_facts_changed() {
    let text = "date,v,w\n2020-01-01,1,10\n2020-01-01,2,NA\n2020-01-02,4,40\n2020-01-03,NA,NA\n";
    let reading = read(text.as_bytes(), &mapping(&[metric("v", "sum"), metric("w", "sum")], &[])).unwrap();
    let keys: Vec<_> = reading.facts().map(|fact| (fact.metric_key, fact.period_start.day())).collect();
    assert_eq!(keys, [("v".into(), 1), ("w".into(), 1), ("v".into(), 2), ("w".into(), 2)]);
    let counts = |changed: &[usize]| {
        let Tally { imported, unchanged } = reading.tally(|position| changed.contains(&position));
        (imported, unchanged)
    };
    assert_eq!(counts(&[]), (0, 3));
    assert_eq!(counts(&[0]), (2, 1));
    assert_eq!(counts(&[1]), (1, 2));
    assert_eq!(counts(&[0, 1]), (2, 1));
    assert_eq!(counts(&[3]), (1, 2));
    assert_eq!(counts(&[0, 3]), (3, 0));
}

#[test]
fn several_dimensions_and_a_date_with_a_time_make_one_fact_per_day() {
    let text = "when,a,b,v\n2020-01-01T00:00:00,x,1,1\n2020-01-01T23:59:59,x,1,2\n2020-01-01T12:00:00,1,x,4\n";
    let mapping = mapping_of(&json!({
        "date": {"column": "when", "format": "%Y-%m-%dT%H:%M:%S"}, "grain": "day", "metrics": [metric("v", "sum")],
        "dimensions": ["b", "a"]
    }));
    let reading = read(text.as_bytes(), &mapping).unwrap();
    let facts: Vec<_> =
        reading.facts().map(|fact| (fact.dims["a"].clone(), fact.dims["b"].clone(), fact.value)).collect();
    assert_eq!(facts, [("x".into(), "1".into(), decimal("3")), ("1".into(), "x".into(), decimal("4"))]);
}
