//! OTLP as protobuf (opentelemetry-proto 1.x): the requests of the three signals. Each function appends a whole
//! request to a buffer that its caller reuses.

#[cfg(feature = "send")]
mod answer;
mod common;
mod logs;
mod metrics;
mod traces;

#[cfg(feature = "grpc")]
pub(crate) use answer::retry_delay;
#[cfg(feature = "send")]
pub(crate) use answer::{Accepted, accepted, printable, status_message};
pub(crate) use common::resource;
pub use logs::logs;
pub use metrics::metrics;
pub use traces::traces;
