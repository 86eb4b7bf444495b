//! `audit`: what was called, by whom, and what was decided. Listing, following, one record in full, and export.

mod explain;
mod export;
mod filter;
mod follow;
mod row;
mod show;

pub(super) use export::{EXPORT_FLAGS, run as export};
pub(super) use show::run as show;

use super::{text, whole_number};
use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::moment::short_times;
use crate::output::Table;
use filter::{DECISION, Filter, LIMIT, PRINCIPAL, REQUEST_ID, SERVICE, SINCE, TOOL, TRACE_ID, TYPE, UNTIL};
use open_cli_client::AuditPage;
use open_cli_contract::Timestamp;
use serde_json::Value;

/// Records shown when `--limit` is not given.
const DEFAULT_LIMIT: &str = "50";

pub(super) const LIST_FLAGS: &[Flag] = &[
    LIMIT,
    SINCE,
    UNTIL,
    TYPE,
    DECISION,
    TOOL,
    SERVICE,
    PRINCIPAL,
    REQUEST_ID,
    TRACE_ID,
    Flag { name: "follow", short: Some('f'), takes: Takes::Nothing, about: "Go on with what comes, until Ctrl-C" },
];

pub(super) fn list(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let filter = Filter::read(app)?;
    let limit = app.line.flag("limit").unwrap_or(DEFAULT_LIMIT);
    let count = whole_number("limit", limit)?;
    if app.line.is_set("follow") {
        return follow::run(app, &filter, limit, count);
    }
    let mut page = app.runtime()?.audit(&open_cli_client::AuditQuery { limit, ..filter.query() })?;
    warn(app, &page);
    let events = latest(&filter, std::mem::take(&mut page.events), count);
    app.screen.report(&events, || {
        let times = short_times(events.iter().map(|event| text(event, "timestamp")));
        let mut table = Table::new(row::HEAD);
        for (event, time) in events.iter().zip(times) {
            table.row(row::cells(event, time));
        }
        table.drop_empty();
        table.keep(&["TIME", "TOOL", "REQUEST"]);
        table.wrap("REASON");
        Ok(table.render(app.screen.width(), app.screen.paint))
    })?;
    Ok(Exit::Ok)
}

/// Runtimes that know only the contract answer with everything, in file order.
fn latest(filter: &Filter<'_>, mut events: Vec<Value>, count: usize) -> Vec<Value> {
    events.retain(|event| filter.fits(event));
    events.sort_by_key(|event| text(event, "timestamp").parse::<Timestamp>().unwrap_or(Timestamp::MIN));
    events.split_off(events.len().saturating_sub(count))
}

fn warn(app: &App, page: &AuditPage) {
    if page.bad_lines > 0 {
        let lines = crate::text::count(usize::try_from(page.bad_lines).unwrap_or(usize::MAX), "line");
        app.screen.remark(&format!("The audit log has {lines} without a record."));
    }
    if page.is_truncated {
        app.screen.remark("There are older records that the runtime left out.");
    }
}
