//! The trace context that is handed down a call: who listens, which request, which span is the parent; and where the
//! spans of one request come together. W3C Trace Context and Baggage.

use crate::arena::{Arena, Head};
use crate::{ActiveSpan, Event, LocalTrace, Observer, Spans, pool};
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{Incoming, SpanId, TraceId, TraceParent};
use parking_lot::Mutex;
use std::sync::Arc;

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
    growing: Mutex<Growing>,
}

/// The spans of a request that were not told yet.
#[derive(Default)]
struct Growing {
    arena: Arena,
    /// How many more there were.
    dropped: usize,
}

impl Growing {
    fn of(observer: &dyn Observer) -> Mutex<Self> {
        let arena = if observer.is_enabled() { pool::take() } else { Arena::default() };
        Mutex::new(Self { arena, dropped: 0 })
    }
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
        let growing = Growing::of(&*observer);
        let shared =
            Shared { observer, request_id: Some(request_id), trace_id, sampled, trace_state, baggage, growing };
        Self { shared: Arc::new(shared), span_id, parent }
    }

    /// Context of work that no request asked for, e.g. a background rebuild.
    pub fn detached(observer: Arc<dyn Observer>) -> Self {
        Self::detached_sampled(observer, Sampler::ALL)
    }

    /// Context of work that no request asked for, exported when the sampler takes it.
    pub fn detached_sampled(observer: Arc<dyn Observer>, sampler: Sampler) -> Self {
        let trace_id = random_trace_id();
        let growing = Growing::of(&*observer);
        let shared = Shared {
            observer,
            request_id: None,
            trace_id,
            sampled: sampler.takes(trace_id, None),
            trace_state: None,
            baggage: None,
            growing,
        };
        Self { shared: Arc::new(shared), span_id: random_span_id(), parent: Parent::Nobody }
    }

    /// Begins a span inside this context.
    pub fn span(&self, name: &'static str) -> ActiveSpan {
        ActiveSpan::begin(self, name)
    }

    /// Emits an event; the request id is filled in.
    pub fn event(&self, mut event: Event) {
        if !self.wants_events() {
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

    /// True when somebody cares about events, so that they are worth describing.
    pub fn wants_events(&self) -> bool {
        self.is_enabled() && self.shared.observer.wants_events()
    }

    pub(crate) fn wants_spans(&self) -> bool {
        self.shared.observer.wants_spans()
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

    /// Begins a span where the others of the request are; `None` when there are too many.
    pub(crate) fn begin(&self, head: Head) -> Option<u32> {
        let mut growing = self.shared.growing.lock();
        let place = growing.arena.begin(head);
        if place.is_none() {
            growing.dropped += 1;
        }
        place
    }

    /// Gives the current span to be changed.
    pub(crate) fn open(&self, began: u32, change: impl FnOnce(&mut Arena, u32)) {
        let arena = &mut self.shared.growing.lock().arena;
        if let Some(place) = arena.place(began, self.span_id) {
            change(arena, place);
        }
    }

    /// Ends the current span; with the outermost one, all that ended are told at once.
    pub(crate) fn end(&self, began: u32, at: i64) {
        let mut growing = self.shared.growing.lock();
        let Some(place) = growing.arena.place(began, self.span_id) else { return };
        growing.arena.head_mut(place).finished = at;
        growing.arena.end(place);
        let is_root = growing.arena.head(place).is_local_root();
        if self.wants_spans() {
            let alone = Spans(growing.arena.only(place));
            drop(growing);
            let alone = self.shared.local_trace(alone, 0);
            alone.spans().for_each(|span| self.shared.observer.span_finished(&Arc::new(span.to_span())));
            growing = self.shared.growing.lock();
        }
        if is_root {
            let rest = growing.arena.under_way();
            let ended = std::mem::replace(&mut growing.arena, rest);
            let dropped = std::mem::take(&mut growing.dropped);
            drop(growing);
            self.shared.tell(ended, dropped);
        }
    }
}

impl Shared {
    fn local_trace(&self, spans: Spans, dropped_spans: usize) -> LocalTrace {
        LocalTrace {
            trace_id: self.trace_id,
            request_id: self.request_id.clone(),
            sampled: self.sampled,
            trace_state: self.trace_state.clone(),
            spans,
            dropped_spans,
        }
    }

    fn tell(&self, ended: Arena, dropped: usize) {
        self.observer.trace_finished(&Arc::new(self.local_trace(Spans(ended), dropped)));
    }
}

/// What ended after the outermost span is told too.
impl Drop for Shared {
    fn drop(&mut self) {
        let late = std::mem::take(self.growing.get_mut());
        if late.arena.ended().len() > 0 {
            self.tell(late.arena, late.dropped);
        } else {
            pool::give(late.arena);
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
