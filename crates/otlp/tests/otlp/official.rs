//! Our encoders against the messages that OpenTelemetry publishes (`opentelemetry-proto` for Python).

use crate::peer;
use crate::samples::{self, call, record};
use open_cli_otlp::{json, proto};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// Reads a request and prints it as OTLP's JSON: ids in hex, enums as numbers. Fails when a field is unknown.
const READER: &str = r#"
import base64, importlib, json, sys
from google.protobuf import json_format
signal = sys.argv[1]
module = importlib.import_module(f"opentelemetry.proto.collector.{signal}.v1.{signal}_service_pb2")
request = getattr(module, f"Export{signal.capitalize()}ServiceRequest")()
request.ParseFromString(sys.stdin.buffer.read())
known = type(request)()
known.CopyFrom(request)
known.DiscardUnknownFields()
assert known.SerializeToString() == request.SerializeToString(), "unknown fields"
def ids_in_hex(value):
    if isinstance(value, list):
        return [ids_in_hex(one) for one in value]
    if not isinstance(value, dict):
        return value
    is_id = lambda name: name in ("traceId", "spanId", "parentSpanId")
    return {name: base64.b64decode(one).hex() if is_id(name) else ids_in_hex(one) for name, one in value.items()}
print(json.dumps(ids_in_hex(json_format.MessageToDict(request, use_integers_for_enums=True))))
"#;

/// The request as the official messages read it.
fn read(signal: &str, request: &[u8], test: &str) -> Option<Value> {
    let python = peer::program("OPEN_CLI_TEST_OTLP", test)?;
    let mut command = Command::new(python);
    command.args(["-c", READER, signal]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("started");
    child.stdin.take().expect("piped").write_all(request).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "{signal}: {}", output.status);
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn both_encodings_of_a_trace_say_the_same_to_the_official_messages() {
    let (traces, resource) = ([call(1)], samples::resource());
    let (mut request, mut line) = (vec![], vec![]);
    proto::traces(&mut request, &resource, &traces);
    json::trace(&mut line, &resource, &traces[0]);
    let Some(read) = read("trace", &request, "the official reader of traces") else { return };
    let line: Value = serde_json::from_slice(&line).expect("JSON");
    assert_eq!(read, line);
}

#[test]
fn every_field_of_metrics_and_logs_is_known_to_the_official_messages() {
    let (mut metrics, mut logs) = (vec![], vec![]);
    proto::metrics(&mut metrics, &samples::resource(), &samples::metrics().metrics);
    proto::logs(&mut logs, &samples::resource(), &[record("hello")]);
    let test = "the official reader of metrics and logs";
    let (Some(metrics), Some(logs)) = (read("metrics", &metrics, test), read("logs", &logs, test)) else { return };
    let metrics = &metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    assert_eq!(metrics[0]["sum"]["dataPoints"][0]["asInt"], "-3");
    assert_eq!(metrics[1]["gauge"]["dataPoints"][0]["asDouble"], 1.5);
    assert_eq!(metrics[2]["histogram"]["dataPoints"][0]["explicitBounds"], serde_json::json!([0.1, 1.0]));
    let point = &metrics[3]["exponentialHistogram"]["dataPoints"][0];
    assert_eq!((&point["scale"], &point["positive"]["offset"]), (&(-2).into(), &(-300).into()));
    assert_eq!(point["exemplars"][0]["traceId"], samples::TRACE);
    assert_eq!(logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["eventName"], "audit.degraded");
}
