//! The programs that run for this instance, in `managed-mcp-pids.json`, so that the next start can end what a crash
//! left behind (PS-2, STATE-4, W66, W67). A pid alone is never signalled: it may be somebody else's by now.
//!
//! The file has the contract's `pids`; beside them `processes` with start times, and the mark that all programs of this
//! run, and what they start, have in their environment.

use open_cli_files::{Durability, read_bounded, replace};
use open_cli_instance::process;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Variable that tells whose a process is.
pub(crate) const MARK: &str = "OPEN_CLI_MCP_RUN";
/// Largest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Processes that are looked at when leftovers are searched.
const MAX_PROCESSES: usize = 100_000;
/// Longest environment of a process that is searched for the mark.
const MAX_ENVIRONMENT_BYTES: u64 = 1 << 20;
/// How long leftovers get after SIGTERM; they had their chance when their input ended.
const LEFTOVER_PATIENCE: Duration = Duration::from_millis(250);
/// How often they are looked at meanwhile.
const POLL: Duration = Duration::from_millis(10);

/// What the file says.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    /// Ascending.
    #[serde(default)]
    pids: Vec<i32>,
    #[serde(default)]
    processes: Vec<Process>,
    #[serde(default)]
    mark: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    pid: i32,
    /// Clock ticks since boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_time: Option<u64>,
    #[serde(default)]
    source: String,
}

/// The programs that run.
pub struct Children {
    path: Option<PathBuf>,
    mark: String,
    running: Mutex<BTreeMap<i32, Process>>,
}

impl Children {
    /// Programs that no file remembers; for commands that end with their programs.
    pub fn unrecorded() -> Self {
        Self { path: None, mark: format!("{:032x}", fastrand::u128(..)), running: Mutex::default() }
    }

    /// Ends what an earlier run left behind, and begins with an empty list. Blocking; takes up to half a second when
    /// there is something to end. The folder must be the caller's own.
    pub fn open(path: &Path) -> Self {
        if let Ok(content) = read_bounded(path, MAX_FILE_BYTES) {
            match serde_json::from_slice::<Record>(&content) {
                Ok(record) => end_leftovers(&record),
                // STATE-4.
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "the list of programs is malformed and ignored")
                }
            }
            let _ = std::fs::remove_file(path);
        }
        Self { path: Some(path.to_owned()), ..Self::unrecorded() }
    }

    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    pub(crate) fn add(&self, pid: Pid, source: &str) {
        let pid = pid.as_raw_nonzero().get();
        let start_time = u32::try_from(pid).ok().and_then(process::start_time);
        let mut running = self.running.lock();
        running.insert(pid, Process { pid, start_time, source: source.to_owned() });
        self.write(&running);
    }

    pub(crate) fn remove(&self, pid: Pid) {
        let mut running = self.running.lock();
        if running.remove(&pid.as_raw_nonzero().get()).is_some() {
            self.write(&running);
        }
    }

    fn write(&self, running: &BTreeMap<i32, Process>) {
        let Some(path) = &self.path else { return };
        if running.is_empty() {
            // Gone already is as good.
            let _ = std::fs::remove_file(path);
            return;
        }
        let record = Record {
            pids: running.keys().copied().collect(),
            processes: running.values().cloned().collect(),
            mark: self.mark.clone(),
        };
        let written = serde_json::to_vec(&record).map_err(|error| error.to_string()).and_then(|bytes| {
            // It is of use after a crash of the process, not after one of the machine.
            replace(path, &bytes, Durability::Unsynced).map_err(|error| error.to_string())
        });
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), error, "the list of programs can't be written; after a crash they would be left behind");
        }
    }
}

/// Ends the groups of processes that are surely the ones recorded.
fn end_leftovers(record: &Record) {
    let unverified =
        record.pids.iter().filter(|pid| !record.processes.iter().any(|process| process.pid == **pid)).count();
    if unverified > 0 {
        tracing::warn!(
            unverified,
            "programs that an earlier version left behind can't be told from others, and are left alone"
        );
    }
    let groups: Vec<&Process> = record.processes.iter().filter(|process| is_ours(process, &record.mark)).collect();
    let signal = |process: &Process, signal| {
        if let Some(group) = Pid::from_raw(process.pid) {
            // Fails when nobody is left.
            let _ = kill_process_group(group, signal);
        }
    };
    for process in &groups {
        tracing::warn!(
            source = process.source,
            pid = process.pid,
            "a program that a killed runtime left behind is ended"
        );
        signal(process, Signal::TERM);
    }
    let mut left = groups;
    wait(&mut left, &record.mark);
    left.iter().for_each(|process| signal(process, Signal::KILL));
    // Gone means gone: whoever starts next may want the same port or lock.
    wait(&mut left, &record.mark);
}

fn wait(left: &mut Vec<&Process>, mark: &str) {
    let until = Instant::now() + LEFTOVER_PATIENCE;
    while !left.is_empty() && Instant::now() < until {
        std::thread::park_timeout(POLL);
        left.retain(|process| is_ours(process, mark));
    }
}

/// The recorded process itself, or one of its group with the mark: a pid is not given to anybody else while a group
/// has it as its id.
fn is_ours(process: &Process, mark: &str) -> bool {
    let Ok(pid) = u32::try_from(process.pid) else { return false };
    if pid < 2 {
        return false;
    }
    let is_leader = process.start_time.is_some_and(|started| process::is_same(pid, Some(started)));
    is_leader || (!mark.is_empty() && has_marked_member(pid, mark))
}

fn has_marked_member(group: u32, mark: &str) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    let pids =
        entries.flatten().take(MAX_PROCESSES).filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut members = pids.filter(|pid| process::group(*pid) == Some(group));
    let wanted = format!("{MARK}={mark}");
    members.any(|pid| {
        let environment = read_bounded(Path::new(&format!("/proc/{pid}/environ")), MAX_ENVIRONMENT_BYTES);
        environment.is_ok_and(|text| text.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    /// A program that ignores SIGTERM and the end of its input, with a child of its own.
    fn stubborn(mark: &str) -> Child {
        let script = "trap '' TERM; sleep 60 & wait; sleep 60";
        let mut command = Command::new("sh");
        command.args(["-c", script]).env(MARK, mark).process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        command.spawn().expect("sh")
    }

    fn pid_of(child: &Child) -> i32 {
        i32::try_from(child.id()).expect("pid")
    }

    fn is_running(child: &mut Child) -> bool {
        child.try_wait().expect("wait").is_none()
    }

    fn put(path: &Path, record: &Record) {
        replace(path, &serde_json::to_vec(record).expect("JSON"), Durability::Unsynced).expect("written");
    }

    /// PS-2, W67.
    #[test]
    fn the_next_start_ends_what_is_surely_ours_and_nothing_else() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("managed-mcp-pids.json");
        let (mut ours, mut recycled, mut old) = (stubborn("m"), stubborn("other"), stubborn("other"));
        let started = process::start_time(ours.id()).expect("Linux");
        let process = |child: &Child, start_time| Process { pid: pid_of(child), start_time, source: "x".into() };
        let processes = vec![process(&ours, Some(started)), process(&recycled, Some(1))];
        let pids = vec![pid_of(&ours), pid_of(&recycled), pid_of(&old), -1, 0, 1];
        put(&path, &Record { pids, processes, mark: "m".into() });
        Children::open(&path);
        let _ = ours.wait();
        assert!(is_running(&mut recycled), "its pid is used again");
        assert!(is_running(&mut old), "only its pid is known");
        assert!(!path.exists());
        for mut other in [recycled, old] {
            let _ = other.kill();
            let _ = other.wait();
        }
    }

    #[test]
    fn what_a_program_started_is_found_by_its_mark_when_the_program_is_gone() {
        let mut leader = stubborn("mine");
        let process = Process { pid: pid_of(&leader), start_time: Some(1), source: "x".into() };
        // Given a moment, the shell has started its child.
        while !has_marked_member(leader.id(), "mine") {
            std::thread::park_timeout(POLL);
        }
        assert!(is_ours(&process, "mine") && !is_ours(&process, "another") && !is_ours(&process, ""));
        if let Some(group) = Pid::from_raw(pid_of(&leader)) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = leader.wait();
    }

    #[test]
    fn the_file_names_what_runs_and_goes_with_the_last() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("managed-mcp-pids.json");
        put(&path, &Record::default());
        let children = Children::open(&path);
        let [first, second] = [4_000_001, 4_000_000].map(|pid| Pid::from_raw(pid).expect("pid"));
        children.add(first, "a");
        children.add(second, "b");
        let written: Record = serde_json::from_slice(&std::fs::read(&path).expect("file")).expect("JSON");
        assert_eq!(written.pids, [4_000_000, 4_000_001]);
        assert_eq!((written.processes.len(), written.mark.len()), (2, 32));
        children.remove(first);
        children.remove(second);
        assert!(!path.exists());
    }
}
