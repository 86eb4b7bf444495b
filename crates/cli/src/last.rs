//! The last call of this client: what `trace last` looks for, and the client's own part of that trace. A convenience:
//! where it can't be written or read, nothing is said and the runtime is asked instead.

use open_cli_client::FinishedTrace;
use open_cli_contract::Timestamp;
use open_cli_contract::trace::TraceId;
use open_cli_contract::traces::SpanRecord;
use open_cli_files::{Durability, create_private_dir_all, read_bounded, replace};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Below the state root.
const FILE: &str = "client/last.json";
/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// A tool call or a refresh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastCall {
    /// As the runtime knows the request.
    pub(crate) request_id: String,
    pub(crate) trace_id: TraceId,
    /// Base URL.
    pub(crate) runtime: String,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Timestamp,
    /// The command, without arguments.
    pub(crate) name: String,
    pub(crate) exit: u8,
    /// Of the client.
    #[serde(default)]
    pub(crate) spans: Vec<SpanRecord>,
}

fn file(state_root: &Path) -> PathBuf {
    state_root.join(FILE)
}

/// The last call, when it is known.
pub(crate) fn read(state_root: &Path) -> Option<LastCall> {
    serde_json::from_slice(&read_bounded(&file(state_root), MAX_BYTES).ok()?).ok()
}

/// Remembers a call.
pub(crate) fn write(state_root: &Path, finished: &FinishedTrace, runtime: &str, exit: u8) -> Option<()> {
    let (call, root) = (finished.call.as_deref()?, finished.trace.root()?);
    let content = json!({
        "requestId": call,
        "traceId": finished.trace.trace_id,
        "runtime": runtime,
        "startedAt": finished.started_at,
        "finishedAt": root.finished_at(),
        "name": root.title(),
        "exit": exit,
        "spans": finished.trace.to_spans(),
    });
    let path = file(state_root);
    create_private_dir_all(path.parent()?).ok()?;
    // File systems write the content out when a file is renamed over another, which takes longer than the whole command
    // otherwise does. Nobody misses the old one in between.
    let _ = std::fs::remove_file(&path);
    replace(&path, content.to_string().as_bytes(), Durability::Unsynced).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_client::{CommandTrace, Environment, Telemetry};

    #[test]
    fn a_file_that_is_not_there_or_not_ours_is_no_call() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path()), None);
        std::fs::create_dir_all(root.path().join("client")).unwrap();
        replace(&file(root.path()), b"{}", Durability::Unsynced).unwrap();
        assert_eq!(read(root.path()), None);
    }

    #[test]
    fn a_command_that_called_nothing_is_not_remembered() {
        let root = tempfile::tempdir().unwrap();
        let environment = Environment::Fixed(Default::default());
        let trace = CommandTrace::start(Timestamp::now(), &environment, &Telemetry::default());
        assert!(trace.finish(0, None).is_none());
        assert!(!root.path().join("client").exists());
    }
}
