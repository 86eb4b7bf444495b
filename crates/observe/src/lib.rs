//! The extension point: what the runtime does, told to an [`Observer`] as spans and events
//! (config-and-state §6). Built in: [`Nop`], [`Recorder`] for tests, [`Recent`] behind the trace endpoints and
//! [`FanOut`]. Not for logs (that is `tracing`) and not for audit (that must not be lost; this may be).

mod context;
mod event;
mod observers;
mod span;

pub use context::Trace;
pub use event::Event;
pub use observers::{FanOut, Nop, Recent, Recorder};
pub use span::{ActiveSpan, Span, SpanStart};

use std::sync::Arc;

/// Receives spans and events. Called on the request path: return quickly, hand work to a task of your own.
/// Neither operation can fail.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: &Event);

    /// A span began. Most observers only care about its end.
    fn span_started(&self, _span: &SpanStart<'_>) {}

    /// A span ended; inner spans end before outer ones (OBS-1).
    fn span_finished(&self, span: &Arc<Span>);

    /// False when the observer ignores everything, so that callers may skip the work of describing it.
    fn is_enabled(&self) -> bool {
        true
    }
}
