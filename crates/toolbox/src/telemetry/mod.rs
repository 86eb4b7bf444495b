//! Puts the observers of a runtime together: memory, trace file, metrics, exporters, and those of the embedder. Not for
//! what is observed (that is everybody's) nor for logs (see `log`).

pub(crate) mod listener;
mod sources;

use crate::observability::Observability;
use open_cli_instance::Layout;
use open_cli_metrics::Metrics;
use open_cli_observe::{Detached, FanOut, Observer, Recent, Sampler, Value};
use open_cli_otlp::{Exporters, MetricsSnapshot, Resource};
use open_cli_tracefile::TraceFile;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use sources::register;

/// Folder of the trace files, below the instance's state.
const TRACES: &str = "traces";
/// How long the end waits for what is not sent yet.
const FLUSH: Duration = Duration::from_secs(2);

/// Why a runtime can't be observed as its operator asks.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The trace file.
    #[error("{0}; or start with --trace-file off")]
    TraceFile(#[from] open_cli_tracefile::TraceFileError),
    /// An exporter.
    #[error("{0}; or unset the OTEL_EXPORTER_* variables")]
    Exporter(#[from] open_cli_otlp::StartError),
    /// A thread for an observer of the embedder.
    #[error("cannot start a thread for an observer: {0}")]
    Thread(std::io::Error),
}

/// Everybody who listens.
pub(crate) struct Telemetry {
    /// What requests tell.
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) sampler: Sampler,
    pub(crate) recent: Arc<Recent>,
    pub(crate) trace_file: Option<Arc<TraceFile>>,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) exporters: Exporters,
    pub(crate) fan_out: Arc<FanOut>,
    /// The embedder's, each on a thread of its own.
    pub(crate) detached: Vec<Arc<Detached>>,
}

impl Telemetry {
    /// Starts what the settings ask for. The instance must be owned: its trace file has one writer.
    pub(crate) fn start(
        settings: &Observability,
        layout: &Layout,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Result<Self, TelemetryError> {
        let resource = Arc::new(Self::resource(settings, layout));
        let recent = Arc::new(Recent::new(settings.recent_spans.max(1)));
        let trace_file = match settings.trace_file {
            Some(options) => {
                let folder = layout.state_dir.join(TRACES);
                Some(Arc::new(TraceFile::open(&folder, &resource, options)?))
            }
            None => None,
        };
        let metrics = settings.metrics.then(|| Arc::new(Metrics::new(metric_options(&resource))));
        let pulled = metrics.clone();
        let pull = move || pulled.as_ref().map_or_else(MetricsSnapshot::default, |metrics| metrics.snapshot());
        let exporters = Exporters::start(&settings.otlp, resource, pull)?;
        let detached = observers
            .into_iter()
            .map(|observer| Detached::new(observer).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(TelemetryError::Thread)?;

        let mut listeners: Vec<Arc<dyn Observer>> = Vec::new();
        if settings.recent_spans > 0 {
            listeners.push(recent.clone());
        }
        listeners.extend(metrics.clone().map(|metrics| metrics as Arc<dyn Observer>));
        listeners.extend(trace_file.clone().map(|file| file as Arc<dyn Observer>));
        listeners.extend(exporters.traces.clone().map(|exporter| exporter as Arc<dyn Observer>));
        listeners.extend(detached.iter().map(|observer| Arc::clone(observer) as Arc<dyn Observer>));
        let fan_out = Arc::new(FanOut::new(listeners));
        let sampler = settings.trace_ratio.map_or_else(|| settings.otlp.sampling.sampler(), Sampler::ratio);
        Ok(Self { observer: fan_out.clone(), sampler, recent, trace_file, metrics, exporters, fan_out, detached })
    }

    /// Who observes, as collectors are told.
    pub(crate) fn resource(settings: &Observability, layout: &Layout) -> Resource {
        settings.otlp.resource(own_resource(layout))
    }

    /// Has everything written and sent that is there; bounded in time. Blocks.
    pub(crate) fn end(&self) {
        if !self.detached.iter().fold(true, |all, observer| all & observer.flush(FLUSH)) {
            tracing::warn!("an observer was not told everything in time");
        }
        if !self.exporters.shutdown(FLUSH) {
            tracing::warn!("not all spans, metrics and logs could be handed over to the collector in time");
        }
        if let Some(file) = &self.trace_file
            && !file.flush()
        {
            tracing::warn!("the last traces could not be written to the trace file");
        }
    }
}

/// What the program says of itself (OpenTelemetry resource conventions).
fn own_resource(layout: &Layout) -> open_cli_otlp::Attributes {
    let text = |text: &str| Value::from(text.to_owned());
    let mut attributes: open_cli_otlp::Attributes = vec![
        ("service.name".into(), Value::from("open-cli-toolbox")),
        ("service.version".into(), Value::from(env!("CARGO_PKG_VERSION"))),
        ("service.instance.id".into(), text(&layout.id.to_string())),
        ("process.pid".into(), Value::from(std::process::id())),
        ("os.type".into(), Value::from(std::env::consts::OS)),
        ("telemetry.sdk.name".into(), Value::from("open-cli")),
        ("telemetry.sdk.language".into(), Value::from("rust")),
        ("telemetry.sdk.version".into(), Value::from(env!("CARGO_PKG_VERSION"))),
    ];
    if let Some(name) = host_name() {
        attributes.push(("host.name".into(), text(&name)));
    }
    attributes
}

/// Name of this machine.
pub(crate) fn host_name() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned())
}

fn metric_options(resource: &Resource) -> open_cli_metrics::Options {
    let shown = |value: &Value| value.as_str().map(str::to_owned);
    let resource =
        resource.attributes().iter().filter_map(|(name, value)| Some((name.to_string(), shown(value)?))).collect();
    open_cli_metrics::Options { resource, ..open_cli_metrics::Options::default() }
}
