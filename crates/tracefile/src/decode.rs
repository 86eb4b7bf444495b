//! OTLP JSON back to spans: a line is an `ExportTraceServiceRequest` (OpenTelemetry protocol, JSON Protobuf encoding).
//! Lenient: what another program wrote or copied is read too, fields we don't know are left out, numbers may be
//! strings, and a span that makes no sense costs that span only.

mod inherit;
mod wire;

use open_cli_contract::Timestamp;
use open_cli_contract::trace::{SpanId, TraceId};
use open_cli_contract::traces::{SpanRecord, SpanRole};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The stage's name by the contract, when the span has OpenTelemetry's.
const STAGE: &str = "open_cli.stage";
const REQUEST_ID: &str = "requestId";

/// Bits of `flags`: it is known whether the parent is remote, and it is.
const HAS_IS_REMOTE: i64 = 0x100;
const IS_REMOTE: i64 = 0x200;

/// Most outermost spans of one line that are looked at; ours have one.
const ROOTS_MAX: usize = 256;

/// Spans of a line in the order they have there; `None` when it is no such line.
pub(crate) fn spans(line: &[u8]) -> Option<Vec<SpanRecord>> {
    let mut spans: Vec<SpanRecord> = wire_spans(line)?.filter_map(record).collect();
    inherit::request_ids(&mut spans);
    Some(spans)
}

/// The outermost spans of a line, each with the number of spans that its trace has there. Cheaper than [`spans`].
pub(crate) fn roots(line: &[u8]) -> Vec<(SpanRecord, usize)> {
    let spans: Vec<wire::Span<'_>> = wire_spans(line).map(Iterator::collect).unwrap_or_default();
    let is_root = |span: &wire::Span<'_>| parent(span).is_none() || has_remote_parent(span);
    let found = spans.iter().enumerate().filter(|(_, span)| is_root(span));
    let places: Vec<(usize, usize)> = found
        .map(|(place, root)| (place, spans.iter().filter(|span| span.trace_id == root.trace_id).count()))
        .take(ROOTS_MAX)
        .collect();
    let mut places = places.into_iter().peekable();
    let counted = spans.into_iter().enumerate().filter_map(|(place, span)| {
        let (_, count) = places.next_if(|(wanted, _)| *wanted == place)?;
        Some((record(span)?, count))
    });
    counted.collect()
}

fn wire_spans(line: &[u8]) -> Option<impl Iterator<Item = wire::Span<'_>>> {
    let request: wire::Request<'_> = serde_json::from_slice(line).ok()?;
    let scopes = request.resource_spans.into_iter().filter_map(|resource| resource.scope_spans).flatten();
    Some(scopes.filter_map(|scope| scope.spans).flatten())
}

/// The outermost span: the last one that says so.
pub(crate) fn root<'a>(mut spans: impl DoubleEndedIterator<Item = &'a SpanRecord>) -> Option<&'a SpanRecord> {
    spans.rfind(|span| span.is_local_root())
}

/// Failed, ended in a refusal, or passed on the upstream's error.
pub(crate) fn is_failed(span: &SpanRecord) -> bool {
    let upstream = span.attributes.get("upstream.status_code").and_then(serde_json::Value::as_u64);
    span.error.is_some()
        || span.attributes.contains_key("error.type")
        || upstream.is_some_and(|status| status >= 400)
}

/// The spans of each request in a line. We write one a line; what a collector wrote may have many.
pub(crate) fn by_request(spans: &[SpanRecord]) -> Vec<Vec<&SpanRecord>> {
    let mut groups: Vec<Vec<&SpanRecord>> = Vec::new();
    let mut places = HashMap::new();
    for span in spans {
        let place = *places.entry((span.trace_id.to_bytes(), span.request_id())).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(span);
    }
    groups
}

fn parent<'s>(span: &'s wire::Span<'_>) -> Option<&'s str> {
    span.parent_span_id.as_deref().filter(|id| !id.is_empty())
}

fn has_remote_parent(span: &wire::Span<'_>) -> bool {
    let flags = span.flags.as_ref().and_then(|flags| flags.0).unwrap_or_default();
    // Who doesn't say whether the parent is remote: the parent of a request is.
    let is_remote =
        if flags & HAS_IS_REMOTE == 0 { role(&span.kind) == SpanRole::Server } else { flags & IS_REMOTE != 0 };
    parent(span).is_some() && is_remote
}

fn record(span: wire::Span<'_>) -> Option<SpanRecord> {
    let has_remote_parent = has_remote_parent(&span);
    let parent_span_id = match parent(&span) {
        None => None,
        Some(id) => Some(SpanId::parse(&id.to_ascii_lowercase())?),
    };
    let (attributes, stage) = attributes(span.attributes());
    let (name, title) = match stage {
        Some(stage) if stage != span.name => (stage, Some(span.name)),
        _ => (span.name, None),
    };
    let failed = span.status.filter(|status| status.code.is("STATUS_CODE_ERROR", 2));
    let error = failed.map(|status| status.message.filter(|text| !text.is_empty()));
    Some(SpanRecord {
        name,
        title,
        kind: role(&span.kind),
        attributes,
        started_at: time(span.start_time_unix_nano)?,
        finished_at: time(span.end_time_unix_nano)?,
        error: error.map(|message| message.unwrap_or_else(|| "error".to_owned())),
        trace_id: TraceId::parse(&span.trace_id.to_ascii_lowercase())?,
        span_id: SpanId::parse(&span.span_id.to_ascii_lowercase())?,
        parent_span_id,
        has_remote_parent,
    })
}

/// The attributes, the request id first, and the stage's name.
fn attributes(pairs: Vec<wire::KeyValue<'_>>) -> (Map<String, Value>, Option<String>) {
    let mut stage = None;
    let mut map = Map::new();
    if pairs.iter().any(|pair| pair.key == REQUEST_ID) {
        // Holds the first place.
        map.insert(REQUEST_ID.to_owned(), Value::Null);
    }
    for pair in pairs {
        let value = pair.value.map_or(Value::Null, wire::AnyValue::into_json);
        match (&*pair.key, value) {
            (STAGE, Value::String(name)) => stage = Some(name),
            (_, value) => {
                map.insert(pair.key.into_owned(), value);
            }
        }
    }
    (map, stage)
}

fn role(kind: &wire::Word) -> SpanRole {
    let known = [
        ("SPAN_KIND_SERVER", 2, SpanRole::Server),
        ("SPAN_KIND_CLIENT", 3, SpanRole::Client),
        ("SPAN_KIND_PRODUCER", 4, SpanRole::Producer),
        ("SPAN_KIND_CONSUMER", 5, SpanRole::Consumer),
    ];
    let found = known.into_iter().find(|(word, number, _)| kind.is(word, *number));
    found.map_or(SpanRole::Internal, |(_, _, role)| role)
}

fn time(nanos: Option<wire::Int>) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanos?.0?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(span: Value) -> Vec<SpanRecord> {
        let line = json!({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [span]}]}]});
        spans(line.to_string().as_bytes()).expect("a line")
    }

    fn span(more: Value) -> Value {
        let mut span = json!({
            "traceId": "4BF92F3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "name": "n",
            "startTimeUnixNano": "1769846400000000001", "endTimeUnixNano": 1_769_846_400_000_000_002_u64,
        });
        span.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
        span
    }

    #[test]
    fn numbers_and_words_are_read_in_every_form_that_otlp_allows() {
        for (more, kind, remote, error) in [
            (json!({}), SpanRole::Internal, false, None),
            (json!({"kind": 3, "parentSpanId": ""}), SpanRole::Client, false, None),
            (
                json!({"kind": "SPAN_KIND_SERVER", "parentSpanId": "00F067aa0ba902b8"}),
                SpanRole::Server,
                true,
                None,
            ),
            (
                json!({"kind": 2, "flags": 0x101, "parentSpanId": "00f067aa0ba902b8"}),
                SpanRole::Server,
                false,
                None,
            ),
            (
                json!({"kind": 1, "flags": 0x300, "parentSpanId": "00f067aa0ba902b8"}),
                SpanRole::Internal,
                true,
                None,
            ),
            (json!({"status": {"code": 2, "message": "m"}}), SpanRole::Internal, false, Some("m")),
            (json!({"status": {"code": "STATUS_CODE_ERROR"}}), SpanRole::Internal, false, Some("error")),
            (json!({"status": {"code": 1, "message": "m"}, "kind": null}), SpanRole::Internal, false, None),
            (json!({"attributes": null, "events": [{"x": [1]}], "new": {}}), SpanRole::Internal, false, None),
        ] {
            let found = one(span(more.clone()));
            let found = found.first().unwrap_or_else(|| panic!("a span: {more}"));
            assert_eq!(
                (found.kind, found.has_remote_parent, found.error.as_deref()),
                (kind, remote, error),
                "{more}"
            );
            assert_eq!(found.nanos(), 1);
            assert_eq!(found.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        }
    }

    #[test]
    fn attributes_keep_their_kind_and_the_stage_is_the_name() {
        let attributes = json!([
            {"key": "a", "value": {"stringValue": "1"}}, {"key": "b", "value": {"intValue": "-5"}},
            {"key": "c", "value": {"intValue": 6}}, {"key": "d", "value": {"boolValue": false}},
            {"key": "e", "value": {"doubleValue": 1.5}}, {"key": "open_cli.stage", "value": {"stringValue": "stage"}},
            {"key": "requestId", "value": {"stringValue": "r-1"}}, {"key": "f"},
        ]);
        let found = one(span(json!({"name": "GET /x", "attributes": attributes})));
        assert_eq!((found[0].name.as_str(), found[0].title.as_deref()), ("stage", Some("GET /x")));
        assert_eq!(
            serde_json::to_string(&found[0].attributes).expect("JSON"),
            r#"{"requestId":"r-1","a":"1","b":-5,"c":6,"d":false,"e":1.5,"f":null}"#
        );
    }

    #[test]
    fn a_span_that_makes_no_sense_costs_that_span_and_another_line_is_none() {
        for more in [
            json!({"traceId": "0"}),
            json!({"spanId": "0000000000000000"}),
            json!({"parentSpanId": "x"}),
            json!({"startTimeUnixNano": "soon"}),
            json!({"endTimeUnixNano": null}),
            json!({"endTimeUnixNano": u64::MAX}),
        ] {
            assert_eq!(one(span(more.clone())), [], "{more}");
        }
        for line in
            ["", "{}", "[]", "{\"resourceSpans\":1}", "{\"resourceSpans\":[", "\u{0}", &"[".repeat(100_000)]
        {
            assert_eq!(spans(line.as_bytes()), None);
        }
        assert_eq!(spans(b"{\"resourceSpans\":[{},{\"scopeSpans\":[{}]}]}"), Some(vec![]));
    }
}
