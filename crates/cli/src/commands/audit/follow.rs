//! `audit --follow`: the records as they come. A runtime that restarts is waited for; the place in the log is kept by
//! its cursor.

use super::filter::Filter;
use super::{latest, row, text, warn};
use crate::app::App;
use crate::args::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::moment::short_times;
use crate::output::{pretty, yaml};
use crate::text::{cut, one_line, width};
use open_cli_client::{AuditPage, AuditQuery, ClientError};
use open_cli_contract::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause while the runtime is away.
const LONG_PAUSE: Duration = Duration::from_secs(5);
/// Records of one look.
const PAGE: &str = "1000";
/// Columns that are enough for most rows.
const FIRST_WIDTHS: [usize; row::HEAD.len() - 1] = [8, 8, 20, 6, 5, 9, 9];
/// Records of the same moment that are remembered, so that none is shown twice.
const MAX_SEEN: usize = 10_000;

pub(super) fn run(app: &App, filter: &Filter<'_>, limit: &str, count: usize) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    let runtime = app.runtime()?;
    // A mistyped URL is an error; a runtime that was there may come back.
    let page = runtime.audit(&AuditQuery { limit, ..filter.query() })?;
    warn(app, &page);
    let mut lines = Lines::default();
    let mut place = Place::default();
    let first = latest(filter, page.events, count);
    place.passed(&first);
    lines.print(app, &first)?;
    place.cursor = page.cursor.ok_or_else(not_here)?;
    let mut away = 0_u32;
    while !interrupt.is_set() && !filter.is_over(Timestamp::now()) {
        match runtime.audit(&place.query(filter)) {
            Ok(page) => {
                if std::mem::take(&mut away) > 1 {
                    app.screen.remark("The runtime is back.");
                }
                let is_more = place.go_on(app, filter, page, &mut lines)?;
                if !is_more {
                    interrupt.pause(PAUSE);
                }
            }
            Err(error) if is_passing(&error) => {
                away += 1;
                if away == 2 {
                    app.screen.remark(&format!("Waiting for the runtime: {error}."));
                }
                interrupt.pause((PAUSE * away).min(LONG_PAUSE));
            }
            // Another log stands where the old one was.
            Err(ClientError::Refused(refusal)) if refusal.problem.status == 400 && !place.cursor.is_empty() => {
                place.cursor.clear();
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(if interrupt.is_set() { Exit::Interrupted } else { Exit::Ok })
}

fn not_here() -> Failure {
    Failure::new(
        Exit::Other,
        "not_supported",
        "The runtime's audit log can't be followed",
        "It does not say where a page of records ends.",
    )
    .suggest("Leave `--follow` out, or use a newer runtime.")
}

/// A runtime that restarts answers like this for a while.
fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::TimedOut { .. } | ClientError::BadAnswer { .. } => true,
        // A proxy in front of it.
        ClientError::NotARuntime { .. } => true,
        ClientError::Refused(refusal) => matches!(refusal.problem.status, 408 | 429 | 500..=599),
        _ => false,
    }
}

/// How far the log has been read.
#[derive(Default)]
struct Place {
    cursor: String,
    /// Time of the newest record, and the records of that time: where to go on when the cursor is not known any more.
    newest: String,
    seen: Vec<Value>,
}

impl Place {
    fn query<'s>(&'s self, filter: &'s Filter<'_>) -> AuditQuery<'s> {
        let query = AuditQuery { limit: PAGE, cursor: &self.cursor, ..filter.query() };
        let since = if self.cursor.is_empty() && !self.newest.is_empty() { &self.newest } else { query.since };
        AuditQuery { since, ..query }
    }

    /// Prints what is new; true when there may be more at once.
    fn go_on(
        &mut self,
        app: &App,
        filter: &Filter<'_>,
        page: AuditPage,
        lines: &mut Lines,
    ) -> Result<bool, Failure> {
        let is_full = page.events.len() >= PAGE.parse().unwrap_or(usize::MAX);
        let has_cursor = !self.cursor.is_empty();
        let mut events = page.events;
        events.retain(|event| filter.fits(event) && (has_cursor || !self.seen.contains(event)));
        self.passed(&events);
        lines.print(app, &events)?;
        if let Some(cursor) = page.cursor {
            self.cursor = cursor;
        }
        Ok(is_full)
    }

    fn passed(&mut self, events: &[Value]) {
        for event in events {
            let time = text(event, "timestamp");
            if time != self.newest {
                self.newest = time.to_owned();
                self.seen.clear();
            }
            if self.seen.len() < MAX_SEEN {
                self.seen.push(event.clone());
            }
        }
    }
}

/// Rows whose columns grow as they must: nobody knows what comes.
#[derive(Default)]
struct Lines {
    widths: [usize; row::HEAD.len() - 1],
    has_head: bool,
}

impl Lines {
    fn print(&mut self, app: &App, events: &[Value]) -> Result<(), Failure> {
        let mut out = String::new();
        for event in events {
            match app.screen.list_format() {
                Format::Json => out.push_str(&format!("{event}\n")),
                Format::Pretty => {
                    out.push_str(&String::from_utf8_lossy(&pretty(event.to_string().as_bytes())));
                    out.push('\n');
                }
                Format::Yaml => out.push_str(&format!("---\n{}", yaml(event))),
                Format::Table => {
                    if !std::mem::replace(&mut self.has_head, true) {
                        self.widths = FIRST_WIDTHS;
                        let head = self.line(&row::HEAD.map(str::to_owned), app.screen.width());
                        out.push_str(&format!("{}\n", app.screen.paint.bold(&head)));
                    }
                    let time = short_times(std::iter::once(text(event, "timestamp"))).concat();
                    let line = self.line(&row::cells(event, time), app.screen.width());
                    let painted = match text(event, "decision") {
                        "denied" => app.screen.paint.warning(&line),
                        "error" => app.screen.paint.error(&line),
                        _ => line.as_str().into(),
                    };
                    out.push_str(&format!("{painted}\n"));
                }
            }
        }
        if out.is_empty() { Ok(()) } else { app.screen.text(&out) }
    }

    /// A row; the request goes below the other columns where the terminal is too narrow, and is never cut.
    fn line(&mut self, cells: &[String; row::HEAD.len()], limit: Option<usize>) -> String {
        let [columns @ .., request] = cells;
        let mut line = String::new();
        for (room, cell) in self.widths.iter_mut().zip(columns) {
            let cell = one_line(cell);
            *room = width(&cell).max(*room);
            let pad = *room - width(&cell) + 2;
            line.push_str(&cell);
            line.extend(std::iter::repeat_n(' ', pad));
        }
        let request = one_line(request);
        match limit.filter(|limit| width(&line) + width(&request) > *limit) {
            None => line.push_str(&request),
            Some(limit) => line = format!("{}\n  {request}", cut(line.trim_end(), limit)),
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_columns_and_a_narrow_terminal_has_the_request_below() {
        let cells =
            |tool: &str| ["08:00:00", "allowed", tool, "200", "3", "allowed", "", "r-1"].map(str::to_owned);
        let mut lines = Lines { widths: FIRST_WIDTHS, has_head: true };
        let head = lines.line(&row::HEAD.map(str::to_owned), None);
        let row = lines.line(&cells("shelf:ping"), None);
        assert_eq!(head.find("REQUEST"), row.find("r-1"));
        let wide = lines.line(&cells("shelf:a-tool-with-a-long-name"), None);
        assert_eq!(wide.find("r-1"), lines.line(&cells("b"), None).find("r-1"));
        let narrow = lines.line(&cells("b"), Some(60));
        assert!(narrow.ends_with("\n  r-1") && narrow.lines().all(|line| width(line) <= 60), "{narrow}");
    }
}
