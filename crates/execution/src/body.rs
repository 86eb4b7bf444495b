//! Reading an answer's body within its limit. One that announces more is refused before a byte is read.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;

/// What is read of a body nobody wants, so that the connection can be used again.
const DRAIN_MAX_BYTES: u64 = 64 * 1024;
/// How long that may take.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);
/// Room made for a body at once, whatever it announces.
const RESERVE_MAX_BYTES: u64 = 256 * 1024;

/// Why a body is not complete.
#[derive(Debug)]
pub(crate) enum BodyFault {
    TooLarge,
    Broken(hyper::Error),
}

/// The whole body. A body that came in one piece is not copied.
pub(crate) async fn read(mut body: Incoming, limit: u64) -> Result<Bytes, BodyFault> {
    let announced = body.size_hint();
    if announced.lower() > limit {
        return Err(BodyFault::TooLarge);
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers are not part of the result.
        let Ok(data) = frame.map_err(BodyFault::Broken)?.into_data() else { continue };
        if (first.len() + rest.len() + data.len()) as u64 > limit {
            return Err(BodyFault::TooLarge);
        }
        if rest.is_empty() && first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            let room = announced.lower().min(RESERVE_MAX_BYTES).max((first.len() + data.len()) as u64);
            rest.reserve(usize::try_from(room).unwrap_or_default());
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Reads what little there is; a longer or slower body costs the connection.
pub(crate) async fn drain(body: Incoming) {
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, read(body, DRAIN_MAX_BYTES)).await;
}
