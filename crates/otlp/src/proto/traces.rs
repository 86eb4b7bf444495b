//! `ExportTraceServiceRequest`.

use super::common;
use crate::{Resource, span, wire};
use open_cli_observe::{Attribute, LocalTrace, SpanView};
use std::sync::Arc;

/// Appends a request with all spans of these traces.
pub fn traces(out: &mut Vec<u8>, resource: &Resource, traces: &[Arc<LocalTrace>]) {
    common::request(out, resource, |out| {
        for trace in traces {
            let is_root_away = trace.root().is_none();
            for one in trace.spans() {
                wire::message(out, 2, |out| write(out, trace, one, is_root_away));
            }
        }
    });
}

/// The message `Span`. What every span has is put together first, head and all, and appended at once: fields 1 and 2 are
/// the ids, 6 the kind, 7 and 8 the times.
fn write(out: &mut Vec<u8>, trace: &LocalTrace, one: SpanView<'_>, is_root_away: bool) {
    let mut ids = [0; 28];
    (ids[0], ids[1], ids[18], ids[19]) = (0x0a, 16, 0x12, 8);
    ids[2..18].copy_from_slice(&one.trace_id().to_bytes());
    ids[20..].copy_from_slice(&one.span_id().to_bytes());
    out.extend_from_slice(&ids);
    if let Some(state) = &trace.trace_state {
        wire::text(out, 3, state);
    }
    if let Some(parent) = one.parent_span_id() {
        wire::bytes(out, 4, &parent.to_bytes());
    }
    wire::text(out, 5, one.title());
    let mut rest = [0; 20];
    (rest[0], rest[1], rest[2], rest[11]) = (0x30, span::kind(one.kind()), 0x39, 0x41);
    rest[3..11].copy_from_slice(&one.started_nanos().to_le_bytes());
    rest[12..].copy_from_slice(&one.finished_nanos().to_le_bytes());
    out.extend_from_slice(&rest);
    for (name, value) in one.attributes() {
        common::pair(out, 9, name, value);
    }
    if let Some(stage) = span::stage(one) {
        common::text_pair(out, 9, span::STAGE, stage);
    }
    if let Some(id) = span::request_id(one, is_root_away) {
        common::text_pair(out, 9, span::REQUEST_ID, id);
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
