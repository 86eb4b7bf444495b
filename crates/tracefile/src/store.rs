//! Queries over the folder: the file that is written and those put aside, newest first. It needs no running instance,
//! and it takes no lock: files that are put aside, compressed or removed meanwhile are read in whatever form they have.

use crate::convert::merge_spans;
use crate::index::{INDEX_MAX, Index, Row, hash, hash_of_trace};
use crate::lines::{Backwards, reversed};
use crate::names::{LIVE, Segment, segments};
use crate::query::{Hints, ListQuery};
use crate::{decode, pack};
use memchr::{memchr, memmem};
use open_cli_contract::Timestamp;
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::TraceId;
use open_cli_contract::traces::{SpanRecord, TraceSummary};
use open_cli_files::{Durability, FileError, read_bounded, replace};
use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most spans of one trace that are given back.
pub const FOUND_MAX: usize = 16 * 1024;

/// Traces kept in a folder.
#[derive(Debug, Clone)]
pub struct TraceStore {
    directory: PathBuf,
}

/// What a walk looks for. Rows and lines that are let pass may still be something else.
struct Wanted<'a> {
    row: &'a dyn Fn(&Row) -> bool,
    line: &'a dyn Fn(&[u8]) -> bool,
    since: Option<Timestamp>,
}

impl TraceStore {
    /// The traces in this folder, e.g. `<stateDir>/traces`. It need not exist.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Spans of the trace with this id, or of the trace of the newest request with this id, by start time. Empty when
    /// there is none. At most [`FOUND_MAX`]. Blocks.
    ///
    /// # Errors
    /// When the folder or the file being written can't be read. A damaged line or file costs what is in it only.
    pub fn find(&self, id: &str) -> Result<Vec<SpanRecord>, FileError> {
        if let Some(trace) = TraceId::parse(&id.to_ascii_lowercase()) {
            let found = self.spans_of(trace)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let Some(request) = RequestId::parse(id) else { return Ok(Vec::new()) };
        match self.trace_of(request.as_str())? {
            Some(trace) => self.spans_of(trace),
            None => Ok(Vec::new()),
        }
    }

    /// Summaries of the traces that are asked for, newest first: those that ended last, by their beginning. Blocks.
    ///
    /// # Errors
    /// As [`TraceStore::find`].
    pub fn list(&self, query: &ListQuery<'_>) -> Result<Vec<TraceSummary>, FileError> {
        let limit = query.limit();
        let hints = Hints::new(*query);
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let wanted = Wanted { row: &|row| hints.row(row), line: &|line| hints.line(line), since: query.since };
        if limit > 0 {
            self.walk(&wanted, |line| {
                for (root, spans) in decode::roots(line) {
                    // A file that was put aside in the meantime is met twice.
                    if query.accepts(&root) && seen.insert(root.span_id) {
                        found.push(TraceSummary::of(&root, spans));
                    }
                }
                if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        found.sort_by_key(|summary| Reverse(summary.started_at));
        found.truncate(limit);
        Ok(found)
    }

    fn spans_of(&self, trace: TraceId) -> Result<Vec<SpanRecord>, FileError> {
        let (hashed, needle) = (hash_of_trace(trace), format!("\"{trace}\""));
        let needle = memmem::Finder::new(&needle);
        let mut found = Vec::new();
        let wanted =
            Wanted { row: &|row| row.trace == hashed, line: &|line| needle.find(line).is_some(), since: None };
        self.walk(&wanted, |line| {
            let spans = decode::spans(line).unwrap_or_default();
            found.extend(spans.into_iter().filter(|span| span.trace_id == trace));
            if found.len() < FOUND_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        found.truncate(FOUND_MAX);
        Ok(merge_spans(found, Vec::new()))
    }

    fn trace_of(&self, request: &str) -> Result<Option<TraceId>, FileError> {
        let (hashed, needle) = (hash(request.as_bytes()), format!("\"{request}\""));
        let needle = memmem::Finder::new(&needle);
        let mut found = None;
        let wanted =
            Wanted { row: &|row| row.request == hashed, line: &|line| needle.find(line).is_some(), since: None };
        self.walk(&wanted, |line| {
            let spans = decode::spans(line).unwrap_or_default();
            found = spans.iter().find(|span| span.request_id() == Some(request)).map(|span| span.trace_id);
            if found.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(found)
    }

    /// Tells the lines that may be wanted, newest first.
    fn walk(&self, wanted: &Wanted<'_>, mut tell: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), FileError> {
        let path = self.directory.join(LIVE);
        // Opened before the folder is looked at: what is put aside in between is met twice, and never missed.
        let live = open(&path).map_err(|cause| FileError::Read { path: path.clone(), cause })?;
        let live_inode = live.as_ref().and_then(inode);
        if let Some(file) = live
            && walk_plain(&file, wanted, &mut tell).map_err(|cause| FileError::Read { path, cause })?.is_break()
        {
            return Ok(());
        }
        let unreadable = |cause| FileError::Read { path: self.directory.clone(), cause };
        for segment in segments(&self.directory).map_err(unreadable)? {
            // The name has whole seconds.
            let is_too_old = wanted.since.is_some_and(|since| segment.at.as_second() + 1 < since.as_second());
            if is_too_old {
                continue;
            }
            match walk_segment(&segment, live_inode, wanted, &mut tell) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(()),
                Err(cause) => tracing::warn!(file = %segment.packed().display(), %cause, "traces can't be read"),
            }
        }
        Ok(())
    }
}

fn walk_segment(
    segment: &Segment,
    live: Option<(u64, u64)>,
    wanted: &Wanted<'_>,
    tell: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    if let Some(packed) = open(&segment.packed())? {
        return walk_packed(segment, &packed, wanted, tell);
    }
    if let Some(plain) = open(&segment.plain())? {
        let is_known = live.is_some() && inode(&plain) == live;
        return if is_known { Ok(ControlFlow::Continue(())) } else { walk_plain(&plain, wanted, tell) };
    }
    // Compressed between the two looks, or removed.
    match open(&segment.packed())? {
        Some(packed) => walk_packed(segment, &packed, wanted, tell),
        None => Ok(ControlFlow::Continue(())),
    }
}

fn walk_plain(
    file: &File,
    wanted: &Wanted<'_>,
    tell: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let mut blocks = Backwards::new(file)?;
    while let Some(block) = blocks.next_block()? {
        for line in reversed(block) {
            if (wanted.line)(line) && tell(line).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn walk_packed(
    segment: &Segment,
    packed: &File,
    wanted: &Wanted<'_>,
    tell: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let index = index(segment, packed)?;
    let (mut unpacked, mut raw, mut told) = (None, Vec::new(), None);
    for row in index.rows().rev().filter(|row| (wanted.row)(row)) {
        if told.replace((row.member, row.offset)) == Some((row.member, row.offset)) {
            continue;
        }
        if unpacked != Some(row.member) {
            let Some(member) = index.member(row.member) else { continue };
            pack::unpack(packed, member, &mut raw)?;
            unpacked = Some(row.member);
        }
        let rest = raw.get(row.offset as usize..).unwrap_or_default();
        let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        if tell(line).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The index of a packed file; made anew, and kept if that is possible, when there is no good one.
pub(crate) fn index(segment: &Segment, packed: &File) -> io::Result<Index> {
    let length = packed.metadata()?.len();
    let path = segment.index();
    let kept = read_bounded(&path, INDEX_MAX).ok().and_then(|bytes| Index::parse(bytes, length));
    if let Some(index) = kept {
        return Ok(index);
    }
    let index = pack::index_of(packed)?;
    if segment.packed().exists() {
        // A reader of a stopped instance may not be allowed to write; then it is slower.
        let _ = replace(&path, index.bytes(), Durability::Unsynced);
    }
    Ok(index)
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn inode(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|found| (found.dev(), found.ino()))
}
