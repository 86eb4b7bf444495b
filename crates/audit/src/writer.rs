//! The one place that writes records: each gets its place in the chain and is one `write` call, on a file that stays
//! open (weaknesses 54, 57 and 64).
//!
//! Not for syncing (see `keeper`) and not for what happens to a file that was put aside (see `seal`).

use crate::chain::{LINK_MAX, Position, splice};
use crate::key::PublicKey;
use crate::layout::Layout;
use crate::recover::{self, Place};
use crate::stats::Stats;
use crate::{AuditError, LINE_MAX};
use open_cli_contract::Timestamp;
use open_cli_files::{append_private, lock_within};
use std::fs::{File, Metadata, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the writer looks whether its file was moved away.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long another process may hold the lock of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
/// Capacity of the line buffer that is kept from one write to the next.
const KEPT_CAPACITY: usize = 256 << 10;
/// How often the file is opened anew before a write is given up.
const REOPEN_MAX: usize = 4;
/// Mode of a file that gets no more lines: it tells other processes that have it open.
const CLOSED_MODE: u32 = 0o400;
/// Bits of a mode that let others in.
const OTHERS: u32 = 0o077;
/// The owner's right to write.
const WRITABLE: u32 = 0o200;
/// Longest event, without its place in the chain.
pub(crate) const BODY_MAX: usize = LINE_MAX - LINK_MAX;

/// The open log. Not shared: `AuditLog` guards it.
#[derive(Debug)]
pub(crate) struct Writer {
    layout: Layout,
    stats: Arc<Stats>,
    /// Whose statements count, when the place in the chain is looked up on disk.
    keys: Vec<PublicKey>,
    file: Arc<File>,
    /// A device or a pipe keeps nothing: it has no chain on disk, no rotation, no checkpoint.
    is_file: bool,
    identity: (u64, u64),
    /// Where the log stands, as far as this process knows.
    place: Place,
    is_place_known: bool,
    looked_at: Instant,
    lines: Vec<u8>,
    /// Names were changed in the directory since it was synced.
    directory_changed: bool,
}

/// A file that was put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PutAside {
    pub(crate) first_seq: u64,
    /// Its last record, as this process wrote it.
    pub(crate) last: Position,
}

impl Writer {
    /// Opens the live file and takes its state over, unlocked and as it is.
    pub(crate) fn open(layout: &Layout, stats: &Arc<Stats>) -> Result<Self, AuditError> {
        let unreadable = |cause| AuditError::Read { path: layout.live().to_owned(), cause };
        let mut file = append_private(layout.live())?;
        let mut found = file.metadata().map_err(unreadable)?;
        if found.is_file() {
            // To read its end, too. A device or a pipe may allow only writing.
            file = File::options().append(true).read(true).open(layout.live()).map_err(unreadable)?;
            found = file.metadata().map_err(unreadable)?;
        }
        Ok(Self {
            layout: layout.clone(),
            stats: Arc::clone(stats),
            keys: Vec::new(),
            file: Arc::new(file),
            is_file: found.is_file(),
            identity: identity_of(&found),
            place: Place { size: if found.is_file() { found.len() } else { 0 }, ..Place::default() },
            is_place_known: true,
            looked_at: Instant::now(),
            lines: Vec::new(),
            directory_changed: true,
        })
    }

    pub(crate) fn trust(&mut self, keys: Vec<PublicKey>) {
        self.keys = keys;
    }

    pub(crate) fn is_file(&self) -> bool {
        self.is_file
    }

    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn set_place(&mut self, place: Place) {
        self.place = place;
    }

    /// Were files created or renamed since the last time this was asked?
    pub(crate) fn take_directory_changed(&mut self) -> bool {
        std::mem::take(&mut self.directory_changed)
    }

    pub(crate) fn set_directory_changed(&mut self) {
        self.directory_changed = true;
    }

    /// Permission bits of a file that other users may access.
    pub(crate) fn exposed_mode(&self) -> Result<Option<u32>, AuditError> {
        let unreadable = |cause| AuditError::Read { path: self.layout.live().to_owned(), cause };
        let mode = self.file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
        Ok((self.is_file && mode & OTHERS != 0).then_some(mode))
    }

    /// Writes events, each given as its JSON object, with one write. Returns the place of the last one; either all
    /// are in the log or none.
    pub(crate) fn append<'a>(
        &mut self,
        bodies: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Position, AuditError> {
        if self.looked_at.elapsed() >= LOOK_EVERY {
            self.look()?;
        }
        let lock = self.lock_current()?;
        let outcome = self.write(bodies);
        drop(lock);
        outcome
    }

    fn write<'a>(&mut self, bodies: impl Iterator<Item = &'a [u8]>) -> Result<Position, AuditError> {
        self.lines.clear();
        self.lines.shrink_to(KEPT_CAPACITY);
        let (mut position, mut records) = (self.place.position, 0);
        for body in bodies {
            position = splice(&mut self.lines, body, position);
            records += 1;
        }
        write_whole(&self.file, &self.lines, self.is_file.then_some(self.place.size))
            .map_err(|cause| AuditError::Write { path: self.layout.live().to_owned(), cause })?;
        let bytes = self.lines.len() as u64;
        if self.is_file {
            self.place.size += bytes;
            self.place.first_seq.get_or_insert(position.seq + 1 - records);
            self.place.begun.get_or_insert_with(Timestamp::now);
        }
        self.place.position = position;
        self.place.ends_unchained = false;
        self.stats.records.add(records);
        self.stats.bytes.add(bytes);
        Ok(position)
    }

    /// Opens the file anew when the path no longer leads to it: it was moved away or removed.
    fn look(&mut self) -> Result<(), AuditError> {
        if !self.is_current() {
            self.reopen()?;
        }
        self.looked_at = Instant::now();
        Ok(())
    }

    /// Does the path lead to the open file?
    fn is_current(&self) -> bool {
        std::fs::metadata(self.layout.live()).is_ok_and(|found| identity_of(&found) == self.identity)
    }

    fn reopen(&mut self) -> Result<(), AuditError> {
        // Whoever syncs from now on syncs the new file only.
        sync(&self.file).map_err(|cause| AuditError::Write { path: self.layout.live().to_owned(), cause })?;
        let new = Self::open(&self.layout, &self.stats)?;
        let (keys, position) = (std::mem::take(&mut self.keys), self.place.position);
        // The first write finds out where the log stands.
        *self = Self { keys, place: Place { position, ..Place::default() }, is_place_known: false, ..new };
        Ok(())
    }

    /// Locks the live file against other processes and takes over what they wrote.
    pub(crate) fn lock_current(&mut self) -> Result<Lock, AuditError> {
        for _ in 0..REOPEN_MAX {
            let lock = Lock::take(&self.file, self.layout.live())?;
            if !self.is_file {
                return Ok(lock);
            }
            let unreadable = |cause| AuditError::Read { path: self.layout.live().to_owned(), cause };
            let found = self.file.metadata().map_err(unreadable)?;
            if found.nlink() == 0 || (found.mode() & WRITABLE == 0 && !self.is_current()) {
                // Removed, or put aside by another process.
                drop(lock);
                self.reopen()?;
                continue;
            }
            if !self.is_place_known || found.len() != self.place.size {
                self.catch_up(found.len())?;
            }
            return Ok(lock);
        }
        Err(AuditError::Locked { path: self.layout.live().to_owned() })
    }

    /// The file is not as this process left it.
    fn catch_up(&mut self, length: u64) -> Result<(), AuditError> {
        let failed = |cause| AuditError::Write { path: self.layout.live().to_owned(), cause };
        let (size, _) = recover::repair_end(&self.layout, &self.file, length).map_err(failed)?;
        let mut place = recover::place(&self.layout, &self.file, size, &self.keys)?;
        if place.position.seq <= self.place.position.seq {
            // Records are gone. The chain goes on where it was, so that this can be seen.
            place.position = self.place.position;
        }
        self.place = place;
        self.is_place_known = true;
        Ok(())
    }

    /// Renames the live file and begins a new one. None when there is nothing to put aside, or it can't be done: a
    /// log goes on growing then, for losing events is worse.
    pub(crate) fn put_aside(&mut self) -> Result<Option<PutAside>, AuditError> {
        if !self.is_file {
            return Ok(None);
        }
        let lock = self.lock_current()?;
        if self.place.size == 0 {
            return Ok(None);
        }
        let aside = PutAside { first_seq: self.place.first_seq.unwrap_or(0), last: self.place.position };
        let target = self.layout.pending(aside.first_seq);
        let failed = |cause| AuditError::Write { path: target.clone(), cause };
        if target.exists() || self.layout.sealed(aside.first_seq).exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        // All of it is on disk before anything that follows it: a power loss leaves no gap.
        sync(&self.file).map_err(failed)?;
        std::fs::rename(self.layout.live(), &target).map_err(failed)?;
        // A file whose mode can't be changed is noticed by its name, within LOOK_EVERY.
        let _ = self.file.set_permissions(Permissions::from_mode(CLOSED_MODE));
        let position = self.place.position;
        drop(lock);
        // Without a new file the next write tries again: the old one is closed.
        let new = Self::open(&self.layout, &self.stats)?;
        let keys = std::mem::take(&mut self.keys);
        *self = Self { keys, place: Place { position, ..Place::default() }, ..new };
        Ok(Some(aside))
    }
}

/// The lock of the file. A file system that has no locks gives none.
pub(crate) struct Lock(Option<Arc<File>>);

impl Lock {
    fn take(file: &Arc<File>, path: &Path) -> Result<Self, AuditError> {
        match lock_within(file, LOCK_PATIENCE) {
            Ok(()) => Ok(Self(Some(Arc::clone(file)))),
            Err(TryLockError::WouldBlock) => Err(AuditError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(_)) => Ok(Self(None)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            // A lock that can't be released now is released when the file is closed.
            let _ = file.unlock();
        }
    }
}

/// `write_all`, but a file that took only a part is cut back to the size it had.
fn write_whole(mut file: &File, lines: &[u8], size: Option<u64>) -> io::Result<()> {
    let mut written = 0;
    let cause = loop {
        match file.write(&lines[written..]) {
            Ok(bytes) if written + bytes == lines.len() => return Ok(()),
            Ok(0) => break io::ErrorKind::WriteZero.into(),
            Ok(bytes) => written += bytes,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => break cause,
        }
    };
    if let Some(size) = size.filter(|_| written > 0) {
        // What can't be cut off now is cut off by the next write, which finds a size it does not know.
        let _ = file.set_len(size);
    }
    Err(cause)
}

/// Syncs the content of a file. A device has nothing to sync and says so.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        Err(cause) if matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

fn identity_of(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests;
