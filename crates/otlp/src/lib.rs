//! OTLP 1.x: traces, metrics and logs as a collector takes them, and the threads that send them. The encoders are
//! written by hand, for the messages and fields that are sent and no others. Not for deciding what is observed (that is
//! `observe`), nor for counting (`metrics`), nor for files (`tracefile`).

#[cfg(feature = "send")]
mod batch;
#[cfg(feature = "send")]
mod control;
#[cfg(feature = "send")]
mod exporters;
pub mod json;
mod log_record;
pub mod proto;
#[cfg(feature = "send")]
mod queue;
mod resource;
#[cfg(feature = "send")]
mod send;
mod settings;
mod signal;
mod snapshot;
mod span;
#[cfg(feature = "send")]
mod stats;
mod wire;

#[cfg(feature = "send")]
pub use exporters::{Exporters, LogExporter, MetricExporter, TraceExporter};
pub use log_record::{LogRecord, Severity};
pub use resource::Resource;
#[cfg(feature = "send")]
pub use send::StartError;
pub use settings::{
    Batches, Compression, ExemplarFilter, Protocol, Reading, Sampling, Settings, SettingsError, Target, TlsFiles,
};
pub use signal::Signal;
pub use snapshot::{
    Attributes, Data, Exemplar, ExponentialPoint, HistogramPoint, Metric, MetricsSnapshot, Number, NumberPoint,
};
#[cfg(feature = "send")]
pub use stats::{Figures, Stats};
