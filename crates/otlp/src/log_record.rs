//! A line of the log, as data.

use crate::Attributes;
use open_cli_contract::trace::{SpanId, TraceId};
use std::borrow::Cow;

/// How grave it is (OpenTelemetry `SeverityNumber`, the first of each range).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Finest.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is off.
    Warn,
    /// Something failed.
    Error,
}

impl Severity {
    /// `SeverityNumber`.
    pub fn number(self) -> u8 {
        match self {
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// A line of the log. No secret belongs into it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// When it happened; Unix nanoseconds, 0 when unknown.
    pub time_nanos: u64,
    /// When it was taken notice of; Unix nanoseconds.
    pub observed_nanos: u64,
    /// How grave.
    pub severity: Severity,
    /// The message.
    pub body: String,
    /// Fields.
    pub attributes: Attributes,
    /// The trace it happened in.
    pub trace_id: Option<TraceId>,
    /// The span it happened in.
    pub span_id: Option<SpanId>,
    /// What kind of event it is, e.g. `audit.tool_execution`; `None` for plain lines.
    pub event_name: Option<Cow<'static, str>>,
}
