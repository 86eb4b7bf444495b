//! OTLP/gRPC as far as a unary call needs it (grpc/doc/PROTOCOL-HTTP2.md): a message with a prefix of five bytes, and
//! the status in the trailers.

use super::client::{Answer, content_type};
use super::error::{Again, Failure};
use crate::Signal;
use crate::proto::{self, Accepted};
use crate::settings::{Compression, Target};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use http::header::{HeaderName, HeaderValue, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};

/// Bytes before a message: whether it is compressed, and its length.
pub(super) const PREFIX: usize = 5;

pub(super) fn uri(endpoint: &Uri, signal: Signal) -> Uri {
    let mut parts = endpoint.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_static(signal.method()));
    Uri::from_parts(parts).unwrap_or_else(|_| endpoint.clone())
}

pub(super) fn headers(headers: &mut HeaderMap, target: &Target) {
    content_type(headers, "application/grpc");
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if target.compression == Compression::Gzip {
        headers.insert(HeaderName::from_static("grpc-encoding"), HeaderValue::from_static("gzip"));
    }
    // At most eight digits.
    let millis = target.timeout.as_millis().min(99_999_999);
    if let Ok(timeout) = HeaderValue::from_str(&format!("{millis}m")) {
        headers.insert(HeaderName::from_static("grpc-timeout"), timeout);
    }
}

/// Fills in the prefix of a message.
pub(super) fn fill_prefix(message: &mut [u8], is_compressed: bool) {
    let length = u32::try_from(message.len().saturating_sub(PREFIX)).unwrap_or(u32::MAX);
    if let Some((prefix, _)) = message.split_at_mut_checked(PREFIX) {
        prefix[0] = u8::from(is_compressed);
        prefix[1..].copy_from_slice(&length.to_be_bytes());
    }
}

/// What the answer means. The codes that may be tried again are those of the OTLP specification.
pub(super) fn understood(answer: &Answer) -> Result<Accepted, Failure> {
    let word = |name: &str| {
        let value = answer.trailers.get(name).or_else(|| answer.head.headers.get(name))?;
        value.to_str().ok().map(str::to_owned)
    };
    let Some(code) = word("grpc-status").and_then(|code| code.parse::<u32>().ok()) else {
        let what =
            format!("status {} without a gRPC status: is this a gRPC endpoint?", answer.head.status.as_u16());
        let may_pass = matches!(answer.head.status.as_u16(), 200 | 429 | 502 | 503 | 504);
        return Err(Failure { what, again: if may_pass { Again::Soon } else { Again::Never } });
    };
    if code == 0 {
        // An answer that is compressed, which was not asked for, says nothing.
        let message = answer.body.get(PREFIX..).filter(|_| answer.body.first() == Some(&0));
        return Ok(message.map(proto::accepted).unwrap_or_default());
    }
    let message = word("grpc-message").map(|text| percent_encoding::percent_decode_str(&text).collect::<Vec<_>>());
    let message = proto::printable(&message.unwrap_or_default());
    let delay = word("grpc-status-details-bin").and_then(|text| {
        let status = BASE64.decode(text.trim_end_matches('=')).ok()?;
        proto::retry_delay(&status)
    });
    let again = match (code, delay) {
        // Cancelled, deadline exceeded, aborted, out of range, unavailable, data loss; resource exhausted only when the
        // collector says that it will pass.
        (1 | 4 | 8 | 10 | 11 | 14 | 15, Some(delay)) => Again::After(delay),
        (1 | 4 | 10 | 11 | 14 | 15, None) => Again::Soon,
        _ => Again::Never,
    };
    Err(Failure { what: format!("gRPC status {code}: {message}"), again })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_collector_that_is_exhausted_is_tried_again_when_it_says_when() {
        // Status { code: 8, details: [Any { RetryInfo { retry_delay: 7 s } }] }
        let mut status = vec![8, 8, 0x1a, 48, 10, 40];
        status.extend_from_slice(b"type.googleapis.com/google.rpc.RetryInfo");
        status.extend_from_slice(&[18, 4, 10, 2, 8, 7]);
        let details = BASE64.encode(status);
        for (code, details, again) in [
            ("8", details.as_str(), Again::After(Duration::from_secs(7))),
            ("14", &format!("{details}=="), Again::After(Duration::from_secs(7))),
            ("8", "", Again::Never),
            ("14", "no base64!", Again::Soon),
            ("3", &details, Again::Never),
        ] {
            let (mut head, ()) = http::Response::new(()).into_parts();
            head.headers.insert("grpc-status", code.parse().expect("a value"));
            head.headers.insert("grpc-status-details-bin", details.parse().expect("a value"));
            let answer = Answer { head, body: bytes::Bytes::new(), trailers: HeaderMap::new() };
            assert_eq!(understood(&answer).expect_err("a refusal").again, again, "{code} {details}");
        }
    }
}
