//! The exporters against collectors that are willing, unwilling, slow, dead and back again.

use crate::messages::{LogsRequest, MetricsRequest, Partial, Response, TraceRequest};
use crate::samples::{self, call, record};
use crate::sink::{Reply, Sink};
use flate2::read::GzDecoder;
use open_cli_observe::{LocalTrace, Observer};
use open_cli_otlp::{
    Batches, Compression, Exporters, Figures, LogExporter, MetricExporter, Reading, Settings, Target,
    TraceExporter,
};
use prost::Message;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// More than a test takes.
const LONG: Duration = Duration::from_secs(30);

fn at_once() -> Batches {
    Batches { queue: 1_000, batch: 1, delay: LONG, timeout: LONG }
}

fn only_when_told() -> Batches {
    Batches { batch: 1_000, ..at_once() }
}

fn target(sink: &Sink) -> Target {
    Target::at(format!("{}/v1/traces", sink.url()).parse().expect("a URL"))
}

fn exporter(target: &Target, batches: Batches) -> TraceExporter {
    TraceExporter::start(target, batches, Arc::new(samples::resource())).expect("started")
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// Answers with this status, then takes everything.
fn first(status: u16, headers: &'static str) -> Sink {
    Sink::start(&[Reply::Answer(status, headers, b"not now".to_vec()), Reply::Answer(200, "", vec![])])
}

#[test]
fn sampled_traces_arrive_in_one_request_and_others_do_not() {
    let sink = Sink::willing();
    let exporter = exporter(&target(&sink), only_when_told());
    exporter.trace_finished(&call(1));
    exporter.trace_finished(&Arc::new(LocalTrace { sampled: false, ..(*call(11)).clone() }));
    exporter.trace_finished(&call(21));
    assert_eq!(exporter.figures().queue_len, 14);
    assert!(exporter.flush(LONG));
    let requests = sink.requests(1);
    assert_eq!(requests.len(), 1);
    let request = TraceRequest::decode(&*requests[0].body).expect("a request");
    let ids: Vec<_> = request.spans().iter().map(|span| span.span_id[7]).collect();
    assert_eq!(ids, [4, 5, 6, 3, 2, 7, 1, 24, 25, 26, 23, 22, 27, 21]);
    assert_eq!(requests[0].path, "/v1/traces");
    assert_eq!(requests[0].header("content-type"), "application/x-protobuf");
    assert_eq!(requests[0].header("content-encoding"), "");
    assert!(requests[0].header("user-agent").starts_with("open-cli/"));
    assert_eq!(requests[0].header("traceparent"), "");
    assert_eq!(exporter.figures(), Figures { exported: 14, sends: 1, ..Figures::default() });
    assert_eq!(exporter.figures().lost(), 0);
}

#[test]
fn batches_are_bounded_and_use_one_connection() {
    let sink = Sink::willing();
    let exporter = exporter(&target(&sink), Batches { batch: 14, ..at_once() });
    (0..5).for_each(|index| exporter.trace_finished(&call(index * 10 + 1)));
    assert!(exporter.shutdown(LONG));
    let requests = sink.requests(3);
    let spans =
        requests.iter().map(|request| TraceRequest::decode(&*request.body).expect("a request").spans().len());
    assert_eq!(spans.sum::<usize>(), 35);
    assert!(requests.iter().all(|request| request.body.len() < 14 * 1024));
    assert_eq!(sink.connections(), 1);
    // After the end nothing is taken.
    exporter.trace_finished(&call(1));
    let figures = exporter.figures();
    assert_eq!((figures.exported, figures.dropped_queue_full, figures.queue_len), (35, 7, 0));
    assert!(exporter.shutdown(LONG), "a second time");
}

#[test]
fn one_span_waits_for_others_only_as_long_as_is_set() {
    let sink = Sink::willing();
    let exporter = exporter(&target(&sink), Batches { delay: Duration::from_millis(50), ..only_when_told() });
    exporter.trace_finished(&call(1));
    sink.requests(1);
}

#[test]
fn enough_spans_are_sent_at_once_even_when_more_would_fit() {
    let sink = Sink::willing();
    let exporter = exporter(&target(&sink), Batches { queue: 10_000, batch: 2_048, ..at_once() });
    (0..74).for_each(|index| exporter.trace_finished(&call(index * 10 + 1)));
    sink.requests(1);
    wait_until("they were sent", || exporter.figures().exported >= 512);
}

#[test]
fn headers_and_gzip_are_sent() {
    let sink = Sink::willing();
    let url = sink.url();
    let variables = move |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(format!("{url}/otlp/")),
        "OTEL_EXPORTER_OTLP_HEADERS" => Some("Authorization=Bearer%20se%2Ccret, x-tenant = a ".into()),
        "OTEL_EXPORTER_OTLP_COMPRESSION" => Some("gzip".into()),
        "OTEL_METRICS_EXPORTER" => Some("none".into()),
        _ => None,
    };
    let settings = Settings::from_env(&variables).expect("settings");
    assert_eq!(settings.traces.as_ref().expect("traces").compression, Compression::Gzip);
    assert!(!format!("{settings:?}").contains("cret"));
    let resource = Arc::new(settings.resource(vec![]));
    let exporters = Exporters::start(&settings, resource, || unreachable!("not read")).expect("started");
    assert!(exporters.metrics.is_none());
    for _ in 0..2 {
        exporters.traces.as_ref().expect("traces").trace_finished(&call(1));
        assert!(exporters.traces.as_ref().expect("traces").flush(LONG));
    }
    assert!(exporters.shutdown(LONG));
    for request in sink.requests(2) {
        assert_eq!(request.path, "/otlp/v1/traces");
        assert_eq!(request.header("authorization"), "Bearer se,cret");
        assert_eq!(request.header("x-tenant"), "a");
        assert_eq!(request.header("content-encoding"), "gzip");
        let mut body = Vec::new();
        GzDecoder::new(&*request.body).read_to_end(&mut body).expect("gzip");
        assert_eq!(TraceRequest::decode(&*body).expect("a request").spans().len(), 7);
    }
}

#[test]
fn what_may_pass_is_tried_again_with_the_same_bytes() {
    for (status, headers) in [(429, ""), (502, ""), (503, "retry-after: 1\r\n"), (504, "retry-after: 0\r\n")] {
        let sink = first(status, headers);
        let exporter = exporter(&target(&sink), at_once());
        let begin = Instant::now();
        exporter.trace_finished(&call(1));
        assert!(exporter.flush(LONG));
        let requests = sink.requests(2);
        assert_eq!(requests[0].body, requests[1].body);
        assert!(begin.elapsed() >= Duration::from_millis(if headers.contains('1') { 1000 } else { 250 }));
        let expected = Figures { exported: 7, sends: 1, failures: 1, ..Figures::default() };
        assert_eq!(exporter.figures(), expected, "{status}");
    }
    let sink = Sink::start(&[Reply::Hangup, Reply::Answer(200, "", vec![])]);
    let exporter = exporter(&target(&sink), at_once());
    exporter.trace_finished(&call(1));
    assert!(exporter.flush(LONG));
    assert_eq!((exporter.figures().exported, exporter.figures().failures), (7, 1));
}

#[test]
fn what_is_refused_for_good_is_dropped_and_the_next_batch_goes_on() {
    for status in [400, 401, 404, 413, 500] {
        let sink = first(status, "");
        let exporter = exporter(&target(&sink), at_once());
        exporter.trace_finished(&call(1));
        assert!(exporter.flush(LONG));
        let expected = Figures { dropped_failed: 7, failures: 1, ..Figures::default() };
        assert_eq!(exporter.figures(), expected, "{status}");
        exporter.trace_finished(&call(1));
        assert!(exporter.flush(LONG));
        assert_eq!((exporter.figures().exported, exporter.figures().sends), (7, 1));
        assert_eq!(sink.requests(2).len(), 2);
    }
}

#[test]
fn a_partial_success_is_counted_as_rejected() {
    let partial = Response { partial: Some(Partial { rejected: 3, message: "too old".into() }) };
    let answer = Reply::Answer(200, "content-type: application/x-protobuf\r\n", partial.encode_to_vec());
    let sink = Sink::start(&[answer]);
    let exporter = exporter(&target(&sink), at_once());
    exporter.trace_finished(&call(1));
    assert!(exporter.flush(LONG));
    assert_eq!(exporter.figures(), Figures { exported: 4, rejected: 3, sends: 1, ..Figures::default() });
    assert_eq!(exporter.figures().lost(), 3);
}

#[test]
fn a_dead_collector_costs_spans_and_no_time_and_is_found_again() {
    let sink = Sink::willing();
    let address = sink.address;
    let target = Target { timeout: Duration::from_secs(1), ..target(&sink) };
    drop(sink);
    let exporter = exporter(&target, Batches { queue: 70, batch: 7, ..at_once() });
    let traces: Vec<_> = (0..1_000).map(|index| call(index * 10 + 1)).collect();
    let begin = Instant::now();
    traces.iter().for_each(|trace| exporter.trace_finished(trace));
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?} for 1000 traces");
    wait_until("a request failed", || exporter.figures().failures > 0);
    let figures = exporter.figures();
    assert!(figures.queue_len <= 77 && figures.queue_len >= 70, "{figures:?}");
    assert_eq!(figures.dropped_queue_full + figures.queue_len, 7_000);
    assert!(!exporter.flush(Duration::from_millis(10)));

    let sink = Sink::at(address, &[Reply::Answer(200, "", vec![])]);
    assert!(exporter.flush(LONG));
    let after = exporter.figures();
    assert_eq!(after.exported, figures.queue_len);
    assert_eq!((after.dropped_failed, after.queue_len), (0, 0));
    assert_eq!(sink.requests(10).len() as u64 * 7, after.exported);
}

#[test]
fn a_batch_is_not_tried_for_ever() {
    let sink = Sink::start(&[Reply::Answer(503, "", vec![])]);
    let exporter = exporter(&target(&sink), Batches { timeout: Duration::from_millis(600), ..at_once() });
    exporter.trace_finished(&call(1));
    assert!(exporter.flush(LONG));
    let figures = exporter.figures();
    assert_eq!((figures.dropped_failed, figures.queue_len), (7, 0));
    assert!((1..=3).contains(&figures.failures), "{figures:?}");
}

#[test]
fn the_end_is_bounded_when_the_collector_never_answers() {
    let sink = Sink::start(&[Reply::Silence]);
    let exporter = exporter(&target(&sink), Batches { batch: 7, ..at_once() });
    (0..3).for_each(|index| exporter.trace_finished(&call(index * 10 + 1)));
    sink.requests(1);
    let begin = Instant::now();
    assert!(!exporter.shutdown(Duration::from_millis(300)));
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(2), "{took:?}");
    assert_eq!(exporter.figures(), Figures { dropped_failed: 21, ..Figures::default() });
}

#[test]
fn an_answer_that_comes_too_late_counts_as_none() {
    let sink = Sink::start(&[Reply::Silence, Reply::Answer(200, "", vec![])]);
    let target = Target { timeout: Duration::from_millis(100), ..target(&sink) };
    let exporter = exporter(&target, at_once());
    exporter.trace_finished(&call(1));
    assert!(exporter.flush(LONG));
    assert_eq!(exporter.figures(), Figures { exported: 7, sends: 1, failures: 1, ..Figures::default() });
}

#[test]
fn metrics_are_read_each_interval_and_once_more_at_the_end() {
    let sink = Sink::willing();
    let url = format!("{}/v1/metrics", sink.url()).parse().expect("a URL");
    let reading = Reading { interval: Duration::from_millis(50), timeout: LONG };
    let resource = Arc::new(samples::resource());
    let exporter = MetricExporter::start(&Target::at(url), reading, resource, samples::metrics).expect("started");
    let before = sink.requests(2).len() as u64;
    assert!(exporter.shutdown(LONG));
    let figures = exporter.figures();
    assert!(figures.sends > before);
    assert_eq!((figures.exported, figures.queue_len), (figures.sends * 4, 0));
    let request = sink.requests(1).remove(0);
    assert_eq!(request.path, "/v1/metrics");
    let request = MetricsRequest::decode(&*request.body).expect("a request");
    assert_eq!(request.resource_metrics[0].scope_metrics[0].metrics.len(), 4);
}

#[test]
fn log_records_are_sent_and_long_ones_in_several_requests() {
    let sink = Sink::willing();
    let url = format!("{}/v1/logs", sink.url()).parse().expect("a URL");
    let resource = Arc::new(samples::resource());
    let exporter = LogExporter::start(&Target::at(url), only_when_told(), resource).expect("started");
    exporter.push(record("first"));
    assert!(exporter.flush(LONG));
    let request = LogsRequest::decode(&*sink.requests(1)[0].body).expect("a request");
    assert_eq!(request.resource_logs[0].scope_logs[0].records.len(), 1);
    let long = "x".repeat(1 << 20);
    (0..5).for_each(|_| exporter.push(record(&long)));
    assert!(exporter.flush(LONG));
    let requests = sink.requests(3);
    assert!(requests.iter().all(|request| request.body.len() < 4 << 20));
    assert_eq!((exporter.figures().exported, exporter.figures().dropped_failed), (6, 0));
}
