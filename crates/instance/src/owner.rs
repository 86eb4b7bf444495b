//! Who holds the lock: the content of the lock file. Only for messages; the lock itself is what counts, because a
//! pid may be used again by another process (weakness 29).

use crate::process;
use crate::regular::read_regular;
use open_cli_contract::Timestamp;
use open_cli_contract::runtime::RuntimeRecord;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Largest lock file that is read.
const OWNER_MAX: u64 = 64 << 10;

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
            start_time: process::start_time(std::process::id()),
            config_path: config_path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
            started_at: Some(Timestamp::now()),
        }
    }

    /// What is known of a runtime that has no record: what its lock says.
    pub(crate) fn as_record(&self, instance_id: String) -> RuntimeRecord {
        RuntimeRecord {
            instance_id,
            url: String::new(),
            pid: self.pid,
            audit_path: String::new(),
            cache_dir: String::new(),
            bind_address: String::new(),
            version: String::new(),
            started_at: self.started_at,
            config_path: self.config_path.clone(),
        }
    }

    /// The owner named in a lock file; nothing when the file is missing or not readable as such.
    pub(crate) fn read(lock_path: &Path) -> Option<Self> {
        serde_json::from_slice(&read_regular(lock_path, OWNER_MAX).ok()?).ok()
    }

    /// The process is there, and it is the one that took the lock.
    pub(crate) fn is_there(&self) -> bool {
        process::is_same(self.pid, self.start_time)
    }

    /// Writes this owner into the lock file. In place: a renamed file would leave the lock behind.
    pub(crate) fn write(&self, file: &File) -> io::Result<()> {
        let content = serde_json::to_vec(self)?;
        file.set_len(0)?;
        file.write_all_at(&content, 0)
    }
}
