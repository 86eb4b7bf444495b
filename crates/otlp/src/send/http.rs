//! OTLP/HTTP (opentelemetry-proto, "OTLP/HTTP"): what is said beside the body, and what answers mean.

use super::client::{Answer, content_type};
use super::error::{Again, Failure};
use super::retry;
use crate::proto::{self, Accepted};
use crate::settings::Compression;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

const PROTOBUF: &str = "application/x-protobuf";

pub(super) fn headers(headers: &mut HeaderMap, compression: Compression) {
    content_type(headers, PROTOBUF);
    if compression == Compression::Gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

/// What the answer means: these four statuses may be tried again, all others not.
pub(super) fn understood(answer: &Answer) -> Result<Accepted, Failure> {
    let status = answer.head.status;
    if status.is_success() {
        return Ok(if is_protobuf(answer) { proto::accepted(&answer.body) } else { Accepted::default() });
    }
    let message =
        if is_protobuf(answer) { proto::status_message(&answer.body) } else { proto::printable(&answer.body) };
    let again = match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let named = answer.head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let after = named.and_then(|value| retry::after(value, Timestamp::now()));
            after.map_or(Again::Soon, Again::After)
        }
        _ => Again::Never,
    };
    let colon = if message.is_empty() { "" } else { ": " };
    Err(Failure { what: format!("status {}{colon}{message}", status.as_u16()), again })
}

fn is_protobuf(answer: &Answer) -> bool {
    answer.head.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(PROTOBUF.as_bytes()))
}
