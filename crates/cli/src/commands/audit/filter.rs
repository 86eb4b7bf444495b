//! Which records are wanted: flags, the question to the runtime, and the same test here, for runtimes that do not know
//! the question.

use super::text;
use crate::app::App;
use crate::args::{Flag, Takes};
use crate::failure::Failure;
use crate::moment::moment;
use open_cli_auditformat::Record;
use open_cli_client::AuditQuery;
use open_cli_contract::Timestamp;
use serde_json::Value;

pub(super) const LIMIT: Flag = Flag::new("limit", Takes::Value("n"), "At most so many, the latest (default 50)");
pub(super) const SINCE: Flag = Flag::new("since", Takes::Value("age|time"), "Only records since then, e.g. 2h");
pub(super) const UNTIL: Flag = Flag::new("until", Takes::Value("age|time"), "Only records before then");
pub(super) const TYPE: Flag =
    Flag::new("type", Takes::Value("type"), "Only records of this type, e.g. tool_execution");
pub(super) const DECISION: Flag =
    Flag::new("decision", Takes::OneOf(&["allowed", "denied", "error"]), "Only records with this decision");
pub(super) const TOOL: Flag = Flag::new("tool", Takes::Value("tool-id"), "Only records of this tool");
pub(super) const SERVICE: Flag = Flag::new("service", Takes::Value("id"), "Only records of this service's tools");
pub(super) const PRINCIPAL: Flag = Flag::new("principal", Takes::Value("name"), "Only records of this caller");
pub(super) const REQUEST_ID: Flag = Flag::new("request-id", Takes::Value("id"), "Only records of this request");
pub(super) const TRACE_ID: Flag = Flag::new("trace-id", Takes::Value("id"), "Only records of this trace");

/// What the flags say.
pub(super) struct Filter<'a> {
    query: AuditQuery<'a>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// As they are sent.
    times: [String; 2],
}

impl<'a> Filter<'a> {
    pub(super) fn read(app: &'a App) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let flag = |name: &str| app.line.flag(name).unwrap_or_default();
        let time = |name: &str| app.line.flag(name).map(|text| moment(name, text, now)).transpose();
        let (since, until) = (time("since")?, time("until")?);
        let query = AuditQuery {
            event_type: flag("type"),
            decision: flag("decision"),
            tool: flag("tool"),
            service: flag("service"),
            principal: flag("principal"),
            request_id: flag("request-id"),
            trace_id: flag("trace-id"),
            ..AuditQuery::default()
        };
        let times = [since, until].map(|time| time.map_or_else(String::new, |time| time.to_string()));
        Ok(Self { query, since, until, times })
    }

    /// The question, without limit and cursor.
    pub(super) fn query(&self) -> AuditQuery<'_> {
        let [since, until] = &self.times;
        AuditQuery { since, until, ..self.query.clone() }
    }

    /// It ends before now, so there is nothing to wait for.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    pub(super) fn fits(&self, event: &Value) -> bool {
        self.takes(|member| text(event, member), || text(event, "timestamp").parse().ok())
    }

    pub(super) fn fits_record(&self, record: &Record<'_>) -> bool {
        self.takes(|member| record.text(member), || Some(record.time()))
    }

    fn takes<'e>(&self, text: impl Fn(&str) -> &'e str, time: impl Fn() -> Option<Timestamp>) -> bool {
        let is = |member: &str, wanted: &str| wanted.is_empty() || text(member) == wanted;
        let query = &self.query;
        is("toolId", query.tool)
            && is("eventType", query.event_type)
            && is("decision", query.decision)
            && is("serviceId", query.service)
            && is("principal", query.principal)
            && is("requestId", query.request_id)
            && is("traceId", query.trace_id)
            && self.since.is_none_or(|since| time().is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| time().is_some_and(|at| at < until))
    }
}
