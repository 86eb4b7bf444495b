//! How much an instance keeps on disk. Walks are bounded and follow no symbolic link: a link counts as nothing.

use serde::Serialize;
use std::fs::DirEntry;
use std::path::Path;

/// Most entries that one walk looks at.
const MAX_ENTRIES: usize = 200_000;
/// Deepest folder that a walk enters.
const MAX_DEPTH: usize = 16;

/// Bytes of an instance, by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sizes {
    /// The audit log with all its segments, indexes and signatures.
    pub audit_bytes: u64,
    /// Documents read over HTTP.
    pub cache_bytes: u64,
    /// Trace files.
    pub traces_bytes: u64,
    /// Tokens.
    pub oauth_bytes: u64,
    /// False when something could not be read or was too much to count.
    pub complete: bool,
}

impl Sizes {
    /// All of it.
    pub fn total(&self) -> u64 {
        [self.audit_bytes, self.cache_bytes, self.traces_bytes, self.oauth_bytes]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// What a walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    pub(crate) is_complete: bool,
}

impl Size {
    const NOTHING: Self = Self { bytes: 0, is_complete: true };

    pub(crate) fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.is_complete &= other.is_complete;
    }
}

/// A file, or a folder with everything in it. What does not exist has no size.
pub(crate) fn of(path: &Path) -> Size {
    let mut left = MAX_ENTRIES;
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => of_folder(path, MAX_DEPTH, &mut left, &|_| true),
        Ok(found) => Size { bytes: if found.is_file() { found.len() } else { 0 }, is_complete: true },
        Err(cause) => Size { bytes: 0, is_complete: cause.kind() == std::io::ErrorKind::NotFound },
    }
}

/// An audit log: the file and those beside it whose names go on after it with a dot.
pub(crate) fn of_audit(path: &Path) -> Size {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Size::NOTHING };
    let name = name.as_encoded_bytes();
    let belongs = |entry: &DirEntry| is_audit_file(entry.file_name().as_encoded_bytes(), name);
    of_folder(folder, 0, &mut { MAX_ENTRIES }, &belongs)
}

/// Does a file belong to the audit log of this name?
pub(crate) fn is_audit_file(name: &[u8], log: &[u8]) -> bool {
    name.strip_prefix(log).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
}

fn of_folder(folder: &Path, depth: usize, left: &mut usize, counts: &dyn Fn(&DirEntry) -> bool) -> Size {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) => return Size { bytes: 0, is_complete: cause.kind() == std::io::ErrorKind::NotFound },
    };
    let mut sum = Size::NOTHING;
    for entry in entries {
        if *left == 0 {
            sum.is_complete = false;
            return sum;
        }
        *left -= 1;
        let Ok(entry) = entry else {
            sum.is_complete = false;
            continue;
        };
        if !counts(&entry) {
            continue;
        }
        // Of the entry itself: links are not followed. What is gone meanwhile has no size.
        let Ok(found) = entry.metadata() else { continue };
        if found.is_file() {
            sum.add(Size { bytes: found.len(), is_complete: true });
        } else if found.is_dir() {
            match depth.checked_sub(1) {
                Some(depth) => sum.add(of_folder(&entry.path(), depth, left, &|_| true)),
                None => sum.is_complete = false,
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_files::{Durability, replace};

    fn put(path: &Path, bytes: usize) {
        std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
        replace(path, &vec![b'x'; bytes], Durability::Unsynced).expect("written");
    }

    #[test]
    fn links_are_not_followed_and_what_is_missing_has_no_size() {
        let root = tempfile::tempdir().expect("temporary directory");
        let (inside, outside) = (root.path().join("in"), root.path().join("out"));
        put(&inside.join("a"), 10);
        put(&inside.join("b/c"), 5);
        put(&outside.join("huge"), 1000);
        std::os::unix::fs::symlink(&outside, inside.join("folder")).expect("linked");
        std::os::unix::fs::symlink(outside.join("huge"), inside.join("file")).expect("linked");
        std::os::unix::fs::symlink(&inside, inside.join("b/again")).expect("linked");
        assert_eq!(of(&inside), Size { bytes: 15, is_complete: true });
        assert_eq!(of(&inside.join("a")).bytes, 10);
        assert_eq!(of(&inside.join("folder")), Size { bytes: 0, is_complete: true });
        assert_eq!(of(&root.path().join("nothing")), Size { bytes: 0, is_complete: true });
    }

    #[test]
    fn a_walk_ends_and_says_that_it_did() {
        let root = tempfile::tempdir().expect("temporary directory");
        let deep = (0..MAX_DEPTH + 3).fold(root.path().to_owned(), |path, _| path.join("d"));
        put(&deep.join("f"), 1);
        assert_eq!(of(root.path()), Size { bytes: 0, is_complete: false });
        for name in ["1", "2", "3"] {
            put(&root.path().join(name), 1);
        }
        let found = of_folder(root.path(), 1, &mut { 2 }, &|_| true);
        assert!(!found.is_complete && found.bytes <= 2);
    }

    /// All segments count, and nothing of the neighbours.
    #[test]
    fn an_audit_log_is_everything_that_goes_by_its_name() {
        let root = tempfile::tempdir().expect("temporary directory");
        for name in ["audit.log", "audit.log.1", "audit.log.000000000001.gz", "audit.log.head"] {
            put(&root.path().join(name), 10);
        }
        for name in ["audit.logs", "other", "b/audit.log"] {
            put(&root.path().join(name), 1000);
        }
        assert_eq!(of_audit(&root.path().join("audit.log")), Size { bytes: 40, is_complete: true });
    }
}
