//! Who holds the lock: the content of the lock file. Only for messages; the lock itself is what counts, because a
//! pid may be used again by another process (weakness 29).

use open_cli_contract::Timestamp;
use open_cli_files::read_bounded;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Largest lock file that is read.
const OWNER_MAX: u64 = 64 << 10;
/// `starttime` in `/proc/<pid>/stat` (proc_pid_stat(5)), counted from the state, the field after the name.
const START_TIME_AFTER_NAME: usize = 22 - 3;

/// The process that took the lock last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Owner {
    pub(crate) pid: u32,
    /// Clock ticks from boot to the start of the process: tells two processes with one pid apart. Linux only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) config_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
}

impl Owner {
    pub(crate) fn this_process(config_path: Option<&Path>) -> Self {
        Self {
            pid: std::process::id(),
            start_time: std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| start_time(&stat)),
            config_path: config_path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
            started_at: Some(Timestamp::now()),
        }
    }

    /// The owner named in a lock file; nothing when the file is missing or not readable as such.
    pub(crate) fn read(lock_path: &Path) -> Option<Self> {
        serde_json::from_slice(&read_bounded(lock_path, OWNER_MAX).ok()?).ok()
    }

    /// Writes this owner into the lock file. In place: a renamed file would leave the lock behind.
    pub(crate) fn write(&self, file: &File) -> io::Result<()> {
        let content = serde_json::to_vec(self)?;
        file.set_len(0)?;
        file.write_all_at(&content, 0)
    }
}

fn start_time(stat: &str) -> Option<u64> {
    // The name is in parentheses and may contain anything, also a closing one.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(START_TIME_AFTER_NAME)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_whatever_the_process_is_called() {
        let fields = (3..=30).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        for name in ["open-cli-toolbo", "a) S 1 (b", "x y"] {
            assert_eq!(start_time(&format!("4711 ({name}) {fields}\n")), Some(22));
        }
        for stat in ["", "1 (a", "1 (a) S 1"] {
            assert_eq!(start_time(stat), None);
        }
        if cfg!(target_os = "linux") {
            assert!(Owner::this_process(None).start_time.is_some_and(|ticks| ticks > 0));
        }
    }
}
