//! Private files that only grow.

use crate::{FileError, PRIVATE_FILE_MODE, create_private_dir_all};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a file for appending (`O_APPEND`), creating it as 0600 and the missing directories above it as 0700.
/// A file that exists keeps its mode.
///
/// # Errors
/// When a directory can't be made or the file not be opened.
pub fn append_private(path: &Path) -> Result<File, FileError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_private_dir_all(parent)?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(PRIVATE_FILE_MODE)
        .open(path)
        .map_err(|cause| FileError::Append { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::mode_of;
    use std::io::Write;

    #[test]
    fn a_file_opened_for_appending_is_private_and_keeps_its_content() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("a/b/audit.log");
        for line in ["one\n", "two\n"] {
            append_private(&path).expect("opened").write_all(line.as_bytes()).expect("written");
        }
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "one\ntwo\n");
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(mode_of(&root.path().join("a")), 0o700);
    }

    #[test]
    fn a_directory_in_the_way_is_an_error_that_names_it() {
        let root = tempfile::tempdir().expect("temporary directory");
        let error = append_private(root.path()).expect_err("a directory takes no lines");
        assert!(error.to_string().contains(&root.path().display().to_string()), "{error}");
    }
}
