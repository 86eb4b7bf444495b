//! `GET /v1/audit/events` (runtime-and-admin §4.5): records in file order, filtered on request. A page when a limit is
//! named, else everything, streamed: as one JSON array, or as JSON lines when the caller's `Accept` asks for them.

use super::body::Pieces;
use super::query::{self, invalid};
use super::respond::{self, Answer, internal};
use super::{Call, Problem, authn, record};
use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use open_cli_audit::{AuditPage, AuditQuery, AuditStream, Cursor, Order};
use open_cli_callers::Right;
use open_cli_contract::audit::Decision;
use open_cli_contract::problem::ErrorCode;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Pieces that are read ahead of a slow caller.
const READ_AHEAD: usize = 4;
/// Event type of a read, and how its record says so.
const AUDIT_READ: &str = "audit_read";
const READ_RECORD: &str = "\"eventType\":\"audit_read\"";
const JSON_LINES: &str = "application/x-ndjson";
const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-audit-next-cursor");

pub(super) async fn events(call: &mut Call) -> Result<Answer, Box<Problem>> {
    call.check_selector().await?;
    let query = own(call, query(call)?).await?;
    let is_following = query.cursor.is_some();
    let as_lines = wants_lines(&call.headers);
    let state = Arc::clone(&call.state);
    // Reading the log is recorded in it, after what is read was settled: an answer does not show its own record.
    if query.limit.is_none() && !is_following {
        let Ok(place) = Arc::clone(&state.streams).try_acquire_owned() else {
            let detail = "Too many callers read the whole audit log; ask for pages with limit and cursor.";
            return Err(Problem::new(ErrorCode::Overloaded, detail));
        };
        let stream = tokio::task::spawn_blocking(move || state.audit.reader().stream(&query))
            .await
            .map_err(internal)?
            .map_err(internal)?;
        call.state.record(&record::action(call, AUDIT_READ, "audit.events")).await?;
        return Ok(streamed(stream, as_lines, place));
    }
    let page = tokio::task::spawn_blocking(move || state.audit.list(&query))
        .await
        .map_err(internal)?
        .map_err(internal)?;
    // A follower that finds only the records of reads does not leave another: it would find that one next, for ever.
    if !is_following || page.events.iter().any(|event| !event.get().contains(READ_RECORD)) {
        call.state.record(&record::action(call, AUDIT_READ, "audit.events")).await?;
    }
    paged(&page, as_lines)
}

/// Without the right to read everybody's records, a caller reads those of his own attempts.
async fn own(call: &mut Call, query: AuditQuery) -> Result<AuditQuery, Box<Problem>> {
    let Some(principal) = authn::only_own(call, Right::AuditRead) else { return Ok(query) };
    // Which of two callers of the same name is meant, the issuers of many configurations don't agree about.
    let is_of_others = query.principal.as_ref().is_some_and(|wanted| *wanted != principal);
    if is_of_others || call.state.configs.has_many() {
        authn::demand(call, Right::AuditRead).await?;
    }
    Ok(AuditQuery { principal: Some(principal), ..query })
}

/// The records as they are read, on a thread beside those that serve. Its memory does not grow with the log.
fn streamed(stream: AuditStream, as_lines: bool, place: OwnedSemaphorePermit) -> Answer {
    let (pieces, coming) = mpsc::channel(READ_AHEAD);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let send = |piece: Bytes| pieces.blocking_send(Ok(piece)).is_ok();
        let stream = if as_lines { stream } else { stream.as_array_items() };
        if !as_lines && !send(Bytes::from_static(b"[")) {
            return;
        }
        for piece in stream {
            match piece {
                Ok(piece) => {
                    if !send(piece.into()) {
                        // The caller went away.
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the audit log could not be read to its end");
                    let _ = pieces.blocking_send(Err(std::io::Error::other("the audit log could not be read")));
                    return;
                }
            }
        }
        if !as_lines {
            send(Bytes::from_static(b"]\n"));
        }
    });
    let content_type = if as_lines { JSON_LINES } else { "application/json" };
    respond::answer(StatusCode::OK, HeaderValue::from_static(content_type), Pieces::coming(coming))
}

fn paged(page: &AuditPage, as_lines: bool) -> Result<Answer, Box<Problem>> {
    let mut answer = if as_lines {
        let mut lines = Vec::new();
        for event in &page.events {
            lines.extend_from_slice(event.get().as_bytes());
            lines.push(b'\n');
        }
        respond::answer(StatusCode::OK, HeaderValue::from_static(JSON_LINES), Pieces::one(lines))
    } else {
        respond::json(&page.events)?
    };
    let headers = answer.headers_mut();
    for (name, value) in [("x-audit-bad-lines", page.bad_lines), ("x-audit-truncated", u64::from(page.truncated))]
    {
        if value > 0 {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
    if let Some(cursor) = &page.next_cursor {
        headers.insert(NEXT_CURSOR, HeaderValue::from_str(&cursor.to_string()).map_err(internal)?);
    }
    Ok(answer)
}

fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|range| range.split(';').next().is_some_and(|media| media.trim() == JSON_LINES))
}

fn query(call: &Call) -> Result<AuditQuery, Box<Problem>> {
    let parameters = &call.query;
    let text = |name: &str| Some(parameters.get(name).to_owned()).filter(|value| !value.is_empty());
    Ok(AuditQuery {
        since: query::time(parameters, "since")?,
        until: query::time(parameters, "until")?,
        event_type: text("type").or_else(|| text("eventType")),
        tool_id: text("tool"),
        service_id: text("service"),
        decision: match parameters.get("decision") {
            "" => None,
            "allowed" => Some(Decision::Allowed),
            "denied" => Some(Decision::Denied),
            "error" => Some(Decision::Error),
            other => return Err(invalid("decision", other, "allowed, denied or error")),
        },
        principal: text("principal"),
        request_id: text("requestId"),
        trace_id: text("traceId"),
        session_id: text("sessionId"),
        limit: query::number(parameters, "limit")?.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        cursor: match parameters.get("cursor") {
            "" => None,
            cursor => Some(
                cursor
                    .parse::<Cursor>()
                    .map_err(|_| invalid("cursor", cursor, "one that an earlier answer gave"))?,
            ),
        },
        order: match parameters.get("order") {
            "" | "oldest" => Order::OldestFirst,
            "newest" => Order::NewestFirst,
            other => return Err(invalid("order", other, "oldest or newest")),
        },
    })
}
