//! Choosing events: filters, pages, streams, and following the log (weakness 58), over the live file and all that
//! was put aside.
//!
//! Not for who may see which events.

mod cursor;
mod filter;
mod locate;
mod page;
mod parts;
mod reader;
mod segment;
mod stream;
mod walk;

pub use cursor::{Cursor, InvalidCursor};
pub use reader::AuditReader;
pub use stream::AuditStream;

use open_cli_contract::Timestamp;
use open_cli_contract::audit::Decision;
use serde_json::value::RawValue;

/// Most events of one page; a query may ask for fewer.
pub const LIST_MAX_EVENTS: usize = 100_000;
/// Most bytes of one page.
pub const LIST_MAX_BYTES: usize = 64 << 20;

/// In which order events are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// As they are in the log.
    #[default]
    OldestFirst,
    /// The other way round, to look back page by page.
    NewestFirst,
}

/// Which events. Everything that is set must match, exactly; an empty text matches events without that field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditQuery {
    /// From this moment on, itself included.
    pub since: Option<Timestamp>,
    /// Before this moment, itself excluded: neighbouring windows share no event.
    pub until: Option<Timestamp>,
    /// Event type.
    pub event_type: Option<String>,
    /// Tool.
    pub tool_id: Option<String>,
    /// Service.
    pub service_id: Option<String>,
    /// Decision.
    pub decision: Option<Decision>,
    /// Caller.
    pub principal: Option<String>,
    /// Request.
    pub request_id: Option<String>,
    /// Trace.
    pub trace_id: Option<String>,
    /// Session.
    pub session_id: Option<String>,
    /// Only so many: the newest, or with a cursor those next to it.
    pub limit: Option<usize>,
    /// Only events behind this place, in the order of the query.
    pub cursor: Option<Cursor>,
    /// In which order.
    pub order: Order,
}

/// The events found.
#[derive(Debug, Default)]
pub struct AuditPage {
    /// Each as it was written, fields we don't know included.
    pub events: Vec<Box<RawValue>>,
    /// Lines that hold no event: cut off, not JSON, or too long, and what a damaged block held. Blank lines don't
    /// count. Of the part of the log that was looked at; of text that a filter excludes as it looks, a line that is
    /// damaged within and neither at its begin nor its end stays uncounted.
    pub bad_lines: u64,
    /// More events match and were left out, because of the limit or of the bounds of a page.
    pub truncated: bool,
    /// Where the next page begins. Oldest first there always is one: what is added later is on it. Newest first
    /// there is none after the oldest event.
    pub next_cursor: Option<Cursor>,
}

#[cfg(test)]
mod tests;
