//! Bodies: answers made of stored pieces or read while they are sent, and requests read up to a bound.

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Pieces sent one after the other, never copied: known ones, then those that come while the body is sent.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    first: Option<Bytes>,
    rest: std::vec::IntoIter<Bytes>,
    /// Of the known ones.
    remaining: u64,
    /// An error cuts the answer off, so that nobody takes it for whole.
    coming: Option<mpsc::Receiver<io::Result<Bytes>>>,
}

impl Pieces {
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn one(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let remaining = bytes.len() as u64;
        Self { first: Some(bytes).filter(|b| !b.is_empty()), remaining, ..Self::default() }
    }

    pub(crate) fn many(pieces: Vec<Bytes>) -> Self {
        let remaining = pieces.iter().map(|piece| piece.len() as u64).sum();
        let mut rest = pieces.into_iter();
        Self { first: rest.next(), rest, remaining, coming: None }
    }

    /// A body of unknown length.
    pub(crate) fn coming(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { coming: Some(pieces), ..Self::default() }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = self.first.take().or_else(|| self.rest.next());
        if let Some(piece) = next {
            self.remaining -= piece.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match &mut self.coming {
            Some(coming) => coming.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0 && self.coming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.coming {
            None => SizeHint::with_exact(self.remaining),
            Some(_) => SizeHint::default(),
        }
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
