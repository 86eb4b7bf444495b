//! Event streams as the WHATWG has them (HTML, "Server-sent events"): comments, empty events, `retry`, all line ends (W49).
//! One thing more: an event that the end of the stream cuts off before its blank line counts, as servers close the
//! stream right behind the answer. Bounded in the size of an event.

use bytes::Bytes;
use std::time::Duration;

/// Longest `id` or `event` that is kept.
const MAX_FIELD: usize = 1024;

/// An event with data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Empty for `message`.
    pub(crate) name: String,
    pub(crate) data: Bytes,
}

/// An event, or its stream, is larger than accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Reads a stream piece by piece.
#[derive(Debug)]
pub(crate) struct Events {
    limit: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    name: String,
    /// The last `id` seen: where to take the stream up again.
    last_id: String,
    retry: Option<Duration>,
    /// The last byte was CR: a LF behind it belongs to it.
    after_cr: bool,
    is_begun: bool,
}

impl Events {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            name: String::new(),
            last_id: String::new(),
            retry: None,
            after_cr: false,
            is_begun: false,
        }
    }

    /// Empty when there is none.
    pub(crate) fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The pause that the server asks for.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The events that a piece completes.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.line.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            if self.line.len() + self.data.len() > self.limit.saturating_add(MAX_FIELD) {
                return Err(TooLarge);
            }
            let Some(end) = end else { break };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            events.extend(self.end_line());
        }
        Ok(events)
    }

    /// What the end of the stream completes.
    pub(crate) fn finish(&mut self) -> Option<Event> {
        if !self.line.is_empty() {
            let _ = self.end_line();
        }
        self.dispatch()
    }

    fn end_line(&mut self) -> Option<Event> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.is_begun, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&line[..], &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8_lossy(&value[..value.len().min(MAX_FIELD)]).into_owned();
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => self.name = text(),
            b"id" if !value.contains(&0) && value.len() <= MAX_FIELD => self.last_id = text(),
            b"retry" => self.retry = text().parse().ok().map(Duration::from_millis),
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = Bytes::from(std::mem::take(&mut self.data));
        let has_data = std::mem::take(&mut self.has_data);
        // W49: an event without data is none.
        (has_data && !data.is_empty()).then_some(Event { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, step: usize) -> Vec<(String, String)> {
        let mut events = Events::new(1000);
        let mut all = Vec::new();
        for piece in text.as_bytes().chunks(step) {
            all.extend(events.feed(piece).expect("small"));
        }
        all.extend(events.finish());
        all.into_iter().map(|event| (event.name, String::from_utf8(event.data.to_vec()).expect("text"))).collect()
    }

    /// W49, §15.1.
    #[test]
    fn streams_are_read_as_the_standard_says_in_pieces_of_any_size() {
        for (text, expected) in [
            ("data: a\n\n", &[("", "a")][..]),
            ("event: message\r\ndata: {\"x\":1}\r\n\r\n", &[("message", "{\"x\":1}")]),
            ("\u{feff}data:a\rdata:b\r\r", &[("", "a\nb")]),
            (": keep-alive\n\n:\n\ndata: a\n\n", &[("", "a")]),
            ("event: endpoint\ndata: /m?s=1\n\ndata:  b \n\n", &[("endpoint", "/m?s=1"), ("", " b ")]),
            ("data\n\ndata:\n\nid: 7\nretry: 10\n\n", &[]),
            ("event: x\n\ndata: a\n\n", &[("", "a")]),
            ("data: cut off", &[("", "cut off")]),
            ("data: one\n\ndata: cut off\n", &[("", "one"), ("", "cut off")]),
        ] {
            let expected: Vec<(String, String)> =
                expected.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect();
            for step in [1, 2, 3, 1000] {
                assert_eq!(read(text, step), expected, "{text:?} by {step}");
            }
        }
    }

    #[test]
    fn the_place_to_go_on_from_is_remembered_and_size_is_bounded() {
        let mut events = Events::new(100);
        assert_eq!(events.feed(b"id: 7\nretry: 1500\ndata:\n\nid: a\0b\n").map(|all| all.len()), Ok(0));
        assert_eq!((events.last_id(), events.retry()), ("7", Some(Duration::from_millis(1500))));
        assert_eq!(events.feed(&[b'x'; 2000]), Err(TooLarge));
        let mut events = Events::new(100);
        let many = "data: 12345678901234567890\n".repeat(100);
        assert_eq!(events.feed(many.as_bytes()), Err(TooLarge));
    }
}
