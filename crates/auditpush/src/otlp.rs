//! Records as OTLP logs (OTLP/HTTP, protobuf): the line as the body, so that its hash can be checked; what is searched
//! for as attributes; event name `open_cli.audit`.

use crate::StartError;
use crate::deliver::{Batch, Deliver, Failure, Sent};
use crate::http::Poster;
use crate::syslog::Gravity;
use crate::tls;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use jiff::Timestamp;
use open_cli_auditformat::Record;
use open_cli_contract::trace::TraceId;
use open_cli_observe::Value;
use open_cli_otlp::{Attributes, Compression, LogRecord, Resource, Severity, Target, proto};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

const EVENT_NAME: &str = "open_cli.audit";
/// Attribute and field of a record that is text. Names of the conventions where they have one.
const TEXTS: &[(&str, &str)] = &[
    ("open_cli.audit.type", "eventType"),
    ("open_cli.audit.decision", "decision"),
    ("open_cli.audit.reason", "reasonCode"),
    ("open_cli.audit.outcome", "outcome"),
    ("error.type", "errorCode"),
    ("tool.id", "toolId"),
    ("service.id", "serviceId"),
    ("requestId", "requestId"),
    ("user.id", "principal"),
    ("session.id", "sessionId"),
    ("client.address", "clientAddress"),
    ("workflow.id", "workflowId"),
    ("workflow.step.id", "stepId"),
    ("http.request.method", "method"),
    ("url.template", "path"),
];
const NUMBERS: &[(&str, &str)] = &[
    ("open_cli.audit.seq", "seq"),
    ("open_cli.audit.latency_ms", "latencyMs"),
    ("http.response.status_code", "statusCode"),
];

pub(crate) struct Otlp {
    poster: Poster,
    resource: Arc<Resource>,
    is_compressed: bool,
    timeout: Duration,
}

impl Otlp {
    pub(crate) fn new(target: &Target, resource: Arc<Resource>) -> Result<Self, StartError> {
        let files = &target.tls;
        let client = files.client_certificate.as_deref().zip(files.client_key.as_deref());
        let is_https = target.endpoint.scheme_str() == Some("https");
        let tls = if is_https {
            tls::for_http(files.certificate.as_deref(), client)?
        } else {
            tls::for_http(None, None)?
        };
        let mut headers = target.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let is_compressed = target.compression == Compression::Gzip;
        if is_compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let poster = Poster::new(target.endpoint.to_string(), headers, tls);
        Ok(Self { poster, resource, is_compressed, timeout: target.timeout })
    }
}

impl Deliver for Otlp {
    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, Failure> {
        // Attributes take about as much as the line.
        let taken = batch.fitting(|entry| 2 * entry.line.get().len());
        let sent = batch.entries.get(..taken).unwrap_or_default();
        let records: Vec<_> =
            sent.iter().filter_map(|entry| Record::parse(entry.line.get().as_bytes()).ok()).collect();
        let unsaid = (sent.len() - records.len()) as u64;
        let records: Vec<_> = records.iter().map(log_record).collect();
        if records.is_empty() {
            return Ok(Sent { taken, rejected: unsaid, ..Sent::default() });
        }
        let mut body = Vec::new();
        proto::logs(&mut body, &self.resource, &records);
        if self.is_compressed {
            body = compressed(&body).map_err(|error| Failure::new(error.to_string()))?;
        }
        let answer = self.poster.post(Vec::new(), &body, batch.within.min(self.timeout))?;
        let thrown_away = rejected(&answer).unwrap_or(0).min(records.len() as u64);
        Ok(Sent { taken, rejected: unsaid + thrown_away, ..Sent::default() })
    }
}

fn compressed(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

fn log_record(record: &Record<'_>) -> LogRecord {
    let nanos = |time: Timestamp| u64::try_from(time.as_nanosecond()).unwrap_or_default();
    let texts = TEXTS.iter().filter_map(|(name, field)| {
        let text = record.text(field);
        (!text.is_empty()).then(|| ((*name).into(), Value::from(text.to_owned())))
    });
    let numbers =
        NUMBERS.iter().filter_map(|(name, field)| Some(((*name).into(), Value::from(record.number(field)?))));
    let attributes: Attributes = texts.chain(numbers).collect();
    LogRecord {
        time_nanos: nanos(record.time()),
        observed_nanos: nanos(Timestamp::now()),
        severity: match Gravity::of(record) {
            Gravity::Info | Gravity::Notice => Severity::Info,
            Gravity::Warning => Severity::Warn,
            Gravity::Error => Severity::Error,
        },
        body: String::from_utf8_lossy(record.line()).into_owned(),
        attributes,
        trace_id: TraceId::parse(record.text("traceId")),
        span_id: None,
        event_name: Some(EVENT_NAME.into()),
    }
}

/// `ExportLogsServiceResponse { partial_success 1 { rejected_log_records 1 } }`. What is not one says nothing.
fn rejected(answer: &[u8]) -> Option<u64> {
    let mut rest = answer;
    let mut depth = 0;
    while let Some((key, after)) = varint(rest) {
        rest = after;
        match (depth, key) {
            (0, 0x0a) => {
                let (length, after) = varint(rest)?;
                rest = after.get(..usize::try_from(length).ok()?)?;
                depth = 1;
            }
            (1, 0x08) => return varint(rest).map(|(count, _)| count),
            (_, key) if key & 7 == 2 => {
                let (length, after) = varint(rest)?;
                rest = after.get(usize::try_from(length).ok()?..)?;
            }
            _ => return None,
        }
    }
    None
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * index as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_threw_away_is_read_from_its_answer() {
        for (answer, expected) in [
            (&b""[..], None),
            (b"\x0a\x00", None),
            (b"\x0a\x02\x08\x05", Some(5)),
            (b"\x0a\x05\x08\xac\x02\x12\x00", Some(300)),
            (b"\x0a\x05\x12\x01x\x08\x07", Some(7)),
            (b"\x0a\xff", None),
            (b"{}", None),
            (b"\x0a\x02\x12\xff", None),
        ] {
            assert_eq!(rejected(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn a_record_is_found_by_its_attributes_and_is_whole_in_the_body() {
        let line = r#"{"timestamp":"2026-01-31T08:00:02Z","eventType":"authz_denial","toolId":"o:x","decision":"denied","reasonCode":"policy_deny","requestId":"r-2","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","seq":7}"#;
        let found = log_record(&Record::parse(line.as_bytes()).expect("a record"));
        assert_eq!(found.body, line);
        assert_eq!((found.severity, found.event_name.as_deref()), (Severity::Warn, Some("open_cli.audit")));
        assert_eq!(found.trace_id.expect("a trace").to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(found.time_nanos, 1_769_846_402_000_000_000);
        let names: Vec<_> = found.attributes.iter().map(|(name, _)| name.as_ref()).collect();
        let expected = [
            "open_cli.audit.type",
            "open_cli.audit.decision",
            "open_cli.audit.reason",
            "tool.id",
            "requestId",
            "open_cli.audit.seq",
        ];
        assert_eq!(names, expected);
    }
}
