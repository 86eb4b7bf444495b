//! The span of a request by OpenTelemetry's HTTP conventions, and its line in the access log.

use super::Call;
use super::respond::Answer;
use http::header::USER_AGENT;
use http::{HeaderMap, Method, Version, request};
use http_body::Body;
use open_cli_contract::ids::RequestId;
use open_cli_contract::problem::{ErrorCode, Problem};
use open_cli_contract::trace::{Incoming, TraceId};
use open_cli_observe::{ActiveSpan, OpenSpan, Shown, SpanKind, semconv};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

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
pub(super) fn end(mut call: Call, answer: &Answer, line: Option<AccessLine>) {
    let status = answer.status().as_u16();
    let bytes = answer.body().size_hint().exact();
    call.span.write(|span| {
        span.set("http.response.status_code", status);
        if let Some(bytes) = bytes {
            span.set("http.response.body.size", bytes);
        }
    });
    if let Some(line) = line {
        line.served(status, bytes, call.waited);
    }
    call.span.end();
}

/// The line of a request in the access log, also of one whose caller goes away before it is answered.
pub(super) struct AccessLine {
    /// Taken when the request is answered.
    about: Option<About>,
}

struct About {
    started: Instant,
    client: IpAddr,
    method: &'static str,
    path: String,
    request_id: RequestId,
    trace_id: TraceId,
}

impl AccessLine {
    /// `None` when there is no access log.
    pub(super) fn begin(call: &Call, method: &Method, started: Instant) -> Option<Self> {
        tracing::enabled!(target: crate::log::ACCESS, tracing::Level::INFO).then(|| Self {
            about: Some(About {
                started,
                client: call.peer.ip(),
                method: semconv::method(method.as_str()),
                path: call.path.clone(),
                request_id: call.request_id.clone(),
                trace_id: call.trace().trace_id(),
            }),
        })
    }

    fn served(mut self, status: u16, bytes: Option<u64>, waited: Duration) {
        let Some(About { started, client, method, path, request_id, trace_id }) = self.about.take() else {
            return;
        };
        let total = started.elapsed();
        tracing::info!(
            target: crate::log::ACCESS,
            %client,
            method,
            %path,
            status,
            bytes,
            total_ms = milliseconds(total),
            own_ms = milliseconds(total.saturating_sub(waited)),
            %request_id,
            %trace_id,
            "served"
        );
    }
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let Some(About { started, client, method, path, request_id, trace_id }) = self.about.take() else {
            return;
        };
        tracing::info!(
            target: crate::log::ACCESS,
            %client,
            method,
            %path,
            total_ms = milliseconds(started.elapsed()),
            %request_id,
            %trace_id,
            "caller went away"
        );
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
