//! `ExportTraceServiceRequest`.

use super::common;
use crate::{Resource, span, wire};
use open_cli_observe::{Attribute, LocalTrace, SpanView};
use std::sync::Arc;

/// Appends a request with all spans of these traces.
pub fn traces(out: &mut Vec<u8>, resource: &Resource, traces: &[Arc<LocalTrace>]) {
    common::request(out, resource, |out| {
        for trace in traces {
            for one in trace.spans() {
                wire::message(out, 2, |out| write(out, trace, one));
            }
        }
    });
}

/// The message `Span`.
fn write(out: &mut Vec<u8>, trace: &LocalTrace, one: SpanView<'_>) {
    wire::bytes(out, 1, &one.trace_id().to_bytes());
    wire::bytes(out, 2, &one.span_id().to_bytes());
    if let Some(state) = &trace.trace_state {
        wire::text(out, 3, state);
    }
    if let Some(parent) = one.parent_span_id() {
        wire::bytes(out, 4, &parent.to_bytes());
    }
    wire::text(out, 5, one.title());
    wire::uint(out, 6, u64::from(span::kind(one.kind())));
    wire::fixed64(out, 7, one.started_nanos());
    wire::fixed64(out, 8, one.finished_nanos());
    for (name, value) in one.attributes() {
        common::pair(out, 9, name, value);
    }
    if let Some(stage) = span::stage(one) {
        common::text_pair(out, 9, span::STAGE, stage);
    }
    if let Some(id) = one.request_id() {
        common::text_pair(out, 9, span::REQUEST_ID, id.as_str());
    }
    if let Some(dropped) = span::dropped(trace, one) {
        common::pair(out, 9, span::DROPPED, Attribute::Int(dropped));
    }
    if let Some(error) = one.error() {
        let code = 2;
        wire::header(out, 15, wire::sized(error.len()) + code);
        wire::bytes(out, 2, error.as_bytes());
        wire::uint(out, 3, u64::from(span::STATUS_ERROR));
    }
    wire::fixed32(out, 16, span::flags(trace, one));
}
