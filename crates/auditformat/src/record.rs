//! A record as its line says it, fields looked up by name: fields of later versions pass through every format.

use jiff::Timestamp;
use open_cli_contract::audit::AuditEvent;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Longest line that is taken.
pub const MAX_RECORD: usize = 1 << 20;

/// Why a line is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Longer than [`MAX_RECORD`].
    #[error("the line is longer than {MAX_RECORD} bytes")]
    TooLong,
    /// Not a JSON object.
    #[error("the line is no JSON object: {0}")]
    NotAnObject(serde_json::Error),
    /// Without a time it has no place in a log.
    #[error("the line has no RFC 3339 `timestamp`")]
    NoTime,
}

/// A record.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    line: Cow<'a, [u8]>,
    fields: Map<String, Value>,
    time: Timestamp,
}

impl<'a> Record<'a> {
    /// Reads a line; its end may be there or not.
    ///
    /// # Errors
    /// When it is no JSON object with a time, or too long.
    pub fn parse(line: &'a [u8]) -> Result<Self, RecordError> {
        Self::of_line(Cow::Borrowed(line))
    }

    /// The record of an event.
    ///
    /// # Errors
    /// When it is too long.
    pub fn of(event: &AuditEvent) -> Result<Record<'static>, RecordError> {
        let line = serde_json::to_vec(event).map_err(RecordError::NotAnObject)?;
        Record::of_line(Cow::Owned(line))
    }

    fn of_line(line: Cow<'a, [u8]>) -> Result<Self, RecordError> {
        if line.len() > MAX_RECORD {
            return Err(RecordError::TooLong);
        }
        let fields: Map<String, Value> = serde_json::from_slice(&line).map_err(RecordError::NotAnObject)?;
        let time = fields.get("timestamp").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let time = time.ok_or(RecordError::NoTime)?;
        Ok(Self { line, fields, time })
    }

    /// The line as it came.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// When it happened.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Milliseconds since 1970.
    pub(crate) fn millis(&self) -> i64 {
        self.time.as_millisecond()
    }

    /// A field that is text; empty when it is absent or something else.
    pub fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A field that is a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.fields.get(name)?.as_u64()
    }

    /// A field, whatever it is; `null` counts as absent.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// Status of the upstream.
    pub(crate) fn status(&self) -> Option<u64> {
        self.number("statusCode").filter(|status| *status > 0)
    }

    /// It was allowed, and what was called did not answer with an error.
    pub(crate) fn succeeded(&self) -> bool {
        self.text("decision") == "allowed" && self.status().is_none_or(|status| status < 400)
    }

    /// Names that `known` does not have.
    pub(crate) fn others<'s>(&'s self, known: &'s [&str]) -> impl Iterator<Item = (&'s String, &'s Value)> {
        self.fields.iter().filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null())
    }

    /// What happened, for people.
    pub(crate) fn message(&self) -> String {
        let (kind, tool, reason) = (self.text("eventType"), self.text("toolId"), self.text("reasonCode"));
        match (self.text("decision"), self.status()) {
            ("allowed", Some(status)) => format!("{kind}: {tool} answered with status {status}"),
            (decision, _) if reason.is_empty() || reason == decision => format!("{kind}: {tool} {decision}"),
            (decision, _) => format!("{kind}: {tool} {decision} ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_without_object_or_time_is_no_record() {
        for line in ["", "[]", "null", "{", "{}", r#"{"timestamp":"yesterday"}"#, r#"{"timestamp":7}"#] {
            assert!(Record::parse(line.as_bytes()).is_err(), "{line}");
        }
        let long = format!(r#"{{"timestamp":"2026-01-31T08:00:00Z","x":"{}"}}"#, "x".repeat(MAX_RECORD));
        assert!(matches!(Record::parse(long.as_bytes()), Err(RecordError::TooLong)));
    }

    #[test]
    fn an_event_is_a_record() {
        let event = AuditEvent { tool_id: "a:b".into(), status_code: 404, ..AuditEvent::default() };
        let record = Record::of(&event).expect("a record");
        assert_eq!((record.text("toolId"), record.status()), ("a:b", Some(404)));
        assert!(!record.succeeded());
    }

    proptest! {
        #[test]
        fn no_line_makes_a_format_panic(line in ".{0,200}", principal in ".{0,40}", tool in any::<String>()) {
            let _ = Record::parse(line.as_bytes());
            let hostile = serde_json::json!({
                "timestamp": "2026-01-31T08:00:00Z", "principal": principal, "toolId": tool, "path": line,
                "targetBaseUrl": tool, "decision": principal,
            });
            let hostile = hostile.to_string();
            let record = Record::parse(hostile.as_bytes()).expect("a record");
            for format in crate::Format::ALL {
                let mut out = Vec::new();
                format.append(&record, &line, &mut out);
                prop_assert!(out.ends_with(b"\n"));
            }
        }
    }
}
