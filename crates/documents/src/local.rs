//! Local documents: bounded reads of regular files, and stamps that tell whether a file has changed since.

use crate::error::DocumentError;
use bytes::Bytes;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file looked like when it was read, or that it was not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStamp {
    /// The file.
    pub path: PathBuf,
    /// `None` when there was nothing to read: that it appears is a change too.
    pub state: Option<FileState>,
}

/// The identity of a file's content, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// Last modification; `None` where the file system has no such time.
    pub modified: Option<SystemTime>,
    /// Bytes.
    pub size: u64,
    /// Inode number; 0 where there is none.
    pub inode: u64,
}

impl FileStamp {
    /// The stamp of the file now. Blocking.
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), state: std::fs::metadata(path).ok().map(|metadata| state(&metadata)) }
    }

    /// True while the file looks as it did. Blocking.
    pub fn is_current(&self) -> bool {
        Self::of(&self.path) == *self
    }
}

fn state(metadata: &Metadata) -> FileState {
    FileState { modified: metadata.modified().ok(), size: metadata.len(), inode: inode(metadata) }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

/// Bounds of local reads.
pub(crate) struct LocalReader<'a> {
    pub(crate) max_bytes: u64,
    /// Canonical.
    pub(crate) root: Option<&'a Path>,
}

impl LocalReader<'_> {
    /// Reads a regular file whole. Blocking. The stamp is there for failures too, of what is at the path.
    pub(crate) fn read(&self, path: &Path) -> (FileStamp, Result<Bytes, DocumentError>) {
        let mut stamp = FileStamp { path: path.to_owned(), state: None };
        let content = self.read_into(path, &mut stamp.state);
        (stamp, content)
    }

    fn read_into(&self, path: &Path, found: &mut Option<FileState>) -> Result<Bytes, DocumentError> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => DocumentError::Missing { path: path.to_owned() },
            _ => DocumentError::Unreadable { path: path.to_owned(), reason: error.to_string() },
        };
        if let Some(root) = self.root
            && !path.canonicalize().map_err(failed)?.starts_with(root)
        {
            return Err(DocumentError::OutsideRoot { path: path.to_owned() });
        }
        // Asked before opening: opening a pipe would wait for its other end.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        *found = Some(state(&metadata));
        if !metadata.is_file() {
            return Err(DocumentError::NotAFile { path: path.to_owned() });
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        *found = Some(state(&metadata));
        let too_large = || DocumentError::TooLarge {
            document: path.display().to_string(),
            limit: self.max_bytes,
            setting: "max_file_bytes",
        };
        if metadata.len() > self.max_bytes {
            return Err(too_large());
        }
        let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        file.take(self.max_bytes.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
        // It may have grown since it was measured.
        if content.len() as u64 > self.max_bytes {
            return Err(too_large());
        }
        Ok(content.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_files::{Durability, replace};

    fn write(path: &Path, content: &str) {
        replace(path, content.as_bytes(), Durability::Unsynced).expect("written");
    }

    #[test]
    fn only_regular_files_of_bounded_size_are_read() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = dir.path().join("a.yaml");
        write(&file, "12345");
        let reader = LocalReader { max_bytes: 5, root: None };
        assert_eq!(reader.read(&file).1.expect("read"), "12345");
        let small = LocalReader { max_bytes: 4, root: None };
        for (reader, path, expected) in [
            (&reader, dir.path().join("none"), "there is no file"),
            (&reader, file.join("below"), "there is no file"),
            (&reader, dir.path().to_owned(), "is not a regular file"),
            (&reader, PathBuf::from("/dev/zero"), "is not a regular file"),
            (&small, file.clone(), "is larger than 4 bytes (max_file_bytes)"),
        ] {
            let error = reader.read(&path).1.expect_err("refused").to_string();
            assert!(error.contains(expected) && error.contains(&path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_stamp_sees_change_replacement_and_appearance() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = dir.path().join("a.yaml");
        let reader = LocalReader { max_bytes: 99, root: None };
        let (missing, _) = reader.read(&file);
        assert!(missing.state.is_none() && missing.is_current());
        write(&file, "one");
        assert!(!missing.is_current());
        let (stamp, _) = reader.read(&file);
        assert!(stamp.is_current());
        // Same size, perhaps the same time: the inode tells.
        write(&file, "two");
        assert!(!stamp.is_current());
    }

    /// W5
    #[test]
    fn reads_can_be_confined_to_a_folder() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let root = dir.path().canonicalize().expect("canonical").join("in");
        std::fs::create_dir(&root).expect("folder");
        let (inside, outside) = (root.join("a"), root.join("../b"));
        write(&inside, "a");
        write(&outside, "b");
        std::os::unix::fs::symlink("../b", root.join("link")).expect("link");
        let reader = LocalReader { max_bytes: 9, root: Some(&root) };
        assert!(reader.read(&inside).1.is_ok());
        for path in [outside, root.join("link")] {
            let error = reader.read(&path).1.expect_err("outside");
            assert!(matches!(error, DocumentError::OutsideRoot { .. }), "{error}");
        }
    }
}
