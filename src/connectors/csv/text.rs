//! Bytes to text: byte order marks, detection, decoding.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::{CsvError, MAX_BYTES};

/// A decoded file.
pub(super) struct Decoded<'a> {
    /// The text without byte order mark.
    pub text: Cow<'a, str>,
    /// The encoding it was read in.
    pub encoding: &'static Encoding,
    /// Some bytes were not valid in that encoding and stand as U+FFFD.
    pub damaged: bool,
}

impl Decoded<'_> {
    /// Whether `cell` holds bytes that could not be decoded. A U+FFFD of a sound file is the author's own.
    pub fn spoilt(&self, cell: &str) -> bool {
        self.damaged && cell.contains(char::REPLACEMENT_CHARACTER)
    }
}

/// The encoding a label of the WHATWG Encoding Standard names (`utf-8`, `windows-1252`, `latin1`, …).
pub(super) fn encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
}

/// The name the API shows: lower case.
pub(super) fn name(encoding: &'static Encoding) -> String {
    encoding.name().to_ascii_lowercase()
}

/// Decodes a file. A byte order mark wins over `wanted`; without both the encoding is detected.
pub(super) fn decode<'a>(bytes: &'a [u8], wanted: Option<&'static Encoding>) -> Result<Decoded<'a>, CsvError> {
    if bytes.len() > MAX_BYTES {
        return Err(CsvError::TooLarge { bytes: bytes.len() });
    }
    // The first bytes of a zip archive, which is what an .xlsx file is, and of the older .xls.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(CsvError::Workbook);
    }
    let (encoding, body) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => match wanted {
            Some(encoding) => (encoding, bytes),
            None => (detect(bytes)?, bytes),
        },
    };
    let (text, damaged) = encoding.decode_without_bom_handling(body);
    Ok(Decoded { text, encoding, damaged })
}

fn detect(bytes: &[u8]) -> Result<&'static Encoding, CsvError> {
    if let Some(utf16) = utf16_without_mark(bytes)? {
        return Ok(utf16);
    }
    if mostly_utf8(bytes) {
        return Ok(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guessed = detector.guess(None, Utf8Detection::Deny);
    // Short texts do not tell Western from Central European encodings. What is good Spanish settles that.
    let western = detector.guess(Some(b"es"), Utf8Detection::Deny);
    let (text, _) = western.decode_without_bom_handling(bytes);
    Ok(if text.chars().all(is_western) { western } else { guessed })
}

/// Characters of Western European texts; with the other encodings' letters come signs that are not among these.
fn is_western(c: char) -> bool {
    c.is_ascii() || ('À'..='ÿ').contains(&c) && !"ÐÝÞðýþ×÷".contains(c) || "€£°ºª¿¡«»·²–—‘’“”…\u{A0}".contains(c)
}

/// UTF-16 shows as a zero in every other byte. Many zeros anywhere else are not text.
fn utf16_without_mark(bytes: &[u8]) -> Result<Option<&'static Encoding>, CsvError> {
    let zeros = |offset: usize| bytes.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let few = bytes.len() / 20;
    match (even > few, odd > few) {
        (false, false) => Ok(None),
        (false, true) => Ok(Some(UTF_16LE)),
        (true, false) => Ok(Some(UTF_16BE)),
        (true, true) => Err(CsvError::NotText),
    }
}

/// Valid UTF-8, or UTF-8 with a few broken places: text in a one-byte encoding hardly ever holds valid sequences.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut sound, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    broken == 0 || sound / 5 >= broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(bytes: &[u8]) -> (String, String) {
        let text = decode(bytes, None).unwrap();
        (name(text.encoding), text.text.into_owned())
    }

    #[test]
    fn a_byte_order_mark_decides_and_is_removed() {
        assert_eq!(detected(b"\xEF\xBB\xBFa,b"), ("utf-8".into(), "a,b".into()));
        assert_eq!(detected(b"\xFF\xFEa\0,\0"), ("utf-16le".into(), "a,".into()));
        assert_eq!(detected(b"\xFE\xFF\0a\0,"), ("utf-16be".into(), "a,".into()));
        let marked = decode(b"\xFF\xFEa\0", encoding("utf-8")).unwrap();
        assert_eq!(marked.text, "a");
    }

    #[test]
    fn utf_8_is_recognised_even_with_one_broken_place() {
        assert_eq!(detected("año,ñandú".as_bytes()).0, "utf-8");
        let mut bytes = "camión, año, niño, ñandú, café, té".as_bytes().to_vec();
        bytes.push(0xF1);
        let text = decode(&bytes, None).unwrap();
        assert_eq!(text.encoding, UTF_8);
        assert!(text.damaged && text.spoilt("x\u{FFFD}") && !text.spoilt("x"));
    }

    #[test]
    fn spanish_in_a_one_byte_encoding_is_windows_1252() {
        let samples = [
            "Año;Población\n2020;47,3\n",
            "fecha;valor;ciudad\n01/02/2020;1,5;Málaga\n02/02/2020;2,5;Cádiz\n",
            "día;categoría;importe €\n1;niños;3\n",
            "mes;provincia\nenero;A Coruña\nenero;León\n",
            "Región;Días\nAragón;3\n",
        ];
        for sample in samples {
            let (bytes, _, lossy) = encoding_rs::WINDOWS_1252.encode(sample);
            assert!(!lossy);
            assert_eq!(detected(&bytes), ("windows-1252".into(), sample.to_owned()));
        }
    }

    #[test]
    fn longer_texts_in_other_encodings_are_recognised() {
        let samples = [
            (encoding_rs::WINDOWS_1251, "дата;город;значение\n2020;Москва;1\n2021;Санкт-Петербург;2\n"),
            (
                encoding_rs::WINDOWS_1250,
                "miesiąc;województwo;wartość\nstyczeń;łódzkie;1\nluty;śląskie;2\nmarzec;małopolskie;3\n\
              kwiecień;świętokrzyskie;4\nsierpień;wielkopolskie;5\nwrzesień;dolnośląskie;6\npaździernik;łódzkie;7\n",
            ),
            (encoding_rs::SHIFT_JIS, "日付;都市;値\n2020;東京;1\n2021;大阪;2\n"),
        ];
        for (encoding, sample) in samples {
            let (bytes, _, lossy) = encoding.encode(sample);
            assert!(!lossy);
            assert_eq!(detected(&bytes), (name(encoding), sample.to_owned()));
        }
    }

    #[test]
    fn utf_16_without_a_mark_is_recognised_by_its_zeros() {
        let bytes: Vec<u8> = "date,value\n2020-01-01,5\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(detected(&bytes).0, "utf-16le");
        assert!(detected(&bytes).1.starts_with("date,value"));
    }

    #[test]
    fn what_is_not_text_is_refused() {
        assert_eq!(decode(b"PK\x03\x04rest", None).err(), Some(CsvError::Workbook));
        assert_eq!(decode(&[0; 64], None).err(), Some(CsvError::NotText));
        let big = vec![b'a'; MAX_BYTES + 1];
        assert_eq!(decode(&big, None).err(), Some(CsvError::TooLarge { bytes: MAX_BYTES + 1 }));
    }

    #[test]
    fn labels_are_those_of_the_encoding_standard() {
        assert_eq!(encoding("latin1").map(name).as_deref(), Some("windows-1252"));
        assert_eq!(encoding("UTF-8").map(name).as_deref(), Some("utf-8"));
        assert!(encoding("klingon").is_none() && encoding("iso-2022-kr").is_none());
    }
}
