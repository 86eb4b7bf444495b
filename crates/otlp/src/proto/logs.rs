//! `ExportLogsServiceRequest`.

use super::common;
use crate::{LogRecord, Resource, wire};

/// Appends a request with these records.
pub fn logs(out: &mut Vec<u8>, resource: &Resource, records: &[LogRecord]) {
    common::request(out, resource, |out| {
        for record in records {
            wire::message(out, 2, |out| write(out, record));
        }
    });
}

/// The message `LogRecord`.
fn write(out: &mut Vec<u8>, record: &LogRecord) {
    wire::fixed64(out, 1, record.time_nanos);
    wire::uint(out, 2, u64::from(record.severity.number()));
    wire::bytes(out, 3, record.severity.word().as_bytes());
    wire::header(out, 5, wire::sized(record.body.len()));
    wire::bytes(out, 1, record.body.as_bytes());
    common::pairs(out, 6, &record.attributes);
    if let Some(id) = record.trace_id {
        wire::bytes(out, 9, &id.to_bytes());
    }
    if let Some(id) = record.span_id {
        wire::bytes(out, 10, &id.to_bytes());
    }
    wire::fixed64(out, 11, record.observed_nanos);
    if let Some(name) = &record.event_name {
        wire::text(out, 12, name);
    }
}
