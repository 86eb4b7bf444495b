//! What both encodings say of a span beyond its own fields: one place, so that they say the same.

use open_cli_contract::ids::RequestId;
use open_cli_observe::{LocalTrace, SpanKind, SpanView};

/// The contract's name of the stage, when the span has another name by OpenTelemetry's conventions.
pub(crate) const STAGE: &str = "open_cli.stage";
/// The request, under the contract's name.
pub(crate) const REQUEST_ID: &str = "requestId";
/// On the outermost span: how many spans of the request were too many to keep.
pub(crate) const DROPPED: &str = "open_cli.dropped_spans";

/// `STATUS_CODE_ERROR`.
pub(crate) const STATUS_ERROR: u8 = 2;

/// `SpanKind`.
pub(crate) fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
    }
}

/// `SpanFlags`: the W3C flags, and whether the parent is a span of another program.
pub(crate) fn flags(trace: &LocalTrace, span: SpanView<'_>) -> u32 {
    const HAS_IS_REMOTE: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    let remote = if span.has_remote_parent() { IS_REMOTE } else { 0 };
    u32::from(trace.sampled) | HAS_IS_REMOTE | remote
}

/// The name of the stage, when it is not the name of the span.
pub(crate) fn stage(span: SpanView<'_>) -> Option<&'static str> {
    (span.title() != span.name()).then_some(span.name())
}

/// The request, on the spans that say it: the outermost one, and those whose request the contract names
/// (config-and-state §6.2). The others have it by their trace; saying it on each would cost a collector and the file a
/// seventh more. Where the outermost span `is_away`, all say it.
pub(crate) fn request_id<'a>(span: SpanView<'a>, is_away: bool) -> Option<&'a str> {
    let says_it = is_away || span.is_local_root() || span.name() == "cache.fetch";
    span.request_id().filter(|_| says_it).map(RequestId::as_str)
}

/// How many spans are missing, on the span that says so.
pub(crate) fn dropped(trace: &LocalTrace, span: SpanView<'_>) -> Option<i64> {
    (trace.dropped_spans > 0 && span.is_local_root())
        .then(|| i64::try_from(trace.dropped_spans).unwrap_or(i64::MAX))
}
