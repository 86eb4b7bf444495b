//! The records in a text: one a line, none on a blank line, several on a line where an older writer glued them
//! together (AUDIT-4 and AUDIT-5 with weaknesses 55 and 57). A line that holds anything else is bad and costs that
//! line only.
//!
//! Not for choosing records (see `query`).

use super::Chunk;
use crate::LINE_MAX;
use crate::index::Key;
use memchr::memchr;
use open_cli_contract::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a query looks at. An absent field is an empty one, as in the record itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head<'a> {
    pub(crate) timestamp: Timestamp,
    #[serde(borrow, default)]
    pub(crate) event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) tool_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) service_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) decision: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) principal: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) session_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) request_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) trace_id: Cow<'a, str>,
}

impl<'a> Head<'a> {
    /// Of a JSON object without anything around it.
    pub(crate) fn of(json: &'a str) -> Option<Self> {
        // Serde would take the elements of an array for the fields.
        json.starts_with('{').then(|| serde_json::from_str(json).ok()).flatten()
    }

    pub(crate) fn value(&self, key: Key) -> &str {
        match key {
            Key::Request => &self.request_id,
            Key::Trace => &self.trace_id,
            Key::Session => &self.session_id,
            Key::Tool => &self.tool_id,
            Key::Service => &self.service_id,
            Key::Principal => &self.principal,
            Key::Type => &self.event_type,
            Key::Decision => &self.decision,
        }
    }
}

/// A record in a text.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Where its JSON begins in the text.
    pub(crate) start: usize,
    /// Its JSON.
    pub(crate) json: &'a str,
    pub(crate) head: Head<'a>,
}

/// Tells the records of a chunk and returns how many lines are bad. A line longer than [`LINE_MAX`] is bad where it
/// begins.
pub(crate) fn each_record<'a>(chunk: Chunk<'a>, mut tell: impl FnMut(Record<'a>)) -> u64 {
    let mut bad = 0;
    for (start, line) in lines(chunk) {
        bad += u64::from(!line.is_some_and(|line| records_of(start, line, &mut tell)));
    }
    bad
}

/// Where each line begins, and its bytes without the LF; None for one longer than [`LINE_MAX`]. A line that is cut is
/// there with its beginning only.
pub(crate) fn lines<'a>(chunk: Chunk<'a>) -> impl Iterator<Item = (usize, Option<&'a [u8]>)> {
    let text = chunk.text;
    let mut at = match chunk.head_cut {
        true => memchr(b'\n', text).map_or(text.len(), |end| end + 1),
        false => 0,
    };
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let end = memchr(b'\n', rest);
        let (start, line) = (at, &rest[..end.unwrap_or(rest.len())]);
        at += line.len() + 1;
        let is_cut = end.is_none() && chunk.tail_cut;
        Some((start, (line.len() <= LINE_MAX && !is_cut).then_some(line)))
    })
}

/// Tells the records of a line. False when the line holds anything else; what is before that is told.
pub(crate) fn records_of<'a>(start: usize, line: &'a [u8], tell: &mut impl FnMut(Record<'a>)) -> bool {
    // Nearly always: one object and nothing else.
    let blank = line.iter().take_while(|byte| is_blank(byte)).count();
    let end = line.len() - line[blank..].iter().rev().take_while(|byte| is_blank(byte)).count();
    if let Ok(json) = str::from_utf8(&line[blank..end])
        && let Some(head) = Head::of(json)
    {
        tell(Record { start: start + blank, json, head });
        return true;
    }
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<&RawValue>();
    while let Some(value) = values.next() {
        let Ok(value) = value else { return false };
        let Some(head) = Head::of(value.get()) else { return false };
        let start = start + values.byte_offset() - value.get().len();
        tell(Record { start, json: value.get(), head });
    }
    true
}

/// What may be around a JSON value (RFC 8259 §2).
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The record that begins at a place in a text.
pub(crate) fn record_at(text: &[u8], start: usize) -> Option<Record<'_>> {
    let rest = text.get(start..)?;
    let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
    let mut found = None;
    records_of(start, line, &mut |record| {
        found.get_or_insert(record);
    });
    found.filter(|record| record.start == start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[u8], head_cut: bool, tail_cut: bool) -> (Vec<(usize, &str)>, u64) {
        let mut found = Vec::new();
        let bad = each_record(Chunk { at: 0, text, head_cut, tail_cut }, |record| {
            let found_again = record_at(text, record.start).expect("at its place");
            assert_eq!(found_again.json, record.json);
            found.push((record.start, record.json));
        });
        (found, bad)
    }

    #[test]
    fn records_are_found_at_their_places_whatever_is_around_them() {
        let a = "{\"timestamp\":\"2026-01-01T00:00:00Z\"}";
        let link = format!(",\"seq\":7,\"prevHash\":\"{}\"}}", "0".repeat(64));
        let linked = a.replace('}', &link);
        for (text, expected, bad) in [
            (String::new(), vec![], 0),
            (format!("{a}\n"), vec![(0, a)], 0),
            (format!("\n \t\r\n {a} \r\n{a}"), vec![(6, a), (45, a)], 0),
            (format!("{a}{a} {a}\n"), vec![(0, a), (36, a), (73, a)], 0),
            (format!("{linked}\r\n"), vec![(0, &linked[..])], 0),
            (format!("{a}{linked}\n"), vec![(0, a), (36, &linked[..])], 0),
            (format!("{a} x\n{a}\n"), vec![(0, a), (39, a)], 1),
            (format!("{}{a}\nx\n[]\n{{}}\n", &a[..20]), vec![], 4),
        ] {
            assert_eq!(of(text.as_bytes(), false, false), (expected, bad), "{text:?}");
        }
    }

    #[test]
    fn a_line_that_is_cut_is_bad_where_it_begins() {
        let a = "{\"timestamp\":\"2026-01-01T00:00:00Z\"}";
        for (text, head_cut, tail_cut, good, bad) in [
            (format!("{a}\n{a}\n"), true, false, 1, 0),
            (format!("{a}\n{a}"), false, true, 1, 1),
            (format!("{a}\n{a}"), true, true, 0, 1),
            (a.to_owned(), true, true, 0, 0),
            (a.to_owned(), false, true, 0, 1),
            (format!("{a}\n"), true, false, 0, 0),
        ] {
            let (found, counted) = of(text.as_bytes(), head_cut, tail_cut);
            assert_eq!((found.len(), counted), (good, bad), "{text:?} {head_cut} {tail_cut}");
        }
        let long = format!("{}\n{a}\n", "x".repeat(LINE_MAX + 1));
        assert_eq!(of(long.as_bytes(), false, false).1, 1);
    }
}
