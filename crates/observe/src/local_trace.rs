//! All spans of one request, or of one piece of background work, in this program.

use crate::arena::{Arena, Head};
use crate::{Span, SpanView, pool};
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::TraceId;
use std::sync::Arc;

/// What one request did here. Told when its outermost span ended; spans that end later come in one of their own.
#[derive(Debug, Clone)]
pub struct LocalTrace {
    /// The trace, which other programs may have parts of.
    pub trace_id: TraceId,
    /// The request; `None` for background work.
    pub request_id: Option<RequestId>,
    /// The trace is exported: the caller said so, or the sampler.
    pub sampled: bool,
    /// The caller's `tracestate`.
    pub trace_state: Option<Arc<str>>,
    /// In the order in which they ended; the outermost is the last. See [`LocalTrace::spans`].
    pub spans: Spans,
    /// How many more there were.
    pub dropped_spans: usize,
}

impl LocalTrace {
    /// The spans in the order in which they ended.
    pub fn spans(&self) -> impl DoubleEndedIterator<Item = SpanView<'_>> + ExactSizeIterator {
        self.spans.0.ended().map(|head| SpanView { trace: self, head })
    }

    /// The outermost span, unless this is what came after it.
    pub fn root(&self) -> Option<SpanView<'_>> {
        self.spans().next_back().filter(|span| span.is_local_root())
    }

    /// A span failed, or ended in a refusal: also a call that was answered with the upstream's error. Such traces are
    /// worth keeping whatever the sampler says.
    pub fn is_failed(&self) -> bool {
        self.spans().any(SpanView::is_failed)
    }

    /// Copies of the spans that stand alone.
    pub fn to_spans(&self) -> Vec<Span> {
        self.spans().map(SpanView::to_span).collect()
    }
}

/// The spans of a trace, in memory that is used again when nobody looks at them any more.
#[derive(Debug, Clone, Default)]
pub struct Spans(pub(crate) Arena);

impl Spans {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.ended().len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        pool::give(std::mem::take(&mut self.0));
    }
}

/// Copied; ids of trace and request are the trace's.
impl FromIterator<Span> for Spans {
    fn from_iter<T: IntoIterator<Item = Span>>(spans: T) -> Self {
        let mut arena = Arena::default();
        for span in spans {
            let head = Head::new(span.name, span.span_id, span.parent_span_id, span.has_remote_parent);
            let Some(place) = arena.begin(head) else { break };
            let (title, error) =
                (span.title.map(|text| arena.text(&text)), span.error.map(|text| arena.text(&text)));
            let head = arena.head_mut(place);
            (head.title, head.error, head.kind) = (title, error, span.kind);
            (head.started, head.finished) =
                (crate::span::nanos(span.started_at), crate::span::nanos(span.finished_at));
            span.attributes.pairs.into_iter().for_each(|(name, value)| arena.set(place, name, value));
            arena.end(place);
        }
        Self(arena)
    }
}
