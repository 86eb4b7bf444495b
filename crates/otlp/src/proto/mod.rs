//! OTLP as protobuf (opentelemetry-proto 1.x): the requests of the three signals. Each function appends a whole
//! request to a buffer that its caller reuses.

mod common;
mod traces;

pub(crate) use common::resource;
pub use traces::traces;
