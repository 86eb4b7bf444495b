//! Owning an instance (weaknesses 25, 28, 29, 31, 32).
//!
//! One exclusive lock on `<stateDir>/lock` decides. The system releases it when the owner ends, also by SIGKILL, so
//! there is nothing to clean by hand; the file itself stays.

use crate::lock::{self, LockError};
use crate::marker::config_name;
use crate::owner::Owner;
use crate::record::write_runtime_record;
use crate::{InstanceError, Layout, read_runtime_record};
use open_cli_contract::runtime::RuntimeRecord;
use open_cli_files::{FileError, create_private_dir_all, sweep_temporaries};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Something an operator should hear about, though the claim succeeded.
#[derive(Debug)]
pub enum ClaimWarning {
    /// A directory existed and lets other users in. It was left as it is.
    ExposedDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The cache can't be used; documents are fetched each time (weakness 46).
    NoCache(FileError),
}

impl fmt::Display for ClaimWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExposedDirectory { path, mode } => write!(
                f,
                "other users may access {} (mode {mode:o}); run `chmod 700` on it unless that is meant",
                path.display()
            ),
            Self::NoCache(cause) => write!(f, "no documents are cached: {cause}"),
        }
    }
}

/// Ownership of an instance. Ends when it is dropped, and `runtime.json` with it.
#[derive(Debug)]
pub struct InstanceLock {
    runtime_path: PathBuf,
    replaced_stale: Option<RuntimeRecord>,
    warnings: Vec<ClaimWarning>,
    /// Holds the lock as long as it is open; dropped after `drop` has withdrawn the record.
    _file: File,
}

impl Layout {
    /// Makes this process the owner: prepares the directories, takes the lock, removes what a killed owner left.
    /// Blocks for up to a quarter of a second while somebody else holds the lock. A relative `config_path` is seen
    /// from the working directory of the process.
    ///
    /// # Errors
    /// When the id belongs to another configuration, when another process owns the instance, or when the state
    /// directory can't be used.
    pub fn claim(&self, config_path: Option<&Path>) -> Result<InstanceLock, InstanceError> {
        let config_path = config_name(config_path);
        let mut warnings = Vec::new();
        let file = self.lock(config_path.as_deref(), &mut warnings)?;
        self.check_config(config_path.as_deref())?;
        if let Some(config_path) = &config_path {
            self.mark(config_path).map_err(|cause| self.state_error(cause))?;
        }
        Owner::this_process(config_path.as_deref())
            .write(&file)
            .map_err(|cause| self.state_error(FileError::Replace { path: self.lock_path.clone(), cause }))?;
        self.prepare_cache(&mut warnings);
        for directory in [&self.state_dir, &self.state_dir.join("oauth"), &self.cache_dir] {
            // What can't be swept now is swept by a later start.
            let _ = sweep_temporaries(directory);
        }
        // The lock is ours: whoever wrote this record is gone.
        let replaced_stale = read_runtime_record(&self.runtime_path).ok();
        // A record that can't be removed can't be replaced either; `publish` will say so.
        let _ = std::fs::remove_file(&self.runtime_path);
        Ok(InstanceLock { runtime_path: self.runtime_path.clone(), replaced_stale, warnings, _file: file })
    }

    fn state_error(&self, cause: FileError) -> InstanceError {
        InstanceError::State { id: self.id.to_string(), cause }
    }

    fn prepare_state(&self) -> Result<Option<ClaimWarning>, InstanceError> {
        let found = create_private_dir_all(&self.state_dir).map_err(|cause| self.state_error(cause))?;
        Ok(found.exposed_mode.map(|mode| ClaimWarning::ExposedDirectory { path: self.state_dir.clone(), mode }))
    }

    fn prepare_cache(&self, warnings: &mut Vec<ClaimWarning>) {
        match create_private_dir_all(&self.cache_dir) {
            Ok(found) => warnings.extend(
                found
                    .exposed_mode
                    .map(|mode| ClaimWarning::ExposedDirectory { path: self.cache_dir.clone(), mode }),
            ),
            Err(cause) => warnings.push(ClaimWarning::NoCache(cause)),
        }
    }

    fn lock(&self, config_path: Option<&Path>, warnings: &mut Vec<ClaimWarning>) -> Result<File, InstanceError> {
        let mut exposed = None;
        let prepare = || {
            exposed = self.prepare_state()?;
            Ok(())
        };
        match lock::take(&self.lock_path, prepare) {
            Ok(file) => {
                warnings.extend(exposed);
                Ok(file)
            }
            Err(LockError::Held) => {
                // Who shares an id by mistake must hear that, not only that somebody was faster.
                self.check_config(config_path)?;
                Err(self.held())
            }
            Err(LockError::Failed(InstanceError::Record(cause))) => Err(self.state_error(cause)),
            Err(LockError::Failed(error)) => Err(error),
        }
    }

    fn held(&self) -> InstanceError {
        let owner = Owner::read(&self.lock_path);
        let pid = owner.as_ref().map(|owner| owner.pid);
        // A record of somebody else is a leftover that the owner has not removed yet.
        let url = read_runtime_record(&self.runtime_path)
            .ok()
            .filter(|record| pid.is_none_or(|pid| pid == record.pid))
            .map(|record| record.url);
        let known: Vec<_> = [
            pid.map(|pid| format!("pid {pid}")),
            owner.and_then(|owner| owner.started_at).map(|at| format!("since {at:.0}")),
            url.clone(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let owner = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
        InstanceError::Held { id: self.id.to_string(), owner, pid, url }
    }
}

impl InstanceLock {
    /// Writes `runtime.json`. Call it when the listener is bound and before requests are served (STATE-8). The
    /// record should carry the pid of this process, or it will not be withdrawn.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn publish(&self, record: &RuntimeRecord) -> Result<(), InstanceError> {
        write_runtime_record(&self.runtime_path, record)
    }

    /// Removes `runtime.json` if it carries the pid of this process. Also done when the lock is dropped.
    pub fn withdraw(&self) {
        if read_runtime_record(&self.runtime_path).is_ok_and(|record| record.pid == std::process::id()) {
            // One that stays behind is recognised as stale, because nobody holds the lock.
            let _ = std::fs::remove_file(&self.runtime_path);
        }
    }

    /// The record of an owner that ended without withdrawing it, e.g. by a crash. Worth a line in the log.
    pub fn replaced_stale(&self) -> Option<&RuntimeRecord> {
        self.replaced_stale.as_ref()
    }

    /// What an operator should hear about.
    pub fn warnings(&self) -> &[ClaimWarning] {
        &self.warnings
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        self.withdraw();
    }
}

#[cfg(test)]
mod tests;
