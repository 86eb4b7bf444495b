//! Cheap stamps of local inputs: when one differs, the inputs changed. One `stat` a file; nothing is read.

use open_cli_documents::FileStamp;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a path looked like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    path: PathBuf,
    /// `None` when there was nothing, or it could not be looked at.
    seen: Option<(SystemTime, u64, u64)>,
}

impl Stamp {
    /// Looks at the path now, following symbolic links: a link that is pointed elsewhere is a change.
    pub(crate) fn take(path: &Path) -> Self {
        let seen = std::fs::metadata(path).ok().map(|meta| {
            let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            (modified, meta.len(), inode(&meta))
        });
        Self { path: path.to_owned(), seen }
    }

    /// What a file looked like when a document was read from it.
    pub(crate) fn of_file(file: &FileStamp) -> Self {
        Self { path: file.path.clone(), seen: Some((file.modified, file.size, file.inode)) }
    }

    /// Does the path look different now?
    pub(crate) fn is_outdated(&self) -> bool {
        Self::take(&self.path) != *self
    }
}

#[cfg(unix)]
fn inode(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn inode(_meta: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_change_is_noticed() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("a");
        let absent = Stamp::take(&path);
        assert!(!absent.is_outdated());
        std::fs::File::create(&path).expect("create");
        assert!(absent.is_outdated(), "created");
        let empty = Stamp::take(&path);
        std::io::Write::write_all(&mut std::fs::File::create(&path).expect("open"), b"x").expect("write");
        assert!(empty.is_outdated(), "written");
        let written = Stamp::take(&path);
        std::fs::remove_file(&path).expect("remove");
        assert!(written.is_outdated(), "removed");
    }
}
