//! The request of spans that leave it to their outermost span to say. In a line of ours there is one; what a collector
//! wrote may have several requests of one trace, which are told apart by parents.

use super::REQUEST_ID;
use open_cli_contract::trace::SpanId;
use open_cli_contract::traces::SpanRecord;
use serde_json::Value;
use std::collections::HashMap;

/// Which requests a trace has in a line.
enum Requests {
    One(Value),
    Several,
}

/// Gives spans that do not say their request that of the spans they happened in; where that can't be told, the only
/// one that their trace has here.
pub(super) fn request_ids(spans: &mut [SpanRecord]) {
    if spans.iter().all(|span| span.request_id().is_some()) {
        return;
    }
    let requests = requests(spans);
    if requests.is_empty() {
        return;
    }
    let places: HashMap<SpanId, usize> =
        spans.iter().enumerate().map(|(place, span)| (span.span_id, place)).collect();
    for place in 0..spans.len() {
        let (mut path, mut at) = (Vec::new(), Some(place));
        // Up to a span that says it. A circle of parents ends too: nothing is longer than all spans.
        while let Some(here) = at.filter(|here| spans[*here].request_id().is_none() && path.len() <= spans.len()) {
            path.push(here);
            let parent = spans[here].parent_span_id.and_then(|id| places.get(&id).copied());
            at = parent.filter(|parent| spans[*parent].trace_id == spans[place].trace_id);
        }
        let found = at.and_then(|at| spans[at].attributes.get(REQUEST_ID).cloned());
        let only = || match requests.get(&spans[place].trace_id.to_bytes()) {
            Some(Requests::One(id)) => Some(id.clone()),
            Some(Requests::Several) | None => None,
        };
        let Some(id) = found.or_else(only) else { continue };
        for here in path {
            if !spans[here].attributes.contains_key(REQUEST_ID) {
                spans[here].attributes.shift_insert(0, REQUEST_ID.to_owned(), id.clone());
            }
        }
    }
}

fn requests(spans: &[SpanRecord]) -> HashMap<[u8; 16], Requests> {
    let mut requests = HashMap::new();
    for span in spans {
        let Some(id) = span.attributes.get(REQUEST_ID) else { continue };
        let known = requests.entry(span.trace_id.to_bytes()).or_insert_with(|| Requests::One(id.clone()));
        if matches!(known, Requests::One(one) if one != id) {
            *known = Requests::Several;
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use crate::decode::spans;
    use serde_json::{Value, json};

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn span(trace: &str, id: u64, parent: u64, request: Option<&str>) -> Value {
        let attributes: Vec<Value> =
            request.iter().map(|id| json!({"key": "requestId", "value": {"stringValue": id}})).collect();
        json!({
            "traceId": trace, "spanId": format!("{id:016x}"), "name": "n", "attributes": attributes, "kind": 1,
            "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
            "startTimeUnixNano": "1", "endTimeUnixNano": "2",
        })
    }

    fn requests(of: &[Value]) -> Vec<Option<String>> {
        let line = json!({"resourceSpans": [{"scopeSpans": [{"spans": of}]}]}).to_string();
        let found = spans(line.as_bytes()).expect("a line");
        found.iter().map(|span| span.request_id().map(str::to_owned)).collect()
    }

    #[test]
    fn a_span_is_of_the_request_that_it_happened_in() {
        let other = TRACE.replace('4', "5");
        let line = [
            span(TRACE, 3, 2, None),
            span(TRACE, 2, 1, None),
            span(TRACE, 1, 0, Some("r-1")),
            span(TRACE, 12, 11, None),
            span(TRACE, 11, 9, Some("r-2")),
            // Whose parents nobody knows, in a trace of two requests, of one and of none.
            span(TRACE, 21, 20, None),
            span(&other, 32, 31, None),
            span(&other, 33, 30, Some("r-3")),
            span(&other.replace('3', "6"), 41, 0, None),
        ];
        let r = |id: &str| Some(id.to_owned());
        let expected = [r("r-1"), r("r-1"), r("r-1"), r("r-2"), r("r-2"), None, r("r-3"), r("r-3"), None];
        assert_eq!(requests(&line), expected);
    }

    #[test]
    fn parents_in_a_circle_end() {
        let line = [span(TRACE, 1, 2, None), span(TRACE, 2, 1, None), span(TRACE, 3, 3, None)];
        assert_eq!(requests(&line), [None, None, None]);
        let line = [&line[..], &[span(TRACE, 4, 0, Some("r-1"))]].concat();
        assert_eq!(requests(&line), vec![Some("r-1".to_owned()); 4]);
    }
}
