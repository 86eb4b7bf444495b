//! The trace that a command begins, or continues when it was itself called in one (`TRACEPARENT`, `TRACESTATE`,
//! `BAGGAGE`; OpenTelemetry, "Environment Variables as Context Propagation Carriers"): a span for the command and one
//! for each request, so that one trace covers client, runtime and upstream. Names and attributes follow
//! OpenTelemetry's conventions for programs on the command line and for HTTP clients.

use crate::{Environment, RuntimeUrl, Telemetry};
use jiff::Timestamp;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{Incoming, TraceId};
use open_cli_observe::{ActiveSpan, LocalTrace, Observer, SpanKind, Trace, semconv};
use parking_lot::Mutex;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use ureq::http::Method;

/// Requests after these are sent without a trace: a command that follows a log must not gather spans for ever.
const MAX_REQUESTS: u32 = 64;
/// Name of the program, as spans have it.
const PROGRAM: &str = "open-cli";

/// The trace of one command.
pub struct CommandTrace {
    root: RefCell<Option<ActiveSpan>>,
    context: Trace,
    sink: Arc<Sink>,
    started_at: Timestamp,
    requests: Cell<u32>,
    call: RefCell<Option<String>>,
}

/// What a command did.
#[derive(Debug)]
pub struct FinishedTrace {
    /// Its spans; the command's is the last.
    pub trace: Arc<LocalTrace>,
    /// Beginning of the command.
    pub started_at: Timestamp,
    /// The tool call or refresh it made, as the runtime knows the request.
    pub call: Option<String>,
}

#[derive(Default)]
struct Sink(Mutex<Option<Arc<LocalTrace>>>);

impl Observer for Sink {
    fn wants_spans(&self) -> bool {
        false
    }
    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        // What ends after the command is nobody's business.
        self.0.lock().get_or_insert_with(|| Arc::clone(trace));
    }
}

impl CommandTrace {
    /// Begins the trace of a command that began at this time.
    pub fn start(started_at: Timestamp, environment: &Environment, telemetry: &Telemetry) -> Self {
        let sink = Arc::new(Sink::default());
        let incoming = incoming(environment).map(|mut incoming| {
            if !telemetry.sampling.parent_based {
                incoming.parent.sampled = telemetry.takes(incoming.parent.trace_id);
            }
            incoming
        });
        let observer = Arc::clone(&sink) as Arc<dyn Observer>;
        let sampler = telemetry.sampling.sampler();
        let context = Trace::of_request(observer, RequestId::generate(), incoming, sampler);
        let mut root = context.span("client.command");
        root.started_at(started_at);
        root.describe(SpanKind::Internal, PROGRAM);
        root.set("process.executable.name", PROGRAM);
        root.set("process.pid", u64::from(std::process::id()));
        let (requests, call) = (Cell::new(0), RefCell::new(None));
        Self { root: RefCell::new(Some(root)), context, sink, started_at, requests, call }
    }

    /// Says which command it is: its words, without arguments.
    pub fn describe(&self, words: &str) {
        if let Some(root) = &mut *self.root.borrow_mut() {
            root.describe(SpanKind::Internal, format!("{PROGRAM} {words}"));
        }
    }

    /// The trace.
    pub fn trace_id(&self) -> TraceId {
        self.context.trace_id()
    }

    /// Id for the request that the command is about.
    pub(crate) fn request_id(&self) -> Option<RequestId> {
        self.context.request_id().cloned()
    }

    /// Remembers that the command called something.
    pub(crate) fn called(&self, request_id: &str) {
        *self.call.borrow_mut() = Some(request_id.to_owned());
    }

    /// Begins the span of a request; `route` is its path without what varies.
    pub(crate) fn request(&self, method: &Method, route: &str, url: &RuntimeUrl) -> Option<RequestSpan> {
        let count = self.requests.get();
        self.requests.set(count.saturating_add(1));
        let mut span = {
            let root = self.root.borrow();
            root.as_ref().filter(|_| count < MAX_REQUESTS)?.trace().span("client.request")
        };
        let method = semconv::method(method.as_str());
        span.describe(SpanKind::Client, format!("{method} {route}"));
        span.set("http.request.method", method);
        span.set("url.template", route.to_owned());
        span.set("url.full", format!("{}{route}", url.as_str()));
        if let Some(host) = url.url().host_str() {
            span.set("server.address", host.trim_matches(['[', ']']).to_owned());
        }
        if let Some(port) = url.url().port_or_known_default() {
            span.set("server.port", port);
        }
        Some(RequestSpan(span))
    }

    /// Ends the command; `None` when it sent nothing. `error` is the stable word for what went wrong.
    pub fn finish(&self, exit: u8, error: Option<&str>) -> Option<FinishedTrace> {
        let mut root = self.root.borrow_mut().take()?;
        root.set("process.exit.code", u16::from(exit));
        if exit != 0 {
            let error = error.unwrap_or("_OTHER");
            root.set("error.type", error.to_owned());
            root.fail(error);
        }
        root.end();
        let trace = self.sink.0.lock().take().filter(|_| self.requests.get() > 0)?;
        Some(FinishedTrace { trace, started_at: self.started_at, call: self.call.borrow_mut().take() })
    }
}

fn incoming(environment: &Environment) -> Option<Incoming> {
    let parent = environment.get("TRACEPARENT")?;
    let (state, baggage) = (environment.get("TRACESTATE"), environment.get("BAGGAGE"));
    Incoming::parse(&parent, state.as_deref(), baggage.as_deref())
}

/// The span of a request under way.
pub(crate) struct RequestSpan(ActiveSpan);

impl RequestSpan {
    /// Header fields that make the runtime a part of the trace.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let trace = self.0.trace();
        let mut headers = vec![("traceparent", trace.traceparent().to_string())];
        let more = [("tracestate", trace.trace_state()), ("baggage", trace.baggage())];
        headers.extend(more.into_iter().filter_map(|(name, value)| Some((name, value?.to_string()))));
        headers
    }

    /// It was answered.
    pub(crate) fn answered(mut self, status: u16) {
        self.0.set("http.response.status_code", status);
        if status >= 400 {
            let word = semconv::status_word(status);
            self.0.set("error.type", word.clone());
            self.0.fail(word);
        }
        self.0.end();
    }

    /// It was not.
    pub(crate) fn failed(mut self, error: &'static str) {
        self.0.set("error.type", error);
        self.0.fail(error);
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn start(variables: &[(&str, &str)]) -> CommandTrace {
        let pairs = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let environment = Environment::Fixed(pairs);
        let telemetry = Telemetry::read(&environment).expect("valid");
        CommandTrace::start(Timestamp::now(), &environment, &telemetry)
    }

    fn request(trace: &CommandTrace) -> Vec<(&'static str, String)> {
        let url = RuntimeUrl::parse("http://127.0.0.1:9").expect("a URL");
        let span = trace.request(&Method::POST, "/v1/tools/execute", &url).expect("a span");
        let headers = span.headers();
        span.answered(200);
        headers
    }

    #[test]
    fn a_command_and_its_requests_are_one_trace() {
        let trace = start(&[]);
        trace.describe("shelf books get-book");
        let headers = request(&trace);
        assert_eq!(headers.len(), 1);
        trace.called("r-1");
        let finished = trace.finish(4, Some("upstream_client_error")).expect("a trace");
        assert_eq!(finished.call.as_deref(), Some("r-1"));
        let [request, root] = &*finished.trace.to_spans() else { panic!("{:?}", finished.trace) };
        assert_eq!(
            (root.title(), root.kind, root.parent_span_id),
            ("open-cli shelf books get-book", SpanKind::Internal, None)
        );
        assert_eq!(root.value("process.exit.code").and_then(|code| code.as_int()), Some(4));
        assert_eq!(root.attribute("error.type"), Some("upstream_client_error"));
        assert_eq!((request.title(), request.kind), ("POST /v1/tools/execute", SpanKind::Client));
        assert_eq!(request.parent_span_id, Some(root.span_id));
        let parent = format!("00-{}-{}-01", finished.trace.trace_id, request.span_id);
        assert_eq!(headers[0], ("traceparent", parent));
        assert!(trace.finish(0, None).is_none());
    }

    #[test]
    fn the_trace_of_the_caller_is_continued_with_its_state_and_baggage() {
        let caller = [("TRACEPARENT", PARENT), ("TRACESTATE", "a=1"), ("BAGGAGE", "k=v")];
        let trace = start(&caller);
        let headers = request(&trace);
        assert!(headers[0].1.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{headers:?}");
        assert_eq!(headers[1..], [("tracestate", "a=1".to_owned()), ("baggage", "k=v".to_owned())]);
        let finished = trace.finish(0, None).expect("a trace");
        let root = finished.trace.root().expect("a root");
        assert!(root.has_remote_parent() && finished.trace.sampled);
        assert_eq!(root.parent_span_id().map(|id| id.to_string()).as_deref(), Some("00f067aa0ba902b7"));

        let broken = start(&[("TRACEPARENT", "00-nothing-01"), ("BAGGAGE", "k=v")]);
        assert_eq!(request(&broken).len(), 1);
    }

    #[test]
    fn the_sampler_decides_unless_the_caller_has() {
        for (sampler, parent, sampled) in [
            ("always_on", "", true),
            ("always_off", "", false),
            ("parentbased_always_off", PARENT, true),
            ("always_off", PARENT, false),
            ("always_on", &PARENT.replace("-01", "-00"), true),
            ("parentbased_always_on", &PARENT.replace("-01", "-00"), false),
        ] {
            let trace = start(&[("OTEL_TRACES_SAMPLER", sampler), ("TRACEPARENT", parent)]);
            let flags = if sampled { "-01" } else { "-00" };
            assert!(request(&trace)[0].1.ends_with(flags), "{sampler} {parent}");
        }
    }

    #[test]
    fn a_command_without_a_request_leaves_no_trace_and_one_that_polls_stays_small() {
        assert!(start(&[]).finish(0, None).is_none());
        let trace = start(&[]);
        let url = RuntimeUrl::parse("http://127.0.0.1:9").expect("a URL");
        let spans = (0..200).filter_map(|_| trace.request(&Method::GET, "/", &url)).count();
        assert_eq!(spans, MAX_REQUESTS as usize);
    }
}
