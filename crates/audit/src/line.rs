//! An event as one line of JSON: no line break inside, and `<`, `>`, `&` escaped so that the log can be shown in a
//! page as it is (§5.1). U+2028 and U+2029 are escaped for readers that take them for line breaks.
//!
//! Not for its place in the chain, which is spliced in when the line is written (see `chain`).

use crate::AuditError;
use crate::writer::BODY_MAX;
use open_cli_contract::audit::AuditEvent;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// Usual length of an event.
const CAPACITY: usize = 1 << 10;

/// The event as a JSON object, without a place in the chain: only the log gives that.
pub(crate) fn encode(event: &AuditEvent) -> Result<Vec<u8>, AuditError> {
    let unplaced;
    let event = if event.seq.is_none() && event.prev_hash.is_none() {
        event
    } else {
        unplaced = AuditEvent { seq: None, prev_hash: None, ..event.clone() };
        &unplaced
    };
    let mut line = Vec::with_capacity(CAPACITY);
    event
        .serialize(&mut serde_json::Serializer::with_formatter(&mut line, HarmlessText))
        .map_err(|cause| AuditError::Encode { reason: cause.to_string() })?;
    if line.len() > BODY_MAX {
        return Err(AuditError::TooLong { bytes: line.len(), limit: BODY_MAX });
    }
    Ok(line)
}

/// A string as it stands in an event, quotes included: what a search in the text of the log looks for.
pub(crate) fn quote(text: &str) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    // Writing a string to memory does not fail.
    let _ = text.serialize(&mut serde_json::Serializer::with_formatter(&mut quoted, HarmlessText));
    quoted
}

/// Compact JSON whose strings mean nothing to HTML.
struct HarmlessText;

impl Formatter for HarmlessText {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut written = 0;
        for (i, byte) in fragment.bytes().enumerate() {
            // 0xE2 begins U+2028 and U+2029, and many characters that stay as they are.
            if !matches!(byte, b'<' | b'>' | b'&' | 0xe2) {
                continue;
            }
            let Some((escape, length)) = escape_of(&fragment.as_bytes()[i..]) else { continue };
            writer.write_all(&fragment.as_bytes()[written..i])?;
            writer.write_all(escape.as_bytes())?;
            written = i + length;
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

/// Escape of the character that `text` begins with, and how many bytes it stands for.
fn escape_of(text: &[u8]) -> Option<(&'static str, usize)> {
    match text {
        [b'<', ..] => Some(("\\u003c", 1)),
        [b'>', ..] => Some(("\\u003e", 1)),
        [b'&', ..] => Some(("\\u0026", 1)),
        [0xe2, 0x80, 0xa8, ..] => Some(("\\u2028", 3)),
        [0xe2, 0x80, 0xa9, ..] => Some(("\\u2029", 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_contract::Timestamp;
    use open_cli_contract::audit::{Decision, Lineage};

    fn line_of(event: &AuditEvent) -> String {
        String::from_utf8(encode(event).expect("encodable")).expect("UTF-8")
    }

    /// §5.1: names, order, and what is left out.
    #[test]
    fn a_full_event_has_the_fields_of_the_contract_in_their_order() {
        let event = AuditEvent {
            timestamp: "2026-02-03T04:05:06.000000007Z".parse().expect("timestamp"),
            event_type: "tool_execution".into(),
            principal: "ada".into(),
            lineage: Some(Lineage { delegated_by: "bob".into(), ..Lineage::default() }),
            session_id: "s".into(),
            agent_profile: "p".into(),
            tool_id: "t".into(),
            service_id: "svc".into(),
            target_base_url: "https://api.example".into(),
            decision: Decision::Allowed,
            reason_code: "allowed".into(),
            method: "GET".into(),
            path: "/orders/{id}".into(),
            auth_scheme: "bearer".into(),
            request_size: 1,
            status_code: 200,
            latency_ms: Some(0),
            retry_count: 2,
            ..AuditEvent::default()
        };
        assert_eq!(
            line_of(&event),
            "{\"timestamp\":\"2026-02-03T04:05:06.000000007Z\",\"eventType\":\"tool_execution\",\
             \"principal\":\"ada\",\"lineage\":{\"delegatedBy\":\"bob\"},\"sessionId\":\"s\",\"agentProfile\":\"p\",\
             \"toolId\":\"t\",\"serviceId\":\"svc\",\"targetBaseUrl\":\"https://api.example\",\
             \"decision\":\"allowed\",\"reasonCode\":\"allowed\",\"method\":\"GET\",\"path\":\"/orders/{id}\",\
             \"authScheme\":\"bearer\",\"requestSize\":1,\"statusCode\":200,\"latencyMs\":0,\"retryCount\":2}"
        );
        assert_eq!(
            line_of(&AuditEvent { timestamp: Timestamp::UNIX_EPOCH, ..AuditEvent::default() }),
            "{\"timestamp\":\"1970-01-01T00:00:00Z\",\"toolId\":\"\",\"decision\":\"allowed\",\"reasonCode\":\"\"}"
        );
    }

    #[test]
    fn text_can_neither_break_the_line_nor_mean_html() {
        for (text, expected) in [
            ("a<b>&c", "a\\u003cb\\u003e\\u0026c"),
            ("<", "\\u003c"),
            ("a\nb\r\u{0}\"", "a\\nb\\r\\u0000\\\""),
            ("\u{2028}x\u{2029}", "\\u2028x\\u2029"),
            ("€ – größe", "€ – größe"),
        ] {
            let event = AuditEvent { principal: text.into(), ..AuditEvent::default() };
            let line = line_of(&event);
            assert!(line.contains(&format!("\"principal\":\"{expected}\"")), "{line}");
            assert_eq!(line.matches('\n').count(), 0);
            let read: AuditEvent = serde_json::from_str(&line).expect("JSON");
            assert_eq!(read, event);
        }
    }

    #[test]
    fn an_event_longer_than_a_line_may_be_is_refused() {
        let event = AuditEvent { principal: "x".repeat(BODY_MAX), ..AuditEvent::default() };
        let error = encode(&event).expect_err("too long");
        assert!(matches!(error, AuditError::TooLong { .. }), "{error}");
    }

    #[test]
    fn a_record_that_is_written_again_loses_its_old_place() {
        let event = AuditEvent { seq: Some(7), prev_hash: Some("ab".into()), ..AuditEvent::default() };
        assert_eq!(line_of(&event), line_of(&AuditEvent::default()));
    }
}
