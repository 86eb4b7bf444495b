//! Choosing events: filters, and the newest of those that match, within bounds (weakness 58).

use crate::scan::Line;
use open_cli_contract::Timestamp;
use open_cli_contract::audit::Decision;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::VecDeque;

/// Most events of one page; a query may ask for fewer.
pub const LIST_MAX_EVENTS: usize = 100_000;
/// Most bytes of one page.
pub const LIST_MAX_BYTES: usize = 64 << 20;

/// Which events. Everything that is set must match, exactly.
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
    /// Decision.
    pub decision: Option<Decision>,
    /// Caller.
    pub principal: Option<String>,
    /// Request.
    pub request_id: Option<String>,
    /// Only the newest so many.
    pub limit: Option<usize>,
}

/// The events found, in file order.
#[derive(Debug, Default)]
pub struct AuditPage {
    /// Each as it was written, fields we don't know included.
    pub events: Vec<Box<RawValue>>,
    /// Lines that hold no event: cut off, not JSON, or too long. Blank lines don't count.
    pub bad_lines: u64,
    /// Older events matched too and were left out, because of the limit or of the bounds of a page.
    pub truncated: bool,
}

/// What a query looks at. An absent field is an empty one, as in the record itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    timestamp: Timestamp,
    #[serde(borrow, default)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    tool_id: Cow<'a, str>,
    #[serde(borrow, default)]
    decision: Cow<'a, str>,
    #[serde(borrow, default)]
    principal: Cow<'a, str>,
    #[serde(borrow, default)]
    request_id: Cow<'a, str>,
}

impl<'a> Head<'a> {
    fn of(value: &'a RawValue) -> Option<Self> {
        // Serde would take the elements of an array for the fields.
        value.get().starts_with('{').then(|| serde_json::from_str(value.get()).ok()).flatten()
    }
}

impl AuditQuery {
    fn matches(&self, head: &Head<'_>) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        self.since.is_none_or(|since| head.timestamp >= since)
            && self.until.is_none_or(|until| head.timestamp < until)
            && is(&self.event_type, &head.event_type)
            && is(&self.tool_id, &head.tool_id)
            && self.decision.is_none_or(|decision| word(decision) == head.decision)
            && is(&self.principal, &head.principal)
            && is(&self.request_id, &head.request_id)
    }
}

/// The decision as it is written in the record.
fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed",
        Decision::Denied => "denied",
        Decision::Error => "error",
    }
}

/// Takes lines one by one and keeps the newest events that match.
pub(crate) struct Collector<'a> {
    query: &'a AuditQuery,
    limit: usize,
    kept: VecDeque<Box<RawValue>>,
    kept_bytes: usize,
    bad_lines: u64,
    truncated: bool,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(query: &'a AuditQuery) -> Self {
        let limit = query.limit.unwrap_or(LIST_MAX_EVENTS).min(LIST_MAX_EVENTS);
        Self { query, limit, kept: VecDeque::new(), kept_bytes: 0, bad_lines: 0, truncated: false }
    }

    pub(crate) fn line(&mut self, line: Line<'_>) {
        let is_good = match line {
            Line::Whole(line) => self.values(line),
            Line::TooLong => false,
        };
        self.bad_lines += u64::from(!is_good);
    }

    /// Takes the objects of a line: one, none on a blank line, or several that an older writer glued together
    /// after its last line had lost its LF (AUDIT-5). False when the line holds anything else.
    fn values(&mut self, line: &[u8]) -> bool {
        for value in serde_json::Deserializer::from_slice(line).into_iter::<&RawValue>() {
            let Ok(value) = value else { return false };
            let Some(head) = Head::of(value) else { return false };
            if self.query.matches(&head) {
                self.keep(value);
            }
        }
        true
    }

    fn keep(&mut self, value: &RawValue) {
        self.kept_bytes += value.get().len();
        self.kept.push_back(value.to_owned());
        while self.kept.len() > self.limit || self.kept_bytes > LIST_MAX_BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.kept_bytes -= oldest.get().len();
            self.truncated = true;
        }
    }

    pub(crate) fn into_page(self) -> AuditPage {
        AuditPage { events: self.kept.into(), bad_lines: self.bad_lines, truncated: self.truncated }
    }
}
