//! All spans of one request, or of one piece of background work, in this program.

use crate::Span;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::TraceId;
use std::sync::Arc;

/// What one request did here. Told when its outermost span ended; spans that end later come in one of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalTrace {
    /// The trace, which other programs may have parts of.
    pub trace_id: TraceId,
    /// The request; `None` for background work.
    pub request_id: Option<RequestId>,
    /// The trace is exported: the caller said so, or the sampler.
    pub sampled: bool,
    /// The caller's `tracestate`.
    pub trace_state: Option<Arc<str>>,
    /// In the order in which they ended; the outermost is the last.
    pub spans: Vec<Arc<Span>>,
    /// How many more there were.
    pub dropped_spans: usize,
}

impl LocalTrace {
    /// The outermost span, unless this is what came after it.
    pub fn root(&self) -> Option<&Arc<Span>> {
        self.spans.last().filter(|span| span.is_local_root())
    }

    /// A span failed, or ended in a refusal: also a call that was answered with the upstream's error. Such traces are
    /// worth keeping whatever the sampler says.
    pub fn is_failed(&self) -> bool {
        self.spans.iter().any(|span| span.is_failed())
    }
}
