//! What an exporter has done, and what it lost and why.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one exporter, in spans, points or records; shared and always up to date.
#[derive(Debug, Default)]
pub struct Stats {
    pub(crate) exported: AtomicU64,
    pub(crate) dropped_queue_full: AtomicU64,
    pub(crate) dropped_failed: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) sends: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) queued: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Taken by the collector.
    pub exported: u64,
    /// Dropped because the queue was full, or the exporter had ended.
    pub dropped_queue_full: u64,
    /// Dropped because sending failed for too long or for good, or the program ended first.
    pub dropped_failed: u64,
    /// Sent, and thrown away by the collector (`partial_success`).
    pub rejected: u64,
    /// Requests that the collector took.
    pub sends: u64,
    /// Requests that failed, each repetition counted.
    pub failures: u64,
    /// Waiting to be sent.
    pub queue_len: u64,
}

impl Figures {
    /// Everything that never reached the collector's store.
    pub fn lost(&self) -> u64 {
        self.dropped_queue_full + self.dropped_failed + self.rejected
    }
}

impl Stats {
    /// The counters now.
    pub fn figures(&self) -> Figures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            exported: read(&self.exported),
            dropped_queue_full: read(&self.dropped_queue_full),
            dropped_failed: read(&self.dropped_failed),
            rejected: read(&self.rejected),
            sends: read(&self.sends),
            failures: read(&self.failures),
            queue_len: read(&self.queued),
        }
    }
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Ordering::Relaxed);
}
