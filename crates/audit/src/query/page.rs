//! A page: as many records as somebody wants, within bounds, and where the next page begins.

use super::cursor::Cursor;
use super::filter::{Filter, Hit};
use super::locate;
use super::parts::Parts;
use super::walk::{Piece, Point, Walk};
use super::{AuditPage, AuditQuery, LIST_MAX_BYTES, LIST_MAX_EVENTS, Order};
use crate::AuditError;
use crate::scan::Direction;
use serde_json::value::RawValue;

/// Reads a page of the log.
pub(super) fn read(parts: &Parts, query: &AuditQuery) -> Result<AuditPage, AuditError> {
    let filter = Filter::new(query);
    let limit = query.limit.unwrap_or(LIST_MAX_EVENTS).min(LIST_MAX_EVENTS);
    match (query.order, query.cursor) {
        (Order::OldestFirst, None) => newest(parts, &filter, limit),
        (Order::OldestFirst, Some(cursor)) => onwards(parts, &filter, limit, cursor),
        (Order::NewestFirst, cursor) => backwards(parts, &filter, limit, cursor),
    }
}

/// The newest records, oldest first. The next page has what is added from now on.
fn newest(parts: &Parts, filter: &Filter, limit: usize) -> Result<AuditPage, AuditError> {
    let (cursor, _) = locate::end(parts)?;
    let walk = Walk::new(parts, filter, Direction::Backward, Point::START, Point::END);
    let mut page = collect(walk, Direction::Backward, limit, |_| Ok(None))?;
    page.events.reverse();
    page.next_cursor = Some(cursor);
    Ok(page)
}

/// The records after a place, oldest first. A line that is not whole yet is left for the next page.
fn onwards(parts: &Parts, filter: &Filter, limit: usize, cursor: Cursor) -> Result<AuditPage, AuditError> {
    let (at_end, end) = locate::end(parts)?;
    if at_end == cursor {
        return Ok(AuditPage { next_cursor: Some(cursor), ..AuditPage::default() });
    }
    let walk = Walk::new(parts, filter, Direction::Forward, locate::resolve(parts, cursor)?, end);
    let mut page = collect(walk, Direction::Forward, limit, |found| match found {
        Some((piece, hit)) => locate::after(parts, piece, hit).map(Some),
        None => Ok(Some(cursor)),
    })?;
    if !page.truncated {
        page.next_cursor = Some(at_end);
    }
    Ok(page)
}

/// The records before a place, newest first.
fn backwards(
    parts: &Parts,
    filter: &Filter,
    limit: usize,
    cursor: Option<Cursor>,
) -> Result<AuditPage, AuditError> {
    let end = match cursor {
        Some(cursor) => locate::resolve(parts, cursor)?,
        None => Point::END,
    };
    let walk = Walk::new(parts, filter, Direction::Backward, Point::START, end);
    let mut page = collect(walk, Direction::Backward, limit, |found| match found {
        Some((piece, hit)) => locate::before(parts, piece, hit).map(Some),
        None => Ok(cursor),
    })?;
    if !page.truncated {
        page.next_cursor = None;
    }
    Ok(page)
}

/// Takes records until there are enough, and looks whether there is one more. `place` tells the cursor behind the
/// last record of a page, in the direction of the walk, or behind none.
fn collect(
    mut walk: Walk<&Parts, &Filter>,
    direction: Direction,
    limit: usize,
    place: impl Fn(Option<(&Piece<'_>, Hit)>) -> Result<Option<Cursor>, AuditError>,
) -> Result<AuditPage, AuditError> {
    let mut page = AuditPage { next_cursor: place(None)?, ..AuditPage::default() };
    let mut bytes = 0;
    'pieces: while let Some(piece) = walk.next()? {
        let mut last = None;
        for i in 0..piece.hits.len() {
            let hit = match direction {
                Direction::Forward => piece.hits[i],
                Direction::Backward => piece.hits[piece.hits.len() - 1 - i],
            };
            bytes += hit.end - hit.start;
            // One record always fits, or the page after would be no other.
            if page.events.len() == limit || (bytes > LIST_MAX_BYTES && !page.events.is_empty()) {
                page.truncated = true;
                if let Some(hit) = last {
                    page.next_cursor = place(Some((&piece, hit)))?;
                }
                break 'pieces;
            }
            // It was parsed when it was found.
            if let Ok(value) = serde_json::from_slice::<&RawValue>(&piece.text[hit.start..hit.end]) {
                page.events.push(value.to_owned());
            }
            last = Some(hit);
        }
        if let Some(hit) = last {
            page.next_cursor = place(Some((&piece, hit)))?;
        }
    }
    page.bad_lines = walk.bad_lines();
    Ok(page)
}
