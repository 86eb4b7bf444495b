//! Spans: stages of work with a beginning, an end, a parent and perhaps an error.

use crate::arena::{Arena, Head};
use crate::{Recordable, Trace, Value};
use jiff::Timestamp;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{SpanId, TraceId};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::fmt::Display;
use std::sync::Arc;

/// Role of a span (OpenTelemetry `SpanKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Work inside the runtime.
    #[default]
    Internal,
    /// Answers a request.
    Server,
    /// Sends a request.
    Client,
}

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

/// A finished span, by itself. Traces keep theirs together, see [`LocalTrace::spans`](crate::LocalTrace::spans).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// The contract's name of the stage, e.g. `runtime.tools.execute`.
    pub name: &'static str,
    /// The name by OpenTelemetry's conventions, e.g. `POST /v1/tools/execute`, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Arc<str>>,
    /// Role.
    pub kind: SpanKind,
    /// Attributes, in the order they were set. The request id is one of them when this is serialised.
    #[serde(serialize_with = "as_map")]
    pub attributes: Attributes,
    /// Beginning, UTC.
    pub started_at: Timestamp,
    /// End, UTC.
    pub finished_at: Timestamp,
    /// Why it failed, absent on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
    /// The trace.
    pub trace_id: TraceId,
    /// This span.
    pub span_id: SpanId,
    /// The span it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// The parent is a span of another program.
    #[serde(skip)]
    pub has_remote_parent: bool,
}

/// Attributes of a span, and the request it belongs to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes {
    /// The request.
    pub request_id: Option<RequestId>,
    /// Names and values; a name occurs once.
    pub pairs: Vec<(&'static str, Value)>,
}

impl Span {
    /// Value of an attribute.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.attributes.pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Value of an attribute that is text. `requestId` is one.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        if name == "requestId" {
            return self.request_id().map(RequestId::as_str);
        }
        self.value(name)?.as_str()
    }

    /// The request.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.attributes.request_id.as_ref()
    }

    /// The name that exporters give: OpenTelemetry's, else the stage's.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(self.name)
    }

    /// The outermost span here: its parent is nobody, or in another program.
    pub fn is_local_root(&self) -> bool {
        self.parent_span_id.is_none() || self.has_remote_parent
    }

    /// Failed, or ended in a refusal (`error.type` is set).
    pub fn is_failed(&self) -> bool {
        self.error.is_some() || self.value("error.type").is_some()
    }

    /// How long it took, in nanoseconds; 0 when the clock was set back.
    pub fn nanos(&self) -> u64 {
        u64::try_from(self.finished_at.as_nanosecond() - self.started_at.as_nanosecond()).unwrap_or(0)
    }
}

fn as_map<S: Serializer>(attributes: &Attributes, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    if let Some(id) = &attributes.request_id {
        map.serialize_entry("requestId", id.as_str())?;
    }
    for (key, value) in &attributes.pairs {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

/// A span under way. Ends when [`ActiveSpan::end`] is called; dropped without it, it ends as `cancelled`.
#[must_use = "a span that is dropped at once measures nothing"]
pub struct ActiveSpan {
    /// Where the spans of the request grow; `None` when nobody listens.
    place: Option<u32>,
    trace: Trace,
}

impl ActiveSpan {
    pub(crate) fn begin(parent: &Trace, name: &'static str) -> Self {
        let trace = parent.child();
        if !trace.is_enabled() {
            return Self { place: None, trace };
        }
        let parent_span_id = parent.parent_for_children();
        if trace.wants_spans() {
            trace.observer().span_started(&SpanStart {
                name,
                trace_id: trace.trace_id(),
                span_id: trace.span_id(),
                parent: parent_span_id,
                request_id: trace.request_id(),
            });
        }
        let mut head = Head::new(name, trace.span_id(), parent_span_id, parent.is_remote());
        head.started = now();
        let place = trace.begin(head);
        Self { place, trace }
    }

    /// Context for work inside this span.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// True when somebody listens, so that attributes are worth working out.
    pub fn is_recording(&self) -> bool {
        self.place.is_some()
    }

    /// Says what role the span has, and its name by OpenTelemetry's conventions.
    pub fn describe(&mut self, kind: SpanKind, title: impl Display) {
        self.write(|span| span.describe(kind, title));
    }

    /// Sets an attribute; a second value replaces the first. Never pass a secret; URLs go through `redact`. Text that is
    /// at hand is best given as `&str`.
    pub fn set(&mut self, name: &'static str, value: impl Recordable) {
        self.write(|span| span.set(name, value));
    }

    /// Says several things at once, which costs less. Nothing is called when nobody listens. Other spans of the request
    /// wait meanwhile, so nothing in there may touch them.
    pub fn write(&mut self, say: impl FnOnce(&mut OpenSpan<'_>)) {
        if let Some(place) = self.place {
            self.trace.open(place, |arena, place| say(&mut OpenSpan { arena, place }));
        }
    }

    /// Moves the beginning back to when the work really began, e.g. when its connection was accepted.
    pub fn started_at(&mut self, at: Timestamp) {
        self.write(|span| span.arena.head_mut(span.place).started = nanos(at));
    }

    /// Marks the span as failed.
    pub fn fail(&mut self, error: impl Display) {
        self.write(|span| span.fail(error));
    }

    /// Ends the span.
    pub fn end(mut self) {
        self.finish();
    }

    /// Ends the span, failed when the result is an error; gives the result back.
    pub fn end_with<T, E: Display>(mut self, result: Result<T, E>) -> Result<T, E> {
        if let Err(error) = &result {
            self.fail(error);
        }
        self.finish();
        result
    }

    fn finish(&mut self) {
        if let Some(place) = self.place.take() {
            self.trace.end(place, now());
        }
    }
}

impl Drop for ActiveSpan {
    fn drop(&mut self) {
        self.write(|span| {
            if span.arena.head(span.place).error.is_none() {
                span.fail("cancelled");
            }
        });
        self.finish();
    }
}

/// A span under way, to be changed.
pub struct OpenSpan<'a> {
    arena: &'a mut Arena,
    place: u32,
}

impl OpenSpan<'_> {
    /// See [`ActiveSpan::describe`].
    pub fn describe(&mut self, kind: SpanKind, title: impl Display) {
        let title = self.arena.shown(title);
        let head = self.arena.head_mut(self.place);
        (head.kind, head.title) = (kind, Some(title));
    }

    /// See [`ActiveSpan::set`].
    pub fn set(&mut self, name: &'static str, value: impl Recordable) {
        self.arena.set(self.place, name, value);
    }

    /// See [`ActiveSpan::fail`].
    pub fn fail(&mut self, error: impl Display) {
        let error = self.arena.shown(error);
        self.arena.head_mut(self.place).error = Some(error);
    }
}

/// Unix nanoseconds: i64 lasts until 2262.
pub(crate) fn nanos(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // Wraps after 2262.
    (since.as_secs() as i64).wrapping_mul(1_000_000_000).wrapping_add(since.subsec_nanos().into())
}
