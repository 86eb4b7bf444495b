//! `audit list`.

use super::SERVICE;
use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Table;
use open_cli_client::AuditQuery;
use open_cli_contract::Timestamp;
use serde_json::Value;

/// Events shown when `--limit` is not given.
const DEFAULT_LIMIT: &str = "50";
const DECISIONS: &[&str] = &["allowed", "denied", "error"];

pub(super) const FLAGS: &[Flag] = &[
    Flag::new("limit", Takes::Value("n"), "At most so many, the latest (default 50)"),
    Flag::new("since", Takes::Value("time"), "Only events since this RFC 3339 time"),
    Flag::new("tool", Takes::Value("tool-id"), "Only events of this tool"),
    Flag::new("event-type", Takes::Value("type"), "Only events of this type, e.g. tool_execution"),
    Flag::new("decision", Takes::OneOf(DECISIONS), "Only events with this decision"),
    Flag::new("request-id", Takes::Value("id"), "Only events of this request"),
    SERVICE,
];

pub(super) fn list(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let flag = |name: &str| app.line.flag(name).unwrap_or_default();
    let limit = app.line.flag("limit").unwrap_or(DEFAULT_LIMIT);
    let Ok(count) = limit.parse::<usize>() else {
        return Err(Failure::usage(format!("`--limit` does not take {limit:?}"), "Expected a whole number.")
            .suggest("Write e.g. `--limit 100`."));
    };
    let since = match flag("since") {
        "" => None,
        text => Some(text.parse::<Timestamp>().map_err(|_| {
            Failure::usage(
                format!("`--since` does not take {text:?}"),
                "Expected a time with zone, as in RFC 3339.",
            )
            .suggest("Write e.g. `--since 2026-01-31T08:00:00Z`.")
        })?),
    };
    let service = flag("service");
    let query = AuditQuery {
        // The filter by service is ours alone, so the limit must not apply before it.
        limit: if service.is_empty() { limit } else { "" },
        since: flag("since"),
        tool: flag("tool"),
        event_type: flag("event-type"),
        decision: flag("decision"),
        request_id: flag("request-id"),
        ..AuditQuery::default()
    };
    let mut events = app.runtime()?.audit(&query)?.events;
    // Runtimes that know only the contract answer with everything, in file order.
    let fits = |event: &Value, member: &str, wanted: &str| wanted.is_empty() || text(event, member) == wanted;
    events.retain(|event| {
        fits(event, "toolId", query.tool)
            && fits(event, "eventType", query.event_type)
            && fits(event, "decision", query.decision)
            && fits(event, "requestId", query.request_id)
            && fits(event, "serviceId", service)
            && since.is_none_or(|since| text(event, "timestamp").parse().is_ok_and(|at: Timestamp| at >= since))
    });
    let time = |event: &Value| text(event, "timestamp").parse::<Timestamp>().unwrap_or(Timestamp::MIN);
    events.sort_by_key(time);
    let events = events.split_off(events.len().saturating_sub(count));
    app.screen.report(&events, || {
        let times = short_times(events.iter().map(|event| text(event, "timestamp")));
        let mut table = Table::new(["TIME", "DECISION", "TOOL", "STATUS", "MS", "REASON", "PRINCIPAL", "REQUEST"]);
        for (event, time) in events.iter().zip(times) {
            let number = |member: &str| event.get(member).map_or_else(String::new, Value::to_string);
            table.row([
                time,
                text(event, "decision").to_owned(),
                text(event, "toolId").to_owned(),
                number("statusCode"),
                number("latencyMs"),
                text(event, "reasonCode").to_owned(),
                text(event, "principal").to_owned(),
                text(event, "requestId").to_owned(),
            ]);
        }
        table.drop_empty();
        table.keep(&["TIME", "TOOL", "REQUEST"]);
        table.wrap("REASON");
        Ok(table.render(app.screen.width(), app.screen.paint))
    })?;
    Ok(Exit::Ok)
}

pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// Whole seconds, UTC: `2026-01-31 08:00:00`; without the date when all are of today.
pub(super) fn short_times<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let today = Timestamp::now().strftime("%Y-%m-%d ").to_string();
    let short = |text: &str| match text.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => text.to_owned(),
    };
    let times: Vec<String> = texts.map(short).collect();
    if times.iter().all(|time| time.starts_with(&today)) {
        return times.iter().map(|time| time[today.len()..].to_owned()).collect();
    }
    times
}
