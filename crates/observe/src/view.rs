//! A finished span of a trace, looked at where it is; and the value of an attribute.

use crate::arena::{Head, Stored};
use crate::{Attributes, LocalTrace, Span, SpanKind, Value};
use jiff::Timestamp;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{SpanId, TraceId};
use serde::{Serialize, Serializer};

/// Value of an attribute, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// Text.
    Text(&'a str),
    /// Whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

impl<'a> Attribute<'a> {
    /// The text, if it is one.
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Int(_) | Self::Bool(_) => None,
        }
    }

    /// The number, if it is one.
    pub fn as_int(self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(number),
            Self::Text(_) | Self::Bool(_) => None,
        }
    }
}

impl<'a> From<&'a Value> for Attribute<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Static(text) => Self::Text(text),
            Value::Text(text) => Self::Text(text),
            Value::Shared(text) => Self::Text(text),
            Value::Int(number) => Self::Int(*number),
            Value::Bool(truth) => Self::Bool(*truth),
        }
    }
}

impl From<Attribute<'_>> for Value {
    fn from(value: Attribute<'_>) -> Self {
        match value {
            Attribute::Text(text) => Self::Text(text.into()),
            Attribute::Int(number) => Self::Int(number),
            Attribute::Bool(truth) => Self::Bool(truth),
        }
    }
}

impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
        }
    }
}

/// A finished span, where its trace keeps it.
#[derive(Clone, Copy)]
pub struct SpanView<'a> {
    pub(crate) trace: &'a LocalTrace,
    pub(crate) head: &'a Head,
}

impl<'a> SpanView<'a> {
    /// The contract's name of the stage, e.g. `runtime.tools.execute`.
    pub fn name(self) -> &'static str {
        self.head.name
    }

    /// The name that exporters give: OpenTelemetry's, else the stage's.
    pub fn title(self) -> &'a str {
        self.head.title.map_or(self.head.name, |title| self.trace.spans.0.get(title))
    }

    /// Role.
    pub fn kind(self) -> SpanKind {
        self.head.kind
    }

    /// Attributes in the order they were set, without the request id.
    pub fn attributes(self) -> impl Iterator<Item = (&'static str, Attribute<'a>)> {
        let arena = &self.trace.spans.0;
        arena.pairs(self.head).map(|(name, value)| {
            let value = match value {
                Stored::Text(text) => Attribute::Text(arena.get(text)),
                Stored::Int(number) => Attribute::Int(number),
                Stored::Bool(truth) => Attribute::Bool(truth),
            };
            (name, value)
        })
    }

    /// Value of an attribute.
    pub fn value(self, name: &str) -> Option<Attribute<'a>> {
        self.attributes().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Value of an attribute that is text. `requestId` is one.
    pub fn attribute(self, name: &str) -> Option<&'a str> {
        if name == "requestId" {
            return self.request_id().map(RequestId::as_str);
        }
        self.value(name)?.as_str()
    }

    /// The request.
    pub fn request_id(self) -> Option<&'a RequestId> {
        self.trace.request_id.as_ref()
    }

    /// Beginning, Unix nanoseconds; 0 before 1970.
    pub fn started_nanos(self) -> u64 {
        u64::try_from(self.head.started).unwrap_or(0)
    }

    /// End, Unix nanoseconds; 0 before 1970.
    pub fn finished_nanos(self) -> u64 {
        u64::try_from(self.head.finished).unwrap_or(0)
    }

    /// Beginning, UTC.
    pub fn started_at(self) -> Timestamp {
        timestamp(self.head.started)
    }

    /// End, UTC.
    pub fn finished_at(self) -> Timestamp {
        timestamp(self.head.finished)
    }

    /// How long it took, in nanoseconds; 0 when the clock was set back.
    pub fn nanos(self) -> u64 {
        u64::try_from(self.head.finished.saturating_sub(self.head.started)).unwrap_or(0)
    }

    /// Why it failed; `None` on success.
    pub fn error(self) -> Option<&'a str> {
        self.head.error.map(|error| self.trace.spans.0.get(error))
    }

    /// The trace.
    pub fn trace_id(self) -> TraceId {
        self.trace.trace_id
    }

    /// This span.
    pub fn span_id(self) -> SpanId {
        self.head.span_id
    }

    /// The span it happened in.
    pub fn parent_span_id(self) -> Option<SpanId> {
        self.head.parent
    }

    /// The parent is a span of another program.
    pub fn has_remote_parent(self) -> bool {
        self.head.has_remote_parent
    }

    /// The outermost span here: its parent is nobody, or in another program.
    pub fn is_local_root(self) -> bool {
        self.head.is_local_root()
    }

    /// Failed, or ended in a refusal (`error.type` is set).
    pub fn is_failed(self) -> bool {
        self.head.error.is_some() || self.value("error.type").is_some()
    }

    /// A copy that stands alone.
    pub fn to_span(self) -> Span {
        let pairs = self.attributes().map(|(name, value)| (name, value.into())).collect();
        Span {
            name: self.name(),
            title: self.head.title.map(|title| self.trace.spans.0.get(title).into()),
            kind: self.kind(),
            attributes: Attributes { request_id: self.request_id().cloned(), pairs },
            started_at: self.started_at(),
            finished_at: self.finished_at(),
            error: self.error().map(Into::into),
            trace_id: self.trace_id(),
            span_id: self.span_id(),
            parent_span_id: self.parent_span_id(),
            has_remote_parent: self.has_remote_parent(),
        }
    }
}

impl std::fmt::Debug for SpanView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_span().fmt(f)
    }
}

fn timestamp(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap_or_default()
}
