//! OTLP as JSON, one line for a batch (OTLP 1.x "JSON Protobuf Encoding": ids are hex, 64-bit numbers are text, enums
//! are numbers), as the OTLP file format has it. For trace files: requests to a collector are protobuf.

use crate::resource::SCOPE;
use crate::{Attributes, Resource, span};
use open_cli_observe::{Attribute, LocalTrace, SpanView};
use std::ops::Range;

/// Appends one line with the spans of a trace, `{"resourceSpans":[…]}`, ended by a line feed.
pub fn trace(out: &mut Vec<u8>, resource: &Resource, trace: &LocalTrace) {
    part(out, resource, trace, 0..trace.spans.len());
}

/// Appends one line with some of the spans of a trace, by their places.
pub fn part(out: &mut Vec<u8>, resource: &Resource, trace: &LocalTrace, places: Range<usize>) {
    out.extend_from_slice(b"{\"resourceSpans\":[{\"resource\":");
    out.extend_from_slice(&resource.json);
    let (name, version) = SCOPE;
    out.extend_from_slice(b",\"scopeSpans\":[{\"scope\":{\"name\":");
    text(out, name);
    out.extend_from_slice(b",\"version\":");
    text(out, version);
    out.extend_from_slice(b"},\"spans\":[");
    let id = hex::<16, 32>(trace.trace_id.to_bytes());
    let is_root_away = trace.root().is_none() || places.end < trace.spans.len();
    for (place, one) in trace.spans().skip(places.start).take(places.len()).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, trace, &id, one, is_root_away);
    }
    out.extend_from_slice(b"]}]}]}\n");
}

/// The object `Resource`.
pub(crate) fn resource(attributes: &Attributes) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"attributes\":[");
    for (index, (name, value)) in attributes.iter().enumerate() {
        pair(&mut out, index == 0, name, value.into());
    }
    out.extend_from_slice(b"]}");
    out
}

/// The object `Span`.
fn write(out: &mut Vec<u8>, trace: &LocalTrace, trace_id: &[u8], one: SpanView<'_>, is_root_away: bool) {
    out.extend_from_slice(b"{\"traceId\":\"");
    out.extend_from_slice(trace_id);
    out.extend_from_slice(b"\",\"spanId\":\"");
    out.extend_from_slice(&hex::<8, 16>(one.span_id().to_bytes()));
    if let Some(parent) = one.parent_span_id() {
        out.extend_from_slice(b"\",\"parentSpanId\":\"");
        out.extend_from_slice(&hex::<8, 16>(parent.to_bytes()));
    }
    out.extend_from_slice(b"\",\"flags\":");
    number(out, span::flags(trace, one));
    if let Some(state) = &trace.trace_state {
        out.extend_from_slice(b",\"traceState\":");
        text(out, state);
    }
    out.extend_from_slice(b",\"name\":");
    text(out, one.title());
    out.extend_from_slice(b",\"kind\":");
    number(out, span::kind(one.kind()));
    out.extend_from_slice(b",\"startTimeUnixNano\":\"");
    number(out, one.started_nanos());
    out.extend_from_slice(b"\",\"endTimeUnixNano\":\"");
    number(out, one.finished_nanos());
    out.push(b'"');
    let before = out.len();
    out.extend_from_slice(b",\"attributes\":[");
    let mut is_first = true;
    for (name, value) in one.attributes() {
        pair(out, std::mem::take(&mut is_first), name, value);
    }
    if let Some(stage) = span::stage(one) {
        text_pair(out, std::mem::take(&mut is_first), span::STAGE, stage);
    }
    if let Some(id) = span::request_id(one, is_root_away) {
        text_pair(out, std::mem::take(&mut is_first), span::REQUEST_ID, id);
    }
    if let Some(dropped) = span::dropped(trace, one) {
        pair(out, std::mem::take(&mut is_first), span::DROPPED, Attribute::Int(dropped));
    }
    match is_first {
        // None: the official encoding leaves an empty list out.
        true => out.truncate(before),
        false => out.push(b']'),
    }
    if let Some(error) = one.error() {
        out.extend_from_slice(b",\"status\":{\"message\":");
        text(out, error);
        out.extend_from_slice(b",\"code\":");
        number(out, span::STATUS_ERROR);
        out.push(b'}');
    }
    out.push(b'}');
}

/// A `KeyValue`, after a comma unless it is the first.
fn pair(out: &mut Vec<u8>, is_first: bool, name: &str, value: Attribute<'_>) {
    match value {
        Attribute::Text(value) => text_pair(out, is_first, name, value),
        Attribute::Int(value) => {
            key(out, is_first, name);
            out.extend_from_slice(b",\"value\":{\"intValue\":\"");
            number(out, value);
            out.extend_from_slice(b"\"}}");
        }
        Attribute::Bool(value) => {
            key(out, is_first, name);
            out.extend_from_slice(b",\"value\":{\"boolValue\":");
            out.extend_from_slice(if value { b"true" } else { b"false" });
            out.extend_from_slice(b"}}");
        }
    }
}

fn text_pair(out: &mut Vec<u8>, is_first: bool, name: &str, value: &str) {
    key(out, is_first, name);
    out.extend_from_slice(b",\"value\":{\"stringValue\":");
    text(out, value);
    out.extend_from_slice(b"}}");
}

fn key(out: &mut Vec<u8>, is_first: bool, name: &str) {
    out.extend_from_slice(if is_first { b"{\"key\":" } else { b",{\"key\":" });
    text(out, name);
}

fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Lower-case hex digits. OTLP's JSON has ids in hex, not in base64.
fn hex<const N: usize, const DIGITS: usize>(bytes: [u8; N]) -> [u8; DIGITS] {
    const DIGIT: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [b'0'; DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGIT[usize::from(byte >> 4)], DIGIT[usize::from(byte & 15)]]);
    }
    digits
}

/// A JSON string (RFC 8259 §7). Most text has nothing to escape and is copied whole.
fn text(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let clean = clean_prefix(rest);
        out.extend_from_slice(&rest[..clean]);
        let Some((&odd, after)) = rest[clean..].split_first() else { break };
        match odd {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', odd]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&hex::<1, 2>([odd]));
            }
        }
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes need no escape; looks at eight at a time.
fn clean_prefix(bytes: &[u8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let has_zero = |word: u64| word.wrapping_sub(EACH) & !word & HIGH;
    let mut clean = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("invariant: eight bytes"));
        let control = word.wrapping_sub(0x20 * EACH) & !word & HIGH;
        let quote = has_zero(word ^ (u64::from(b'"') * EACH));
        let backslash = has_zero(word ^ (u64::from(b'\\') * EACH));
        if control | quote | backslash != 0 {
            break;
        }
        clean += 8;
    }
    let odd = bytes[clean..].iter().position(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'));
    odd.map_or(bytes.len(), |at| clean + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_reads_back_whatever_it_holds(text in "[\\x00-\\x7fäß€\u{10ffff}]{0,40}") {
            let mut out = Vec::new();
            super::text(&mut out, &text);
            let read: String = serde_json::from_slice(&out).expect("JSON");
            prop_assert_eq!(read, text);
        }
    }
}
