//! `audit show`: one record in full, and what it means.

use super::explain::explain;
use super::text;
use crate::app::App;
use crate::args::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{pretty, yaml};
use open_cli_auditformat::Record;
use open_cli_client::AuditQuery;
use serde_json::Value;

/// Most records of one request that are shown.
const MOST: &str = "100";

pub(crate) fn run(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let wanted = operands.first().map_or("", String::as_str);
    let mut events = Vec::new();
    if wanted.parse::<u64>().is_ok() {
        events.extend(numbered(app, wanted)?);
    }
    if events.is_empty() {
        let query = AuditQuery { request_id: wanted, limit: MOST, ..AuditQuery::default() };
        events = app.runtime()?.audit(&query)?.events;
        events.retain(|event| text(event, "requestId") == wanted);
    }
    if events.is_empty() {
        let cause = "No record of the audit log has this request id or number.";
        return Err(Failure::new(Exit::Other, "audit_not_found", format!("There is no record {wanted:?}"), cause)
            .suggest("List the records with `open-cli audit`."));
    }
    let mut out = String::new();
    for (index, event) in events.iter().enumerate() {
        match app.screen.list_format() {
            Format::Json => out.push_str(&format!("{event}\n")),
            Format::Pretty => {
                out.push_str(&String::from_utf8_lossy(&pretty(event.to_string().as_bytes())));
                out.push('\n');
            }
            Format::Yaml => out.push_str(&format!("{}{}", if index > 0 { "---\n" } else { "" }, yaml(event))),
            Format::Table => {
                if index > 0 {
                    out.push('\n');
                }
                out.push_str(&explain(event, &app.screen));
            }
        }
    }
    app.screen.text(&out)?;
    Ok(Exit::Ok)
}

/// The record with a number. Numbers ascend, so the look ends where it would be.
fn numbered(app: &App, wanted: &str) -> Result<Option<Value>, Failure> {
    let mut lines = app.runtime()?.audit_lines(&AuditQuery { seq: wanted, ..AuditQuery::default() })?;
    let wanted: u64 = wanted.parse().unwrap_or(u64::MAX);
    let mut line = Vec::new();
    while lines.next(&mut line)? {
        let Ok(record) = Record::parse(&line) else { continue };
        match record.number("seq") {
            Some(seq) if seq == wanted => return Ok(serde_json::from_slice(&line).ok()),
            Some(seq) if seq > wanted => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}
