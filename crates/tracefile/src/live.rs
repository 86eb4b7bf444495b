//! The file that is being written: appended to by batches, never left within a line, put aside when it is full or old.

use crate::decode;
use crate::index::Row;
use crate::lines::{LINE_MAX, each_line};
use crate::names::{LIVE, Segment, segments};
use jiff::Timestamp;
use open_cli_files::{FileError, append_private};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The open file. One process writes it: the one that holds the instance.
pub(crate) struct Live {
    path: PathBuf,
    file: File,
    /// Where the whole lines end.
    size: u64,
    /// The file may have more behind them, left by a write that failed.
    is_torn: bool,
    /// What is in it; `None` when it was there before the start.
    rows: Option<Vec<Row>>,
    /// When its first trace began.
    began: Option<Timestamp>,
}

impl Live {
    /// Opens or creates the file, and cuts off a last line that a killed process left half written.
    pub(crate) fn open(directory: &Path) -> Result<Self, FileError> {
        let path = directory.join(LIVE);
        let file = append_private(&path)?;
        let reading = |cause| FileError::Read { path: path.clone(), cause };
        let length = file.metadata().map_err(reading)?.len();
        let source = File::open(&path).map_err(reading)?;
        let size = end_of_lines(&source, length).map_err(reading)?;
        if size < length {
            file.set_len(size).map_err(|cause| FileError::Append { path: path.clone(), cause })?;
            tracing::info!(file = %path.display(), bytes = length - size, "cut off a half-written trace");
        }
        let rows = (size == 0).then(Vec::new);
        let began = if size == 0 { None } else { began(source) };
        Ok(Self { path, file, size, is_torn: false, rows, began })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path leads elsewhere: somebody moved or removed the file.
    pub(crate) fn is_gone(&self) -> bool {
        let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
        let here = self.file.metadata().map(identity).ok();
        std::fs::metadata(&self.path).map(identity).ok() != here
    }

    /// Begins anew where the path leads.
    pub(crate) fn reopen(&mut self) -> Result<(), FileError> {
        *self = Self::open(self.path.parent().unwrap_or(Path::new(".")))?;
        Ok(())
    }

    /// It must be put aside before so many bytes are added.
    pub(crate) fn is_due(&self, more: usize, max_bytes: u64, oldest: Timestamp) -> bool {
        let is_full = self.size + more as u64 > max_bytes;
        self.size > 0 && (is_full || self.began.is_some_and(|began| began < oldest))
    }

    /// Adds lines; the offsets of their rows count from the first of them. After an error the file ends where it
    /// ended before.
    pub(crate) fn append(&mut self, lines: &[u8], rows: &[Row]) -> io::Result<()> {
        if self.is_torn {
            self.cut()?;
        }
        if let Err(cause) = self.file.write_all(lines) {
            // When this fails too it is tried again before the next write; and at the next start.
            let _ = self.cut();
            return Err(cause);
        }
        if self.began.is_none() {
            self.began = rows.first().and_then(|row| Timestamp::from_nanosecond(row.started.into()).ok());
        }
        if let Some(known) = &mut self.rows {
            let before = u32::try_from(self.size).unwrap_or(u32::MAX);
            known.extend(rows.iter().map(|row| Row { offset: before.saturating_add(row.offset), ..*row }));
        }
        self.size += lines.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        self.is_torn = true;
        self.file.set_len(self.size)?;
        self.is_torn = false;
        Ok(())
    }

    /// Puts the file aside and begins a new one. Gives back where it is now, and what is in it.
    pub(crate) fn put_aside(&mut self) -> Result<(Segment, Option<Vec<Row>>), FileError> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let failed = |cause| FileError::Replace { path: self.path.clone(), cause };
        let number = segments(directory).map_err(failed)?.first().map_or(0, |newest| newest.number);
        let segment = Segment::new(directory, Timestamp::now(), number.saturating_add(1));
        std::fs::rename(&self.path, segment.plain()).map_err(failed)?;
        let fresh = Self::open(directory)?;
        let before = std::mem::replace(self, fresh);
        Ok((segment, before.rows))
    }
}

/// Where the last whole line ends.
fn end_of_lines(file: &File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut block = vec![0; 64 << 10];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = &mut block[..(end - start) as usize];
        file.read_exact_at(part, start)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// When the first trace of a file began; when the file was last written if that can't be read.
fn began(file: File) -> Option<Timestamp> {
    let modified = file.metadata().and_then(|found| found.modified()).ok();
    let mut first = None;
    // Stops at the first line by an error that means nothing else.
    let _ = each_line(BufReader::new(file.take(LINE_MAX as u64 + 1)), |_, line| {
        first = decode::spans(line).unwrap_or_default().first().map(|span| span.started_at);
        Err(io::ErrorKind::Interrupted.into())
    });
    first.or_else(|| Timestamp::try_from(modified?).ok())
}
