//! What a metric is: its name, kind, unit, labels and meaning. One definition each, from which both text formats,
//! OTLP and `docs/metrics.md` derive. Not for values.
//!
//! Names are OpenTelemetry's; [`Definition::prometheus_name`] follows its rules for Prometheus ("Prometheus and
//! OpenMetrics Compatibility": dots become underscores, the unit becomes a suffix, counters end in `_total`).

/// How values of a metric behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from the start of the program.
    Counter,
    /// Goes up and down, and adds up over instances.
    UpDown,
    /// Is what it is at the moment.
    Gauge,
    /// How often which size was measured.
    Histogram,
}

impl Kind {
    /// The word of the exposition formats.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDown | Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// OpenTelemetry's attribute name.
    pub name: &'static str,
    /// Its values come from outside (a catalog, a configuration): how many different ones get a series is bounded by
    /// [`Definition::max_open`]. The values of other labels are closed lists.
    pub is_open: bool,
}

/// A label whose values are a closed list.
pub const fn closed(name: &'static str) -> Label {
    Label { name, is_open: false }
}

/// A label whose values come from outside.
pub const fn open(name: &'static str) -> Label {
    Label { name, is_open: true }
}

/// Most labels of a metric.
pub const MAX_LABELS: usize = 8;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Definition {
    /// E.g. `http.server.request.duration`.
    pub name: &'static str,
    /// How its values behave.
    pub kind: Kind,
    /// UCUM: `s`, `By`, `{request}`; empty when there is none.
    pub unit: &'static str,
    /// Labels, at most [`MAX_LABELS`]; values are given in this order.
    pub labels: &'static [Label],
    /// What it says, one sentence.
    pub help: &'static str,
    /// Upper bounds of a histogram's buckets for the text formats, at most 15, rising.
    pub bounds: &'static [f64],
    /// Most combinations of open labels that get series of their own; the rest is counted under `_OTHER`.
    pub max_open: usize,
    /// Most series in all; the rest is counted under one that says `_OTHER` everywhere.
    pub max_series: usize,
}

impl Definition {
    /// A metric without buckets, with at most 1,000 series.
    pub const fn new(
        name: &'static str,
        kind: Kind,
        unit: &'static str,
        labels: &'static [Label],
        help: &'static str,
    ) -> Self {
        Self { name, kind, unit, labels, help, bounds: &[], max_open: 100, max_series: 1000 }
    }

    /// The same with these buckets.
    pub const fn with_bounds(mut self, bounds: &'static [f64]) -> Self {
        self.bounds = bounds;
        self
    }

    /// The same with these limits.
    pub const fn with_limits(mut self, max_open: usize, max_series: usize) -> Self {
        self.max_open = max_open;
        self.max_series = max_series;
        self
    }

    /// Name of the family in OpenMetrics: without `_total`.
    pub fn family_name(&self) -> String {
        let mut name = underscored(self.name);
        let unit = self.prometheus_unit();
        if !unit.is_empty() && name != unit && !name.ends_with(&format!("_{unit}")) {
            name.push('_');
            name.push_str(unit);
        }
        name
    }

    /// Name in Prometheus: of the samples, except for a histogram's suffixes.
    pub fn prometheus_name(&self) -> String {
        let name = self.family_name();
        if self.kind == Kind::Counter { name + "_total" } else { name }
    }

    /// The unit as Prometheus spells it, empty for none and for what is counted (`{request}`).
    pub fn prometheus_unit(&self) -> &'static str {
        match self.unit {
            "s" => "seconds",
            "By" => "bytes",
            "1" if self.kind == Kind::Gauge => "ratio",
            _ => "",
        }
    }
}

/// A name as Prometheus takes it: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub(crate) fn underscored(name: &str) -> String {
    let mut text: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
        text.insert(0, '_');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_opentelemetrys_rules_for_prometheus() {
        let cases = [
            ("http.server.request.duration", Kind::Histogram, "s", "http_server_request_duration_seconds"),
            ("http.server.active_requests", Kind::UpDown, "{request}", "http_server_active_requests"),
            ("open_cli.policy.decisions", Kind::Counter, "{decision}", "open_cli_policy_decisions_total"),
            ("open_cli.audit.bytes", Kind::Counter, "By", "open_cli_audit_bytes_total"),
            ("process.cpu.time", Kind::Counter, "s", "process_cpu_time_seconds_total"),
            ("load", Kind::Gauge, "1", "load_ratio"),
            ("9 lives", Kind::Gauge, "", "_9_lives"),
        ];
        for (name, kind, unit, expected) in cases {
            assert_eq!(Definition::new(name, kind, unit, &[], "").prometheus_name(), expected);
        }
    }
}
