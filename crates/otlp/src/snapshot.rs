//! Metrics at one moment, as data: what the metrics room gathers and both encoders and scrapers read. Neutral, so that
//! a metric knows nothing of how it is sent. Not for counting: nothing here is shared or atomic.

use open_cli_contract::trace::{SpanId, TraceId};
use open_cli_observe::Value;
use std::borrow::Cow;

/// Attributes of a point or of a log record; a name occurs once.
pub type Attributes = Vec<(Cow<'static, str>, Value)>;

/// Every metric at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsSnapshot {
    /// The metrics, each name once.
    pub metrics: Vec<Metric>,
}

impl MetricsSnapshot {
    /// How many points there are in all.
    pub fn points(&self) -> usize {
        self.metrics.iter().map(|metric| metric.data.len()).sum()
    }
}

/// One metric with all of its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// E.g. `http.server.request.duration`.
    pub name: Cow<'static, str>,
    /// What it counts or measures, for people.
    pub description: Cow<'static, str>,
    /// UCUM: `s`, `By`, `1`, `{request}`.
    pub unit: Cow<'static, str>,
    /// The series.
    pub data: Data,
}

/// The series of a metric: one point each.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// What is added up since the start (cumulative).
    Sum {
        /// It never goes down.
        monotonic: bool,
        /// The series.
        points: Vec<NumberPoint>,
    },
    /// What is so at the moment.
    Gauge(Vec<NumberPoint>),
    /// Distribution over fixed bounds (cumulative).
    Histogram(Vec<HistogramPoint>),
    /// Distribution over bounds that a scale says (cumulative).
    ExponentialHistogram(Vec<ExponentialPoint>),
}

impl Data {
    /// How many points.
    pub fn len(&self) -> usize {
        match self {
            Self::Sum { points, .. } | Self::Gauge(points) => points.len(),
            Self::Histogram(points) => points.len(),
            Self::ExponentialHistogram(points) => points.len(),
        }
    }

    /// No points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Whole.
    Int(i64),
    /// Any.
    Double(f64),
}

/// Value of one series of a sum or gauge.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberPoint {
    /// Which series.
    pub attributes: Attributes,
    /// Since when it is added up; Unix nanoseconds, 0 for gauges.
    pub start_nanos: u64,
    /// When it was read; Unix nanoseconds.
    pub time_nanos: u64,
    /// The value.
    pub value: Number,
    /// Traces that are examples of it.
    pub exemplars: Vec<Exemplar>,
}

/// Distribution of one series over fixed bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramPoint {
    /// Which series.
    pub attributes: Attributes,
    /// Since when; Unix nanoseconds.
    pub start_nanos: u64,
    /// When it was read; Unix nanoseconds.
    pub time_nanos: u64,
    /// How many measurements.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Smallest, when known.
    pub min: Option<f64>,
    /// Largest, when known.
    pub max: Option<f64>,
    /// Upper bounds, inclusive, rising; without the infinite one.
    pub bounds: Cow<'static, [f64]>,
    /// Measurements in each bucket (not added up); one more than bounds.
    pub counts: Vec<u64>,
    /// Traces that are examples of it.
    pub exemplars: Vec<Exemplar>,
}

/// Distribution of one series over exponential buckets: bucket `i` holds what is above `base^i` and at most
/// `base^(i+1)`, with `base = 2^(2^-scale)`. For durations and sizes: there are no negative measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct ExponentialPoint {
    /// Which series.
    pub attributes: Attributes,
    /// Since when; Unix nanoseconds.
    pub start_nanos: u64,
    /// When it was read; Unix nanoseconds.
    pub time_nanos: u64,
    /// How many measurements.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Smallest, when known.
    pub min: Option<f64>,
    /// Largest, when known.
    pub max: Option<f64>,
    /// How fine the buckets are.
    pub scale: i32,
    /// Measurements that are zero.
    pub zero_count: u64,
    /// Index of the first bucket.
    pub offset: i32,
    /// Measurements in each bucket from there on.
    pub counts: Vec<u64>,
    /// Traces that are examples of it.
    pub exemplars: Vec<Exemplar>,
}

/// A measurement and the span it was made in.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// What was measured.
    pub value: f64,
    /// When; Unix nanoseconds.
    pub time_nanos: u64,
}
