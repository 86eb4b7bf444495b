//! Requests as prost reads them.

use crate::messages::{
    Any, AnyValue, Buckets, Data, Exemplar, ExponentialPoint, KeyValue, LogsRequest, MetricsRequest, Number,
    TraceRequest,
};
use crate::samples;
use open_cli_otlp::proto;
use prost::Message;

fn resource() -> Vec<KeyValue> {
    vec![
        KeyValue::text("service.name", "open-cli-toolbox"),
        KeyValue::text("service.instance.id", "orders-1"),
        KeyValue::int("process.pid", 42),
    ]
}

#[test]
fn traces_read_back_with_resource_scope_and_every_field() {
    let mut out = vec![];
    proto::traces(&mut out, &samples::resource(), &[samples::call(1), samples::call(11)]);
    let request = TraceRequest::decode(&*out).expect("a request");
    let [of_resource] = &*request.resource_spans else { panic!("one resource") };
    assert_eq!(of_resource.resource.as_ref().expect("resource").attributes, resource());
    let [of_scope] = &*of_resource.scope_spans else { panic!("one scope") };
    let scope = of_scope.scope.as_ref().expect("scope");
    assert_eq!((&*scope.name, &*scope.version), ("open-cli", env!("CARGO_PKG_VERSION")));
    assert_eq!(of_scope.spans.len(), 14);

    let attempt = &of_scope.spans[3];
    assert_eq!(attempt.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
    assert_eq!(
        (&*attempt.span_id, &*attempt.parent_span_id),
        (&3_u64.to_be_bytes()[..], &2_u64.to_be_bytes()[..])
    );
    assert_eq!((&*attempt.name, attempt.kind, attempt.flags), ("GET /orders/{id}", 3, 0x101));
    assert_eq!(attempt.trace_state, "vendor=1");
    let start = u64::try_from(samples::START).expect("after 1970");
    assert_eq!((attempt.start, attempt.end), (start + 1_000, start + 2_000));
    assert_eq!(
        attempt.attributes,
        [
            KeyValue::text("http.request.method", "GET"),
            KeyValue::text("server.address", "127.0.0.1"),
            KeyValue::int("server.port", 8080),
            KeyValue::text("url.full", "http://127.0.0.1:8080/orders/17"),
            KeyValue::text("url.template", "/orders/{id}"),
            KeyValue::int("http.response.status_code", 503),
            KeyValue::text("error.type", "503"),
            KeyValue::text("open_cli.stage", "execution.attempt"),
        ]
    );
    let status = attempt.status.as_ref().expect("a status");
    assert_eq!((status.code, &*status.message), (2, "upstream said \"503\"\n"));

    let root = &of_scope.spans[6];
    assert_eq!((root.kind, root.flags, &root.status), (2, 0x301, &None));
    assert_eq!(root.parent_span_id, samples::REMOTE_PARENT.to_be_bytes());
    assert_eq!((root.start, root.end), (start, start + 3_000));
    for expected in [
        KeyValue::text("requestId", "0199-req-7"),
        KeyValue::text("empty", ""),
        KeyValue::int("http.request.body.size", -1),
        KeyValue::int("open_cli.dropped_spans", 3),
        KeyValue { key: "cached".into(), value: Some(AnyValue { value: Some(Any::Bool(false)) }) },
    ] {
        assert!(root.attributes.contains(&expected), "{expected:?}");
    }
    assert_eq!(of_scope.spans[0].kind, 1);
}

#[test]
fn a_request_without_anything_is_one_too() {
    let mut out = vec![];
    proto::traces(&mut out, &samples::resource(), &[]);
    assert_eq!(TraceRequest::decode(&*out).expect("a request").spans(), Vec::<&_>::new());
}

#[test]
fn metrics_of_each_kind_read_back() {
    let mut out = vec![];
    proto::metrics(&mut out, &samples::resource(), &samples::metrics().metrics);
    let request = MetricsRequest::decode(&*out).expect("a request");
    let [of_resource] = &*request.resource_metrics else { panic!("one resource") };
    assert_eq!(of_resource.resource.as_ref().expect("resource").attributes, resource());
    let metrics = &of_resource.scope_metrics[0].metrics;
    let heads: Vec<_> =
        metrics.iter().map(|metric| (&*metric.name, &*metric.unit, &*metric.description)).collect();
    assert_eq!(
        heads,
        [
            ("open_cli.policy.decisions", "{decision}", "Decisions"),
            ("process.memory.usage", "By", "Memory"),
            ("http.server.request.duration", "s", "Requests"),
            ("tool.duration", "s", "Tools"),
        ]
    );
    let exemplar = Exemplar {
        time: 1_500,
        value: 0.25,
        span_id: 7_u64.to_be_bytes().into(),
        trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes().into(),
    };
    let Some(Data::Sum(sum)) = &metrics[0].data else { panic!("a sum") };
    assert_eq!((sum.temporality, sum.monotonic), (2, true));
    assert_eq!(sum.points[0].attributes, [KeyValue::text("policy.decision", "allowed")]);
    let point = &sum.points[0];
    assert_eq!((point.start, point.time, point.value.clone()), (1_000, 2_000, Some(Number::Int(-3))));
    assert_eq!(point.exemplars.first(), Some(&exemplar));
    let Some(Data::Gauge(gauge)) = &metrics[1].data else { panic!("a gauge") };
    assert_eq!(gauge.points[0].value, Some(Number::Double(1.5)));
    let Some(Data::Histogram(histogram)) = &metrics[2].data else { panic!("a histogram") };
    let point = &histogram.points[0];
    assert_eq!((histogram.temporality, point.count, point.sum), (2, 6, Some(4.5)));
    assert_eq!((&*point.bounds, &*point.counts), (&[0.1, 1.0][..], &[1, 2, 3][..]));
    assert_eq!((point.min, point.max, point.exemplars.len()), (Some(0.01), None, 1));
    let Some(Data::Exponential(exponential)) = &metrics[3].data else { panic!("an exponential histogram") };
    let expected = ExponentialPoint {
        attributes: vec![KeyValue::text("tool.id", "orders:get")],
        start: 1_000,
        time: 2_000,
        count: 304,
        sum: Some(9.5),
        scale: -2,
        zero_count: 1,
        positive: Some(Buckets { offset: -300, counts: vec![0, 300, 3] }),
        exemplars: vec![exemplar],
        min: Some(0.0),
        max: Some(2.0),
    };
    assert_eq!((exponential.temporality, &*exponential.points), (2, &[expected][..]));
}

#[test]
fn log_records_read_back() {
    let mut out = vec![];
    proto::logs(&mut out, &samples::resource(), &[samples::record("first"), samples::record("second")]);
    let request = LogsRequest::decode(&*out).expect("a request");
    let records = &request.resource_logs[0].scope_logs[0].records;
    assert_eq!(records.len(), 2);
    let record = &records[1];
    assert_eq!((record.time, record.observed), (1_000, 2_000));
    assert_eq!((record.severity, &*record.severity_text), (13, "WARN"));
    assert_eq!(record.body, Some(AnyValue { value: Some(Any::Text("second".into())) }));
    assert_eq!(record.attributes, [KeyValue::text("module", "audit"), KeyValue::int("retries", 2)]);
    assert_eq!(record.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
    assert_eq!((&*record.span_id, &*record.event_name), (&7_u64.to_be_bytes()[..], "audit.degraded"));
}
