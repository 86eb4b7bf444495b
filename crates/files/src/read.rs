//! Reading a small file whole, with a bound.

use crate::FileError;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Others may write.
const OTHERS_WRITE: u32 = 0o022;

/// Content of a file of at most `limit` bytes.
///
/// # Errors
/// When it can't be read ([`FileError::is_not_found`] tells a missing file) or is larger.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(|cause| FileError::Read { path: path.to_owned(), cause })?;
    read(file, path, limit)
}

/// The same for a file that is believed because nobody else could have written it.
///
/// # Errors
/// As [`read_bounded`], and when another user owns the file or may write it.
pub fn read_private(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |cause| FileError::Read { path: path.to_owned(), cause };
    let file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & OTHERS_WRITE != 0 {
        return Err(FileError::NotPrivate { path: path.to_owned() });
    }
    read(file, path, limit)
}

fn read(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |cause| FileError::Read { path: path.to_owned(), cause };
    // A whole file at once, and one byte more tells that it is the end.
    let expected = file.metadata().map_or(0, |found| found.len()).min(limit).saturating_add(1);
    let mut content = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability, replace};

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("f");
        assert!(read_bounded(&path, 4).expect_err("missing").is_not_found());
        replace(&path, b"1234", Durability::Unsynced).expect("written");
        assert_eq!(read_bounded(&path, 4).expect("fits"), b"1234");
        let error = read_bounded(&path, 3).expect_err("too large");
        assert!(matches!(error, FileError::TooLarge { limit: 3, .. }), "{error}");
    }

    #[test]
    fn a_file_that_others_may_write_is_not_believed() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("f");
        assert!(read_private(&path, 4).expect_err("missing").is_not_found());
        replace(&path, b"1234", Durability::Unsynced).expect("written");
        assert_eq!(read_private(&path, 4).expect("private"), b"1234");
        for (mode, is_believed) in [(0o640, true), (0o620, false), (0o602, false)] {
            crate::testing::set_mode(&path, mode);
            assert_eq!(read_private(&path, 4).is_ok(), is_believed, "{mode:o}");
        }
    }
}
