//! What the trace file did and what it lost, for metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts since the start. All grow only, but `is_failing`.
#[derive(Debug, Default)]
pub struct Stats {
    /// Traces in the file.
    pub written_traces: AtomicU64,
    /// Spans in the file.
    pub written_spans: AtomicU64,
    /// Bytes in the file, before they are compressed.
    pub written_bytes: AtomicU64,
    /// Traces left out because they are not sampled and did not fail.
    pub unsampled_traces: AtomicU64,
    /// Traces dropped because there were more than the rate allows.
    pub rate_dropped_traces: AtomicU64,
    /// Traces dropped because the writer was too slow.
    pub queue_dropped_traces: AtomicU64,
    /// Traces lost because the file could not be written.
    pub failed_traces: AtomicU64,
    /// Files put aside.
    pub rotations: AtomicU64,
    /// The last write failed.
    pub is_failing: AtomicBool,
}

impl Stats {
    /// Traces that should have been written and were not.
    pub fn lost_traces(&self) -> u64 {
        [&self.rate_dropped_traces, &self.queue_dropped_traces, &self.failed_traces]
            .into_iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}

pub(crate) fn add(count: &AtomicU64, more: usize) {
    count.fetch_add(more as u64, Ordering::Relaxed);
}
