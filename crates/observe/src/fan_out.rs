//! Tells several observers. One that panics is told nothing more: it never hurts a request, nor the others.

use crate::{Event, LocalTrace, Observer, Span, SpanStart};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells several observers, in order.
pub struct FanOut {
    listeners: Vec<Listener>,
    wants_events: bool,
    wants_spans: bool,
}

struct Listener {
    observer: Arc<dyn Observer>,
    is_broken: AtomicBool,
}

impl Listener {
    fn tell(&self, what: impl FnOnce(&dyn Observer)) {
        if self.is_broken.load(Ordering::Relaxed) {
            return;
        }
        // After a panic the observer's state is unknown, and it is not looked at again.
        if catch_unwind(AssertUnwindSafe(|| what(&*self.observer))).is_err() {
            self.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

impl FanOut {
    /// Those of the given observers that listen.
    pub fn new(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Self {
        let listeners = observers.into_iter().filter(|observer| observer.is_enabled());
        let listeners: Vec<Listener> =
            listeners.map(|observer| Listener { observer, is_broken: AtomicBool::new(false) }).collect();
        let wants_events = listeners.iter().any(|listener| listener.observer.wants_events());
        let wants_spans = listeners.iter().any(|listener| listener.observer.wants_spans());
        Self { listeners, wants_events, wants_spans }
    }

    /// How many observers panicked and are told nothing more.
    pub fn broken(&self) -> usize {
        self.listeners.iter().filter(|listener| listener.is_broken.load(Ordering::Relaxed)).count()
    }
}

impl Observer for FanOut {
    fn event(&self, event: &Event) {
        self.listeners.iter().for_each(|listener| listener.tell(|observer| observer.event(event)));
    }
    fn span_started(&self, span: &SpanStart<'_>) {
        self.listeners.iter().for_each(|listener| listener.tell(|observer| observer.span_started(span)));
    }
    fn span_finished(&self, span: &Arc<Span>) {
        self.listeners.iter().for_each(|listener| listener.tell(|observer| observer.span_finished(span)));
    }
    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        self.listeners.iter().for_each(|listener| listener.tell(|observer| observer.trace_finished(trace)));
    }
    fn is_enabled(&self) -> bool {
        !self.listeners.is_empty()
    }
    fn wants_events(&self) -> bool {
        self.wants_events
    }
    fn wants_spans(&self) -> bool {
        self.wants_spans
    }
}
