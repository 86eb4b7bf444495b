//! `opentelemetry.proto.common.v1` and `.resource.v1`.

use crate::resource::SCOPE;
use crate::wire;
use crate::{Attributes, Resource};
use open_cli_observe::Attribute;

/// What every request, of whatever signal, is made of: `resource_*` 1 { resource 1, `scope_*` 2 { scope 1, items 2 } }.
pub(super) fn request(out: &mut Vec<u8>, resource: &Resource, items: impl FnOnce(&mut Vec<u8>)) {
    wire::message(out, 1, |out| {
        wire::bytes(out, 1, &resource.proto);
        wire::message(out, 2, |out| {
            let (name, version) = SCOPE;
            wire::header(out, 1, wire::sized(name.len()) + wire::sized(version.len()));
            wire::bytes(out, 1, name.as_bytes());
            wire::bytes(out, 2, version.as_bytes());
            items(out);
        });
    });
}

/// The message `Resource`.
pub(crate) fn resource(attributes: &Attributes) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in attributes {
        pair(&mut out, 1, name, value.into());
    }
    out
}

/// All attributes as `KeyValue`s.
pub(super) fn pairs(out: &mut Vec<u8>, field: u32, attributes: &Attributes) {
    for (name, value) in attributes {
        pair(out, field, name, value.into());
    }
}

/// A `KeyValue`.
pub(super) fn pair(out: &mut Vec<u8>, field: u32, name: &str, value: Attribute<'_>) {
    match value {
        Attribute::Text(text) => text_pair(out, field, name, text),
        Attribute::Int(number) => {
            let number = number as u64;
            name_and_head(out, field, name, 1 + wire::varint_len(number));
            wire::uint(out, 3, number);
        }
        Attribute::Bool(truth) => {
            name_and_head(out, field, name, 2);
            wire::uint(out, 2, u64::from(truth));
        }
    }
}

/// A `KeyValue` with text.
pub(super) fn text_pair(out: &mut Vec<u8>, field: u32, name: &str, text: &str) {
    let (name_length, text_length) = (name.len(), text.len());
    // Almost all are so short that each of their lengths is a single byte.
    if field < 16 && name_length + text_length + 6 < 0x80 {
        let [name_length, text_length] = [name_length as u8, text_length as u8];
        out.reserve(name.len() + text.len() + 8);
        out.extend_from_slice(&[(field << 3) as u8 | 2, name_length + text_length + 6, 0x0a, name_length]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&[0x12, text_length + 2, 0x0a, text_length]);
        out.extend_from_slice(text.as_bytes());
        return;
    }
    name_and_head(out, field, name, wire::sized(text.len()));
    wire::bytes(out, 1, text.as_bytes());
}

/// A `KeyValue` up to the content of its `AnyValue`, which has this length.
fn name_and_head(out: &mut Vec<u8>, field: u32, name: &str, value: usize) {
    wire::header(out, field, wire::sized(name.len()) + wire::sized(value));
    wire::bytes(out, 1, name.as_bytes());
    wire::header(out, 2, value);
}
