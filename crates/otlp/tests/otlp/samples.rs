//! Traces for the tests of the encoders.

use jiff::Timestamp;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{SpanId, TraceId};
use open_cli_observe::{Attributes, LocalTrace, Span, SpanKind, Value};
use open_cli_otlp::Resource;
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
        spans: spans.into_iter().map(Arc::new).collect(),
        dropped_spans: 3,
    })
}
