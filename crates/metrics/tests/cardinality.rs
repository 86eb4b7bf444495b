//! However many tools a catalog has, and whatever callers and upstreams say: the number of series and their bytes are
//! bounded, and nothing is lost from the sums.

#[path = "support/exposition.rs"]
mod exposition;
mod support;

use open_cli_metrics::{MAX_LABEL_BYTES, Metrics, Options, names};
use support::{Call, tell};

const TOOLS: usize = 10_000;

/// The samples of a metric: labels and value.
fn samples(text: &str, name: &str) -> Vec<(String, f64)> {
    let all = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} "));
    all.map(|(labels, value)| (labels.to_owned(), value.parse().expect("a number"))).collect()
}

#[test]
fn ten_thousand_tools_fill_two_thousand_series_and_one_for_the_rest() {
    let metrics = Metrics::new(Options::default());
    for number in 0..TOOLS {
        let tool = format!("service{}:operation{number}", number % 40);
        tell(&metrics, &[Call { tool: &tool, ..Call::default() }]);
    }
    let text = metrics.render_openmetrics();
    exposition::read(&text).expect("OpenMetrics");
    let counts = samples(&text, "open_cli_tool_duration_seconds_count");
    assert_eq!(counts.len(), names::MAX_TOOLS + 1);
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<f64>(), TOOLS as f64);
    let other = counts.iter().find(|(labels, _)| labels.starts_with("tool_id=\"_OTHER\",service_id=\"_OTHER\""));
    assert_eq!(other.map(|(_, count)| *count), Some((TOOLS - names::MAX_TOOLS) as f64));
    let overflows = samples(&text, "open_cli_metrics_overflows_total");
    assert!(overflows.contains(&("metric=\"open_cli.tool.duration\"".into(), (TOOLS - names::MAX_TOOLS) as f64)));
    // 14 lines a series, 200 bytes a line.
    assert!(text.len() < (names::MAX_TOOLS + 100) * 14 * 200, "{} bytes", text.len());
}

#[test]
fn hostile_callers_and_upstreams_make_no_series() {
    let metrics = Metrics::new(Options::default());
    let long = "x".repeat(5000);
    for number in 0..3000 {
        let method = format!("HACK{number}\n\"}} 1\nevil 1");
        let path = format!("/v1/{number}/{long}");
        let upstream = format!("{number}.evil.example");
        let error = format!("error-{number}");
        let status = 200 + (number % 900) as u16;
        tell(
            &metrics,
            &[
                Call { method: &method, path: &path, error: &error, ..Call::default() },
                Call { upstream: &upstream, status, ..Call::default() },
                Call { upstream: &long, tool: &long, ..Call::default() },
            ],
        );
    }
    let text = metrics.render_openmetrics();
    exposition::read(&text).expect("OpenMetrics");
    assert!(
        !text.contains("HACK") && !text.contains("evil 1") && !text.contains("error-") && !text.contains("xxx")
    );
    let series = |name: &str| samples(&text, name).len();
    assert!(series("http_server_request_duration_seconds_count") <= 3);
    assert!(series("http_client_request_duration_seconds_count") <= names::CLIENT_DURATION.max_series + 1);
    // One tool with three outcomes, and the one whose id is too long.
    assert_eq!(series("open_cli_tool_duration_seconds_count"), 4);
    for metric in ["http_server_request", "http_client_request", "open_cli_tool"] {
        let counts = samples(&text, &format!("{metric}_duration_seconds_count"));
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<f64>(), 9000.0, "{metric}");
    }
    let addresses: std::collections::HashSet<String> =
        samples(&text, "http_client_request_duration_seconds_count")
            .iter()
            .filter_map(|(labels, _)| {
                Some(labels.split("server_address=\"").nth(1)?.split('"').next()?.to_owned())
            })
            .collect();
    assert!(addresses.len() <= names::CLIENT_DURATION.max_open + 1, "{}", addresses.len());
}

#[test]
fn every_metric_has_a_bound_in_bytes() {
    for metric in names::ALL {
        let bytes = metric.max_series * metric.labels.len() * MAX_LABEL_BYTES;
        assert!(
            metric.labels.len() <= open_cli_metrics::MAX_LABELS && bytes <= 8 << 20,
            "{}: {bytes}",
            metric.name
        );
        assert!(
            metric.bounds.is_sorted()
                && metric.bounds.is_empty() == (metric.kind != open_cli_metrics::Kind::Histogram)
        );
    }
}
