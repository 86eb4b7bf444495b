//! Answers: JSON, problems in the form the caller asked for, and the headers every answer carries.

use super::body::Pieces;
use crate::rate::Standing;
use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use open_cli_contract::ids::RequestId;
use open_cli_contract::problem::{ErrorCode, Problem};
use serde::Serialize;

/// What every endpoint answers with.
pub(crate) type Answer = Response<Pieces>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// An answer with this status and body.
pub(crate) fn answer(status: StatusCode, content_type: HeaderValue, body: Pieces) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// 200 with one JSON document and a line feed (HTTP-1).
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Answer, Box<Problem>> {
    let mut body = serde_json::to_vec(value).map_err(internal)?;
    body.push(b'\n');
    Ok(json_bytes(body.into()))
}

/// 200 with JSON that is already written.
pub(crate) fn json_bytes(body: Bytes) -> Answer {
    answer(StatusCode::OK, JSON, Pieces::one(body))
}

/// 200 with JSON in pieces.
pub(crate) fn json_pieces(pieces: Vec<Bytes>) -> Answer {
    answer(StatusCode::OK, JSON, Pieces::many(pieces))
}

/// A fault of our own; the detail goes to the log, not to the caller.
pub(crate) fn internal(error: impl std::fmt::Display) -> Box<Problem> {
    tracing::error!(%error, "internal fault");
    Problem::new(ErrorCode::Internal, "")
}

/// A problem, as `application/problem+json` when the caller's `Accept` names JSON, else as plain text whose first
/// word is the code (deviation 4).
pub(crate) fn problem(problem: &Problem, wants_json: bool) -> Answer {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = if wants_json {
        let mut body = serde_json::to_vec(problem).unwrap_or_default();
        body.push(b'\n');
        answer(status, PROBLEM_JSON, Pieces::one(body))
    } else {
        answer(status, TEXT, Pieces::one(problem.to_text()))
    };
    if let Some(allow) = problem.extra.get("allow").and_then(|v| v.as_str())
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    if let Some(after) = problem.extra.get(RETRY_AFTER_SECONDS).and_then(serde_json::Value::as_u64) {
        response.headers_mut().insert(RETRY_AFTER, after.into());
    }
    response
}

/// Does `Accept` name JSON?
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',').any(|range| {
                let media_type = range.split(';').next().unwrap_or_default().trim();
                media_type.eq_ignore_ascii_case("application/json")
                    || media_type.to_ascii_lowercase().ends_with("+json")
            })
        })
    })
}

/// The member of a problem that becomes the header `Retry-After`.
pub(crate) const RETRY_AFTER_SECONDS: &str = "retryAfterSeconds";

/// What a rate limit leaves the caller.
pub(crate) fn rate(response: &mut Answer, standing: &Standing) {
    for (name, value) in [("ratelimit-policy", standing.policy()), ("ratelimit", standing.limit())] {
        if let Some(value) = value {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// Headers that every answer carries.
pub(crate) fn finish(response: &mut Answer, request_id: &RequestId) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(HeaderName::from_static(open_cli_contract::REQUEST_ID_HEADER), value);
    }
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_wanted_when_accept_names_it() {
        for (accept, expected) in [
            ("application/json", true),
            ("application/problem+json", true),
            ("text/html, application/json;q=0.5", true),
            ("*/*", false),
            ("text/plain", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(wants_json(&headers), expected, "{accept}");
        }
        assert!(!wants_json(&HeaderMap::new()));
    }
}
