//! Private directories (weakness 32).

use crate::FileError;
use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Mode of every directory this crate creates, before the umask.
pub const PRIVATE_DIRECTORY_MODE: u32 = 0o700;
/// Bits that let others in.
const OTHERS: u32 = 0o077;

/// What [`create_private_dir_all`] found or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryState {
    /// It did not exist before.
    pub created: bool,
    /// Permission bits of a directory that existed and lets other users in. It is left as it is: somebody chose
    /// that mode (a container volume, an administrator). Worth a warning.
    pub exposed_mode: Option<u32>,
}

/// Makes a directory and the missing ones above it, all 0700. Nothing that exists is changed; it is checked instead.
///
/// # Errors
/// When a directory can't be made, or something else is in its place.
pub fn create_private_dir_all(path: &Path) -> Result<DirectoryState, FileError> {
    let failed = |cause| FileError::CreateDirectory { path: path.to_owned(), cause };
    match std::fs::metadata(path) {
        Ok(found) => return check(path, &found),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(failed(cause)),
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(PRIVATE_DIRECTORY_MODE);
    builder.create(path).map_err(failed)?;
    Ok(DirectoryState { created: true, exposed_mode: None })
}

fn check(path: &Path, found: &Metadata) -> Result<DirectoryState, FileError> {
    if !found.is_dir() {
        return Err(FileError::NotADirectory { path: path.to_owned() });
    }
    let mode = found.permissions().mode() & 0o7777;
    Ok(DirectoryState { created: false, exposed_mode: (mode & OTHERS != 0).then_some(mode) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mode_of, set_mode};

    #[test]
    fn every_directory_it_creates_is_private_and_none_it_found_is_changed() {
        let root = tempfile::tempdir().expect("temporary directory");
        let open = root.path().join("open");
        std::fs::create_dir(&open).expect("created");
        set_mode(&open, 0o755);

        let inner = open.join("a/b");
        let made = create_private_dir_all(&inner).expect("made");
        assert_eq!(made, DirectoryState { created: true, exposed_mode: None });
        assert_eq!((mode_of(&open.join("a")), mode_of(&inner)), (0o700, 0o700));
        assert_eq!(mode_of(&open), 0o755);

        let again = create_private_dir_all(&inner).expect("there already");
        assert_eq!(again, DirectoryState { created: false, exposed_mode: None });
        let exposed = create_private_dir_all(&open).expect("there already");
        assert_eq!(exposed, DirectoryState { created: false, exposed_mode: Some(0o755) });
        assert_eq!(mode_of(&open), 0o755, "checked, not tightened");
    }

    #[test]
    fn a_file_in_the_way_is_an_error_that_names_it() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = root.path().join("file");
        std::fs::File::create(&file).expect("created");
        let error = create_private_dir_all(&file).expect_err("a file is no directory");
        assert!(error.to_string().contains("file is not a directory"), "{error}");
        let error = create_private_dir_all(&file.join("below")).expect_err("a file has no children");
        assert!(error.to_string().contains("file/below"), "{error}");
    }
}
