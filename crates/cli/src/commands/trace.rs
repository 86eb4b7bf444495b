//! `trace <id|last>` and `trace list`: where the time of a request went.

use super::waterfall::Waterfall;
use super::{text, whole_number};
use crate::app::App;
use crate::args::{Flag, Line, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::last::LastCall;
use crate::moment::{duration, moment, short_times, span_of_time};
use crate::output::Table;
use open_cli_client::{ClientError, Runtime, TraceQuery};
use open_cli_contract::Timestamp;
use open_cli_contract::problem::ErrorCode;
use open_cli_contract::trace::SpanId;
use open_cli_contract::traces::SpanRecord;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Requests shown when `--limit` is not given.
const DEFAULT_LIMIT: &str = "20";
/// Name of the span of a tool call. Reading the catalog is a request too, but not what a person means by the last.
const TOOL_CALL: &str = "runtime.tools.execute";
/// What `trace list` shows without `--all`: requests that did something.
const LISTED: &[&str] = &[TOOL_CALL, "runtime.refresh"];
const LISTED_NAMES: &str = "runtime.tools.execute,runtime.refresh";

pub(super) const LIST_FLAGS: &[Flag] = &[
    Flag::new("since", Takes::Value("age|time"), "Only requests since then, e.g. 1h"),
    Flag::new("until", Takes::Value("age|time"), "Only requests before then"),
    Flag::new("slow", Takes::Value("duration"), "Only requests that took at least so long, e.g. 200ms"),
    Flag::new("errors", Takes::Nothing, "Only requests that failed or were refused"),
    Flag::new("tool", Takes::Value("tool-id"), "Only calls of this tool"),
    Flag::new("service", Takes::Value("id"), "Only calls of this service's tools"),
    Flag::new("limit", Takes::Value("n"), "At most so many (default 20)"),
    Flag::new("all", Takes::Nothing, "All requests and background work, not only tool calls and refreshes"),
];

pub(super) fn list(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let flag = |name: &str| app.line.flag(name).unwrap_or_default();
    let limit = app.line.flag("limit").unwrap_or(DEFAULT_LIMIT);
    let count = whole_number("limit", limit)?;
    let now = Timestamp::now();
    let time = |name: &str| app.line.flag(name).map(|text| moment(name, text, now)).transpose();
    let (since, until) = (time("since")?, time("until")?);
    let [sent_since, sent_until] = [since, until].map(|t| t.map_or_else(String::new, |t| t.to_string()));
    let slow = app.line.flag("slow").map(|text| duration(text).ok_or_else(|| bad_duration(text))).transpose()?;
    let slow_ms = slow.map_or_else(String::new, |slow| (slow.as_micros() as f64 / 1000.0).to_string());
    let is_all = app.line.is_set("all");
    let query = TraceQuery {
        since: &sent_since,
        until: &sent_until,
        slow_ms: &slow_ms,
        errors: app.line.is_set("errors"),
        tool: flag("tool"),
        service: flag("service"),
        names: if is_all { "" } else { LISTED_NAMES },
        background: is_all,
        limit,
    };
    let mut found = app.runtime()?.traces(&query)?;
    // The same again: a runtime may know less of the question.
    let millis = |trace: &Value| trace.get("durationMs").and_then(Value::as_f64).unwrap_or(0.0);
    let at = |trace: &Value| text(trace, "startedAt").parse::<Timestamp>().ok();
    let is = |trace: &Value, member: &str, wanted: &str| wanted.is_empty() || text(trace, member) == wanted;
    found.retain(|trace| {
        (is_all || LISTED.contains(&text(trace, "name")))
            && (!query.errors || text(trace, "status") != "ok")
            && is(trace, "toolId", query.tool)
            && is(trace, "serviceId", query.service)
            && slow.is_none_or(|slow| millis(trace) >= slow.as_secs_f64() * 1e3)
            && since.is_none_or(|since| at(trace).is_some_and(|at| at >= since))
            && until.is_none_or(|until| at(trace).is_some_and(|at| at < until))
    });
    found.truncate(count);
    app.screen.report(&found, || {
        let times = short_times(found.iter().map(|trace| text(trace, "startedAt")));
        let mut table = Table::new(["STARTED", "DURATION", "NAME", "TOOL", "RESULT", "REQUEST"]);
        for (trace, time) in found.iter().zip(&times) {
            let duration = span_of_time((millis(trace) * 1e6) as i128);
            let (name, tool) = (text(trace, "name"), text(trace, "toolId"));
            table.row([time, &duration, name, tool, &result_of(trace), request_of(trace)]);
        }
        table.drop_empty();
        table.keep(&["STARTED", "TOOL", "REQUEST"]);
        table.wrap("RESULT");
        Ok(table.render(app.screen.width(), app.screen.paint))
    })?;
    Ok(Exit::Ok)
}

fn bad_duration(text: &str) -> Failure {
    Failure::usage(format!("`--slow` does not take {text:?}"), "Expected a duration with its unit.")
        .suggest("Write e.g. `--slow 200ms` or `--slow 1.5s`.")
}

/// `ok`, what failed, or why it was refused.
fn result_of(trace: &Value) -> String {
    match (text(trace, "status"), text(trace, "error")) {
        ("ok", _) => "ok".to_owned(),
        ("refused", error) => format!("refused: {error}"),
        (status, "") => status.to_owned(),
        (_, error) => error.to_owned(),
    }
}

/// The request id, else the trace id: what `trace <id>` takes.
fn request_of(trace: &Value) -> &str {
    let request = text(trace, "requestId");
    if request.is_empty() { text(trace, "traceId") } else { request }
}

pub(super) fn show(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let wanted = operands.first().map_or("last", String::as_str);
    let last = app.last_call();
    if wanted == "last" {
        return show_last(app, last);
    }
    let trace = app.runtime()?.trace(wanted)?;
    let own = last.filter(|last| last.request_id == wanted || last.trace_id.to_string() == wanted);
    print(app, trace, wanted, own.as_ref())
}

/// The last call from here when its runtime is the one that is asked; else the runtime's latest.
fn show_last(app: &App, last: Option<LastCall>) -> Result<Exit, Failure> {
    let asked = match app.runtime_url() {
        Ok((url, _)) => Some(url.as_str().to_owned()),
        // No runtime is configured: the call named its own.
        Err(failure) if failure.code == "no_runtime" => None,
        Err(failure) => return Err(failure),
    };
    let Some(last) = last.filter(|last| asked.as_ref().is_none_or(|asked| *asked == last.runtime)) else {
        let runtime = app.runtime()?;
        let newest = newest(runtime)?;
        let id = request_of(&newest);
        return print(app, runtime.trace(id)?, id, None);
    };
    let mut line: Line = app.line.clone();
    line.globals.runtime = Some(last.runtime.clone());
    let inner = App::new(line, app.environment.clone(), app.screen);
    match inner.runtime()?.trace(&last.request_id) {
        Ok(trace) => print(app, trace, &last.request_id, Some(&last)),
        Err(ClientError::Refused(refusal)) if refusal.code == Some(ErrorCode::TraceNotFound) => {
            app.screen.remark("The runtime has no trace of this call, so only the client's part is shown.");
            print(app, json!({ "traceId": last.trace_id, "spans": [] }), &last.request_id, Some(&last))
        }
        Err(error) => Err(error.into()),
    }
}

fn newest(runtime: &Runtime) -> Result<Value, Failure> {
    let ask = |names| runtime.traces(&TraceQuery { names, limit: "1", ..TraceQuery::default() });
    let mut found = ask(TOOL_CALL)?;
    found.retain(|trace| text(trace, "name") == TOOL_CALL);
    if found.is_empty() {
        found = ask("")?;
    }
    found.into_iter().next().ok_or_else(|| {
        Failure::new(Exit::Other, "trace_not_found", "There is no trace yet", "The runtime has served no request.")
            .suggest("Call a tool first.")
    })
}

/// Prints a trace, or what belongs to one request of it; the client's own spans on top of the runtime's.
fn print(app: &App, mut trace: Value, wanted: &str, own: Option<&LastCall>) -> Result<Exit, Failure> {
    let found = trace.get("spans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // A span that can't be read is missing from the picture only.
    let mut spans: Vec<SpanRecord> = found.iter().filter_map(|span| SpanRecord::deserialize(span).ok()).collect();
    if let Some(own) = own {
        let is_here = |span: &SpanRecord| spans.iter().any(|known| known.span_id == span.span_id);
        let more: Vec<SpanRecord> = own.spans.iter().filter(|span| !is_here(span)).cloned().collect();
        spans.extend(more);
        spans.sort_by_key(|span| span.started_at);
    }
    if text(&trace, "traceId") != wanted {
        keep_request(&mut spans, wanted, own);
    }
    if own.is_some() || spans.len() != found.len() {
        trace["spans"] = json!(spans);
    }
    app.screen.report(&trace, || {
        let waterfall = Waterfall {
            trace_id: text(&trace, "traceId"),
            spans: &spans,
            limit: app.screen.width(),
            paint: app.screen.paint,
        };
        Ok(waterfall.render())
    })?;
    Ok(Exit::Ok)
}

/// Leaves what happened within a request, or within the command that made it. A caller can have many calls in one
/// trace; who asks for a request does not mean them.
fn keep_request(spans: &mut Vec<SpanRecord>, wanted: &str, own: Option<&LastCall>) {
    let is_meant = |span: &SpanRecord| {
        span.request_id() == Some(wanted)
            || own.is_some_and(|own| own.spans.iter().any(|o| o.span_id == span.span_id))
    };
    let mut kept: HashSet<SpanId> = spans.iter().filter(|span| is_meant(span)).map(|span| span.span_id).collect();
    if kept.is_empty() {
        return;
    }
    // Children of what is kept, until there are no more.
    loop {
        let before = kept.len();
        let is_inside = |span: &&SpanRecord| span.parent_span_id.is_some_and(|parent| kept.contains(&parent));
        let inside: Vec<SpanId> = spans.iter().filter(is_inside).map(|span| span.span_id).collect();
        kept.extend(inside);
        if kept.len() == before {
            break;
        }
    }
    spans.retain(|span| kept.contains(&span.span_id));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: u32, parent: u32, request: &str) -> SpanRecord {
        serde_json::from_value(json!({
            "name": "x", "attributes": {"requestId": request}, "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
            "spanId": format!("{id:016x}"), "parentSpanId": format!("{parent:016x}"),
            "startedAt": "2026-01-31T08:00:00Z", "finishedAt": "2026-01-31T08:00:00Z",
        }))
        .unwrap()
    }

    #[test]
    fn of_a_trace_with_many_calls_only_the_one_that_was_asked_for_is_shown() {
        let all =
            vec![span(1, 99, "a"), span(2, 1, "a"), span(3, 2, "elsewhere"), span(4, 99, "b"), span(5, 4, "b")];
        let ids = |wanted: &str| {
            let mut spans = all.clone();
            keep_request(&mut spans, wanted, None);
            spans.iter().map(|span| span.span_id.to_string().parse::<u32>().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(ids("a"), [1, 2, 3]);
        assert_eq!(ids("b"), [4, 5]);
        assert_eq!(ids("unknown").len(), 5);
    }
}
