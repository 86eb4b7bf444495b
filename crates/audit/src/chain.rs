//! The hash chain: each line ends with its number and the SHA-256 of the line before it, so that a line which was
//! changed, removed, added or moved is found by whoever reads the log from one end to the other.
//!
//! Not for signatures (they pin the chain from outside, see `statement`) and not for JSON: a link is spliced in and
//! found again as bytes at the end of a line. That is sound because a quote inside a JSON string is escaped, so the
//! bytes of a link can't be part of one.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Bytes of a SHA-256.
const HASH_BYTES: usize = 32;
/// What a link adds to a line, at most: `,"seq":`, 20 digits, `,"prevHash":"`, 64 digits, `"`.
pub(crate) const LINK_MAX: usize = 7 + 20 + 13 + 2 * HASH_BYTES + 1;
const SEQ: &[u8] = b",\"seq\":";
const PREV: &[u8] = b",\"prevHash\":\"";
const END: &[u8] = b"\"}";

/// A SHA-256; lower-case hex in text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hash([u8; HASH_BYTES]);

impl Hash {
    /// What the first record of all names as its predecessor.
    pub(crate) const ZERO: Self = Self([0; HASH_BYTES]);

    /// Hash of some bytes; of a line without its LF.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::from_digest(&digest(&SHA256, bytes))
    }

    pub(crate) fn from_digest(digest: &aws_lc_rs::digest::Digest) -> Self {
        let mut hash = [0; HASH_BYTES];
        for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Self(hash)
    }

    fn hex(&self) -> [u8; 2 * HASH_BYTES] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 2 * HASH_BYTES];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }

    /// Reads lower-case hex: one way to write a hash, so that a changed letter is a changed line and nothing else.
    pub(crate) fn from_hex(hex: &[u8]) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        if hex.len() != 2 * HASH_BYTES {
            return None;
        }
        let mut hash = [0; HASH_BYTES];
        for (byte, pair) in hash.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_hex(text.as_bytes()).ok_or_else(|| de::Error::custom("not 64 lower-case hex digits"))
    }
}

/// A record's number and the hash of its line. `seq` 0: no record yet, `hash` is what the first one names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
}

/// What a line says about its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) seq: u64,
    pub(crate) prev: Hash,
}

impl Link {
    /// The link at the end of a line. None when the line has none.
    pub(crate) fn of(line: &[u8]) -> Option<Self> {
        let rest = line.strip_suffix(END)?;
        let (rest, hex) = rest.split_at_checked(rest.len().checked_sub(2 * HASH_BYTES)?)?;
        let rest = rest.strip_suffix(PREV)?;
        let digits = rest.iter().rev().take(20).take_while(|byte| byte.is_ascii_digit()).count();
        let (rest, number) = rest.split_at_checked(rest.len() - digits)?;
        if !rest.ends_with(SEQ) || number.first() == Some(&b'0') {
            return None;
        }
        Some(Self { seq: str::from_utf8(number).ok()?.parse().ok()?, prev: Hash::from_hex(hex)? })
    }
}

/// Appends `body`, the JSON object of an event, to `buffer` as the line that follows `before`, with its LF. Returns
/// the place of the new line.
pub(crate) fn splice(buffer: &mut Vec<u8>, body: &[u8], before: Position) -> Position {
    let start = buffer.len();
    let seq = before.seq.saturating_add(1);
    buffer.extend_from_slice(body.strip_suffix(b"}").unwrap_or(body));
    buffer.extend_from_slice(SEQ);
    let mut digits = itoa::Buffer::new();
    buffer.extend_from_slice(digits.format(seq).as_bytes());
    buffer.extend_from_slice(PREV);
    buffer.extend_from_slice(&before.hash.hex());
    buffer.extend_from_slice(END);
    let hash = Hash::of(&buffer[start..]);
    buffer.push(b'\n');
    Position { seq, hash }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spliced_in_is_found_again_and_the_line_stays_json() {
        let mut text = Vec::new();
        let mut position = Position::default();
        for body in [r#"{"a":1}"#, r#"{"principal":"x,\"seq\":7,\"prevHash\":\"00\"}"}"#, r#"{"b":{"c":[]}}"#] {
            let (start, before) = (text.len(), position);
            position = splice(&mut text, body.as_bytes(), before);
            let line = text[start..].strip_suffix(b"\n").expect("LF");
            assert_eq!(Link::of(line), Some(Link { seq: before.seq + 1, prev: before.hash }));
            assert_eq!((position.seq, position.hash), (before.seq + 1, Hash::of(line)));
            let value: serde_json::Value = serde_json::from_slice(line).expect("JSON");
            assert_eq!(value["seq"], position.seq);
            assert_eq!(value["prevHash"], before.hash.to_string());
        }
        let far = Position { seq: u64::MAX - 1, hash: Hash::of(b"x") };
        let start = text.len();
        splice(&mut text, b"{\"a\":1}", far);
        assert_eq!(text.len() - start, 8 + LINK_MAX, "the longest link, and the LF");
        assert_eq!(Link::of(&text[start..text.len() - 1]), Some(Link { seq: u64::MAX, prev: far.hash }));
    }

    #[test]
    fn a_hash_is_that_of_the_standard() {
        assert_eq!(
            Hash::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(Hash::ZERO.to_string(), "0".repeat(64));
    }

    #[test]
    fn what_is_almost_a_link_is_none() {
        let hex = "ab".repeat(32);
        let good = format!("{{\"a\":1,\"seq\":12,\"prevHash\":\"{hex}\"}}");
        assert!(Link::of(good.as_bytes()).is_some());
        for bad in [
            String::new(),
            "}".into(),
            "{\"a\":1}".into(),
            good.replace("ab", "AB"),
            good.replace("ab\"", "a\""),
            good.replace("12", "012"),
            good.replace("12", ""),
            good.replace("12", "0"),
            good.replace("12", "-1"),
            good.replace("12", "99999999999999999999"),
            good.replace("12", "123456789012345678901"),
            good.replace(",\"seq\"", ",\\\"seq\""),
            good.replace("\"prevHash\"", "\"PrevHash\""),
            format!("{good} "),
            format!("{{\"x\":{good}}}"),
        ] {
            assert_eq!(Link::of(bad.as_bytes()), None, "{bad}");
        }
    }
}
