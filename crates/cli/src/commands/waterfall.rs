//! Spans of one trace as a waterfall: indented stages, a bar where each lies in the whole, its duration.

use super::audit::text;
use crate::output::Paint;
use crate::text::{cut, one_line, width};
use open_cli_contract::Timestamp;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Width when stdout is no terminal.
const DEFAULT_WIDTH: usize = 100;
/// Columns of the bars, at least and at most.
const BAR: std::ops::RangeInclusive<usize> = 10..=48;
/// Columns of a duration.
const DURATION: usize = 9;
/// Stages are not indented deeper than this.
const MAX_DEPTH: usize = 16;
/// Attributes that say nothing beside the stage's name.
const SILENT: &[&str] = &["requestId"];

/// One stage.
pub(super) struct Stage<'a> {
    name: &'a str,
    id: &'a str,
    parent: &'a str,
    error: &'a str,
    attributes: Option<&'a Map<String, Value>>,
    begin: i128,
    end: i128,
}

impl<'a> Stage<'a> {
    /// Reads a span; `None` when it has no times.
    pub(super) fn read(span: &'a Value) -> Option<Self> {
        let time = |member| text(span, member).parse::<Timestamp>().ok().map(Timestamp::as_nanosecond);
        Some(Self {
            name: text(span, "name"),
            id: text(span, "spanId"),
            parent: text(span, "parentSpanId"),
            error: text(span, "error"),
            attributes: span.get("attributes").and_then(Value::as_object),
            begin: time("startedAt")?,
            end: time("finishedAt")?,
        })
    }

    pub(super) fn nanos(&self) -> i128 {
        (self.end - self.begin).max(0)
    }
}

/// `1.24 ms`.
pub(super) fn duration(nanos: i128) -> String {
    let nanos = nanos as f64;
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.0} µs", n / 1e3),
        n if n < 1e9 => format!("{:.2} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

pub(super) fn render(trace_id: &str, stages: &[Stage<'_>], limit: Option<usize>, paint: Paint) -> String {
    let (Some(begin), Some(end)) = (stages.iter().map(|s| s.begin).min(), stages.iter().map(|s| s.end).max())
    else {
        return format!("Trace {}: no stages.\n", one_line(trace_id));
    };
    let total = (end - begin).max(1);
    let rows = ordered(stages);
    let limit = limit.unwrap_or(DEFAULT_WIDTH);
    let labels: Vec<String> = rows
        .iter()
        .map(|(depth, stage)| format!("{}{}", "  ".repeat((*depth).min(MAX_DEPTH)), one_line(stage.name)))
        .collect();
    let label_width = labels.iter().map(|label| width(label)).max().unwrap_or(0).min(limit / 2);
    let bar_width = limit.saturating_sub(label_width + DURATION + 4).clamp(*BAR.start(), *BAR.end());
    let mut out =
        format!("{} {}  {}\n\n", paint.bold("Trace"), one_line(trace_id), paint.dim(&duration(end - begin)));
    for ((_, stage), label) in rows.iter().zip(&labels) {
        let label = cut(label, label_width);
        let pad = " ".repeat(label_width.saturating_sub(width(&label)));
        let (before, filled) = bar(stage, begin, total, bar_width);
        let after = bar_width - before - filled;
        let painted = "█".repeat(filled);
        let painted = if stage.error.is_empty() { paint.accent(&painted) } else { paint.error(&painted) };
        let time = duration(stage.nanos());
        let gap = " ".repeat(DURATION.saturating_sub(width(&time)));
        let _ = writeln!(
            out,
            "{label}{pad}  {}{painted}{}  {gap}{time}",
            paint.dim(&"·".repeat(before)),
            paint.dim(&"·".repeat(after))
        );
        let indent = label.len() - label.trim_start().len() + 2;
        let room = limit.saturating_sub(indent);
        if !stage.error.is_empty() {
            let line = cut(&format!("x {}", one_line(stage.error)), room);
            let _ = writeln!(out, "{}{}", " ".repeat(indent), paint.error(&line));
        }
        let notes = notes(stage);
        if !notes.is_empty() {
            let _ = writeln!(out, "{}{}", " ".repeat(indent), paint.dim(&cut(&notes, room)));
        }
    }
    out
}

fn notes(stage: &Stage<'_>) -> String {
    let pairs = stage.attributes.into_iter().flatten().filter(|(name, _)| !SILENT.contains(&name.as_str()));
    let shown: Vec<String> = pairs
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name}={}", one_line(text)),
            other => format!("{name}={other}"),
        })
        .collect();
    shown.join("  ")
}

/// Columns before the bar, and of the bar; the bar has at least one.
fn bar(stage: &Stage<'_>, begin: i128, total: i128, columns: usize) -> (usize, usize) {
    let all = i128::try_from(columns).unwrap_or(1);
    let scale = |nanos: i128| usize::try_from((nanos * all / total).clamp(0, all)).unwrap_or(0);
    let from = scale(stage.begin - begin).min(columns - 1);
    let to = scale(stage.end - begin).clamp(from + 1, columns);
    (from, to - from)
}

/// Parents before children, children by their begin. A stage whose parent is not there is a root.
fn ordered<'s, 'a>(stages: &'s [Stage<'a>]) -> Vec<(usize, &'s Stage<'a>)> {
    let is_here = |id: &str| stages.iter().any(|stage| stage.id == id && !id.is_empty());
    let mut rows = Vec::with_capacity(stages.len());
    let mut open: Vec<(usize, &Stage<'a>)> =
        stages.iter().filter(|stage| !is_here(stage.parent) || stage.parent == stage.id).map(|s| (0, s)).collect();
    open.sort_by_key(|(_, stage)| std::cmp::Reverse(stage.begin));
    while let Some((depth, stage)) = open.pop() {
        rows.push((depth, stage));
        // A ring of parents has no root and is never reached, so this ends.
        let mut children: Vec<_> = stages
            .iter()
            .filter(|child| !stage.id.is_empty() && child.parent == stage.id && child.id != stage.id)
            .map(|child| (depth + 1, child))
            .collect();
        children.sort_by_key(|(_, child)| std::cmp::Reverse((child.begin, -child.end)));
        open.extend(children);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans() -> Vec<Value> {
        let span = |name: &str, id: &str, parent: &str, from: u32, to: u32| {
            let at = |micros: u32| format!("2026-01-31T08:00:00.{micros:06}Z");
            let mut value = serde_json::json!({
                "name": name, "spanId": id, "startedAt": at(from), "finishedAt": at(to), "traceId": "t",
                "attributes": {"requestId": "r"},
            });
            if !parent.is_empty() {
                value["parentSpanId"] = parent.into();
            }
            value
        };
        let mut upstream = span("upstream.request", "c", "a", 1_200, 11_000);
        upstream["error"] = "upstream_timeout".into();
        upstream["attributes"] = serde_json::json!({"url": "https://api.example.test/books", "attempt": "1"});
        vec![
            upstream,
            span("runtime.tools.execute", "a", "client", 0, 12_400),
            span("policy.decide", "b", "a", 100, 101),
        ]
    }

    #[test]
    fn stages_are_indented_in_order_with_bars_to_scale() {
        let spans = spans();
        let stages: Vec<_> = spans.iter().filter_map(Stage::read).collect();
        insta::assert_snapshot!(render("4bf92f3577b34da6a3ce929d0e0e4736", &stages, Some(80), Paint::default()));
    }

    #[test]
    fn a_narrow_terminal_and_a_ring_of_parents_do_no_harm() {
        let mut spans = spans();
        spans[1]["parentSpanId"] = "c".into();
        let stages: Vec<_> = spans.iter().filter_map(Stage::read).collect();
        render("t", &stages, Some(5), Paint::default());
        assert!(render("t", &[], None, Paint::default()).contains("no stages"));
    }

    #[test]
    fn durations_have_the_unit_a_person_would_choose() {
        for (nanos, expected) in
            [(999, "999 ns"), (1_500, "2 µs"), (1_240_000, "1.24 ms"), (61_500_000_000, "61.50 s")]
        {
            assert_eq!(duration(nanos), expected);
        }
    }
}
