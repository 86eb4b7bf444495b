//! A record as a message by RFC 5424: what is searched for as structured data, the record itself as the text.
//!
//! Not for how messages are told apart on a connection.

use crate::Origin;
use crate::deliver::Entry;
use crate::webhook::append;
use open_cli_auditformat::{Format, Record};
use std::fmt::Write as _;
use std::sync::Arc;

/// "log audit".
const FACILITY: u8 = 13;
/// RFC 5424 §6.
const HOST_MAX: usize = 255;
const PROCESS_MAX: usize = 128;
const MESSAGE_ID_MAX: usize = 32;
/// Longest value of a parameter.
const VALUE_MAX: usize = 1024;
const PROGRAM: &str = "open-cli-toolbox";
/// The number is the one that is kept for examples (RFC 5612): the project has none of its own.
const DATA_ID: &str = "openCli@32473";
/// Parameters of the structured data, by the name of the field.
const TEXTS: [&str; 11] = [
    "requestId",
    "traceId",
    "eventType",
    "decision",
    "reasonCode",
    "outcome",
    "errorCode",
    "toolId",
    "serviceId",
    "principal",
    "clientAddress",
];
const NUMBERS: [&str; 2] = ["seq", "statusCode"];

/// How grave a record is, by what was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// It ran.
    Info,
    /// It ran, and the upstream answered with an error.
    Notice,
    /// It was refused.
    Warning,
    /// It failed.
    Error,
}

impl Gravity {
    pub(crate) fn of(record: &Record<'_>) -> Self {
        match record.text("decision") {
            "denied" => Self::Warning,
            "error" => Self::Error,
            _ if record.number("statusCode").is_some_and(|status| status >= 400) => Self::Notice,
            _ => Self::Info,
        }
    }

    /// RFC 5424 §6.2.1.
    fn severity(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info => 6,
        }
    }
}

/// Makes messages.
pub(crate) struct Messages {
    origin: Arc<Origin>,
    format: Format,
    host: String,
    process: String,
}

impl Messages {
    pub(crate) fn new(format: Format, origin: Arc<Origin>) -> Self {
        let (host, process) = (word(&origin.host, HOST_MAX), word(&origin.instance, PROCESS_MAX));
        Self { origin, format, host, process }
    }

    /// Appends a message; false when the record can't be one.
    pub(crate) fn append(&self, entry: &Entry, out: &mut Vec<u8>) -> bool {
        let Ok(record) = Record::parse(entry.line.get().as_bytes()) else { return false };
        let mut head = format!(
            "<{}>1 {:.6} {} {PROGRAM} {} {} [{DATA_ID}",
            FACILITY * 8 + Gravity::of(&record).severity(),
            record.time(),
            self.host,
            self.process,
            word(record.text("eventType"), MESSAGE_ID_MAX),
        );
        for name in NUMBERS {
            if let Some(number) = record.number(name) {
                // Writing to a string does not fail.
                let _ = write!(head, " {name}=\"{number}\"");
            }
        }
        for name in TEXTS {
            parameter(&mut head, name, record.text(name));
        }
        head.push_str("] ");
        let start = out.len();
        out.extend_from_slice(head.as_bytes());
        if !append(self.format, entry, &self.origin.version, out) {
            out.truncate(start);
            return false;
        }
        // Frames say where a message ends.
        if out.last() == Some(&b'\n') {
            out.pop();
        }
        true
    }
}

/// Printable US-ASCII without spaces, or `-`.
fn word(text: &str, most: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if word.is_empty() { "-".into() } else { word }
}

/// RFC 5424 §6.3.3.
fn parameter(out: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    let _ = write!(out, " {name}=\"");
    let cut = value.get(..value.floor_char_boundary(VALUE_MAX)).unwrap_or_default();
    for character in cut.chars() {
        match character {
            '"' | '\\' | ']' => out.extend(['\\', character]),
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str, format: Format) -> String {
        let origin = Origin {
            instance: "shop-306255e7f8".into(),
            host: "web 1".into(),
            version: "1.2.3".into(),
            resource: Arc::new(open_cli_otlp::Resource::new(Vec::new())),
        };
        let entry = Entry::new(serde_json::value::RawValue::from_string(line.to_owned()).expect("JSON"));
        let mut out = Vec::new();
        assert!(Messages::new(format, Arc::new(origin)).append(&entry, &mut out));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_record_is_a_message_with_what_is_searched_for_in_front() {
        let line = r#"{"timestamp":"2026-01-31T08:00:02.123456789Z","eventType":"authz_denial","principal":"a\"]\\\n","toolId":"o:x","decision":"denied","reasonCode":"policy_deny","requestId":"r-2","traceId":"4bf9","seq":7}"#;
        assert_eq!(
            message(line, Format::JsonLines),
            format!(
                "<108>1 2026-01-31T08:00:02.123456Z web1 open-cli-toolbox shop-306255e7f8 authz_denial [openCli@32473 \
                 seq=\"7\" requestId=\"r-2\" traceId=\"4bf9\" eventType=\"authz_denial\" decision=\"denied\" \
                 reasonCode=\"policy_deny\" toolId=\"o:x\" principal=\"a\\\"\\]\\\\ \"] {line}"
            )
        );
        assert!(message(line, Format::Cef).contains("\"] CEF:0|open-cli|"));
    }

    #[test]
    fn severity_follows_the_decision() {
        for (fields, priority) in [
            (r#""decision":"allowed","statusCode":200"#, "<110>"),
            (r#""decision":"allowed","statusCode":404"#, "<109>"),
            (r#""decision":"denied""#, "<108>"),
            (r#""decision":"error""#, "<107>"),
        ] {
            let line = format!(r#"{{"timestamp":"2026-01-31T08:00:02Z",{fields}}}"#);
            let message = message(&line, Format::JsonLines);
            assert!(message.starts_with(priority), "{message}");
            assert!(
                message.contains(" 2026-01-31T08:00:02.000000Z web1 ") && message.contains(" - [openCli"),
                "{message}"
            );
        }
    }
}
