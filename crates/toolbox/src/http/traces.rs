//! `GET /v1/traces` and `GET /v1/traces/<request id or trace id>`: what requests did, from memory and from the trace
//! file.

use super::respond::{self, Answer, internal};
use super::{Call, Problem, authn};
use open_cli_callers::Right;
use open_cli_contract::Timestamp;
use open_cli_contract::problem::ErrorCode;
use open_cli_contract::trace::SpanId;
use open_cli_contract::traces::{SpanRecord, SpanRole, TraceRecord, TraceSummary};
use open_cli_tracefile::{LIST_DEFAULT, LIST_MAX, ListQuery, merge_spans, merge_summaries, record, summary};
use std::collections::HashMap;
use std::time::Duration;

/// Attribute of a request's span that names its caller.
const PRINCIPAL: &str = "user.id";
/// Most spans between one and its request's.
const MAX_DEPTH: usize = 64;

/// What a list is to have; owned, because files are read on another thread.
#[derive(Clone)]
struct Wanted {
    /// Requests of this principal only.
    principal: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    slow: Option<Duration>,
    errors: bool,
    tool: Option<String>,
    service: Option<String>,
    names: Vec<String>,
    background: bool,
    limit: usize,
}

pub(super) async fn traces(call: &mut Call) -> Result<Answer, Box<Problem>> {
    call.check_selector().await?;
    if authn::only_own(call, Right::TraceRead).is_some() && call.state.configs.has_many() {
        // Which of two callers of the same name is meant, the issuers of many configurations don't agree about.
        authn::demand(call, Right::TraceRead).await?;
    }
    let id = call.path.rsplit_once("/v1/traces").map_or("", |(_, id)| id.trim_matches('/')).to_owned();
    if id.is_empty() { list(call).await } else { one(call, id).await }
}

async fn one(call: &Call, id: String) -> Result<Answer, Box<Problem>> {
    let telemetry = &call.state.telemetry;
    let in_memory: Vec<SpanRecord> =
        telemetry.recent.find(&id).iter().flat_map(|trace| trace.spans().map(record)).collect();
    let file = telemetry.trace_file.clone();
    let wanted = id.clone();
    let in_file = blocking(move || match file {
        Some(file) => file.store().find(&wanted).map_err(internal),
        None => Ok(Vec::new()),
    })
    .await?;
    let mut spans = merge_spans(in_memory, in_file);
    if let Some(principal) = authn::only_own(call, Right::TraceRead) {
        keep_own(&mut spans, &principal);
    }
    match spans.first() {
        Some(first) => respond::json(&TraceRecord { trace_id: first.trace_id, spans }),
        None => {
            Err(Problem::new(ErrorCode::TraceNotFound, format!("No request that is still known has the id {id}.")))
        }
    }
}

async fn list(call: &Call) -> Result<Answer, Box<Problem>> {
    let wanted = wanted(call)?;
    let telemetry = &call.state.telemetry;
    let query = |wanted: &Wanted, f: &mut dyn FnMut(&ListQuery<'_>)| {
        let is_own = |root: &SpanRecord| root.attribute(PRINCIPAL) == wanted.principal.as_deref();
        let names: Vec<&str> = wanted.names.iter().map(String::as_str).collect();
        f(&ListQuery {
            since: wanted.since,
            until: wanted.until,
            slow: wanted.slow,
            errors: wanted.errors,
            tool: wanted.tool.as_deref(),
            service: wanted.service.as_deref(),
            names: &names,
            background: wanted.background,
            limit: wanted.limit,
            is_wanted: wanted.principal.is_some().then_some(&is_own),
        });
    };
    let mut in_memory: Vec<TraceSummary> = Vec::new();
    query(&wanted, &mut |query| {
        let is_wanted =
            |trace: &open_cli_observe::LocalTrace| trace.root().is_some_and(|root| query.accepts(&record(root)));
        in_memory =
            telemetry.recent.latest(is_wanted, query.limit).iter().filter_map(|trace| summary(trace)).collect();
    });
    let file = telemetry.trace_file.clone();
    let of_file = wanted.clone();
    let in_file = blocking(move || {
        let mut found = Ok(Vec::new());
        if let Some(file) = file {
            query(&of_file, &mut |query| found = file.store().list(query).map_err(internal));
        }
        found
    })
    .await?;
    respond::json(&merge_summaries(in_memory, in_file, wanted.limit))
}

/// Keeps the spans of requests that this principal sent. Several callers may share a trace, and what they call their
/// requests is up to them; which span is inside which is not.
fn keep_own(spans: &mut Vec<SpanRecord>, principal: &str) {
    let by_id: HashMap<SpanId, &SpanRecord> = spans.iter().map(|span| (span.span_id, span)).collect();
    let is_own = |span: &SpanRecord| {
        let mut span = span;
        // A damaged file may have circles.
        for _ in 0..MAX_DEPTH {
            if span.kind == SpanRole::Server {
                return span.attribute(PRINCIPAL) == Some(principal);
            }
            let Some(parent) = span.parent_span_id.and_then(|id| by_id.get(&id)) else { return false };
            span = parent;
        }
        false
    };
    let own: Vec<bool> = spans.iter().map(is_own).collect();
    let mut own = own.into_iter();
    spans.retain(|_| own.next().unwrap_or(false));
}

/// Files are read beside the threads that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Box<Problem>> + Send + 'static,
) -> Result<T, Box<Problem>> {
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}

fn wanted(call: &Call) -> Result<Wanted, Box<Problem>> {
    let query = &call.query;
    let text = |name: &str| Some(query.get(name).to_owned()).filter(|value| !value.is_empty());
    Ok(Wanted {
        principal: authn::only_own(call, Right::TraceRead),
        since: super::query::time(query, "since")?,
        until: super::query::time(query, "until")?,
        slow: super::query::milliseconds(query, "slowMs")?,
        errors: query.get("errors") == "true",
        tool: text("tool"),
        service: text("service"),
        names: text("name").map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        background: query.get("background") == "true",
        limit: super::query::number(query, "limit")?
            .map_or(LIST_DEFAULT, |limit| usize::try_from(limit).unwrap_or(LIST_MAX).min(LIST_MAX)),
    })
}
