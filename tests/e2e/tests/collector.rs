//! A real OTLP collector: one trace from the client through the runtime to the upstream, with the right parents;
//! metrics and logs too.

use open_cli_e2e::{EchoApi, Sandbox, collector};
use serde_json::json;

/// A span as the collector prints it.
#[derive(Debug, Default, Clone)]
struct Printed {
    name: String,
    trace: String,
    id: String,
    parent: String,
    kind: String,
}

/// Lines such as `Trace ID       : 0af7…` below `Span #0`.
fn spans(printed: &str) -> Vec<Printed> {
    let mut spans: Vec<Printed> = Vec::new();
    for line in printed.lines() {
        let Some((key, value)) = line.split_once(':') else {
            if line.trim_start().starts_with("Span #") {
                spans.push(Printed::default());
            }
            continue;
        };
        let Some(span) = spans.last_mut() else { continue };
        let value = value.trim().to_owned();
        match key.trim() {
            "Trace ID" => span.trace = value,
            "ID" => span.id = value,
            "Parent ID" => span.parent = value,
            "Kind" => span.kind = value,
            "Name" if span.name.is_empty() => span.name = value,
            _ => {}
        }
    }
    spans
}

#[test]
fn one_trace_leads_from_the_client_to_the_upstream() {
    let Some(mut collector) = collector("one_trace_leads_from_the_client_to_the_upstream") else { return };
    let api = EchoApi::start();
    let sandbox = Sandbox::new()
        .with_variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.http)
        .with_variable("OTEL_BSP_SCHEDULE_DELAY", "200")
        .with_variable("OTEL_METRIC_EXPORT_INTERVAL", "500");
    sandbox.write(
        "api.json",
        &json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": api.url}],
                "paths": {"/things/{id}": {"get": {"operationId": "getThing", "responses": {}, "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}]}}}})
        .to_string(),
    );
    sandbox.write_config(&json!({"cli": "1.0.0", "mode": {"default": "discover"},
        "sources": {"s": {"type": "openapi", "uri": "./api.json"}}, "services": {"echo": {"source": "s"}}}));
    let toolbox = sandbox.toolbox(&["--access-log"]);
    let said = toolbox.cli(&["echo", "things", "get-thing", "7", "--format", "json"]).json();
    let sent = said["headers"]["traceparent"].as_str().expect("the upstream gets a traceparent").to_owned();
    let parts: Vec<&str> = sent.split('-').collect();
    let (trace, attempt_id) = (parts[1], parts[2]);

    // The client, then what the runtime made of it.
    collector.printed_until("execution.attempt");
    collector.printed_until("open-cli echo things get-thing");
    let printed = collector.printed_until("http.server.request.duration").to_owned();
    assert!(printed.contains("open-cli-toolbox"), "the resource says which program it is");
    let of_trace: Vec<Printed> = spans(&printed).into_iter().filter(|span| span.trace == trace).collect();
    let named = |name: &str| {
        of_trace
            .iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("no {name} in {of_trace:#?}"))
            .clone()
    };
    let command = named("open-cli echo things get-thing");
    let of_kind = |kind: &str| {
        let is_meant = |span: &&Printed| span.name == "POST /v1/tools/execute" && span.kind == kind;
        of_trace.iter().find(is_meant).unwrap_or_else(|| panic!("no {kind} in {of_trace:#?}")).clone()
    };
    let (client, server) = (of_kind("SPAN_KIND_CLIENT"), of_kind("SPAN_KIND_SERVER"));
    let call = named("execution.http");
    let attempt = named("GET /things/{id}");
    assert!(command.parent.trim_matches('0').is_empty(), "{command:?}");
    assert_eq!(client.parent, command.id);
    assert_eq!(server.parent, client.id);
    assert_eq!(call.parent, server.id);
    assert_eq!((attempt.parent.as_str(), attempt.id.as_str()), (call.id.as_str(), attempt_id));
    for stage in ["catalog.current", "policy.decide", "audit.append"] {
        let is_there = of_trace.iter().any(|span| span.name == stage && span.parent == server.id);
        assert!(is_there, "{stage} in {of_trace:#?}");
    }
    collector.printed_until("served");
    assert_eq!(toolbox.stop(), 0);
}
