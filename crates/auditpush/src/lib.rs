//! Audit records sent on to other systems, at least once and in order: webhooks, syslog (RFC 5424), OTLP logs.
//!
//! The audit log is the buffer. A sink is a cursor into it, kept in a small file beside it and moved on when the other
//! side took the records; a receiver that is away costs no call anything and loses nothing until retention removes
//! records, which is counted, logged and recorded. One thread a sink. Not for telemetry, which may be lost (`otlp`), nor
//! for writing the log (`audit`).

mod backoff;
mod control;
mod cursor_file;
mod deliver;
mod gap;
mod http;
mod otlp;
mod push;
mod settings;
mod stats;
mod syslog;
mod tls;
mod webhook;
mod worker;

pub use gap::{Gap, GapReason};
pub use push::{Origin, Push, StartError};
pub use settings::{PushSettings, Sink, SinkError};
pub use stats::Figures;

/// Most records of a batch.
pub const BATCH_RECORDS: usize = 500;
/// Most bytes of a batch, unless a single record is longer.
pub const BATCH_BYTES: usize = 1 << 20;
