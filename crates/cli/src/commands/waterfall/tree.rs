//! Spans in the order of the picture: parents before children, children by their begin.

use open_cli_contract::trace::SpanId;
use open_cli_contract::traces::SpanRecord;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// A stage in its place. Times in nanoseconds since 1970.
pub(super) struct Row<'a> {
    pub(super) depth: usize,
    pub(super) span: &'a SpanRecord,
    pub(super) begin: i128,
    pub(super) end: i128,
    /// How far it was moved, because its clock is not its parent's.
    pub(super) shift: i128,
}

/// A stage whose parent is not there is a root; stages in a ring of parents are roots, too.
pub(super) fn rows(spans: &[SpanRecord]) -> Vec<Row<'_>> {
    let by_id: HashMap<SpanId, &SpanRecord> = spans.iter().map(|span| (span.span_id, span)).collect();
    let mut children: HashMap<SpanId, Vec<&SpanRecord>> = HashMap::new();
    let mut open = Vec::new();
    for span in spans {
        match span.parent_span_id.filter(|parent| by_id.contains_key(parent) && *parent != span.span_id) {
            Some(parent) => children.entry(parent).or_default().push(span),
            None => open.push((0, span, 0)),
        }
    }
    open.sort_by_key(|(_, span, _)| Reverse(span.started_at));
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(spans.len());
    let mut placed: HashSet<SpanId> = HashSet::new();
    let mut rest = spans.iter();
    loop {
        let Some((depth, span, shift)) = open.pop() else {
            match rest.find(|span| !placed.contains(&span.span_id)) {
                Some(span) => open.push((0, span, 0)),
                None => return rows,
            }
            continue;
        };
        if !placed.insert(span.span_id) {
            continue;
        }
        let (begin, end) = times(span);
        rows.push(Row { depth, span, begin: begin + shift, end: end + shift, shift });
        let mut inner = children.remove(&span.span_id).unwrap_or_default();
        inner.sort_by_key(|child| (Reverse(child.started_at), child.finished_at));
        open.extend(inner.into_iter().map(|child| {
            let shift = if child.has_remote_parent { shift + apart(span, child) } else { shift };
            (depth + 1, child, shift)
        }));
    }
}

fn times(span: &SpanRecord) -> (i128, i128) {
    let (begin, end) = (span.started_at.as_nanosecond(), span.finished_at.as_nanosecond());
    (begin, end.max(begin))
}

/// How far a part of another machine must be moved to lie in the middle of the request that asked for it. A part that
/// lies within it stays, and so does one that took longer than the request: that is no matter of clocks.
fn apart(request: &SpanRecord, part: &SpanRecord) -> i128 {
    let ((from, to), (begin, end)) = (times(request), times(part));
    let is_inside = begin >= from && end <= to;
    if is_inside || end - begin > to - from { 0 } else { (from + to - begin - end) / 2 }
}
