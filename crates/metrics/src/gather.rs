//! Reads the counts: shard by shard and a few series at a time, so that no request waits for long; then asks the
//! sources. Not for a format.

use crate::collect::{Amount, Collector};
use crate::definition::Definition;
use crate::family::{Family, Series};
use crate::histogram::Histogram;
use crate::key::Key;
use crate::metrics::Metrics;
use crate::names;
use crate::shard::Counts;
use indexmap::IndexMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Series that are copied while a thread may have to wait: about 5 µs.
const AT_ONCE: usize = 32;

/// The series of a metric.
pub(crate) enum Points {
    Numbers(Vec<(Arc<Key>, Amount)>),
    Histograms(Vec<(Arc<Key>, Histogram)>),
}

/// A metric that has series.
pub(crate) struct Gathered {
    pub(crate) definition: Definition,
    pub(crate) points: Points,
}

impl Metrics {
    /// All metrics that have series, in the order of the documentation, then those of embedders.
    pub(crate) fn gather(&self, with_exponential: bool) -> Vec<Gathered> {
        let mut gathered = self.counted(with_exponential);
        let mut collector = Collector::default();
        self.own(&mut collector);
        // Sources are asked without a lock: they may take their time, or register others.
        let sources = self.sources.lock().clone();
        for source in &sources {
            if catch_unwind(AssertUnwindSafe(|| source(&mut collector))).is_err() {
                self.source_failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        let failures = self.source_failures.load(Ordering::Relaxed);
        collector.set(&names::METRICS_SOURCE_FAILURES, &[], failures);
        let is_counted: Vec<&str> = gathered.iter().map(|metric| metric.definition.name).collect();
        let others = collector.metrics.into_iter().filter(|(name, _)| !is_counted.contains(name));
        let others: Vec<Gathered> = others
            .map(|(_, (definition, points))| Gathered {
                definition,
                points: Points::Numbers(points.into_iter().collect()),
            })
            .collect();
        gathered.extend(others);
        gathered.retain(|metric| match &metric.points {
            Points::Numbers(points) => !points.is_empty(),
            Points::Histograms(points) => !points.is_empty(),
        });
        gathered.sort_by_key(|metric| {
            names::ALL.iter().position(|known| known.name == metric.definition.name).unwrap_or(usize::MAX)
        });
        gathered
    }

    /// What traces told.
    fn counted(&self, with_exponential: bool) -> Vec<Gathered> {
        let _reading = self.reading.lock();
        let mut gathered = Vec::new();
        for (place, family) in self.families.histograms.iter().enumerate() {
            let merged = self.merged(
                family,
                |counts, from| copied(&counts.histograms[place], from, |h| h.copied(with_exponential)),
                Histogram::merge,
            );
            gathered.push(Gathered { definition: family.definition, points: Points::Histograms(merged) });
        }
        for (place, family) in self.families.counters.iter().enumerate() {
            let merged = self.merged(
                family,
                |counts, from| copied(&counts.counters[place], from, |count| *count),
                |sum, more| *sum += more,
            );
            let points = merged.into_iter().map(|(key, count)| (key, count.into())).collect();
            gathered.push(Gathered { definition: family.definition, points: Points::Numbers(points) });
        }
        gathered
    }

    /// The series of all shards; `read` copies a few from this place on.
    fn merged<T>(
        &self,
        family: &Family,
        read: impl Fn(&Counts, usize) -> Vec<(Arc<Key>, T)>,
        merge: impl Fn(&mut T, T),
    ) -> Vec<(Arc<Key>, T)> {
        let mut merged: IndexMap<u32, (Arc<Key>, T)> = IndexMap::with_capacity(family.len());
        for shard in &self.shards {
            let mut from = 0;
            loop {
                let some = read(&shard.counts.lock(), from);
                from += some.len();
                let is_last = some.len() < AT_ONCE;
                for (key, value) in some {
                    match merged.entry(key.id) {
                        indexmap::map::Entry::Occupied(known) => merge(&mut known.into_mut().1, value),
                        indexmap::map::Entry::Vacant(new) => _ = new.insert((key, value)),
                    }
                }
                if is_last {
                    break;
                }
            }
        }
        merged.into_values().collect()
    }

    /// What this room counts about itself, and what has no place in a trace.
    fn own(&self, collector: &mut Collector) {
        for (method, count) in self.active_requests() {
            collector.set(&names::SERVER_ACTIVE, &[method, "http"], count);
        }
        for family in self.families.histograms.iter().chain(&self.families.counters) {
            collector.set(&names::METRICS_SERIES, &[family.definition.name], family.len());
            collector.set(&names::METRICS_OVERFLOWS, &[family.definition.name], family.overflows());
        }
        let dropped: u64 = self.shards.iter().map(|shard| shard.counts.lock().dropped_spans).sum();
        collector.set(&names::TELEMETRY_DROPPED, &["trace", "too_many_spans"], dropped);
    }
}

fn copied<T, U>(series: &Series<T>, from: usize, copy: impl Fn(&T) -> U) -> Vec<(Arc<Key>, U)> {
    let some = series.get_range(from..series.len().min(from + AT_ONCE));
    some.into_iter().flatten().map(|(key, value)| (Arc::clone(key), copy(value))).collect()
}
