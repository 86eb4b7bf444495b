//! What the folder of an instance says: is it ours, and does it run? The lock decides (weakness 29); a pid counts only
//! together with the start time of its process. Changes nothing.
//!
//! A runtime of the reference implementation takes no lock. Its record is told by what is missing in it, and believed
//! as long as its process may be the one that wrote it.

use crate::layout::{AUDIT_LOG, CHILDREN, LOCK, OAUTH, RUNTIME_RECORD, TRACES};
use crate::list::Instance;
use crate::lock::{self, Holder};
use crate::marker::{MARKER, Marker};
use crate::owner::Owner;
use crate::record::RECORD_MAX;
use crate::regular::read_regular;
use crate::{InstanceState, Roots, process, sizes};
use open_cli_contract::Timestamp;
use open_cli_contract::runtime::RuntimeRecord;
use open_cli_contract::slug::instance_slug;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// An owner that starts has the lock before it has said who it is. Looked at so often before it counts as foreign.
const LOOKS: usize = 5;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Everything that is ours begins with, or is called, one of these.
const OURS: [&str; 7] = [RUNTIME_RECORD, LOCK, MARKER, AUDIT_LOG, OAUTH, TRACES, CHILDREN];

/// What was decided about a folder.
#[derive(Debug, Default)]
struct Verdict {
    state: Option<InstanceState>,
    reason: String,
    record: Option<RuntimeRecord>,
    owner: Option<Owner>,
}

impl Verdict {
    fn new(state: InstanceState) -> Self {
        Self { state: Some(state), ..Self::default() }
    }

    fn foreign(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::new(InstanceState::Foreign) }
    }
}

/// Who may be looked at: the user, and for root the user whose state root it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer(pub(crate) u32);

impl Viewer {
    pub(crate) fn of(instances: &Path) -> Self {
        let me = rustix::process::geteuid();
        let owner = || std::fs::metadata(instances).map_or(0, |found| found.uid());
        Self(if me.is_root() { owner() } else { me.as_raw() })
    }
}

/// The instance in this folder; nothing when there is no folder of this name.
pub(crate) fn inspect(roots: &Roots, name: &OsStr, viewer: Viewer) -> Option<Instance> {
    let state_dir = roots.instances().join(name);
    let name = &*name.to_string_lossy();
    let found = std::fs::symlink_metadata(&state_dir).ok()?;
    if found.is_file() {
        return None;
    }
    let mut is_readable = false;
    let verdict = if !found.is_dir() {
        Verdict::foreign("it is no folder; what it leads to is not looked at")
    } else if found.uid() != viewer.0 {
        Verdict::foreign(format!("it belongs to the user with the id {}", found.uid()))
    } else if let Err(cause) = std::fs::read_dir(&state_dir) {
        Verdict::foreign(format!("it can't be read: {cause}"))
    } else {
        is_readable = true;
        judge(name, &state_dir)
    };
    let marker = if is_readable { Marker::read(&state_dir).unwrap_or_default() } else { Marker::default() };
    let mut instance = assemble(roots, name, state_dir, verdict, marker);
    if is_readable {
        instance.last_used_at = last_used(&instance);
        measure(&mut instance);
    }
    Some(instance)
}

/// An owner that is just starting is given time to say who it is.
fn judge(name: &str, state_dir: &Path) -> Verdict {
    if instance_slug(name) != name {
        return Verdict::foreign("its name is no instance id");
    }
    let mut verdict = look(name, state_dir);
    for _ in 1..LOOKS {
        let is_settled = verdict.state != Some(InstanceState::Foreign) || verdict.owner.is_none();
        if is_settled {
            break;
        }
        pause();
        verdict = look(name, state_dir);
    }
    verdict
}

/// Whether somebody has the lock, for those who have it themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occupancy {
    /// There was no lock file.
    NoLock,
    /// Nobody else has it.
    Free,
    /// Somebody has.
    Held,
}

/// State and reason, seen by somebody who has the lock.
pub(crate) fn state(name: &str, state_dir: &Path, occupancy: Occupancy) -> (InstanceState, String) {
    let verdict = decide(name, state_dir, occupancy);
    (verdict.state.unwrap_or(InstanceState::Foreign), verdict.reason)
}

fn look(name: &str, state_dir: &Path) -> Verdict {
    match lock::holder(&state_dir.join(LOCK)) {
        Ok(Holder::NoFile) => decide(name, state_dir, Occupancy::NoLock),
        Ok(Holder::Nobody) => decide(name, state_dir, Occupancy::Free),
        Ok(Holder::Somebody) => decide(name, state_dir, Occupancy::Held),
        Err(error) => Verdict::foreign(error.to_string()),
    }
}

fn decide(name: &str, state_dir: &Path, occupancy: Occupancy) -> Verdict {
    let owner = (occupancy == Occupancy::Held).then(|| Owner::read(&state_dir.join(LOCK)).unwrap_or_default());
    let record = match read_record(state_dir) {
        Ok(record) => record,
        Err(reason) => return Verdict { owner, ..Verdict::foreign(reason) },
    };
    if let Some(other) = record.as_ref().filter(|record| record.instance_id != name) {
        let reason = format!("its {RUNTIME_RECORD} is of the instance {}", other.instance_id);
        return Verdict { owner, ..Verdict::foreign(reason) };
    }
    match (owner, record) {
        (Some(owner), record) => held(owner, record),
        (None, Some(record)) => unheld(state_dir, record),
        (None, None) if occupancy == Occupancy::Free || has_something_of_ours(state_dir) => {
            Verdict::new(InstanceState::Stopped)
        }
        (None, None) => Verdict::foreign("nothing in it was written by open-cli"),
    }
}

fn held(owner: Owner, record: Option<RuntimeRecord>) -> Verdict {
    let verdict = if !owner.is_there() {
        Verdict::foreign(format!(
            "its lock is held, but not by the process {} that it names; is it used by another program, or in a container?",
            owner.pid
        ))
    } else if let Some(other) = record.as_ref().filter(|record| record.pid != owner.pid) {
        Verdict::foreign(format!(
            "its lock is held by the process {}, its {RUNTIME_RECORD} names {}",
            owner.pid, other.pid
        ))
    } else {
        Verdict::new(InstanceState::Running)
    };
    Verdict { record, owner: Some(owner), ..verdict }
}

fn unheld(state_dir: &Path, record: RuntimeRecord) -> Verdict {
    // Ours carry both, and were written by somebody who had the lock.
    let is_ours = record.started_at.is_some() || !record.version.is_empty();
    let written = || std::fs::metadata(state_dir.join(RUNTIME_RECORD)).and_then(|found| found.modified()).ok();
    let verdict = if is_ours {
        let again = if process::exists(record.pid) { "; another process has its pid now" } else { "" };
        let reason = format!("its process {} ended without cleaning up{again}", record.pid);
        Verdict { reason, ..Verdict::new(InstanceState::Stale) }
    } else if record.pid == 0 {
        Verdict::foreign("it was started without a lock, and its record names no process")
    } else if process::may_have_written(record.pid, written()) {
        Verdict::foreign(format!(
            "the process {} runs it without a lock, as the reference implementation does",
            record.pid
        ))
    } else {
        let reason = format!("its process {} is gone", record.pid);
        Verdict { reason, ..Verdict::new(InstanceState::Stale) }
    };
    Verdict { record: Some(record), ..verdict }
}

fn read_record(state_dir: &Path) -> Result<Option<RuntimeRecord>, String> {
    let content = match read_regular(&state_dir.join(RUNTIME_RECORD), RECORD_MAX) {
        Ok(content) => content,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    serde_json::from_slice(&content)
        .map(Some)
        .map_err(|cause| format!("its {RUNTIME_RECORD} is no record: {cause}"))
}

/// An empty folder counts: there is nothing in it that is not ours.
fn has_something_of_ours(state_dir: &Path) -> bool {
    let Ok(mut entries) = std::fs::read_dir(state_dir) else { return false };
    let is_empty = entries.next().is_none();
    is_empty || OURS.iter().any(|name| std::fs::symlink_metadata(state_dir.join(name)).is_ok())
}

fn assemble(roots: &Roots, name: &str, state_dir: PathBuf, verdict: Verdict, marker: Marker) -> Instance {
    let owner = verdict.owner.unwrap_or_default();
    let record = verdict.record.unwrap_or_else(|| owner.as_record(name.to_owned()));
    let first = |candidates: [String; 2]| candidates.into_iter().find(|text| !text.is_empty());
    let default_audit = state_dir.join(AUDIT_LOG);
    Instance {
        id: name.to_owned(),
        state: verdict.state.unwrap_or(InstanceState::Foreign),
        reason: verdict.reason,
        url: record.url,
        bind_address: record.bind_address,
        pid: record.pid,
        version: record.version,
        started_at: record.started_at,
        config_path: first([record.config_path, marker.config_path]).unwrap_or_default(),
        audit_path: first([record.audit_path, marker.audit_path]).map_or(default_audit, PathBuf::from),
        cache_dir: first([record.cache_dir, marker.cache_dir])
            .map(PathBuf::from)
            .or_else(|| roots.cache_dir(name))
            .unwrap_or_default(),
        state_dir,
        last_used_at: None,
        sizes: sizes::Sizes::default(),
        owner,
    }
}

/// The newest trace of use. The folder itself changes when a record comes and goes.
fn last_used(instance: &Instance) -> Option<Timestamp> {
    let inside = [LOCK, RUNTIME_RECORD, TRACES, OAUTH].map(|name| instance.state_dir.join(name));
    let of = |path: &Path| std::fs::symlink_metadata(path).and_then(|found| found.modified()).ok();
    let newest: Option<SystemTime> =
        inside.iter().chain([&instance.state_dir, &instance.audit_path]).filter_map(|path| of(path)).max();
    newest.and_then(|time| Timestamp::try_from(time).ok())
}

fn measure(instance: &mut Instance) {
    let [traces, oauth] = [TRACES, OAUTH].map(|name| sizes::of(&instance.state_dir.join(name)));
    let (audit, cache) = (sizes::of_audit(&instance.audit_path), sizes::of(&instance.cache_dir));
    instance.sizes = sizes::Sizes {
        audit_bytes: audit.bytes,
        cache_bytes: cache.bytes,
        traces_bytes: traces.bytes,
        oauth_bytes: oauth.bytes,
        complete: [audit, cache, traces, oauth].iter().all(|size| size.is_complete),
    };
}

/// Waits on a condition that nobody signals.
pub(crate) fn pause() {
    let nobody = Mutex::new(());
    let guard = nobody.lock().unwrap_or_else(PoisonError::into_inner);
    drop(Condvar::new().wait_timeout(guard, PAUSE));
}
