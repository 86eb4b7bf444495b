//! `GET /v1/audit/events` (runtime-and-admin §4.5): records in file order, filtered on request.

use super::respond::{self, Answer, internal};
use super::{Call, Problem};
use http::HeaderValue;
use http::header::HeaderName;
use open_cli_audit::AuditQuery;
use open_cli_contract::Timestamp;
use open_cli_contract::audit::Decision;
use open_cli_contract::problem::ErrorCode;
use std::sync::Arc;

pub(super) async fn events(call: &mut Call) -> Result<Answer, Box<Problem>> {
    call.state.check_selector(call.query.get("config")).await?;
    let query = query(call)?;
    let state = Arc::clone(&call.state);
    let page = tokio::task::spawn_blocking(move || state.audit.list(&query))
        .await
        .map_err(internal)?
        .map_err(internal)?;
    let mut answer = respond::json(&page.events)?;
    for (name, value) in [("x-audit-bad-lines", page.bad_lines), ("x-audit-truncated", u64::from(page.truncated))]
    {
        if value > 0 {
            answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
    Ok(answer)
}

fn query(call: &Call) -> Result<AuditQuery, Box<Problem>> {
    let text = |name: &str| Some(call.query.get(name).to_owned()).filter(|value| !value.is_empty());
    Ok(AuditQuery {
        since: time(call, "since")?,
        until: time(call, "until")?,
        event_type: text("eventType"),
        tool_id: text("tool"),
        decision: match call.query.get("decision") {
            "" => None,
            "allowed" => Some(Decision::Allowed),
            "denied" => Some(Decision::Denied),
            "error" => Some(Decision::Error),
            other => return Err(invalid("decision", other, "allowed, denied or error")),
        },
        principal: text("principal"),
        request_id: text("requestId"),
        limit: match call.query.get("limit") {
            "" => None,
            number => Some(number.parse().map_err(|_| invalid("limit", number, "a whole number"))?),
        },
    })
}

fn time(call: &Call, name: &str) -> Result<Option<Timestamp>, Box<Problem>> {
    match call.query.get(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| invalid(name, text, "an RFC 3339 time")),
    }
}

fn invalid(name: &str, value: &str, expected: &str) -> Box<Problem> {
    Problem::new(ErrorCode::InvalidRequest, format!("The parameter {name} is \"{value}\", not {expected}."))
}
