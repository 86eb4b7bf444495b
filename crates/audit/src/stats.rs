//! What the log has done since it was opened, as counters that are cheap to read. Not for saying what they are
//! called in a metrics format.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters of an open log. They only grow, except [`StatsSnapshot::queue_depth`].
        #[derive(Debug, Default)]
        pub(crate) struct Stats { $(pub(crate) $name: Counter,)* }

        /// The counters at one moment.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct StatsSnapshot { $($(#[$doc])* pub $name: u64,)* }

        impl Stats {
            pub(crate) fn snapshot(&self) -> StatsSnapshot {
                StatsSnapshot { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Records written.
    records,
    /// Bytes written.
    bytes,
    /// Syncs of the live file.
    syncs,
    /// Nanoseconds spent in them.
    sync_nanos,
    /// Records that wait for a group commit now.
    queue_depth,
    /// Records that were refused, and syncs, rotations, seals and removals that failed.
    failures,
    /// Segments sealed.
    segments_sealed,
    /// Segments that retention removed.
    segments_removed,
    /// Checkpoints written.
    heads,
    /// Signs of tampering, at the start and while sealing, and torn lines that were cut off.
    bad,
}

/// One of them.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stats {
    pub(crate) fn synced(&self, took: Duration) {
        self.syncs.add(1);
        self.sync_nanos.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}
