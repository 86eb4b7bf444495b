//! `GET /v1/catalog/changes`: what lies between two revisions. `GET /v1/catalog/definitions`: the definitions of all
//! tools, in the form of a lock file, to keep and to compare.

use super::query::{invalid, number};
use super::respond::{self, Answer, internal};
use super::{Call, Problem, authn, check_names};
use open_cli_catalog::{HistoryError, Reaches};
use open_cli_contract::problem::ErrorCode;
use std::sync::Arc;

pub(super) const CHANGES: &str = "runtime.catalog.changes";
pub(super) const DEFINITIONS: &str = "runtime.catalog.definitions";
/// Most tools that a list of an answer holds.
const MAX_LIMIT: usize = 5_000;

pub(super) async fn changes(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let (since, until) = (call.query.get("since"), call.query.get("until"));
    check_names(&[("since", since), ("until", until)])?;
    let limit = match number(&call.query, "limit")? {
        None => None,
        Some(limit) => {
            let limit = usize::try_from(limit).ok().filter(|limit| *limit <= MAX_LIMIT);
            Some(limit.ok_or_else(|| invalid("limit", call.query.get("limit"), "a number up to 5000"))?)
        }
    };
    let selector = call.query.get("config");
    // Whoever may not see the catalog may not see its changes either; and an edit shows with this very request.
    let snapshot = call.snapshot(selector).await?;
    let keeper = call.state.configs.select(selector)?;
    let reaches = |id: &str| authn::reaches_id(call, &snapshot, id);
    let part: Option<Reaches<'_>> = if call.guard.is_some() { Some(&reaches) } else { None };
    let answer = keeper.changes(since, until, limit, part).await.map_err(|error| problem(&error))?;
    respond::json(&answer)
}

pub(super) async fn definitions(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let snapshot = call.snapshot(call.query.get("config")).await?;
    let whole = Arc::clone(&snapshot);
    let work = tokio::task::spawn_blocking(move || whole.definitions(true));
    let mut definitions = work.await.map_err(internal)?;
    if call.guard.is_some() {
        definitions.tools.retain(|id, _| authn::reaches_id(call, &snapshot, id));
    }
    respond::json(&definitions)
}

fn problem(error: &HistoryError) -> Box<Problem> {
    let code = match error {
        HistoryError::Unknown(_) => ErrorCode::RevisionUnknown,
        HistoryError::Empty => ErrorCode::CatalogBuilding,
        HistoryError::Ambiguous(_) | HistoryError::Backwards { .. } => ErrorCode::InvalidRequest,
    };
    let mut detail = error.to_string();
    detail[..1].make_ascii_uppercase();
    Problem::new(code, format!("{detail}."))
}
