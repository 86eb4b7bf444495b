//! What collectors answer: `Export*ServiceResponse`, the same for all signals, and `google.rpc.Status`.

use crate::wire::{Field, Fields};
#[cfg(feature = "grpc")]
use std::time::Duration;

/// Longest message of a collector that is passed on.
const MAX_MESSAGE: usize = 256;

/// What a collector says of a request it took.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Accepted {
    /// Spans, points or records that it threw away.
    pub(crate) rejected: u64,
    /// Why, or a warning.
    pub(crate) message: String,
}

/// Reads `Export*ServiceResponse { partial_success 1 { rejected 1, error_message 2 } }`. What is not one says nothing.
pub(crate) fn accepted(body: &[u8]) -> Accepted {
    let mut answer = Accepted::default();
    for field in Fields(body) {
        let (1, Field::Bytes(partial)) = field else { continue };
        for field in Fields(partial) {
            match field {
                (1, Field::Number(rejected)) => {
                    answer.rejected = i64::try_from(rejected).map_or(0, i64::unsigned_abs);
                }
                (2, Field::Bytes(message)) => answer.message = printable(message),
                _ => {}
            }
        }
    }
    answer
}

/// Reads the message of a `google.rpc.Status`, which refusals have.
pub(crate) fn status_message(body: &[u8]) -> String {
    let mut fields = Fields(body);
    let message = fields.find_map(|field| match field {
        (2, Field::Bytes(message)) => Some(printable(message)),
        _ => None,
    });
    message.unwrap_or_default()
}

/// How long a `google.rpc.Status` asks to wait, when it has a `google.rpc.RetryInfo` among its details: `details` 3 is a
/// list of `Any { type_url 1, value 2 }`, the value `RetryInfo { retry_delay 1 { seconds 1, nanos 2 } }`.
#[cfg(feature = "grpc")]
pub(crate) fn retry_delay(status: &[u8]) -> Option<Duration> {
    let of_retry = |any: &[u8]| {
        let mut fields = Fields(any);
        let is_named = |field: &(u64, Field<'_>)| matches!(field, (1, Field::Bytes(name)) if name.ends_with(b"/google.rpc.RetryInfo"));
        fields.any(|field| is_named(&field))
    };
    let message = |bytes: &[u8], number: u64| {
        Fields(bytes).find_map(|field| match field {
            (found, Field::Bytes(message)) if found == number => Some(message.to_vec()),
            _ => None,
        })
    };
    let number = |bytes: &[u8], number: u64| {
        Fields(bytes).find_map(|field| match field {
            (found, Field::Number(value)) if found == number => Some(value),
            _ => None,
        })
    };
    let info = Fields(status).find_map(|field| match field {
        (3, Field::Bytes(any)) if of_retry(any) => message(any, 2),
        _ => None,
    })?;
    let delay = message(&info, 1)?;
    let (seconds, nanos) = (number(&delay, 1).unwrap_or(0), number(&delay, 2).unwrap_or(0));
    // A delay that is negative, or that makes no sense, is none.
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds >= 0)?;
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds.unsigned_abs(), nanos))
}

/// What another program wrote, fit for a line of the log.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|char| !char.is_control()).take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn a_partial_success_says_how_many_were_thrown_away_and_why() {
        let mut body = Vec::new();
        wire::message(&mut body, 1, |out| {
            wire::uint(out, 1, 5);
            wire::text(out, 2, "too\nold");
        });
        assert_eq!(accepted(&body), Accepted { rejected: 5, message: "tooold".into() });
        for nothing in [&b""[..], b"{}", &[0x0a, 0xff], &body[..3]] {
            assert_eq!(accepted(nothing).rejected, 0, "{nothing:?}");
        }
        let mut negative = Vec::new();
        wire::message(&mut negative, 1, |out| wire::uint(out, 1, u64::MAX));
        assert_eq!(accepted(&negative).rejected, 0);
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn a_refusal_may_say_how_long_to_wait() {
        let status = |name: &str, seconds: u64, nanos: u64| {
            let mut body = Vec::new();
            wire::uint(&mut body, 1, 8);
            wire::message(&mut body, 3, |out| wire::text(out, 1, "type.googleapis.com/google.rpc.Help"));
            wire::message(&mut body, 3, |out| {
                wire::text(out, 1, name);
                wire::message(out, 2, |out| {
                    wire::message(out, 1, |out| {
                        wire::uint(out, 1, seconds);
                        wire::uint(out, 2, nanos);
                    });
                });
            });
            body
        };
        let retry = "type.googleapis.com/google.rpc.RetryInfo";
        assert_eq!(retry_delay(&status(retry, 2, 500_000_000)), Some(Duration::from_millis(2_500)));
        assert_eq!(retry_delay(&status(retry, 0, 0)), Some(Duration::ZERO));
        for odd in [status(retry, u64::MAX, 0), status(retry, 1, u64::MAX), status("x/Other", 1, 0), vec![0x1a, 9]]
        {
            assert_eq!(retry_delay(&odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let mut body = Vec::new();
        wire::uint(&mut body, 1, 3);
        wire::text(&mut body, 2, "no such tenant");
        assert_eq!(status_message(&body), "no such tenant");
        assert_eq!(status_message(b"<html>"), "");
    }
}
