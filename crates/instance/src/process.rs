//! Processes that a file names. A pid alone says little: it is used again after its process ended (weakness 29). The
//! start time of the process, from `/proc/<pid>/stat` (proc_pid_stat(5)), tells two processes with one pid apart.
//!
//! Where there is no `/proc`, a process that is there counts as the one that is meant.

use rustix::process::{Pid, test_kill_process};
use std::time::{Duration, SystemTime};

/// `starttime` in `/proc/<pid>/stat`, counted from the state, the field after the name.
const START_TIME_AFTER_NAME: usize = 22 - 3;
/// `pgrp`, counted likewise.
const GROUP_AFTER_NAME: usize = 5 - 3;
/// How programs of ours are called; the system cuts the names of processes after 15 bytes.
const NAME_PREFIX: &str = "open-cli";
/// Times of files and of processes come from different clocks.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// What the system says about a process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stat {
    name: String,
    /// It ended and waits for its parent.
    is_over: bool,
    /// Clock ticks from boot to its start.
    start_time: u64,
    /// Its process group.
    group: u32,
}

/// Clock ticks from boot to the start of the process. Linux only.
pub fn start_time(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.start_time)
}

/// Is it there, and the one that started at this time? An unknown start time is not compared.
pub fn is_same(pid: u32, started: Option<u64>) -> bool {
    match stat(pid) {
        Some(stat) => !stat.is_over && started.is_none_or(|started| started == stat.start_time),
        None => exists(pid),
    }
}

/// The process group of a process that has not ended. Linux only.
pub fn group(pid: u32) -> Option<u32> {
    stat(pid).filter(|stat| !stat.is_over).map(|stat| stat.group)
}

/// Could this process have written a file that was last written at `written`? It could when it is there, unless it
/// began later and isn't one of our programs. In doubt it could.
pub(crate) fn may_have_written(pid: u32, written: Option<SystemTime>) -> bool {
    let Some(stat) = stat(pid) else { return exists(pid) };
    if stat.is_over {
        return false;
    }
    let (Some(written), Some(began)) = (written, wall_clock(stat.start_time)) else { return true };
    stat.name.starts_with(NAME_PREFIX) || began <= written + CLOCK_TOLERANCE
}

/// Is there a process with this pid, whoever it belongs to?
pub(crate) fn exists(pid: u32) -> bool {
    let Some(pid) = system_pid(pid) else { return false };
    // Processes of others exist too.
    !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

/// The pid as the system takes it; 0 and what is too large name no process.
pub(crate) fn system_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<Stat> {
    // The name is in parentheses and may contain anything, also a closing one.
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let mut fields = after.split_ascii_whitespace();
    let is_over = matches!(fields.clone().next()?, "Z" | "X" | "x");
    let group = fields.clone().nth(GROUP_AFTER_NAME)?.parse().ok()?;
    let start_time = fields.nth(START_TIME_AFTER_NAME)?.parse().ok()?;
    Some(Stat { name, is_over, start_time, group })
}

/// The time of day at which a process began.
fn wall_clock(start_time: u64) -> Option<SystemTime> {
    let system = std::fs::read_to_string("/proc/stat").ok()?;
    let booted: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let seconds = start_time / rustix::param::clock_ticks_per_second().max(1);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(booted.checked_add(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_whatever_the_process_is_called() {
        let fields = (4..=30).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        for name in ["open-cli-toolbo", "a) S 1 (b", "x y"] {
            let stat = parse(&format!("4711 ({name}) S {fields}\n")).expect("a process");
            assert_eq!((stat.start_time, stat.group, stat.name.as_str(), stat.is_over), (22, 5, name, false));
        }
        assert!(parse(&format!("1 (a) Z {fields}")).expect("a process").is_over);
        for stat in ["", "1 (a", "1 (a) S 1", "1 a) S"] {
            assert_eq!(parse(stat), None, "{stat}");
        }
    }

    #[test]
    fn a_pid_that_is_used_again_is_another_process() {
        let me = std::process::id();
        let started = start_time(me).expect("Linux");
        assert!(is_same(me, Some(started)) && is_same(me, None));
        assert!(!is_same(me, Some(started + 1)), "another one had this pid before");
        assert!(!is_same(0, None) && !is_same(u32::MAX, None), "no process has such a pid");
    }

    #[test]
    fn a_process_has_not_written_what_is_older_than_itself() {
        let me = std::process::id();
        let now = SystemTime::now();
        assert!(may_have_written(me, Some(now)));
        assert!(may_have_written(me, None), "in doubt it has");
        assert!(!may_have_written(me, Some(now - Duration::from_secs(24 * 60 * 60))), "the pid is used again");
        assert!(!may_have_written(u32::MAX, Some(now)));
    }
}
