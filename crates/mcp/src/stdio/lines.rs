//! Lines of a stream, each at most so long (ST-3). A longer one is thrown away while it comes, and what is seen of it
//! tells whose answer it was. Not for what lines mean.

use crate::limits::MAX_DISCARDED_BYTES;
use bytes::{Bytes, BytesMut};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Bytes of the end of a line that is thrown away which are kept.
const TAIL: usize = 96;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its end.
    Text(Bytes),
    /// Longer than the limit; the id of the answer it was, if that is seen.
    TooLong(Option<u64>),
}

/// The next line; `None` at the end of the stream.
pub(crate) async fn next(stream: &mut (impl AsyncBufRead + Unpin), limit: usize) -> io::Result<Option<Line>> {
    let mut line = BytesMut::new();
    let (mut length, mut head, mut tail) = (0_usize, Bytes::new(), Vec::new());
    loop {
        let piece = stream.fill_buf().await?;
        if piece.is_empty() {
            return Ok((!line.is_empty()).then(|| Line::Text(line.freeze())));
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(piece.len());
        length += taken;
        if length > limit && head.is_empty() {
            line.truncate(TAIL);
            head = std::mem::take(&mut line).freeze();
        }
        if length <= limit {
            line.extend_from_slice(&piece[..taken]);
        } else {
            let fresh = &piece[taken.saturating_sub(TAIL)..taken];
            tail.extend_from_slice(fresh);
            tail.drain(..tail.len().saturating_sub(TAIL));
        }
        let consumed = taken + usize::from(end.is_some());
        stream.consume(consumed);
        if length > MAX_DISCARDED_BYTES {
            return Err(io::Error::other("a line without an end"));
        }
        if end.is_some() {
            return Ok(Some(match length > limit {
                true => Line::TooLong(first_id(&head).or_else(|| last_id(&tail))),
                false => Line::Text(line.freeze()),
            }));
        }
    }
}

/// How an id stands in a message. Results have members called `id` too; those do not stand this near to the beginning
/// or the end of a message, and a mistake fails a call that has lost its answer to a bound anyway.
const ID: &[u8] = b"\"id\":";

fn first_id(head: &[u8]) -> Option<u64> {
    number_at(head, head.windows(ID.len()).position(|window| window == ID)?)
}

fn last_id(tail: &[u8]) -> Option<u64> {
    number_at(tail, tail.windows(ID.len()).rposition(|window| window == ID)?)
}

fn number_at(piece: &[u8], at: usize) -> Option<u64> {
    let digits: Vec<u8> = piece[at + ID.len()..].iter().copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    async fn all(text: &str, limit: usize) -> Vec<Line> {
        // A small buffer, so that lines come in pieces.
        let mut stream = BufReader::with_capacity(7, text.as_bytes());
        let mut lines = Vec::new();
        while let Some(line) = next(&mut stream, limit).await.expect("read") {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn lines_are_read_whole_and_the_last_needs_no_end() {
        let text = |text: &'static str| Line::Text(Bytes::from_static(text.as_bytes()));
        assert_eq!(
            all("one\n\ntwo two two\r\nthree", 64).await,
            [text("one"), text(""), text("two two two\r"), text("three")]
        );
        assert_eq!(all("", 64).await, []);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_fails_alone() {
        let long = "x".repeat(500);
        let text = format!(
            "{{\"id\":41,\"result\":\"{long}\"}}\n{{\"result\":\"{long}\",\"jsonrpc\":\"2.0\",\"id\":42}}\n{long}\nshort\n"
        );
        let lines = all(&text, 100).await;
        assert_eq!(lines[..3], [Line::TooLong(Some(41)), Line::TooLong(Some(42)), Line::TooLong(None)]);
        assert_eq!(lines[3], Line::Text(Bytes::from_static(b"short")));
    }
}
