//! What differs between the signals when batches are made and sent.

use crate::{LogRecord, Metric, Resource, Signal, proto};
use open_cli_observe::LocalTrace;
use std::sync::Arc;

/// A kind of batch.
pub(crate) trait Batch: 'static {
    /// What waits in the queue.
    type Item: Send + 'static;
    /// Which signal.
    const SIGNAL: Signal;
    /// Name of the thread (at most 15 bytes on Linux).
    const THREAD: &'static str;
    /// How many spans, points or records an item is.
    fn weight(item: &Self::Item) -> usize;
    /// Appends the request.
    fn encode(out: &mut Vec<u8>, resource: &Resource, items: &[Self::Item]);
}

pub(crate) struct Traces;

impl Batch for Traces {
    type Item = Arc<LocalTrace>;
    const SIGNAL: Signal = Signal::Traces;
    const THREAD: &'static str = "otlp-traces";
    fn weight(item: &Self::Item) -> usize {
        item.spans.len()
    }
    fn encode(out: &mut Vec<u8>, resource: &Resource, items: &[Self::Item]) {
        proto::traces(out, resource, items);
    }
}

pub(crate) struct Logs;

impl Batch for Logs {
    type Item = LogRecord;
    const SIGNAL: Signal = Signal::Logs;
    const THREAD: &'static str = "otlp-logs";
    fn weight(_item: &Self::Item) -> usize {
        1
    }
    fn encode(out: &mut Vec<u8>, resource: &Resource, items: &[Self::Item]) {
        proto::logs(out, resource, items);
    }
}

pub(crate) struct Metrics;

impl Batch for Metrics {
    type Item = Metric;
    const SIGNAL: Signal = Signal::Metrics;
    const THREAD: &'static str = "otlp-metrics";
    fn weight(item: &Self::Item) -> usize {
        item.data.len()
    }
    fn encode(out: &mut Vec<u8>, resource: &Resource, items: &[Self::Item]) {
        proto::metrics(out, resource, items);
    }
}
