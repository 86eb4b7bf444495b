//! A record as sentences: what was decided and why, who, what, with which outcome, and where it stands in the log.

use super::text;
use crate::moment::short_time;
use crate::output::{Paint, Screen};
use crate::text::{one_line, wrap};
use open_cli_contract::problem::ErrorCode;
use serde_json::Value;
use std::fmt::Write as _;

/// Columns of the labels.
const LABEL: usize = 12;
/// Fields that have a place of their own below.
const TOLD: &[&str] = &[
    "timestamp",
    "eventType",
    "principal",
    "lineage",
    "sessionId",
    "agentProfile",
    "toolId",
    "serviceId",
    "targetBaseUrl",
    "decision",
    "reasonCode",
    "method",
    "path",
    "authScheme",
    "requestSize",
    "statusCode",
    "latencyMs",
    "retryCount",
    "requestId",
    "traceId",
    "errorCode",
    "catalogRevision",
    "configIdentity",
    "clientAddress",
    "outcome",
    "workflowId",
    "stepId",
    "seq",
    "prevHash",
];

pub(super) fn explain(event: &Value, screen: &Screen) -> String {
    let mut card =
        Card { out: String::new(), paint: screen.paint, room: screen.text_width().saturating_sub(LABEL) };
    let number = |member: &str| event.get(member).and_then(Value::as_u64);
    let title = number("seq").map_or_else(|| "Record".to_owned(), |seq| format!("Record {seq}"));
    let time = short_time(text(event, "timestamp"));
    let _ = write!(card.out, "{}  {}\n\n", screen.paint.bold(&title), one_line(&format!("{time} UTC")));

    let (decision, reason) = (text(event, "decision"), text(event, "reasonCode"));
    card.decision(decision, reason, text(event, "errorCode"));
    let kind = text(event, "eventType");
    let name = open_cli_auditformat::event_name(kind);
    card.row("Event", if name == kind { kind.to_owned() } else { format!("{name} ({kind})") });
    card.row("Caller", caller(event));
    card.row("Delegation", delegation(event));
    card.row("Tool", target(event));
    card.row("Workflow", joined([text(event, "workflowId").to_owned(), named("step", text(event, "stepId"))]));
    card.row("Sent", sent(event, number("requestSize")));
    card.row("Outcome", outcome(event, number("statusCode"), number("latencyMs"), number("retryCount")));
    let id = text(event, "requestId");
    card.row("Request", id.to_owned());
    card.row("Trace", text(event, "traceId").to_owned());
    card.row("Catalog", text(event, "catalogRevision").to_owned());
    card.row("Config", text(event, "configIdentity").to_owned());
    let before = text(event, "prevHash");
    card.row(
        "Chain",
        if before.is_empty() { String::new() } else { format!("follows the record with hash {before}") },
    );
    for (member, value) in event.as_object().into_iter().flatten() {
        if !TOLD.contains(&member.as_str()) && !value.is_null() {
            card.row(member, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    if !id.is_empty() {
        let hint = format!("Look at what happened with `open-cli trace {}`.", one_line(id));
        let _ = write!(card.out, "\n{}\n", screen.paint.dim(&hint));
    }
    card.out
}

struct Card {
    out: String,
    paint: Paint,
    room: usize,
}

impl Card {
    fn decision(&mut self, decision: &str, reason: &str, error: &str) {
        let code = ErrorCode::parse(reason).or_else(|| ErrorCode::parse(error));
        let why = match code {
            Some(code) => format!("{decision}: {} ({code})", code.title()),
            None if reason.is_empty() || reason == decision => decision.to_owned(),
            None => format!("{decision} ({reason})"),
        };
        let paint = self.paint;
        let colour = move |line: &str| match decision {
            "allowed" => paint.good(line).into_owned(),
            "denied" => paint.warning(line).into_owned(),
            _ => paint.error(line).into_owned(),
        };
        self.lines("Decision", &why, &colour);
        if let Some(code) = code {
            self.lines("", code.hint(), &|line| paint.dim(line).into_owned());
        }
    }

    fn row(&mut self, label: &str, value: String) {
        if !value.is_empty() {
            self.lines(label, &value, &str::to_owned);
        }
    }

    fn lines(&mut self, label: &str, value: &str, paint: &dyn Fn(&str) -> String) {
        for (index, line) in wrap(&one_line(value), self.room).iter().enumerate() {
            let label = if index == 0 { one_line(label) } else { String::new() };
            let pad = " ".repeat(LABEL.saturating_sub(crate::text::width(&label)).max(1));
            let _ = writeln!(self.out, "{}{pad}{}", self.paint.bold(&label), paint(line));
        }
    }
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// `label value`, nothing for nothing.
fn named(label: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{label} {value}") }
}

fn caller(event: &Value) -> String {
    let principal = text(event, "principal");
    joined([
        if principal.is_empty() { "anonymous".to_owned() } else { principal.to_owned() },
        named("from", text(event, "clientAddress")),
        named("profile", text(event, "agentProfile")),
        named("session", text(event, "sessionId")),
    ])
}

fn delegation(event: &Value) -> String {
    let Some(lineage) = event.get("lineage") else { return String::new() };
    let actor = lineage.get("actor").and_then(Value::as_object);
    let actor =
        actor.into_iter().flatten().map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or("?")));
    joined([
        named("by", text(lineage, "delegatedBy")),
        named("delegation", text(lineage, "delegationId")),
        named("actor", &actor.collect::<Vec<_>>().join(" ")),
    ])
}

fn target(event: &Value) -> String {
    let (tool, base) = (text(event, "toolId"), text(event, "targetBaseUrl"));
    let call = format!("{} {}{}", text(event, "method"), base.trim_end_matches('/'), text(event, "path"));
    joined([tool.to_owned(), named("service", text(event, "serviceId")), call.trim().to_owned()])
}

fn sent(event: &Value, size: Option<u64>) -> String {
    let size = size.filter(|size| *size > 0).map(|size| format!("a body of {}", crate::moment::bytes(size)));
    joined([size.unwrap_or_default(), named("signed in with", text(event, "authScheme"))])
}

fn outcome(event: &Value, status: Option<u64>, latency: Option<u64>, retries: Option<u64>) -> String {
    let retries = match retries.unwrap_or(0) {
        0 => String::new(),
        1 => "1 retry".to_owned(),
        many => format!("{many} retries"),
    };
    joined([
        text(event, "outcome").to_owned(),
        status.map(|status| format!("status {status}")).unwrap_or_default(),
        latency.map(|latency| format!("{latency} ms")).unwrap_or_default(),
        retries,
    ])
}
