//! Spans of one trace as a waterfall: indented stages, when each began, a bar where it lies in the whole, how long it
//! took, and what it met.

mod stage;
mod tree;

use crate::moment::span_of_time;
use crate::output::Paint;
use crate::text::{cut, one_line, width};
use open_cli_contract::traces::{SpanRecord, SpanRole, TraceStatus};
use stage::{label, notes, status};
use std::fmt::Write as _;
use tree::{Row, rows};

/// Width when stdout is no terminal.
const DEFAULT_WIDTH: usize = 100;
/// Columns of the bars, at least and at most.
const BAR: std::ops::RangeInclusive<usize> = 10..=60;
/// Below this the role is an arrow.
const NARROW: usize = 100;
/// From this on remarks stand beside the stage instead of below it, and bars are not wider than so.
const WIDE: (usize, usize) = (130, 40);
/// Columns of a time.
const TIME: usize = 9;
/// Columns of the status.
const STATUS: usize = 4;
/// Columns between columns.
const GAP: &str = "  ";
/// Stages are not indented deeper than this.
const MAX_DEPTH: usize = 16;

pub(super) struct Waterfall<'a> {
    pub(super) trace_id: &'a str,
    pub(super) spans: &'a [SpanRecord],
    pub(super) limit: Option<usize>,
    pub(super) paint: Paint,
}

impl Waterfall<'_> {
    pub(super) fn render(&self) -> String {
        let rows = rows(self.spans);
        let (Some(begin), Some(end)) = (rows.iter().map(|r| r.begin).min(), rows.iter().map(|r| r.end).max())
        else {
            return format!("Trace {}: no stages.\n", one_line(self.trace_id));
        };
        let frame = Frame::of(self, &rows, begin, end);
        let mut out = self.head(end - begin);
        frame.titles(&mut out);
        for row in &rows {
            frame.row(row, &mut out);
        }
        let shift = rows.iter().map(|row| row.shift.abs()).max().unwrap_or(0);
        if shift > 0 {
            let remark = format!(
                "The clocks of client and runtime differ: the runtime's part is moved by {}.",
                span_of_time(shift)
            );
            let _ = write!(out, "\n{}\n", self.paint.dim(&remark));
        }
        out
    }

    /// Which trace, and what it is about.
    fn head(&self, nanos: i128) -> String {
        let paint = self.paint;
        let mut out =
            format!("{} {}  {}\n", paint.bold("Trace"), one_line(self.trace_id), paint.dim(&span_of_time(nanos)));
        // A command reads the catalog before it calls; what it is about is the call.
        let mut servers = self.spans.iter().filter(|span| span.kind == SpanRole::Server);
        let call = servers.clone().find(|span| span.attribute("tool.id").is_some());
        let Some(root) = call.or(servers.next_back()) else {
            out.push('\n');
            return out;
        };
        let reason = || one_line(root.error.as_deref().or(root.attribute("error.type")).unwrap_or_default());
        let result = match root.status() {
            TraceStatus::Ok => "ok".to_owned(),
            TraceStatus::Refused => format!("refused: {}", reason()),
            TraceStatus::Error => format!("failed: {}", reason()),
        };
        if let Some(id) = root.request_id() {
            let _ = writeln!(out, "{} {}", paint.bold("Request"), one_line(id));
        }
        let mut facts = vec![root.started_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()];
        facts.extend(root.attribute("tool.id").map(one_line));
        let room = self.limit.unwrap_or(DEFAULT_WIDTH);
        let facts = cut(&facts.join(GAP), room);
        let result = cut(&result, room.saturating_sub(width(&facts) + GAP.len()).max(8));
        let result = match root.status() {
            TraceStatus::Ok => paint.good(&result),
            TraceStatus::Refused => paint.warning(&result),
            TraceStatus::Error => paint.error(&result),
        };
        let _ = write!(out, "{}{GAP}{result}\n\n", paint.dim(&facts));
        out
    }
}

/// Where the columns are.
struct Frame {
    paint: Paint,
    limit: usize,
    begin: i128,
    total: i128,
    label: usize,
    bar: usize,
    /// Columns of the role; 0 when none has one.
    role: usize,
    has_status: bool,
    is_wide: bool,
}

impl Frame {
    fn of(waterfall: &Waterfall<'_>, rows: &[Row<'_>], begin: i128, end: i128) -> Self {
        let limit = waterfall.limit.unwrap_or(DEFAULT_WIDTH);
        let has_roles = rows.iter().any(|row| row.span.kind != SpanRole::Internal);
        let has_status = rows.iter().any(|row| status(row.span).is_some());
        let is_wide = limit >= WIDE.0;
        let role = if limit < NARROW { 1 } else { "server".len() };
        let role = if has_roles { role } else { 0 };
        let extra = [(has_roles, role), (has_status, STATUS)];
        let fixed: usize = extra.iter().filter(|(is_there, _)| *is_there).map(|(_, room)| room + GAP.len()).sum();
        let fixed = fixed + 2 * (TIME + GAP.len()) + GAP.len();
        let wanted = rows.iter().map(|row| width(&indented(row))).max().unwrap_or(0).max("STAGE".len());
        let label = wanted.min(limit.saturating_sub(fixed + BAR.start()).max(12));
        let most = if is_wide { WIDE.1 } else { *BAR.end() };
        let bar = limit.saturating_sub(label + fixed).clamp(*BAR.start(), most);
        let (paint, total) = (waterfall.paint, (end - begin).max(1));
        Self { paint, limit, begin, total, label, bar, role, has_status, is_wide }
    }

    fn titles(&self, out: &mut String) {
        let mut line = padded("STAGE", self.label);
        if self.role > 0 {
            line.push_str(&format!("{GAP}{}", padded(if self.role > 1 { "KIND" } else { "" }, self.role)));
        }
        line.push_str(&format!("{GAP}{:>TIME$}{GAP}{}{GAP}{:>TIME$}", "START", " ".repeat(self.bar), "DURATION"));
        if self.has_status {
            line.push_str(&format!("{GAP}HTTP"));
        }
        let _ = writeln!(out, "{}", self.paint.dim(&line));
    }

    fn row(&self, row: &Row<'_>, out: &mut String) {
        let (paint, span) = (self.paint, row.span);
        // An arrow says whether the work was asked for from outside, or asks others.
        let (arrow, word) = match span.kind {
            SpanRole::Internal => ("", ""),
            SpanRole::Server => ("←", "server"),
            SpanRole::Client => ("→", "client"),
            SpanRole::Producer => ("→", "sends"),
            SpanRole::Consumer => ("←", "takes"),
        };
        let role = if self.role > 1 { word } else { arrow };
        let name = cut(&indented(row), self.label);
        let mut line = padded(&name, self.label);
        if self.role > 0 {
            line.push_str(&format!("{GAP}{}", paint.dim(&padded(role, self.role))));
        }
        let begin = if row.begin == self.begin { "0".to_owned() } else { span_of_time(row.begin - self.begin) };
        line.push_str(&format!("{GAP}{}", paint.dim(&right(&begin))));
        let (before, filled) = self.bar(row);
        let full = "█".repeat(filled);
        let full = match (span.status(), span.kind) {
            (TraceStatus::Error, _) => paint.error(&full),
            (TraceStatus::Refused, _) => paint.warning(&full),
            (TraceStatus::Ok, SpanRole::Internal) => paint.accent(&full),
            (TraceStatus::Ok, _) => paint.good(&full),
        };
        let (left, rest) = ("·".repeat(before), "·".repeat(self.bar - before - filled));
        line.push_str(&format!("{GAP}{}{full}{}", paint.dim(&left), paint.dim(&rest)));
        line.push_str(&format!("{GAP}{}", right(&span_of_time(row.end - row.begin))));
        if let Some(status) = status(span) {
            let text = padded(&status.to_string(), STATUS);
            let painted = match status {
                500.. => paint.error(&text),
                400.. => paint.warning(&text),
                _ => paint.good(&text),
            };
            line.push_str(&format!("{GAP}{painted}"));
        } else if self.is_wide && self.has_status {
            line.push_str(&format!("{GAP}{}", " ".repeat(STATUS)));
        }
        if self.is_wide {
            let roles = if self.role > 0 { self.role + GAP.len() } else { 0 };
            let status = if self.has_status { STATUS + GAP.len() } else { 0 };
            let used = self.label + roles + self.bar + 2 * TIME + 3 * GAP.len() + status;
            for remark in self.remarks(span, self.limit.saturating_sub(used + GAP.len())) {
                line.push_str(&format!("{GAP}{remark}"));
            }
            let _ = writeln!(out, "{}", line.trim_end());
            return;
        }
        let _ = writeln!(out, "{}", line.trim_end());
        let indent = width(&name) - width(name.trim_start()) + 2;
        for remark in self.remarks(span, self.limit.saturating_sub(indent).max(8)) {
            let _ = writeln!(out, "{}{remark}", " ".repeat(indent));
        }
    }

    /// What went wrong, and what is worth knowing. Side by side they fit, too, when they are to stand so.
    fn remarks(&self, span: &SpanRecord, room: usize) -> Vec<String> {
        let reason = span.error.as_deref().or(span.attribute("error.type"));
        // A number says no more than the column beside it.
        let reason = reason.filter(|reason| reason.parse().ok() != status(span) || status(span).is_none());
        let mut remarks = Vec::new();
        let mut room = room;
        if let Some(reason) = reason {
            let line = cut(&format!("x {}", one_line(reason)), room);
            if self.is_wide {
                room = room.saturating_sub(width(&line) + GAP.len());
            }
            let is_refusal = span.status() == TraceStatus::Refused;
            remarks
                .push(if is_refusal { self.paint.warning(&line) } else { self.paint.error(&line) }.into_owned());
        }
        let notes = notes(span, reason.unwrap_or_default());
        if !notes.is_empty() && room > 1 {
            remarks.push(self.paint.dim(&cut(&notes, room)).into_owned());
        }
        remarks
    }

    /// Columns before the bar, and of the bar; the bar has at least one.
    fn bar(&self, row: &Row<'_>) -> (usize, usize) {
        let all = i128::try_from(self.bar).unwrap_or(1);
        let scale = |nanos: i128| usize::try_from((nanos * all / self.total).clamp(0, all)).unwrap_or(0);
        let from = scale(row.begin - self.begin).min(self.bar - 1);
        let to = scale(row.end - self.begin).clamp(from + 1, self.bar);
        (from, to - from)
    }
}

fn indented(row: &Row<'_>) -> String {
    format!("{}{}", "  ".repeat(row.depth.min(MAX_DEPTH)), one_line(&label(row.span)))
}

fn padded(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(width(text))))
}

fn right(text: &str) -> String {
    format!("{}{text}", " ".repeat(TIME.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests;
