//! OTLP's messages for prost, as opentelemetry-proto 1.x declares them: the other side of our encoders.

use prost::{Message, Oneof};

macro_rules! messages {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty,)* })*) => {
        $(#[derive(Clone, PartialEq, Message)]
        pub(crate) struct $name { $($(#[$attribute])* pub(crate) $field: $kind,)* })*
    };
}

/// `AnyValue.value`.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Any {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
}

/// `NumberDataPoint.value`.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Number {
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(sfixed64, tag = "6")]
    Int(i64),
}

/// `Metric.data`.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Data {
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    #[prost(message, tag = "7")]
    Sum(Sum),
    #[prost(message, tag = "9")]
    Histogram(Histogram),
    #[prost(message, tag = "10")]
    Exponential(Exponential),
}

messages! {
    AnyValue { #[prost(oneof = "Any", tags = "1, 2, 3")] value: Option<Any>, }
    KeyValue {
        #[prost(string, tag = "1")] key: String,
        #[prost(message, optional, tag = "2")] value: Option<AnyValue>,
    }
    Resource { #[prost(message, repeated, tag = "1")] attributes: Vec<KeyValue>, }
    Scope {
        #[prost(string, tag = "1")] name: String,
        #[prost(string, tag = "2")] version: String,
    }
    TraceRequest { #[prost(message, repeated, tag = "1")] resource_spans: Vec<ResourceSpans>, }
    ResourceSpans {
        #[prost(message, optional, tag = "1")] resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")] scope_spans: Vec<ScopeSpans>,
    }
    ScopeSpans {
        #[prost(message, optional, tag = "1")] scope: Option<Scope>,
        #[prost(message, repeated, tag = "2")] spans: Vec<Span>,
    }
    Span {
        #[prost(bytes = "vec", tag = "1")] trace_id: Vec<u8>,
        #[prost(bytes = "vec", tag = "2")] span_id: Vec<u8>,
        #[prost(string, tag = "3")] trace_state: String,
        #[prost(bytes = "vec", tag = "4")] parent_span_id: Vec<u8>,
        #[prost(string, tag = "5")] name: String,
        #[prost(int32, tag = "6")] kind: i32,
        #[prost(fixed64, tag = "7")] start: u64,
        #[prost(fixed64, tag = "8")] end: u64,
        #[prost(message, repeated, tag = "9")] attributes: Vec<KeyValue>,
        #[prost(message, optional, tag = "15")] status: Option<Status>,
        #[prost(fixed32, tag = "16")] flags: u32,
    }
    Status {
        #[prost(string, tag = "2")] message: String,
        #[prost(int32, tag = "3")] code: i32,
    }
    MetricsRequest { #[prost(message, repeated, tag = "1")] resource_metrics: Vec<ResourceMetrics>, }
    ResourceMetrics {
        #[prost(message, optional, tag = "1")] resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")] scope_metrics: Vec<ScopeMetrics>,
    }
    ScopeMetrics {
        #[prost(message, optional, tag = "1")] scope: Option<Scope>,
        #[prost(message, repeated, tag = "2")] metrics: Vec<Metric>,
    }
    Metric {
        #[prost(string, tag = "1")] name: String,
        #[prost(string, tag = "2")] description: String,
        #[prost(string, tag = "3")] unit: String,
        #[prost(oneof = "Data", tags = "5, 7, 9, 10")] data: Option<Data>,
    }
    Gauge { #[prost(message, repeated, tag = "1")] points: Vec<NumberPoint>, }
    Sum {
        #[prost(message, repeated, tag = "1")] points: Vec<NumberPoint>,
        #[prost(int32, tag = "2")] temporality: i32,
        #[prost(bool, tag = "3")] monotonic: bool,
    }
    Histogram {
        #[prost(message, repeated, tag = "1")] points: Vec<HistogramPoint>,
        #[prost(int32, tag = "2")] temporality: i32,
    }
    Exponential {
        #[prost(message, repeated, tag = "1")] points: Vec<ExponentialPoint>,
        #[prost(int32, tag = "2")] temporality: i32,
    }
    NumberPoint {
        #[prost(fixed64, tag = "2")] start: u64,
        #[prost(fixed64, tag = "3")] time: u64,
        #[prost(oneof = "Number", tags = "4, 6")] value: Option<Number>,
        #[prost(message, repeated, tag = "5")] exemplars: Vec<Exemplar>,
        #[prost(message, repeated, tag = "7")] attributes: Vec<KeyValue>,
    }
    HistogramPoint {
        #[prost(fixed64, tag = "2")] start: u64,
        #[prost(fixed64, tag = "3")] time: u64,
        #[prost(fixed64, tag = "4")] count: u64,
        #[prost(double, optional, tag = "5")] sum: Option<f64>,
        #[prost(fixed64, repeated, tag = "6")] counts: Vec<u64>,
        #[prost(double, repeated, tag = "7")] bounds: Vec<f64>,
        #[prost(message, repeated, tag = "8")] exemplars: Vec<Exemplar>,
        #[prost(message, repeated, tag = "9")] attributes: Vec<KeyValue>,
        #[prost(double, optional, tag = "11")] min: Option<f64>,
        #[prost(double, optional, tag = "12")] max: Option<f64>,
    }
    ExponentialPoint {
        #[prost(message, repeated, tag = "1")] attributes: Vec<KeyValue>,
        #[prost(fixed64, tag = "2")] start: u64,
        #[prost(fixed64, tag = "3")] time: u64,
        #[prost(fixed64, tag = "4")] count: u64,
        #[prost(double, optional, tag = "5")] sum: Option<f64>,
        #[prost(sint32, tag = "6")] scale: i32,
        #[prost(fixed64, tag = "7")] zero_count: u64,
        #[prost(message, optional, tag = "8")] positive: Option<Buckets>,
        #[prost(message, repeated, tag = "11")] exemplars: Vec<Exemplar>,
        #[prost(double, optional, tag = "12")] min: Option<f64>,
        #[prost(double, optional, tag = "13")] max: Option<f64>,
    }
    Buckets {
        #[prost(sint32, tag = "1")] offset: i32,
        #[prost(uint64, repeated, tag = "2")] counts: Vec<u64>,
    }
    Exemplar {
        #[prost(fixed64, tag = "2")] time: u64,
        #[prost(double, tag = "3")] value: f64,
        #[prost(bytes = "vec", tag = "4")] span_id: Vec<u8>,
        #[prost(bytes = "vec", tag = "5")] trace_id: Vec<u8>,
    }
    LogsRequest { #[prost(message, repeated, tag = "1")] resource_logs: Vec<ResourceLogs>, }
    ResourceLogs {
        #[prost(message, optional, tag = "1")] resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")] scope_logs: Vec<ScopeLogs>,
    }
    ScopeLogs {
        #[prost(message, optional, tag = "1")] scope: Option<Scope>,
        #[prost(message, repeated, tag = "2")] records: Vec<LogRecord>,
    }
    LogRecord {
        #[prost(fixed64, tag = "1")] time: u64,
        #[prost(int32, tag = "2")] severity: i32,
        #[prost(string, tag = "3")] severity_text: String,
        #[prost(message, optional, tag = "5")] body: Option<AnyValue>,
        #[prost(message, repeated, tag = "6")] attributes: Vec<KeyValue>,
        #[prost(bytes = "vec", tag = "9")] trace_id: Vec<u8>,
        #[prost(bytes = "vec", tag = "10")] span_id: Vec<u8>,
        #[prost(fixed64, tag = "11")] observed: u64,
        #[prost(string, tag = "12")] event_name: String,
    }
    Response { #[prost(message, optional, tag = "1")] partial: Option<Partial>, }
    Partial {
        #[prost(int64, tag = "1")] rejected: i64,
        #[prost(string, tag = "2")] message: String,
    }
}

impl KeyValue {
    /// A pair with text.
    pub(crate) fn text(key: &str, value: &str) -> Self {
        let value = AnyValue { value: Some(Any::Text(value.to_owned())) };
        Self { key: key.to_owned(), value: Some(value) }
    }

    /// A pair with a number.
    pub(crate) fn int(key: &str, value: i64) -> Self {
        Self { key: key.to_owned(), value: Some(AnyValue { value: Some(Any::Int(value)) }) }
    }
}

impl TraceRequest {
    /// All spans.
    pub(crate) fn spans(&self) -> Vec<&Span> {
        let scopes = self.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).collect()
    }
}
