//! Traces for the tests of the encoders.

use jiff::Timestamp;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{SpanId, TraceId};
use open_cli_observe::{Attributes, LocalTrace, Span, SpanKind, Value};
use open_cli_otlp::{
    self as otlp, Data, Exemplar, ExponentialPoint, HistogramPoint, LogRecord, Metric, MetricsSnapshot, Number,
    NumberPoint, Resource, Severity,
};
use std::sync::Arc;

pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const REMOTE_PARENT: u64 = 0x00f0_67aa_0ba9_02b7;
pub(crate) const START: i128 = 1_790_000_000_123_456_789;

pub(crate) fn resource() -> Resource {
    Resource::new(vec![
        ("service.name".into(), Value::Static("open-cli-toolbox")),
        ("service.instance.id".into(), Value::from("orders-1".to_owned())),
        ("process.pid".into(), Value::Int(42)),
    ])
}

fn at(nanos: i128) -> Timestamp {
    Timestamp::from_nanosecond(START + nanos).expect("a time")
}

fn span(name: &'static str, id: u64, parent: u64, pairs: Vec<(&'static str, Value)>) -> Span {
    Span {
        name,
        title: None,
        kind: SpanKind::Internal,
        attributes: Attributes { request_id: RequestId::parse("0199-req-7"), pairs },
        started_at: at(1_000),
        finished_at: at(2_000),
        error: None,
        trace_id: TraceId::parse(TRACE).expect("an id"),
        span_id: SpanId::new(id).expect("an id"),
        parent_span_id: SpanId::new(parent),
        has_remote_parent: false,
    }
}

/// A refused upstream call: seven spans as the runtime makes them, with ids that begin at `first`.
pub(crate) fn call(first: u64) -> Arc<LocalTrace> {
    let [root, http] = [first, first + 1];
    let attempt = Span {
        title: Some("GET /orders/{id}".into()),
        kind: SpanKind::Client,
        error: Some("upstream said \"503\"\n".into()),
        ..span(
            "execution.attempt",
            first + 2,
            http,
            vec![
                ("http.request.method", Value::Static("GET")),
                ("server.address", Value::Shared("127.0.0.1".into())),
                ("server.port", Value::Int(8080)),
                ("url.full", Value::from("http://127.0.0.1:8080/orders/17".to_owned())),
                ("url.template", Value::Shared("/orders/{id}".into())),
                ("http.response.status_code", Value::Int(503)),
                ("error.type", Value::Static("503")),
            ],
        )
    };
    let last = Span {
        title: Some("POST /v1/tools/execute".into()),
        kind: SpanKind::Server,
        has_remote_parent: true,
        started_at: at(0),
        finished_at: at(3_000),
        ..span(
            "runtime.tools.execute",
            root,
            REMOTE_PARENT,
            vec![
                ("http.request.method", Value::Static("POST")),
                ("http.route", Value::Static("/v1/tools/execute")),
                ("url.path", Value::Static("/v1/tools/execute")),
                ("url.scheme", Value::Static("http")),
                ("http.response.status_code", Value::Int(200)),
                ("client.address", Value::from("127.0.0.1".to_owned())),
                ("user_agent.original", Value::Shared("open-cli/0.1.0".into())),
                ("network.protocol.version", Value::Static("1.1")),
                ("http.request.body.size", Value::Int(-1)),
                ("tool.id", Value::from("orders:getOrder".to_owned())),
                ("service.id", Value::from("orders".to_owned())),
                ("policy.decision", Value::Static("allowed")),
                ("cached", Value::Bool(false)),
                ("empty", Value::Static("")),
            ],
        )
    };
    let revision = Value::Shared("sha256:5f2d".into());
    let spans = vec![
        span("catalog.current", first + 3, root, vec![("catalog.revision", revision)]),
        span("policy.decide", first + 4, root, vec![("policy.decision", Value::Static("allowed"))]),
        span("credentials.resolve", first + 5, root, vec![]),
        attempt,
        span("execution.http", http, root, vec![("retryCount", Value::Int(0))]),
        span("audit.append", first + 6, root, vec![]),
        last,
    ];
    Arc::new(LocalTrace {
        trace_id: TraceId::parse(TRACE).expect("an id"),
        request_id: RequestId::parse("0199-req-7"),
        sampled: true,
        trace_state: Some("vendor=1".into()),
        spans: spans.into_iter().collect(),
        dropped_spans: 3,
    })
}

fn exemplar() -> Vec<Exemplar> {
    let trace_id = TraceId::parse(TRACE).expect("an id");
    let span_id = SpanId::new(7).expect("an id");
    vec![Exemplar { trace_id, span_id, value: 0.25, time_nanos: 1_500 }]
}

fn numbers(attributes: otlp::Attributes, value: Number, exemplars: Vec<Exemplar>) -> Vec<NumberPoint> {
    vec![NumberPoint { attributes, start_nanos: 1_000, time_nanos: 2_000, value, exemplars }]
}

/// A metric of each kind.
pub(crate) fn metrics() -> MetricsSnapshot {
    let metric = |name: &'static str, unit: &'static str, description: &'static str, data| Metric {
        name: name.into(),
        description: description.into(),
        unit: unit.into(),
        data,
    };
    let decision = vec![("policy.decision".into(), Value::Static("allowed"))];
    let points = numbers(decision, Number::Int(-3), exemplar());
    let decisions = Data::Sum { monotonic: true, points };
    let memory = Data::Gauge(numbers(vec![], Number::Double(1.5), vec![]));
    let durations = Data::Histogram(vec![HistogramPoint {
        attributes: vec![("http.route".into(), Value::Static("/v1/tools/execute"))],
        start_nanos: 1_000,
        time_nanos: 2_000,
        count: 6,
        sum: 4.5,
        min: Some(0.01),
        max: None,
        bounds: (&[0.1, 1.0][..]).into(),
        counts: vec![1, 2, 3],
        exemplars: exemplar(),
    }]);
    let tools = Data::ExponentialHistogram(vec![ExponentialPoint {
        attributes: vec![("tool.id".into(), Value::Static("orders:get"))],
        start_nanos: 1_000,
        time_nanos: 2_000,
        count: 304,
        sum: 9.5,
        min: Some(0.0),
        max: Some(2.0),
        scale: -2,
        zero_count: 1,
        offset: -300,
        counts: vec![0, 300, 3],
        exemplars: exemplar(),
    }]);
    let metrics = vec![
        metric("open_cli.policy.decisions", "{decision}", "Decisions", decisions),
        metric("process.memory.usage", "By", "Memory", memory),
        metric("http.server.request.duration", "s", "Requests", durations),
        metric("tool.duration", "s", "Tools", tools),
        metric("empty", "1", "Nothing", Data::Gauge(vec![])),
    ];
    MetricsSnapshot { metrics }
}

/// A line of the log.
pub(crate) fn record(body: &str) -> LogRecord {
    LogRecord {
        time_nanos: 1_000,
        observed_nanos: 2_000,
        severity: Severity::Warn,
        body: body.to_owned(),
        attributes: vec![("module".into(), Value::Static("audit")), ("retries".into(), Value::Int(2))],
        trace_id: TraceId::parse(TRACE),
        span_id: SpanId::new(7),
        event_name: Some("audit.degraded".into()),
    }
}
