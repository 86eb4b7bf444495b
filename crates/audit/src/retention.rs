//! Removing the oldest segments when the log is too large or they are too old. A signed anchor is written first, so
//! that what retention removed can be told from what somebody else removed, and the chain can be checked from there.

use crate::AuditError;
use crate::layout::{Form, Segment};
use crate::recover::end_of;
use crate::seal::Room;
use crate::statement::{self, Anchor, Found, SegmentStatement};
use open_cli_contract::Timestamp;
use open_cli_files::Durability;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Removes what is too much or too old.
pub(crate) fn apply(room: &Room) -> Result<(), AuditError> {
    let segments = room.layout.segments().map_err(unlisted(room))?;
    remove_orphans(room, &segments)?;
    let doomed = doomed(room, &segments)?;
    let Some(newest) = doomed.last() else { return Ok(()) };
    // The end of the newest that has a place in the chain; files of the older naming may have none.
    let mut end = end_of(&room.layout, newest, &room.keys)?;
    if end.is_none() {
        for segment in doomed.iter().rev().skip(1) {
            end = end_of(&room.layout, segment, &room.keys)?;
            if end.is_some() {
                break;
            }
        }
    }
    if let Some(end) = end {
        let anchor = Anchor { last_seq: end.seq, last_hash: end.hash, time: Timestamp::now() };
        let before = statement::read::<Anchor>(&room.layout.anchor(), &room.keys)?.good();
        if before.is_none_or(|before| before.last_seq < anchor.last_seq) {
            statement::write(&room.layout.anchor(), &anchor, &room.key, Durability::Synced)?;
        }
    }
    for segment in doomed {
        for path in files_of(room, segment) {
            remove(&path)?;
        }
        room.stats.segments_removed.add(1);
        tracing::info!(path = %segment.path.display(), "a segment of the audit log is removed by retention");
    }
    Ok(())
}

fn unlisted(room: &Room) -> impl Fn(io::Error) -> AuditError {
    let path = room.layout.directory().to_owned();
    move |cause| AuditError::Read { path: path.clone(), cause }
}

/// The oldest segments that have to go. A text that is not sealed yet ends them.
fn doomed<'a>(room: &Room, segments: &'a [Segment]) -> Result<&'a [Segment], AuditError> {
    let bytes_of = |segment: &Segment| files_of(room, segment).iter().map(|path| bytes(path)).sum::<u64>();
    let sizes: Vec<u64> = segments.iter().map(bytes_of).collect();
    let mut total = bytes(room.layout.live()) + sizes.iter().sum::<u64>();
    let (now, mut count) = (Timestamp::now(), 0);
    for (segment, size) in segments.iter().zip(sizes) {
        let is_too_much = room.options.retain_bytes.is_some_and(|most| total > most);
        let is_too_old = match room.options.retain_age {
            Some(most) => age(room, segment, now)?.is_some_and(|age| age > most),
            None => false,
        };
        if segment.form == Form::Pending || !(is_too_much || is_too_old) {
            break;
        }
        total -= size;
        count += 1;
    }
    Ok(&segments[..count])
}

fn bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// Time since the last record of a segment, as it says, or else since its file was changed.
fn age(room: &Room, segment: &Segment, now: Timestamp) -> Result<Option<Duration>, AuditError> {
    if segment.form == Form::Sealed {
        let path = room.layout.statement(segment.first_seq);
        if let Found::Good(SegmentStatement { to: Some(to), .. }) = statement::read(&path, &room.keys)? {
            return Ok(Duration::try_from(now.duration_since(to)).ok());
        }
    }
    Ok(std::fs::metadata(&segment.path).and_then(|found| found.modified()).ok().and_then(|at| at.elapsed().ok()))
}

/// The text or the compressed file first: without it, the others are leftovers.
fn files_of(room: &Room, segment: &Segment) -> Vec<PathBuf> {
    let mut files = vec![segment.path.clone()];
    if segment.form == Form::Sealed {
        files.push(room.layout.index(segment.first_seq));
        files.push(room.layout.statement(segment.first_seq));
    }
    files
}

/// Removes what a crash in the middle of a removal left.
fn remove_orphans(room: &Room, segments: &[Segment]) -> Result<(), AuditError> {
    let Some(anchor) = statement::read::<Anchor>(&room.layout.anchor(), &room.keys)?.good() else { return Ok(()) };
    for (extension, path) in
        [("idx", crate::layout::Layout::index as fn(&_, _) -> _), ("sig", crate::layout::Layout::statement)]
    {
        for first_seq in room.layout.first_seqs(extension).map_err(unlisted(room))? {
            let is_used = segments.iter().any(|segment| segment.first_seq == first_seq);
            if first_seq <= anchor.last_seq && !is_used {
                remove(&path(&room.layout, first_seq))?;
            }
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), AuditError> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(AuditError::Write { path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}
