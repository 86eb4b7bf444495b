//! The lock of an instance: `<stateDir>/lock`. The system releases it when its owner ends, also by SIGKILL.
//!
//! Whoever holds it may remove the file. So a lock counts only while the path still leads to the locked file:
//! otherwise one process could hold the removed file and another one the new file.

use crate::InstanceError;
use open_cli_files::{FileError, PRIVATE_FILE_MODE, lock_within};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// How long an owner that is just ending, or somebody looking at the lock, is waited for.
const LOCK_PATIENCE: Duration = Duration::from_millis(250);
/// How often a lock file that was removed meanwhile is looked for again.
const ATTEMPTS: usize = 16;

/// Who has the lock.
pub(crate) enum Holder {
    /// There is no lock file.
    NoFile,
    /// Nobody.
    Nobody,
    /// Some process.
    Somebody,
}

/// Why the lock could not be taken.
pub(crate) enum LockError {
    /// Another process has it.
    Held,
    /// The file can't be opened or locked.
    Failed(InstanceError),
}

/// Takes the lock for as long as the file is open; `prepare` makes the folder, also when it was just removed.
pub(crate) fn take(
    path: &Path,
    mut prepare: impl FnMut() -> Result<(), InstanceError>,
) -> Result<File, LockError> {
    let unusable = |cause| LockError::Failed(InstanceError::Lock { path: path.to_owned(), cause });
    for _ in 0..ATTEMPTS {
        prepare().map_err(LockError::Failed)?;
        let file = match open(path) {
            Ok(file) => file,
            // Removed between the two steps.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(cause) => {
                let cause = FileError::Append { path: path.to_owned(), cause };
                return Err(LockError::Failed(cause.into()));
            }
        };
        match lock_within(&file, LOCK_PATIENCE) {
            Ok(()) if leads_to(path, &file) => return Ok(file),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held),
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
    }
    Err(unusable(io::Error::other("the file is removed again and again")))
}

/// Looks who has the lock, without changing anything: a shared lock is tried and given back at once. An owner that
/// starts at this very moment waits longer than that.
pub(crate) fn holder(path: &Path) -> Result<Holder, InstanceError> {
    let failed = |cause| FileError::Read { path: path.to_owned(), cause };
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(failed(io::Error::other("it is no plain file")).into()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Holder::NoFile),
        Err(cause) => return Err(failed(cause).into()),
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Holder::NoFile),
        Err(cause) => return Err(failed(cause).into()),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Holder::Nobody),
        Err(TryLockError::WouldBlock) => Ok(Holder::Somebody),
        Err(TryLockError::Error(cause)) => Err(InstanceError::Lock { path: path.to_owned(), cause }),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(PRIVATE_FILE_MODE).open(path)
}

/// Is the open file still the one that the path names?
pub(crate) fn leads_to(path: &Path, file: &File) -> bool {
    let (Ok(named), Ok(opened)) = (std::fs::metadata(path), file.metadata()) else { return false };
    (named.dev(), named.ino()) == (opened.dev(), opened.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two processes that both removed the file and took a new one would both own the instance.
    #[test]
    fn a_lock_on_a_removed_file_does_not_count() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("lock");
        let first = take(&path, || Ok(())).unwrap_or_else(|_| panic!("free"));
        assert!(matches!(take(&path, || Ok(())), Err(LockError::Held)));
        std::thread::scope(|scope| {
            // Opens the file that is about to be removed, and waits for it.
            let waiting = scope.spawn(|| take(&path, || Ok(())));
            std::fs::remove_file(&path).expect("removed");
            drop(first);
            let second = waiting.join().expect("no panic").unwrap_or_else(|_| panic!("free"));
            assert!(leads_to(&path, &second));
            assert!(matches!(holder(&path), Ok(Holder::Somebody)));
        });
    }

    #[test]
    fn a_folder_that_is_removed_meanwhile_is_made_again() {
        let root = tempfile::tempdir().expect("temporary directory");
        let folder = root.path().join("a");
        let mut calls = 0;
        let file = take(&folder.join("lock"), || {
            calls += 1;
            // The first time somebody else removes it at once.
            if calls > 1 {
                std::fs::create_dir(&folder).expect("made");
            }
            Ok(())
        });
        assert!(file.is_ok() && calls == 2);
    }

    #[test]
    fn only_a_plain_file_is_a_lock() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("lock");
        assert!(matches!(holder(&path), Ok(Holder::NoFile)));
        std::fs::create_dir(&path).expect("made");
        assert!(holder(&path).is_err());
    }
}
