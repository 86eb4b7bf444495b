//! The audit log in a file.

use crate::query::{AuditPage, AuditQuery, Collector};
use crate::writer::{Writer, sync};
use crate::{AuditError, Rotation, scan};
use open_cli_contract::audit::AuditEvent;
use parking_lot::Mutex;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// An open audit log. Shared between threads; appends of one process never mix (AUDIT-7).
///
/// A log that is moved away (rotated) or removed is opened anew within a second. Until then lines go to the file
/// that was moved, so a rotation by renaming loses none.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    options: AuditOptions,
    writer: Mutex<Writer>,
    /// Lines of this process that survive a power loss. Who holds it syncs; the others wait and mostly find their
    /// line synced too.
    synced: Mutex<u64>,
}

/// How a log is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditOptions {
    /// An event that was appended survives a power loss. Costs a sync, shared by all who wait for one.
    pub sync: bool,
    /// The log is put aside when it is full. Without, it grows.
    pub rotation: Option<Rotation>,
}

/// What [`AuditLog::open`] found. Worth a line in the log of the runtime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The last line was cut off, by a crash or a full disk. The next event begins a new line (AUDIT-5).
    pub repaired_torn_line: bool,
    /// Permission bits of a file that existed and that other users may access. It is left as it is.
    pub exposed_mode: Option<u32>,
}

impl AuditLog {
    /// Opens the log as it is by default: not synced, not rotated.
    ///
    /// # Errors
    /// When it can't be created or opened.
    pub fn open(path: &Path) -> Result<(Self, OpenReport), AuditError> {
        Self::open_with(path, AuditOptions::default())
    }

    /// Opens the log, creating it as 0600 and its directory as 0700.
    ///
    /// # Errors
    /// When it can't be created or opened.
    pub fn open_with(path: &Path, options: AuditOptions) -> Result<(Self, OpenReport), AuditError> {
        let writer = Writer::open(path, options)?;
        let report = OpenReport { repaired_torn_line: writer.is_torn(), exposed_mode: writer.exposed_mode() };
        let log = Self { path: path.to_owned(), options, writer: Mutex::new(writer), synced: Mutex::default() };
        Ok((log, report))
    }

    /// Writes an event as one line. Blocks for the time of a write to the page cache: microseconds; with
    /// [`AuditOptions::sync`] for the time of a sync.
    ///
    /// # Errors
    /// When the event is not in the log. Whatever a failed write left there is closed off by the next append.
    pub fn append(&self, event: &AuditEvent) -> Result<(), AuditError> {
        // The guard is gone before anything is synced: others write meanwhile.
        let line = self.writer.lock().append(event)?;
        if self.options.sync { self.commit(line) } else { Ok(()) }
    }

    /// Waits until a line survives a power loss.
    fn commit(&self, line: u64) -> Result<(), AuditError> {
        let mut synced = self.synced.lock();
        if *synced >= line {
            return Ok(());
        }
        let (written, file) = self.writer.lock().written();
        sync(&file).map_err(|cause| AuditError::Write { path: self.path.clone(), cause })?;
        *synced = written;
        Ok(())
    }

    /// Events that match a query, in file order, as they were written. Reads the file, so keep it off the threads
    /// that serve requests. Appends go on meanwhile; what they add is not seen.
    ///
    /// # Errors
    /// When the file can't be read. A missing file has no events (AUDIT-3).
    pub fn list(&self, query: &AuditQuery) -> Result<AuditPage, AuditError> {
        let failed = |cause| AuditError::Read { path: self.path.clone(), cause };
        let mut collector = Collector::new(query);
        for (file, length) in self.open_whole_lines().map_err(failed)? {
            scan::each_line(file.take(length), |line| collector.line(line)).map_err(failed)?;
        }
        Ok(collector.into_page())
    }

    /// Where the log is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files and their lengths, oldest first, at a moment when no line is half-written by this process and no
    /// file is being put aside.
    fn open_whole_lines(&self) -> io::Result<Vec<(File, u64)>> {
        let _no_append_now = self.writer.lock();
        let older = self.options.rotation.into_iter().flat_map(|rotation| rotation.older(&self.path));
        older.chain([self.path.clone()]).filter_map(|path| open_to_read(&path).transpose()).collect()
    }
}

fn open_to_read(path: &Path) -> io::Result<Option<(File, u64)>> {
    match std::fs::metadata(path) {
        // A device or a pipe takes events and never gives them back.
        Ok(found) if !found.is_file() => Ok(None),
        Ok(_) => {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            Ok(Some((file, length)))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests;
