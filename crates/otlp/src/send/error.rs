//! Why an exporter doesn't start, and why a request failed.

use std::path::PathBuf;
use std::time::Duration;

/// An exporter can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A file for TLS can't be used.
    #[error("OTLP: {path} is no usable PEM file ({reason}); see OTEL_EXPORTER_OTLP_CERTIFICATE and its like")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// TLS can't be set up.
    #[error("OTLP: TLS can't be set up for the collector: {0}")]
    Tls(#[from] rustls::Error),
    /// gRPC was asked for.
    #[error("OTLP: this build has no gRPC; use http/protobuf, or build with the feature `grpc`")]
    NoGrpc,
    /// The system has no thread left, or no timer.
    #[error("OTLP: the thread that sends can't start: {0}")]
    Thread(#[from] std::io::Error),
}

/// A request failed.
#[derive(Debug, PartialEq)]
pub(super) struct Failure {
    /// What happened, for the log.
    pub(super) what: String,
    /// Whether to try again.
    pub(super) again: Again,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Again {
    /// It would fail again.
    Never,
    /// After a while.
    Soon,
    /// Not before that long, as the collector says.
    After(Duration),
}

impl Failure {
    /// No answer came, or not a whole one: another try may do better.
    pub(super) fn transport(what: impl Into<String>) -> Self {
        Self { what: what.into(), again: Again::Soon }
    }
}

/// An error with its causes, e.g. `client error (Connect): tcp connect error: Connection refused`.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
