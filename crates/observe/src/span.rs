//! Spans: stages of work with a beginning, an end, a parent and perhaps an error.

use crate::Trace;
use jiff::Timestamp;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{SpanId, TraceId};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// Longest attribute value or error that a span keeps: what callers and upstreams say must not fill the memory.
const MAX_TEXT: usize = 1024;

/// What is known when a span begins.
#[derive(Debug)]
pub struct SpanStart<'a> {
    /// E.g. `runtime.tools.execute`.
    pub name: &'static str,
    /// The trace.
    pub trace_id: TraceId,
    /// This span.
    pub span_id: SpanId,
    /// The span it happens in.
    pub parent: Option<SpanId>,
    /// The request.
    pub request_id: Option<&'a RequestId>,
}

/// A finished span.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// E.g. `runtime.tools.execute`.
    pub name: &'static str,
    /// String attributes, in the order they were set.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    pub attributes: Vec<(&'static str, String)>,
    /// Beginning, UTC.
    pub started_at: Timestamp,
    /// End, UTC.
    pub finished_at: Timestamp,
    /// Why it failed, absent on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The trace.
    pub trace_id: TraceId,
    /// This span.
    pub span_id: SpanId,
    /// The span it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// The request.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
}

impl Span {
    /// Value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

fn as_map<S: Serializer>(attributes: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(attributes.len()))?;
    for (key, value) in attributes {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

/// A span under way. Ends when [`ActiveSpan::end`] is called; dropped without it, it ends as `cancelled`.
#[must_use = "a span that is dropped at once measures nothing"]
pub struct ActiveSpan {
    /// `None` when nobody listens.
    open: Option<Box<OpenSpan>>,
    trace: Trace,
}

struct OpenSpan {
    name: &'static str,
    parent: Option<SpanId>,
    started_at: Timestamp,
    attributes: Vec<(&'static str, String)>,
    error: Option<String>,
}

impl ActiveSpan {
    pub(crate) fn begin(parent: &Trace, name: &'static str) -> Self {
        let trace = parent.child();
        if !trace.observer().is_enabled() {
            return Self { open: None, trace };
        }
        trace.observer().span_started(&SpanStart {
            name,
            trace_id: trace.trace_id(),
            span_id: trace.span_id(),
            parent: parent.parent_for_children(),
            request_id: trace.request_id(),
        });
        let mut attributes = Vec::with_capacity(4);
        if let Some(id) = trace.request_id() {
            attributes.push(("requestId", id.to_string()));
        }
        let open = OpenSpan {
            name,
            parent: parent.parent_for_children(),
            started_at: Timestamp::now(),
            attributes,
            error: None,
        };
        Self { open: Some(Box::new(open)), trace }
    }

    /// Context for work inside this span.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Sets an attribute. Never pass a secret; URLs go through `redact`.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        if let Some(open) = &mut self.open {
            open.attributes.push((name, bounded(value.into())));
        }
    }

    /// Marks the span as failed.
    pub fn fail(&mut self, error: impl std::fmt::Display) {
        if let Some(open) = &mut self.open {
            open.error = Some(bounded(error.to_string()));
        }
    }

    /// Ends the span.
    pub fn end(mut self) {
        self.finish(None);
    }

    /// Ends the span, failed when the result is an error; gives the result back.
    pub fn end_with<T, E: std::fmt::Display>(mut self, result: Result<T, E>) -> Result<T, E> {
        if let Err(error) = &result {
            self.fail(error);
        }
        self.finish(None);
        result
    }

    fn finish(&mut self, fallback_error: Option<&str>) {
        let Some(open) = self.open.take() else { return };
        let span = Span {
            name: open.name,
            attributes: open.attributes,
            started_at: open.started_at,
            finished_at: Timestamp::now(),
            error: open.error.or_else(|| fallback_error.map(str::to_owned)),
            trace_id: self.trace.trace_id(),
            span_id: self.trace.span_id(),
            parent_span_id: open.parent,
            request_id: self.trace.request_id().cloned(),
        };
        self.trace.observer().span_finished(&Arc::new(span));
    }
}

/// At most [`MAX_TEXT`] bytes, cut between characters.
fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

impl Drop for ActiveSpan {
    fn drop(&mut self) {
        self.finish(Some("cancelled"));
    }
}
