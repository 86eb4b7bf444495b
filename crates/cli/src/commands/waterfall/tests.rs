use super::*;
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Times in microseconds.
fn span(name: &str, id: u32, parent: u32, (from, to): (u32, u32), more: Value) -> SpanRecord {
    let at = |micros: u32| format!("2026-01-31T08:00:00.{micros:06}Z");
    let mut value = json!({
        "name": name, "spanId": format!("{id:016x}"), "startedAt": at(from), "finishedAt": at(to), "traceId": TRACE,
        "attributes": {"requestId": "r-1"},
    });
    if parent > 0 {
        value["parentSpanId"] = format!("{parent:016x}").into();
    }
    for (name, member) in more.as_object().unwrap() {
        match member {
            Value::Object(members) => {
                members.iter().for_each(|(name, member)| value["attributes"][name] = member.clone());
            }
            member => value[name] = member.clone(),
        }
    }
    serde_json::from_value(value).unwrap()
}

/// A call with one retry, as client and runtime see it.
fn call() -> Vec<SpanRecord> {
    let attempt = |count: u32, status: u32| {
        let mut more = json!({"kind": "client", "title": "GET /orders/{id}", "attributes": {
            "http.request.method": "GET", "server.address": "api.example.test", "server.port": 443,
            "url.full": "https://api.example.test/orders/7", "url.template": "/orders/{id}",
            "http.response.status_code": status}});
        if count > 0 {
            more["attributes"]["http.request.resend_count"] = count.into();
        }
        if status >= 400 {
            more["attributes"]["error.type"] = status.to_string().into();
            more["error"] = "status 503".into();
        }
        more
    };
    let request =
        |path: &str| json!({"kind": "client", "title": path, "attributes": {"http.response.status_code": 200}});
    vec![
        span(
            "client.command",
            1,
            0,
            (0, 16_000),
            json!({"title": "open-cli orders get-order",
            "attributes": {"process.executable.name": "open-cli", "process.exit.code": 0, "process.pid": 4}}),
        ),
        span("client.request", 2, 1, (300, 1_900), request("GET /v1/catalog/effective")),
        span("client.request", 3, 1, (2_400, 15_700), request("POST /v1/tools/execute")),
        span(
            "runtime.tools.execute",
            4,
            3,
            (2_800, 15_200),
            json!({"kind": "server", "hasRemoteParent": true,
            "title": "POST /v1/tools/execute", "attributes": {"tool.id": "orders:getOrder", "service.id": "orders",
            "http.response.status_code": 200, "policy.decision": "allowed", "client.address": "127.0.0.1",
            "http.request.body.size": 61, "http.response.body.size": 4_321}}),
        ),
        span(
            "catalog.current",
            5,
            4,
            (2_830, 2_850),
            json!({"attributes": {"catalog.revision": "c0ffee".repeat(8)}}),
        ),
        span("policy.decide", 6, 4, (2_860, 2_861), json!({"attributes": {"policy.decision": "allowed"}})),
        span(
            "execution.http",
            7,
            4,
            (2_900, 15_000),
            json!({"attributes": {"retryCount": 1,
            "http.response.status_code": 200}}),
        ),
        span("execution.attempt", 8, 7, (2_950, 6_100), attempt(0, 503)),
        span("execution.attempt", 9, 7, (11_200, 14_900), attempt(1, 200)),
        span("audit.append", 10, 4, (15_020, 15_110), json!({})),
    ]
}

fn refusal() -> Vec<SpanRecord> {
    vec![
        span(
            "runtime.tools.execute",
            4,
            0,
            (0, 400),
            json!({"kind": "server", "attributes": {"tool.id": "orders:delete",
            "http.response.status_code": 403, "error.type": "approval_required",
            "policy.decision": "approval_required"}}),
        ),
        span("policy.decide", 6, 4, (100, 101), json!({"attributes": {"policy.decision": "approval_required"}})),
    ]
}

fn render(spans: &[SpanRecord], limit: Option<usize>, is_on: bool) -> String {
    Waterfall { trace_id: TRACE, spans, limit, paint: Paint { is_on } }.render()
}

#[test]
fn a_call_is_readable_at_every_width() {
    for limit in [80, 100, 160] {
        let text = render(&call(), Some(limit), false);
        assert!(text.lines().all(|line| width(line) <= limit), "{text}");
        insta::assert_snapshot!(format!("call_{limit}"), text);
    }
    assert_eq!(render(&call(), None, false), render(&call(), Some(DEFAULT_WIDTH), false));
}

#[test]
fn a_refusal_is_told_from_a_failure_and_colours_say_so() {
    insta::assert_snapshot!("refusal", render(&refusal(), Some(80), false));
    let coloured = render(&refusal(), Some(80), true);
    assert!(coloured.contains("\u{1b}[33mrefused: approval_required"), "{coloured:?}");
    assert!(render(&call(), Some(80), true).contains("\u{1b}[1;31mx status 503"));
}

#[test]
fn a_runtime_whose_clock_differs_is_moved_into_the_request_that_asked() {
    let mut spans = call();
    for span in &mut spans[3..] {
        for time in [&mut span.started_at, &mut span.finished_at] {
            *time = time.checked_add(std::time::Duration::from_secs(5)).unwrap();
        }
    }
    insta::assert_snapshot!("clocks", render(&spans, Some(80), false));
}

#[test]
fn a_narrow_terminal_a_ring_of_parents_and_a_lost_parent_do_no_harm() {
    let mut spans = call();
    spans[0].parent_span_id = Some(spans[3].span_id);
    for limit in [1, 5, 20, 40] {
        let text = render(&spans, Some(limit), true);
        assert!(text.contains("audit") || limit < 40, "{text}");
    }
    assert!(render(&[], None, false).contains("no stages"));
    let lost = render(&spans[4..6], Some(80), false);
    assert!(lost.contains("catalog.current") && lost.contains("policy.decide"), "{lost}");
    let mut hostile = call();
    hostile[3].name = "\u{1b}[31m\nx".repeat(50);
    hostile[3].error = Some("\r\u{202e}".into());
    assert!(!render(&hostile, Some(80), false).contains('\u{1b}'));
}
