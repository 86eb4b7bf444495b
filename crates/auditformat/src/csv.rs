//! CSV by RFC 4180: CRLF, a header, quotes where they are needed. What a spreadsheet would take for a formula is made
//! text by a leading `'` (OWASP, "CSV Injection"): records hold what callers and upstreams say.

use crate::Record;
use serde_json::Value;
use std::borrow::Cow;

/// Fields of the contract, in its order; a dot leads into an object.
const COLUMNS: &[&str] = &[
    "seq",
    "timestamp",
    "eventType",
    "decision",
    "reasonCode",
    "principal",
    "toolId",
    "serviceId",
    "method",
    "path",
    "targetBaseUrl",
    "statusCode",
    "latencyMs",
    "retryCount",
    "requestSize",
    "errorCode",
    "requestId",
    "traceId",
    "clientAddress",
    "agentProfile",
    "sessionId",
    "authScheme",
    "lineage.delegatedBy",
    "lineage.delegationId",
    "lineage.actor",
    "catalogRevision",
    "configIdentity",
    "outcome",
    "workflowId",
    "stepId",
    "prevHash",
];
/// What has no column, as a JSON object.
const OTHER: &str = "other";

pub(crate) fn head(out: &mut Vec<u8>) {
    for column in COLUMNS {
        out.extend_from_slice(column.as_bytes());
        out.push(b',');
    }
    out.extend_from_slice(OTHER.as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn line(record: &Record<'_>, out: &mut Vec<u8>) {
    for column in COLUMNS {
        let value = match column.split_once('.') {
            Some((object, member)) => record.value(object).and_then(|object| object.get(member)),
            None => record.value(column),
        };
        cell(value, out);
        out.push(b',');
    }
    let is_known = |name: &str| COLUMNS.iter().any(|column| column.split('.').next() == Some(name));
    let is_taken = |name: &str, value: &Value| is_known(name) && (name != "lineage" || value.is_object());
    let others: serde_json::Map<String, Value> = record
        .others(&[])
        .filter(|(name, value)| !is_taken(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !others.is_empty() {
        text(&Value::Object(others).to_string(), out);
    }
    out.extend_from_slice(b"\r\n");
}

fn cell(value: Option<&Value>, out: &mut Vec<u8>) {
    match value {
        None | Some(Value::Null) => {}
        Some(Value::String(words)) => text(words, out),
        Some(Value::Number(number)) => out.extend_from_slice(number.to_string().as_bytes()),
        Some(other) => text(&other.to_string(), out),
    }
}

fn text(words: &str, out: &mut Vec<u8>) {
    let words: Cow<'_, str> = if is_formula(words) { format!("'{words}").into() } else { words.into() };
    if !words.contains([',', '"', '\r', '\n', '\t', '\'', ';']) {
        out.extend_from_slice(words.as_bytes());
        return;
    }
    out.push(b'"');
    for (index, part) in words.split('"').enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'"');
}

/// Begins like a formula, for one spreadsheet or another; also behind white space, and in full width.
fn is_formula(words: &str) -> bool {
    if words.starts_with(['\t', '\r', '\n', '\0']) {
        return true;
    }
    let bare = words.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}');
    bare.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '|', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_contract::audit::{AuditEvent, Lineage};
    use proptest::prelude::*;

    /// Takes CSV apart, by the grammar of RFC 4180.
    fn read(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
        let mut letters = text.chars().peekable();
        let mut is_quoted = false;
        while let Some(letter) = letters.next() {
            match letter {
                '"' if is_quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cell.push('"');
                }
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => row.push(std::mem::take(&mut cell)),
                '\r' if !is_quoted && letters.peek() == Some(&'\n') => {
                    letters.next();
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                letter => cell.push(letter),
            }
        }
        rows
    }

    #[test]
    fn records_are_rows() {
        let mut out = Vec::new();
        head(&mut out);
        crate::samples::records().for_each(|record| line(&record, &mut out));
        let text = String::from_utf8(out).expect("text");
        let rows = read(&text);
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len() + 1), "{rows:?}");
        insta::assert_snapshot!(text.replace('\r', "␍"));
    }

    #[test]
    fn every_field_of_the_contract_has_a_column() {
        let full = AuditEvent {
            event_type: "x".into(),
            principal: "x".into(),
            lineage: Some(Lineage {
                delegated_by: "x".into(),
                delegation_id: "x".into(),
                actor: [("a".to_owned(), "b".to_owned())].into(),
            }),
            session_id: "x".into(),
            agent_profile: "x".into(),
            tool_id: "x".into(),
            service_id: "x".into(),
            target_base_url: "x".into(),
            reason_code: "x".into(),
            method: "x".into(),
            path: "x".into(),
            auth_scheme: "x".into(),
            request_size: 1,
            status_code: 1,
            latency_ms: Some(1),
            retry_count: 1,
            request_id: "x".into(),
            trace_id: "x".into(),
            error_code: "x".into(),
            catalog_revision: "x".into(),
            config_identity: "x".into(),
            seq: Some(1),
            prev_hash: Some("x".into()),
            ..AuditEvent::default()
        };
        let mut out = Vec::new();
        line(&Record::of(&full).expect("a record"), &mut out);
        let row = read(&String::from_utf8(out).expect("text")).remove(0);
        assert_eq!(row.last().map(String::as_str), Some(""));
        let empty: Vec<_> =
            COLUMNS.iter().zip(&row).filter(|(_, cell)| cell.is_empty()).map(|(c, _)| *c).collect();
        assert_eq!(empty, ["clientAddress", "outcome", "workflowId", "stepId"]);
    }

    #[test]
    fn no_spreadsheet_computes_a_cell() {
        for (words, expected) in [
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("  =1", "\"'  =1\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("a=1", "a=1"),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("", ""),
        ] {
            let mut out = Vec::new();
            text(words, &mut out);
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(words in any::<String>()) {
            let mut out = Vec::new();
            text(&words, &mut out);
            out.extend_from_slice(b"\r\n");
            let cell = read(&String::from_utf8(out).expect("text")).remove(0).remove(0);
            let is_text = cell == words || cell.strip_prefix('\'') == Some(&words);
            prop_assert!(is_text, "{:?} {:?}", cell, words);
            prop_assert!(!is_formula(&cell));
        }
    }
}
