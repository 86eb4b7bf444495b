//! Built-in observers.

use crate::{Event, Observer, Span, SpanStart};
use open_cli_contract::trace::TraceId;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nop;

impl Observer for Nop {
    fn event(&self, _event: &Event) {}
    fn span_finished(&self, _span: &Arc<Span>) {}
    fn is_enabled(&self) -> bool {
        false
    }
}

/// Keeps everything in memory, for tests. Reads return copies (OBS-1).
#[derive(Debug, Default)]
pub struct Recorder {
    kept: Mutex<(Vec<Event>, Vec<Arc<Span>>)>,
}

impl Recorder {
    /// Events so far, in order.
    pub fn events(&self) -> Vec<Event> {
        self.kept.lock().0.clone()
    }
    /// Finished spans so far: inner ones first.
    pub fn spans(&self) -> Vec<Arc<Span>> {
        self.kept.lock().1.clone()
    }
    /// Forgets everything.
    pub fn clear(&self) {
        *self.kept.lock() = Default::default();
    }
}

impl Observer for Recorder {
    fn event(&self, event: &Event) {
        self.kept.lock().0.push(event.clone());
    }
    fn span_finished(&self, span: &Arc<Span>) {
        self.kept.lock().1.push(Arc::clone(span));
    }
}

/// Keeps the last spans of the instance in a ring, for the trace endpoints. Bounded: the oldest span goes first.
#[derive(Debug)]
pub struct Recent {
    spans: Mutex<VecDeque<Arc<Span>>>,
    capacity: usize,
}

impl Recent {
    /// Keeps at most `capacity` spans (at least one).
    pub fn new(capacity: usize) -> Self {
        Self { spans: Mutex::new(VecDeque::new()), capacity: capacity.max(1) }
    }

    /// Spans of the trace with this id, or of the request with this id, by start time. Empty when unknown or
    /// already pushed out.
    pub fn find(&self, id: &str) -> Vec<Arc<Span>> {
        let trace_id = TraceId::parse(id).or_else(|| self.trace_of_request(id));
        let Some(trace_id) = trace_id else { return Vec::new() };
        let mut found: Vec<_> =
            self.spans.lock().iter().filter(|span| span.trace_id == trace_id).cloned().collect();
        found.sort_by_key(|span| span.started_at);
        found
    }

    /// Outermost spans of the last requests, newest first.
    pub fn latest(&self, limit: usize) -> Vec<Arc<Span>> {
        let spans = self.spans.lock();
        let is_root = |span: &&Arc<Span>| span.name.starts_with("runtime.") && span.request_id.is_some();
        spans.iter().rev().filter(is_root).take(limit).cloned().collect()
    }

    fn trace_of_request(&self, id: &str) -> Option<TraceId> {
        let spans = self.spans.lock();
        let is_meant = |span: &&Arc<Span>| span.request_id.as_ref().is_some_and(|request| request.as_str() == id);
        spans.iter().rev().find(is_meant).map(|span| span.trace_id)
    }
}

impl Observer for Recent {
    fn event(&self, _event: &Event) {}
    fn span_finished(&self, span: &Arc<Span>) {
        let mut spans = self.spans.lock();
        if spans.len() == self.capacity {
            spans.pop_front();
        }
        spans.push_back(Arc::clone(span));
    }
}

/// Tells several observers, in order.
pub struct FanOut(Vec<Arc<dyn Observer>>);

impl FanOut {
    /// Those of the given observers that listen.
    pub fn new(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Self {
        Self(observers.into_iter().filter(|observer| observer.is_enabled()).collect())
    }
}

impl Observer for FanOut {
    fn event(&self, event: &Event) {
        self.0.iter().for_each(|observer| observer.event(event));
    }
    fn span_started(&self, span: &SpanStart<'_>) {
        self.0.iter().for_each(|observer| observer.span_started(span));
    }
    fn span_finished(&self, span: &Arc<Span>) {
        self.0.iter().for_each(|observer| observer.span_finished(span));
    }
    fn is_enabled(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trace;
    use open_cli_contract::ids::RequestId;
    use open_cli_contract::trace::TraceParent;

    fn request(observer: Arc<dyn Observer>, id: &str) -> Trace {
        Trace::of_request(observer, RequestId::parse(id).expect("valid"), None)
    }

    /// OBS-1, and parents, which the reference lacks.
    #[test]
    fn inner_spans_finish_first_and_name_their_parent() {
        let recorder = Arc::new(Recorder::default());
        let outer = request(recorder.clone(), "r-1").span("outer");
        let mut inner = outer.trace().span("inner");
        inner.set("k", "v");
        inner.fail("broken");
        inner.end();
        outer.end();
        let spans = recorder.spans();
        assert_eq!(spans.iter().map(|s| s.name).collect::<Vec<_>>(), ["inner", "outer"]);
        assert_eq!(spans[0].parent_span_id, Some(spans[1].span_id));
        assert_eq!(spans[1].parent_span_id, None);
        assert_eq!(spans[0].trace_id, spans[1].trace_id);
        assert_eq!((spans[0].attribute("k"), spans[0].error.as_deref()), (Some("v"), Some("broken")));
        assert_eq!(spans[0].attribute("requestId"), Some("r-1"));
    }

    #[test]
    fn a_span_that_is_dropped_counts_as_cancelled() {
        let recorder = Arc::new(Recorder::default());
        drop(request(recorder.clone(), "r-1").span("outer"));
        assert_eq!(recorder.spans()[0].error.as_deref(), Some("cancelled"));
    }

    #[test]
    fn the_callers_trace_is_continued() {
        let recorder = Arc::new(Recorder::default());
        let parent = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").expect("valid");
        Trace::of_request(recorder.clone(), RequestId::generate(), Some(parent)).span("outer").end();
        let span = recorder.spans()[0].clone();
        assert_eq!((span.trace_id, span.parent_span_id), (parent.trace_id, Some(parent.span_id)));
    }

    #[test]
    fn the_ring_is_bounded_and_finds_by_request_and_trace() {
        let recent = Arc::new(Recent::new(4));
        for id in ["a", "b", "c"] {
            let outer = request(recent.clone(), id).span("runtime.tools.execute");
            outer.trace().span("execution.http").end();
            outer.end();
        }
        assert!(recent.find("a").is_empty(), "pushed out");
        let found = recent.find("c");
        assert_eq!(found.iter().map(|s| s.name).collect::<Vec<_>>(), ["runtime.tools.execute", "execution.http"]);
        assert_eq!(recent.find(&found[0].trace_id.to_string()).len(), 2);
        let latest = recent.latest(9);
        assert_eq!(
            latest.iter().map(|s| s.request_id.as_ref().map(|r| r.as_str())).collect::<Vec<_>>(),
            [Some("c"), Some("b")]
        );
    }
}
