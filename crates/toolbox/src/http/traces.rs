//! `GET /v1/traces` and `GET /v1/traces/<request id or trace id>`: what the last requests did, from memory.

use super::respond::{self, Answer};
use super::{Call, Problem};
use open_cli_contract::problem::ErrorCode;
use open_cli_contract::trace::TraceId;
use open_cli_observe::Span;
use serde::Serialize;
use std::sync::Arc;

/// Rows of the list when the caller names no limit, and at most.
const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneTrace {
    trace_id: TraceId,
    spans: Vec<Arc<Span>>,
}

pub(super) async fn traces(call: &mut Call) -> Result<Answer, Box<Problem>> {
    call.state.check_selector(call.query.get("config")).await?;
    let id = call.path.rsplit_once("/v1/traces").map_or("", |(_, id)| id.trim_matches('/'));
    if id.is_empty() {
        let limit = call.query.get("limit").parse().unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        let latest = call.state.recent.latest(|_| true, limit);
        return respond::json(&latest.iter().filter_map(|trace| trace.root()).collect::<Vec<_>>());
    }
    let spans = call.state.recent.find(id);
    match spans.first() {
        Some(first) => respond::json(&OneTrace { trace_id: first.trace_id, spans: spans.clone() }),
        None => Err(Problem::new(ErrorCode::TraceNotFound, format!("No recent request has the id {id}."))),
    }
}
