//! Built-in observers.

use crate::{Event, LocalTrace, Observer, Span};
use open_cli_contract::trace::TraceId;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nop;

impl Observer for Nop {
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

/// Keeps the last traces of the instance in memory, for the trace endpoints. Bounded by spans: the oldest trace goes
/// first.
#[derive(Debug)]
pub struct Recent {
    kept: Mutex<Kept>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Kept {
    traces: VecDeque<Arc<LocalTrace>>,
    spans: usize,
}

impl Recent {
    /// Keeps at most `capacity` spans, and at least the last trace.
    pub fn new(capacity: usize) -> Self {
        Self { kept: Mutex::default(), capacity: capacity.max(1) }
    }

    /// All that is kept of the trace with this id, or of the trace of the newest request with this id, oldest first.
    /// Empty when unknown or already pushed out.
    pub fn find(&self, id: &str) -> Vec<Arc<LocalTrace>> {
        let trace_id = TraceId::parse(id).or_else(|| self.trace_of_request(id));
        let Some(trace_id) = trace_id else { return Vec::new() };
        let kept = self.kept.lock();
        kept.traces.iter().filter(|trace| trace.trace_id == trace_id).cloned().collect()
    }

    /// Traces that are kept, newest first.
    pub fn newest_first(&self) -> Vec<Arc<LocalTrace>> {
        // Whoever looks at them does so after the lock, which every request that ends needs.
        self.kept.lock().traces.iter().rev().cloned().collect()
    }

    /// Traces of the last requests that ended, newest first, as long as they are wanted.
    pub fn latest(&self, mut is_wanted: impl FnMut(&LocalTrace) -> bool, limit: usize) -> Vec<Arc<LocalTrace>> {
        let mut found = self.newest_first();
        found.retain(|trace| trace.request_id.is_some() && trace.root().is_some());
        found.into_iter().filter(|trace| is_wanted(trace)).take(limit).collect()
    }

    fn trace_of_request(&self, id: &str) -> Option<TraceId> {
        let kept = self.kept.lock();
        let is_meant =
            |trace: &&Arc<LocalTrace>| trace.request_id.as_ref().is_some_and(|request| request.as_str() == id);
        kept.traces.iter().rev().find(is_meant).map(|trace| trace.trace_id)
    }
}

impl Observer for Recent {
    fn wants_events(&self) -> bool {
        false
    }
    fn wants_spans(&self) -> bool {
        false
    }
    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        // Almost always one.
        let (mut gone, mut more) = (None, Vec::new());
        let mut kept = self.kept.lock();
        kept.spans += trace.spans.len();
        kept.traces.push_back(Arc::clone(trace));
        while kept.spans > self.capacity && kept.traces.len() > 1 {
            let Some(oldest) = kept.traces.pop_front() else { break };
            kept.spans -= oldest.spans.len();
            more.extend(gone.replace(oldest));
        }
        // What went is freed after the lock.
        drop(kept);
    }
}
