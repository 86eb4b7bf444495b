//! W3C Trace Context: `traceparent` and `tracestate`, the ids they carry, and W3C `baggage`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Longest `tracestate` that is passed on, and most members (W3C Trace Context §3.3).
const TRACE_STATE_MAX: (usize, usize) = (512, 32);
/// Longest `baggage` that is passed on, and most members (W3C Baggage §3.3).
const BAGGAGE_MAX: (usize, usize) = (8192, 64);

/// 16 bytes, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TraceId(u128);

/// 8 bytes, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SpanId(u64);

impl TraceId {
    /// From its number; `None` for zero.
    pub fn new(value: u128) -> Option<Self> {
        (value != 0).then_some(Self(value))
    }
    /// 32 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && is_lower_hex(text))
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten()
            .and_then(Self::new)
    }

    /// The 56 bits that are random by W3C Trace Context Level 2; what samplers decide by.
    pub fn random_part(self) -> u64 {
        (self.0 & ((1 << 56) - 1)) as u64
    }

    /// Most significant byte first, as OTLP has it.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl SpanId {
    /// Most significant byte first, as OTLP has it.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// From its number; `None` for zero.
    pub fn new(value: u64) -> Option<Self> {
        (value != 0).then_some(Self(value))
    }
    /// 16 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 16 && is_lower_hex(text))
            .then(|| u64::from_str_radix(text, 16).ok())
            .flatten()
            .and_then(Self::new)
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl From<TraceId> for String {
    fn from(id: TraceId) -> Self {
        id.to_string()
    }
}
impl From<SpanId> for String {
    fn from(id: SpanId) -> Self {
        id.to_string()
    }
}
impl TryFrom<String> for TraceId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a trace id is 32 lower-case hex digits, not all zero")
    }
}
impl TryFrom<String> for SpanId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a span id is 16 lower-case hex digits, not all zero")
    }
}

/// The header `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The whole trace.
    pub trace_id: TraceId,
    /// The caller's span.
    pub span_id: SpanId,
    /// The caller recorded its part.
    pub sampled: bool,
}

impl TraceParent {
    /// Parses version 00, and the version-00 part of later versions; anything else is `None` and starts a new trace.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version.len() != 2
            || !is_lower_hex(version)
            || version == "ff"
            || (version == "00" && parts.next().is_some())
        {
            return None;
        }
        if flags.len() != 2 || !is_lower_hex(flags) {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self { trace_id: TraceId::parse(trace)?, span_id: SpanId::parse(span)?, sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// What a caller says about its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// `traceparent`.
    pub parent: TraceParent,
    /// `tracestate`, to be passed on as it is.
    pub trace_state: Option<Arc<str>>,
    /// `baggage`, to be passed on as it is.
    pub baggage: Option<Arc<str>>,
}

impl Incoming {
    /// From header values; several lines of a header are joined. Without a valid `traceparent` nothing is continued;
    /// a malformed or overlong `tracestate` or `baggage` is dropped and the rest kept.
    pub fn parse<'a>(
        parent: &str,
        trace_state: impl IntoIterator<Item = &'a str>,
        baggage: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        Some(Self {
            parent: TraceParent::parse(parent)?,
            trace_state: joined(trace_state, TRACE_STATE_MAX),
            baggage: joined(baggage, BAGGAGE_MAX),
        })
    }
}

/// Lines of `key=value` members as one, when they are printable, within the bounds, and every member has a key.
fn joined<'a>(
    lines: impl IntoIterator<Item = &'a str>,
    (max_bytes, max_members): (usize, usize),
) -> Option<Arc<str>> {
    let mut text = String::new();
    for line in lines {
        if text.len() + line.len() > max_bytes {
            return None;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(line.trim());
    }
    let members = || text.split(',').map(str::trim).filter(|member| !member.is_empty());
    let is_valid = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
        && (1..=max_members).contains(&members().count())
        && members().all(|member| member.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty()));
    is_valid.then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_the_round_trip() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceParent::parse(text).expect("valid").to_string(), text);
    }

    #[test]
    fn state_and_baggage_are_kept_when_they_are_well_formed_and_dropped_when_not() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (lines, expected) in [
            (vec![], None),
            (vec!["a=1"], Some("a=1")),
            (vec!["a=1 ", " b=2,,c=3"], Some("a=1,b=2,,c=3")),
            (vec!["a=1;p=q"], Some("a=1;p=q")),
            (vec!["a"], None),
            (vec!["=1"], None),
            (vec!["a=\u{fc}"], None),
            (vec!["a=1\r\nX: y"], None),
        ] {
            let incoming = Incoming::parse(parent, lines.clone(), lines.clone()).expect("a parent");
            assert_eq!(incoming.trace_state.as_deref(), expected, "{lines:?}");
            assert_eq!(incoming.baggage.as_deref(), expected, "{lines:?}");
        }
        let long = format!("a={}", "x".repeat(600));
        let incoming = Incoming::parse(parent, [&*long], [&*long]).expect("a parent");
        assert_eq!((incoming.trace_state, incoming.baggage.is_some()), (None, true));
        assert_eq!(Incoming::parse("", ["a=1"], ["a=1"]), None);
    }

    #[test]
    fn a_malformed_traceparent_starts_a_new_trace() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
        assert!(TraceParent::parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later").is_some());
    }
}
