//! OTLP 1.x: traces, metrics and logs as a collector takes them, and the threads that send them. The encoders are
//! written by hand, for the messages and fields that are sent and no others. Not for deciding what is observed (that is
//! `observe`), nor for counting (`metrics`), nor for files (`tracefile`).

pub mod json;
pub mod proto;
mod resource;
mod snapshot;
mod span;
mod wire;

pub use resource::Resource;
pub use snapshot::{
    Attributes, Data, Exemplar, ExponentialPoint, HistogramPoint, Metric, MetricsSnapshot, Number, NumberPoint,
};
