//! What the preview says.

use serde_json::json;
use time::Date;
use time::macros::date;

use super::{SALES, SEATTLE};
use crate::connectors::csv::{CsvError, Kind, Preview, preview};
use crate::domain::period::Grain;

const TODAY: Date = date!(2026 - 11 - 23);

fn of(text: &str) -> Preview {
    preview(text.as_bytes(), TODAY).unwrap()
}

/// Kind, format and grain of the first column.
fn first(text: &str) -> (Kind, Option<String>, Option<Grain>) {
    let column = of(text).columns.swap_remove(0);
    (column.kind, column.date_format, column.grain)
}

fn as_date(format: &str, grain: Grain) -> (Kind, Option<String>, Option<Grain>) {
    (Kind::Date, Some(format.to_owned()), Some(grain))
}

#[test]
fn the_weather_file_needs_no_correction() {
    let preview = serde_json::to_value(preview(SEATTLE, TODAY).unwrap()).unwrap();
    let number = |name: &str, sample: [&str; 5]| json!({"name": name, "kind": "number", "sample": sample, "date_format": null, "grain": null});
    assert_eq!(
        preview,
        json!({"delimiter": ",", "decimal": ".", "encoding": "utf-8", "rows": 1461, "columns": [
            {"name": "date", "kind": "date", "date_format": "%Y-%m-%d", "grain": "day",
             "sample": ["2012-01-01", "2012-01-02", "2012-01-03", "2012-01-04", "2012-01-05"]},
            number("precipitation", ["0.0", "10.9", "0.8", "20.3", "1.3"]),
            number("temp_max", ["12.8", "10.6", "11.7", "12.2", "8.9"]),
            number("temp_min", ["5.0", "2.8", "7.2", "5.6", "2.2"]),
            number("wind", ["4.7", "4.5", "2.3", "6.1", "2.2"]),
            {"name": "weather", "kind": "text", "sample": ["drizzle", "rain", "sun", "snow", "fog"], "date_format": null, "grain": null},
        ]})
    );
}

#[test]
fn spanish_sales_are_recognised_despite_their_mistakes() {
    let preview = preview(SALES, TODAY).unwrap();
    let head = serde_json::to_value(&preview).unwrap();
    assert_eq!(
        (&head["delimiter"], &head["decimal"], &head["encoding"]),
        (&json!(";"), &json!(","), &json!("windows-1252"))
    );
    assert_eq!(preview.rows, 13);
    let columns: Vec<_> = preview.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
    assert_eq!(
        columns,
        [
            ("Fecha", Kind::Date),
            ("Ciudad", Kind::Text),
            ("Ventas (€)", Kind::Number),
            ("Temperatura", Kind::Number),
            ("Observación", Kind::Text)
        ]
    );
    assert_eq!(preview.columns[0].date_format.as_deref(), Some("%d/%m/%Y"));
    assert_eq!(preview.columns[4].sample[0], "Día \"grande\";  con dos líneas", "on one line");
}

#[test]
fn years_are_dates_where_the_name_or_the_place_says_so() {
    assert_eq!(first("Year,n\n1900,1\n1901,2\n"), as_date("%Y", Grain::Year));
    assert_eq!(first("Año;n\n2019;1\n2020;2\n"), as_date("%Y", Grain::Year));
    assert_eq!(first("when,n\n1900,1\n1901,2\n"), as_date("%Y", Grain::Year));
    assert_eq!(first("n,d\n1900,2020-01-01\n1901,2020-01-02\n").0, Kind::Number);
    assert_eq!(first("year_of_sale,n\n1900,1\n17,2\n").0, Kind::Number);
    assert_eq!(first("mes,n\n202001,1\n202002,2\n"), as_date("%Y%m", Grain::Month));
    assert_eq!(first("date,n\n20200131,1\n20200201,2\n"), as_date("%Y%m%d", Grain::Day));
    assert_eq!(first("id,n\n20200131,1\n20200201,2\n").0, Kind::Number);
}

#[test]
fn dates_are_guessed_over_the_whole_column() {
    let days: Vec<String> = (1..=12).map(|day| format!("{day:02}/03/2020,1\n")).collect();
    let rows = format!("d,v\n{}", days.concat());
    assert_eq!(first(&rows).1.as_deref(), Some("%d/%m/%Y"));
    assert_eq!(first(&format!("{rows}03/13/2020,1\n")).1.as_deref(), Some("%m/%d/%Y"));
    assert_eq!(first("d,v\nJan 1 2000,1\nFeb 1 2000,2\n"), as_date("%b %d %Y", Grain::Month));
    assert_eq!(first("d,v\n2001-01-01,1\n2002-01-01,2\n"), as_date("%Y-%m-%d", Grain::Year));
    assert_eq!(first("d,v\n2001-01-01,1\n"), as_date("%Y-%m-%d", Grain::Day));
    assert_eq!(first("d,v\nNA,1\n,2\n2001-01-05,3\n"), as_date("%Y-%m-%d", Grain::Day));
    assert_eq!(first("d,v\nfoo,1\nbar,2\n2001-01-05,3\n").0, Kind::Text);
}

#[test]
fn a_column_is_what_four_in_five_of_its_cells_are() {
    assert_eq!(first("v,d\n1,x\n2,x\n3,x\n4,x\nfive,x\n").0, Kind::Number);
    assert_eq!(first("v,d\n1,x\n2,x\n3,x\nfour,x\nfive,x\n").0, Kind::Text);
    assert_eq!(first("v,d\nNA,x\n,x\n1,x\n").0, Kind::Number);
    assert_eq!(first("v,d\nNA,x\n,x\n").0, Kind::Text);
}

#[test]
fn a_file_with_a_header_only_has_no_rows() {
    let preview = of("a;b;c\n");
    assert_eq!((preview.rows, preview.columns.len()), (0, 3));
    assert!(preview.columns.iter().all(|column| column.kind == Kind::Text && column.sample.is_empty()));
}

#[test]
fn what_cannot_be_read_is_an_error_with_a_sentence() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "empty_file"),
        (b"\n\r\n", "empty_file"),
        (b"PK\x03\x04xlsx", "workbook"),
        (&[0; 40], "not_text"),
        (b"1,2\n3,4\n", "no_header"),
        (&[b','; 300], "empty_file"),
    ];
    for (bytes, code) in cases {
        let error = preview(bytes, TODAY).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.es().ends_with('.') && error.en().ends_with('.') && error.es() != error.en());
    }
    let wide = format!("{}\n", vec!["x"; 201].join(","));
    assert_eq!(preview(wide.as_bytes(), TODAY), Err(CsvError::TooManyColumns { columns: 201 }));
}
