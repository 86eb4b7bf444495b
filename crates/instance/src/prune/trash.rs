//! Getting files out of the way at once, and deleting them afterwards. A kill in between leaves a folder that a later
//! [`sweep`] removes. Nothing follows a symbolic link: links are moved and deleted, not what they lead to.

use super::plan::Plan;
use crate::InstanceError;
use crate::inspect::Viewer;
use crate::layout::Roots;
use crate::list::TRASH_PREFIX;
use open_cli_files::{FileError, PRIVATE_DIRECTORY_MODE, TEMPORARY_AGE};
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::TempDir;

/// Moves what the plan names into folders beside it, still on the same file system.
pub(super) fn throw_away(plan: &Plan) -> Result<Vec<TempDir>, InstanceError> {
    let mut trash = Vec::new();
    if let Some(cache) = &plan.cache {
        let above = cache.parent().unwrap_or(cache);
        let bin = bin(above.parent().unwrap_or(above))?;
        throw(cache, bin.path())?;
        // Empty now, or somebody else's.
        let _ = std::fs::remove_dir(above);
        trash.push(bin);
    }
    if let Some(folder) = &plan.whole {
        let bin = bin(folder.parent().unwrap_or(folder))?;
        throw(folder, bin.path())?;
        trash.push(bin);
    } else if let Some(folder) = plan.entries.first().and_then(|entry| entry.parent()) {
        let last_used = std::fs::metadata(folder).and_then(|found| found.modified());
        let bin = bin(folder.parent().unwrap_or(folder))?;
        plan.entries.iter().try_for_each(|entry| throw(entry, bin.path()))?;
        trash.push(bin);
        // Tidying up is no use of the instance.
        if let (Ok(folder), Ok(time)) = (File::open(folder), last_used) {
            let _ = folder.set_modified(time);
        }
    }
    Ok(trash)
}

/// Deletes what was thrown away.
pub(super) fn empty(trash: Vec<TempDir>) -> Result<(), InstanceError> {
    trash.into_iter().try_for_each(|bin| {
        let path = bin.path().to_owned();
        bin.close().map_err(|cause| InstanceError::Remove { path, cause })
    })
}

fn bin(beside: &Path) -> Result<TempDir, InstanceError> {
    tempfile::Builder::new()
        .prefix(TRASH_PREFIX)
        .permissions(Permissions::from_mode(PRIVATE_DIRECTORY_MODE))
        .tempdir_in(beside)
        .map_err(|cause| FileError::CreateDirectory { path: beside.join(TRASH_PREFIX), cause }.into())
}

fn throw(path: &Path, bin: &Path) -> Result<(), InstanceError> {
    let result = match std::fs::rename(path, bin.join(path.file_name().unwrap_or_default())) {
        // A mount of its own: deleted where it is.
        Err(cause) if cause.kind() == io::ErrorKind::CrossesDevices => remove(path),
        result => result,
    };
    match result {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|cause| InstanceError::Remove { path: path.to_owned(), cause }),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(path)?.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    }
}

/// Removes what a killed prune had thrown away, and says how many. What can't be removed is left for the next one.
pub fn sweep(roots: &Roots) -> usize {
    let viewer = Viewer::of(&roots.instances());
    let folders: Vec<PathBuf> = [Some(roots.instances()), roots.cache_instances()].into_iter().flatten().collect();
    let now = SystemTime::now();
    let is_left = |path: &Path| {
        std::fs::symlink_metadata(path).is_ok_and(|found| {
            let age = found.modified().ok().and_then(|time| now.duration_since(time).ok());
            found.is_dir() && found.uid() == viewer.0 && age.is_some_and(|age| age > TEMPORARY_AGE)
        })
    };
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(TRASH_PREFIX.as_bytes()))
        .map(|entry| entry.path())
        .filter(|path| is_left(path) && std::fs::remove_dir_all(path).is_ok())
        .count()
}
