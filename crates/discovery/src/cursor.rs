//! A place in a text that only moves forward, so that every reader built on it takes linear time. It stops at ASCII
//! characters only, so that every slice is valid UTF-8.

use memchr::memmem;

pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next byte.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over one ASCII byte that was peeked at.
    pub(crate) fn bump(&mut self) {
        self.at += 1;
    }

    /// Steps over this byte if it comes next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        if is_there {
            self.bump();
        }
        is_there
    }

    /// Steps over this text if it comes next.
    pub(crate) fn eat_text(&mut self, text: &str) -> bool {
        let is_there = self.rest().starts_with(text);
        if is_there {
            self.at += text.len();
        }
        is_there
    }

    /// Everything up to the first byte that is not meant. What is meant must not depend on a part of a character:
    /// all bytes above ASCII are, or none.
    pub(crate) fn take_while(&mut self, is_meant: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !is_meant(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Everything before the needle, and steps over the needle. `None`: it is not there, and the end is reached.
    pub(crate) fn take_until(&mut self, needle: &str) -> Option<&'a str> {
        let rest = self.rest();
        let found = memmem::find(rest.as_bytes(), needle.as_bytes());
        self.at += found.map_or(rest.len(), |length| length + needle.len());
        found.and_then(|length| rest.get(..length))
    }
}
