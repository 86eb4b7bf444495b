//! What a sink has done, as counters.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one sink, in records.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) delivered: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) failures: AtomicU64,
    /// Number of the last record that was delivered for sure.
    pub(crate) safe_seq: AtomicU64,
}

/// The counters of all sinks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Records that the other side took, each as often as there are sinks.
    pub delivered: u64,
    /// Records that the other side threw away.
    pub rejected: u64,
    /// Records that retention removed before they were delivered.
    pub lost: u64,
    /// Attempts that failed; the records were sent again.
    pub failures: u64,
    /// Records that are not delivered yet.
    pub backlog: u64,
}

pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

impl Stats {
    /// Adds these to the figures; `newest` is the number of the log's last record.
    pub(crate) fn add_to(&self, figures: &mut Figures, newest: u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        figures.delivered += read(&self.delivered);
        figures.rejected += read(&self.rejected);
        figures.lost += read(&self.lost);
        figures.failures += read(&self.failures);
        figures.backlog += newest.saturating_sub(read(&self.safe_seq));
    }
}
