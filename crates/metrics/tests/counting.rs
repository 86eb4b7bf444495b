//! What traces tell becomes numbers.

mod support;

use open_cli_metrics::{Definition, Kind, Metrics, Options, closed, names};
use open_cli_observe::{Observer, Trace};
use std::sync::Arc;
use support::{Call, tell};

/// The lines of a metric, without what varies.
fn lines(metrics: &Metrics, start: &str) -> Vec<String> {
    let text = metrics.render_prometheus();
    text.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
}

#[test]
fn a_call_is_counted_as_request_as_upstream_call_and_for_its_tool() {
    let metrics = Metrics::new(Options::default());
    tell(
        &metrics,
        &[
            Call::default(),
            Call { status: 500, ..Call::default() },
            Call { error: "approval_required", ..Call::default() },
            Call { error: "upstream_timeout", ..Call::default() },
        ],
    );
    let tool = "open_cli_tool_duration_seconds_count{tool_id=\"orders:listOrders\",service_id=\"orders\",outcome=";
    assert_eq!(
        lines(&metrics, "open_cli_tool_duration_seconds_count"),
        [
            format!("{tool}\"success\"}} 1"),
            format!("{tool}\"upstream_error\"}} 1"),
            format!("{tool}\"refused\"}} 1"),
            format!("{tool}\"failed\"}} 1"),
        ]
    );
    let server = "http_server_request_duration_seconds_count{http_request_method=\"POST\",\
        http_route=\"/v1/tools/execute\",http_response_status_code=\"200\",url_scheme=\"http\"";
    assert_eq!(
        lines(&metrics, "http_server_request_duration_seconds_count"),
        [
            format!("{server}}} 2"),
            format!("{server},error_type=\"approval_required\"}} 1"),
            format!("{server},error_type=\"upstream_timeout\"}} 1"),
        ]
    );
    let client = "http_client_request_duration_seconds_count{http_request_method=\"POST\",\
        server_address=\"127.0.0.1\",server_port=\"8080\",http_response_status_code=";
    assert_eq!(
        lines(&metrics, "http_client_request_duration_seconds_count"),
        [format!("{client}\"200\"}} 3"), format!("{client}\"500\",error_type=\"500\"}} 1"),]
    );
    assert_eq!(
        lines(&metrics, "open_cli_tool_overhead_seconds_count"),
        ["open_cli_tool_overhead_seconds_count 4"]
    );
    let decisions = lines(&metrics, "open_cli_policy_decisions_total");
    assert!(decisions.contains(&"open_cli_policy_decisions_total{policy_decision=\"allowed\"} 2".to_owned()));
    assert!(decisions.contains(&"open_cli_policy_decisions_total{policy_decision=\"managed_deny\"} 0".to_owned()));
}

#[test]
fn background_work_is_counted_without_a_request() {
    let metrics = Arc::new(Metrics::new(Options::default()));
    for error in [None, Some("broken"), Some("cancelled")] {
        let mut build = Trace::detached(metrics.clone()).span("catalog.build");
        let mut fetch = build.trace().span("cache.fetch");
        if error.is_none() {
            fetch.set("cacheOutcome", "revalidated_hit");
        }
        fetch.end();
        if let Some(error) = error {
            build.fail(error);
        }
        build.end();
    }
    assert_eq!(
        lines(&metrics, "open_cli_catalog_builds_total"),
        [
            "open_cli_catalog_builds_total{outcome=\"success\"} 1",
            "open_cli_catalog_builds_total{outcome=\"failed\"} 1",
            "open_cli_catalog_builds_total{outcome=\"cancelled\"} 1",
        ]
    );
    assert_eq!(lines(&metrics, "open_cli_catalog_build_duration_seconds_count").len(), 3);
    let fetches = lines(&metrics, "open_cli_document_fetches_total");
    assert!(fetches.contains(&"open_cli_document_fetches_total{cache_outcome=\"revalidated_hit\"} 1".to_owned()));
    assert!(fetches.contains(&"open_cli_document_fetches_total{cache_outcome=\"failed\"} 2".to_owned()));
}

#[test]
fn a_request_whose_caller_went_away_is_cancelled() {
    let metrics = Arc::new(Metrics::new(Options::default()));
    let id = open_cli_contract::ids::RequestId::generate();
    let trace = Trace::of_request(metrics.clone(), id, None, open_cli_observe::Sampler::ALL);
    let mut root = trace.span("runtime.tools.execute");
    root.describe(open_cli_observe::SpanKind::Server, "POST /v1/tools/execute");
    root.set("http.request.method", "POST");
    drop(root);
    assert_eq!(
        lines(&metrics, "http_server_request_duration_seconds_count"),
        ["http_server_request_duration_seconds_count{http_request_method=\"POST\",error_type=\"cancelled\"} 1"]
    );
}

#[test]
fn threads_count_together_and_reading_meanwhile_loses_nothing() {
    const EACH: usize = 5000;
    let metrics = Metrics::new(Options::default());
    let trace = Call::default().trace();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..EACH).for_each(|_| metrics.trace_finished(&trace)));
        }
        let mut before = 0;
        for _ in 0..20 {
            let count = count(&metrics);
            assert!(count >= before, "a counter went back");
            before = count;
        }
    });
    assert_eq!(count(&metrics), 4 * EACH);
}

fn count(metrics: &Metrics) -> usize {
    let all = lines(metrics, "http_server_request_duration_seconds_count");
    all.first().and_then(|line| line.rsplit_once(' ')).map_or(0, |(_, count)| count.parse().expect("a number"))
}

#[test]
fn requests_under_way_are_counted_by_method() {
    let metrics = Metrics::new(Options::default());
    let one = metrics.active("GET");
    let others = (metrics.active("BREW"), metrics.active("SPAM"));
    let now = lines(&metrics, "http_server_active_requests");
    assert!(
        now.contains(&"http_server_active_requests{http_request_method=\"GET\",url_scheme=\"http\"} 1".to_owned())
    );
    assert!(now.contains(
        &"http_server_active_requests{http_request_method=\"_OTHER\",url_scheme=\"http\"} 2".to_owned()
    ));
    std::thread::scope(|scope| scope.spawn(move || drop((one, others))).join()).expect("a thread");
    assert!(lines(&metrics, "http_server_active_requests").iter().all(|line| line.ends_with(" 0")));
}

const MINE: Definition = Definition::new("mine.count", Kind::Counter, "{thing}", &[closed("kind")], "Things.");

#[test]
fn sources_add_up_and_one_that_panics_is_left_out() {
    let metrics = Metrics::new(Options::default());
    metrics.register(|collector| collector.set(&MINE, &["a"], 2_u64));
    metrics.register(|collector| {
        collector.set(&MINE, &["a"], 3_u64);
        collector.set(&names::CATALOG_AGE, &[], 1.5);
    });
    metrics.register(|_| panic!("a source's fault"));
    metrics.register(|collector| collector.set(&names::POLICY_DECISIONS, &["x"], 7_u64));
    assert_eq!(lines(&metrics, "mine_count_total"), ["mine_count_total{kind=\"a\"} 5"]);
    assert_eq!(lines(&metrics, "open_cli_catalog_age_seconds"), ["open_cli_catalog_age_seconds 1.5"]);
    assert!(lines(&metrics, "open_cli_metrics_source_failures_total").iter().all(|line| line.ends_with(" 3")));
    assert!(!lines(&metrics, "open_cli_policy_decisions").iter().any(|line| line.contains("\"x\"")), "not theirs");
}

#[test]
fn a_tool_that_is_gone_makes_room_for_another() {
    let metrics = Metrics::new(Options { max_tools: 1, ..Options::default() });
    let tools = || -> Vec<String> {
        let all = lines(&metrics, "open_cli_tool_duration_seconds_count");
        all.iter().filter_map(|line| Some(line.split('"').nth(1)?.to_owned())).collect()
    };
    tell(&metrics, &[Call { tool: "a:x", ..Call::default() }, Call { tool: "a:y", ..Call::default() }]);
    assert_eq!(tools(), ["a:x", "_OTHER"]);
    metrics.retain_tools(|tool| tool == "a:y");
    tell(&metrics, &[Call { tool: "a:y", ..Call::default() }]);
    assert_eq!(tools(), ["_OTHER", "a:y"]);
}

#[test]
fn a_snapshot_for_otlp_has_exponential_histograms_and_examples() {
    use open_cli_otlp::Data;
    let metrics = Metrics::new(Options::default());
    tell(&metrics, &[Call::default(), Call { sampled: false, tool: "b:c", ..Call::default() }]);
    let snapshot = metrics.snapshot();
    let data = |name: &str| snapshot.metrics.iter().find(|metric| metric.name == name).map(|metric| &metric.data);
    let Some(Data::ExponentialHistogram(points)) = data("open_cli.tool.duration") else { panic!("none") };
    let point = &points[0];
    assert_eq!((point.count, point.counts.iter().sum::<u64>(), point.min), (1, 1, Some(point.sum)));
    assert!((1..=20).contains(&point.scale) && point.start_nanos > 0 && point.time_nanos > point.start_nanos);
    assert_eq!((point.attributes.len(), point.exemplars.len(), points[1].exemplars.len()), (3, 1, 0));
    let Some(Data::Sum { monotonic: true, points }) = data("open_cli.policy.decisions") else { panic!("none") };
    assert_eq!(points[0].value, open_cli_otlp::Number::Int(2));
    let explicit = metrics.snapshot_as(open_cli_metrics::Histograms::Explicit);
    let Some(Data::Histogram(points)) =
        explicit.metrics.iter().find(|metric| metric.name == "http.client.request.duration").map(|m| &m.data)
    else {
        panic!("none")
    };
    assert_eq!((points[0].bounds.len() + 1, points[0].counts.iter().sum::<u64>()), (points[0].counts.len(), 2));
}
