//! Damaged files: whatever the bytes, there is an answer, and its counts add up. The seed is fixed.

use serde_json::json;
use time::macros::date;

use super::{SALES, SEATTLE, mapping_of, metric};
use crate::connectors::csv::{Mapping, preview, read};

/// Pseudo-random numbers with the constants of Knuth's MMIX generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// Bytes that mean something to a reader of CSV, numbers, dates or encodings.
const TRICKY: &[u8] = b"\"\",;\t|\n\r\0 .-+e%$'09\xEF\xBB\xBF\xFF\xFE\xC3\xF1\x80NAsep=";

fn damage(original: &[u8], random: &mut Random) -> Vec<u8> {
    let start = random.below(original.len());
    let mut bytes = original[start..(start + 600).min(original.len())].to_vec();
    if random.below(4) > 0 {
        let header = original.split(|byte| *byte == b'\n').next().unwrap();
        bytes = [header, b"\n", &bytes].concat();
    }
    for _ in 0..random.below(12) {
        let at = random.below(bytes.len());
        let tricky = TRICKY[random.below(TRICKY.len())];
        match random.below(4) {
            0 => bytes.insert(at, tricky),
            1 if at < bytes.len() => bytes[at] = tricky,
            2 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.truncate(bytes.len() - random.below(20).min(bytes.len())),
        }
    }
    bytes
}

fn mappings() -> [Mapping; 2] {
    let weather = json!({
        "date": {"column": "date", "format": "%Y-%m-%d"}, "grain": "month", "dimensions": ["weather"],
        "metrics": [metric("precipitation", "sum"), metric("temp_max", "unique"), metric("wind", "last")]
    });
    let sales = json!({
        "encoding": "utf-8", "date": {"column": "Fecha", "format": "%d/%m/%Y"}, "grain": "day", "dimensions": ["Ciudad"],
        "metrics": [metric("Temperatura", "mean")]
    });
    [mapping_of(&weather), mapping_of(&sales)]
}

#[test]
fn damaged_files_never_panic_and_every_row_is_counted_once() {
    let mut random = Random(20_261_123);
    let mappings = mappings();
    let mut read_at_all = 0;
    for round in 0..400 {
        let original = [SEATTLE, SALES][round % 2];
        let bytes = damage(original, &mut random);
        let _ = preview(&bytes, date!(2026 - 11 - 23));
        let Ok(reading) = read(&bytes, &mappings[round % 2]) else {
            continue;
        };
        read_at_all += 1;
        let tally = reading.tally(|position| position % 3 == 0);
        assert_eq!(
            reading.rows_read,
            reading.empty + reading.rejected_total + tally.imported + tally.unchanged,
            "round {round}"
        );
        assert_eq!(reading.facts().count(), reading.len());
        let newlines = bytes.iter().filter(|byte| **byte == b'\n' || **byte == b'\r').count();
        for pair in reading.rejected.windows(2) {
            assert!(pair[0].line < pair[1].line, "round {round}");
        }
        for rejected in &reading.rejected {
            assert!(rejected.line > 1 && rejected.line as usize <= newlines + 1, "round {round}");
            assert!(!rejected.es().is_empty() && !rejected.en().is_empty());
        }
    }
    assert!(read_at_all > 130, "only {read_at_all} files could be read, the test shows too little");
}
