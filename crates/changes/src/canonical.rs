//! JSON in one spelling, and digests of it: members in byte order of their names, no white space. What a description
//! means does not depend on how it was written down.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Hex SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    pairs.map(char::from).collect()
}

/// A JSON string.
pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    // Writing to memory and a string can't fail.
    let _ = serde_json::to_writer(out, text);
}

/// Any value, as data. As deep as the parser let it be.
pub(crate) fn data(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (i, (name, value)) in members.into_iter().enumerate() {
                comma(i, out);
                text(name, out);
                out.push(b':');
                data(value, out);
            }
            out.push(b'}');
        }
        Value::Array(elements) => {
            out.push(b'[');
            for (i, element) in elements.iter().enumerate() {
                comma(i, out);
                data(element, out);
            }
            out.push(b']');
        }
        Value::String(string) => text(string, out),
        scalar => out.extend_from_slice(scalar.to_string().as_bytes()),
    }
}

/// A list whose order means nothing.
pub(crate) fn set(elements: &[Value], out: &mut Vec<u8>) {
    let mut texts: Vec<Vec<u8>> = elements
        .iter()
        .map(|element| {
            let mut text = Vec::new();
            data(element, &mut text);
            text
        })
        .collect();
    texts.sort_unstable();
    texts.dedup();
    out.push(b'[');
    for (i, text) in texts.iter().enumerate() {
        comma(i, out);
        out.extend_from_slice(text);
    }
    out.push(b']');
}

pub(crate) fn comma(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
}
