//! OTLP 1.x: traces, metrics and logs as a collector takes them, and the threads that send them. The encoders are
//! written by hand, for the messages and fields that are sent and no others. Not for deciding what is observed (that is
//! `observe`), nor for counting (`metrics`), nor for files (`tracefile`).

mod batch;
mod control;
mod exporters;
pub mod json;
mod log_record;
pub mod proto;
mod queue;
mod resource;
mod send;
mod settings;
mod signal;
mod snapshot;
mod span;
mod stats;
mod wire;

pub use exporters::{Exporters, LogExporter, MetricExporter, TraceExporter};
pub use log_record::{LogRecord, Severity};
pub use resource::Resource;
pub use send::StartError;
pub use settings::{
    Batches, Compression, ExemplarFilter, Protocol, Reading, Sampling, Settings, SettingsError, Target, TlsFiles,
};
pub use signal::Signal;
pub use snapshot::{
    Attributes, Data, Exemplar, ExponentialPoint, HistogramPoint, Metric, MetricsSnapshot, Number, NumberPoint,
};
pub use stats::{Figures, Stats};
