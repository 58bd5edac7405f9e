//! Bodies as they come from an upstream in trouble: cut off, dripping, without end, far too large, or not what they say.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

const SLOW_PIECES: usize = 20;
/// Whitespace after an endless body comes in blocks of this size, that often.
const BLOCK: usize = 4 << 10;
const BLOCK_PAUSE: Duration = Duration::from_millis(20);
/// Size of a huge body, and what the bomb becomes when it is unpacked.
const HUGE: usize = 2 << 30;
const BOMB: usize = 1 << 30;
const HUGE_BLOCK: usize = 1 << 20;

/// Sends the given half and then breaks the connection off.
pub fn truncated(half: Bytes) -> Body {
    let sent = stream::iter([Ok(half)]);
    // A short pause lets the first half leave the machine before the break takes the rest.
    let broken = stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(sent.chain(broken))
}

/// Sends a body in equal pieces over the given time.
pub fn trickle(body: &Bytes, time: Duration) -> Body {
    let size = body.len().div_ceil(SLOW_PIECES).max(1);
    in_pieces(body, size, time / u32::try_from(SLOW_PIECES).unwrap_or(1))
}

/// Sends a body byte by byte, one a second.
pub fn drip(body: &Bytes) -> Body {
    in_pieces(body, 1, Duration::from_secs(1))
}

fn in_pieces(body: &Bytes, size: usize, pause: Duration) -> Body {
    let pieces: Vec<Bytes> =
        (0..body.len()).step_by(size).map(|at| body.slice(at..(at + size).min(body.len()))).collect();
    Body::from_stream(stream::iter(pieces).enumerate().then(move |(index, piece)| async move {
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        Ok::<_, Infallible>(piece)
    }))
}

/// Sends the body and after it whitespace, which JSON allows, until the client gives up or `patience` ends.
pub fn endless(body: Bytes, patience: Duration) -> Body {
    let blocks = usize::try_from(patience.as_millis() / BLOCK_PAUSE.as_millis()).unwrap_or(usize::MAX);
    let spaces = stream::iter(0..blocks).then(|_| async {
        tokio::time::sleep(BLOCK_PAUSE).await;
        Ok::<_, Infallible>(Bytes::from_static(&[b' '; BLOCK]))
    });
    Body::from_stream(stream::iter([Ok(body)]).chain(spaces))
}

/// Two gigabytes of a JSON string.
pub fn huge() -> Body {
    let block = Bytes::from(vec![b'a'; HUGE_BLOCK]);
    let blocks = stream::iter(0..HUGE / HUGE_BLOCK).map(move |_| block.clone());
    let start = stream::iter([Bytes::from_static(b"{\"data\":[\"")]);
    let end = stream::iter([Bytes::from_static(b"\"]}")]);
    Body::from_stream(start.chain(blocks).chain(end).map(Ok::<_, Infallible>))
}

/// A gzip body of seven megabytes that unpacks to a gigabyte of spaces: one literal, then "repeat the last byte 258 times"
/// over and over, in the fixed code of RFC 1951.
pub fn gzip_bomb() -> Body {
    let mut bits = Bits::default();
    bits.put(0b011, 3); // the last block, fixed code
    bits.put_code(0x30 + u16::from(b' '), 8);
    for _ in 0..BOMB / 258 {
        bits.put_code(0b1100_0101, 8); // length 258
        bits.put_code(0, 5); // distance 1
    }
    bits.put_code(0, 7); // end of block
    let mut gzip = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(bits.finish());
    // The check sum is missing: nobody should get that far.
    Body::from(gzip)
}

/// Packs bits as deflate does: lowest first, codes highest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.held |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held.to_le_bytes()[0]);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    fn put_code(&mut self, code: u16, count: u32) {
        self.put(u32::from(code).reverse_bits() >> (32 - count), count);
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}

/// The answer with lists that are no lists; without a list every value becomes a text.
pub fn wrong_type(body: &Bytes) -> Bytes {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return Bytes::from_static(b"[]");
    };
    let lists = fields.values().any(Value::is_array);
    for value in fields.values_mut() {
        if value.is_array() {
            *value = json!({"0": "a list was expected here"});
        } else if !lists {
            *value = value.to_string().into();
        }
    }
    Value::Object(fields).to_string().into()
}

/// The answer of a page with the promise of another, which will be the same.
pub fn repeated(body: &Bytes, cursor: &str) -> Bytes {
    let Ok(mut page) = serde_json::from_slice::<Value>(body) else {
        return body.clone();
    };
    if page.get("has_more").is_some() {
        page["has_more"] = true.into();
    } else if page.get("accountSummaries").is_some() {
        page["nextPageToken"] = cursor.into();
    } else if let Some(count) = page["rowCount"].as_u64() {
        page["rowCount"] = (count + 1_000_000).into();
    }
    page.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_packed_as_deflate_reads_them() {
        let mut bits = Bits::default();
        bits.put(0b011, 3);
        bits.put_code(0x30 + u16::from(b'a'), 8);
        bits.put_code(0, 7);
        // What every deflate library makes of a single "a" with the fixed code.
        assert_eq!(bits.finish()[..3], [0x4B, 0x04, 0x00]);
    }

    #[test]
    fn wrong_types_replace_the_lists_or_else_everything() {
        assert_eq!(
            wrong_type(&Bytes::from_static(b"{\"data\":[1],\"has_more\":false}")),
            "{\"data\":{\"0\":\"a list was expected here\"},\"has_more\":false}"
        );
        assert_eq!(wrong_type(&Bytes::from_static(b"{\"amount\":5}")), "{\"amount\":\"5\"}");
    }
}
