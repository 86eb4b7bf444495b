//! `ExportMetricsServiceRequest`. Everything that adds up is cumulative.

use super::common;
use crate::{Data, Exemplar, ExponentialPoint, HistogramPoint, Metric, Number, NumberPoint, Resource, wire};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// Appends a request with these metrics; those without points are left out.
pub fn metrics(out: &mut Vec<u8>, resource: &Resource, metrics: &[Metric]) {
    common::request(out, resource, |out| {
        for metric in metrics.iter().filter(|metric| !metric.data.is_empty()) {
            wire::message(out, 2, |out| write(out, metric));
        }
    });
}

/// The message `Metric`.
fn write(out: &mut Vec<u8>, metric: &Metric) {
    wire::text(out, 1, &metric.name);
    wire::text(out, 2, &metric.description);
    wire::text(out, 3, &metric.unit);
    match &metric.data {
        Data::Gauge(points) => wire::message(out, 5, |out| each(out, points, number)),
        Data::Sum { monotonic, points } => wire::message(out, 7, |out| {
            each(out, points, number);
            wire::uint(out, 2, CUMULATIVE);
            wire::uint(out, 3, u64::from(*monotonic));
        }),
        Data::Histogram(points) => wire::message(out, 9, |out| {
            each(out, points, histogram);
            wire::uint(out, 2, CUMULATIVE);
        }),
        Data::ExponentialHistogram(points) => wire::message(out, 10, |out| {
            each(out, points, exponential);
            wire::uint(out, 2, CUMULATIVE);
        }),
    }
}

/// The points of a metric are its field 1, whatever kind it is.
fn each<P>(out: &mut Vec<u8>, points: &[P], write: impl Fn(&mut Vec<u8>, &P)) {
    for point in points {
        wire::message(out, 1, |out| write(out, point));
    }
}

/// `NumberDataPoint`.
fn number(out: &mut Vec<u8>, point: &NumberPoint) {
    wire::fixed64(out, 2, point.start_nanos);
    wire::fixed64(out, 3, point.time_nanos);
    match point.value {
        Number::Double(value) => wire::double(out, 4, value),
        Number::Int(value) => wire::fixed64(out, 6, value as u64),
    }
    exemplars(out, 5, &point.exemplars);
    common::pairs(out, 7, &point.attributes);
}

/// `HistogramDataPoint`.
fn histogram(out: &mut Vec<u8>, point: &HistogramPoint) {
    wire::fixed64(out, 2, point.start_nanos);
    wire::fixed64(out, 3, point.time_nanos);
    wire::fixed64(out, 4, point.count);
    wire::double(out, 5, point.sum);
    wire::packed_fixed64(out, 6, point.counts.iter().copied());
    wire::packed_fixed64(out, 7, point.bounds.iter().map(|bound| bound.to_bits()));
    exemplars(out, 8, &point.exemplars);
    common::pairs(out, 9, &point.attributes);
    optional(out, 11, point.min);
    optional(out, 12, point.max);
}

/// `ExponentialHistogramDataPoint`.
fn exponential(out: &mut Vec<u8>, point: &ExponentialPoint) {
    common::pairs(out, 1, &point.attributes);
    wire::fixed64(out, 2, point.start_nanos);
    wire::fixed64(out, 3, point.time_nanos);
    wire::fixed64(out, 4, point.count);
    wire::double(out, 5, point.sum);
    wire::sint(out, 6, point.scale);
    wire::fixed64(out, 7, point.zero_count);
    wire::message(out, 8, |out| {
        wire::sint(out, 1, point.offset);
        wire::packed_varint(out, 2, &point.counts);
    });
    exemplars(out, 11, &point.exemplars);
    optional(out, 12, point.min);
    optional(out, 13, point.max);
}

fn optional(out: &mut Vec<u8>, field: u32, value: Option<f64>) {
    if let Some(value) = value {
        wire::double(out, field, value);
    }
}

/// `Exemplar`s.
fn exemplars(out: &mut Vec<u8>, field: u32, exemplars: &[Exemplar]) {
    for exemplar in exemplars {
        wire::message(out, field, |out| {
            wire::fixed64(out, 2, exemplar.time_nanos);
            wire::double(out, 3, exemplar.value);
            wire::bytes(out, 4, &exemplar.span_id.to_bytes());
            wire::bytes(out, 5, &exemplar.trace_id.to_bytes());
        });
    }
}
