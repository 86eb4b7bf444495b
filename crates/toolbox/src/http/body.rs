//! Bodies: answers made of stored pieces, and requests read up to a bound.

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body whose pieces are known: sent one after the other, never copied.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    first: Option<Bytes>,
    rest: std::vec::IntoIter<Bytes>,
    remaining: u64,
}

impl Pieces {
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn one(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let remaining = bytes.len() as u64;
        Self { first: Some(bytes).filter(|b| !b.is_empty()), rest: Vec::new().into_iter(), remaining }
    }

    pub(crate) fn many(pieces: Vec<Bytes>) -> Self {
        let remaining = pieces.iter().map(|piece| piece.len() as u64).sum();
        let mut rest = pieces.into_iter();
        Self { first: rest.next(), rest, remaining }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.first.take().or_else(|| self.rest.next());
        if let Some(piece) = &next {
            self.remaining -= piece.len() as u64;
        }
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

/// Why a request body was not read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// More than this many bytes.
    TooLarge(usize),
    /// The caller went away or did not keep to HTTP.
    Broken(hyper::Error),
}

/// Reads a request body up to `limit` bytes. An announced length above it is refused before a byte is read.
pub(crate) async fn read(mut body: hyper::body::Incoming, limit: usize) -> Result<Bytes, ReadError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(ReadError::TooLarge(limit));
    }
    let mut first: Option<Bytes> = None;
    let mut gathered = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(ReadError::Broken)?.into_data() else { continue };
        let length = first.as_ref().map_or(gathered.len(), Bytes::len) + data.len();
        if length > limit {
            return Err(ReadError::TooLarge(limit));
        }
        // Most bodies arrive in one piece: no copy then.
        match first.take() {
            None if gathered.is_empty() => first = Some(data),
            None => gathered.extend_from_slice(&data),
            Some(earlier) => {
                gathered.extend_from_slice(&earlier);
                gathered.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| gathered.freeze()))
}
