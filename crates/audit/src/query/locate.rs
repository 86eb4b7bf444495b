//! From a cursor to the place it names in the parts at hand, and back. Looks at a few lines, not at all of them:
//! sequence numbers grow along the log.

use super::cursor::{Cursor, PartName, Place};
use super::filter::Hit;
use super::parts::{Opened, Parts, Segment, first_seq_of};
use super::segment::Block;
use super::walk::{Piece, Point};
use crate::AuditError;
use crate::chain::Link;
use crate::scan::{Chunk, Chunks, Direction, lines};
use crate::tail::Tail;
use memchr::{memchr, memrchr};
use std::fs::File;
use std::io;
use std::sync::Arc;

/// From so few bytes on, lines are looked at one by one.
const NEAR: u64 = 32 << 10;

/// A line with a place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Linked {
    start: u64,
    /// Behind its LF.
    end: u64,
    seq: u64,
}

/// Where a cursor points to. A place that retention removed is the start of what is left; one behind the end is the
/// end.
pub(super) fn resolve(parts: &Parts, cursor: Cursor) -> Result<Point, AuditError> {
    match cursor.0 {
        Place::After(0) => Ok(Point::START),
        Place::After(seq) => by_seq(parts, seq, true),
        Place::Before(seq) => by_seq(parts, seq, false),
        Place::At(name, offset) => by_name(parts, name, offset),
    }
}

fn by_name(parts: &Parts, wanted: PartName, offset: u64) -> Result<Point, AuditError> {
    for part in 0..parts.len() {
        let name = name_of(parts, part)?;
        if name >= wanted {
            return Ok(Point { part, offset: if name == wanted { offset } else { 0 } });
        }
    }
    Ok(Point::END)
}

/// Right after the record with a number, or right before it.
fn by_seq(parts: &Parts, seq: u64, after: bool) -> Result<Point, AuditError> {
    let mut oldest = Point::START;
    for part in (0..parts.len()).rev() {
        if parts.first_seq_by_name(part).is_some_and(|first| first > seq) {
            oldest = Point { part, offset: 0 };
            continue;
        }
        let unreadable = |cause| AuditError::Read { path: parts.path(part).to_owned(), cause };
        let (first, found) = match parts.open(part)? {
            Opened::Gone => continue,
            Opened::Text(file, length) => {
                let first = first_seq_of(&file, length).map_err(unreadable)?;
                if first == 0 {
                    continue;
                }
                let found = if first <= seq { first_from(&file, length, seq) } else { Ok(None) };
                (first, found.map_err(unreadable)?.map_or(Sought::End(length), Sought::Line))
            }
            Opened::Sealed(segment) => {
                let blocks = segment.index.groups().iter().flat_map(|group| &group.blocks);
                let Some(first) = blocks.map(|block| block.first_seq).find(|first| *first > 0) else { continue };
                (first, in_segment(&segment, seq).map_err(unreadable)?)
            }
        };
        if first > seq {
            oldest = Point { part, offset: 0 };
            continue;
        }
        let offset = match found {
            Sought::Line(line) if after && line.seq == seq => line.end,
            Sought::Line(line) => line.start,
            Sought::End(length) => length,
        };
        return Ok(Point { part, offset });
    }
    Ok(oldest)
}

/// The first line with a number that is large enough, or the end.
enum Sought {
    Line(Linked),
    End(u64),
}

/// The first line of a text with this number or a larger one.
fn first_from(file: &Arc<File>, length: u64, seq: u64) -> io::Result<Option<Linked>> {
    let (mut low, mut high) = (0, length);
    while high.saturating_sub(low) > NEAR {
        let middle = low.midpoint(high);
        match next_linked(file, middle, high, length)? {
            Some(line) if line.seq < seq => low = line.end,
            // Lines without a place belong to those before them.
            Some(_) | None => high = middle,
        }
    }
    let mut at = low;
    while let Some(line) = next_linked(file, at, length, length)? {
        if line.seq >= seq {
            return Ok(Some(line));
        }
        at = line.end;
    }
    Ok(None)
}

/// The first line with a place that begins from `from` on and before `to`.
fn next_linked(file: &Arc<File>, from: u64, to: u64, length: u64) -> io::Result<Option<Linked>> {
    let mut chunks = Chunks::new(Arc::clone(file), from.saturating_sub(1), length, Direction::Forward).small();
    if from > 0 {
        // It tells nothing before the first LF: that of the line before, when `from` is where a line begins.
        chunks = chunks.within_a_line();
    }
    while let Some(chunk) = chunks.next()? {
        if chunk.at >= to {
            return Ok(None);
        }
        if let Some(line) = first_linked(chunk, chunk.at) {
            return Ok(Some(line).filter(|line| line.start < to));
        }
    }
    Ok(None)
}

fn first_linked(chunk: Chunk<'_>, at: u64) -> Option<Linked> {
    linked_lines(chunk, at).next()
}

fn linked_lines(chunk: Chunk<'_>, at: u64) -> impl Iterator<Item = Linked> {
    lines(chunk).filter_map(move |(start, line)| {
        let line = line?;
        let link = Link::of(line.trim_ascii_end())?;
        let start = at + start as u64;
        Some(Linked { start, end: start + line.len() as u64 + 1, seq: link.seq })
    })
}

fn in_segment(segment: &Segment, seq: u64) -> io::Result<Sought> {
    let mut blocks = segment.index.groups().iter().flat_map(|group| &group.blocks);
    let Some(entry) = blocks.find(|block| block.last_seq >= seq) else {
        return Ok(Sought::End(segment.text_length()));
    };
    let mut block = Block::new();
    if !block.read(&segment.gz, entry)? {
        // Nothing in it can be told any more.
        let (start, end) = (entry.text_at, entry.text_at + u64::from(entry.text_length));
        return Ok(Sought::Line(Linked { start, end, seq }));
    }
    let chunk = Chunk { at: 0, text: &block.text, head_cut: false, tail_cut: false };
    let found = linked_lines(chunk, entry.text_at).find(|line| line.seq >= seq);
    Ok(found.map_or(Sought::End(entry.text_at + u64::from(entry.text_length)), Sought::Line))
}

/// The name of a part. The live file gets it from the first number in it; until there is one, from the one that
/// comes next.
fn name_of(parts: &Parts, part: usize) -> Result<PartName, AuditError> {
    let unreadable = |cause| AuditError::Read { path: parts.path(part).to_owned(), cause };
    if let Some(name) = parts.name(part).map_err(unreadable)? {
        return Ok(name);
    }
    for before in (0..part).rev() {
        let last = last_seq_of(parts, before)?;
        if last > 0 {
            return Ok(PartName::From(last.saturating_add(1)));
        }
    }
    Ok(PartName::From(1))
}

/// Last number in a part; 0 when there is none.
fn last_seq_of(parts: &Parts, part: usize) -> Result<u64, AuditError> {
    let unreadable = |cause| AuditError::Read { path: parts.path(part).to_owned(), cause };
    match parts.open(part)? {
        Opened::Gone => Ok(0),
        Opened::Text(file, length) => {
            let mut chunks = Chunks::new(file, 0, length, Direction::Backward).small();
            while let Some(chunk) = chunks.next().map_err(unreadable)? {
                if let Some(line) = linked_lines(chunk, chunk.at).last() {
                    return Ok(line.seq);
                }
            }
            Ok(0)
        }
        Opened::Sealed(segment) => {
            let blocks = segment.index.groups().iter().flat_map(|group| &group.blocks);
            Ok(blocks.map(|block| block.last_seq).max().unwrap_or(0))
        }
    }
}

/// The end of the log, behind its last whole line.
pub(super) fn end(parts: &Parts) -> Result<(Cursor, Point), AuditError> {
    for part in (0..parts.len()).rev() {
        let Some((seq, offset)) = end_of(parts, part)? else { continue };
        let place = match seq {
            0 => Place::At(name_of(parts, part)?, offset),
            seq => Place::After(seq),
        };
        return Ok((Cursor(place), Point { part, offset }));
    }
    Ok((Cursor::START, Point::START))
}

/// Where the last whole line of a part ends, and its number; 0 when it has none. None without any line.
fn end_of(parts: &Parts, part: usize) -> Result<Option<(u64, u64)>, AuditError> {
    let unreadable = |cause| AuditError::Read { path: parts.path(part).to_owned(), cause };
    let seq_of = |line: &[u8]| Link::of(line.trim_ascii_end()).map(|link| link.seq);
    match parts.open(part)? {
        Opened::Gone => Ok(None),
        Opened::Text(file, length) => {
            let tail = Tail::of(&file, length).map_err(unreadable)?;
            Ok(match (seq_of(&tail.torn), tail.line) {
                (Some(torn), _) => Some((torn, length)),
                (None, Some(line)) => Some((seq_of(&line).unwrap_or(0), tail.end)),
                (None, None) => None,
            })
        }
        Opened::Sealed(segment) => {
            let blocks = segment.index.groups().iter().flat_map(|group| &group.blocks);
            let Some(entry) = blocks.last() else { return Ok(None) };
            let mut block = Block::new();
            let is_read = block.read(&segment.gz, entry).map_err(unreadable)?;
            let text = if is_read { block.text.trim_ascii_end() } else { &[] };
            let line = &text[memrchr(b'\n', text).map_or(0, |before| before + 1)..];
            Ok(Some((seq_of(line).unwrap_or(0), segment.text_length())))
        }
    }
}

/// The place right after a record.
pub(super) fn after(parts: &Parts, piece: &Piece<'_>, hit: Hit) -> Result<Cursor, AuditError> {
    let rest = piece.text.get(hit.end..).unwrap_or_default();
    let (line_end, line_start) = ends_of_line(piece.text, hit);
    let is_last = rest[..line_end - hit.end].trim_ascii().is_empty();
    match Link::of(piece.text[line_start..line_end].trim_ascii_end()) {
        Some(link) if is_last => Ok(Cursor(Place::After(link.seq))),
        _ => at(parts, piece, hit.end),
    }
}

/// The place right before a record.
pub(super) fn before(parts: &Parts, piece: &Piece<'_>, hit: Hit) -> Result<Cursor, AuditError> {
    let (line_end, line_start) = ends_of_line(piece.text, hit);
    let is_first = piece.text[line_start..hit.start].trim_ascii().is_empty();
    match Link::of(piece.text[line_start..line_end].trim_ascii_end()) {
        Some(link) if is_first => Ok(Cursor(Place::Before(link.seq))),
        _ => at(parts, piece, hit.start),
    }
}

fn ends_of_line(text: &[u8], hit: Hit) -> (usize, usize) {
    let end = memchr(b'\n', &text[hit.end..]).map_or(text.len(), |more| hit.end + more);
    let start = memrchr(b'\n', &text[..hit.start]).map_or(0, |before| before + 1);
    (end, start)
}

fn at(parts: &Parts, piece: &Piece<'_>, offset: usize) -> Result<Cursor, AuditError> {
    Ok(Cursor(Place::At(name_of(parts, piece.part)?, piece.at + offset as u64)))
}
