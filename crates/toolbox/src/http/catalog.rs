//! `GET /v1/catalog/effective` (runtime-and-admin §4.1), with slices and revalidation beside the contract.

use super::respond::{self, Answer, internal};
use super::{Call, Problem, authn, record};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderValue, StatusCode};
use open_cli_catalog::{Detail, Slice, Snapshot};
use open_cli_contract::problem::ErrorCode;
use open_cli_observe::Event;
use open_cli_policy::Mode;
use std::time::Instant;

pub(super) const NAME: &str = "runtime.catalog.effective";
/// Command words that a slice looks at.
const MAX_WORDS: usize = 8;

pub(super) async fn effective(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let started = Instant::now();
    let result = answer(call).await;
    let mut event = Event { operation: "catalog.effective".into(), ..Event::named(NAME) };
    match &result {
        Ok(_) => event.status_code = 200,
        Err(_) => event.error_category = "catalog_load_error".into(),
    }
    event.duration = Some(started.elapsed());
    call.trace().event(event);
    result
}

async fn answer(call: &Call) -> Result<Answer, Box<Problem>> {
    let mode = mode(call.query.get("mode"))?;
    let profile = call.query.get("agentProfile");
    let snapshot = call.snapshot(call.query.get("config")).await?;
    let mut slice = Slice { reach: authn::selection(call, &snapshot), ..slice(call) };
    record::connected(call, &snapshot).await?;
    if call.query.get("responses") == "true" {
        slice.responses = responses(call, &snapshot, mode, profile, &slice).await?;
    }
    let tag = snapshot.entity_tag(mode, profile, &slice);
    let mut answer = if is_known(call, &tag) {
        let mut answer = Answer::default();
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer
    } else {
        body(&snapshot, mode, profile, &slice)?
    };
    let headers = answer.headers_mut();
    headers.insert(ETAG, HeaderValue::from_str(&tag).map_err(internal)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("authorization"));
    Ok(answer)
}

fn body(snapshot: &Snapshot, mode: Option<Mode>, profile: &str, slice: &Slice) -> Result<Answer, Box<Problem>> {
    let answer = snapshot.answer(mode, profile, slice).map_err(internal)?;
    // Found out while it was read: the answer would lack tools.
    if snapshot.is_damaged() { Err(being_rebuilt()) } else { Ok(respond::json_pieces(answer.pieces)) }
}

/// What an earlier run stored of a service can't be read.
pub(super) fn being_rebuilt() -> Box<Problem> {
    Problem::new(
        ErrorCode::CatalogBuilding,
        "A service of the catalog is being built again. Ask again in a moment.",
    )
}

/// What the tool that the slice describes answers, as JSON; nothing when that is not known.
async fn responses(
    call: &Call,
    snapshot: &Snapshot,
    mode: Option<Mode>,
    profile: &str,
    slice: &Slice,
) -> Result<Bytes, Box<Problem>> {
    let Some(entry) = snapshot.described(mode, profile, slice) else { return Ok(Bytes::new()) };
    let keeper = call.state.configs.select(call.query.get("config"))?;
    match keeper.responses(snapshot, entry, call.trace()).await {
        Ok(responses) => serde_json::to_vec(&responses).map(Bytes::from).map_err(internal),
        Err(reason) => {
            tracing::debug!(tool = entry.id(), %reason, "the answers of a tool are not known");
            Ok(Bytes::new())
        }
    }
}

/// Empty is not named; anything but the two words is a mistake.
pub(super) fn mode(word: &str) -> Result<Option<Mode>, Box<Problem>> {
    if word.is_empty() {
        return Ok(None);
    }
    Mode::parse(word).map(Some).ok_or_else(|| {
        Problem::new(ErrorCode::InvalidRequest, format!("The mode \"{word}\" is neither discover nor curated."))
    })
}

fn slice(call: &Call) -> Slice {
    let query = &call.query;
    Slice {
        is_slice: query.get("shape") == "slice",
        words: query.get("words").split_whitespace().take(MAX_WORDS).map(str::to_owned).collect(),
        service: query.get("service").to_owned(),
        group: query.get("group").to_owned(),
        tool: query.get("tool").to_owned(),
        workflow: query.get("workflow").to_owned(),
        detail: if query.get("detail") == "full" { Detail::Full } else { Detail::Contract },
        responses: Bytes::new(),
        reach: None,
    }
}

/// RFC 9110 §13.1.2, weak comparison.
pub(super) fn is_known(call: &Call, tag: &str) -> bool {
    call.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|text| {
        text.split(',').map(|one| one.trim()).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
    })
}
