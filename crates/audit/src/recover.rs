//! Where a log stands when it is opened: its torn end is cut off, its last record is found by reading its end only,
//! and both are compared with the signed head.
//!
//! Not for checking the whole log (see `verify`).

use crate::AuditError;
use crate::chain::{Hash, Link, Position};
use crate::key::PublicKey;
use crate::layout::{Form, Layout, Segment};
use crate::sealed::Blocks;
use crate::statement::{self, Anchor, Found, Head, SegmentStatement};
use crate::tail::{Tail, piece};
use memchr::{memchr, memrchr};
use open_cli_contract::Timestamp;
use open_cli_files::append_private;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};

/// From this size on, the file of torn pieces is begun anew.
const TORN_MAX: u64 = 16 << 20;
/// How much of the live file is read to find its first line.
const FIRST_LINE_MAX: u64 = 2 * crate::LINE_MAX as u64;

/// How far from the end of the live file its last record is looked for, when other lines follow it.
const FOREIGN_MAX: u64 = 4 << 20;

/// A sign that somebody else changed the log. [`crate::verify()`] tells more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tampering {
    /// Records that the signed head knows are gone.
    Truncated {
        /// The first that is missing.
        from: u64,
        /// The last that is missing.
        to: u64,
    },
    /// A record is not the one that the signed head knows.
    Altered {
        /// Which.
        seq: u64,
    },
    /// There are records and no signed head.
    HeadMissing,
    /// The head is there, and nobody we trust signed it.
    HeadInvalid {
        /// What is wrong with it.
        reason: String,
    },
    /// There are records and the key was gone, so there is a new one.
    KeyMissing,
    /// The last line was not written by us.
    ForeignLine,
}

impl Tampering {
    /// Stable word, used in the record of it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "audit_truncated",
            Self::Altered { .. } => "audit_altered",
            Self::HeadMissing => "audit_head_missing",
            Self::HeadInvalid { .. } => "audit_head_invalid",
            Self::KeyMissing => "audit_key_missing",
            Self::ForeignLine => "audit_foreign_line",
        }
    }
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { from, to } => write!(f, "records {from} to {to} were removed from its end"),
            Self::Altered { seq } => write!(f, "record {seq} is not the one that the signed head knows"),
            Self::HeadMissing => f.write_str("its signed head was removed"),
            Self::HeadInvalid { reason } => write!(f, "its signed head is not valid: {reason}"),
            Self::KeyMissing => f.write_str("its key was removed; there is a new one now"),
            Self::ForeignLine => {
                f.write_str("its last line was not written by this program, or by an older version")
            }
        }
    }
}

/// Where the log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// Last record.
    pub(crate) position: Position,
    /// First record of the live file that has a number.
    pub(crate) first_seq: Option<u64>,
    /// Bytes of the live file.
    pub(crate) size: u64,
    /// Time of the first record of the live file.
    pub(crate) begun: Option<Timestamp>,
    /// The live file ends with a line without a place in the chain.
    pub(crate) ends_unchained: bool,
}

/// Cuts off what is no whole line at the end of a file, and keeps it beside the log. A whole record that only lacks
/// its LF gets it. Returns the new length, and whether there was anything to do. Only for who holds the lock.
pub(crate) fn repair_end(layout: &Layout, live: &File, length: u64) -> io::Result<(u64, bool)> {
    let tail = Tail::of(live, length)?;
    if tail.torn.is_empty() {
        return Ok((length, false));
    }
    let is_chained = |line: &[u8]| Link::of(line).is_some();
    let is_wanted = is_chained(&tail.torn) || !tail.line.as_deref().is_some_and(is_chained);
    let is_record = tail.torn.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(&tail.torn).is_ok();
    if is_wanted && is_record {
        let mut live = live;
        live.write_all(b"\n")?;
        return Ok((length + 1, true));
    }
    // The piece was never acknowledged: to go on matters more than to keep it.
    if let Err(error) = keep_torn(layout, &tail.torn) {
        tracing::warn!(%error, path = %layout.torn().display(), "a torn audit record is cut off and not kept");
    }
    live.set_len(tail.end)?;
    Ok((tail.end, true))
}

fn keep_torn(layout: &Layout, torn: &[u8]) -> Result<(), AuditError> {
    let path = layout.torn();
    let failed = |cause| AuditError::Write { path: path.clone(), cause };
    let mut file = append_private(&path)?;
    if file.metadata().map_err(failed)?.len() > TORN_MAX {
        file.set_len(0).map_err(failed)?;
    }
    file.write_all(&[torn, b"\n"].concat()).map_err(failed)
}

/// Finds the last record from what is on disk.
pub(crate) fn place(layout: &Layout, live: &File, size: u64, keys: &[PublicKey]) -> Result<Place, AuditError> {
    let unreadable = |cause| AuditError::Read { path: layout.live().to_owned(), cause };
    let tail = Tail::of(live, size).map_err(unreadable)?;
    let first_line = first_line(live, size).map_err(unreadable)?;
    let mut place = Place { size, begun: first_line.as_deref().and_then(time_of), ..Place::default() };
    place.ends_unchained = tail.line.as_deref().is_some_and(|line| Link::of(line).is_none());
    let last = match place.ends_unchained {
        true => last_before_others(live, size).map_err(unreadable)?,
        false => tail.line.as_deref().and_then(position_of),
    };
    if let Some(position) = last {
        place.position = position;
        // A chain that begins within a file is one that was begun in it.
        place.first_seq = first_line.as_deref().and_then(Link::of).map(|link| link.seq).or(Some(1));
        return Ok(place);
    }
    place.position = match before_live(layout, keys)? {
        Some(position) if position.seq > 0 || tail.line.is_none() => position,
        _ => Position { seq: 0, hash: tail.line.map_or(Hash::ZERO, |line| Hash::of(&line)) },
    };
    Ok(place)
}

/// The last record before lines that somebody else added.
fn last_before_others(live: &File, size: u64) -> io::Result<Option<Position>> {
    let start = size.saturating_sub(FOREIGN_MAX);
    let text = piece(live, start, size)?;
    // The first piece may be a part of a line only.
    let lines = if start > 0 { memchr(b'\n', &text).map_or(&[][..], |end| &text[end..]) } else { &text };
    Ok(lines.rsplit(|byte| *byte == b'\n').find_map(position_of))
}

fn position_of(line: &[u8]) -> Option<Position> {
    Link::of(line).map(|link| Position { seq: link.seq, hash: Hash::of(line) })
}

/// The first line of a file. None when it has none, or one that is too long.
pub(crate) fn first_line(live: &File, size: u64) -> io::Result<Option<Vec<u8>>> {
    let mut window = 4 << 10;
    loop {
        let text = piece(live, 0, size.min(window))?;
        match memchr(b'\n', &text) {
            Some(end) => return Ok(Some(text[..end].to_vec())),
            None if window >= size.min(FIRST_LINE_MAX) => return Ok(None),
            None => window *= 8,
        }
    }
}

#[derive(Deserialize)]
struct Timed {
    timestamp: Timestamp,
}

fn time_of(line: &[u8]) -> Option<Timestamp> {
    serde_json::from_slice::<Timed>(line).ok().map(|timed| timed.timestamp)
}

/// The last record before the live file.
fn before_live(layout: &Layout, keys: &[PublicKey]) -> Result<Option<Position>, AuditError> {
    let segments =
        layout.segments().map_err(|cause| AuditError::Read { path: layout.directory().into(), cause })?;
    let newest = |wanted: fn(&Form) -> bool| segments.iter().rfind(|segment| wanted(&segment.form));
    let mut found = Vec::new();
    let newest_of_each =
        [newest(|form| matches!(form, Form::Numbered(_))), newest(|form| !matches!(form, Form::Numbered(_)))];
    for segment in newest_of_each.into_iter().flatten() {
        found.extend(end_of(layout, segment, keys)?);
    }
    if let Found::Good(anchor) = statement::read::<Anchor>(&layout.anchor(), keys)? {
        found.push(anchor.position());
    }
    Ok(found.into_iter().max_by_key(|position| position.seq))
}

/// The last record of a segment.
pub(crate) fn end_of(
    layout: &Layout,
    segment: &Segment,
    keys: &[PublicKey],
) -> Result<Option<Position>, AuditError> {
    let unreadable = |cause| AuditError::Read { path: segment.path.clone(), cause };
    match segment.form {
        Form::Numbered(_) | Form::Pending => {
            let file = File::open(&segment.path).map_err(unreadable)?;
            let length = file.metadata().map_err(unreadable)?.len();
            let Some(line) = Tail::of(&file, length).map_err(unreadable)?.line else { return Ok(None) };
            let position = position_of(&line);
            Ok(match segment.form {
                // The chain never begins after a file of the older naming.
                Form::Numbered(_) => position,
                _ => position.or(Some(Position { seq: 0, hash: Hash::of(&line) })),
            })
        }
        Form::Sealed => {
            let path = layout.statement(segment.first_seq);
            if let Found::Good(statement) = statement::read::<SegmentStatement>(&path, keys)? {
                return Ok(Some(statement.last()));
            }
            last_in_blocks(Blocks::open(&segment.path)?).map_err(unreadable)
        }
    }
}

/// The last record, from the text itself.
fn last_in_blocks(mut blocks: Blocks) -> io::Result<Option<Position>> {
    let mut last = None;
    while let Some(block) = blocks.next()? {
        let Some((text, _)) = block.text else { continue };
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let line = memrchr(b'\n', text).map_or(text, |at| &text[at + 1..]);
        last = position_of(line).or(last);
    }
    Ok(last)
}

/// Compares what is there with what the head says, and says where the chain goes on: never at a place that would
/// hide what is missing.
pub(crate) fn check_head(
    head: &Found<Head>,
    place: &Place,
    live: &File,
) -> io::Result<(Vec<Tampering>, Position)> {
    let (mut found, mut position) = (Vec::new(), place.position);
    match head {
        Found::Missing if position.seq > 0 => found.push(Tampering::HeadMissing),
        Found::Missing => {}
        Found::Bad(reason) => found.push(Tampering::HeadInvalid { reason: reason.clone() }),
        Found::Good(head) => {
            if head.seq > position.seq {
                found.push(Tampering::Truncated { from: position.seq + 1, to: head.seq });
                position = head.position();
            } else if head.seq == position.seq {
                if head.seq > 0 && head.hash != position.hash {
                    found.push(Tampering::Altered { seq: head.seq });
                    position = head.position();
                }
            } else if head.seq > 0 && place.first_seq == Some(head.first_seq) {
                let line = Tail::of(live, head.size.min(place.size))?.line;
                if line.as_deref().and_then(position_of) != Some(head.position()) {
                    found.push(Tampering::Altered { seq: head.seq });
                }
            }
        }
    }
    if place.ends_unchained && position.seq > 0 {
        found.push(Tampering::ForeignLine);
    }
    Ok((found, position))
}
