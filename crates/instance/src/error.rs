//! Why an instance could not be named, found or owned, and what to do about it.

use open_cli_files::FileError;
use std::path::PathBuf;

/// An operation on an instance failed.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// An explicit id has no letter or digit of `a-z0-9` (INST-6, weakness 26).
    #[error("the instance id {id:?} has no letter a-z or digit; choose one such as \"team-a\"")]
    EmptyId {
        /// As given.
        id: String,
    },
    /// An explicit id can't be a folder name.
    #[error("the instance id has {length} characters, at most {limit} are allowed; choose a shorter one")]
    IdTooLong {
        /// Of the slug.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// There is no place for the state or the cache.
    #[error("cannot tell where to keep the {what}: HOME is not set; set HOME or {variable}, or pass {flag}")]
    NoHome {
        /// `state` or `cache`.
        what: &'static str,
        /// The XDG variable that would help.
        variable: &'static str,
        /// The flag that would help.
        flag: &'static str,
    },
    /// A relative path has nothing to be relative to.
    #[error("{} is relative and the working directory is unknown; use an absolute path", path.display())]
    NoCurrentDirectory {
        /// As given.
        path: PathBuf,
    },
    /// The state directory can't be used.
    #[error("cannot use the state of instance {id}: {cause} (or choose another place with --state-dir)")]
    State {
        /// The instance.
        id: String,
        /// What failed.
        cause: FileError,
    },
    /// The lock can't be taken for a reason other than an owner.
    #[error(
        "cannot lock {}: {cause}; keep the state on a file system that supports locks (--state-dir)",
        path.display()
    )]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// Another process owns the instance (weakness 28).
    #[error("instance {id} is already running{owner}; stop it, or use another --instance-id or --state-dir")]
    Held {
        /// The instance.
        id: String,
        /// Pid, start, URL of the owner as far as known, with a leading space.
        owner: String,
        /// Pid of the owner, when known.
        pid: Option<u32>,
        /// URL of the owner, when it has published one.
        url: Option<String>,
    },
    /// An explicit id was used before with another configuration (weakness 25).
    #[error(
        "the state of instance {id} belongs to {}, not to {}; use another --instance-id, \
         or delete {} to hand the state over",
        recorded.display(), requested.display(), marker.display()
    )]
    OtherConfig {
        /// The instance.
        id: String,
        /// Configuration it was last used with.
        recorded: PathBuf,
        /// Configuration asked for.
        requested: PathBuf,
        /// The file that says so.
        marker: PathBuf,
    },
    /// A part of a dead instance can't be removed.
    #[error("cannot remove {}: {cause}; remove it by hand, or as the user that it belongs to", path.display())]
    Remove {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// `runtime.json` can't be read (STATE-10).
    #[error(transparent)]
    Record(#[from] FileError),
    /// `runtime.json` is not what it should be (STATE-10).
    #[error("{} is not a runtime record: {reason}; start the runtime again to replace it", path.display())]
    BadRecord {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
}
