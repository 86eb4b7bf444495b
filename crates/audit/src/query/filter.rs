//! Which records a query asks for: on the record itself, in the columns of an index, and in text before it is
//! parsed.
//!
//! Text of ours is recognised by its ends and searched as bytes: an event is written in one way, so a value that is
//! not there as it would be written is not there at all. Any other line is parsed.

use super::AuditQuery;
use crate::index::{Key, Wanted};
use crate::line;
use crate::scan::{Chunk, Head, lines, records_of};
use memchr::memchr;
use memchr::memmem::Finder;
use open_cli_contract::Timestamp;
use open_cli_contract::audit::Decision;

/// How each line of ours begins.
const FIRST_FIELD: &[u8] = b"{\"timestamp\":\"";
/// How its last field begins, and how many bytes of a line that field takes.
const LAST_FIELD: &[u8] = b",\"prevHash\":\"";
const LAST_LENGTH: usize = LAST_FIELD.len() + 64 + 2;

/// A query, ready to be asked often.
#[derive(Debug)]
pub(super) struct Filter {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    values: Vec<(Key, String)>,
    wanted: Wanted,
    /// Each value that is not empty, with its name, as it is written.
    needles: Vec<Finder<'static>>,
}

/// A record in a text: its JSON is `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Filter {
    pub(super) fn new(query: &AuditQuery) -> Self {
        let decision = query.decision.map(|decision| word(decision).to_owned());
        let value = |key| match key {
            Key::Request => &query.request_id,
            Key::Trace => &query.trace_id,
            Key::Session => &query.session_id,
            Key::Tool => &query.tool_id,
            Key::Service => &query.service_id,
            Key::Principal => &query.principal,
            Key::Type => &query.event_type,
            Key::Decision => &decision,
        };
        let values: Vec<_> = Key::ALL.into_iter().filter_map(|key| Some((key, value(key).clone()?))).collect();
        let wanted =
            Wanted::new(query.since, query.until, values.iter().map(|(key, value)| (*key, value.as_str())));
        // A field that is empty is not written.
        let written = values.iter().filter(|(_, value)| !value.is_empty());
        let needles = written.map(|(key, value)| Finder::new(&field(*key, value)).into_owned()).collect();
        Self { since: query.since, until: query.until, values, wanted, needles }
    }

    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Every record matches.
    pub(super) fn is_everything(&self) -> bool {
        self.values.is_empty() && self.since.is_none() && self.until.is_none()
    }

    pub(super) fn matches(&self, head: &Head<'_>) -> bool {
        self.is_in_time(head.timestamp) && self.values.iter().all(|(key, value)| head.value(*key) == value)
    }

    fn is_in_time(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    /// Finds the records of a text that match, and returns how many lines are bad. Among lines that begin and end as
    /// ours do, a bad one may stay uncounted when it has nothing that is looked for.
    pub(super) fn search(&self, chunk: Chunk<'_>, hits: &mut Vec<Hit>) -> u64 {
        let mut bad = 0;
        // Nearly always, for what is looked for by its id. One search is faster than one per line.
        let is_elsewhere = self.needles.iter().any(|needle| needle.find(chunk.text).is_none());
        for (start, line) in lines(chunk) {
            let Some(line) = line else {
                bad += 1;
                continue;
            };
            if !self.is_everything() && is_ours(line) && (is_elsewhere || !self.may_match(line)) {
                continue;
            }
            let is_good = records_of(start, line, &mut |record| {
                if self.matches(&record.head) {
                    hits.push(Hit { start: record.start, end: record.start + record.json.len() });
                }
            });
            bad += u64::from(!is_good);
        }
        bad
    }

    /// May the record of a line of ours match?
    fn may_match(&self, line: &[u8]) -> bool {
        self.needles.iter().all(|needle| needle.find(line).is_some())
            && (self.since.is_none() && self.until.is_none()
                || time_of(line).is_none_or(|time| self.is_in_time(time)))
    }
}

/// Does a line begin and end as those of ours do, and hold one record? What is in it may still be anything.
fn is_ours(line: &[u8]) -> bool {
    let is_framed = line.starts_with(FIRST_FIELD)
        && line.ends_with(b"\"}")
        && line.len().checked_sub(LAST_LENGTH).is_some_and(|at| line[at..].starts_with(LAST_FIELD));
    // A second record on the line begins as the first.
    let mut rest = line.get(1..).unwrap_or_default();
    while is_framed && let Some(brace) = memchr(b'{', rest) {
        rest = &rest[brace..];
        if rest.starts_with(FIRST_FIELD) {
            return false;
        }
        rest = &rest[1..];
    }
    is_framed
}

/// The time of a line of ours.
fn time_of(line: &[u8]) -> Option<Timestamp> {
    let text = line.strip_prefix(FIRST_FIELD)?;
    str::from_utf8(&text[..memchr(b'"', text)?]).ok()?.parse().ok()
}

/// A field as it is written.
fn field(key: Key, value: &str) -> Vec<u8> {
    let mut text = format!("\"{}\":", name(key)).into_bytes();
    text.extend_from_slice(&line::quote(value));
    text
}

fn name(key: Key) -> &'static str {
    match key {
        Key::Request => "requestId",
        Key::Trace => "traceId",
        Key::Session => "sessionId",
        Key::Tool => "toolId",
        Key::Service => "serviceId",
        Key::Principal => "principal",
        Key::Type => "eventType",
        Key::Decision => "decision",
    }
}

/// The decision as it is written in the record.
fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed",
        Decision::Denied => "denied",
        Decision::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Position, splice};
    use open_cli_contract::audit::AuditEvent;

    /// The search in bytes relies on it.
    #[test]
    fn each_value_is_written_as_it_is_looked_for() {
        for value in ["a", "Ada <ada@example>", "\"\\/\n", "größe \u{2028}", "{\"timestamp\":\""] {
            let event = AuditEvent {
                event_type: value.into(),
                principal: value.into(),
                session_id: value.into(),
                tool_id: value.into(),
                service_id: value.into(),
                request_id: value.into(),
                trace_id: value.into(),
                decision: Decision::Denied,
                ..AuditEvent::default()
            };
            let mut text = Vec::new();
            splice(&mut text, &line::encode(&event).expect("encodable"), Position::default());
            let text = text.trim_ascii_end();
            assert!(is_ours(text), "{}", String::from_utf8_lossy(text));
            assert_eq!(time_of(text), Some(event.timestamp));
            for key in Key::ALL {
                let needle = field(key, if key == Key::Decision { "denied" } else { value });
                assert!(memchr::memmem::find(text, &needle).is_some(), "{key:?} {value:?}");
            }
            let glued = [&text[..text.len() / 2], text].concat();
            assert!(!is_ours(&glued) && !is_ours(&text[1..]) && !is_ours(&text[..text.len() - 1]));
        }
    }
}
