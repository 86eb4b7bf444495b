//! What collectors answer: `Export*ServiceResponse`, the same for all signals, and `google.rpc.Status`.

use crate::wire::{Field, Fields};

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

    #[test]
    fn a_refusal_says_why() {
        let mut body = Vec::new();
        wire::uint(&mut body, 1, 3);
        wire::text(&mut body, 2, "no such tenant");
        assert_eq!(status_message(&body), "no such tenant");
        assert_eq!(status_message(b"<html>"), "");
    }
}
