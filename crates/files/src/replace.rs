//! Replacing a file so that a reader, or the next start after a crash, sees the old content or the new, never a mix
//! (weaknesses 30, 31, 33).

use crate::{FileError, PRIVATE_FILE_MODE};
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// How every temporary file of ours begins. Its own word, so that a sweep never takes a file of somebody else.
pub const TEMPORARY_PREFIX: &str = ".tmp-open-cli-";
/// Random characters after the prefix: two writers of one target never meet.
const RANDOM_CHARACTERS: usize = 12;

/// What a replacement survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: the file is synced before the rename, its directory after it.
    Synced,
    /// A crash of the process. For caches.
    Unsynced,
}

/// Replaces the content of a file, or creates it, as 0600 whatever its mode was. Its directory must exist. A symbolic
/// link is replaced, not followed. On an error the old content stands, except for [`FileError::SyncDirectory`].
///
/// # Errors
/// When the temporary file can't be created, written, synced or renamed.
pub fn replace(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), FileError> {
    replace_with(path, durability, |file| file.write_all(bytes))
}

/// [`replace`] for content that is too large to hold: `write` fills the new file, and the old one stands when it
/// fails.
///
/// # Errors
/// As [`replace`], and what `write` says.
pub fn replace_with<T>(
    path: &Path,
    durability: Durability,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> Result<T, FileError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let written = write_and_rename(directory, path, durability, write)
        .map_err(|cause| FileError::Replace { path: path.to_owned(), cause })?;
    if durability == Durability::Synced {
        sync_directory(directory).map_err(|cause| FileError::SyncDirectory { path: path.to_owned(), cause })?;
    }
    Ok(written)
}

fn write_and_rename<T>(
    directory: &Path,
    path: &Path,
    durability: Durability,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> io::Result<T> {
    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .rand_bytes(RANDOM_CHARACTERS)
        .permissions(Permissions::from_mode(PRIVATE_FILE_MODE))
        .tempfile_in(directory)?;
    // Dropping the temporary on an error removes it.
    let written = write(temporary.as_file_mut())?;
    if durability == Durability::Synced {
        temporary.as_file().sync_all()?;
    }
    temporary.persist(path).map_err(|failure| failure.error)?;
    Ok(written)
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_all() {
        // Some file systems can't sync a directory and say so; there is nothing more to do on them.
        Err(cause) if matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mode_of, names_in, set_mode};
    use crate::{TEMPORARY_AGE, sweep_temporaries};
    use std::path::PathBuf;
    use std::process::{Command, ExitStatus};
    use std::time::SystemTime;

    /// Larger than the file-size limit that the child processes below get.
    const LARGE: usize = 1 << 20;
    const TARGET_VARIABLE: &str = "OPEN_CLI_FILES_TEST_TARGET";

    #[test]
    fn a_replaced_file_is_private_whatever_it_was_and_nothing_is_left_beside_it() {
        for durability in [Durability::Synced, Durability::Unsynced] {
            let root = tempfile::tempdir().expect("temporary directory");
            let path = root.path().join("f");
            replace(&path, b"one", durability).expect("created");
            assert_eq!(mode_of(&path), 0o600);
            for mode in [0o644, 0o400] {
                set_mode(&path, mode);
                replace(&path, b"two", durability).expect("replaced");
                assert_eq!(mode_of(&path), 0o600, "was {mode:o}");
            }
            assert_eq!(std::fs::read(&path).expect("readable"), b"two");
            assert_eq!(names_in(root.path()), ["f"]);
        }
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let root = tempfile::tempdir().expect("temporary directory");
        let (target, link) = (root.path().join("target"), root.path().join("link"));
        replace(&target, b"old", Durability::Unsynced).expect("created");
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        replace(&link, b"new", Durability::Unsynced).expect("replaced");
        assert_eq!(std::fs::read(&target).expect("readable"), b"old");
        assert!(std::fs::symlink_metadata(&link).expect("there").is_file());
    }

    #[test]
    fn content_that_is_not_written_to_its_end_replaces_nothing() {
        let (root, path) = target_with_old_content();
        let length = replace_with(&path, Durability::Synced, |file| file.write_all(b"one").map(|()| 3));
        assert_eq!((length.expect("replaced"), std::fs::read(&path).expect("readable")), (3, b"one".to_vec()));
        let half = |file: &mut File| -> io::Result<()> {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        replace_with(&path, Durability::Synced, half).expect_err("not written");
        assert_eq!(std::fs::read(&path).expect("readable"), b"one");
        assert_eq!(names_in(root.path()), ["f"]);
    }

    #[test]
    fn what_cannot_be_replaced_is_named_and_no_temporary_stays() {
        let root = tempfile::tempdir().expect("temporary directory");
        let directory = root.path().join("directory");
        std::fs::create_dir_all(directory.join("full")).expect("created");
        let error = replace(&directory, b"x", Durability::Synced).expect_err("a directory stays");
        assert!(error.to_string().contains(&directory.display().to_string()), "{error}");
        assert_eq!(names_in(root.path()), ["directory"]);
        let error = replace(&root.path().join("missing/f"), b"x", Durability::Synced).expect_err("no directory");
        assert!(error.is_not_found(), "{error}");
    }

    /// Weakness 31.
    #[test]
    fn many_writers_of_one_target_all_succeed() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("f");
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..25 {
                        replace(path, &[b'a' + writer; 5000], Durability::Unsynced).expect("replaced");
                    }
                });
            }
        });
        let content = std::fs::read(&path).expect("readable");
        assert_eq!(content.len(), 5000);
        assert!(content.iter().all(|byte| *byte == content[0]), "one writer's content, whole");
        assert_eq!(names_in(root.path()), ["f"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_content_and_no_temporary() {
        let (root, path) = target_with_old_content();
        let status = replace_in_a_child_with_a_file_size_limit(&path, "trap '' XFSZ");
        assert!(status.success(), "the child saw the error it expected: {status}");
        assert_eq!(std::fs::read(&path).expect("readable"), b"old");
        assert_eq!(names_in(root.path()), ["f"]);
    }

    #[test]
    fn a_writer_that_is_killed_leaves_the_old_content_and_its_temporary_is_swept() {
        let (root, path) = target_with_old_content();
        let status = replace_in_a_child_with_a_file_size_limit(&path, "ulimit -c 0");
        assert!(!status.success(), "the child was killed by SIGXFSZ: {status}");
        assert_eq!(std::fs::read(&path).expect("readable"), b"old");
        let names = names_in(root.path());
        let leftover = names.iter().find(|name| name.starts_with(TEMPORARY_PREFIX)).expect("left behind");
        let leftover = root.path().join(leftover);
        assert_eq!(mode_of(&leftover), 0o600);

        assert_eq!(sweep_temporaries(root.path()).expect("swept"), 0, "it may still be in use");
        let file = File::options().append(true).open(&leftover).expect("opened");
        file.set_modified(SystemTime::now() - TEMPORARY_AGE * 2).expect("aged");
        assert_eq!(sweep_temporaries(root.path()).expect("swept"), 1);
        assert_eq!(names_in(root.path()), ["f"]);
    }

    fn target_with_old_content() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("f");
        replace(&path, b"old", Durability::Synced).expect("created");
        (root, path)
    }

    /// Runs [`child_replaces_with_large_content`] in a process whose files may not grow beyond a few blocks. Unlike
    /// a read-only directory this also holds back root.
    fn replace_in_a_child_with_a_file_size_limit(path: &Path, prepare: &str) -> ExitStatus {
        Command::new("sh")
            .arg("-c")
            .arg(format!("{prepare}; ulimit -f 8; exec \"$0\" \"$@\""))
            .arg(std::env::current_exe().expect("the test binary"))
            .args([
                "--exact",
                "replace::tests::child_replaces_with_large_content",
                "--ignored",
                "--test-threads=1",
            ])
            .env(TARGET_VARIABLE, path)
            .stdout(std::process::Stdio::null())
            .status()
            .expect("sh runs")
    }

    #[test]
    #[ignore = "runs as a child of the tests above"]
    fn child_replaces_with_large_content() {
        let Some(path) = std::env::var_os(TARGET_VARIABLE).map(PathBuf::from) else { return };
        let error = replace(&path, &vec![b'n'; LARGE], Durability::Synced).expect_err("larger than the limit");
        assert!(error.to_string().contains("raise the file-size limit"), "{error}");
    }
}
