//! Reading a small file whole, with a bound.

use crate::FileError;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Content of a file of at most `limit` bytes.
///
/// # Errors
/// When it can't be read ([`FileError::is_not_found`] tells a missing file) or is larger.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |cause| FileError::Read { path: path.to_owned(), cause };
    let file = File::open(path).map_err(failed)?;
    let mut content = Vec::new();
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
}
