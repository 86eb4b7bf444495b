//! What scrapers read, read by a strict reader of our own and by the one of Prometheus' Python client.

#[path = "support/exposition.rs"]
mod exposition;
mod support;

use exposition::Read;
use open_cli_metrics::{Definition, Format, Kind, Metrics, Options, closed, names, process, runtimes};
use open_cli_observe::Trace;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use support::{Call, tell};

const ODD: Definition =
    Definition::new("odd.values", Kind::Gauge, "", &[closed("value")], "Odd \"values\", a \\ and\na second line.");

fn everything() -> Arc<Metrics> {
    let resource =
        [("service.name", "open-cli-toolbox"), ("service.instance.id", "a\"b\\c\nd"), ("service_name", "x")];
    let resource = resource.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let metrics = Arc::new(Metrics::new(Options { resource, ..Options::default() }));
    metrics.register(process);
    metrics.register(|collector| {
        for metric in names::ALL {
            let labels: Vec<&str> = metric.labels.iter().map(|_| "x").collect();
            collector.set(metric, &labels, 1_u64);
        }
        for (label, value) in [("nan", f64::NAN), ("inf", f64::INFINITY), ("tiny", 1e-9), ("huge", 1e300)] {
            collector.set(&ODD, &[label], value);
        }
        collector.set(&ODD, &["a\"b\\c\nd é"], -0.5);
    });
    Trace::detached(metrics.clone()).span("catalog.build").end();
    tell(
        &metrics,
        &[
            Call::default(),
            Call { sampled: false, ..Call::default() },
            Call { tool: "odd:\"tool\"\\\n", status: 503, ..Call::default() },
            Call { error: "managed_deny", ..Call::default() },
        ],
    );
    metrics
}

#[tokio::test]
async fn what_is_shown_is_openmetrics() {
    let metrics = everything();
    metrics.register(runtimes(vec![("http", tokio::runtime::Handle::current())]));
    let text = metrics.render(Format::OpenMetrics);
    let read = exposition::read(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    // Every metric of the list, one of an embedder's, and the target's description.
    assert_eq!(read.families, names::ALL.len() + 2);
    // Server, client, tool and own time, for each labelled series.
    assert!(read.exemplars >= 8, "{read:?}");
    assert!(text.contains("trace_id=\"") && text.contains(",request_id=\""));
    assert!(text.contains("# TYPE open_cli_policy_decisions counter\n"));
    assert!(text.contains("# UNIT http_server_request_duration_seconds seconds\n"));
    let text = metrics.render(Format::Prometheus);
    assert!(text.contains("# TYPE open_cli_policy_decisions_total counter\n"));
    assert!(!text.contains("# EOF") && !text.contains("# UNIT") && !text.contains(" # {"));
}

#[test]
fn the_strict_reader_is_strict() {
    let wrong = [
        "a 1\n",
        "# TYPE a gauge\na 1\n\n# EOF\n",
        "# TYPE a gauge\na 1\na 2\n# EOF\n",
        "# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n# EOF\n",
        "# TYPE a gauge\na{x=\"\\t\"} 1\n# EOF\n",
        "# TYPE a gauge\n# TYPE a gauge\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a gauge\nb 1\n# EOF\n",
        "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1\n# EOF\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\na_sum 1\n# EOF\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 # {t=\"1\"} 1\na_count 1\na_sum 1\n# EOF\n",
    ];
    for text in wrong {
        assert!(exposition::read(text).is_err(), "{text}");
    }
    let right =
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 # {t=\"1\"} 1 1700000000.0\na_count 1\na_sum 1\n# EOF\n";
    assert_eq!(exposition::read(right), Ok(Read { families: 1, samples: 3, exemplars: 1 }));
}

const SCRIPT: &str = r"
import sys
from prometheus_client.parser import text_string_to_metric_families as prometheus
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
read = {'openmetrics': openmetrics, 'prometheus': prometheus}[sys.argv[1]]
families = list(read(sys.stdin.read()))
samples = [sample for family in families for sample in family.samples]
print(len(families), len(samples), sum(1 for sample in samples if sample.exemplar))
";

/// The peer's counts of families, samples and exemplars.
fn peer(python: &std::ffi::OsStr, format: &str, text: &str) -> Read {
    let mut child = Command::new(python)
        .args(["-c", SCRIPT, format])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{format} refused:\n{text}");
    let said = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<usize> = said.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    Read { families: numbers[0], samples: numbers[1], exemplars: numbers[2] }
}

#[test]
fn prometheus_own_reader_reads_the_same() {
    let Some(python) = std::env::var_os("OPEN_CLI_TEST_PROMETHEUS") else {
        assert!(std::env::var_os("OPEN_CLI_REQUIRE_PEERS").is_none(), "OPEN_CLI_TEST_PROMETHEUS is not set");
        eprintln!("skipped: no OPEN_CLI_TEST_PROMETHEUS");
        return;
    };
    let metrics = everything();
    let text = metrics.render_openmetrics();
    assert_eq!(peer(&python, "openmetrics", &text), exposition::read(&text).expect("OpenMetrics"));
    let text = metrics.render_prometheus();
    let read = peer(&python, "prometheus", &text);
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!((read.families, read.samples), (names::ALL.len() + 2, samples));
}
