//! Instances for the tests of this crate.

use crate::layout::{LOCK, RUNTIME_RECORD};
use crate::list::{Instance, look_up};
use crate::record::write_runtime_record;
use crate::{Environment, InstanceLock, InstanceOptions, Layout, Roots, resolve, roots};
use open_cli_contract::Timestamp;
use open_cli_contract::runtime::RuntimeRecord;
use open_cli_files::{Durability, replace};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A state root.
pub(crate) struct Ground {
    root: TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().expect("temporary directory") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn roots(&self) -> Roots {
        roots(&self.options("a"), &Environment::default()).expect("explicit root")
    }

    fn options(&self, id: &str) -> InstanceOptions {
        InstanceOptions {
            instance_id: Some(id.into()),
            state_dir: Some(self.path().join("state")),
            ..InstanceOptions::default()
        }
    }

    pub(crate) fn layout(&self, id: &str) -> Layout {
        resolve(&self.options(id), &Environment::default()).expect("resolvable")
    }

    /// Owned by this process, with a record.
    pub(crate) fn running(&self, id: &str) -> InstanceLock {
        let lock = self.layout(id).claim(Some(&self.config(id))).expect("free");
        lock.publish(&record(id, std::process::id())).expect("published");
        lock
    }

    pub(crate) fn stopped(&self, id: &str) {
        drop(self.running(id));
    }

    /// As after SIGKILL: the record is there, the lock is free.
    pub(crate) fn stale(&self, id: &str) {
        self.stopped(id);
        write_runtime_record(&self.layout(id).runtime_path, &record(id, gone())).expect("written");
    }

    pub(crate) fn config(&self, id: &str) -> PathBuf {
        self.path().join(id).join(".cli.json")
    }

    pub(crate) fn dir(&self, id: &str) -> PathBuf {
        self.layout(id).state_dir
    }

    /// A file of this size, below the state folder.
    pub(crate) fn put(&self, id: &str, name: &str, bytes: usize) -> PathBuf {
        let path = self.dir(id).join(name);
        put(&path, &vec![b'x'; bytes]);
        path
    }

    pub(crate) fn cached(&self, id: &str, bytes: usize) -> PathBuf {
        let path = self.layout(id).cache_dir.join("entry");
        put(&path, &vec![b'x'; bytes]);
        path
    }

    pub(crate) fn look(&self, id: &str) -> Instance {
        look_up(&self.roots(), id).expect("there is a folder")
    }

    /// A record as the reference writes it, without a lock.
    pub(crate) fn of_reference(&self, id: &str, pid: u32) {
        let text = format!("{{\"instanceId\":\"{id}\",\"url\":\"http://127.0.0.1:1\",\"pid\":{pid}}}");
        put(&self.dir(id).join(RUNTIME_RECORD), text.as_bytes());
    }

    /// Somebody who holds the lock and never said who.
    pub(crate) fn intruder(&self, id: &str) -> File {
        let file = File::open(self.dir(id).join(LOCK)).expect("lock");
        file.try_lock().expect("free");
        file
    }
}

pub(crate) fn put(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
    replace(path, content, Durability::Unsynced).expect("written");
}

pub(crate) fn record(id: &str, pid: u32) -> RuntimeRecord {
    RuntimeRecord {
        instance_id: id.into(),
        url: "http://127.0.0.1:8765".into(),
        pid,
        audit_path: String::new(),
        cache_dir: String::new(),
        bind_address: "127.0.0.1:8765".into(),
        version: "0.1.0".into(),
        started_at: Some(Timestamp::now()),
        config_path: format!("/srv/{id}/.cli.json"),
    }
}

/// A pid that nobody has: its process was waited for.
pub(crate) fn gone() -> u32 {
    let mut child = Command::new("true").spawn().expect("spawned");
    child.wait().expect("ended");
    child.id()
}

/// A process that lives as long as the handle's pipe is open.
pub(crate) fn alive() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("spawned")
}
