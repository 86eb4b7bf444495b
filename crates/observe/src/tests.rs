//! The room as its users see it.

use crate::*;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::Incoming;
use std::sync::Mutex;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn request(observer: Arc<dyn Observer>, id: &str) -> Trace {
    Trace::of_request(observer, RequestId::parse(id).expect("valid"), None, Sampler::ALL)
}

/// OBS-1, and parents, which the reference lacks.
#[test]
fn inner_spans_finish_first_and_name_their_parent() {
    let recorder = Arc::new(Recorder::default());
    let outer = request(recorder.clone(), "r-1").span("outer");
    let mut inner = outer.trace().span("inner");
    inner.set("k", "u");
    inner.set("k", "v");
    inner.set("n", 7_u16);
    inner.fail("broken");
    inner.end();
    outer.end();
    let spans = recorder.spans();
    assert_eq!(spans.iter().map(|s| s.name).collect::<Vec<_>>(), ["inner", "outer"]);
    assert_eq!(spans[0].parent_span_id, Some(spans[1].span_id));
    assert_eq!(spans[1].parent_span_id, None);
    assert_eq!(spans[0].trace_id, spans[1].trace_id);
    assert_eq!((spans[0].attribute("k"), spans[0].error.as_deref()), (Some("v"), Some("broken")));
    assert_eq!((spans[0].attribute("requestId"), spans[0].value("n")), (Some("r-1"), Some(&Value::Int(7))));
    let json = serde_json::to_value(&*spans[0]).expect("JSON");
    assert_eq!(json["attributes"], serde_json::json!({"requestId": "r-1", "k": "v", "n": 7}));
}

#[test]
fn a_span_that_is_dropped_counts_as_cancelled() {
    let recorder = Arc::new(Recorder::default());
    drop(request(recorder.clone(), "r-1").span("outer"));
    assert_eq!(recorder.spans()[0].error.as_deref(), Some("cancelled"));
}

#[test]
fn the_callers_trace_is_continued_with_its_decision_state_and_baggage() {
    let recorder = Arc::new(Recorder::default());
    let incoming = |parent| Incoming::parse(parent, ["a=1,b=2"], ["user=ada"]).expect("valid");
    let parent = incoming(PARENT).parent;
    let trace =
        Trace::of_request(recorder.clone(), RequestId::generate(), Some(incoming(PARENT)), Sampler::ratio(0.0));
    assert!(trace.is_sampled());
    let outer = trace.span("outer");
    assert_eq!(outer.trace().trace_state().map(|s| &**s), Some("a=1,b=2"));
    assert_eq!(outer.trace().baggage().map(|s| &**s), Some("user=ada"));
    outer.trace().span("inner").end();
    outer.end();
    let spans = recorder.spans();
    assert_eq!((spans[1].trace_id, spans[1].parent_span_id), (parent.trace_id, Some(parent.span_id)));
    assert_eq!((spans[0].is_local_root(), spans[1].is_local_root()), (false, true));
    let unsampled = PARENT.replace("-01", "-00");
    let trace = Trace::of_request(recorder, RequestId::generate(), Some(incoming(&unsampled)), Sampler::ALL);
    assert!(!trace.is_sampled());
    assert!(trace.traceparent().to_string().ends_with("-00"));
    let own = Sampler::ratio(0.0).regardless_of_parent();
    let trace = Trace::of_request(Arc::new(Nop), RequestId::generate(), Some(incoming(PARENT)), own);
    assert!(!trace.is_sampled());
}

#[test]
fn a_share_of_the_traces_is_sampled() {
    let sampled = |share: f64| {
        let taken = |_: &i32| request_sampled(Sampler::ratio(share));
        (0..2000).filter(taken).count()
    };
    assert_eq!((sampled(0.0), sampled(1.0), sampled(f64::NAN)), (0, 2000, 0));
    assert!((800..1200).contains(&sampled(0.5)));
}

fn request_sampled(sampler: Sampler) -> bool {
    Trace::of_request(Arc::new(Nop), RequestId::generate(), None, sampler).is_sampled()
}

/// Gathers what `trace_finished` tells.
#[derive(Default)]
struct Traces(Mutex<Vec<Arc<LocalTrace>>>);

impl Observer for Traces {
    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        self.0.lock().expect("lock").push(Arc::clone(trace));
    }
}

#[test]
fn the_spans_of_a_request_come_together_when_its_outermost_ends() {
    let traces = Arc::new(Traces::default());
    let trace = request(traces.clone(), "r-1");
    let mut outer = trace.span("outer");
    outer.trace().span("inner").end();
    let mut late = outer.trace().span("late");
    late.set("n", 1_u16);
    late.describe(SpanKind::Client, "LATE");
    outer.set("error.type", "approval_required");
    outer.end();
    late.set("n", 2_u16);
    late.set("more", "text");
    late.end();
    drop(trace);
    let told = traces.0.lock().expect("lock");
    let names: Vec<Vec<&str>> = told.iter().map(|t| t.spans().map(SpanView::name).collect()).collect();
    assert_eq!(names, [vec!["inner", "outer"], vec!["late"]]);
    assert!(told[0].is_failed() && told[0].root().is_some_and(|root| root.name() == "outer"));
    assert!(told[1].root().is_none());
    let late = told[1].spans().next().expect("a span");
    assert_eq!(
        (late.title(), late.value("n"), late.attribute("more")),
        ("LATE", Some(Attribute::Int(2)), Some("text"))
    );
    assert!(late.started_nanos() > 0 && late.finished_nanos() >= late.started_nanos());
    assert_eq!(told[0].to_spans().into_iter().collect::<Spans>().len(), 2);
}

#[test]
fn the_ring_is_bounded_and_finds_by_request_and_trace() {
    let recent = Arc::new(Recent::new(4));
    for id in ["a", "b", "c"] {
        let outer = request(recent.clone(), id).span("runtime.tools.execute");
        outer.trace().span("execution.http").end();
        outer.end();
    }
    assert!(recent.find("a").is_empty(), "pushed out");
    let found = recent.find("c");
    let names: Vec<_> = found.iter().flat_map(|trace| trace.spans().map(SpanView::name)).collect();
    assert_eq!(names, ["execution.http", "runtime.tools.execute"]);
    assert_eq!(recent.find(&found[0].trace_id.to_string()).len(), 1);
    let ids = |traces: Vec<Arc<LocalTrace>>| -> Vec<String> {
        traces.iter().map(|t| t.request_id.as_ref().expect("a request").to_string()).collect()
    };
    assert_eq!(ids(recent.latest(|_| true, 9)), ["c", "b"]);
    assert_eq!(
        ids(recent.latest(|trace| trace.request_id.as_ref().is_some_and(|id| id.as_str() == "b"), 9)),
        ["b"]
    );
}

struct Panicking;

impl Observer for Panicking {
    fn event(&self, _: &Event) {
        panic!("an observer's fault");
    }
    fn span_finished(&self, _: &Arc<Span>) {
        panic!("an observer's fault");
    }
}

#[test]
fn an_observer_that_panics_is_left_out_and_hurts_nobody() {
    let recorder = Arc::new(Recorder::default());
    let fan_out =
        Arc::new(FanOut::new([Arc::new(Panicking) as Arc<dyn Observer>, recorder.clone(), Arc::new(Nop)]));
    for _ in 0..2 {
        request(fan_out.clone(), "r-1").span("outer").end();
    }
    assert_eq!((recorder.spans().len(), fan_out.broken()), (2, 1));
}

/// Waits for a signal at its first span.
struct Slow(Mutex<std::sync::mpsc::Receiver<()>>, Recorder);

impl Observer for Slow {
    fn event(&self, _: &Event) {}
    fn span_finished(&self, span: &Arc<Span>) {
        let _ = self.0.lock().expect("lock").recv();
        self.1.span_finished(span);
    }
}

#[test]
fn an_observer_that_is_slow_loses_spans_and_delays_nobody() {
    let (go, wait) = std::sync::mpsc::channel();
    let slow = Arc::new(Slow(Mutex::new(wait), Recorder::default()));
    let detached = Arc::new(Detached::new(slow.clone()).expect("a thread"));
    for _ in 0..20_000 {
        request(detached.clone(), "r-1").span("outer").end();
    }
    assert!(detached.dropped() > 0);
    assert!(!detached.flush(std::time::Duration::from_millis(20)), "it hangs, and nobody waits for it");
    drop(go);
    assert!(detached.flush(std::time::Duration::from_secs(60)));
    assert!(!slow.1.spans().is_empty());
}
