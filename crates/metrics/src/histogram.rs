//! Distribution of one series in one shard: explicit buckets for the text formats, exponential ones for OTLP, and a
//! few recent traces as examples. Not shared between threads.

use crate::definition::Definition;
use crate::exponential::Exponential;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{SpanId, TraceId};

/// Most bounds of a histogram.
pub(crate) const MAX_BOUNDS: usize = 15;
/// Most examples of a series, each of another bucket.
const MAX_EXEMPLARS: usize = 4;
/// An example younger than this stays: keeping up costs more than it tells.
const EXEMPLAR_LIFE_SECONDS: u32 = 1;

/// A measurement and where it was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) bucket: usize,
    pub(crate) value: f64,
    pub(crate) time_nanos: u64,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) request_id: Option<RequestId>,
}

/// Bucket and age of an example, near, so that most measurements need not look further.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Kept {
    bucket: u8,
    seconds: u32,
}

fn seconds(nanos: u64) -> u32 {
    u32::try_from(nanos / 1_000_000_000).unwrap_or(u32::MAX)
}

/// Where a measurement is made, in a sampled trace.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) time_nanos: u64,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) request_id: Option<&'a RequestId>,
}

/// How often which size was measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound and one for what is above; the rest is not used. In place, so that it is near.
    counts: [u64; MAX_BOUNDS + 1],
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) exponential: Exponential,
    pub(crate) exemplars: Vec<Exemplar>,
    /// One for each example.
    kept: [Kept; MAX_EXEMPLARS],
}

impl Histogram {
    pub(crate) fn new(definition: &Definition) -> Self {
        Self {
            bounds: &definition.bounds[..definition.bounds.len().min(MAX_BOUNDS)],
            counts: [0; MAX_BOUNDS + 1],
            count: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            exponential: Exponential::default(),
            exemplars: Vec::new(),
            kept: Default::default(),
        }
    }

    /// Counts one measurement; what is no number is not counted.
    pub(crate) fn record(&mut self, value: f64, origin: Option<Origin<'_>>) {
        if !value.is_finite() {
            return;
        }
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.counts[bucket] += 1;
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.exponential.record(value);
        if let Some(origin) = origin {
            self.exemplify(bucket, value, origin);
        }
    }

    fn exemplify(&mut self, bucket: usize, value: f64, origin: Origin<'_>) {
        let seconds = seconds(origin.time_nanos);
        let of_bucket = self.kept().iter().position(|kept| kept.bucket == bucket as u8);
        if of_bucket.is_some_and(|place| seconds < self.kept[place].seconds.saturating_add(EXEMPLAR_LIFE_SECONDS))
        {
            return;
        }
        let exemplar = Exemplar {
            bucket,
            value,
            time_nanos: origin.time_nanos,
            trace_id: origin.trace_id,
            span_id: origin.span_id,
            request_id: origin.request_id.cloned(),
        };
        self.keep(of_bucket, exemplar);
    }

    fn kept(&self) -> &[Kept] {
        &self.kept[..self.exemplars.len().min(MAX_EXEMPLARS)]
    }

    /// Puts an example in this place, else in a free one, else in that of the oldest.
    fn keep(&mut self, place: Option<usize>, exemplar: Exemplar) {
        let len = self.exemplars.len();
        let oldest =
            || (0..len).filter(|_| len >= MAX_EXEMPLARS).min_by_key(|place| self.exemplars[*place].time_nanos);
        let place = place.or_else(oldest).unwrap_or(len);
        self.kept[place] = Kept { bucket: exemplar.bucket as u8, seconds: seconds(exemplar.time_nanos) };
        match self.exemplars.get_mut(place) {
            Some(old) => *old = exemplar,
            None => self.exemplars.push(exemplar),
        }
    }

    /// Measurements in each bucket: one more than bounds.
    pub(crate) fn buckets(&self) -> &[u64] {
        &self.counts[..=self.bounds.len()]
    }

    /// A copy; without the exponential buckets, which the text formats don't need.
    pub(crate) fn copied(&self, with_exponential: bool) -> Self {
        let exponential = if with_exponential { self.exponential.clone() } else { Exponential::default() };
        Self { exponential, exemplars: self.exemplars.clone(), ..*self }
    }

    /// Counts what another one of the same metric counted.
    pub(crate) fn merge(&mut self, other: Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.exponential.merge(&other.exponential);
        for exemplar in other.exemplars {
            match self.exemplars.iter().position(|known| known.bucket == exemplar.bucket) {
                Some(place) if self.exemplars[place].time_nanos >= exemplar.time_nanos => {}
                place => self.keep(place, exemplar),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::TOOL_DURATION;

    fn origin(seconds: u64) -> Option<Origin<'static>> {
        let (Some(trace_id), Some(span_id)) = (TraceId::new(seconds.into()), SpanId::new(seconds)) else {
            return None;
        };
        Some(Origin { time_nanos: seconds * 1_000_000_000, trace_id, span_id, request_id: None })
    }

    #[test]
    fn bounds_are_inclusive_above() {
        let mut histogram = Histogram::new(&TOOL_DURATION);
        for value in [0.0, 0.001, 0.0011, 10.0, 10.1, f64::NAN, f64::INFINITY] {
            histogram.record(value, None);
        }
        assert_eq!((histogram.counts[0], histogram.counts[1], histogram.count), (2, 1, 5));
        assert_eq!(histogram.buckets()[TOOL_DURATION.bounds.len() - 1..], [1, 1]);
        assert_eq!((histogram.min, histogram.max), (0.0, 10.1));
    }

    #[test]
    fn examples_are_recent_few_and_of_different_buckets() {
        let mut histogram = Histogram::new(&TOOL_DURATION);
        histogram.record(0.0001, origin(10));
        histogram.record(0.0002, origin(10));
        assert_eq!(histogram.exemplars[0].value, 0.0001, "still young");
        histogram.record(0.0002, origin(11));
        assert_eq!(histogram.exemplars[0].value, 0.0002);
        for (value, at) in [(0.002, 12), (0.007, 13), (0.02, 14), (0.03, 15)] {
            histogram.record(value, origin(at));
        }
        let values: Vec<f64> = histogram.exemplars.iter().map(|exemplar| exemplar.value).collect();
        assert_eq!(values, [0.03, 0.002, 0.007, 0.02], "the oldest went");
    }

    #[test]
    fn merging_is_counting_together() {
        let (mut left, mut right) = (Histogram::new(&TOOL_DURATION), Histogram::new(&TOOL_DURATION));
        left.record(0.002, origin(1));
        right.record(0.003, origin(5));
        right.record(2.0, None);
        left.merge(right);
        assert_eq!((left.count, left.sum, left.counts[1]), (3, 2.005, 2));
        assert_eq!(left.exemplars.len(), 1);
        assert_eq!(left.exemplars[0].value, 0.003, "the younger one");
        assert_eq!(left.exponential.buckets().counts.iter().sum::<u64>(), 3);
    }
}
