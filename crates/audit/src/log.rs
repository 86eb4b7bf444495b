//! The audit log in a file.

use crate::query::{AuditPage, AuditQuery, Collector};
use crate::writer::Writer;
use crate::{AuditError, scan};
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
    writer: Mutex<Writer>,
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
    /// Opens the log, creating it as 0600 and its directory as 0700.
    ///
    /// # Errors
    /// When it can't be created or opened.
    pub fn open(path: &Path) -> Result<(Self, OpenReport), AuditError> {
        let writer = Writer::open(path)?;
        let report = OpenReport { repaired_torn_line: writer.is_torn(), exposed_mode: writer.exposed_mode() };
        Ok((Self { path: path.to_owned(), writer: Mutex::new(writer) }, report))
    }

    /// Writes an event as one line. Blocks for the time of a write to the page cache: microseconds.
    ///
    /// # Errors
    /// When the event is not in the log. Whatever a failed write left there is closed off by the next append.
    pub fn append(&self, event: &AuditEvent) -> Result<(), AuditError> {
        self.writer.lock().append(event)
    }

    /// Events that match a query, in file order, as they were written. Reads the file, so keep it off the threads
    /// that serve requests. Appends go on meanwhile; what they add is not seen.
    ///
    /// # Errors
    /// When the file can't be read. A missing file has no events (AUDIT-3).
    pub fn list(&self, query: &AuditQuery) -> Result<AuditPage, AuditError> {
        let failed = |cause| AuditError::Read { path: self.path.clone(), cause };
        let mut collector = Collector::new(query);
        if let Some((file, length)) = self.open_whole_lines().map_err(failed)? {
            scan::each_line(file.take(length), |line| collector.line(line)).map_err(failed)?;
        }
        Ok(collector.into_page())
    }

    /// Where the log is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file and its length at a moment when no line is half-written by this process.
    fn open_whole_lines(&self) -> io::Result<Option<(File, u64)>> {
        let _no_append_now = self.writer.lock();
        match std::fs::metadata(&self.path) {
            // A device or a pipe takes events and never gives them back.
            Ok(found) if !found.is_file() => Ok(None),
            Ok(_) => {
                let file = File::open(&self.path)?;
                let length = file.metadata()?.len();
                Ok(Some((file, length)))
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }
}

#[cfg(test)]
mod tests;
