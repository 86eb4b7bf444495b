//! What an operator decides about traces, metrics and exporters. The audit log's settings are beside it: they decide
//! whether a call may run, these never do.

use std::net::SocketAddr;

/// Spans kept in memory for the trace endpoints.
const RECENT_SPANS: usize = 4096;

/// Settings of a runtime's observation. Nothing of it delays a request: what can't keep up is dropped and counted.
#[derive(Debug, Clone)]
pub struct Observability {
    /// The trace file of the instance; `None` writes none.
    pub trace_file: Option<open_cli_tracefile::Options>,
    /// Spans kept in memory; 0 keeps none.
    pub recent_spans: usize,
    /// Metrics are counted, and served at `/metrics`.
    pub metrics: bool,
    /// `/metrics` has a listener of its own and is gone from the runtime's.
    pub metrics_addr: Option<SocketAddr>,
    /// Share of the traces that are exported when the caller does not say; beats `OTEL_TRACES_SAMPLER_ARG`.
    pub trace_ratio: Option<f64>,
    /// Where traces, metrics and logs are sent, and what the program says of itself.
    pub otlp: open_cli_otlp::Settings,
}

impl Default for Observability {
    fn default() -> Self {
        Self {
            trace_file: Some(open_cli_tracefile::Options::default()),
            recent_spans: RECENT_SPANS,
            metrics: true,
            metrics_addr: None,
            trace_ratio: None,
            otlp: open_cli_otlp::Settings::default(),
        }
    }
}
