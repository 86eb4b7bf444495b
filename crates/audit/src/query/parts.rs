//! The parts of a log at one moment, oldest first, each exactly once while lines are added, the live file is put
//! aside, text is compressed and old segments are removed.
//!
//! Only the live file is opened at once: it alone can go over into something else under the same name. The others
//! keep their names until retention removes them, so they are opened when they are reached; one that is gone by
//! then is no longer part of the log.

use super::cursor::PartName;
use crate::AuditError;
use crate::chain::Link;
use crate::index::{self, Index};
use crate::layout::{Form, Layout};
use crate::scan::{Chunks, Direction, lines, read_at};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often the list of parts is made anew when the live file was put aside meanwhile.
const ATTEMPTS: usize = 16;
/// How often to look for the end of a line that is being written.
const LOOKS: usize = 64;

/// The log at one moment.
#[derive(Debug)]
pub(super) struct Parts {
    layout: Layout,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    /// Text of the older naming; the number tells its age.
    Numbered(u16, PathBuf),
    /// Text or compressed, by its first sequence number.
    Segment(u64),
    /// The live file and its length.
    Live(Arc<File>, u64),
}

/// A part that can be read.
pub(super) enum Opened {
    /// Text of some length.
    Text(Arc<File>, u64),
    /// A compressed segment.
    Sealed(Segment),
    /// It was removed.
    Gone,
}

/// A compressed segment, opened.
pub(super) struct Segment {
    pub(super) gz: Arc<File>,
    pub(super) index: Index,
    gz_path: PathBuf,
    idx_path: PathBuf,
}

impl Segment {
    /// Makes the index anew, because a part of it that is only checked when it is read is damaged.
    pub(super) fn rebuild(&mut self) -> io::Result<()> {
        // A failed removal shows as an index that is damaged again.
        let _ = std::fs::remove_file(&self.idx_path);
        self.index = index::open_or_rebuild(&self.gz, &self.gz_path, &self.idx_path).map_err(io::Error::other)?;
        Ok(())
    }

    /// Length of its text.
    pub(super) fn text_length(&self) -> u64 {
        let last = self.index.groups().iter().flat_map(|group| &group.blocks).next_back();
        last.map_or(0, |block| block.text_at + u64::from(block.text_length))
    }
}

impl Parts {
    /// The log as it is now.
    pub(super) fn of(layout: &Layout) -> Result<Self, AuditError> {
        Self::take(layout).map_err(|cause| AuditError::Read { path: layout.live().to_owned(), cause })
    }

    /// The live file alone.
    pub(super) fn live_only(layout: &Layout) -> Result<Self, AuditError> {
        let live =
            live_of(layout.live()).map_err(|cause| AuditError::Read { path: layout.live().to_owned(), cause })?;
        let parts = live.into_iter().map(|(file, length, _)| Part::Live(file, length)).collect();
        Ok(Self { layout: layout.clone(), parts })
    }

    fn take(layout: &Layout) -> io::Result<Self> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let live = live_of(layout.live())?;
            let segments = layout.segments()?;
            let then = live.as_ref().map(|(_, _, identity)| *identity);
            let now = if_there(std::fs::metadata(layout.live()))?.filter(std::fs::Metadata::is_file);
            if then != now.map(|found| (found.dev(), found.ino())) && attempt < ATTEMPTS {
                // It was put aside in between, and may be in the list too, or in neither.
                continue;
            }
            let mut parts: Vec<_> = segments
                .into_iter()
                .map(|segment| match segment.form {
                    Form::Numbered(number) => Part::Numbered(number, segment.path),
                    Form::Pending | Form::Sealed => Part::Segment(segment.first_seq),
                })
                .collect();
            parts.extend(live.map(|(file, length, _)| Part::Live(file, length)));
            return Ok(Self { layout: layout.clone(), parts });
        }
    }

    /// First sequence number of the live file when it is all there is.
    pub(super) fn first_seq_of_live(&self) -> Option<u64> {
        match &self.parts[..] {
            [Part::Live(file, length)] => first_seq_of(file, *length).ok().filter(|first| *first > 0),
            _ => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// First sequence number of a part as far as its name tells; None when it does not.
    pub(super) fn first_seq_by_name(&self, part: usize) -> Option<u64> {
        match self.parts.get(part)? {
            Part::Segment(first) => Some(*first).filter(|first| *first > 0),
            Part::Numbered(..) | Part::Live(..) => None,
        }
    }

    /// Where a part is, for messages.
    pub(super) fn path(&self, part: usize) -> &Path {
        match self.parts.get(part) {
            Some(Part::Numbered(_, path)) => path,
            _ => self.layout.live(),
        }
    }

    /// The name of a part that it keeps. None for a live file without a record that has a number: it gets its name
    /// with the next one.
    pub(super) fn name(&self, part: usize) -> io::Result<Option<PartName>> {
        Ok(match self.parts.get(part) {
            Some(Part::Numbered(number, _)) => Some(PartName::Numbered(u16::MAX - number)),
            Some(Part::Segment(first)) => Some(PartName::From(*first)),
            Some(Part::Live(file, length)) => {
                Some(first_seq_of(file, *length)?).filter(|first| *first > 0).map(PartName::From)
            }
            None => Some(PartName::From(u64::MAX)),
        })
    }

    /// Opens a part.
    pub(super) fn open(&self, part: usize) -> Result<Opened, AuditError> {
        let unreadable = |cause| AuditError::Read { path: self.path(part).to_owned(), cause };
        match self.parts.get(part) {
            None => Ok(Opened::Gone),
            Some(Part::Live(file, length)) => Ok(Opened::Text(Arc::clone(file), *length)),
            Some(Part::Numbered(_, path)) => text(path).map_err(unreadable),
            Some(Part::Segment(first)) => {
                let (pending, sealed) = (self.layout.pending(*first), self.layout.sealed(*first));
                // The text is removed when its compressed copy is there, so one of the two is.
                if let Opened::Text(file, length) = text(&pending).map_err(unreadable)? {
                    return Ok(Opened::Text(file, length));
                }
                let Some(gz) = if_there(File::open(&sealed)).map_err(unreadable)? else {
                    return Ok(Opened::Gone);
                };
                let (gz, idx_path) = (Arc::new(gz), self.layout.index(*first));
                let index = index::open_or_rebuild(&gz, &sealed, &idx_path)?;
                Ok(Opened::Sealed(Segment { gz, index, gz_path: sealed, idx_path }))
            }
        }
    }
}

fn text(path: &Path) -> io::Result<Opened> {
    match if_there(File::open(path))? {
        Some(file) => {
            let length = file.metadata()?.len();
            Ok(Opened::Text(Arc::new(file), length))
        }
        None => Ok(Opened::Gone),
    }
}

fn if_there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

type Live = (Arc<File>, u64, (u64, u64));

/// The live file, its length and which file it is. A device or a pipe takes events and never gives them back.
fn live_of(path: &Path) -> io::Result<Option<Live>> {
    if !if_there(std::fs::metadata(path))?.is_some_and(|found| found.is_file()) {
        return Ok(None);
    }
    let Some(file) = if_there(File::open(path))? else { return Ok(None) };
    let found = file.metadata()?;
    let mut length = found.len();
    for _ in 0..LOOKS {
        // A line that is being written is whole in a moment; one that was torn by a crash stays.
        let mut last = *b"\n";
        read_at(&file, &mut last, length.saturating_sub(1))?;
        if last == *b"\n" {
            break;
        }
        std::thread::yield_now();
        length = file.metadata()?.len();
    }
    Ok(Some((Arc::new(file), length, (found.dev(), found.ino()))))
}

/// First sequence number in a text; 0 when it has none.
pub(super) fn first_seq_of(file: &Arc<File>, length: u64) -> io::Result<u64> {
    let mut chunks = Chunks::new(Arc::clone(file), 0, length, Direction::Forward).small();
    while let Some(chunk) = chunks.next()? {
        if let Some(link) = lines(chunk).filter_map(|(_, line)| Link::of(line?.trim_ascii_end())).next() {
            return Ok(link.seq);
        }
    }
    Ok(0)
}
