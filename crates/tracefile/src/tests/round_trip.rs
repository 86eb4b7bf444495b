//! What goes in comes out, whatever it holds.

use super::*;
use open_cli_contract::trace::Incoming;
use open_cli_contract::traces::TraceStatus;
use open_cli_observe::{FanOut, Recent};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn what_the_file_gives_back_is_what_the_memory_has() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = open(root.path(), options(1 << 20));
    let recent = Arc::new(Recent::new(1000));
    let both = Arc::new(FanOut::new([file.clone() as Arc<dyn Observer>, recent.clone()]));
    for n in 0..5 {
        call(both.clone(), &format!("r-{n}"), &[Outcome::Done, Outcome::Refused, Outcome::Failed][n % 3]);
    }
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let incoming = Incoming::parse(parent, ["a=\"b\\"], []);
    for id in ["c-1", "c-2"] {
        let id = RequestId::parse(id).expect("valid");
        Trace::of_request(both.clone(), id, incoming.clone(), Sampler::ALL).span("runtime.info").end();
    }
    flushed(&file);

    let store = TraceStore::new(root.path());
    for id in ["r-0", "r-1", "r-2", "r-4", "c-1", "4bf92f3577b34da6a3ce929d0e0e4736"] {
        let memory: Vec<_> = recent.find(id).iter().flat_map(|trace| trace.spans().map(record)).collect();
        let found = store.find(id).expect("readable");
        let merged = merge_spans(memory.clone(), found.clone());
        assert_eq!((merged.len(), found.len()), (memory.len(), memory.len()), "{id}");
        assert_eq!(merge_spans(found, Vec::new()), merge_spans(memory, Vec::new()), "{id}");
    }
    assert_eq!(store.find("c-2").expect("readable").len(), 2, "the trace has two requests");
    assert!(store.find("r-9").expect("readable").is_empty());
    assert!(store.find("not an id").expect("readable").is_empty());

    let memory: Vec<_> = recent.latest(|_| true, 100).iter().filter_map(|trace| summary(trace)).collect();
    let list = store.list(&ListQuery::default()).expect("readable");
    assert_eq!(merge_summaries(memory.clone(), Vec::new(), 100), list);
    assert_eq!(merge_summaries(memory, list.clone(), 3), list[..3]);
    let statuses: Vec<_> = list.iter().rev().map(|row| row.status).take(3).collect();
    assert_eq!(statuses, [TraceStatus::Ok, TraceStatus::Refused, TraceStatus::Error]);
}

#[test]
fn spans_serialise_as_the_endpoint_answers_them() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = open(root.path(), options(1 << 20));
    let recent = Arc::new(Recent::new(1000));
    call(Arc::new(FanOut::new([file.clone() as Arc<dyn Observer>, recent.clone()])), "r-1", &Outcome::Failed);
    flushed(&file);
    let answered: Vec<_> =
        recent.find("r-1").iter().flat_map(|trace| trace.to_spans()).map(|span| json!(span)).collect();
    for span in file.store().find("r-1").expect("readable") {
        assert!(answered.contains(&json!(span)), "{span:?}");
    }
}

#[test]
fn only_what_is_short_of_the_resource_is_on_each_line() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = open(root.path(), options(1 << 20));
    call(file.clone(), "r-1", &Outcome::Done);
    flushed(&file);
    let text = std::fs::read_to_string(root.path().join("traces.jsonl")).expect("readable");
    let line: serde_json::Value = serde_json::from_str(&text).expect("one line of JSON");
    let names = line.pointer("/resourceSpans/0/resource/attributes").and_then(|list| list.as_array());
    let names: Vec<_> = names.expect("a list").iter().map(|pair| pair["key"].as_str().expect("text")).collect();
    assert_eq!(names, ["service.name", "service.instance.id"]);
}

#[test]
fn a_trace_of_many_spans_has_several_lines_and_one_summary() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = open(root.path(), options(64 << 20));
    let trace = Trace::of_request(file.clone(), RequestId::parse("big").expect("valid"), None, Sampler::ALL);
    let outer = trace.span("runtime.refresh");
    for _ in 0..600 {
        let mut inner = outer.trace().span("catalog.service");
        for name in ["a", "b", "c"] {
            inner.set(name, "\u{1}".repeat(2000));
        }
        inner.end();
    }
    outer.end();
    flushed(&file);
    assert_eq!(file.store().find("big").expect("readable").len(), 601);
    assert_eq!(file.store().list(&ListQuery::default()).expect("readable").len(), 1);
    let text = std::fs::read(root.path().join("traces.jsonl")).expect("readable");
    let longest = text.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    assert!(longest.expect("lines") <= crate::lines::LINE_MAX, "{longest:?}");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\\x00-\\x1f\"\\\\/{}\\[\\]:,\\n\u{2028}\u{7f}\u{10ffff}]{0,60}",
        Just("\"requestId\",\"value\":{\"stringValue\":\"r-2\"}}]}]}]}]}\n{\"resourceSpans\":[".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Hostile text stays text: nothing it holds ends its line, or looks like a span.
    #[test]
    fn hostile_attributes_come_back_as_they_were(
        spans in proptest::collection::vec((text(), proptest::collection::vec(value(), 0..4), text()), 1..4),
    ) {
        let recent = Arc::new(Recent::new(100));
        let trace = Trace::of_request(recent.clone(), RequestId::parse("r-1").expect("valid"), None, Sampler::ALL);
        let outer = trace.span("outer");
        for (title, values, error) in spans {
            let mut span = outer.trace().span("inner");
            span.describe(SpanKind::Client, title);
            for (name, value) in ["one", "two", "error.type", "tool.id"].into_iter().zip(values) {
                span.set(name, value);
            }
            if !error.is_empty() {
                span.fail(error);
            }
            span.end();
        }
        outer.end();
        let told = recent.latest(|_| true, 1);
        let mut line = Vec::new();
        open_cli_otlp::json::trace(&mut line, &resource(), &told[0]);
        prop_assert_eq!(memchr::memchr_iter(b'\n', &line).collect::<Vec<_>>(), [line.len() - 1]);
        let decoded = crate::decode::spans(&line).expect("a line");
        let expected: Vec<_> = told[0].spans().map(record).collect();
        prop_assert_eq!(decoded, expected);
    }
}
