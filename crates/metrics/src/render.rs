//! The text formats: OpenMetrics 1.0 and Prometheus text 0.0.4. They differ in the names of counters' families, in
//! `# UNIT`, exemplars and the end. Not for compression, nor for HTTP.

use crate::collect::Amount;
use crate::definition::{Definition, Kind, underscored};
use crate::gather::{Gathered, Points};
use crate::histogram::{Exemplar, Histogram};
use crate::key::{Key, escape};
use crate::metrics::Metrics;
use crate::negotiate::Format;
use std::fmt::Write as _;
use std::sync::Arc;

/// Most characters of an exemplar's labels, names and values together (OpenMetrics 1.0, Exemplars).
const MAX_EXEMPLAR: usize = 128;
/// What a line takes, about.
const LINE: usize = 160;

impl Metrics {
    /// Everything, in this format.
    pub fn render(&self, format: Format) -> String {
        let gathered = self.gather(false);
        let lines: usize = gathered.iter().map(lines).sum();
        let mut text = String::with_capacity((lines + 8) * LINE);
        self.target_info(format, &mut text);
        for metric in &gathered {
            family(metric, format, &mut text);
        }
        if format == Format::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }

    /// Everything as OpenMetrics 1.0, with exemplars.
    pub fn render_openmetrics(&self) -> String {
        self.render(Format::OpenMetrics)
    }

    /// Everything as Prometheus text 0.0.4.
    pub fn render_prometheus(&self) -> String {
        self.render(Format::Prometheus)
    }

    /// What describes this program, to be joined with the other metrics.
    fn target_info(&self, format: Format, text: &mut String) {
        if self.resource.is_empty() {
            return;
        }
        let (name, kind) = match format {
            Format::OpenMetrics => ("target", "info"),
            Format::Prometheus => ("target_info", "gauge"),
        };
        let _ = write!(text, "# TYPE {name} {kind}\n# HELP {name} The program.\ntarget_info{{");
        let mut said: Vec<String> = Vec::new();
        for (name, value) in &self.resource {
            let name = underscored(name);
            if said.contains(&name) {
                continue;
            }
            if !said.is_empty() {
                text.push(',');
            }
            let _ = write!(text, "{name}=\"");
            escape(value, text);
            text.push('"');
            said.push(name);
        }
        text.push_str("} 1\n");
    }
}

fn lines(metric: &Gathered) -> usize {
    match &metric.points {
        Points::Numbers(points) => 3 + points.len(),
        Points::Histograms(points) => 3 + points.len() * (metric.definition.bounds.len() + 3),
    }
}

fn family(metric: &Gathered, format: Format, text: &mut String) {
    let definition = &metric.definition;
    let name = definition.prometheus_name();
    let family = if format == Format::OpenMetrics { definition.family_name() } else { name.clone() };
    let _ = writeln!(text, "# TYPE {family} {}", definition.kind.word());
    let unit = definition.prometheus_unit();
    if format == Format::OpenMetrics && !unit.is_empty() {
        let _ = writeln!(text, "# UNIT {family} {unit}");
    }
    let _ = write!(text, "# HELP {family} ");
    escape_help(definition.help, format, text);
    text.push('\n');
    match &metric.points {
        Points::Numbers(points) => numbers(&name, points, text),
        Points::Histograms(points) => {
            let writer = Writer::new(&family, definition, format);
            points.iter().for_each(|(key, histogram)| writer.histogram(key, histogram, text));
        }
    }
}

fn escape_help(help: &str, format: Format, text: &mut String) {
    for c in help.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if format == Format::OpenMetrics => text.push_str("\\\""),
            _ => text.push(c),
        }
    }
}

fn numbers(name: &str, points: &[(Arc<Key>, Amount)], text: &mut String) {
    for (key, amount) in points {
        text.push_str(name);
        if !key.text.is_empty() {
            text.push('{');
            text.push_str(&key.text);
            text.push('}');
        }
        text.push(' ');
        match amount {
            Amount::Int(value) => text.push_str(itoa::Buffer::new().format(*value)),
            Amount::Double(value) => double(*value, text),
        }
        text.push('\n');
    }
}

/// As Go and Python read it.
fn double(value: f64, text: &mut String) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        let _ = write!(text, "{value:?}");
    }
}

/// Writes the histograms of a family; what every line needs is made once.
struct Writer {
    bucket: String,
    sum: String,
    count: String,
    /// `le="0.005"} `, the last is `+Inf`.
    bounds: Vec<String>,
    with_exemplars: bool,
}

impl Writer {
    fn new(family: &str, definition: &Definition, format: Format) -> Self {
        debug_assert!(definition.kind == Kind::Histogram);
        let finite = definition.bounds.iter().map(|bound| format!("le=\"{bound:?}\"}} "));
        Self {
            bucket: format!("{family}_bucket{{"),
            sum: format!("{family}_sum"),
            count: format!("{family}_count"),
            bounds: finite.chain(["le=\"+Inf\"} ".to_owned()]).collect(),
            with_exemplars: format == Format::OpenMetrics,
        }
    }

    fn histogram(&self, key: &Key, histogram: &Histogram, text: &mut String) {
        let mut number = itoa::Buffer::new();
        let mut below = 0;
        for (bucket, (bound, count)) in self.bounds.iter().zip(histogram.buckets()).enumerate() {
            below += count;
            text.push_str(&self.bucket);
            if !key.text.is_empty() {
                text.push_str(&key.text);
                text.push(',');
            }
            text.push_str(bound);
            text.push_str(number.format(below));
            if self.with_exemplars
                && let Some(found) = histogram.exemplars.iter().find(|exemplar| exemplar.bucket == bucket)
            {
                exemplar(found, text);
            }
            text.push('\n');
        }
        for (name, is_sum) in [(&self.count, false), (&self.sum, true)] {
            text.push_str(name);
            if !key.text.is_empty() {
                text.push('{');
                text.push_str(&key.text);
                text.push('}');
            }
            text.push(' ');
            if is_sum {
                double(histogram.sum, text);
            } else {
                text.push_str(number.format(histogram.count));
            }
            text.push('\n');
        }
    }
}

/// `trace_id` and `span_id` always fit; the request id is left out when it does not.
fn exemplar(exemplar: &Exemplar, text: &mut String) {
    let Exemplar { trace_id, span_id, value, time_nanos, request_id, .. } = exemplar;
    let _ = write!(text, " # {{trace_id=\"{trace_id}\",span_id=\"{span_id}\"");
    const TAKEN: usize = "trace_id".len() + 32 + "span_id".len() + 16 + "request_id".len();
    if let Some(id) = request_id.as_ref().map(|id| id.as_str()).filter(|id| TAKEN + id.len() <= MAX_EXEMPLAR) {
        // Letters, digits, `.`, `_` and `-` only.
        let _ = write!(text, ",request_id=\"{id}\"");
    }
    text.push_str("} ");
    double(*value, text);
    let (seconds, millis) = (time_nanos / 1_000_000_000, time_nanos / 1_000_000 % 1000);
    let _ = write!(text, " {seconds}.{millis:03}");
}
