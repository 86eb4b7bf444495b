//! OTLP logs, read with another encoder's decoder.

use crate::http_receiver::{Answer, Receiver};
use crate::support::{Log, settings, wait_until};
use open_cli_audit::AuditOptions;
use prost::Message;

/// `ExportLogsServiceRequest`, as far as it is looked at.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceLogs {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeLogs {
    #[prost(message, repeated, tag = "2")]
    records: Vec<Record>,
}

#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(message, optional, tag = "5")]
    body: Option<AnyValue>,
    #[prost(bytes = "vec", tag = "9")]
    trace_id: Vec<u8>,
    #[prost(string, tag = "12")]
    event_name: String,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
}

#[test]
fn records_are_otlp_logs_and_come_again_when_a_collector_did_not_answer() {
    let log = Log::new(AuditOptions::default());
    log.append(1200);
    let receiver = Receiver::start();
    receiver.will(&[Answer::Refuse(503, ""), Answer::Take, Answer::Close]);
    let running = log.push(settings(), &[&receiver.url("").replace("http", "otlp+http")]);
    wait_until("all is delivered", || running.push.figures(1200).delivered == 1200);
    let kept = std::fs::read_to_string(log.log.path()).expect("the log");
    let mut bodies = Vec::new();
    for request in receiver.requests().iter().filter(|request| request.is_answered && request.is_taken) {
        assert_eq!(
            (request.path.as_str(), request.header("content-type")),
            ("/v1/logs", "application/x-protobuf")
        );
        let batch = Request::decode(&request.body[..]).expect("protobuf");
        for record in batch.resources.into_iter().flat_map(|one| one.scopes).flat_map(|scope| scope.records) {
            assert_eq!((record.event_name.as_str(), record.trace_id.len()), ("open_cli.audit", 16));
            bodies.push(record.body.and_then(|body| body.text).expect("a body"));
        }
    }
    assert_eq!(bodies, kept.lines().collect::<Vec<_>>());
    assert!(running.push.figures(1200).failures >= 2);
}
