//! All instances below a state root, as an operator wants to see them. Not for finding a runtime to talk to
//! (STATE-10).

use crate::inspect::{Viewer, inspect};
use crate::owner::Owner;
use crate::{InstanceError, Roots, Sizes};
use open_cli_contract::Timestamp;
use open_cli_files::FileError;
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Most folders that are looked at.
pub const MAX_INSTANCES: usize = 10_000;
/// What prune is about to delete; no instances.
pub(crate) const TRASH_PREFIX: &str = ".pruned-";

/// State of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InstanceState {
    /// Its lock is held by the process that it names.
    Running,
    /// Nobody runs it, and its last owner left in order.
    Stopped,
    /// Nobody runs it, but the record of its last owner is still there.
    Stale,
    /// Not an instance of ours, or nothing that is certain can be said about it. It is never touched.
    Foreign,
}

impl InstanceState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Stale => "stale",
            Self::Foreign => "foreign",
        }
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An instance as it was found. What is not known is empty, and left out of the JSON.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Its id: the name of its folder.
    pub id: String,
    /// Its state.
    pub state: InstanceState,
    /// Why it is stale or foreign.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Where it can be dialled. Empty while it starts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The address it listens on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bind_address: String,
    /// Its process, or its last one.
    #[serde(skip_serializing_if = "is_zero")]
    pub pid: u32,
    /// Version of the program.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// When that process started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The configuration it serves.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config_path: String,
    /// Its state folder.
    pub state_dir: PathBuf,
    /// Its audit log.
    pub audit_path: PathBuf,
    /// Its document cache.
    pub cache_dir: PathBuf,
    /// The newest trace of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// What it keeps on disk.
    pub sizes: Sizes,
    /// Who has or had the lock.
    #[serde(skip)]
    pub(crate) owner: Owner,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// The instances of a state root.
#[derive(Debug, Clone)]
pub struct Listing {
    /// By id.
    pub instances: Vec<Instance>,
    /// False when there are more than [`MAX_INSTANCES`] folders.
    pub is_complete: bool,
}

/// Looks at every folder below `<state root>/instances`. Changes nothing and waits for nothing but an owner that is
/// just starting. A missing root has no instances.
///
/// # Errors
/// When the folder can't be read.
pub fn list(roots: &Roots) -> Result<Listing, InstanceError> {
    let folder = roots.instances();
    let failed = |cause| FileError::Read { path: folder.clone(), cause };
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return Ok(Listing { instances: Vec::new(), is_complete: true });
        }
        Err(cause) => return Err(failed(cause).into()),
    };
    let mut names: Vec<OsString> = Vec::new();
    let mut is_complete = true;
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if name.as_encoded_bytes().starts_with(TRASH_PREFIX.as_bytes()) {
            continue;
        }
        if names.len() == MAX_INSTANCES {
            is_complete = false;
            break;
        }
        names.push(name);
    }
    names.sort_unstable();
    let viewer = Viewer::of(&folder);
    let instances = names.iter().filter_map(|name| inspect(roots, name, viewer)).collect();
    Ok(Listing { instances, is_complete })
}

/// One instance, looked at again.
pub fn look_up(roots: &Roots, id: &str) -> Option<Instance> {
    // Only the name of a folder directly below leads to one.
    let is_name = !id.is_empty() && !id.contains('/') && !matches!(id, "." | "..");
    is_name.then(|| inspect(roots, OsStr::new(id), Viewer::of(&roots.instances()))).flatten()
}

#[cfg(test)]
mod tests;
