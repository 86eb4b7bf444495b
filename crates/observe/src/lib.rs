//! The extension point: what the runtime does, told to an [`Observer`] as spans and events
//! (config-and-state §6). Built in: [`Nop`], [`Recorder`] for tests, [`Recent`] behind the trace endpoints,
//! [`FanOut`], which keeps a broken observer away from requests, and [`Detached`], which keeps a slow one away.
//! Metrics, trace files and OTLP are observers in rooms of their own. Not for logs (that is `tracing`) and not for
//! audit (that must not be lost; this may be).

mod arena;
mod context;
mod detached;
mod event;
mod fan_out;
mod local_trace;
mod observers;
mod pool;
mod recordable;
pub mod semconv;
mod span;
mod value;
mod view;

pub use context::{Sampler, Trace};
pub use detached::Detached;
pub use event::Event;
pub use fan_out::FanOut;
pub use local_trace::{LocalTrace, Spans};
pub use observers::{Nop, Recent, Recorder};
pub use recordable::{Recordable, Shown, Slot};
pub use span::{ActiveSpan, Attributes, OpenSpan, Span, SpanKind, SpanStart};
pub use value::Value;
pub use view::{Attribute, SpanView};

use std::sync::Arc;

/// Receives spans and events. Called on the request path: return quickly, hand work to a task of your own.
/// No operation can fail.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn event(&self, _event: &Event) {}

    /// A span began. Most observers only care about its end.
    fn span_started(&self, _span: &SpanStart<'_>) {}

    /// A span ended; inner spans end before outer ones (OBS-1).
    fn span_finished(&self, _span: &Arc<Span>) {}

    /// The outermost span of a request, or of background work, ended: here are all of its spans, without those beyond
    /// the bound. Each was told by `span_finished` too, to those who want that.
    fn trace_finished(&self, _trace: &Arc<LocalTrace>) {}

    /// False when the observer ignores everything, so that callers may skip the work of describing it.
    fn is_enabled(&self) -> bool {
        true
    }

    /// False when the observer ignores events.
    fn wants_events(&self) -> bool {
        true
    }

    /// False when the observer ignores spans by themselves: whole traces are enough, and cost much less.
    fn wants_spans(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
