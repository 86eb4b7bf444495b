//! What a stage is called, and what of its attributes is worth a person's time.

use crate::moment::bytes;
use crate::text::one_line;
use open_cli_contract::traces::SpanRecord;
use serde_json::Value;
use std::borrow::Cow;

/// Attributes that other parts of the picture say, or that say nothing beside them.
const SILENT: &[&str] = &[
    "requestId",
    "open_cli.stage",
    "tool.id",
    "service.id",
    "http.request.method",
    "http.request.resend_count",
    "http.response.status_code",
    "http.route",
    "url",
    "url.full",
    "url.path",
    "url.scheme",
    "url.template",
    "server.address",
    "server.port",
    "method",
    "error.type",
    "user_agent.original",
    "network.protocol.name",
    "network.protocol.version",
    "process.executable.name",
    "process.pid",
];
/// Characters of a revision that tell it from others.
const REVISION: usize = 12;

/// The name of a stage; attempts are counted, and the client's stages are called by what they did.
pub(super) fn label(span: &SpanRecord) -> Cow<'_, str> {
    match span.name.as_str() {
        "execution.attempt" => format!("execution.attempt {}", attempt(span)).into(),
        "client.command" | "client.request" => span.title().into(),
        name => name.into(),
    }
}

/// A stage of the client.
fn is_own(span: &SpanRecord) -> bool {
    span.name.starts_with("client.")
}

/// From 1 on.
fn attempt(span: &SpanRecord) -> u64 {
    span.attributes.get("http.request.resend_count").and_then(Value::as_u64).unwrap_or(0).saturating_add(1)
}

/// HTTP status; some runtimes have it as text.
pub(super) fn status(span: &SpanRecord) -> Option<u64> {
    let status = span.attributes.get("http.response.status_code")?;
    status.as_u64().or_else(|| status.as_str()?.parse().ok())
}

/// What is worth knowing. `reason` was said before.
pub(super) fn notes(span: &SpanRecord, reason: &str) -> String {
    let is_status = |name: &str, value: &Value| name == "upstream.status_code" && value.as_u64() == status(span);
    let shown = span.attributes.iter().filter(|(name, _)| !SILENT.contains(&name.as_str()));
    let shown = shown.filter(|(name, value)| !is_status(name, value));
    let mut notes: Vec<String> = shown.filter_map(|(name, value)| note(name, value, reason)).collect();
    // Which request: for the client's own the label says it.
    let method = span.attribute("http.request.method").or(span.attribute("method"));
    if let (Some(method), Some(url), false) =
        (method, span.attribute("url.full").or(span.attribute("url")), is_own(span))
    {
        notes.insert(0, one_line(&format!("{method} {url}")));
    }
    notes.join("  ")
}

fn note(name: &str, value: &Value, reason: &str) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) if text.is_empty() || text == reason => return None,
        Value::String(text) => one_line(text),
        other => other.to_string(),
    };
    let number = value.as_u64();
    Some(match name {
        "cacheOutcome" => text,
        "retryCount" => match number {
            Some(0) => return None,
            Some(1) => "1 retry".into(),
            _ => format!("{text} retries"),
        },
        "policy.decision" if text == "allowed" => return None,
        "policy.decision" => text,
        "process.exit.code" if number == Some(0) => return None,
        "process.exit.code" => format!("exit {text}"),
        "http.request.body.size" if number == Some(0) => return None,
        "http.request.body.size" => format!("sent {}", bytes(number.unwrap_or(0))),
        "http.response.body.size" => format!("received {}", bytes(number.unwrap_or(0))),
        "upstream.status_code" => format!("upstream status {text}"),
        "client.address" => format!("from {text}"),
        "agent.profile" => format!("profile {text}"),
        "catalog.revision" => format!("revision {}", text.chars().take(REVISION).collect::<String>()),
        "source.id" => format!("source {text}"),
        "tools" => format!("{text} tools"),
        name => format!("{}={text}", one_line(name)),
    })
}
