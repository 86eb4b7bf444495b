//! `docs/metrics.md` is generated from the list of metrics. `UPDATE_DOCS=1 cargo test` rewrites it.

use open_cli_metrics::{Definition, Kind, MAX_LABEL_BYTES, names};
use std::fmt::Write as _;
use std::path::PathBuf;

const HEAD: &str = "# Metrics\n\n\
    `/metrics` shows them as OpenMetrics 1.0 (with exemplars: `trace_id`, `span_id` and `request_id` of recent sampled \
    requests)\nor as Prometheus text 0.0.4, whichever the scraper's `Accept` prefers; OTLP gets the same ones, histograms \
    exponential.\nA dashboard for Grafana and alert rules for Prometheus are in [ops](../ops).\n\n\
    The first name is OpenTelemetry's, as OTLP has it; the second one is Prometheus'. Labels are spelled with underscores \
    there\n(`http_request_method`). This list is generated from `crates/metrics/src/names.rs`.\n\n\
    | name | in Prometheus | type | unit | labels | meaning |\n|---|---|---|---|---|---|\n";

const WORDS: &str = "\n## Values of labels\n\n\
    | label | values |\n|---|---|\n\
    | `error.type` | of the server: a code of [errors.md](errors.md); of the client: the status, or a word for what went \
    wrong (`timeout`, `unreachable`, `connection closed`, `not HTTP`, \
    `answer too large`); of both: `cancelled`, `_OTHER` |\n\
    | `http.request.method` | the methods of OpenTelemetry's HTTP conventions |\n\
    | `outcome` of a tool | `success`; `upstream_error`: the upstream answered with 400 or above; `refused`: the caller may \
    not; `failed`: there is no answer |\n\
    | `outcome` of a build | `success`, `failed`, `cancelled` |\n\
    | `policy.decision` | `allowed`, `managed_deny`, `policy_deny`, `curated_deny`, `tool_quarantined`, `approval_required` |\n\
    | `cache.outcome` | `miss`, `fresh_hit`, `revalidated_hit`, `refreshed`, `stale_hit`, `failed` |\n\
    | `change` | `added`, `removed`; of altered tools `safety`, `breaking`, `compatible`, `cosmetic` |\n\
    | `tool.id`, `service.id` | tools of the catalog |\n\
    | `reason` of a loss | `queue_full`; `failed`: given up after repeated attempts; `rejected` by the other side; `rate`: more \
    than the trace file may take; `too_many_spans` in one trace; `retention`: removed from the audit log before the \
    receiver of `--audit-push` took it |\n\
    | `metric` | a name from the table above |\n";

#[test]
fn the_list_of_metrics_is_current() {
    let mut text = String::from(HEAD);
    for metric in names::ALL {
        let unit = if metric.unit.is_empty() { String::new() } else { format!("`{}`", metric.unit) };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{}`", label.name)).collect();
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {unit} | {} | {} |",
            metric.name,
            metric.prometheus_name(),
            kind(metric),
            labels.join(", "),
            metric.help
        );
    }
    text.push_str(WORDS);
    text.push_str(&bounds());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::io::Write::write_all(&mut std::fs::File::create(&path).expect("create"), text.as_bytes())
            .expect("write");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/metrics.md is stale: run `UPDATE_DOCS=1 cargo test -p open-cli-metrics`");
}

fn kind(metric: &Definition) -> &'static str {
    match metric.kind {
        Kind::Counter => "counter",
        Kind::UpDown => "up-down counter (gauge)",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

fn bounds() -> String {
    let mut text = format!(
        "\n## Bounds\n\nValues that come from outside get series of their own up to a limit; what is beyond it, and what is \
         longer than {MAX_LABEL_BYTES} bytes, is\ncounted under `_OTHER`, so sums stay right. \
         `open_cli.metrics.overflows` says how often that happened.\n\n\
         | name | labels from outside | most combinations of them | most series |\n|---|---|---|---|\n"
    );
    for metric in names::ALL.iter().filter(|metric| metric.labels.iter().any(|label| label.is_open)) {
        let open: Vec<String> =
            metric.labels.iter().filter(|label| label.is_open).map(|label| format!("`{}`", label.name)).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            metric.name,
            open.join(", "),
            metric.max_open,
            metric.max_series
        );
    }
    text
}

#[test]
fn names_are_unique_and_say_what_they_are() {
    let mut seen = std::collections::HashSet::new();
    for metric in names::ALL {
        assert!(seen.insert(metric.prometheus_name()), "{} twice", metric.name);
        assert!(metric.help.ends_with('.') && !metric.help.contains('|'), "{}", metric.name);
        let is_ours = metric.name.starts_with("open_cli.");
        assert!(
            is_ours || metric.name.starts_with("http.") || metric.name.starts_with("process."),
            "{}",
            metric.name
        );
    }
}
