//! Traces as JSON, read by a JSON parser.

use crate::samples;
use serde_json::{Value, json};

fn encoded() -> Value {
    let mut line = b"kept".to_vec();
    let trace = samples::call(1);
    open_cli_otlp::json::trace(&mut line, &samples::resource(), &trace);
    let line = String::from_utf8(line).expect("UTF-8");
    let line = line.strip_prefix("kept").expect("appended");
    assert_eq!(line.find('\n'), Some(line.len() - 1), "one line");
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn a_trace_is_one_line_with_the_resource_and_all_spans() {
    let line = encoded();
    let resource = &line["resourceSpans"][0];
    assert_eq!(
        resource["resource"]["attributes"],
        json!([
            {"key": "service.name", "value": {"stringValue": "open-cli-toolbox"}},
            {"key": "service.instance.id", "value": {"stringValue": "orders-1"}},
            {"key": "process.pid", "value": {"intValue": "42"}},
        ])
    );
    assert_eq!(resource["scopeSpans"][0]["scope"]["name"], "open-cli");
    assert_eq!(resource["scopeSpans"][0]["spans"].as_array().expect("spans").len(), 7);
}

#[test]
fn a_part_of_a_trace_has_the_spans_that_are_asked_for() {
    for (places, expected) in [(0..0, 0..0), (2..5, 2..5), (5..9, 5..7)] {
        let mut line = Vec::new();
        open_cli_otlp::json::part(&mut line, &samples::resource(), &samples::call(1), places);
        let part: Value = serde_json::from_slice(&line).expect("JSON");
        let (all, part) = (encoded(), &part["resourceSpans"][0]["scopeSpans"][0]["spans"]);
        let all = all["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans");
        let mut expected = all[expected].to_vec();
        if !expected.iter().any(|span| span["kind"] == 2) {
            // Without the outermost span each says the request.
            let request = json!({"key": "requestId", "value": {"stringValue": "0199-req-7"}});
            for span in &mut expected {
                let attributes = span.as_object_mut().expect("a span").entry("attributes").or_insert(json!([]));
                attributes.as_array_mut().expect("a list").push(request.clone());
            }
        }
        assert_eq!(*part, Value::from(expected));
    }
}

#[test]
fn a_span_says_ids_in_hex_and_64_bit_numbers_as_text() {
    let batch = encoded();
    let spans = &batch["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!(
        spans[3],
        json!({
            "traceId": samples::TRACE,
            "spanId": "0000000000000003",
            "parentSpanId": "0000000000000002",
            "flags": 0x101,
            "traceState": "vendor=1",
            "name": "GET /orders/{id}",
            "kind": 3,
            "startTimeUnixNano": "1790000000123457789",
            "endTimeUnixNano": "1790000000123458789",
            "attributes": [
                {"key": "http.request.method", "value": {"stringValue": "GET"}},
                {"key": "server.address", "value": {"stringValue": "127.0.0.1"}},
                {"key": "server.port", "value": {"intValue": "8080"}},
                {"key": "url.full", "value": {"stringValue": "http://127.0.0.1:8080/orders/17"}},
                {"key": "url.template", "value": {"stringValue": "/orders/{id}"}},
                {"key": "http.response.status_code", "value": {"intValue": "503"}},
                {"key": "error.type", "value": {"stringValue": "503"}},
                {"key": "open_cli.stage", "value": {"stringValue": "execution.attempt"}},
            ],
            "status": {"message": "upstream said \"503\"\n", "code": 2},
        })
    );
    let root = &spans[6];
    assert_eq!((&root["flags"], &root["parentSpanId"]), (&json!(0x301), &json!("00f067aa0ba902b7")));
    let attributes = root["attributes"].as_array().expect("attributes");
    for expected in [
        json!({"key": "cached", "value": {"boolValue": false}}),
        json!({"key": "empty", "value": {"stringValue": ""}}),
        json!({"key": "http.request.body.size", "value": {"intValue": "-1"}}),
        json!({"key": "open_cli.dropped_spans", "value": {"intValue": "3"}}),
    ] {
        assert!(attributes.contains(&expected), "{expected}");
    }
    assert_eq!(root.get("status"), None);
}
