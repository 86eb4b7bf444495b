//! The trace context that is handed down a call: who listens, which request, which span is the parent.

use crate::{ActiveSpan, Event, Observer};
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{SpanId, TraceId, TraceParent};
use std::sync::Arc;

/// Handed down a call, cheap to clone. The observer is shared; nothing is global.
#[derive(Clone)]
pub struct Trace {
    observer: Arc<dyn Observer>,
    request_id: Option<RequestId>,
    trace_id: TraceId,
    span_id: SpanId,
    /// False for a root that continues nobody: its spans have no parent.
    has_span: bool,
    sampled: bool,
}

impl Trace {
    /// Context of a request. Continues the caller's trace when it sent a `traceparent`.
    pub fn of_request(observer: Arc<dyn Observer>, request_id: RequestId, incoming: Option<TraceParent>) -> Self {
        match incoming {
            Some(parent) => Self {
                observer,
                request_id: Some(request_id),
                trace_id: parent.trace_id,
                span_id: parent.span_id,
                has_span: true,
                sampled: parent.sampled,
            },
            None => Self { request_id: Some(request_id), ..Self::detached(observer) },
        }
    }

    /// Context of work that no request asked for, e.g. a background rebuild.
    pub fn detached(observer: Arc<dyn Observer>) -> Self {
        Self {
            observer,
            request_id: None,
            trace_id: random_trace_id(),
            span_id: random_span_id(),
            has_span: false,
            sampled: true,
        }
    }

    /// Begins a span inside this context.
    pub fn span(&self, name: &'static str) -> ActiveSpan {
        ActiveSpan::begin(self, name)
    }

    /// Emits an event; the request id is filled in.
    pub fn event(&self, mut event: Event) {
        if !self.observer.is_enabled() {
            return;
        }
        if event.request_id.is_empty()
            && let Some(id) = &self.request_id
        {
            event.request_id = id.to_string();
        }
        self.observer.event(&event);
    }

    /// True when somebody listens.
    pub fn is_enabled(&self) -> bool {
        self.observer.is_enabled()
    }

    /// The request, if there is one.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    /// The trace.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The current span.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Header value that makes the other side a child of the current span.
    pub fn traceparent(&self) -> TraceParent {
        TraceParent { trace_id: self.trace_id, span_id: self.span_id, sampled: self.sampled }
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.observer
    }

    pub(crate) fn parent_for_children(&self) -> Option<SpanId> {
        self.has_span.then_some(self.span_id)
    }

    pub(crate) fn child(&self) -> Self {
        Self { span_id: random_span_id(), has_span: true, ..self.clone() }
    }
}

fn random_trace_id() -> TraceId {
    loop {
        if let Some(id) = TraceId::new(fastrand::u128(..)) {
            return id;
        }
    }
}

fn random_span_id() -> SpanId {
    loop {
        if let Some(id) = SpanId::new(fastrand::u64(..)) {
            return id;
        }
    }
}
