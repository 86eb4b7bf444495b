//! Traces as `/v1/traces` answers them, and as the trace file gives them back: spans with their attributes, and a
//! line for each request. Not for the ids and headers of W3C Trace Context (that is [`crate::trace`]).

use crate::trace::{SpanId, TraceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Answer of `GET /v1/traces/<request id or trace id>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceRecord {
    /// The trace.
    pub trace_id: TraceId,
    /// Its spans, by start time.
    #[serde(default)]
    pub spans: Vec<SpanRecord>,
}

/// Role of a span (OpenTelemetry `SpanKind`). A role we don't know is read as internal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanRole {
    /// Answers a request.
    Server,
    /// Sends a request.
    Client,
    /// Puts a message into a queue.
    Producer,
    /// Takes a message from a queue.
    Consumer,
    /// Work inside a program.
    #[default]
    #[serde(other)]
    Internal,
}

/// A finished span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanRecord {
    /// The contract's name of the stage, e.g. `runtime.tools.execute`.
    pub name: String,
    /// The name by OpenTelemetry's conventions, e.g. `POST /v1/tools/execute`, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Role.
    #[serde(default)]
    pub kind: SpanRole,
    /// Attributes; the request id is one of them, `requestId`.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// Beginning, UTC.
    pub started_at: Timestamp,
    /// End, UTC.
    pub finished_at: Timestamp,
    /// Why it failed, absent on success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The trace.
    pub trace_id: TraceId,
    /// This span.
    pub span_id: SpanId,
    /// The span it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// The parent is a span of another program (beside the contract).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_remote_parent: bool,
}

impl SpanRecord {
    /// An attribute that is text.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }

    /// The request.
    pub fn request_id(&self) -> Option<&str> {
        self.attribute("requestId")
    }

    /// The name that exporters give: OpenTelemetry's, else the stage's.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// The outermost span of a program's part of the trace: its parent is nobody, or in another program.
    pub fn is_local_root(&self) -> bool {
        self.parent_span_id.is_none() || self.has_remote_parent
    }

    /// How long it took, in nanoseconds; 0 when the clock was set back.
    pub fn nanos(&self) -> u64 {
        u64::try_from(self.finished_at.as_nanosecond() - self.started_at.as_nanosecond()).unwrap_or(0)
    }

    /// How it ended.
    pub fn status(&self) -> TraceStatus {
        match (&self.error, self.attributes.contains_key("error.type")) {
            (Some(_), _) => TraceStatus::Error,
            (None, true) => TraceStatus::Refused,
            (None, false) => TraceStatus::Ok,
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceStatus {
    /// It was done.
    #[default]
    Ok,
    /// It failed.
    Error,
    /// It was refused, which is no error of the runtime (config-and-state §6.2).
    Refused,
}

/// One request, or one piece of background work: an element of the answer of `GET /v1/traces`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// The trace.
    pub trace_id: TraceId,
    /// The outermost span; no other summary has it.
    pub span_id: SpanId,
    /// The request; absent for background work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The contract's name of the outermost stage, e.g. `runtime.tools.execute`.
    pub name: String,
    /// Its name by OpenTelemetry's conventions, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Beginning, UTC.
    pub started_at: Timestamp,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: f64,
    /// How it ended.
    #[serde(default)]
    pub status: TraceStatus,
    /// Why it failed or was refused; absent when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The tool that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_id: Option<String>,
    /// The tool's service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<String>,
    /// How many spans are there to be shown.
    #[serde(default)]
    pub spans: usize,
}

impl TraceSummary {
    /// What the outermost span says; `spans` counts it too.
    pub fn of(root: &SpanRecord, spans: usize) -> Self {
        let owned = |name: &str| root.attribute(name).map(str::to_owned);
        Self {
            trace_id: root.trace_id,
            span_id: root.span_id,
            request_id: owned("requestId"),
            name: root.name.clone(),
            title: root.title.clone(),
            started_at: root.started_at,
            duration_ms: root.nanos() as f64 / 1e6,
            status: root.status(),
            error: root.error.clone().or_else(|| owned("error.type")),
            tool_id: owned("tool.id"),
            service_id: owned("service.id"),
            spans,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn root() -> SpanRecord {
        serde_json::from_value(json!({
            "name": "runtime.tools.execute", "title": "POST /v1/tools/execute", "kind": "server",
            "attributes": {"requestId": "r-1", "tool.id": "orders:list", "service.id": "orders", "n": 7},
            "startedAt": "2026-01-31T08:00:00Z", "finishedAt": "2026-01-31T08:00:00.0015Z",
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7",
        }))
        .expect("a span")
    }

    #[test]
    fn a_summary_says_what_the_outermost_span_says() {
        let summary = TraceSummary::of(&root(), 7);
        assert_eq!(
            serde_json::to_value(&summary).expect("JSON"),
            json!({
                "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "requestId": "r-1",
                "name": "runtime.tools.execute", "title": "POST /v1/tools/execute",
                "startedAt": "2026-01-31T08:00:00Z", "durationMs": 1.5, "status": "ok",
                "toolId": "orders:list", "serviceId": "orders", "spans": 7,
            })
        );
    }

    #[test]
    fn a_refusal_is_no_error_and_both_have_a_reason() {
        let mut refused = root();
        refused.attributes.insert("error.type".into(), "approval_required".into());
        let mut failed = refused.clone();
        failed.error = Some("upstream_timeout: too slow".into());
        for (span, status, error) in [
            (root(), TraceStatus::Ok, None),
            (refused, TraceStatus::Refused, Some("approval_required")),
            (failed, TraceStatus::Error, Some("upstream_timeout: too slow")),
        ] {
            let summary = TraceSummary::of(&span, 1);
            assert_eq!((summary.status, summary.error.as_deref()), (status, error));
        }
    }

    #[test]
    fn spans_are_read_back_as_they_were_written_and_a_new_role_does_no_harm() {
        let span = root();
        let text = serde_json::to_string(&span).expect("JSON");
        assert!(!text.contains("hasRemoteParent") && !text.contains("error"), "{text}");
        assert_eq!(serde_json::from_str::<SpanRecord>(&text).expect("a span"), span);
        let odd = text.replace("\"server\"", "\"oracle\"");
        assert_eq!(serde_json::from_str::<SpanRecord>(&odd).expect("a span").kind, SpanRole::Internal);
    }
}
