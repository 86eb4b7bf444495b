//! What a thread counts on the request path. Each thread has a shard to itself, as long as there are enough, so that
//! its lock is free except while it is being read. Not for what the counts mean (`facts`).

use crate::definition::Definition;
use crate::facts::METHODS;
use crate::family::{Family, Series};
use crate::histogram::Histogram;
use crate::names;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// Histograms that traces fill; the constants below are places in it.
pub(crate) const HISTOGRAMS: [Definition; 5] = [
    names::SERVER_DURATION,
    names::CLIENT_DURATION,
    names::TOOL_DURATION,
    names::TOOL_OVERHEAD,
    names::CATALOG_BUILD_DURATION,
];
pub(crate) const SERVER: usize = 0;
pub(crate) const CLIENT: usize = 1;
pub(crate) const TOOL: usize = 2;
pub(crate) const OVERHEAD: usize = 3;
pub(crate) const BUILD_DURATION: usize = 4;

/// Counters that traces fill; the constants below are places in it.
pub(crate) const COUNTERS: [Definition; 4] =
    [names::POLICY_DECISIONS, names::DOCUMENT_FETCHES, names::CATALOG_BUILDS, names::CATALOG_RESTORES];
pub(crate) const DECISIONS: usize = 0;
pub(crate) const FETCHES: usize = 1;
pub(crate) const BUILDS: usize = 2;
pub(crate) const RESTORES: usize = 3;

/// Most shards: more threads than this share.
const MAX_SHARDS: usize = 64;

/// Which series there are, of all shards.
pub(crate) struct Families {
    pub(crate) histograms: [Family; HISTOGRAMS.len()],
    pub(crate) counters: [Family; COUNTERS.len()],
}

impl Families {
    pub(crate) fn new(max_tools: usize) -> Self {
        let mut histograms = HISTOGRAMS;
        histograms[TOOL] = histograms[TOOL].with_limits(max_tools, 4 * (max_tools + 1));
        Self { histograms: histograms.map(Family::new), counters: COUNTERS.map(Family::new) }
    }
}

/// What one thread counted. Apart from its neighbours in the processor's caches.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Shard {
    pub(crate) counts: Mutex<Counts>,
    pub(crate) active: [AtomicI64; METHODS.len()],
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) histograms: [Series<Histogram>; HISTOGRAMS.len()],
    pub(crate) counters: [Series<u64>; COUNTERS.len()],
    pub(crate) dropped_spans: u64,
}

/// As many as are useful here: twice the processors, so that two busy threads seldom share one.
pub(crate) fn shards() -> Box<[Shard]> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let count = (2 * processors).next_power_of_two().min(MAX_SHARDS);
    (0..count).map(|_| Shard::default()).collect()
}

/// The shard of this thread.
pub(crate) fn mine(shards: &[Shard]) -> &Shard {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static TURN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // A thread that is ending has no turn any more.
    let turn = TURN.try_with(|turn| *turn).unwrap_or(0);
    &shards[turn & (shards.len() - 1)]
}
