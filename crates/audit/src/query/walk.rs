//! A walk over the records that match, from one place to another, in either direction, in constant memory: piece by
//! piece through the parts of the log.
//!
//! Not for how many records somebody wants (see `page` and `stream`).

use super::filter::{Filter, Hit};
use super::parts::{Opened, Parts};
use super::segment::Blocks;
use crate::AuditError;
use crate::scan::{Chunks, Direction};
use std::borrow::Borrow;

/// A place between two records, in the parts at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) part: usize,
    /// In the text of the part.
    pub(super) offset: u64,
}

impl Point {
    pub(super) const START: Self = Self { part: 0, offset: 0 };
    /// Behind everything.
    pub(super) const END: Self = Self { part: usize::MAX, offset: u64::MAX };
}

/// A text with the records in it that match, in the order of the text whatever the direction.
pub(super) struct Piece<'a> {
    pub(super) part: usize,
    /// Where the text begins in that of the part.
    pub(super) at: u64,
    pub(super) text: &'a [u8],
    pub(super) hits: &'a [Hit],
}

/// The walk.
///
/// It has the parts and the filter, or borrows them.
pub(super) struct Walk<P, F> {
    parts: P,
    filter: F,
    direction: Direction,
    from: Point,
    to: Point,
    /// The part that is next; counted from the end when walking back.
    next_part: usize,
    reader: Option<(usize, Reader)>,
    hits: Vec<Hit>,
    bad_lines: u64,
}

enum Reader {
    Text(Chunks),
    Sealed(Box<Blocks>),
}

impl<P: Borrow<Parts>, F: Borrow<Filter>> Walk<P, F> {
    /// From `from` to `to`, which is later, in one direction or the other.
    pub(super) fn new(parts: P, filter: F, direction: Direction, from: Point, to: Point) -> Self {
        Self { parts, filter, direction, from, to, next_part: 0, reader: None, hits: Vec::new(), bad_lines: 0 }
    }

    /// Bad lines that were passed so far.
    pub(super) fn bad_lines(&self) -> u64 {
        self.bad_lines
    }

    /// The next piece that has matches.
    pub(super) fn next(&mut self) -> Result<Option<Piece<'_>>, AuditError> {
        // The borrow checker does not see that a piece which is returned ends the loop, so only its place is kept.
        let (part, at, length) = loop {
            let Some((part, reader)) = &mut self.reader else {
                match self.open_next()? {
                    true => continue,
                    false => return Ok(None),
                }
            };
            let part = *part;
            let unreadable = |cause| AuditError::Read { path: self.parts.borrow().path(part).to_owned(), cause };
            self.hits.clear();
            let found = match reader {
                Reader::Text(chunks) => match chunks.next().map_err(unreadable)? {
                    Some(chunk) => {
                        self.bad_lines += self.filter.borrow().search(chunk, &mut self.hits);
                        Some((chunk.at, chunk.text.len()))
                    }
                    None => None,
                },
                Reader::Sealed(blocks) => {
                    blocks.next(self.filter.borrow(), &mut self.hits, &mut self.bad_lines).map_err(unreadable)?
                }
            };
            match found {
                Some((at, length)) if !self.hits.is_empty() => break (part, at, length),
                Some(_) => {}
                None => self.reader = None,
            }
        };
        let text = match &self.reader {
            Some((_, Reader::Text(chunks))) => chunks.text(),
            Some((_, Reader::Sealed(blocks))) => blocks.text(),
            None => &[],
        };
        Ok(Some(Piece { part, at, text: text.get(..length).unwrap_or(text), hits: &self.hits }))
    }

    /// Opens the next part within the bounds. False when there is none.
    fn open_next(&mut self) -> Result<bool, AuditError> {
        loop {
            let number = self.next_part;
            self.next_part += 1;
            let part = match self.direction {
                Direction::Forward => number,
                Direction::Backward => match self.parts.borrow().len().checked_sub(1 + number) {
                    Some(part) => part,
                    None => return Ok(false),
                },
            };
            if part >= self.parts.borrow().len() {
                return Ok(false);
            }
            if part < self.from.part || part > self.to.part {
                continue;
            }
            let start = if part == self.from.part { self.from.offset } else { 0 };
            let end = if part == self.to.part { self.to.offset } else { u64::MAX };
            let reader = match self.parts.borrow().open(part)? {
                Opened::Gone => continue,
                Opened::Text(file, length) => {
                    Reader::Text(Chunks::new(file, start, end.min(length), self.direction))
                }
                Opened::Sealed(segment) => {
                    Reader::Sealed(Box::new(Blocks::new(segment, start, end, self.direction)))
                }
            };
            self.reader = Some((part, reader));
            return Ok(true);
        }
    }
}
