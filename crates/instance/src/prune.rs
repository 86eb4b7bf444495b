//! Removing what dead instances left. Only what is provably dead, only what is known to be ours, and only while the
//! lock is held, so that no owner can start meanwhile. The audit log is evidence: it stays unless it is asked for,
//! and with it the file that says whose it is.
//!
//! What goes is first renamed into a folder beside the instances and then deleted: the lock is held for a moment
//! only, and what a kill leaves behind is no half instance.

mod plan;
mod trash;

use crate::inspect::{self, Occupancy};
use crate::layout::{CHILDREN, LOCK};
use crate::list::{Instance, InstanceState};
use crate::lock::{self, LockError};
use crate::regular::read_regular;
use crate::{InstanceError, Roots, process};
use open_cli_contract::Timestamp;
use open_cli_files::FileError;
use plan::Plan;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
pub use trash::sweep;

/// Largest registry of child processes that is read.
const CHILDREN_MAX: u64 = 1 << 20;

/// What is removed.
#[derive(Debug, Clone, Copy)]
pub struct PruneOptions {
    /// The audit log too.
    pub with_audit: bool,
    /// Only what was not used for so long.
    pub older_than: Option<Duration>,
    /// Nothing; only say what would be.
    pub dry_run: bool,
    /// The time it is.
    pub now: Timestamp,
}

/// What became of an instance.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// The instance.
    pub id: String,
    /// Its state before.
    pub state: InstanceState,
    /// What was done.
    pub outcome: Outcome,
    /// Why it was kept, or what failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What is gone, or would be.
    pub removed: Vec<Removed>,
    /// What of a removed instance is still there.
    pub kept: Vec<Kept>,
}

/// What prune did with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Removed, except for what `kept` names.
    Removed,
    /// A dry run: it would be.
    WouldRemove,
    /// Left as it is.
    Kept,
    /// Something could not be removed.
    Failed,
}

/// A part of an instance that is gone.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// `runtime`, `cache`, `traces`, `oauth`, `audit`.
    pub what: &'static str,
    /// Where it was; for the runtime's files the folder.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// A part of an instance that is still there.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// `audit`, `cache`, `other`.
    pub what: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Why.
    pub why: &'static str,
}

/// Why nothing was removed.
enum Stop {
    /// It is to stay.
    Keep(String),
    /// Something failed.
    Fail(InstanceError),
}

impl<E: Into<InstanceError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Fail(error.into())
    }
}

/// Removes an instance that [`crate::list`] found, or says why not. Blocks.
pub fn prune(roots: &Roots, instance: &Instance, options: PruneOptions) -> Pruned {
    let done = if options.dry_run { Outcome::WouldRemove } else { Outcome::Removed };
    let (outcome, reason, plan) = match try_prune(roots, instance, options) {
        Ok(plan) => (done, String::new(), plan),
        Err(Stop::Keep(reason)) => (Outcome::Kept, reason, Plan::default()),
        Err(Stop::Fail(error)) => (Outcome::Failed, error.to_string(), Plan::default()),
    };
    let Plan { removed, kept, .. } = plan;
    Pruned { id: instance.id.clone(), state: instance.state, outcome, reason, removed, kept }
}

fn try_prune(roots: &Roots, instance: &Instance, options: PruneOptions) -> Result<Plan, Stop> {
    check_state(instance.state, instance)?;
    check_age(instance, options)?;
    check_children(&instance.state_dir)?;
    if options.dry_run {
        return Plan::of(roots, instance, options);
    }
    let lock = OwnLock::take(&instance.state_dir)?;
    // Nobody else can own it from here on; what was found before may have changed until here.
    let occupancy = if lock.is_new { Occupancy::NoLock } else { Occupancy::Free };
    let (state, reason) = inspect::state(&instance.id, &instance.state_dir, occupancy);
    check_state(state, &Instance { reason, ..instance.clone() })?;
    check_children(&instance.state_dir)?;
    let plan = Plan::of(roots, instance, options)?;
    let trash = trash::throw_away(&plan)?;
    drop(lock);
    trash::empty(trash)?;
    Ok(plan)
}

fn check_state(state: InstanceState, instance: &Instance) -> Result<(), Stop> {
    match state {
        InstanceState::Stopped | InstanceState::Stale => Ok(()),
        InstanceState::Running => Err(Stop::Keep(format!("it runs (pid {})", instance.pid))),
        InstanceState::Foreign => Err(Stop::Keep(instance.reason.clone())),
    }
}

fn check_age(instance: &Instance, options: PruneOptions) -> Result<(), Stop> {
    let (Some(least), Some(used)) = (options.older_than, instance.last_used_at) else { return Ok(()) };
    // A time in the future is no age.
    let age = Duration::try_from(options.now.duration_since(used)).unwrap_or_default();
    if age >= least { Ok(()) } else { Err(Stop::Keep("it was used more recently than that".into())) }
}

/// The registry of child processes (STATE-4), in the reference's shape or with more to each.
#[derive(Deserialize)]
struct Children {
    #[serde(default)]
    pids: Vec<Child>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Child {
    Pid(u32),
    #[serde(rename_all = "camelCase")]
    Process {
        pid: u32,
        #[serde(default)]
        start_time: Option<u64>,
    },
}

/// Children that outlived their runtime are ended by its next start, which needs the registry for that.
fn check_children(state_dir: &Path) -> Result<(), Stop> {
    let path = state_dir.join(CHILDREN);
    let Ok(content) = read_regular(&path, CHILDREN_MAX) else { return Ok(()) };
    // A malformed registry is ignored (STATE-4).
    let Ok(children) = serde_json::from_slice::<Children>(&content) else { return Ok(()) };
    let written = std::fs::metadata(&path).and_then(|found| found.modified()).ok();
    let alive = children.pids.iter().find_map(|child| match *child {
        Child::Pid(pid) => process::may_have_written(pid, written).then_some(pid),
        Child::Process { pid, start_time } => process::is_same(pid, start_time).then_some(pid),
    });
    match alive {
        Some(pid) => Err(Stop::Keep(format!("its child process {pid} still runs; end that first"))),
        None => Ok(()),
    }
}

/// The lock while an instance is removed.
struct OwnLock {
    path: PathBuf,
    file: File,
    /// There was none before.
    is_new: bool,
}

impl OwnLock {
    /// The folder is there, or there is nothing to remove: it is never made here.
    fn take(state_dir: &Path) -> Result<Self, Stop> {
        let path = state_dir.join(LOCK);
        let is_new = std::fs::symlink_metadata(&path).is_err();
        match lock::take(&path, || there(state_dir)) {
            Ok(file) => Ok(Self { path, file, is_new }),
            Err(LockError::Held) => Err(Stop::Keep("a process took it just now".into())),
            Err(LockError::Failed(_)) if !state_dir.exists() => Err(Stop::Keep("it was removed meanwhile".into())),
            Err(LockError::Failed(error)) => Err(error.into()),
        }
    }
}

impl Drop for OwnLock {
    fn drop(&mut self) {
        // Leaves no lock behind where none was, and touches none that somebody else made since.
        if self.is_new && lock::leads_to(&self.path, &self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn there(folder: &Path) -> Result<(), InstanceError> {
    match std::fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(FileError::NotADirectory { path: folder.to_owned() }.into()),
        Err(cause) => Err(FileError::Read { path: folder.to_owned(), cause }.into()),
    }
}

#[cfg(test)]
mod tests;
