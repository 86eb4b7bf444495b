//! The span of a request by OpenTelemetry's HTTP conventions, and its line in the access log.

use super::Call;
use super::respond::Answer;
use http::header::USER_AGENT;
use http::{HeaderMap, Method, Version, request};
use http_body::Body;
use open_cli_contract::problem::{ErrorCode, Problem};
use open_cli_contract::trace::Incoming;
use open_cli_observe::{ActiveSpan, OpenSpan, Shown, SpanKind, semconv};
use std::net::SocketAddr;
use std::time::Instant;

/// Longest user agent that a span keeps.
const MAX_USER_AGENT: usize = 200;

/// What the caller says about its trace.
pub(super) fn incoming(headers: &HeaderMap) -> Option<Incoming> {
    let lines = |name: &str| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    // Two parents are none (W3C Trace Context §3.2).
    let mut parents = lines("traceparent");
    let parent = parents.next()?;
    match parents.next() {
        Some(_) => None,
        None => Incoming::parse(parent, lines("tracestate"), lines("baggage")),
    }
}

/// What is known when the request came.
pub(super) fn describe(span: &mut OpenSpan<'_>, parts: &request::Parts, route: &'static str, peer: SocketAddr) {
    let method = semconv::method(parts.method.as_str());
    let spoken = if method == "_OTHER" { "HTTP" } else { method };
    match route {
        "" => span.describe(SpanKind::Server, spoken),
        route => span.describe(SpanKind::Server, format_args!("{spoken} {route}")),
    }
    span.set("http.request.method", method);
    if !route.is_empty() {
        span.set("http.route", route);
    }
    span.set("url.path", parts.uri.path());
    span.set("url.scheme", "http");
    span.set("client.address", Shown(peer.ip()));
    span.set("network.protocol.version", if parts.version == Version::HTTP_10 { "1.0" } else { "1.1" });
    if let Some(agent) = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()) {
        // What `to_str` gives is ASCII.
        span.set("user_agent.original", agent.get(..MAX_USER_AGENT).unwrap_or(agent));
    }
}

/// Why the request was not served. A refusal is no error of the span (config-and-state §6.2), its outcome is told by
/// `error.type` (weakness 68).
pub(super) fn fail(span: &mut ActiveSpan, problem: &Problem) {
    if !span.is_recording() {
        return;
    }
    span.set("error.type", ErrorCode::parse(&problem.code).map_or("_OTHER", ErrorCode::as_str));
    if problem.status != 403 {
        span.fail(problem.to_text().trim_end());
    }
}

/// What is known when the answer is ready.
pub(super) fn end(mut call: Call, method: &Method, answer: &Answer, started: Instant) {
    let status = answer.status().as_u16();
    let bytes = answer.body().size_hint().exact();
    call.span.write(|span| {
        span.set("http.response.status_code", status);
        if let Some(bytes) = bytes {
            span.set("http.response.body.size", bytes);
        }
    });
    if tracing::enabled!(target: crate::log::ACCESS, tracing::Level::INFO) {
        let total = started.elapsed();
        let milliseconds = |time: std::time::Duration| time.as_micros() as f64 / 1000.0;
        tracing::info!(
            target: crate::log::ACCESS,
            client = %call.peer.ip(),
            method = semconv::method(method.as_str()),
            path = %call.path,
            status,
            bytes,
            total_ms = milliseconds(total),
            own_ms = milliseconds(total.saturating_sub(call.waited)),
            request_id = %call.request_id,
            trace_id = %call.trace().trace_id(),
            "served"
        );
    }
    call.span.end();
}
