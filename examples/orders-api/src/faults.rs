//! Answers that go wrong on purpose.

use crate::http::{Body, FILLER_MIN, Request, Response, TRUNCATED_LENGTH};
use crate::problem::problem;
use crate::routes::{Reply, number_parameter};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Longest wait of `/faults/slow`, in milliseconds.
const MAX_WAIT_MS: u64 = 60_000;
/// Largest body of `/faults/large`, in bytes.
const MAX_LARGE: u64 = 1024 * 1024 * 1024;
/// Largest `Retry-After`, in seconds.
const MAX_RETRY_AFTER: u64 = 3600;

static ALL_BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut value = 0;
    while value < 256 {
        bytes[value] = value as u8;
        value += 1;
    }
    bytes
};

/// Answers late.
pub(crate) fn slow(request: &Request) -> Result<Reply, Response> {
    let ms = number_parameter(request, "ms", 0, MAX_WAIT_MS)?.unwrap_or(1000);
    wait(Duration::from_millis(ms));
    Ok(Response::json(200, &serde_json::json!({ "waitedMs": ms })).into())
}

/// Sleeps. A condition variable nobody signals may wake early, so the time is checked.
fn wait(time: Duration) {
    let lock = Mutex::new(());
    let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = Condvar::new().wait_timeout_while(guard, time, |()| true);
}

/// Ends the connection before or in the midst of the answer.
pub(crate) fn reset(request: &Request) -> Result<Reply, Response> {
    Ok(match number_parameter(request, "after", 0, TRUNCATED_LENGTH as u64 - 1)? {
        None => Reply::Hangup,
        Some(sent) => Response::empty(200)
            .with("Content-Type", "text/plain")
            .body(Body::Truncated(usize::try_from(sent).unwrap_or(0)))
            .into(),
    })
}

/// Half an object.
pub(crate) fn invalid_json() -> Response {
    Response::empty(200).body(Body::Static(b"{\"half\": ")).with("Content-Type", "application/json")
}

/// A body as long as asked for.
pub(crate) fn large(request: &Request) -> Result<Reply, Response> {
    let bytes = number_parameter(request, "bytes", FILLER_MIN, MAX_LARGE)?.unwrap_or(1024 * 1024);
    Ok(Response::empty(200).body(Body::Filler(bytes)).with("Content-Type", "application/json").into())
}

/// Sends the client round and round.
pub(crate) fn redirect_loop() -> Response {
    Response::empty(302).with("Location", "/faults/redirect-loop")
}

/// The status asked for.
pub(crate) fn status(request: &Request, code: &str) -> Result<Reply, Response> {
    let Some(code) = code.parse().ok().filter(|code| (200..600).contains(code)) else {
        return Err(problem(400, "Bad parameter", "The status must be a number from 200 to 599."));
    };
    let retry_after = number_parameter(request, "retryAfter", 0, MAX_RETRY_AFTER)?;
    let response = match code {
        204 | 304 => Response::empty(code),
        200..400 => Response::json(code, &serde_json::json!({ "status": code })),
        _ => problem(code, "Asked for", "This status is what the request asked for."),
    };
    Ok(match retry_after {
        Some(seconds) => response.with("Retry-After", seconds.to_string()),
        None => response,
    }
    .into())
}

/// Every byte value once.
pub(crate) fn binary() -> Response {
    Response::empty(200).body(Body::Static(&ALL_BYTES)).with("Content-Type", "application/octet-stream")
}
