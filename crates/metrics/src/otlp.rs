//! The metrics as OTLP has them: cumulative, histograms exponential unless explicit ones are asked for. Not for
//! encoding or sending: that is the room `otlp`.

use crate::collect::Amount;
use crate::definition::{Definition, Kind};
use crate::gather::{Gathered, Points};
use crate::histogram::{Exemplar, Histogram};
use crate::key::Key;
use crate::metrics::{Metrics, nanos};
use jiff::Timestamp;
use open_cli_otlp as otlp;
use std::borrow::Cow;

/// Shape of histograms in a snapshot (`OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Histograms {
    /// `base2_exponential_bucket_histogram`: fine wherever the measurements are.
    #[default]
    Exponential,
    /// `explicit_bucket_histogram`: the buckets of the text formats, for backends that know no other.
    Explicit,
}

/// From when to when.
#[derive(Clone, Copy)]
struct Span {
    start: u64,
    now: u64,
}

impl Metrics {
    /// Everything, for OTLP, with exponential histograms.
    pub fn snapshot(&self) -> otlp::MetricsSnapshot {
        self.snapshot_as(Histograms::Exponential)
    }

    /// Everything, for OTLP, with histograms of this shape.
    pub fn snapshot_as(&self, shape: Histograms) -> otlp::MetricsSnapshot {
        let span = Span { start: nanos(self.started_at), now: nanos(Timestamp::now()) };
        let gathered = self.gather(shape == Histograms::Exponential);
        let metrics = gathered.into_iter().map(|metric| self.metric(metric, shape, span)).collect();
        otlp::MetricsSnapshot { metrics }
    }

    fn metric(&self, metric: Gathered, shape: Histograms, span: Span) -> otlp::Metric {
        let Gathered { definition, points } = metric;
        let data = match points {
            Points::Numbers(points) => {
                let points = points.iter().map(|(key, amount)| number(&definition, key, *amount, span)).collect();
                match definition.kind {
                    Kind::Gauge => otlp::Data::Gauge(points),
                    kind => otlp::Data::Sum { monotonic: kind == Kind::Counter, points },
                }
            }
            Points::Histograms(points) if shape == Histograms::Exponential => {
                let points =
                    points.into_iter().map(|(key, histogram)| exponential(&definition, &key, histogram, span));
                otlp::Data::ExponentialHistogram(points.collect())
            }
            Points::Histograms(points) => {
                let points =
                    points.into_iter().map(|(key, histogram)| explicit(&definition, &key, histogram, span));
                otlp::Data::Histogram(points.collect())
            }
        };
        otlp::Metric {
            name: definition.name.into(),
            description: definition.help.into(),
            unit: definition.unit.into(),
            data,
        }
    }
}

fn attributes(definition: &Definition, key: &Key) -> otlp::Attributes {
    let present = definition.labels.iter().zip(&key.values);
    present.filter_map(|(label, value)| Some((Cow::Borrowed(label.name), value.clone()?))).collect()
}

fn number(definition: &Definition, key: &Key, amount: Amount, span: Span) -> otlp::NumberPoint {
    otlp::NumberPoint {
        attributes: attributes(definition, key),
        start_nanos: if definition.kind == Kind::Gauge { 0 } else { span.start },
        time_nanos: span.now,
        value: match amount {
            Amount::Int(value) => otlp::Number::Int(value),
            Amount::Double(value) => otlp::Number::Double(value),
        },
        exemplars: Vec::new(),
    }
}

fn exponential(definition: &Definition, key: &Key, histogram: Histogram, span: Span) -> otlp::ExponentialPoint {
    let buckets = histogram.exponential.buckets();
    otlp::ExponentialPoint {
        attributes: attributes(definition, key),
        start_nanos: span.start,
        time_nanos: span.now,
        count: histogram.count,
        sum: histogram.sum,
        min: known(&histogram, histogram.min),
        max: known(&histogram, histogram.max),
        scale: buckets.scale,
        zero_count: buckets.zeros,
        offset: buckets.offset,
        counts: buckets.counts,
        exemplars: exemplars(histogram.exemplars),
    }
}

fn explicit(definition: &Definition, key: &Key, histogram: Histogram, span: Span) -> otlp::HistogramPoint {
    otlp::HistogramPoint {
        attributes: attributes(definition, key),
        start_nanos: span.start,
        time_nanos: span.now,
        count: histogram.count,
        sum: histogram.sum,
        min: known(&histogram, histogram.min),
        max: known(&histogram, histogram.max),
        bounds: Cow::Borrowed(definition.bounds),
        counts: histogram.buckets().to_vec(),
        exemplars: exemplars(histogram.exemplars),
    }
}

fn known(histogram: &Histogram, value: f64) -> Option<f64> {
    (histogram.count > 0).then_some(value)
}

fn exemplars(exemplars: Vec<Exemplar>) -> Vec<otlp::Exemplar> {
    let converted = exemplars.into_iter().map(|exemplar| otlp::Exemplar {
        trace_id: exemplar.trace_id,
        span_id: exemplar.span_id,
        value: exemplar.value,
        time_nanos: exemplar.time_nanos,
    });
    converted.collect()
}
