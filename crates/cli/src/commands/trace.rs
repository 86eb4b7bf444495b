//! `trace <id|last>` and `trace list`: where the time of a request went.

use super::audit::{short_times, text};
use super::waterfall::{self, Stage};
use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Table;
use open_cli_client::TraceQuery;
use serde_json::Value;

fn query(limit: &str) -> TraceQuery<'_> {
    TraceQuery { limit, ..TraceQuery::default() }
}

/// Requests shown when `--limit` is not given.
const DEFAULT_LIMIT: &str = "20";

/// Where the latest tool call is looked for by `trace last`.
const SEARCHED: &str = "50";
/// Name of the span of a tool call. Reading the catalog is a request too, but not what a person means by the last.
const TOOL_CALL: &str = "runtime.tools.execute";

/// What `trace list` shows without `--all`: requests that did something.
const LISTED: &[&str] = &[TOOL_CALL, "runtime.refresh"];
/// How many requests are looked through for them.
const LOOKED_THROUGH: &str = "1000";

pub(super) const LIST_FLAGS: &[Flag] = &[
    Flag::new("limit", Takes::Value("n"), "At most so many (default 20)"),
    Flag::new("all", Takes::Nothing, "All requests, not only tool calls and refreshes"),
];

pub(super) fn list(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let limit = app.line.flag("limit").unwrap_or(DEFAULT_LIMIT);
    let Ok(wanted) = limit.parse::<usize>() else {
        return Err(Failure::usage(format!("`--limit` does not take {limit:?}"), "Expected a whole number.")
            .suggest("Write e.g. `--limit 100`."));
    };
    let is_all = app.line.is_set("all");
    let mut roots = app.runtime()?.traces(&query(if is_all { limit } else { LOOKED_THROUGH }))?;
    roots.retain(|root| is_all || LISTED.contains(&text(root, "name")));
    roots.truncate(wanted);
    app.screen.report(&roots, || {
        let times = short_times(roots.iter().map(|root| text(root, "startedAt")));
        let mut table = Table::new(["STARTED", "DURATION", "NAME", "TOOL", "RESULT", "REQUEST"]);
        for (root, time) in roots.iter().zip(&times) {
            let duration = Stage::read(root).map_or_else(String::new, |stage| waterfall::duration(stage.nanos()));
            let tool = root.pointer("/attributes/tool.id").and_then(Value::as_str).unwrap_or_default();
            table.row([time, &duration, text(root, "name"), tool, &result_of(root), request_of(root)]);
        }
        table.drop_empty();
        table.keep(&["STARTED", "TOOL", "REQUEST"]);
        table.wrap("RESULT");
        Ok(table.render(app.screen.width(), app.screen.paint))
    })?;
    Ok(Exit::Ok)
}

/// `ok`, what failed, or that the policy refused.
fn result_of(root: &Value) -> String {
    let decision = root.pointer("/attributes/policy.decision").and_then(Value::as_str).unwrap_or_default();
    match (text(root, "error"), decision) {
        ("", "" | "allowed") => "ok".to_owned(),
        ("", decision) => format!("refused: {decision}"),
        (error, _) => error.to_owned(),
    }
}

/// The request id, else the trace id: what `trace <id>` takes.
fn request_of(span: &Value) -> &str {
    let request = span.pointer("/attributes/requestId").and_then(Value::as_str).unwrap_or_default();
    if request.is_empty() { text(span, "traceId") } else { request }
}

pub(super) fn show(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let wanted = operands.first().map_or("last", String::as_str);
    let runtime = app.runtime()?;
    let newest;
    let id = if wanted == "last" {
        newest = runtime.traces(&query(SEARCHED))?;
        let call = newest.iter().find(|root| text(root, "name") == TOOL_CALL);
        call.or(newest.first()).map(request_of).ok_or_else(|| {
            Failure::new(
                Exit::Other,
                "trace_not_found",
                "There is no trace yet",
                "The runtime has served no request.",
            )
            .suggest("Call a tool first.")
        })?
    } else {
        wanted
    };
    let trace = runtime.trace(id)?;
    app.screen.report(&trace, || {
        let spans = trace.get("spans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let stages: Vec<Stage<'_>> = spans.iter().filter_map(Stage::read).collect();
        Ok(waterfall::render(text(&trace, "traceId"), &stages, app.screen.width(), app.screen.paint))
    })?;
    Ok(Exit::Ok)
}
