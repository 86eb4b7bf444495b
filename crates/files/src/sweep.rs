//! Removing what killed processes left behind (weakness 31).

use crate::{FileError, TEMPORARY_PREFIX};
use std::fs::DirEntry;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Age from which a temporary file is a leftover; no replacement takes that long.
pub const TEMPORARY_AGE: Duration = Duration::from_secs(60 * 60);

/// Removes our temporary files directly in a directory that are older than [`TEMPORARY_AGE`], and says how many.
/// A missing directory has none. A leftover that can't be removed is left for the next sweep.
///
/// # Errors
/// When the directory can't be read.
pub fn sweep_temporaries(directory: &Path) -> Result<usize, FileError> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(cause) => return Err(FileError::Read { path: directory.to_owned(), cause }),
    };
    let is_removed = |entry: &DirEntry| is_leftover(entry) && std::fs::remove_file(entry.path()).is_ok();
    Ok(entries.flatten().filter(is_removed).count())
}

fn is_leftover(entry: &DirEntry) -> bool {
    let is_ours = entry.file_name().as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes());
    // `DirEntry::metadata` does not follow links; a modification time in the future has no age yet.
    is_ours
        && entry.metadata().is_ok_and(|found| {
            let age = found.modified().ok().and_then(|modified| modified.elapsed().ok());
            found.is_file() && age.is_some_and(|age| age > TEMPORARY_AGE)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::names_in;
    use std::fs::File;
    use std::time::SystemTime;

    #[test]
    fn only_old_temporary_files_of_ours_are_removed() {
        let root = tempfile::tempdir().expect("temporary directory");
        let old = SystemTime::now() - TEMPORARY_AGE - Duration::from_secs(60);
        let future = SystemTime::now() + TEMPORARY_AGE * 3;
        for (name, modified) in [
            (".tmp-open-cli-old", old),
            (".tmp-open-cli-new", SystemTime::now()),
            (".tmp-open-cli-future", future),
            (".tmp-other", old),
            ("runtime.json", old),
        ] {
            let file = File::create(root.path().join(name)).expect("created");
            file.set_modified(modified).expect("aged");
        }
        let directory = root.path().join(".tmp-open-cli-directory");
        std::fs::create_dir(&directory).expect("created");
        File::open(&directory).expect("opened").set_modified(old).expect("aged");

        assert_eq!(sweep_temporaries(root.path()).expect("swept"), 1);
        let left = names_in(root.path());
        assert!(!left.contains(&".tmp-open-cli-old".to_owned()), "{left:?}");
        assert_eq!(left.len(), 5, "{left:?}");
    }

    #[test]
    fn a_missing_directory_holds_no_leftovers() {
        assert_eq!(sweep_temporaries(Path::new("/nonexistent/open-cli")).expect("nothing to do"), 0);
    }
}
