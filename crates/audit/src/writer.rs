//! The one place that writes: one `write` call per line, on a file that stays open (weaknesses 57 and 64).

use crate::{AuditError, line};
use open_cli_contract::audit::AuditEvent;
use open_cli_files::{append_private, lock_within};
use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
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
    file: File,
    identity: (u64, u64),
    /// The file does not end with an LF, so the next line has to begin with one.
    is_torn: bool,
    exposed_mode: Option<u32>,
    looked_at: Instant,
    line: Vec<u8>,
}

impl Writer {
    pub(crate) fn open(path: &Path) -> Result<Self, AuditError> {
        let file = append_private(path)?;
        let unreadable = |cause| AuditError::Read { path: path.to_owned(), cause };
        let found = file.metadata().map_err(unreadable)?;
        let mode = found.permissions().mode() & 0o7777;
        Ok(Self {
            path: path.to_owned(),
            identity: identity_of(&found),
            is_torn: has_torn_end(path, &found).map_err(unreadable)?,
            exposed_mode: (found.is_file() && mode & OTHERS != 0).then_some(mode),
            file,
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

    pub(crate) fn append(&mut self, event: &AuditEvent) -> Result<(), AuditError> {
        if self.looked_at.elapsed() >= LOOK_EVERY {
            self.look()?;
        }
        self.line.clear();
        self.line.shrink_to(KEPT_CAPACITY);
        if self.is_torn {
            self.line.push(b'\n');
        }
        line::encode(event, &mut self.line)?;
        self.write()
    }

    /// Opens the file anew when the path no longer leads to it: it was rotated or removed.
    fn look(&mut self) -> Result<(), AuditError> {
        if !std::fs::metadata(&self.path).is_ok_and(|found| identity_of(&found) == self.identity) {
            *self = Self::open(&self.path)?;
        }
        self.looked_at = Instant::now();
        Ok(())
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
        let mut written = 0;
        let outcome = loop {
            match (&self.file).write(&self.line[written..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) if written + bytes == self.line.len() => {
                    written += bytes;
                    break Ok(());
                }
                Ok(bytes) => written += bytes,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => break Err(cause),
            }
        };
        if let Some(last) = self.line[..written].last() {
            self.is_torn = *last != b'\n';
        }
        outcome
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
mod tests {
    use super::*;
    use std::fs::read_to_string;

    fn event(tool_id: &str) -> AuditEvent {
        AuditEvent { tool_id: tool_id.into(), ..AuditEvent::default() }
    }

    /// As if the last look at the path was long ago.
    fn forget_last_look(writer: &mut Writer) {
        writer.looked_at = Instant::now().checked_sub(LOOK_EVERY).expect("the machine runs for a second");
    }

    #[test]
    fn a_log_that_was_moved_away_or_removed_is_begun_anew() {
        let root = tempfile::tempdir().expect("temporary directory");
        let (path, rotated) = (root.path().join("logs/audit.log"), root.path().join("audit.log.1"));
        let mut writer = Writer::open(&path).expect("opened");
        writer.append(&event("a")).expect("written");
        std::fs::rename(&path, &rotated).expect("rotated");
        writer.append(&event("b")).expect("written to the moved file");
        forget_last_look(&mut writer);
        writer.append(&event("c")).expect("written to a new file");
        let moved = read_to_string(&rotated).expect("readable");
        assert_eq!((moved.lines().count(), moved.contains("\"b\"")), (2, true));
        assert!(read_to_string(&path).expect("there again").contains("\"c\""));

        std::fs::remove_dir_all(root.path().join("logs")).expect("removed");
        forget_last_look(&mut writer);
        writer.append(&event("d")).expect("written to a new file in a new directory");
        assert_eq!(read_to_string(&path).expect("there again").lines().count(), 1);
    }

    #[test]
    fn a_log_that_cannot_be_opened_again_is_an_error_until_it_can() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("audit.log");
        let mut writer = Writer::open(&path).expect("opened");
        std::fs::remove_file(&path).expect("removed");
        std::fs::create_dir(&path).expect("something in the way");
        for _ in 0..2 {
            forget_last_look(&mut writer);
            let error = writer.append(&event("a")).expect_err("not written");
            assert!(matches!(error, AuditError::Unavailable(_)), "{error}");
        }
        std::fs::remove_dir(&path).expect("removed");
        writer.append(&event("b")).expect("written");
        assert_eq!(read_to_string(&path).expect("readable").lines().count(), 1);
    }

    /// Weakness 53. A device that is always full stands for a full disk.
    #[test]
    fn a_full_disk_is_an_error_and_nothing_is_lost_once_there_is_space() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("audit.log");
        std::os::unix::fs::symlink(full, &path).expect("linked");
        let mut writer = Writer::open(&path).expect("opened");
        for _ in 0..3 {
            let error = writer.append(&event("lost")).expect_err("no space");
            let AuditError::Write { cause, .. } = &error else { panic!("{error}") };
            assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
        }
        std::fs::remove_file(&path).expect("unlinked");
        forget_last_look(&mut writer);
        writer.append(&event("kept")).expect("written");
        writer.append(&event("kept")).expect("written");
        let text = read_to_string(&path).expect("readable");
        assert_eq!(text.lines().filter(|line| line.contains("kept")).count(), 2, "{text}");
        assert!(text.starts_with('{') && text.ends_with("}\n"), "{text}");
    }

    #[test]
    fn a_log_that_another_process_keeps_locked_is_an_error_that_says_so() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("audit.log");
        let mut writer = Writer::open(&path).expect("opened");
        let other = append_private(&path).expect("opened");
        other.lock().expect("free");
        let error = writer.append(&event("a")).expect_err("locked");
        assert!(matches!(error, AuditError::Locked { .. }), "{error}");
        other.unlock().expect("released");
        writer.append(&event("a")).expect("written");
    }
}
