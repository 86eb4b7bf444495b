//! ArcSight Common Event Format, version 0: header fields between `|`, then `key=value` from its dictionary. What the
//! dictionary has no key for stands in labelled custom fields (`cs1`, `cn1`, …) or under keys of our own (`openCli…`).

use crate::{PRODUCT, Record, VENDOR, event_name};
use std::net::IpAddr;
use url::{Host, Url};

/// Most bytes of a value, unless the dictionary says less.
const MAX_VALUE: usize = 1023;
/// Of `act` and `outcome`.
const MAX_WORD: usize = 63;
/// Of the custom strings.
const MAX_CUSTOM: usize = 4000;
/// Of the name in the header.
const MAX_NAME: usize = 512;

pub(crate) fn line(record: &Record<'_>, version: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"CEF:0");
    let kind = record.text("eventType");
    for field in [VENDOR, PRODUCT, version, if kind.is_empty() { "unknown" } else { kind }, event_name(kind)] {
        out.push(b'|');
        header(cut(field, MAX_NAME), out);
    }
    out.push(b'|');
    out.push(b'0' + severity(record));
    out.push(b'|');
    extension(record, &mut Pairs { out, is_first: true });
    out.push(b'\n');
}

/// From 0 to 10: 4 to 6 is medium, 7 and 8 are high.
fn severity(record: &Record<'_>) -> u8 {
    match (record.text("eventType"), record.text("decision")) {
        ("authn_failure", _) => 7,
        (_, "denied") => 6,
        (_, "error") => 5,
        _ if !record.succeeded() => 4,
        _ => 2,
    }
}

fn extension(record: &Record<'_>, pairs: &mut Pairs<'_>) {
    pairs.number("rt", Some(record.millis()));
    pairs.text("cat", "audit", MAX_VALUE);
    pairs.text("act", record.text("decision"), MAX_WORD);
    pairs.text("outcome", if record.succeeded() { "success" } else { "failure" }, MAX_WORD);
    pairs.text("reason", record.text("reasonCode"), MAX_VALUE);
    pairs.text("suser", record.text("principal"), MAX_VALUE);
    match record.text("clientAddress").parse() {
        Ok(IpAddr::V4(_)) => pairs.text("src", record.text("clientAddress"), MAX_VALUE),
        Ok(IpAddr::V6(_)) => pairs.labelled("c6a2", "Source IPv6 Address", record.text("clientAddress")),
        Err(_) => pairs.text("shost", record.text("clientAddress"), MAX_VALUE),
    }
    let (base, path) = (record.text("targetBaseUrl"), record.text("path"));
    if let Ok(url) = Url::parse(base) {
        match url.host() {
            Some(Host::Ipv4(address)) => pairs.text("dst", &address.to_string(), MAX_VALUE),
            Some(Host::Ipv6(address)) => {
                pairs.labelled("c6a3", "Destination IPv6 Address", &address.to_string());
            }
            Some(Host::Domain(name)) => pairs.text("dhost", name, MAX_VALUE),
            None => {}
        }
        pairs.number("dpt", url.port_or_known_default());
    }
    pairs.text("requestMethod", record.text("method"), MAX_VALUE);
    let base = if Url::parse(base).is_ok() { base.trim_end_matches('/') } else { "" };
    if !path.is_empty() {
        pairs.text("request", &format!("{base}{path}"), MAX_VALUE);
    }
    pairs.number("out", record.number("requestSize"));
    pairs.number("externalId", record.number("seq"));
    for (key, label, field) in [
        ("cs1", "Tool", "toolId"),
        ("cs2", "Service", "serviceId"),
        ("cs3", "Request ID", "requestId"),
        ("cs4", "Trace ID", "traceId"),
        ("cs5", "Error Code", "errorCode"),
        ("cs6", "Agent Profile", "agentProfile"),
        ("flexString1", "Catalog Revision", "catalogRevision"),
        ("flexString2", "Configuration", "configIdentity"),
    ] {
        pairs.labelled(key, label, record.text(field));
    }
    for (key, label, field) in
        [("cn1", "Status", "statusCode"), ("cn2", "Milliseconds", "latencyMs"), ("cn3", "Retries", "retryCount")]
    {
        if let Some(number) = record.number(field) {
            pairs.labelled(key, label, &number.to_string());
        }
    }
    pairs.text("openCliSession", record.text("sessionId"), MAX_CUSTOM);
    pairs.text("openCliAuthScheme", record.text("authScheme"), MAX_CUSTOM);
    if let Some(lineage) = record.value("lineage") {
        pairs.text("openCliLineage", &lineage.to_string(), MAX_CUSTOM);
    }
    pairs.text("openCliPrevHash", record.text("prevHash"), MAX_CUSTOM);
    pairs.text("msg", &record.message(), MAX_VALUE);
}

struct Pairs<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl Pairs<'_> {
    fn key(&mut self, parts: &[&str]) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b' ');
        }
        parts.iter().for_each(|part| self.out.extend_from_slice(part.as_bytes()));
        self.out.push(b'=');
    }

    fn text(&mut self, key: &str, text: &str, limit: usize) {
        if !text.is_empty() {
            self.key(&[key]);
            value(cut(text, limit), self.out);
        }
    }

    fn number(&mut self, key: &str, number: Option<impl itoa::Integer>) {
        if let Some(number) = number {
            self.key(&[key]);
            self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
    }

    fn labelled(&mut self, key: &str, label: &str, text: &str) {
        if !text.is_empty() {
            self.text(key, text, MAX_CUSTOM);
            self.key(&[key, "Label"]);
            value(label, self.out);
        }
    }
}

/// At most so many bytes, cut between characters.
fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// In the header `\` and `|` are escaped, and a line can't end.
fn header(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' | b'|' => out.extend_from_slice(&[b'\\', byte]),
            0..=0x1f | 0x7f => out.push(b' '),
            byte => out.push(byte),
        }
    }
}

/// In a value `\`, `=` and the ends of lines are escaped; `|` is not.
fn value(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' | b'=' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..=0x1f | 0x7f => out.push(b' '),
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_events() {
        let mut out = Vec::new();
        crate::samples::records().for_each(|record| line(&record, "1.2|3", &mut out));
        insta::assert_snapshot!(String::from_utf8(out).expect("text"));
    }

    /// CEF 0, "Character Encoding".
    #[test]
    fn what_separates_is_escaped_where_it_separates() {
        let escaped = |escape: fn(&str, &mut Vec<u8>), text: &str| {
            let mut out = Vec::new();
            escape(text, &mut out);
            String::from_utf8(out).expect("text")
        };
        for (text, in_header, in_value) in [
            ("a|b", r"a\|b", "a|b"),
            (r"a\b", r"a\\b", r"a\\b"),
            ("a=b", "a=b", r"a\=b"),
            ("a\r\nb", "a  b", r"a\r\nb"),
            ("a\u{1b}b", "a b", "a b"),
            ("ü", "ü", "ü"),
        ] {
            assert_eq!((escaped(header, text).as_str(), escaped(value, text).as_str()), (in_header, in_value));
        }
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let long = "ü".repeat(600);
        assert_eq!(cut(&long, 1023).len(), 1022);
        assert_eq!(cut("short", 1023), "short");
    }
}
