//! The trace context that is handed down a call: who listens, which request, which span is the parent; and where the
//! spans of one request come together. W3C Trace Context and Baggage.

use crate::{ActiveSpan, Event, LocalTrace, Observer, Span};
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{Incoming, SpanId, TraceId, TraceParent};
use parking_lot::Mutex;
use std::sync::Arc;

/// Most spans of one request that come together; more are told one by one only, and counted.
const MAX_GATHERED: usize = 8192;

/// Handed down a call, cheap to clone. The observer is shared; nothing is global.
#[derive(Clone)]
pub struct Trace {
    shared: Arc<Shared>,
    span_id: SpanId,
    parent: Parent,
}

/// What a span begun here has for a parent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parent {
    Nobody,
    Remote,
    Local,
}

/// The same for all spans of a request.
struct Shared {
    observer: Arc<dyn Observer>,
    request_id: Option<RequestId>,
    trace_id: TraceId,
    sampled: bool,
    trace_state: Option<Arc<str>>,
    baggage: Option<Arc<str>>,
    gathered: Mutex<Gathered>,
}

#[derive(Default)]
struct Gathered {
    spans: Vec<Arc<Span>>,
    dropped: usize,
}

/// Decides which traces are exported: the caller's decision when there is one, else a share of the traces, the same
/// in every program that decides by the trace id (W3C Trace Context Level 2, random trace ids).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Of 2^56.
    threshold: u64,
    /// The caller's decision counts.
    follows_parent: bool,
}

impl Sampler {
    /// All traces.
    pub const ALL: Self = Self { threshold: 0, follows_parent: true };

    /// This share of the traces, from 0.0 to 1.0.
    pub fn ratio(share: f64) -> Self {
        const ALL: f64 = (1_u64 << 56) as f64;
        let rejected = (1.0 - if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }) * ALL;
        Self { threshold: rejected as u64, follows_parent: true }
    }

    /// The same share whatever callers decided.
    #[must_use]
    pub fn regardless_of_parent(self) -> Self {
        Self { follows_parent: false, ..self }
    }

    fn takes(self, id: TraceId, incoming: Option<&Incoming>) -> bool {
        match incoming {
            Some(incoming) if self.follows_parent => incoming.parent.sampled,
            _ => id.random_part() >= self.threshold,
        }
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self::ALL
    }
}

impl Trace {
    /// Context of a request. Continues the caller's trace when it sent one.
    pub fn of_request(
        observer: Arc<dyn Observer>,
        request_id: RequestId,
        incoming: Option<Incoming>,
        sampler: Sampler,
    ) -> Self {
        let trace_id = incoming.as_ref().map_or_else(random_trace_id, |incoming| incoming.parent.trace_id);
        let sampled = sampler.takes(trace_id, incoming.as_ref());
        let parent = if incoming.is_some() { Parent::Remote } else { Parent::Nobody };
        let span_id = incoming.as_ref().map_or_else(random_span_id, |incoming| incoming.parent.span_id);
        let (trace_state, baggage) =
            incoming.map_or((None, None), |incoming| (incoming.trace_state, incoming.baggage));
        let shared = Shared {
            observer,
            request_id: Some(request_id),
            trace_id,
            sampled,
            trace_state,
            baggage,
            gathered: Mutex::default(),
        };
        Self { shared: Arc::new(shared), span_id, parent }
    }

    /// Context of work that no request asked for, e.g. a background rebuild.
    pub fn detached(observer: Arc<dyn Observer>) -> Self {
        Self::detached_sampled(observer, Sampler::ALL)
    }

    /// Context of work that no request asked for, exported when the sampler takes it.
    pub fn detached_sampled(observer: Arc<dyn Observer>, sampler: Sampler) -> Self {
        let trace_id = random_trace_id();
        let shared = Shared {
            observer,
            request_id: None,
            trace_id,
            sampled: sampler.takes(trace_id, None),
            trace_state: None,
            baggage: None,
            gathered: Mutex::default(),
        };
        Self { shared: Arc::new(shared), span_id: random_span_id(), parent: Parent::Nobody }
    }

    /// Begins a span inside this context.
    pub fn span(&self, name: &'static str) -> ActiveSpan {
        ActiveSpan::begin(self, name)
    }

    /// Emits an event; the request id is filled in.
    pub fn event(&self, mut event: Event) {
        if !self.is_enabled() {
            return;
        }
        if event.request_id.is_empty()
            && let Some(id) = &self.shared.request_id
        {
            event.request_id = id.to_string();
        }
        self.shared.observer.event(&event);
    }

    /// True when somebody listens.
    pub fn is_enabled(&self) -> bool {
        self.shared.observer.is_enabled()
    }

    /// The request, if there is one.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.shared.request_id.as_ref()
    }

    /// The trace.
    pub fn trace_id(&self) -> TraceId {
        self.shared.trace_id
    }

    /// The current span.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The trace is exported.
    pub fn is_sampled(&self) -> bool {
        self.shared.sampled
    }

    /// Header value that makes the other side a child of the current span.
    pub fn traceparent(&self) -> TraceParent {
        TraceParent { trace_id: self.shared.trace_id, span_id: self.span_id, sampled: self.shared.sampled }
    }

    /// The caller's `tracestate`, to be passed on as it is.
    pub fn trace_state(&self) -> Option<&Arc<str>> {
        self.shared.trace_state.as_ref()
    }

    /// The caller's `baggage`, to be passed on as it is.
    pub fn baggage(&self) -> Option<&Arc<str>> {
        self.shared.baggage.as_ref()
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.shared.observer
    }

    pub(crate) fn parent_for_children(&self) -> Option<SpanId> {
        (self.parent != Parent::Nobody).then_some(self.span_id)
    }

    pub(crate) fn is_remote(&self) -> bool {
        self.parent == Parent::Remote
    }

    pub(crate) fn child(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), span_id: random_span_id(), parent: Parent::Local }
    }

    /// Keeps a finished span until the outermost one here ends; then tells all of them at once.
    pub(crate) fn gather(&self, span: Arc<Span>) {
        let is_root = span.is_local_root();
        let mut gathered = self.shared.gathered.lock();
        if gathered.spans.len() < MAX_GATHERED || is_root {
            gathered.spans.push(span);
        } else {
            gathered.dropped += 1;
        }
        if is_root {
            let complete = std::mem::take(&mut *gathered);
            drop(gathered);
            self.shared.tell(complete);
        }
    }
}

impl Shared {
    fn tell(&self, gathered: Gathered) {
        self.observer.trace_finished(&Arc::new(LocalTrace {
            trace_id: self.trace_id,
            request_id: self.request_id.clone(),
            sampled: self.sampled,
            trace_state: self.trace_state.clone(),
            spans: gathered.spans,
            dropped_spans: gathered.dropped,
        }));
    }
}

/// What ended after the outermost span is told too.
impl Drop for Shared {
    fn drop(&mut self) {
        let late = std::mem::take(self.gathered.get_mut());
        if !late.spans.is_empty() {
            self.tell(late);
        }
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
