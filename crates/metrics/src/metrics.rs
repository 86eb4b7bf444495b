//! The observer: counts what traces tell, in the shard of its thread, in less than a microsecond a request. Not for
//! reading the counts (`gather`) nor for showing them (`render`, `otlp`).

use crate::collect::{Collector, Source};
use crate::facts::{self, Facts, METHODS, method_place};
use crate::histogram::{Histogram, Origin};
use crate::key::Word;
use crate::names;
use crate::shard::{self, Counts, Families, Shard};
use jiff::Timestamp;
use open_cli_observe::{LocalTrace, Observer, SpanKind, SpanView};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the embedder decides.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most tools with series of their own.
    pub max_tools: usize,
    /// What describes this program (`service.name`, `service.instance.id`, ...), for `target_info`.
    pub resource: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_tools: names::MAX_TOOLS, resource: Vec::new() }
    }
}

/// Counts what happens. One for each runtime; shared by all of its threads.
pub struct Metrics {
    pub(crate) shards: Box<[Shard]>,
    pub(crate) families: Families,
    pub(crate) sources: Mutex<Vec<Source>>,
    pub(crate) source_failures: AtomicU64,
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) started_at: Timestamp,
    /// Held while the counts are read, or series removed.
    pub(crate) reading: Mutex<()>,
}

impl Metrics {
    /// Counts nothing yet.
    pub fn new(options: Options) -> Self {
        let metrics = Self {
            shards: shard::shards(),
            families: Families::new(options.max_tools.max(1)),
            sources: Mutex::default(),
            source_failures: AtomicU64::new(0),
            resource: options.resource,
            started_at: Timestamp::now(),
            reading: Mutex::default(),
        };
        metrics.begin_at_zero();
        metrics
    }

    /// Asks a source each time the metrics are read. It must be quick, and must not read metrics itself. When it
    /// panics that is counted, and what it had not said yet is missing that time.
    pub fn register(&self, source: impl Fn(&mut Collector) + Send + Sync + 'static) {
        self.sources.lock().push(Arc::new(source));
    }

    /// Forgets the series of tools that are gone, so that there is room for others. For each new catalog.
    pub fn retain_tools(&self, is_known: impl Fn(&str) -> bool) {
        let label = names::TOOL_DURATION.labels[0].name;
        let family = &self.families.histograms[shard::TOOL];
        let _reading = self.reading.lock();
        family.retain(label, &is_known);
        for shard in &self.shards {
            let is_kept = |value: Option<&str>| value.is_none_or(|tool| tool == crate::OTHER || is_known(tool));
            shard.counts.lock().histograms[shard::TOOL].retain(|key, _| {
                is_kept(key.value(&family.definition, label).and_then(open_cli_observe::Value::as_str))
            });
        }
    }

    /// A request of this method is under way until the answer is dropped.
    pub fn active(&self, method: &str) -> ActiveRequest<'_> {
        let place = method_place(method);
        shard::mine(&self.shards).active[place].fetch_add(1, Ordering::Relaxed);
        ActiveRequest { metrics: self, place }
    }

    /// Whoever looks for failures must see 0 before the first, or its increase is lost.
    fn begin_at_zero(&self) {
        let counts = &mut self.shards[0].counts.lock().counters;
        let known: [(usize, &[&'static str]); 4] = [
            (shard::DECISIONS, &facts::DECISIONS),
            (shard::FETCHES, &facts::CACHE_OUTCOMES),
            (shard::BUILDS, &facts::BUILD_OUTCOMES),
            (shard::RESTORES, &facts::RESTORE_OUTCOMES),
        ];
        for (place, words) in known {
            for word in words {
                self.families.counters[place].slot(&mut counts[place], &[Word::Static(word)], |_| 0);
            }
        }
    }

    fn count(&self, counts: &mut Counts, place: usize, word: Word<'_>) {
        *self.families.counters[place].slot(&mut counts.counters[place], &[word], |_| 0) += 1;
    }

    fn measure(
        &self,
        counts: &mut Counts,
        place: usize,
        words: &[Word<'_>],
        nanos: u64,
        origin: Option<Origin<'_>>,
    ) {
        let series = &mut counts.histograms[place];
        let histogram = self.families.histograms[place].slot(series, words, Histogram::new);
        histogram.record(nanos as f64 / 1e9, origin);
    }

    fn answered(&self, counts: &mut Counts, span: SpanView<'_>, upstream: &Upstream, origin: Option<Origin<'_>>) {
        let facts = Facts::of(span);
        let nanos = span.nanos();
        let words = [facts.method, facts.route, facts.status, facts.scheme, facts.server_error()];
        self.measure(counts, shard::SERVER, &words, nanos, origin);
        if facts.decision != Word::None {
            self.count(counts, shard::DECISIONS, facts.decision);
        }
        let Some(tool) = facts.tool else { return };
        let words = [Word::Text(tool), facts.service, Word::Static(facts.outcome(upstream.status))];
        self.measure(counts, shard::TOOL, &words, nanos, origin);
        if let Some(waited) = upstream.nanos {
            self.measure(counts, shard::OVERHEAD, &[], nanos.saturating_sub(waited), origin);
        }
    }
}

/// The upstream call of a request.
#[derive(Default)]
struct Upstream {
    nanos: Option<u64>,
    status: Option<i64>,
}

impl Observer for Metrics {
    fn wants_events(&self) -> bool {
        false
    }
    fn wants_spans(&self) -> bool {
        false
    }

    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        let mut upstream = Upstream::default();
        let mut counts = shard::mine(&self.shards).counts.lock();
        let counts = &mut *counts;
        counts.dropped_spans += trace.dropped_spans as u64;
        for span in trace.spans() {
            match span.name() {
                "execution.attempt" => {
                    let facts = Facts::of(span);
                    let words = [facts.method, facts.address, facts.port, facts.status, facts.client_error()];
                    self.measure(counts, shard::CLIENT, &words, span.nanos(), origin(trace, span));
                }
                "execution.http" => {
                    upstream.nanos = Some(upstream.nanos.unwrap_or(0) + span.nanos());
                    upstream.status = span.value("http.response.status_code").and_then(|status| status.as_int());
                }
                "cache.fetch" => self.count(counts, shard::FETCHES, facts::cache_outcome(span)),
                "catalog.restore" => self.count(counts, shard::RESTORES, facts::restore_outcome(span)),
                "catalog.build" => {
                    let outcome = facts::build_outcome(span);
                    self.count(counts, shard::BUILDS, outcome);
                    self.measure(counts, shard::BUILD_DURATION, &[outcome], span.nanos(), origin(trace, span));
                }
                _ => {}
            }
        }
        if let Some(root) = trace.root()
            && root.kind() == SpanKind::Server
        {
            self.answered(counts, root, &upstream, origin(trace, root));
        }
    }
}

/// Only traces that are exported are examples: others can't be looked at.
fn origin<'a>(trace: &'a LocalTrace, span: SpanView<'_>) -> Option<Origin<'a>> {
    trace.sampled.then(|| Origin {
        time_nanos: span.finished_nanos(),
        trace_id: trace.trace_id,
        span_id: span.span_id(),
        request_id: trace.request_id.as_ref(),
    })
}

/// Unix nanoseconds, 0 before 1970.
pub(crate) fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}

/// A request under way.
#[must_use = "the request is under way until this is dropped"]
pub struct ActiveRequest<'a> {
    metrics: &'a Metrics,
    place: usize,
}

impl Drop for ActiveRequest<'_> {
    fn drop(&mut self) {
        // Perhaps in another shard than it began; the sum is what is shown.
        shard::mine(&self.metrics.shards).active[self.place].fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Requests under way, by method.
    pub(crate) fn active_requests(&self) -> impl Iterator<Item = (&'static str, i64)> {
        METHODS.into_iter().enumerate().map(|(place, method)| {
            let sum: i64 = self.shards.iter().map(|shard| shard.active[place].load(Ordering::Relaxed)).sum();
            (method, sum.max(0))
        })
    }
}
