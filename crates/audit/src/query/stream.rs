//! All records that match, however many, in constant memory: text in pieces, as a body that is sent while it is read.

use super::filter::{Filter, Hit};
use super::locate;
use super::parts::Parts;
use super::walk::{Point, Walk};
use super::{AuditQuery, Order};
use crate::AuditError;
use crate::scan::Direction;

/// Records that match a query, as text, in pieces of some hundred KiB. An iterator; it ends after an error.
///
/// What is in the log when the stream is made is in the stream, but for segments that retention removes before they
/// are reached.
pub struct AuditStream {
    walk: Walk<Parts, Filter>,
    direction: Direction,
    left: Option<u64>,
    separator: Separator,
    records: u64,
    is_over: bool,
}

#[derive(Debug, Clone, Copy)]
enum Separator {
    /// After each record.
    Lines,
    /// Between two.
    Commas,
}

impl AuditStream {
    pub(super) fn new(parts: Parts, query: &AuditQuery) -> Result<Self, AuditError> {
        let filter = Filter::new(query);
        let limit = query.limit.map(|limit| limit as u64);
        let (direction, from, to, left) = match (query.order, query.cursor) {
            (Order::OldestFirst, None) => {
                let from = match limit {
                    Some(limit) => start_of_newest(&parts, &filter, limit)?,
                    None => Point::START,
                };
                (Direction::Forward, from, Point::END, None)
            }
            (Order::OldestFirst, Some(cursor)) => {
                (Direction::Forward, locate::resolve(&parts, cursor)?, locate::end(&parts)?.1, limit)
            }
            (Order::NewestFirst, cursor) => {
                let to = cursor.map_or(Ok(Point::END), |cursor| locate::resolve(&parts, cursor))?;
                (Direction::Backward, Point::START, to, limit)
            }
        };
        let walk = Walk::new(parts, filter, direction, from, to);
        Ok(Self { walk, direction, left, separator: Separator::Lines, records: 0, is_over: false })
    }

    /// Puts a comma between two records instead of an LF after each: what is between `[` and `]` of a JSON array.
    #[must_use]
    pub fn as_array_items(self) -> Self {
        Self { separator: Separator::Commas, ..self }
    }

    /// Records told so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Lines passed so far that hold no record; see [`super::AuditPage::bad_lines`].
    pub fn bad_lines(&self) -> u64 {
        self.walk.bad_lines()
    }

    fn read(&mut self) -> Result<Option<Vec<u8>>, AuditError> {
        if self.left == Some(0) {
            return Ok(None);
        }
        let Some(piece) = self.walk.next()? else { return Ok(None) };
        let most = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let count = piece.hits.len().min(most);
        let mut text = Vec::with_capacity(piece.hits.iter().map(|hit| hit.end - hit.start + 1).sum());
        let mut add = |hit: &Hit| {
            if matches!(self.separator, Separator::Commas) && self.records > 0 {
                text.push(b',');
            }
            text.extend_from_slice(&piece.text[hit.start..hit.end]);
            if matches!(self.separator, Separator::Lines) {
                text.push(b'\n');
            }
            self.records += 1;
        };
        match self.direction {
            Direction::Forward => piece.hits.iter().take(count).for_each(&mut add),
            Direction::Backward => piece.hits.iter().rev().take(count).for_each(&mut add),
        }
        self.left = self.left.map(|left| left - count as u64);
        Ok(Some(text))
    }
}

impl Iterator for AuditStream {
    type Item = Result<Vec<u8>, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let found = self.read().transpose();
        self.is_over = !matches!(found, Some(Ok(_)));
        found
    }
}

/// Where the newest `limit` records that match begin.
fn start_of_newest(parts: &Parts, filter: &Filter, limit: u64) -> Result<Point, AuditError> {
    let mut left = limit;
    let mut walk = Walk::new(parts, filter, Direction::Backward, Point::START, Point::END);
    let mut start = Point::END;
    while left > 0 {
        let Some(piece) = walk.next()? else { return Ok(Point::START) };
        let taken = piece.hits.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        left -= taken as u64;
        let first = piece.hits[piece.hits.len() - taken];
        start = Point { part: piece.part, offset: piece.at + first.start as u64 };
    }
    Ok(start)
}
