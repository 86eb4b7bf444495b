//! What the process was started in, read once at the start, so that everything after it is a pure function.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Environment of a process. A variable that is set and empty counts as unset (INST-7, INST-8).
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `HOME`.
    pub home: Option<OsString>,
    /// `XDG_STATE_HOME`.
    pub xdg_state_home: Option<OsString>,
    /// `XDG_CACHE_HOME`.
    pub xdg_cache_home: Option<OsString>,
    /// `OPEN_CLI_STATE_DIR`: state root, for both programs (weakness 38).
    pub state_dir: Option<OsString>,
    /// `OPEN_CLI_INSTANCE_ID`, for both programs.
    pub instance_id: Option<OsString>,
    /// Working directory; empty when it can't be determined.
    pub current_dir: PathBuf,
}

impl Environment {
    /// The environment of this process.
    pub fn read() -> Self {
        Self {
            home: std::env::var_os("HOME"),
            xdg_state_home: std::env::var_os("XDG_STATE_HOME"),
            xdg_cache_home: std::env::var_os("XDG_CACHE_HOME"),
            state_dir: std::env::var_os("OPEN_CLI_STATE_DIR"),
            instance_id: std::env::var_os("OPEN_CLI_INSTANCE_ID"),
            current_dir: std::env::current_dir().unwrap_or_default(),
        }
    }
}

/// The value, unless it is empty.
pub(crate) fn non_empty<T: AsRef<OsStr> + ?Sized>(value: Option<&T>) -> Option<&OsStr> {
    value.map(AsRef::as_ref).filter(|text| !text.is_empty())
}
