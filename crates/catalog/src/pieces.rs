//! A body in pieces, put together without copying what is large.

use crate::answer::Answer;
use bytes::Bytes;
use serde::Serialize;

/// Small texts are gathered; large stored pieces are passed through.
#[derive(Default)]
pub(crate) struct Pieces {
    done: Vec<Bytes>,
    open: Vec<u8>,
    length: usize,
}

/// Pieces below this are cheaper to copy than to send on their own.
const COPY_BELOW: usize = 8 * 1024;

impl Pieces {
    pub(crate) fn text(&mut self, text: &str) {
        self.open.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut self.open, value)
    }

    /// Takes back the `}` that was just written.
    pub(crate) fn reopen_object(&mut self) {
        self.open.pop();
    }

    pub(crate) fn bytes(&mut self, bytes: Bytes) {
        if bytes.len() < COPY_BELOW {
            self.open.extend_from_slice(&bytes);
        } else {
            self.flush();
            self.length += bytes.len();
            self.done.push(bytes);
        }
    }

    pub(crate) fn flush(&mut self) {
        if !self.open.is_empty() {
            self.length += self.open.len();
            self.done.push(std::mem::take(&mut self.open).into());
        }
    }

    pub(crate) fn finish(mut self) -> Answer {
        self.flush();
        Answer { pieces: self.done, length: self.length }
    }
}
