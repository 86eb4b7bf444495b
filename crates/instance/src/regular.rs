//! Reading files of a folder that may not be ours: no symbolic link is followed, and nothing but a plain file is
//! opened, for opening a pipe waits for its writer.

use open_cli_files::{FileError, read_bounded};
use std::io;
use std::path::Path;

/// Content of a plain file of at most `limit` bytes.
pub(crate) fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |cause| FileError::Read { path: path.to_owned(), cause };
    if !std::fs::symlink_metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is no plain file")));
    }
    read_bounded(path, limit)
}
