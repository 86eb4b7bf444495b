//! Spans in memory as the records that are answered, so that what is in memory and what is in the file can be merged.

use open_cli_contract::traces::{SpanRecord, SpanRole, TraceSummary};
use open_cli_observe::{LocalTrace, SpanKind, SpanView};
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::HashSet;

/// A span in memory as a record: the same that the file gives back.
pub fn record(span: SpanView<'_>) -> SpanRecord {
    let mut attributes = Map::new();
    if let Some(id) = span.request_id() {
        attributes.insert("requestId".to_owned(), id.as_str().into());
    }
    for (name, value) in span.attributes() {
        attributes.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
    }
    SpanRecord {
        name: span.name().to_owned(),
        title: (span.title() != span.name()).then(|| span.title().to_owned()),
        kind: match span.kind() {
            SpanKind::Internal => SpanRole::Internal,
            SpanKind::Server => SpanRole::Server,
            SpanKind::Client => SpanRole::Client,
        },
        attributes,
        started_at: span.started_at(),
        finished_at: span.finished_at(),
        error: span.error().map(str::to_owned),
        trace_id: span.trace_id(),
        span_id: span.span_id(),
        parent_span_id: span.parent_span_id(),
        has_remote_parent: span.has_remote_parent() && span.parent_span_id().is_some(),
    }
}

/// A trace in memory as a summary; `None` for spans that ended after their outermost one.
pub fn summary(trace: &LocalTrace) -> Option<TraceSummary> {
    Some(TraceSummary::of(&record(trace.root()?), trace.spans.len()))
}

/// Spans from memory and from the file, each once, by start time.
pub fn merge_spans(memory: Vec<SpanRecord>, file: Vec<SpanRecord>) -> Vec<SpanRecord> {
    let mut seen = HashSet::new();
    let mut spans: Vec<SpanRecord> =
        memory.into_iter().chain(file).filter(|span| seen.insert(span.span_id)).collect();
    spans.sort_by_key(|span| span.started_at);
    spans
}

/// Summaries from memory and from the file, each once, newest first, at most `limit`.
pub fn merge_summaries(memory: Vec<TraceSummary>, file: Vec<TraceSummary>, limit: usize) -> Vec<TraceSummary> {
    let mut seen = HashSet::new();
    let mut all: Vec<TraceSummary> =
        memory.into_iter().chain(file).filter(|summary| seen.insert(summary.span_id)).collect();
    all.sort_by_key(|summary| Reverse(summary.started_at));
    all.truncate(limit);
    all
}
