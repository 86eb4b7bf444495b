//! The one place that writes: one `write` call per line, on a file that stays open (weaknesses 54, 57 and 64).

use crate::{AuditError, AuditOptions, line};
use open_cli_contract::audit::AuditEvent;
use open_cli_files::{append_private, lock_within};
use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the writer looks whether its file was moved away or removed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long another process may hold the lock of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
/// Capacity of the line buffer that is kept from one event to the next.
const KEPT_CAPACITY: usize = 16 << 10;
/// Bits of a mode that let others in.
const OTHERS: u32 = 0o077;

/// The open log. Not shared: `AuditLog` guards it.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    options: AuditOptions,
    file: Arc<File>,
    /// Bytes in the file, as far as this process knows. Stays 0 for a device.
    size: u64,
    /// Lines written since the log was opened.
    sequence: u64,
    identity: (u64, u64),
    /// The file does not end with an LF, so the next line has to begin with one.
    is_torn: bool,
    exposed_mode: Option<u32>,
    looked_at: Instant,
    /// An LF, which is only written when the file is torn, and the line.
    line: Vec<u8>,
}

impl Writer {
    pub(crate) fn open(path: &Path, options: AuditOptions) -> Result<Self, AuditError> {
        let file = append_private(path)?;
        let unreadable = |cause| AuditError::Read { path: path.to_owned(), cause };
        if options.sync {
            // A new file is only there after a power loss when its directory says so.
            sync_directory_of(path).map_err(|cause| AuditError::Write { path: path.to_owned(), cause })?;
        }
        let found = file.metadata().map_err(unreadable)?;
        let mode = found.permissions().mode() & 0o7777;
        Ok(Self {
            path: path.to_owned(),
            options,
            size: if found.is_file() { found.len() } else { 0 },
            sequence: 0,
            identity: identity_of(&found),
            is_torn: has_torn_end(path, &found).map_err(unreadable)?,
            exposed_mode: (found.is_file() && mode & OTHERS != 0).then_some(mode),
            file: Arc::new(file),
            looked_at: Instant::now(),
            line: Vec::with_capacity(1024),
        })
    }

    pub(crate) fn is_torn(&self) -> bool {
        self.is_torn
    }

    pub(crate) fn exposed_mode(&self) -> Option<u32> {
        self.exposed_mode
    }

    /// How many lines were written, and the file that holds all of them that are not synced yet.
    pub(crate) fn written(&self) -> (u64, Arc<File>) {
        (self.sequence, Arc::clone(&self.file))
    }

    /// Writes an event and says which line of this process it is.
    pub(crate) fn append(&mut self, event: &AuditEvent) -> Result<u64, AuditError> {
        self.line.clear();
        self.line.shrink_to(KEPT_CAPACITY);
        self.line.push(b'\n');
        line::encode(event, &mut self.line)?;
        if self.looked_at.elapsed() >= LOOK_EVERY {
            self.look()?;
        }
        if self.is_full() {
            self.rotate()?;
        }
        self.write()?;
        self.sequence += 1;
        Ok(self.sequence)
    }

    /// Opens the file anew when the path no longer leads to it: it was rotated or removed.
    fn look(&mut self) -> Result<(), AuditError> {
        if !std::fs::metadata(&self.path).is_ok_and(|found| identity_of(&found) == self.identity) {
            self.reopen()?;
        }
        self.looked_at = Instant::now();
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), AuditError> {
        if self.options.sync {
            // Whoever waits for a sync will sync the new file only.
            sync(&self.file).map_err(|cause| AuditError::Write { path: self.path.clone(), cause })?;
        }
        let (sequence, line) = (self.sequence, std::mem::take(&mut self.line));
        *self = Self { sequence, line, ..Self::open(&self.path, self.options)? };
        Ok(())
    }

    fn is_full(&self) -> bool {
        let grown = self.size + self.line.len() as u64;
        self.size > 0 && self.options.rotation.is_some_and(|rotation| grown > rotation.max_bytes)
    }

    fn rotate(&mut self) -> Result<(), AuditError> {
        // Another process may have put the file aside already.
        self.look()?;
        let Some(rotation) = self.options.rotation.filter(|_| self.is_full()) else { return Ok(()) };
        // A log that can't be put aside goes on growing: losing events is worse.
        match rotation.put_aside(&self.path) {
            Ok(()) => self.reopen(),
            Err(_) => Ok(()),
        }
    }

    fn write(&mut self) -> Result<(), AuditError> {
        // The append mode keeps lines of several processes apart on a local file system, the lock does on a network
        // file system. One that has no locks gets none.
        let is_locked = match lock_within(&self.file, LOCK_PATIENCE) {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Err(AuditError::Locked { path: self.path.clone() }),
            Err(TryLockError::Error(_)) => false,
        };
        let outcome = self.write_line();
        if is_locked {
            // A lock that can't be released now is released when the file is closed.
            let _ = self.file.unlock();
        }
        outcome.map_err(|cause| AuditError::Write { path: self.path.clone(), cause })
    }

    /// `write_all`, but it remembers whether the file ends within a line.
    fn write_line(&mut self) -> io::Result<()> {
        let line = &self.line[usize::from(!self.is_torn)..];
        let mut written = 0;
        let outcome = loop {
            match (&*self.file).write(&line[written..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) if written + bytes == line.len() => {
                    written += bytes;
                    break Ok(());
                }
                Ok(bytes) => written += bytes,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => break Err(cause),
            }
        };
        if let Some(last) = line[..written].last() {
            self.is_torn = *last != b'\n';
            self.size += written as u64;
        }
        outcome
    }
}

/// Syncs the content of a file. A device has nothing to sync and says so.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        Err(cause) if matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(&File::open(parent)?),
        _ => sync(&File::open(".")?),
    }
}

fn identity_of(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Does a file have bytes and no LF at its end?
fn has_torn_end(path: &Path, found: &Metadata) -> io::Result<bool> {
    if !found.is_file() || found.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    File::open(path)?.read_exact_at(&mut last, found.len() - 1)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests;
