//! `multipart/form-data` (RFC 7578; OpenAPI 3.1 §4.8.15): members of a JSON object and parts that the caller brings. The
//! boundary follows from the content, so the same call makes the same bytes.

use crate::fault::{ArgumentFault, FaultKind, echo};
use crate::flat::{self, Members};
use crate::media;
use crate::value::Part as Scalar;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use open_cli_contract::catalog::PropertyEncoding;
use open_cli_contract::preview::{PreviewedHeader, PreviewedPart};
use open_cli_schema::{Fault, Json, Schema, View};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Parts of one message.
const MAX_PARTS: usize = 1000;
/// Longest name of a field or file.
const MAX_NAME: usize = 1024;
/// Longest text of a part that a preview shows.
const MAX_SHOWN: usize = 4096;
/// Headers of a part that are not for callers to set.
const OWN_HEADERS: [&str; 3] = ["content-disposition", "content-type", "content-length"];

/// A part that a caller brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Name of the field.
    pub name: String,
    /// Name of the file, for a part that is one.
    pub filename: Option<String>,
    /// Media type; empty for what the description says.
    pub content_type: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub content: Bytes,
}

/// Checks the members against the schema. What the parts hold is not looked into: that they are there counts.
pub(super) fn check(schema: &Schema, object: &str, parts: &[Part]) -> Result<(), Vec<ArgumentFault>> {
    let mut members = match Json::parse(object) {
        Ok(Json::Object(members)) => members,
        _ => Vec::new(),
    };
    for part in parts {
        let name = part.name.as_str();
        if let Some(Json::List(items)) = members.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value) {
            items.push(Json::Text(Cow::Borrowed("")));
        } else {
            let is_list = schema.view().member(name).is_some_and(|view| view.items().is_some());
            let text = Json::Text(Cow::Borrowed(""));
            members.push((Cow::Borrowed(name), if is_list { Json::List(vec![text]) } else { text }));
        }
    }
    let is_of_part = |fault: &Fault| {
        let first = fault.pointer.split('/').nth(1).unwrap_or_default().replace("~1", "/").replace("~0", "~");
        !fault.is_missing && parts.iter().any(|part| part.name == first)
    };
    let unknown = |fault: &Fault| fault.expected.starts_with("no such member");
    let faults: Vec<ArgumentFault> = schema
        .faults(&Json::Object(members))
        .into_iter()
        .filter(|fault| !is_of_part(fault) || unknown(fault))
        .map(|fault| ArgumentFault::schema("body", "--body", fault))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// All parts, in order: the members, then what the caller brings.
pub(super) fn parts(
    members: &Members<'_>,
    encodings: &BTreeMap<String, PropertyEncoding>,
    view: Option<View<'_>>,
    brought: &[Part],
) -> Result<Vec<Part>, Vec<ArgumentFault>> {
    let mut all = Vec::new();
    for (name, raw) in &members.0 {
        let of_member = view.and_then(|view| view.member(name));
        member(name, raw, encodings.get(name), of_member, &mut all);
    }
    for part in brought {
        let encoding = encodings.get(&part.name);
        let mut part = part.clone();
        if part.content_type.is_empty() {
            let only = encoding.map(|encoding| encoding.content_type.trim());
            let only = only.filter(|media| media::is_concrete(media) && !media.contains(','));
            part.content_type = match (only, &part.filename) {
                (Some(media), _) => media.to_owned(),
                (None, Some(_)) => "application/octet-stream".into(),
                (None, None) => String::new(),
            };
        }
        add_headers(&mut part, encoding);
        all.push(part);
    }
    let faults: Vec<ArgumentFault> =
        all.iter().filter_map(|part| fault(part, encodings.get(&part.name))).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    if all.len() > MAX_PARTS {
        let problem = format!("has more than {MAX_PARTS} parts");
        return Err(vec![ArgumentFault::body(FaultKind::Invalid, problem)]);
    }
    Ok(all)
}

/// The parts of one member: one per item of a list.
fn member(
    name: &str,
    raw: &RawValue,
    encoding: Option<&PropertyEncoding>,
    view: Option<View<'_>>,
    all: &mut Vec<Part>,
) {
    let (values, view) = match flat::elements(raw.get()) {
        Some(elements) => (elements, view.and_then(View::items)),
        None => (vec![raw], view),
    };
    for raw in values {
        let Some(value) = Scalar::of(raw) else { continue };
        let said = encoding.map(|encoding| encoding.content_type.split(',').next().unwrap_or_default().trim());
        let said = said.filter(|media| media::is_concrete(media)).unwrap_or_default();
        let (content, usual) = match value {
            Scalar::Nested(raw) => (Bytes::copy_from_slice(raw.get().as_bytes()), "application/json"),
            // Said to be JSON: a text in quotation marks.
            Scalar::Text(_) if media::is_json(said) => (Bytes::copy_from_slice(raw.get().as_bytes()), ""),
            Scalar::Text(text) => (Bytes::from(text.into_owned()), binary_type(view)),
        };
        let media = if said.is_empty() { usual } else { said };
        let mut part = Part { name: name.into(), content_type: media.into(), content, ..Part::default() };
        add_headers(&mut part, encoding);
        all.push(part);
    }
}

/// Plain fields carry no media type (RFC 7578 §4.4: text is what is assumed).
fn binary_type(view: Option<View<'_>>) -> &'static str {
    let hints = view.map(View::hints).unwrap_or_default();
    let is_binary =
        hints.format == "binary" || (!hints.content_media_type.is_empty() && hints.content_encoding.is_empty());
    if is_binary { "application/octet-stream" } else { "" }
}

fn add_headers(part: &mut Part, encoding: Option<&PropertyEncoding>) {
    for (name, value) in encoding.map(|encoding| &encoding.headers).into_iter().flatten() {
        let is_there = part.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !is_there && !OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            part.headers.push((name.clone(), value.clone()));
        }
    }
}

/// What is wrong with a part.
fn fault(part: &Part, encoding: Option<&PropertyEncoding>) -> Option<ArgumentFault> {
    let problem = if part.name.is_empty() {
        "has a part without a name".to_owned()
    } else if part.name.len() > MAX_NAME || part.filename.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
        format!("has a part with a name longer than {MAX_NAME} bytes")
    } else if HeaderValue::from_str(&part.content_type).is_err() {
        "has a part whose content type is no header value".to_owned()
    } else if let Some((name, _)) = part.headers.iter().find(|(name, value)| !is_header(name, value)) {
        format!("has a part with the header {:?}, which it can't have", echo(name))
    } else if let Some(encoding) = encoding.filter(|encoding| !is_of(part, encoding)) {
        return Some(ArgumentFault {
            expected: encoding.content_type.clone(),
            ..ArgumentFault::body(FaultKind::Invalid, format!("expected a part of type {}", encoding.content_type))
                .at(format!("/{}", part.name.replace('~', "~0").replace('/', "~1")))
        });
    } else {
        return None;
    };
    Some(ArgumentFault::body(FaultKind::Invalid, problem))
}

fn is_of(part: &Part, encoding: &PropertyEncoding) -> bool {
    encoding.content_type.trim().is_empty()
        || part.content_type.is_empty()
        || encoding.content_type.split(',').any(|range| media::is_within(&part.content_type, range.trim()))
}

fn is_header(name: &str, value: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| !OWN_HEADERS.contains(&name.as_str()))
        && HeaderValue::from_str(value).is_ok()
}

/// The message and its boundary.
pub(super) fn write(parts: &[Part]) -> (Bytes, String) {
    let boundary = boundary(parts);
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.content.len() + 256).sum::<usize>() + 64);
    for part in parts {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        out.extend_from_slice(b"Content-Disposition: form-data; name=\"");
        push_quoted(&mut out, &part.name);
        out.push(b'"');
        if let Some(filename) = &part.filename {
            out.extend_from_slice(b"; filename=\"");
            push_quoted(&mut out, filename);
            out.push(b'"');
        }
        out.extend_from_slice(b"\r\n");
        let media = ("Content-Type", part.content_type.as_str());
        let media = Some(media).filter(|(_, value)| !value.is_empty());
        let headers = part.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in media.into_iter().chain(headers) {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&part.content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (out.into(), boundary)
}

/// WHATWG HTML §4.10.21.8: what would end the name is escaped.
fn push_quoted(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"%22"),
            b'\r' => out.extend_from_slice(b"%0D"),
            b'\n' => out.extend_from_slice(b"%0A"),
            _ => out.push(byte),
        }
    }
}

/// A line that occurs in no part.
fn boundary(parts: &[Part]) -> String {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in parts.iter().flat_map(|part| part.name.as_bytes().iter().chain(&part.content)) {
        // FNV-1a
        hash = (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    loop {
        let boundary = format!("open-cli-{hash:032x}");
        let finder = |content: &Bytes| content.windows(boundary.len()).any(|window| window == boundary.as_bytes());
        if !parts.iter().any(|part| finder(&part.content)) {
            return boundary;
        }
        hash = hash.wrapping_add(1);
    }
}

/// For people.
pub(super) fn previewed(part: &Part) -> PreviewedPart {
    let text = std::str::from_utf8(&part.content).ok().filter(|text| text.len() <= MAX_SHOWN);
    PreviewedPart {
        name: part.name.clone(),
        filename: part.filename.clone(),
        content_type: part.content_type.clone(),
        headers: part
            .headers
            .iter()
            .map(|(name, value)| PreviewedHeader { name: name.clone(), value: value.clone() })
            .collect(),
        size: part.content.len() as u64,
        text: text.map(str::to_owned),
    }
}
