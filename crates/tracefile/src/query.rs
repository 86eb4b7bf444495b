//! Which traces a list is to have.

use crate::decode::is_failed;
use crate::index::{FAILED, HAS_ROOT, REQUEST, Row, hash};
use memchr::memmem::Finder;
use open_cli_contract::Timestamp;
use open_cli_contract::traces::SpanRecord;
use std::time::Duration;

/// Most traces of one list.
pub const LIST_MAX: usize = 10_000;
/// Traces of a list whose query says nothing else.
pub const LIST_DEFAULT: usize = 20;

/// Looks at the outermost span and decides, e.g. whether the caller may see it.
pub type IsWanted<'a> = dyn Fn(&SpanRecord) -> bool + Sync + 'a;

/// Which traces. Everything that is set must match, exactly.
#[derive(Clone, Copy)]
pub struct ListQuery<'a> {
    /// Begun at this moment or later.
    pub since: Option<Timestamp>,
    /// Begun before this moment.
    pub until: Option<Timestamp>,
    /// Took this long or longer.
    pub slow: Option<Duration>,
    /// Failed or refused ones only.
    pub errors: bool,
    /// Calls of this tool.
    pub tool: Option<&'a str>,
    /// Calls of tools of this service.
    pub service: Option<&'a str>,
    /// Outermost stages with one of these names, e.g. `runtime.tools.execute`; empty is any.
    pub names: &'a [&'a str],
    /// Background work too, not only requests.
    pub background: bool,
    /// At most so many, and at most [`LIST_MAX`].
    pub limit: usize,
    /// Has the last word on each.
    pub is_wanted: Option<&'a IsWanted<'a>>,
}

impl Default for ListQuery<'_> {
    fn default() -> Self {
        Self {
            since: None,
            until: None,
            slow: None,
            errors: false,
            tool: None,
            service: None,
            names: &[],
            background: false,
            limit: LIST_DEFAULT,
            is_wanted: None,
        }
    }
}

impl ListQuery<'_> {
    /// Is the trace with this outermost span meant?
    pub fn accepts(&self, root: &SpanRecord) -> bool {
        let is =
            |wanted: Option<&str>, name: &str| wanted.is_none_or(|wanted| root.attribute(name) == Some(wanted));
        self.since.is_none_or(|since| root.started_at >= since)
            && self.until.is_none_or(|until| root.started_at < until)
            && self.slow.is_none_or(|slow| u128::from(root.nanos()) >= slow.as_nanos())
            && (!self.errors || is_failed(root))
            && is(self.tool, "tool.id")
            && is(self.service, "service.id")
            && (self.names.is_empty() || self.names.contains(&root.name.as_str()))
            && (self.background || root.request_id().is_some())
            && self.is_wanted.is_none_or(|is_wanted| is_wanted(root))
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.min(LIST_MAX)
    }
}

/// A query in the terms of an index and of a line: what these rule out need not be read. What they let pass may
/// still be something else.
pub(crate) struct Hints<'a> {
    query: ListQuery<'a>,
    since: i128,
    until: i128,
    slow: u128,
    flags: u32,
    tool: Option<u32>,
    service: Option<u32>,
    names: Vec<u32>,
    needles: Vec<Finder<'static>>,
}

impl<'a> Hints<'a> {
    pub(crate) fn new(query: ListQuery<'a>) -> Self {
        let nanos = |at: Timestamp| at.as_nanosecond();
        let hashed = |text: &str| hash(text.as_bytes());
        let background = if query.background { 0 } else { REQUEST };
        let needle = |text: &str| {
            let quoted = serde_json::to_string(text).unwrap_or_default();
            Finder::new(quoted.as_bytes()).into_owned()
        };
        Self {
            since: query.since.map_or(i128::MIN, nanos),
            until: query.until.map_or(i128::MAX, nanos),
            slow: query.slow.map_or(0, |slow| slow.as_micros()),
            flags: HAS_ROOT | background | if query.errors { FAILED } else { 0 },
            tool: query.tool.map(hashed),
            service: query.service.map(hashed),
            names: query.names.iter().copied().map(hashed).collect(),
            needles: [query.tool, query.service].into_iter().flatten().map(needle).collect(),
            query,
        }
    }

    pub(crate) fn row(&self, row: &Row) -> bool {
        let started = i128::from(row.started);
        row.flags & self.flags == self.flags
            && (self.since..self.until).contains(&started)
            && (u128::from(row.micros) >= self.slow || row.micros == u32::MAX)
            && self.tool.is_none_or(|tool| row.tool == tool)
            && self.service.is_none_or(|service| row.service == service)
            && (self.names.is_empty() || self.names.contains(&row.name))
    }

    pub(crate) fn line(&self, line: &[u8]) -> bool {
        let says_failed = |line| ["error.type", "\"code\""].iter().any(|word| finds(line, word));
        self.needles.iter().all(|needle| needle.find(line).is_some())
            && (!self.query.errors || says_failed(line))
            && (self.query.names.is_empty() || self.query.names.iter().any(|name| finds(line, name)))
    }
}

fn finds(line: &[u8], word: &str) -> bool {
    memchr::memmem::find(line, word.as_bytes()).is_some()
}
